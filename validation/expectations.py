"""The Great Expectations suite of a survey: one expectation a rule, and a few on the keys of each table.

Rules are evaluated by `validation.evaluate` in one pass; each expectation reads its rule's counts from that pass, so
that the suite costs the same for a hundred interviews and for a million, and no answer ever enters a result. This is
the only file that imports great_expectations, and only when a suite is run: the import takes seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_KEYS, MAIN_TABLE, PARENT_ROW_ID, REPEAT_KEYS, ROW_ID, Form
from schemas.findings import RuleSummary

if TYPE_CHECKING:
    import pandas as pd

SUITE_NAME = "comunal"
_GX_SEVERITIES = {"error": "critical", "warning": "warning", "info": "info"}
_METRIC = "table.form_rules"


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """How one expectation fared.

    Attributes:
        rule_id: id of the rule, or `table:NAME:KEY` for expectations on a table's keys.
        success: whether no row broke it.
        checked, failed: rows it applied to, and rows that broke it.
        severity: error, warning or info.
    """

    rule_id: str
    success: bool
    checked: int
    failed: int
    severity: str


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """The result of a suite, free of answers and keys.

    Attributes:
        success: whether every expectation was met, of whatever severity.
        results: expectations on tables first, then rules in the order given.
        not_checked: rule ids that could not be evaluated, and so are no part of the suite.
        gx_version: version of Great Expectations.
    """

    success: bool
    results: tuple[ExpectationResult, ...]
    not_checked: tuple[str, ...]
    gx_version: str


def run_suite(
    summaries: Sequence[RuleSummary], tables: Mapping[str, pl.DataFrame], form: Form | None = None
) -> SuiteResult:
    """Run the suite of a survey with Great Expectations, in memory: nothing is written and nothing is sent.

    Args:
        summaries: those of `Evaluation.summaries`.
        tables: the typed tables that were evaluated; only their keys and column names are looked at.
        form: where given, every column of the form must be there too.
    """
    judged = [summary for summary in summaries if not summary.rule.not_checked]
    counts = _table_counts(tables, form)
    rows = [*counts, *((item.rule.rule_id, item.rule.severity, item.checked, item.failed) for item in judged)]
    outcome, version = _validate(rows)
    results = tuple(
        ExpectationResult(rule_id, outcome[rule_id][0], outcome[rule_id][1], outcome[rule_id][2], severity)
        for rule_id, severity, _, _ in rows
    )
    return SuiteResult(
        success=all(result.success for result in results),
        results=results,
        not_checked=tuple(summary.rule.rule_id for summary in summaries if summary.rule.not_checked),
        gx_version=version,
    )


_Row = tuple[str, str, int, int]


def _table_counts(tables: Mapping[str, pl.DataFrame], form: Form | None) -> list[_Row]:
    """What is expected of the tables themselves: rule id, severity, checked, failed."""
    rows: list[_Row] = []
    parents = {table.name: table.parent for table in form.tables} if form else {}
    for name, frame in tables.items():
        wanted = set(MAIN_KEYS if name == MAIN_TABLE else REPEAT_KEYS)
        if form is not None and name in parents:
            wanted |= {field.column for field in form.table(name).fields}
        missing = wanted - set(frame.columns)
        rows.append((f"table:{name}:columns", "error", len(wanted), len(missing)))
        if name == MAIN_TABLE:
            rows.append((f"table:{name}:has_rows", "warning", 1, int(frame.height == 0)))
        if {INSTANCE_ID, ROW_ID} <= set(frame.columns):
            repeated = frame.height - frame.select(INSTANCE_ID, ROW_ID).unique().height
            rows.append((f"table:{name}:unique_keys", "error", frame.height, repeated))
        if name != MAIN_TABLE and PARENT_ROW_ID in frame.columns:
            orphans = _count_orphans(frame, tables.get(parents.get(name) or MAIN_TABLE), nested=bool(form))
            rows.append((f"table:{name}:known_parents", "error", frame.height, orphans))
    return rows


def _count_orphans(frame: pl.DataFrame, parent: pl.DataFrame | None, *, nested: bool) -> int:
    """Rows whose parent row isn't there; without a form only the submission can be looked for."""
    if parent is None:
        return frame.height
    if not nested:
        return frame.join(parent.select(INSTANCE_ID), on=INSTANCE_ID, how="anti").height
    keys = parent.select(INSTANCE_ID, pl.col(ROW_ID).alias(PARENT_ROW_ID))
    return frame.join(keys, on=[INSTANCE_ID, PARENT_ROW_ID], how="anti").height


def _validate(rows: Sequence[_Row]) -> tuple[dict[str, tuple[bool, int, int]], str]:
    """What Great Expectations says of each row of counts: rule id -> success, checked, failed."""
    _quieten()
    import great_expectations as gx
    import pandas as pd

    _quieten()  # some of its modules set a level of their own while they are imported
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    expectation = _expectation_class()
    frame: pd.DataFrame = pd.DataFrame(
        {
            "rule_id": [row[0] for row in rows],
            "checked": [row[2] for row in rows],
            "failed": [row[3] for row in rows],
        }
    )
    definition = context.data_sources.add_pandas(SUITE_NAME).add_dataframe_asset("rules")
    batch = definition.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(
        name=SUITE_NAME,
        expectations=[expectation(rule_id=row[0], severity=_GX_SEVERITIES[row[1]]) for row in rows],
    )
    validated = batch.validate(suite, result_format="BASIC")
    outcome: dict[str, tuple[bool, int, int]] = {}
    for result in validated.results:
        found, given = result.result, result.expectation_config
        rule_id = str(given.kwargs["rule_id"]) if given is not None else ""
        outcome[rule_id] = (bool(result.success), int(found["element_count"]), int(found["unexpected_count"]))
    return outcome, str(gx.__version__)


def _quieten() -> None:
    """No word of temporary folders and decorators below WARNING."""
    for name in ("great_expectations", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "great_expectations":
            logging.getLogger(name).setLevel(logging.WARNING)


@cache
def _expectation_class() -> Any:  # noqa: ANN401  the class exists only once great_expectations is imported
    """The expectation that a rule holds, and the metric it reads; registered once a process."""
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.expectations.metrics.metric_provider import metric_value
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

    class FormRules(TableMetricProvider):
        """Counts by rule id, read once a batch from the frame of precomputed counts."""

        metric_name = _METRIC

        @metric_value(engine=PandasExecutionEngine)
        def _pandas(
            cls,
            execution_engine: PandasExecutionEngine,
            metric_domain_kwargs: dict[str, Any],
            **_: object,
        ) -> dict[str, tuple[int, int]]:
            frame, _compute, _access = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type="table")
            counts = zip(frame["rule_id"], frame["checked"], frame["failed"], strict=True)
            return {str(rule_id): (int(checked), int(failed)) for rule_id, checked, failed in counts}

    class ExpectFormRuleToHold(BatchExpectation):
        """Expect that no row breaks a rule of the survey's workbook."""

        rule_id: str

        metric_dependencies: ClassVar[tuple[str, ...]] = (_METRIC,)
        success_keys: ClassVar[tuple[str, ...]] = ("rule_id",)

        def _validate(
            self,
            metrics: dict[str, Any],
            runtime_configuration: dict[str, Any] | None = None,
            execution_engine: Any = None,  # noqa: ANN401
        ) -> dict[str, Any]:
            checked, failed = metrics[_METRIC][self.rule_id]
            percent = 100 * failed / checked if checked else 0.0
            result = {
                "observed_value": failed,
                "element_count": checked,
                "unexpected_count": failed,
                "unexpected_percent": percent,
            }
            return {"success": failed == 0, "result": result}

    return ExpectFormRuleToHold
