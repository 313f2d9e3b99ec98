"""Judge the interviews of a form against each other, check by check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from schemas.fields import FORM_VERSION, INSTANCE_ID, MAIN_TABLE, ROW_ID, Form
from schemas.findings import Finding, Rule, RuleSummary
from schemas.workbook import MonitoringRow
from validation.evaluation import VIOLATIONS_SCHEMA, Evaluation, Findings, NotChecked
from validation.fieldwork.catalogue import CHECKS
from validation.fieldwork.parameters import GENERAL, GENERAL_DEFAULTS, Parameters, read_parameters
from validation.fieldwork.task import QUESTION, FieldCheck, Outcome, Task
from validation.fieldwork_rules import read_settings


def evaluate_fieldwork(
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    settings: Mapping[str, str],
    *,
    personal: pl.DataFrame | None = None,
    versions: Mapping[str, datetime] | None = None,
    monitoring: Iterable[MonitoringRow] = (),
    boundary: Any = None,  # noqa: ANN401 - shapely ships no types
    today: datetime | None = None,
) -> Evaluation:
    """Judge the interviews against each other and against the plan of field work.

    Args:
        form: the form version whose questions the tables have.
        tables: typed tables of all interviews (they may have been made with several versions), `_audit` among them
            where phones logged events.
        settings: `Design.settings`: see `FieldworkSettings` for the rows that count. A value that can't be read
            leaves its rules unchecked, with the reason.
        personal: answers kept apart: columns instance_id, row_id, question, value; used in memory only. Without
            them duplicates and positions are not checked.
        versions: version -> when it was published (UTC), for `field:outdated_version`.
        monitoring: `Specs.monitoring`.
        boundary: the commune's area in degrees (a shapely geometry), for `field:outside_commune`.
        today: moment by which progress is measured; null leaves `field:behind_schedule` unchecked.

    Returns:
        A finding about two interviews falls on the later one (by the start that the phone recorded, else by arrival,
        then id) and names the id of the other. One about an enumerator, a sampling unit, a day or the whole survey
        has no interview: its row says what it is about ("enumerator:7/question:age").
    """
    task = make_task(form, tables, settings, monitoring, personal, versions, boundary, today)
    findings: list[Finding] = []
    summaries: list[RuleSummary] = []
    for check in CHECKS:
        rule = make_rule(check, task.parameters)
        outcome = _trouble(check, task) or _judge(check, task)
        if isinstance(outcome, NotChecked):
            summaries.append(RuleSummary(replace(rule, not_checked=outcome.reason), 0, 0))
            continue
        rule = replace(rule, variables=outcome.variables)
        summaries.append(RuleSummary(rule, outcome.checked, outcome.rows.height))
        findings += _findings(task, check, rule, outcome.rows)
    rules = [summary.rule for summary in summaries]
    nothing = pl.DataFrame(schema=VIOLATIONS_SCHEMA)
    paths = [form.root.path] * len(rules)
    return Evaluation(Findings(form.form_id, rules, paths, nothing, findings), tuple(summaries))


def make_task(
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    settings: Mapping[str, str],
    monitoring: Iterable[MonitoringRow] = (),
    personal: pl.DataFrame | None = None,
    versions: Mapping[str, datetime] | None = None,
    boundary: Any = None,  # noqa: ANN401 - as above
    today: datetime | None = None,
) -> Task:
    """What checks look at; see `evaluate_fieldwork`."""
    known = {check.name: check.defaults for check in CHECKS} | {GENERAL: GENERAL_DEFAULTS}
    parameters = read_parameters(monitoring, known)
    # Checks whose limits are settings of the design sheet take them from the monitoring sheet where it has them.
    own = {name: str(value) for (check, name), value in parameters.values.items() if check != GENERAL}
    merged = {**settings, **own}
    return Task(form, tables, read_settings(merged), parameters, personal, versions or {}, boundary, today)


def make_rule(check: FieldCheck, parameters: Parameters) -> Rule:
    """The rule of a check, with the severity that the sheet gives it."""
    severity = parameters.severities.get(check.name, check.severity)
    return Rule(check.rule_id, "field", MAIN_TABLE, severity, "", check.message, check.advice)


def _judge(check: FieldCheck, task: Task) -> Outcome | NotChecked:
    try:
        return check.judge(task)
    except pl.exceptions.PolarsError as error:
        # Only its kind: the texts of these errors may quote answers.
        return NotChecked(f"it fails over these answers ({type(error).__name__})")


def _trouble(check: FieldCheck, task: Task) -> NotChecked | None:
    """Why a check is not made, null if it is."""
    problems = task.parameters.problems
    if check.name in task.parameters.off:
        return NotChecked("it is switched off in the monitoring sheet")
    reasons = [task.settings.problems[name] for name in check.defaults if name in task.settings.problems]
    reasons += [problems[name] for name in (GENERAL, check.name) if name in problems]
    return NotChecked("; ".join(reasons)) if reasons else None


def _findings(task: Task, check: FieldCheck, rule: Rule, rows: pl.DataFrame) -> list[Finding]:
    if rows.is_empty():
        return []
    main = task.main
    versions = dict(zip(main[INSTANCE_ID], main[FORM_VERSION], strict=True)) if FORM_VERSION in main.columns else {}
    found = []
    for row in rows.iter_rows(named=True):
        message = rule.message
        if check.detail:
            message = {language: text + check.detail[language].format_map(row) for language, text in message.items()}
        instance_id = row.get(INSTANCE_ID) or ""
        found.append(
            Finding(
                form_id=task.form.form_id,
                form_version=versions.get(instance_id) or "",
                instance_id=instance_id,
                row_id=row.get(ROW_ID) or row.get("unit") or "",
                rule_id=rule.rule_id,
                kind=rule.kind,
                severity=rule.severity,
                path=task.form.root.path,
                message=message,
                advice=rule.advice,
                variables=_variables(row.get(QUESTION)) or rule.variables,
            )
        )
    return found


def _variables(given: str | list[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())
