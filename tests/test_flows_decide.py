"""`comunal decide`: what a script may do, with the numbers of the log that the next command needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from decided_survey import FORM, SENTINEL, add_people, make_survey
from typer.testing import CliRunner

from flows.cli import app
from flows.commands_decide import read_changes
from schemas.errors import CommandError
from store.open import open_store


def test_a_script_previews_decides_lists_undoes_and_confirms(tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as store:
        make_survey(store, tmp_path)
        people = add_people(store)

    def run(*arguments: str, who: str = "ana") -> list[dict[str, object]]:
        command = [*arguments, "--person", str(people[who].id), "--json", "--data", str(tmp_path / "data")]
        result = CliRunner().invoke(app, ["decide", *command])
        assert result.exit_code == 0, (result.output, result.exception)
        assert SENTINEL not in result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    asked = ("one", FORM, "uuid:child", "correct", "--set", "person[2]/age=7", "--reason", "asked again")
    (outlook,) = run(*asked, "--preview")
    assert (outlook["ids"], outlook["closes"], outlook["needs_force"]) == ([], ["check:adults_told"], False)
    assert run("log", FORM) == []
    (decided,) = run(*asked)
    assert len(decided["ids"]) == 5  # type: ignore[arg-type]
    assert [row["source"] for row in run("log", FORM)] == ["script", *["recalculated"] * 4]
    (undone,) = run("undo", FORM, str(decided["ids"][0]), "--reason", "it was right")  # type: ignore[index]
    assert undone["opens"] == ["check:adults_told"]
    (outcome,) = run("all", FORM, "check:adults_told", "accept", "--reason", "they count so")
    assert outcome["decided"] == 1
    (excluded,) = run("one", FORM, "uuid:sound", "exclude", "--reason", "practice")
    (confirmed,) = run("second", FORM, str(excluded["ids"][0]), who="rosa")  # type: ignore[index]
    assert confirmed["confirmed"] == excluded["ids"][0]  # type: ignore[index]


def test_changes_are_written_question_by_question() -> None:
    one, two, three = read_changes(["age=7", "person[2]/works=", "note=a=b"], "person[1]")
    assert (one.question, one.value, one.row_id) == ("age", "7", "person[1]")
    assert (two.question, two.value, two.row_id) == ("works", None, "person[2]")
    assert three.value == "a=b"
    with pytest.raises(CommandError, match=r"^CMD-134"):
        read_changes(["=7"], "")
