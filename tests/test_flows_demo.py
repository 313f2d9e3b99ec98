"""The main job on the small survey, as a user gives it: one command, real servers, real protocol, real flows."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[1]
INTERVIEWS = 60
COLUMNS = (
    "indicator,domain,category,estimate,unit,n,se,ci_low,ci_high,cv,df,label,suppressed,note"  # others script on it
)


def comunal(*arguments: str) -> list[dict[str, object]]:
    """Runs a command with --json and returns what it printed, one object a line."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "COMUNAL"))}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments, "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def demo(data: Path) -> list[dict[str, object]]:
    return comunal(
        "demo", "--survey", "independencia", "--interviews", str(INTERVIEWS), "--spoil", "0.2", "--data", str(data)
    )


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    data = tmp_path_factory.mktemp("demo")
    return data, demo(data)


def test_every_interview_that_a_phone_sent_is_a_row(first: tuple[Path, list[dict[str, object]]]) -> None:
    data, printed = first
    (rehearsal,) = [row for row in printed if "interviews" in row and "spoiled" in row]
    additional = sum(
        number
        for kind, number in rehearsal["spoiled"].items()  # type: ignore[attr-defined]
        if kind not in {"duplicate_send", "late_attachment"}
    )
    assert rehearsal["refused"] == 0
    out = data / "out"
    comunal("tables", "independencia", "--out", str(out), "--format", "parquet", "--data", str(data))
    assert pl.read_parquet(out / "main.parquet").height == INTERVIEWS + additional


def test_what_was_spoiled_is_found_and_set_aside(first: tuple[Path, list[dict[str, object]]]) -> None:
    data, _ = first
    scored = comunal("score", "independencia", "--truth", str(data / "rehearsal-truth.jsonl"), "--data", str(data))
    total = scored[-1]
    assert total["found"] == total["planted"]
    provenance = json.loads((data / "releases" / "latest" / "provenance.json").read_text(encoding="utf-8"))
    assert str(INTERVIEWS) in json.dumps(provenance)


def test_release_holds_tidy_estimates_without_standard_errors(first: tuple[Path, list[dict[str, object]]]) -> None:
    data, _ = first
    path = data / "releases" / "latest" / "tables" / "estimates.csv"
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == COLUMNS
    rows = list(csv.DictReader(text.splitlines()))
    assert rows
    assert not any(row["se"] or row["ci_low"] for row in rows)  # a convenience sample has none
    assert all(not row["estimate"] and not row["n"] for row in rows if row["suppressed"])


@pytest.mark.parametrize("page", ["index.html", "ht/index.html", "en/index.html"])
def test_site_speaks_three_languages_and_asks_no_other_host(
    first: tuple[Path, list[dict[str, object]]], page: str
) -> None:
    data, _ = first
    html = (data / "releases" / "latest" / "site" / page).read_text(encoding="utf-8")
    assert f'lang="{page.partition("/")[0] if "/" in page else "es"}"' in html
    assert not re.findall(r"(?:src|href)=[\"']https?://", html)


def test_second_run_changes_nothing(first: tuple[Path, list[dict[str, object]]]) -> None:
    data, before = first
    after = demo(data)
    ingest = next(row for row in after if "read" in row)
    check = next(row for row in after if "set_aside" in row)
    release = next(row for row in after if "release_id" in row)
    assert (ingest["read"], check["opened"], check["closed"], release["new"]) == (0, 0, 0, False)
    assert release["release_id"] == next(row for row in before if "release_id" in row)["release_id"]
