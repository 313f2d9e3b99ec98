"""The audit log: every act is there, it only grows, and tampering shows."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from schemas.errors import StoreError
from store.assignments import add_assignment, remove_assignment
from store.audit import FIRST, Actor, acting, check_log, list_log, record, seal
from store.decisions import Decision, add_decision
from store.drafts import drop_draft, put_draft, put_draft_file
from store.forms import add_form_version, set_form_state
from store.open import Store
from store.passwords import set_password
from store.people import add_person, list_people, renew_key, revoke_person, set_communes, set_role
from store.personal import PersonalAccess, read_personal
from store.releases import add_release, set_release_state
from store.reviews import add_comment, add_review
from store.sessions import add_session, end_session
from store.trials import open_trial

AT = datetime(2026, 11, 24, 12, 30, 0, 123456, tzinfo=UTC)
SECRET = "caballo-grapa-bateria"


def add_form(connection: Connection, store: Store, form_id: str = "f") -> None:
    add_form_version(
        connection, store.blobs, form_id=form_id, version="1", title="F", xform=b"<x/>", workbook=None, media={}
    )


def acts(store: Store) -> list[tuple[str, str, str, str]]:
    with store.read() as connection:
        return [(row.act, row.kind, row.object, row.note) for row in list_log(connection)]


def test_each_row_seals_the_one_before_it(store: Store) -> None:
    with store.begin() as connection:
        first = record(connection, "a", "thing", 7, note="ñ\0\ud800\n", by=Actor("operator x", "c" * 500), at=AT)
        second = record(connection, "b")
    assert (first.id, first.former_sha256, second.id, second.former_sha256) == (1, FIRST, 2, first.sha256)
    assert (first.note, len(first.client)) == ("ñ???", 300)
    with store.read() as connection:
        assert list_log(connection)[0] == first
        assert seal(first) == first.sha256
        check = check_log(connection)
    assert (check.rows, check.broken_at, check.sha256) == (2, None, second.sha256)


def test_an_empty_log_is_whole(store: Store) -> None:
    with store.read() as connection:
        assert check_log(connection).rows == 0
        assert check_log(connection).broken_at is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET note = 'x' WHERE id = 2",
        "DELETE FROM audit_log WHERE id = 3",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log WHERE id = 2",
    ],
)
def test_the_database_refuses_whatever_is_not_one_more_row(store: Store, statement: str) -> None:
    with store.begin() as connection:
        for number in range(3):
            record(connection, "act", "thing", number)
    with pytest.raises(StoreError), store.begin() as connection:
        connection.execute(text(statement))
    with store.read() as connection:
        assert check_log(connection).rows == 3
        assert check_log(connection).broken_at is None


def disarm(connection: Connection) -> None:
    """What somebody does who owns the database."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER ALL"))
        return
    for event in ("update", "delete", "insert"):
        connection.execute(text(f"DROP TRIGGER audit_log_{event}"))


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE audit_log SET note = 'x' WHERE id = 3", 3),
        ("UPDATE audit_log SET who = 'person 1' WHERE id = 1", 1),
        ("DELETE FROM audit_log WHERE id = 2", 2),
        ("DELETE FROM audit_log WHERE id = 1", 1),
        ("UPDATE audit_log SET id = 9 WHERE id = 5", 5),
    ],
)
def test_tampering_shows_where_it_happened(store: Store, statement: str, broken_at: int) -> None:
    with store.begin() as connection:
        for number in range(5):
            record(connection, "act", "thing", number)
    with store.begin() as connection:
        disarm(connection)
        connection.execute(text(statement))
    with store.read() as connection:
        assert check_log(connection).broken_at == broken_at


def test_a_log_cut_off_at_its_end_shows_in_its_digest(store: Store) -> None:
    with store.begin() as connection:
        for number in range(3):
            record(connection, "act", "thing", number)
    with store.begin() as connection:
        before = check_log(connection)
        disarm(connection)
        connection.execute(text("DELETE FROM audit_log WHERE id = 3"))
        after = check_log(connection)
    assert after.broken_at is None
    assert after.sha256 != before.sha256


def test_acts_of_several_threads_stand_in_one_chain(store: Store) -> None:
    def work(name: str) -> None:
        with acting(Actor(name)):
            for _ in range(5):
                with store.begin() as connection:
                    record(connection, "act")

    threads = [threading.Thread(target=work, args=(f"person {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert check_log(connection).broken_at is None
        assert [len(list_log(connection, who=f"person {number}")) for number in range(4)] == [5] * 4


def test_what_is_rolled_back_was_never_done(store: Store) -> None:
    with pytest.raises(RuntimeError), store.begin() as connection:
        add_person(connection, "Ana", "enumerator")
        raise RuntimeError
    assert acts(store) == []


def test_people_leave_their_traces(store: Store) -> None:
    with store.begin() as connection, acting(Actor("operator x", "comunal")):
        add_form(connection, store)
        number = add_person(connection, "Ana Secreta", "statistician", communes=["13125"]).id
        set_communes(connection, number, ["13101", "13125"])
        set_communes(connection, number, [])
        set_password(connection, number, SECRET)
        (ana,) = list_people(connection)
        session = add_session(connection, ana, client="10.0.0.1 pyodk")
        end_session(connection, session.token)
        set_role(connection, number, "enumerator")
        renew_key(connection, number)
        add_assignment(connection, number, "f")
        add_assignment(connection, number, "f")
        remove_assignment(connection, number, "f")
        remove_assignment(connection, number, "f")
        revoke_person(connection, number)
        revoke_person(connection, number)
    assert acts(store) == [
        ("form.add", "form", "f", "version 1"),
        ("person.add", "person", "1", "statistician 13125"),
        ("person.communes", "person", "1", "13125 -> 13101 13125"),
        ("person.communes", "person", "1", "13101 13125 -> all"),
        ("person.password", "person", "1", ""),
        ("login", "person", "1", ""),
        ("logout", "person", "1", ""),
        ("person.role", "person", "1", "statistician -> enumerator"),
        ("person.key", "person", "1", ""),
        ("person.assign", "person", "1", "form f"),
        ("person.unassign", "person", "1", "form f"),
        ("person.revoke", "person", "1", ""),
    ]
    with store.read() as connection:
        rows = list_log(connection)
        assert {row.who for row in rows if row.act != "login"} == {"operator x"}
        assert [(row.who, row.client) for row in list_log(connection, act="login")] == [("person 1", "10.0.0.1 pyodk")]
        assert len(list_log(connection, act="person")) == 9
        assert [row.act for row in list_log(connection, last=2)] == ["person.unassign", "person.revoke"]
        assert list_log(connection, since=datetime.now(UTC) + timedelta(hours=1)) == []
        assert "Secreta" not in repr(rows)
        assert SECRET not in repr(rows)


def test_forms_decisions_and_releases_leave_their_traces(store: Store) -> None:
    with store.begin() as connection:
        number = add_person(connection, "Ana", "statistician").id
        add_form(connection, store)
        add_form(connection, store)
        set_form_state(connection, "f", "1", "closing")
        set_form_state(connection, "f", "1", "closing")
        draft: dict[str, object] = {"version": "2", "title": "F", "xform": b"<y/>", "workbook": None}
        put_draft(connection, store.blobs, form_id="f", media={"a.csv": b"x"}, person_id=number, **draft)  # type: ignore[arg-type]
        put_draft_file(connection, store.blobs, "f", "b.csv", b"y")
        open_trial(connection, "f")
        drop_draft(connection, "f")
        drop_draft(connection, "f")
        add_decision(connection, Decision("f", "uuid:1", "correct", "her words", "Ana", "", "r1", "q", "secret"))
        add_review(connection, "f", "uuid:1", "approved", number)
        add_comment(connection, "f", "uuid:1", "secret words", number)
        read_personal(connection, PersonalAccess("Ana", "secret reason"), "f")
        for _ in range(2):
            add_release(connection, release_id="f-1", form_id="f", folder="x", sha256="0" * 64)
        set_release_state(connection, "f-1", "approved", "Ana")
    found = acts(store)
    assert found[1:] == [
        ("form.add", "form", "f", "version 1"),
        ("form.state", "form", "f", "version 1: open -> closing"),
        ("draft.put", "form", "f", "version 2"),
        ("draft.file", "form", "f", ""),
        ("draft.address", "form", "f", ""),
        ("draft.drop", "form", "f", ""),
        ("decision.correct", "interview", "uuid:1", "form f r1"),
        ("review", "interview", "uuid:1", "form f: approved"),
        ("comment", "interview", "uuid:1", "form f"),
        ("personal.read", "form", "f", "0 answers"),
        ("release.add", "release", "f-1", "sha256 " + "0" * 64),
        ("release.state", "release", "f-1", "draft -> approved"),
    ]
    assert "secret" not in repr(found)
