"""Findings, decisions, people, releases, personal answers and form versions: keyed, logged, never rewritten."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from schemas.errors import AccessError, StoreError
from schemas.findings import Finding, Rule, RuleSummary
from schemas.submissions import PersonalAnswer
from schemas.tables import people
from store.arrivals import NewSubmission, add_submissions
from store.decisions import Decision, add_decision, list_decisions
from store.findings import (
    FindingChanges,
    blocked_instances,
    list_findings,
    list_rule_runs,
    put_findings,
    put_rule_runs,
)
from store.forms import (
    FormVersionRow,
    add_form_version,
    get_form_version,
    get_form_version_by_id,
    list_form_versions,
    list_offered,
    read_media,
    read_workbook,
    read_xform,
    set_form_state,
)
from store.open import Store
from store.people import add_person, get_person_by_key, list_people, revoke_person
from store.personal import PersonalAccess, list_access, put_personal, read_personal
from store.releases import add_release, get_latest, get_release, list_releases, set_release_state
from store.settings import personal_key

FORM = "encuesta"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def finding(instance: str, rule: str = "required:/data/age", severity: str = "error", row: str = "") -> Finding:
    text = {"es": "Falta la edad", "en": "Age is missing"}
    return Finding(FORM, "1", instance, row, rule, "required", severity, "/data/age", text, {}, ("age",))  # type: ignore[arg-type]


def put(store: Store, found: list[Finding], rules: set[str], at: datetime = NOW) -> FindingChanges:
    with store.begin() as connection:
        return put_findings(connection, FORM, found, rules, at)


def listed(store: Store, state: str = "open") -> list[Finding]:
    with store.read() as connection:
        return list_findings(connection, FORM, state)


def blocked(store: Store) -> set[str]:
    with store.read() as connection:
        return blocked_instances(connection, FORM)


def test_findings_open_stay_close_and_open_again(store: Store) -> None:
    rules = {"required:/data/age"}
    one, two = finding("a"), finding("b", row="person[1]")
    assert put(store, [one, two, one], rules) == FindingChanges(2, 0, 0)
    assert put(store, [two, one], rules) == FindingChanges(0, 2, 0)
    assert listed(store) == [one, two]
    assert put(store, [two], rules) == FindingChanges(0, 1, 1)
    assert (listed(store), listed(store, "closed"), len(listed(store, "all"))) == ([two], [one], 2)
    assert put(store, [one, two], rules, LATER) == FindingChanges(1, 1, 0)
    assert (listed(store), listed(store, "closed")) == ([one, two], [])


def test_a_finding_that_reads_otherwise_now_is_updated(store: Store) -> None:
    old = finding("a")
    new = replace(old, message={"es": "Falta la edad de la persona"}, severity="warning", form_version="2")
    put(store, [old], {old.rule_id})
    assert put(store, [new], {old.rule_id}) == FindingChanges(0, 1, 0)
    assert listed(store) == [new]


def test_a_rule_that_was_not_evaluated_closes_nothing(store: Store) -> None:
    put(store, [finding("a")], {"required:/data/age"})
    assert put(store, [], {"check:other"}) == FindingChanges(0, 0, 0)
    assert len(listed(store)) == 1
    assert put(store, [], {"required:/data/age"}) == FindingChanges(0, 0, 1)


def test_an_open_error_blocks_its_interview_until_it_is_accepted(store: Store) -> None:
    put(store, [finding("a"), finding("b", severity="warning"), finding("", "field:pace")], {"x"})
    assert blocked(store) == {"a"}
    decision = Decision(FORM, "a", "accept", "she is 104 years old", "Ana", rule_id="required:/data/age", at=NOW)
    with store.begin() as connection:
        add_decision(connection, decision)
        number = add_decision(connection, Decision(FORM, "c", "exclude", "practice interview", "Ana", at=NOW))
        add_decision(connection, Decision(FORM, "c", "second", "I say so too", "Ana", seconds=number))
    assert blocked(store) == set()  # nobody excludes alone
    with store.begin() as connection:
        add_decision(connection, Decision(FORM, "c", "second", "so it was", "Luis", seconds=number))
    assert blocked(store) == {"c"}
    with store.begin() as connection:
        add_decision(connection, Decision(FORM, "c", "include", "it was real", "Ana"))
        log = list_decisions(connection, FORM)
    assert blocked(store) == set()
    assert replace(log[0], id=None) == decision
    assert [entry.action for entry in log] == ["accept", "exclude", "second", "second", "include"]


@pytest.mark.parametrize(
    ("action", "reason", "person"), [("delete", "x", "y"), ("accept", " ", "y"), ("accept", "x", "")]
)
def test_a_decision_needs_an_action_a_reason_and_a_person(store: Store, action: str, reason: str, person: str) -> None:
    with store.begin() as connection, pytest.raises(StoreError, match=r"^STO-016"):
        add_decision(connection, Decision(FORM, "a", action, reason, person))


def test_findings_of_a_superseded_interview_no_longer_count(store: Store) -> None:
    with store.begin() as connection:
        add_form_version(
            connection, store.blobs, form_id=FORM, version="1", title="E", xform=b"<x/>", workbook=None, media={}
        )
        add_submissions(connection, store.blobs, [NewSubmission(FORM, "1", "a", b"<a/>", NOW)])
    put(store, [finding("a")], {"x"})
    assert blocked(store) == {"a"}
    with store.begin() as connection:
        add_submissions(connection, store.blobs, [NewSubmission(FORM, "1", "b", b"<b/>", NOW, "a")])
    assert (blocked(store), listed(store)) == (set(), [])


def test_rules_come_back_with_how_they_fared_in_their_order(store: Store) -> None:
    rules = [
        RuleSummary(Rule(f"r{n}", "check", "main", "error", "1 = 1", {"es": "ñ"}, {}, ("a", "b"), "late"), n, 1)
        for n in (3, 1, 2)
    ]
    for _ in range(2):
        with store.begin() as connection:
            put_rule_runs(connection, FORM, rules, NOW)
            assert list_rule_runs(connection, FORM) == rules
            put_rule_runs(connection, "other", [], NOW)
    with store.begin() as connection:
        put_rule_runs(connection, FORM, rules[:1])
        assert list_rule_runs(connection, FORM) == rules[:1]


def test_a_key_is_shown_once_and_kept_only_as_its_digest(store: Store) -> None:
    with store.begin() as connection:
        new = add_person(connection, " Rosa ", "enumerator", NOW)
        stored = connection.execute(select(people)).one()._mapping
        assert new.key not in map(str, stored.values())
        assert stored["key_sha256"] == hashlib.sha256(new.key.encode()).hexdigest()
        assert new.key not in repr(new)
        assert len(new.key) >= 43
        person = get_person_by_key(connection, new.key)
        assert person is not None
        assert (person.name, person.role, person.created_at) == ("Rosa", "enumerator", NOW)
        assert get_person_by_key(connection, new.key + "x") is None
        assert get_person_by_key(connection, "\ud800") is None
        revoke_person(connection, person.id, LATER)
        revoke_person(connection, person.id, LATER + timedelta(days=1))
        assert get_person_by_key(connection, new.key) is None
        assert [one.revoked_at for one in list_people(connection)] == [LATER]
        with pytest.raises(AccessError, match=r"^ACC-003"):
            revoke_person(connection, 99)
        for name, role in (("Ana", "king"), ("  ", "reviewer")):
            with pytest.raises(AccessError, match=r"^ACC-002"):
                add_person(connection, name, role)


def test_personal_answers_are_read_only_for_a_reason_and_every_reading_is_logged(store: Store) -> None:
    answers = [
        PersonalAnswer("p1", "a", "", "name", "name", "Rosa Díaz"),
        PersonalAnswer("p1", "a", "", "phone", "phone", "+56 9"),
        PersonalAnswer("p2", "b", "person[1]", "name", "name", "Jean"),
    ]
    assert "Rosa" not in repr(answers)
    for _ in range(2):
        with store.begin() as connection:
            put_personal(connection, FORM, ["a", "b"], answers)
    right = PersonalAccess("Ana", "call back")
    with store.begin() as connection:
        frame = read_personal(connection, right, FORM, NOW)
        assert read_personal(connection, right, "other", LATER).is_empty()
    assert frame.rows() == [(a.personal_id, a.instance_id, a.row_id, a.question, a.kind, a.value) for a in answers]
    with store.read() as connection:
        log = list_access(connection)
    assert [(one.person, one.reason, one.form_id, one.rows, one.at) for one in log] == [
        ("Ana", "call back", FORM, 3, NOW),
        ("Ana", "call back", "other", 0, LATER),
    ]
    for person, reason in (("", "x"), ("Ana", "  ")):
        with pytest.raises(AccessError, match=r"^ACC-004"):
            PersonalAccess(person, reason)


def test_a_reading_that_can_not_be_logged_does_not_happen(store: Store) -> None:
    with pytest.raises(StoreError), store.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON") if connection.dialect.name == "sqlite" else None
        read_personal(connection, PersonalAccess("Ana", "call back"), FORM)


def test_the_personal_key_is_made_once(store: Store) -> None:
    with store.begin() as connection:
        key = personal_key(connection)
    with store.read() as connection:
        assert personal_key(connection) == key
    assert len(key) == 32
    assert len(set(key)) > 8


def test_a_release_is_never_rewritten(store: Store) -> None:
    values = {"form_id": FORM, "folder": "releases/r1", "sha256": "a" * 64, "details": {"n": 3}}
    with store.begin() as connection:
        first = add_release(connection, release_id="r1", **values, at=NOW)  # type: ignore[arg-type]
        assert add_release(connection, release_id="r1", **values, at=LATER) == first  # type: ignore[arg-type]
        with pytest.raises(StoreError, match=r"^STO-017"):
            add_release(connection, release_id="r1", **(values | {"sha256": "b" * 64}))  # type: ignore[arg-type]
        second = add_release(connection, release_id="r2", **values)  # type: ignore[arg-type]
        assert (first.state, first.details, first.created_at) == ("draft", {"n": 3}, NOW)
        assert list_releases(connection) == list_releases(connection, FORM) == [first, second]
        assert get_latest(connection, FORM) == second
        set_release_state(connection, "r2", "withdrawn", "Ana", LATER)
        assert get_latest(connection, FORM) == first
        assert (get_release(connection, "r2").state_by, get_release(connection, "r2").state_at) == ("Ana", LATER)
        assert get_latest(connection, "other") is None
        with pytest.raises(StoreError, match=r"^STO-018"):
            set_release_state(connection, "r9", "approved", "Ana")
        with pytest.raises(StoreError, match=r"^STO-019"):
            set_release_state(connection, "r1", "lost", "Ana")


def register(store: Store, version: str = "1", **changes: object) -> FormVersionRow:
    values = {"form_id": FORM, "title": "Encuesta ñ", "xform": b"<x/>", "workbook": b"PK", "media": {"b.csv": b"1"}}
    with store.begin() as connection:
        return add_form_version(connection, store.blobs, version=version, **(values | changes))  # type: ignore[arg-type]


def test_a_form_version_is_registered_once_with_exactly_its_bytes(store: Store) -> None:
    row = register(store, media={"b.csv": b"1", "a.png": b"\0" * 300_000})
    assert register(store, media={"a.png": b"\0" * 300_000, "b.csv": b"1"}, workbook=b"PK2") == row
    assert row.xform_md5 == hashlib.md5(b"<x/>", usedforsecurity=False).hexdigest()
    assert [(file.name, file.md5) for file in row.media] == [
        ("a.png", hashlib.md5(b"\0" * 300_000, usedforsecurity=False).hexdigest()),
        ("b.csv", hashlib.md5(b"1", usedforsecurity=False).hexdigest()),
    ]
    with store.read() as connection:
        assert read_xform(connection, store.blobs, row) == b"<x/>"
        assert read_workbook(connection, store.blobs, row) == b"PK"
        assert read_media(connection, store.blobs, row) == {"b.csv": b"1", "a.png": b"\0" * 300_000}
        assert get_form_version_by_id(connection, row.id) == row
        assert get_form_version_by_id(connection, 99) is None


@pytest.mark.parametrize("changes", [{"xform": b"<y/>"}, {"media": {"b.csv": b"2"}}, {"media": {}}])
def test_other_bytes_under_a_registered_version_are_refused_with_advice(
    store: Store, changes: dict[str, object]
) -> None:
    row = register(store)
    with pytest.raises(StoreError, match=r"^STO-010 Version '1' of form 'encuesta' .*Give the form a new version"):
        register(store, **changes)
    with store.read() as connection:
        assert list_form_versions(connection) == [row]


def test_phones_are_offered_the_latest_open_version_of_each_form(store: Store) -> None:
    register(store, "2026112402")
    latest = register(store, "2026112401")
    other = register(store, "", form_id="aaa", workbook=None)
    with store.begin() as connection:
        assert list_offered(connection) == [other, latest]
        assert get_form_version(connection, FORM) == latest
        assert get_form_version(connection, FORM, "2026112402").version == "2026112402"
        assert read_workbook(connection, store.blobs, other) is None
        assert len(list_form_versions(connection, FORM)) == 2
        set_form_state(connection, FORM, "2026112401", "closing")
        assert list_offered(connection) == [other]
        for form_id, version in (("none", None), (FORM, "none")):
            with pytest.raises(StoreError, match=r"^STO-011"):
                get_form_version(connection, form_id, version)
    with pytest.raises(StoreError, match=r"^STO-007"), store.begin() as connection:
        set_form_state(connection, FORM, "2026112401", "ajar")
