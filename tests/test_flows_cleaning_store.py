"""The cleaning log of a survey: taken in row by row, each reported; written out; the same tables after a round trip."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from decided_survey import FORM, SENTINEL, add_people, interview_xml, make_survey, person_xml, send
from typer.testing import CliRunner

from console.acts.bulk import bulk
from console.acts.deciding import decide, list_log, undo
from console.acts.edited import edit_survey
from console.acts.wishes import Change, Wish
from flows.cli import app
from flows.registering import load_form
from schemas.decisions import in_force
from store.open import Store, open_store
from store.people import Person, list_people
from store.tables import read_tables

HEADER = ("uuid", "question", "old_value", "new_value", "change_type", "table", "row")
GOOD = [
    ("uuid:child", "age", "71", "7", "change_response", "", "person[2]"),
    ("child", "rent", "250.50", "251", "change_response", "", ""),
    ("uuid:rooms", "rent", "250.5", "", "blank_response", "", ""),
    ("uuid:rooms", "rooms", "", "4", "change_response", "main", ""),
    ("uuid:rooms", "grp/works", "no", "yes", "Change value", "", ""),
    ("uuid:rooms", "person/hours", "NA", "8", "recode", "", ""),
    ("uuid:sound", "told", "1", "1", "no_action", "", ""),
]
BAD = {
    ("uuid:nobody", "rent", "", "1", "change_response", "", ""): "unknown_key",
    ("", "rent", "", "1", "change_response", "", ""): "no_key",
    ("uuid:child", "height", "", "1", "change_response", "", ""): "unknown_question",
    ("uuid:child", "", "", "1", "change_response", "", ""): "no_question",
    ("uuid:child", "rooms", "9", "1", "change_response", "", ""): "stale_old_value",
    ("uuid:child", "rooms", "3", "three", "change_response", "", ""): "wrong_type",
    ("uuid:child", "heating", "gas wood", "gas sun", "change_response", "", ""): "unlisted_choice",
    ("uuid:child", "age", "40", "41", "change_response", "", ""): "unknown_row",
    ("uuid:child", "age", "40", "41", "change_response", "", "person[9]"): "unknown_row",
    ("uuid:child", "rooms", "3", "4", "improve", "", ""): "unknown_change_type",
    ("uuid:child", "age", "71", "7", "change_response", "", "person[2]"): "twice",
    ("uuid:child", "rent", "", "400", "change_response", "", ""): "contradicts",
    ("uuid:sound", "told", "1", "5", "change_response", "", ""): "opens_error",
}


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
def people(store: Store) -> dict[str, Person]:
    with store.read() as connection:
        return {person.name.lower(): person for person in list_people(connection)}


def write_log(path: Path, rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def run(store: Store, *arguments: object) -> list[dict[str, object]]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json", "--data", str(store.data)])
    assert result.exit_code == 0, (result.output, result.exception)
    return [json.loads(line) for line in result.stdout.splitlines()]


def edited(store: Store) -> dict[str, list[tuple[object, ...]]]:
    form = load_form(store, FORM).form
    survey = edit_survey(store, form, read_tables(store, FORM, form), reader="test")
    return {name: frame.drop("_received_at", strict=False).rows() for name, frame in survey.tables.items()}


def test_good_rows_apply_once_and_every_bad_row_is_told_with_its_reason(
    store: Store, people: dict[str, Person], tmp_path: Path
) -> None:
    log = write_log(tmp_path / "log.csv", [*GOOD, *BAD])
    report = tmp_path / "refused.csv"
    arguments = ("cleaning", "import", FORM, log, "--person", people["ana"].id)
    summary, *refused = run(store, *arguments, "--report", report)
    assert [row["reason"] for row in refused] == list(BAD.values())
    assert summary["applied"] == {
        "change_response": 5,
        "blank_response": 1,
        "remove_survey": 0,
        "no_action": 1,
    }
    assert summary["derived"] == 4
    assert len(report.read_text().splitlines()) == len(BAD) + 1
    tables = edited(store)
    with store.read() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM decisions").scalar()
    again, *refused = run(store, *arguments)
    assert again["applied"] == dict.fromkeys(again["applied"], 0)  # type: ignore[call-overload]
    assert again["already"] == summary["applied"]
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM decisions").scalar() == before
    assert edited(store) == tables


def test_the_log_written_out_gives_the_same_tables_in_a_store_with_the_same_interviews(
    store: Store, people: dict[str, Person], template: Path, tmp_path: Path
) -> None:
    ana, rosa = people["ana"], people["rosa"]
    run(store, "cleaning", "import", FORM, write_log(tmp_path / "log.csv", GOOD), "--person", ana.id)
    taken = decide(store, ana, FORM, Wish("correct", "uuid:sound", "heard", changes=(Change("rooms", "5"),)))
    decide(store, ana, FORM, Wish("correct", "uuid:sound", "again", changes=(Change("rooms", "6"),)))
    undo(store, ana, FORM, taken.ids[0], "no")
    decide(store, ana, FORM, Wish("correct", "uuid:rooms", "spelt", changes=(Change("head", "Wideline"),)))
    send(store, ("uuid:out", interview_xml("uuid:out", person_xml(30, 1))))
    log = write_log(tmp_path / "out.csv", [("uuid:out", "", "", "", "remove_survey", "", "")])
    run(store, "cleaning", "import", FORM, log, "--person", ana.id, "--second", rosa.id)
    out = tmp_path / "exported.xlsx"
    (told,) = run(store, "cleaning", "export", FORM, "--out", out)
    assert told["left_out"] == 1
    run(store, "cleaning", "export", FORM, "--out", out, "--person", ana.id)
    assert b"Zentinela" not in (tmp_path / "out.csv").read_bytes()

    shutil.copytree(template, tmp_path / "fresh")
    with open_store(tmp_path / "fresh") as fresh:
        send(fresh, ("uuid:out", interview_xml("uuid:out", person_xml(30, 1))))
        _, *refused = run(fresh, "cleaning", "import", FORM, out, "--person", ana.id, "--second", rosa.id)
        assert refused == []
        assert edited(fresh) == edited(store)
        assert "uuid:out" not in str(edited(fresh))
        log_again = tmp_path / "again.xlsx"
        run(fresh, "cleaning", "export", FORM, "--out", log_again, "--person", ana.id)
        (nothing,) = run(fresh, "cleaning", "import", FORM, log_again, "--person", ana.id, "--second", rosa.id)
        assert nothing["applied"] == dict.fromkeys(nothing["applied"], 0)  # type: ignore[call-overload]


def test_exclusions_of_a_log_wait_for_a_second_person(store: Store, people: dict[str, Person], tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv", [("uuid:sound", "", "", "", "remove_survey", "", "")])
    (summary,) = run(store, "cleaning", "import", FORM, log, "--person", people["ana"].id)
    assert len(summary["pending"]) == 1  # type: ignore[arg-type]
    assert in_force(list_log(store, people["ana"], FORM)).excluded == frozenset()
    (again,) = run(store, "cleaning", "import", FORM, log, "--person", people["ana"].id)
    assert again["pending"] == []
    same = CliRunner().invoke(
        app,
        ["cleaning", "import", FORM, str(log), "--person", "1", "--second", "1", "--data", str(store.data)],
    )
    assert str(same.exception).startswith("DEC-014")


def test_one_decision_settles_all_findings_of_a_rule(store: Store, people: dict[str, Person]) -> None:
    ana = people["ana"]
    wish = Wish("correct", "", "the second person was a child", changes=(Change("told", "2"),))
    assert bulk(store, ana, FORM, wish, rule_id="check:adults_told", dry_run=True).decided == 1
    assert list_log(store, ana, FORM) == []
    outcome = bulk(store, ana, FORM, wish, rule_id="check:adults_told")
    assert (outcome.decided, outcome.refused, len(outcome.ids)) == (1, {}, 1)
    accepted = bulk(store, ana, FORM, Wish("accept", "", "they count so"), rule_id="type:/data/rooms")
    assert accepted.decided == 1
    assert bulk(store, ana, FORM, Wish("accept", "", "again"), rule_id="type:/data/rooms").decided == 0
    wrong = Wish("correct", "", "x", changes=(Change("rooms", "many"),))
    assert bulk(store, ana, FORM, wrong, rule_id="type:/data/rooms").refused == {"wrong_type": 1}
    assert SENTINEL not in repr(outcome)


def test_a_log_with_a_stale_row_about_what_a_later_one_writes_changes_nothing_the_second_time(
    store: Store, people: dict[str, Person], tmp_path: Path
) -> None:
    log = write_log(
        tmp_path / "log.csv",
        [
            ("uuid:sound", "rooms", "5", "6", "change_response", "", ""),
            ("uuid:sound", "rooms", "3", "5", "change_response", "", ""),
            ("uuid:rooms", "rent", "9", "8", "change_response", "", ""),
            ("uuid:rooms", "rent", "250.5", "251", "change_response", "", ""),
        ],
    )
    arguments = ("cleaning", "import", FORM, log, "--person", people["ana"].id)
    assert [row["reason"] for row in run(store, *arguments)[1:]] == [
        "stale_old_value",
        "contradicts",
        "stale_old_value",
    ]
    once = edited(store)
    summary, *refused = run(store, *arguments)
    assert edited(store) == once
    assert sum(summary["applied"].values()) == 0  # type: ignore[attr-defined]
    assert [row["reason"] for row in refused] == ["stale_old_value", "contradicts", "stale_old_value"]
