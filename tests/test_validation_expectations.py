"""The Great Expectations suite: what it says, and what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from schemas.findings import Rule, RuleSummary
from validation.expectations import run_suite

ROOT = Path(__file__).resolve().parents[1]


def summary(rule_id: str, checked: int, failed: int, severity: str = "error", reason: str = "") -> RuleSummary:
    rule = Rule(rule_id, "check", "main", severity, "true()", {"es": "x"}, not_checked=reason)  # type: ignore[arg-type]
    return RuleSummary(rule, checked, failed)


def main_table(instances: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "_instance_id": instances,
            "_row_id": [""] * len(instances),
            "_personal_id": None,
            "_form_version": "1",
            "_received_at": None,
            "_client": "collect",
        }
    )


def person_table(rows: list[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "_instance_id": [row[0] for row in rows],
            "_row_id": [row[1] for row in rows],
            "_parent_row_id": "",
            "_position": 1,
            "_personal_id": None,
        }
    )


@pytest.mark.slow
def test_suite_reports_each_rule_with_its_counts_and_severity() -> None:
    rules = [summary("check:a", 10, 0), summary("check:b", 8, 3, "warning"), summary("check:c", 0, 0, "info", "no")]
    result = run_suite(rules, {"main": main_table(["uuid:1"])})
    by_id = {item.rule_id: item for item in result.results}
    assert not result.success
    assert (by_id["check:a"].success, by_id["check:a"].checked) == (True, 10)
    assert (by_id["check:b"].success, by_id["check:b"].failed, by_id["check:b"].severity) == (False, 3, "warning")
    assert result.not_checked == ("check:c",)
    assert "check:c" not in by_id
    assert result.gx_version.startswith("1.")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tables", "broken"),
    [
        ({"main": main_table(["uuid:1", "uuid:2"]), "person": person_table([("uuid:1", "person[1]")])}, set()),
        ({"main": main_table([])}, {"table:main:has_rows"}),
        ({"main": main_table(["uuid:1", "uuid:1"])}, {"table:main:unique_keys"}),
        ({"main": main_table(["uuid:1"]).drop("_client")}, {"table:main:columns"}),
        (
            {"main": main_table(["uuid:1"]), "person": person_table([("uuid:9", "person[1]")])},
            {"table:person:known_parents"},
        ),
    ],
)
def test_suite_judges_the_keys_of_tables(tables: dict[str, pl.DataFrame], broken: set[str]) -> None:
    result = run_suite([], tables)
    assert {item.rule_id for item in result.results if not item.success} == broken


@pytest.mark.slow
def test_suite_takes_seconds_writes_nothing_and_prints_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, polars as pl\n"
        "from schemas.findings import Rule, RuleSummary\n"
        "import validation.evaluate, validation.fieldwork, validation.expectations as e\n"
        "assert 'great_expectations' not in sys.modules, 'imported too early'\n"
        "rules = [RuleSummary(Rule(f'check:{n}', 'check', 'main', 'error', '', {}), 5, n % 2) for n in range(600)]\n"
        "keys = ['_instance_id', '_row_id', '_personal_id', '_form_version', '_received_at', '_client']\n"
        "result = e.run_suite(rules, {'main': pl.DataFrame({key: ['a'] for key in keys})})\n"
        "assert len(result.results) == 603, len(result.results)\n"
    )
    before = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []
    # Ten seconds on a quiet machine; the bound leaves room for a busy one.
    assert time.monotonic() - before < 60
