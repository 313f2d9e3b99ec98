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
    assert provenance["submissions"]["accepted"] == INTERVIEWS


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


def figures(data: Path) -> pl.DataFrame:
    return pl.read_csv(data / "releases" / "latest" / "tables" / "estimates.csv", infer_schema=False)


def named(row: dict[str, str]) -> list[str]:
    return [row["indicator"], row["domain"], *(["--category", row["category"]] if row["category"] else [])]


def trace(data: Path, row: dict[str, str], *options: str) -> dict[str, object]:
    (found,) = comunal("trace", "latest", *named(row), *options, "--data", str(data))
    return found


def test_every_kind_of_figure_is_traced_to_bytes_that_have_their_digest(
    first: tuple[Path, list[dict[str, object]]],
) -> None:
    data, _ = first
    shown = figures(data).filter(pl.col("suppressed").fill_null("") == "").fill_null("")
    picked = pl.concat([shown.filter(pl.col("domain") != "total").head(1), shown.head(1), shown.tail(1)])
    for row in picked.iter_rows(named=True):
        found = trace(data, row, "--hashes")
        assert (found["intact"], found["same"], found["source_list_matches"]) == (True, True, True)
        hashes = found["hashes"]
        assert isinstance(hashes, dict)
        assert len(hashes) == found["interviews_behind"] == found["verified"] > 0
        assert all(len(digest) == 64 for digest in hashes.values())
        assert found["definitions"]


def test_a_withheld_figure_is_not_counted_by_its_trace(first: tuple[Path, list[dict[str, object]]]) -> None:
    data, _ = first
    hidden = figures(data).fill_null("").filter(pl.col("suppressed") != "")
    assert not hidden.is_empty()
    found = trace(data, hidden.row(0, named=True))
    assert (found["computed"], found["counts"], found["interviews_behind"]) == (None, None, 0)


def test_a_trace_tells_a_changed_file_of_the_release(first: tuple[Path, list[dict[str, object]]]) -> None:
    data, _ = first
    path = (data / "releases" / "latest" / "README.txt").resolve()
    kept = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(kept + b" ")
    row = figures(data).fill_null("").row(0, named=True)
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "trace", "latest", *named(row), "--data", str(data)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    path.write_bytes(kept)
    path.chmod(0o444)
    assert done.returncode == 1
    assert "A FILE WAS CHANGED" in done.stdout
