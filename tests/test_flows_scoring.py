"""A spoiled rehearsal over HTTP, ingested, checked and scored: every kind of fault is told, every miss explained."""

from __future__ import annotations

import json
from pathlib import Path

from served_store import serve
from typer.testing import CliRunner

from flows.cli import app
from flows.registering import add_form
from forms.rehearsal.spoiling import CONTENT, TRANSPORT

SURVEY = Path(__file__).resolve().parents[1] / "forms" / "quilicura"
INTERVIEWS = 2 * len((*CONTENT, *TRANSPORT))


def comunal(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_every_kind_of_fault_is_scored_over_http_and_every_miss_has_its_reason(tmp_path: Path) -> None:
    data, truth = ["--data", str(tmp_path / "data")], tmp_path / "truth.jsonl"
    with serve(tmp_path / "data") as (store, url):
        form_id = add_form(store, SURVEY).form_id
        # `spoil` 1.0: as many spoiled acts as clean interviews, two of each kind.
        spoiled = ["--spoil", "1.0", "--truth", str(truth), "--url", url]
        comunal("rehearse", form_id, "-n", str(INTERVIEWS), "--seed", "3", *spoiled, *data)
    comunal("run", "ingest", "--form", form_id, "--plain", *data)
    assert "No rule was judged yet" in comunal("score", form_id, "--truth", str(truth), *data)
    comunal("run", "check", "--form", form_id, "--plain", "--no-expectations", *data)
    lines = [
        json.loads(line) for line in comunal("score", form_id, "--truth", str(truth), "--json", *data).splitlines()
    ]
    kinds = {line["kind"]: line for line in lines if "recall" in line}
    assert set(kinds) == set(CONTENT)
    assert {kind for kind, line in kinds.items() if line["planted"] != 2} == set()
    harmless = {line["kind"]: line for line in lines if "kept" in line}
    assert {kind: (line["planted"], line["kept"], line["alarmed"]) for kind, line in harmless.items()} == dict.fromkeys(
        TRANSPORT, (2, 2, 0)
    )
    missed = [line for line in lines if "reason" in line]
    assert len(missed) == sum(line["planted"] - line["found"] for line in kinds.values())
    assert all(line["reason"].endswith(".") for line in missed)
    assert {line["kind"] for line in missed} <= {"fabricated", "clock_drift", "outlier"}
    (unit,) = [line for line in lines if "unit" in line]
    assert unit["unit"].startswith("enumerator:") and unit["planted"] == 2
    told = comunal("score", form_id, "--truth", str(truth), *data)
    assert all(f"\n{kind}" in f"\n{told}" for kind in (*CONTENT, *TRANSPORT))
    assert told.count("  missed, ") == len(missed)
