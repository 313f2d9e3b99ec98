"""A cleaning log of 700 rows made by a rehearsal replays to exactly the tables that were meant, once and twice."""

from __future__ import annotations

import csv
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from decided_survey import add_people
from typer.testing import CliRunner

from console.acts.edited import edit_survey
from flows.cli import app
from flows.ingesting import ingest
from flows.registering import add_form, load_form
from flows.rehearsed_log import LOG_COLUMNS, rehearse_log
from schemas.fields import CLIENT, MAIN_TABLE, PERSONAL_ID, RECEIVED_AT
from store.arrivals import NewSubmission, add_submissions
from store.open import Store, open_store
from store.tables import read_tables

FORMS = Path(__file__).resolve().parents[1] / "forms"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROWS = 700
NOT_COMPARED = {PERSONAL_ID, RECEIVED_AT, CLIENT}


def run(store: Store, form_id: str, log: Path) -> list[dict[str, object]]:
    arguments = ["cleaning", "import", form_id, str(log), "--person", "1", "--second", "3", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--data", str(store.data)])
    assert result.exit_code == 0, (result.output, result.exception)
    return [json.loads(line) for line in result.stdout.splitlines()]


def comunal(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(app, ["cleaning", *arguments, "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    summary: dict[str, object] = json.loads(result.stdout.splitlines()[0])
    return summary


def edited(store: Store, form_id: str) -> dict[str, list[tuple[object, ...]]]:
    form = load_form(store, form_id).form
    survey = edit_survey(store, form, read_tables(store, form_id, form), reader="test")
    return {
        name: frame.drop(NOT_COMPARED, strict=False).sort("_instance_id", maintain_order=True).rows()
        for name, frame in survey.tables.items()
    }


def test_a_log_of_700_rows_replays_to_exactly_the_tables_that_were_meant(tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as store:
        add_people(store)
        form_id = add_form(store, FORMS / "quilicura").form_id
        rehearsed = rehearse_log(load_form(store, form_id), interviews=60, rows=ROWS, seed=5, start=START)
        assert len(rehearsed.log) == ROWS
        assert sum(row[4] == "remove_survey" for row in rehearsed.log) == 35
        version = load_form(store, form_id).form.version
        with store.begin() as connection:
            items = [NewSubmission(form_id, version, one.instance_id, one.xml, START) for one in rehearsed.came]
            add_submissions(connection, store.blobs, items)
        ingest(store, form_id)
        expected = {
            name: frame.drop(NOT_COMPARED, strict=False).sort("_instance_id", maintain_order=True).rows()
            for name, frame in rehearsed.expected.items()
        }
        assert edited(store, form_id) != expected
        log = tmp_path / "log.csv"
        with log.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([LOG_COLUMNS, *rehearsed.log])
        began = time.process_time()
        summary, *refused = run(store, form_id, log)
        print(f"import of {ROWS} rows: {time.process_time() - began:.1f} s of processor time; {summary}")
        assert refused == []
        assert sum(summary["applied"].values()) == ROWS  # type: ignore[attr-defined]
        assert all(summary["applied"].values()), "every change type occurs"  # type: ignore[attr-defined]
        assert edited(store, form_id) == expected
        assert edited(store, form_id)[MAIN_TABLE] != []
        again, *refused = run(store, form_id, log)
        assert refused == []
        assert sum(again["applied"].values()) == 0  # type: ignore[attr-defined]
        assert edited(store, form_id) == expected


@pytest.mark.parametrize(
    ("folder", "table", "rows"),
    [("quilicura", "main", 700), ("quilicura", "person", 300), ("independencia", "main", 90)],
)
def test_the_commands_log_over_its_table_gives_what_must_come_of_it_to_the_byte(
    tmp_path: Path, folder: str, table: str, rows: int
) -> None:
    with open_store(tmp_path / "data") as store:
        form_id = add_form(store, FORMS / folder).form_id
    made = comunal(
        *("rehearse", form_id, "--out", str(tmp_path), "--table", table, "--rows", str(rows), "-n", "40"),
        *("--data", str(tmp_path / "data")),
    )
    key = str(made["id"])
    assert made["rows"] == rows
    blanked = set() if rows >= ROWS else {"blank_response"}  # some by chance, of many
    assert set(made["change_types"]) | blanked == {"change_response", "blank_response", "remove_survey", "no_action"}  # type: ignore[call-overload]
    raw, log, expected, clean, twice = (
        tmp_path / f"{name}.csv" for name in ("RAW", "LOG", "EXPECTED", "CLEAN", "TWICE")
    )
    summary = comunal("apply", str(raw), str(log), "--id", key, "--out", str(clean), "--strict")
    assert summary["refused"] == {} and sum(summary["applied"].values()) == rows  # type: ignore[attr-defined]
    assert raw.read_bytes() != expected.read_bytes() == clean.read_bytes()
    summary = comunal("apply", str(clean), str(log), "--id", key, "--out", str(twice))
    assert twice.read_bytes() == expected.read_bytes()
    assert summary["cells_changed"] == summary["records_removed"] == 0
    assert set(summary["refused"]) == {"unknown_key"}  # type: ignore[call-overload]
