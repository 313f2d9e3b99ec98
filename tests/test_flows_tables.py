"""`comunal tables` and `comunal fieldwork` read a survey as decisions left it; `--raw` as it was received."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from decided_survey import FORM, add_people, make_survey
from typer.testing import CliRunner

from flows.cli import app
from flows.fieldwork import read_fieldwork
from schemas.decisions import Decision
from store.decisions import add_decisions
from store.open import open_store
from validation.fieldwork import enumerators


def comunal(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_tables_hold_corrections_and_leave_excluded_interviews_out_unless_raw(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    with open_store(tmp_path / "data") as store:
        make_survey(store, tmp_path)
        people = add_people(store)
    before = comunal("tables", FORM, "--out", str(tmp_path / "before"), *data)
    assert "Decisions" not in before
    correct = ["correct", "--set", "person[2]/age=7", "--reason", "asked again"]
    comunal("decide", "one", FORM, "uuid:child", *correct, "--person", str(people["ana"].id), *data)
    exclude = ["exclude", "--reason", "practice", "--person", str(people["ana"].id), "--json"]
    row = json.loads(comunal("decide", "one", FORM, "uuid:sound", *exclude, *data))["ids"][0]
    comunal("decide", "second", FORM, str(row), "--person", str(people["rosa"].id), *data)
    told = comunal("tables", FORM, "--out", str(tmp_path / "edited"), *data)
    assert "left 1 interviews out" in told
    assert "Decisions" not in comunal("tables", FORM, "--out", str(tmp_path / "raw"), "--raw", *data)
    raw, edited = (pl.read_csv(tmp_path / name / "person.csv") for name in ("raw", "edited"))
    assert (tmp_path / "raw" / "person.csv").read_bytes() == (tmp_path / "before" / "person.csv").read_bytes()
    child = (pl.col("_instance_id") == "uuid:child") & (pl.col("_row_id") == "person[2]")
    assert edited.filter(child)["age"].to_list() == [7] != raw.filter(child)["age"].to_list()
    assert "uuid:sound" in raw["_instance_id"] and "uuid:sound" not in edited["_instance_id"]
    main = pl.read_csv(tmp_path / "edited" / "main.csv")
    assert "uuid:sound" not in main["_instance_id"] and main.columns == pl.read_csv(tmp_path / "raw/main.csv").columns


def test_field_work_counts_the_interviews_that_decisions_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def measure(form: object, tables: dict[str, pl.DataFrame], *rest: object) -> pl.DataFrame:
        seen.append(tables["main"]["_instance_id"].to_list())
        return enumerators(form, tables, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("flows.fieldwork.enumerators", measure)
    with open_store(tmp_path / "data") as store:
        make_survey(store, tmp_path)
        person = add_people(store)["ana"]
        read_fieldwork(store, FORM)
        decision = Decision(FORM, "uuid:sound", "exclude", "practice", person.name, seconded_by="rosa")
        with store.begin() as connection:
            add_decisions(connection, [decision])
        read_fieldwork(store, FORM)
    assert set(seen[0]) - set(seen[1]) == {"uuid:sound"}
