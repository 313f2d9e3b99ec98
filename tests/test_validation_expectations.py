"""The Great Expectations suite: what it says, and what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from schemas.findings import Rule, RuleSummary
from schemas.workbook import OwnExpectation
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


def person_ages(ages: list[int | None]) -> dict[str, pl.DataFrame]:
    table = person_table([(f"uuid:{number}", "person[1]") for number in range(len(ages))])
    return {
        "main": main_table([f"uuid:{number}" for number in range(len(ages))]),
        "person": table.with_columns(pl.Series("age", ages)),
    }


PLUGIN = """
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider, column_condition_partial
from great_expectations.execution_engine import PandasExecutionEngine


class ColumnValuesEven(ColumnMapMetricProvider):
    condition_metric_name = "column_values.even_age"

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column, **kwargs):
        return column % 2 == 0


class ExpectColumnValuesToBeEvenAge(ColumnMapExpectation):
    map_metric = "column_values.even_age"
"""


@pytest.mark.slow
def test_an_analyst_adds_expectations_in_a_sheet_and_in_python(tmp_path: Path) -> None:
    (tmp_path / "even.py").write_text(PLUGIN)
    own = [
        OwnExpectation("mean_age", "person", "expect_column_mean_to_be_between", {"column": "age", "max_value": 60}),
        OwnExpectation(
            "ages", "person", "expect_column_values_to_be_between", {"column": "age", "max_value": 99}, "error"
        ),
        OwnExpectation("even", "person", "expect_column_values_to_be_even_age", {"column": "age", "mostly": 0.5}),
        OwnExpectation("people", "person", "expect_table_row_count_to_be_between", {"min_value": 100}, "info"),
    ]
    result = run_suite([], person_ages([10, 20, 31, 120]), None, own, tmp_path)
    found = {item.rule_id: (item.success, item.checked, item.failed, item.severity) for item in result.results}
    assert found["own:mean_age"] == (True, 4, 0, "warning")
    assert found["own:ages"] == (False, 4, 1, "error")
    assert found["own:even"][:3] == (True, 4, 1)
    assert found["own:people"] == (False, 4, 1, "info")
    assert (result.problems, "120" in repr(result)) == ((), False)


@pytest.mark.slow
def test_an_expectation_that_cannot_be_run_says_why_and_spoils_no_other() -> None:
    own = [
        OwnExpectation("a", "nowhere", "expect_column_to_exist", {"column": "age"}),
        OwnExpectation("b", "person", "expect_column_to_exist", {"column": "name"}),
        OwnExpectation("c", "person", "expect_the_moon", {"column": "age"}),
        OwnExpectation("d", "person", "expect_column_values_to_be_between", {"column": "age", "max_value": "x"}),
        OwnExpectation("e", "person", "expect_column_to_exist", {}, problem="arguments are no JSON"),
        OwnExpectation("f", "person", "expect_column_max_to_be_between", {"column": "age", "max_value": 120}),
    ]
    result = run_suite([], person_ages([10, 20]), None, own)
    assert [each.partition(":")[2].partition(":")[0] for each in result.problems] == ["a", "b", "c", "d", "e"]
    assert set(result.not_checked) == {"own:a", "own:b", "own:c", "own:d", "own:e"}
    assert [item.rule_id for item in result.results if item.rule_id.startswith("own:")] == ["own:f"]
