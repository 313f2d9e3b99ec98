"""The Great Expectations suite of a survey: one expectation a rule, and a few on the keys of each table.

Rules are evaluated by `validation.evaluate` in one pass; each expectation reads its rule's counts from that pass, so
that the suite costs the same for a hundred interviews and for a million, and no answer ever enters a result. This is
the only file that imports great_expectations, and only when a suite is run: the import takes seconds.
"""

from __future__ import annotations

import logging
import runpy
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from schemas.fields import Form
from schemas.findings import RuleSummary
from schemas.text import Text, pick
from schemas.workbook import OwnExpectation
from validation.docs import close_page, index_page
from validation.suite import OWN, Counted, SuiteEntry, count_tables, describe_suite

if TYPE_CHECKING:
    import pandas as pd

SUITE_NAME = "comunal"
_GX_SEVERITIES = {"error": "critical", "warning": "warning", "info": "info"}
_AS_CODE = {"classes": ["rule"]}
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
        problems: why expectations of the sheet could not be run, a sentence each.
        gx_version: version of Great Expectations.
    """

    success: bool
    results: tuple[ExpectationResult, ...]
    not_checked: tuple[str, ...]
    gx_version: str
    problems: tuple[str, ...] = ()


def run_suite(
    summaries: Sequence[RuleSummary],
    tables: Mapping[str, pl.DataFrame],
    form: Form | None = None,
    own: Sequence[OwnExpectation] = (),
    plugins: Path | None = None,
) -> SuiteResult:
    """Run the suite of a survey with Great Expectations, in memory: nothing is written and nothing is sent.

    Args:
        summaries: those of `Evaluation.summaries`.
        tables: the typed tables that were evaluated; only their keys and column names are looked at.
        form: where given, every column of the form must be there too.
        own: the rows of the sheet `expectations`; they look at the answers that aren't personal.
        plugins: a folder of Python files that define expectations; each is run first, so that `own` can name them.
    """
    judged = [summary for summary in summaries if not summary.rule.not_checked]
    counts = count_tables(tables, form)
    rows = [*counts, *((item.rule.rule_id, item.rule.severity, item.checked, item.failed) for item in judged)]
    sentences = {entry.rule_id: entry.sentence for entry in _entries(form, judged)}
    outcome, version = _validate(rows, sentences)
    results = [
        ExpectationResult(rule_id, outcome[rule_id][0], outcome[rule_id][1], outcome[rule_id][2], severity)
        for rule_id, severity, _, _ in rows
    ]
    more, problems = _run_own(own, tables, plugins) if own else ([], {})
    results += more
    return SuiteResult(
        success=all(result.success for result in results),
        results=tuple(results),
        not_checked=(*(item.rule.rule_id for item in summaries if item.rule.not_checked), *problems),
        gx_version=version,
        problems=tuple(f"{rule_id}: {reason}" for rule_id, reason in problems.items()),
    )


def build_docs(
    summaries: Sequence[RuleSummary], tables: Mapping[str, pl.DataFrame], form: Form, language: str = "es"
) -> dict[str, bytes]:
    """Great Expectations' Data Docs of a survey's suite, path -> bytes, "index.html" first; no answer is in them.

    The library's pages ask other hosts for styles, scripts and pictures; here they ask nobody (`validation.docs`).

    Args:
        summaries, tables, form: as of `run_suite`.
        language: of the sentences.
    """
    judged = [summary for summary in summaries if not summary.rule.not_checked]
    rows = [
        *count_tables(tables, form),
        *((item.rule.rule_id, item.rule.severity, item.checked, item.failed) for item in judged),
    ]
    places = {entry.rule_id: entry for entry in _entries(form, judged)}
    gx, context = _context()
    source = context.data_sources.add_pandas(SUITE_NAME)
    expectation = _expectation_class()
    with tempfile.TemporaryDirectory(prefix="comunal-docs-") as name:
        for table in form.tables:
            mine = [row for row in rows if (place := places.get(row[0])) is not None and place.table == table.name]
            if not mine:
                continue
            told = {row[0]: {"sentence": pick(places[row[0]].sentence, language)} for row in mine}
            suite = gx.ExpectationSuite(
                name=table.name,
                expectations=[
                    expectation(rule_id=row[0], severity=_GX_SEVERITIES[row[1]], meta=told[row[0]]) for row in mine
                ],
            )
            asset = source.add_dataframe_asset(table.name).add_batch_definition_whole_dataframe("all")
            definition = gx.ValidationDefinition(name=table.name, data=asset, suite=context.suites.add(suite))
            context.validation_definitions.add(definition).run(
                batch_parameters={"dataframe": _frame(mine)}, result_format="BASIC"
            )
        for site in context.get_site_names():
            context.delete_data_docs_site(site)
        backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": name}
        index = {"class_name": "DefaultSiteIndexBuilder"}
        context.add_data_docs_site(
            SUITE_NAME, {"class_name": "SiteBuilder", "site_index_builder": index, "store_backend": backend}
        )
        context.build_data_docs()
        pages = {str(path.relative_to(name)): path.read_bytes() for path in sorted(Path(name).rglob("*.html"))}
    results = {path.split("/")[1]: path for path in pages if path.startswith("validations/")}
    failed = {item.rule.rule_id for item in judged if item.failed} | {row[0] for row in rows if row[3]}
    listed = [
        (name, path, len(own), len(failed & own))
        for name, path in results.items()
        if (own := {rule for rule, place in places.items() if place.table == name})
    ]
    return {path: close_page(page) for path, page in pages.items()} | {"index.html": index_page(listed)}


def _frame(rows: Sequence[Counted]) -> pd.DataFrame:
    """The counts as the metric reads them."""
    import pandas as pd

    names = ("rule_id", "checked", "failed")
    return pd.DataFrame({name: [row[at] for row in rows] for name, at in zip(names, (0, 2, 3), strict=True)})


def _entries(form: Form | None, judged: Sequence[RuleSummary]) -> list[SuiteEntry]:
    return describe_suite(form, [item.rule for item in judged]) if form is not None else []


def _validate(rows: Sequence[Counted], sentences: Mapping[str, Text]) -> tuple[dict[str, tuple[bool, int, int]], str]:
    """What Great Expectations says of each row of counts: rule id -> success, checked, failed."""
    gx, context = _context()
    expectation = _expectation_class()
    frame = _frame(rows)
    definition = context.data_sources.add_pandas(SUITE_NAME).add_dataframe_asset("rules")
    batch = definition.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(
        name=SUITE_NAME,
        expectations=[
            expectation(rule_id=row[0], severity=_GX_SEVERITIES[row[1]], meta=dict(sentences.get(row[0], {})))
            for row in rows
        ],
    )
    validated = batch.validate(suite, result_format="BASIC")
    outcome: dict[str, tuple[bool, int, int]] = {}
    for result in validated.results:
        found, given = result.result, result.expectation_config
        rule_id = str(given.kwargs["rule_id"]) if given is not None else ""
        outcome[rule_id] = (bool(result.success), int(found["element_count"]), int(found["unexpected_count"]))
    return outcome, str(gx.__version__)


def _context() -> tuple[Any, Any]:
    """The library, and a context of it that keeps and sends nothing."""
    _quieten()
    import great_expectations as gx

    _quieten()  # some of its modules set a level of their own while they are imported
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    return gx, context


def _run_own(
    own: Sequence[OwnExpectation], tables: Mapping[str, pl.DataFrame], plugins: Path | None
) -> tuple[list[ExpectationResult], dict[str, str]]:
    """The analyst's expectations, one by one: a bad one spoils no other, and no value stays in a result."""
    _, context = _context()
    for path in sorted(plugins.glob("*.py")) if plugins is not None and plugins.is_dir() else ():
        runpy.run_path(str(path), run_name=f"comunal_expectations_{path.stem}")
    source = context.data_sources.add_pandas("own")
    results: list[ExpectationResult] = []
    problems: dict[str, str] = {}
    for each in own:
        rule_id = OWN + each.name
        if reason := each.problem or _own_problem(each, tables):
            problems[rule_id] = reason
            continue
        frame = tables[each.table].select(_columns_of(each, tables[each.table])).to_pandas()
        definition = source.add_dataframe_asset(each.name).add_batch_definition_whole_dataframe("all")
        try:
            found = definition.get_batch({"dataframe": frame}).validate(_make(each), result_format="BASIC")
        except Exception as error:  # whatever the library or an analyst's own class raises
            problems[rule_id] = f"Great Expectations refuses it ({type(error).__name__})"
            continue
        if found.exception_info and any("exception_traceback" in str(key) for key in _flat(found.exception_info)):
            problems[rule_id] = "it could not be evaluated with these arguments on this column"
            continue
        checked = int(found.result.get("element_count", frame.shape[0]))
        failed = int(found.result.get("unexpected_count", 0 if found.success else 1))
        results.append(ExpectationResult(rule_id, bool(found.success), checked, failed, each.severity))
    return results, problems


def _flat(info: Mapping[str, Any]) -> list[str]:
    """Keys of whatever raised: the library nests them below a metric's id, or not."""
    inner = [value for value in info.values() if isinstance(value, Mapping) and value.get("raised_exception")]
    return ["exception_traceback"] if inner or info.get("raised_exception") else []


def _own_problem(each: OwnExpectation, tables: Mapping[str, pl.DataFrame]) -> str:
    if each.table not in tables:
        return f"there is no table {each.table}; there are {', '.join(tables)}"
    missing = [name for name in _named_columns(each) if name not in tables[each.table].columns]
    if missing:
        return f"table {each.table} has no column {', '.join(missing)} (personal answers aren't in it)"
    try:
        _make(each)
    except Exception as error:  # pydantic's, the registry's, or an analyst's own
        return f"{each.expectation or 'no expectation'} with these arguments is none ({type(error).__name__})"
    return ""


def _make(each: OwnExpectation) -> Any:  # noqa: ANN401  one of the library's many classes
    from great_expectations.expectations.registry import get_expectation_impl

    made: Any = get_expectation_impl(each.expectation)
    return made(**each.arguments, severity=_GX_SEVERITIES.get(each.severity, "warning"), meta=dict(each.label))


def _named_columns(each: OwnExpectation) -> list[str]:
    named = [each.arguments[key] for key in ("column", "column_A", "column_B") if key in each.arguments]
    listed = each.arguments.get("column_list", [])
    return [str(name) for name in (*named, *(listed if isinstance(listed, list) else []))]


def _columns_of(each: OwnExpectation, frame: pl.DataFrame) -> list[str]:
    """Only the columns it names; those of an expectation on the whole table are all."""
    return _named_columns(each) or frame.columns


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
    from great_expectations.render.components import RenderedStringTemplateContent
    from great_expectations.render.renderer.renderer import renderer

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

        @classmethod
        @renderer(renderer_type="renderer.prescriptive")
        def _prescriptive_renderer(  # type: ignore[override]
            cls,
            configuration: Any = None,  # noqa: ANN401
            result: Any = None,  # noqa: ANN401
            **_: object,
        ) -> list[Any]:
            given = configuration or result.expectation_config
            told = {"sentence": (given.meta or {}).get("sentence", ""), "rule": given.kwargs["rule_id"]}
            words = {"template": "$sentence $rule", "params": told, "styling": {"params": {"rule": _AS_CODE}}}
            return [RenderedStringTemplateContent(content_block_type="string_template", string_template=words)]

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
