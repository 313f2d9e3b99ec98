"""Deciding: the right, the form's logic run again, what follows, four eyes, undoing; nothing of a person in the log."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from decided_survey import AT, FORM, SENTINEL, add_people, interview_xml, make_survey, person_xml, send
from sqlalchemy import text

from console.acts.deciding import decide, list_log, preview, read_interview, second, undo
from console.acts.wishes import Change, Wish
from flows.checking import check
from flows.releasing import release
from schemas.errors import AccessError, ComunalError, DecisionError
from store.audit import list_log as list_audit
from store.findings import blocked_instances, list_findings
from store.open import Store, open_store
from store.people import Person, list_people

People = dict[str, Person]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survey")
    with open_store(folder / "data") as store:
        make_survey(store, folder)
        add_people(store)
    return folder / "data"


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(template, tmp_path / "data")
    with open_store(tmp_path / "data") as store:
        yield store


@pytest.fixture
def people(store: Store) -> People:
    with store.read() as connection:
        return {person.name.lower(): person for person in list_people(connection)}


def correct(instance: str, *changes: Change, reason: str = "asked again by phone") -> Wish:
    return Wish("correct", f"uuid:{instance}", reason, changes=changes)


AGE = Change("age", "7", "person[2]")
ROOMS = Change("rooms", "4")


def found(store: Store) -> dict[str, set[str]]:
    with store.read() as connection:
        rows = list_findings(connection, FORM)
    by: dict[str, set[str]] = {}
    for row in rows:
        by.setdefault(row.instance_id.removeprefix("uuid:"), set()).add(row.rule_id)
    return by


def blocked(store: Store) -> set[str]:
    with store.read() as connection:
        return blocked_instances(connection, FORM)


def values(store: Store, person: Person, instance: str, table: str = "main") -> list[dict[str, object]]:
    frame = read_interview(store, person, FORM, f"uuid:{instance}").edited[table]
    return frame.select(name for name in frame.columns if not name.startswith("_")).rows(named=True)


def test_a_correction_carries_calculations_and_blanks_what_is_no_longer_asked(store: Store, people: People) -> None:
    assert "check:adults_told" in found(store)["child"]
    outlook = preview(store, people["ana"], FORM, correct("child", AGE))
    assert [row.rule_id for row in outlook.closes] == ["check:adults_told"]
    assert outlook.opens == ()
    assert {(row.question, row.row_id, row.old, row.new) for row in outlook.derived} == {
        ("adult", "person[2]", "1", "0"),
        ("works", "person[2]", "yes", None),
        ("hours", "person[2]", "40", None),
        ("adults", "", "2", "1"),
    }
    assert found(store)["child"] == {"check:adults_told"}, "a preview writes nothing"
    decided = decide(store, people["ana"], FORM, correct("child", AGE))
    assert len(decided.ids) == 5
    assert "child" not in found(store)
    assert "uuid:child" not in blocked(store)
    assert values(store, people["ana"], "child", "person")[1] == {"age": 7, "adult": "0", "works": None, "hours": None}
    assert values(store, people["ana"], "child")[0]["adults"] == "1"
    before = found(store)
    report = check(store, FORM, expectations=False)
    assert (report.opened, report.closed, found(store)) == (0, 0, before), "check sees the edited tables too"


def test_raw_tables_are_never_touched(store: Store, people: People) -> None:
    raw = read_interview(store, people["ana"], FORM, "uuid:child").raw
    decide(store, people["ana"], FORM, correct("child", AGE))
    after = read_interview(store, people["ana"], FORM, "uuid:child").raw
    assert all(raw[name].equals(after[name]) for name in raw)


def test_a_correction_that_opens_an_error_is_refused_unless_forced(store: Store, people: People) -> None:
    wish = correct("sound", Change("age", "30", "person[2]"))
    assert preview(store, people["ana"], FORM, wish).needs_force
    with pytest.raises(DecisionError, match=r"^DEC-010 .*check:adults_told"):
        decide(store, people["ana"], FORM, wish)
    assert "sound" not in found(store)
    decide(store, people["ana"], FORM, wish, force=True)
    assert "check:adults_told" in found(store)["sound"]
    assert "uuid:sound" in blocked(store)


def test_answers_that_belong_together_are_corrected_together(store: Store, people: People) -> None:
    wish = correct("sound", Change("age", "30", "person[2]"), Change("works", "no", "person[2]"), Change("told", "2"))
    decided = decide(store, people["ana"], FORM, wish)
    assert not decided.outlook.needs_force
    undo(store, people["ana"], FORM, decided.ids[0], "wrong household")
    assert values(store, people["ana"], "sound")[0]["told"] == 1
    assert values(store, people["ana"], "sound", "person")[1]["age"] == 9


def test_undo_and_redo_bring_findings_and_values_with_them(store: Store, people: People) -> None:
    ana = people["ana"]
    start, findings = values(store, ana, "child", "person"), found(store)
    decided = decide(store, ana, FORM, correct("child", AGE))
    done, settled = values(store, ana, "child", "person"), found(store)
    back = undo(store, ana, FORM, decided.ids[0], "it was right")
    assert (values(store, ana, "child", "person"), found(store)) == (start, findings)
    again = undo(store, ana, FORM, back.ids[0], "it was wrong after all")
    assert (values(store, ana, "child", "person"), found(store)) == (done, settled)
    with pytest.raises(DecisionError, match=r"^DEC-011"):
        undo(store, ana, FORM, back.ids[0], "twice")
    with pytest.raises(DecisionError, match=r"^DEC-012"):
        undo(store, ana, FORM, decided.ids[1], "only the part")
    undo(store, ana, FORM, again.ids[0], "and back")
    assert (values(store, ana, "child", "person"), found(store)) == (start, findings)


def test_an_undo_tells_calculations_anew_where_another_correction_still_holds(store: Store, people: People) -> None:
    ana = people["ana"]
    first = decide(store, ana, FORM, correct("child", AGE))
    decide(store, ana, FORM, correct("child", Change("age", "41", "person[1]")))
    second_age = decide(store, ana, FORM, correct("child", Change("age", "12", "person[1]")), force=True)
    assert values(store, ana, "child")[0]["adults"] == "0"
    undo(store, ana, FORM, first.ids[0], "the second person is an adult")
    assert values(store, ana, "child")[0]["adults"] == "1"
    undo(store, ana, FORM, second_age.ids[0], "the first one too")
    assert values(store, ana, "child")[0]["adults"] == "2"


def test_an_answer_that_could_not_be_read_is_settled_by_its_correction(store: Store, people: People) -> None:
    assert any(rule.startswith("type:") for rule in found(store)["rooms"])
    decided = decide(store, people["ana"], FORM, correct("rooms", ROOMS))
    assert "rooms" not in found(store)
    check(store, FORM, expectations=False)
    assert "rooms" not in found(store)
    assert blocked(store) == {"uuid:child"}
    undo(store, people["ana"], FORM, decided.ids[0], "which house was that?")
    assert any(rule.startswith("type:") for rule in found(store)["rooms"])
    check(store, FORM, expectations=False)
    assert blocked(store) == {"uuid:child", "uuid:rooms"}


def test_an_accepted_finding_stays_and_no_longer_blocks(store: Store, people: People) -> None:
    wish = Wish("accept", "uuid:child", "the grandmother counts herself a child", "check:adults_told")
    decided = decide(store, people["ana"], FORM, wish)
    assert "uuid:child" not in blocked(store)
    undo(store, people["ana"], FORM, decided.ids[0], "no reason given")
    assert "uuid:child" in blocked(store)
    with pytest.raises(DecisionError, match=r"^DEC-009"):
        decide(store, people["ana"], FORM, Wish("accept", "uuid:sound", "x", "check:adults_told"))


def test_nobody_excludes_alone(store: Store, people: People) -> None:
    decided = decide(store, people["ana"], FORM, Wish("exclude", "uuid:sound", "a rehearsal in the office"))
    assert decided.pending
    assert "uuid:sound" not in blocked(store)
    with pytest.raises(DecisionError, match=r"^DEC-014"):
        second(store, people["ana"], FORM, decided.ids[0])
    with pytest.raises(AccessError, match=r"^ACC-123"):
        second(store, people["saul"], FORM, decided.ids[0])
    second(store, people["rosa"], FORM, decided.ids[0])
    assert "uuid:sound" in blocked(store)
    with pytest.raises(DecisionError, match=r"^DEC-013"):
        second(store, people["luis"], FORM, decided.ids[0])
    decide(store, people["luis"], FORM, Wish("include", "uuid:sound", "it was real"))
    assert "uuid:sound" not in blocked(store)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (correct("child", AGE, reason=" "), "DEC-001"),
        (Wish("delete", "uuid:child", "x"), "DEC-002"),
        (correct("nobody", AGE), "DEC-003"),
        (correct("child", Change("height", "1")), "DEC-004"),
        (correct("child", Change("age", "7", "person[9]")), "DEC-005"),
        (correct("child", Change("age", "seven", "person[2]")), "DEC-006"),
        (correct("child", Change("moved", "05/01/2020")), "DEC-006"),
        (correct("child", Change("works", "maybe", "person[1]")), "DEC-007"),
        (correct("child", Change("heating", "gas sun")), "DEC-007"),
        (correct("child", Change("age", "71.0", "person[2]")), "DEC-008"),
        (correct("child", Change("heating", " gas  wood ")), "DEC-008"),
        (correct("child"), "DEC-015"),
    ],
)
def test_what_cannot_be_decided_is_explained_without_an_answer(
    store: Store, people: People, wish: Wish, code: str
) -> None:
    with pytest.raises(ComunalError) as caught:
        decide(store, people["ana"], FORM, wish)
    assert caught.value.code == code
    assert not {"seven", "maybe", "05/01"} & set(str(caught.value).split())


@pytest.mark.parametrize(
    ("who", "action", "is_allowed"),
    [
        ("eva", "send_back", False),
        ("saul", "send_back", True),
        ("saul", "accept", False),
        ("saul", "correct", False),
        ("rosa", "correct", False),
        ("rosa", "exclude", True),
        ("ana", "send_back", True),
    ],
)
def test_each_role_decides_what_it_may(store: Store, people: People, who: str, action: str, is_allowed: bool) -> None:
    wish = Wish(action, "uuid:child", "look again", "check:adults_told", changes=(AGE,))
    if is_allowed:
        decide(store, people[who], FORM, wish)
        return
    with pytest.raises(AccessError, match=r"^ACC-123"):
        decide(store, people[who], FORM, wish)
    with store.read() as connection:
        assert [row.outcome for row in list_audit(connection, who=f"person {people[who].id}")] == ["refused"]


def test_a_personal_correction_is_nowhere_in_the_clear(store: Store, people: People) -> None:
    new = "Wideline Zentinela"
    decided = decide(store, people["ana"], FORM, correct("child", Change("head", new)))
    log = list_log(store, people["ana"], FORM)
    assert [(row.is_personal, row.value, row.old) for row in log] == [(True, None, None)]
    with store.read() as connection:
        dump = str([*connection.execute(text("SELECT * FROM decisions")), *list_audit(connection)])
    assert "Zentinela" not in dump + repr(decided)
    view = read_interview(store, people["rosa"], FORM, "uuid:child")
    assert "Zentinela" not in str([frame.rows() for frame in view.edited.values()]) + repr(view.log)
    assert SENTINEL not in str(preview(store, people["ana"], FORM, correct("child", Change("head", None))))
    with pytest.raises(DecisionError, match=r"^DEC-008"):
        decide(store, people["ana"], FORM, correct("child", Change("head", new)))
    undo(store, people["ana"], FORM, decided.ids[0], "spelt rightly before")
    with pytest.raises(DecisionError, match=r"^DEC-008"):
        decide(store, people["ana"], FORM, correct("child", Change("head", SENTINEL)))


def test_a_correction_follows_an_enumerators_edit_or_is_stale(store: Store, people: People) -> None:
    ana = people["ana"]
    decide(store, ana, FORM, correct("child", AGE))
    decide(store, ana, FORM, correct("child", Change("rent", "300")))
    persons = person_xml(40, 1, "no") + person_xml(71, 1, "yes", 40)
    edit = interview_xml("uuid:edit", persons, adults=2, rent=999, deprecated="uuid:child")
    send(store, ("uuid:edit", edit), deprecated="uuid:child")
    view = read_interview(store, ana, FORM, "uuid:child")
    assert view.instance_id == "uuid:edit"
    assert view.edited["person"]["age"].to_list() == [40, 7]
    assert view.edited["main"]["rent"].to_list() == [999.0]


def test_a_release_stands_on_the_edited_tables_and_says_so(store: Store, people: People, tmp_path: Path) -> None:
    before = release(store, FORM, tmp_path / "releases", AT)
    assert before.interviews == 1
    decide(store, people["ana"], FORM, correct("child", AGE))
    decide(store, people["ana"], FORM, correct("rooms", ROOMS))
    after = release(store, FORM, tmp_path / "releases", AT)
    assert (after.interviews, after.release_id == before.release_id) == (3, False)
    (provenance,) = Path(after.folder).rglob("provenance.json")
    told = json.loads(provenance.read_text())["parameters"]
    assert (told["corrections"], told["recalculated"], told["cells_edited"], told["stale"]) == ("2", "4", "6", "0")
    excluded = decide(store, people["ana"], FORM, Wish("exclude", "uuid:sound", "an interview of the training"))
    second(store, people["rosa"], FORM, excluded.ids[0])
    assert release(store, FORM, tmp_path / "releases", AT).interviews == 2
