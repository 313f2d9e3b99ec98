"""Checks over many interviews that supervisors need while field work goes on.

| rule_id | says that | severity |
|---|---|---|
| `field:duplicate_person` | a person is in an earlier interview already | error |
| `field:similar_person` | a person has the name, sex and age of another in an earlier interview | warning |
| `field:near_identical` | nearly all answers are those of another interview of the enumerator | error |
| `field:impossible_duration` | the interview ends before it starts | error |
| `field:short_duration`, `field:long_duration` | it took less or more than is likely | warning |
| `field:outside_period` | it is dated outside the field period | warning |
| `field:at_night` | it started at night | info |
| `field:outdated_version` | it was made with an earlier version of the form | warning |

Their limits are rows of the `design` sheet (`FieldworkSettings`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from schemas.fields import FORM_VERSION, INSTANCE_ID, MAIN_TABLE, RECEIVED_AT, ROW_ID, Field, Form
from schemas.findings import Finding, Rule, RuleSummary
from validation import fieldwork_rules as names
from validation.evaluation import VIOLATIONS_SCHEMA, Evaluation, Findings, NotChecked
from validation.fieldwork_rules import FieldworkSettings, fieldwork_rules, name_other, read_settings
from validation.likeness import encode_answers, find_near_identical
from validation.order import END, OTHER, START, time_fields
from validation.people import STRONG_KEYS, WEAK_KEYS, find_duplicates

_ANSWERS = "_answers"


def evaluate_fieldwork(
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    settings: Mapping[str, str],
    *,
    personal: pl.DataFrame | None = None,
    versions: Mapping[str, datetime] | None = None,
) -> Evaluation:
    """Judge the interviews against each other and against the plan of field work.

    Args:
        form: the form version whose questions the tables have.
        tables: typed tables of all interviews (they may have been made with several versions).
        settings: `Design.settings`: see `FieldworkSettings` for the rows that count. A value that can't be read
            leaves its rules unchecked, with the reason.
        personal: answers kept apart: columns instance_id, row_id, question, value; used in memory only. Without
            them duplicates are not checked.
        versions: version -> when it was published (UTC), for `field:outdated_version`.

    Returns:
        A finding about two interviews falls on the later one (by the start that the phone recorded, else by arrival,
        then id) and names the id of the other.
    """
    task = _Task(form, tables, read_settings(settings), personal, versions or {}, _times(form, tables))
    findings: list[Finding] = []
    summaries: list[RuleSummary] = []
    for rule in fieldwork_rules():
        outcome = _trouble(rule, task.settings) or _CHECKS[rule.rule_id](task)
        if isinstance(outcome, NotChecked):
            summaries.append(RuleSummary(replace(rule, not_checked=outcome.reason), 0, 0))
            continue
        rule = replace(rule, variables=outcome.variables)
        summaries.append(RuleSummary(rule, outcome.checked, outcome.rows.height))
        findings += _findings(form, rule, outcome.rows, tables[MAIN_TABLE])
    rules = [summary.rule for summary in summaries]
    nothing = pl.DataFrame(schema=VIOLATIONS_SCHEMA)
    paths = [form.root.path] * len(rules)
    return Evaluation(Findings(form.form_id, rules, paths, nothing, findings), tuple(summaries))


@dataclass(frozen=True, slots=True)
class _Task:
    form: Form
    tables: Mapping[str, pl.DataFrame]
    settings: FieldworkSettings
    personal: pl.DataFrame | None
    versions: Mapping[str, datetime]
    times: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a check found.

    Attributes:
        checked: interviews (or persons) looked at.
        rows: one per broken rule: _instance_id, perhaps _row_id and other.
        variables: names of the questions that were compared.
    """

    checked: int
    rows: pl.DataFrame
    variables: tuple[str, ...] = ()


_Check = Callable[[_Task], "_Outcome | NotChecked"]


def _trouble(rule: Rule, settings: FieldworkSettings) -> NotChecked | None:
    """Why the settings of a rule can't be used, null if they can."""
    reasons = [settings.problems[name] for name in _NEEDED[rule.rule_id] if name in settings.problems]
    return NotChecked("; ".join(reasons)) if reasons else None


def _findings(form: Form, rule: Rule, rows: pl.DataFrame, main: pl.DataFrame) -> list[Finding]:
    versions = dict(zip(main[INSTANCE_ID], main[FORM_VERSION], strict=True)) if FORM_VERSION in main.columns else {}
    return [
        Finding(
            form_id=form.form_id,
            form_version=versions.get(row[INSTANCE_ID]) or "",
            instance_id=row[INSTANCE_ID],
            row_id=row.get(ROW_ID) or "",
            rule_id=rule.rule_id,
            kind=rule.kind,
            severity=rule.severity,
            path=form.root.path,
            message=name_other(rule.message, row[OTHER]) if OTHER in row else rule.message,
            advice=rule.advice,
            variables=rule.variables,
        )
        for row in rows.iter_rows(named=True)
    ]


def _check_duplicates(task: _Task) -> _Outcome | NotChecked:
    return _check_people(task, {"document", "name"}, STRONG_KEYS)


def _check_similar(task: _Task) -> _Outcome | NotChecked:
    """Those that have not even more in common."""
    outcome = _check_people(task, {"name"}, WEAK_KEYS)
    if isinstance(outcome, NotChecked):
        return outcome
    same = _check_people(task, {"name"}, STRONG_KEYS)
    if isinstance(same, NotChecked):
        return same
    return replace(outcome, rows=outcome.rows.join(same.rows, on=[INSTANCE_ID, ROW_ID], how="anti"))


def _check_people(task: _Task, wanted: set[str], keys: tuple[tuple[str, ...], ...]) -> _Outcome | NotChecked:
    kinds = {field.personal for field in task.form.fields()}
    if not kinds & wanted:
        return NotChecked("the form marks no question as a name or document")
    if task.personal is None:
        return NotChecked("it needs personal answers, which were not read")
    rows = find_duplicates(task.form, task.tables, task.personal, task.settings, keys)
    kind = {question.removeprefix("full_") for key in keys for question in key}
    variables = tuple(field.name for field in task.form.fields() if field.personal in kind)
    return _Outcome(task.personal.select("instance_id", "row_id").unique().height, rows, variables)


def _check_likeness(task: _Task) -> _Outcome | NotChecked:
    main, settings = task.tables[MAIN_TABLE], task.settings
    enumerator = _enumerator(task.form, settings.enumerator)
    if enumerator is None or enumerator.column not in main.columns:
        return NotChecked("no question of the main table tells who made the interview (design setting “enumerator”)")
    rows = find_near_identical(
        task.form, task.tables, enumerator.column, settings.near_identical_share, settings.near_identical_min_answers
    )
    return _Outcome(main.height - main[enumerator.column].null_count(), rows, (enumerator.name,))


def _enumerator(form: Form, name: str) -> Field | None:
    main = form.table(MAIN_TABLE).fields
    if name:
        return next((field for field in main if field.name == name and not field.personal), None)
    for preload in ("property/username", "property/deviceid"):
        for field in main:
            if field.preload == preload and not field.personal:
                return field
    return None


def _check_impossible(task: _Task) -> _Outcome | NotChecked:
    settings, lasted = task.settings, pl.col(END) - pl.col(START)
    readable = pl.duration(milliseconds=pl.col(_ANSWERS) * settings.duration_seconds_per_answer * 1000)
    return _judge_times(task, (lasted < timedelta()) | (lasted < readable), (START, END))


def _check_short(task: _Task) -> _Outcome | NotChecked:
    limit = timedelta(minutes=task.settings.duration_min_minutes)
    lasted = pl.col(END) - pl.col(START)
    many = pl.col(_ANSWERS) >= task.settings.duration_min_answers
    return _judge_times(task, (lasted < limit) & (lasted >= timedelta()), (START, END), many)


def _check_long(task: _Task) -> _Outcome | NotChecked:
    limit = timedelta(minutes=task.settings.duration_max_minutes)
    return _judge_times(task, pl.col(END) - pl.col(START) > limit, (START, END))


def _check_period(task: _Task) -> _Outcome | NotChecked:
    first, last = task.settings.fieldwork_start, task.settings.fieldwork_end
    if first is None and last is None:
        return NotChecked("the design sheet has no “fieldwork_start” or “fieldwork_end”")
    day = pl.col(START).dt.convert_time_zone(task.settings.timezone or "UTC").dt.date()
    outside = pl.lit(value=False)
    if first is not None:
        outside = outside | (day < first)
    if last is not None:
        outside = outside | (day > last)
    return _judge_times(task, outside, (START,))


def _check_night(task: _Task) -> _Outcome | NotChecked:
    settings = task.settings
    if settings.timezone is None:
        return NotChecked("the design sheet has no “timezone”, and the hour of the day depends on it")
    hour = pl.col(START).dt.convert_time_zone(settings.timezone).dt.time()
    late, early = hour >= settings.night_from, hour < settings.night_to
    overnight = settings.night_from > settings.night_to
    return _judge_times(task, late | early if overnight else late & early, (START,))


def _check_version(task: _Task) -> _Outcome | NotChecked:
    """Outdated: another version had been published, longer ago than the grace, when the interview started."""
    main = task.tables[MAIN_TABLE]
    if not task.versions or FORM_VERSION not in main.columns:
        return NotChecked("it isn't known when the versions of the form were published")
    grace = timedelta(days=task.settings.version_grace_days)
    published = sorted(task.versions.items(), key=lambda item: item[1])
    until = {version: later + grace for (version, _), (_, later) in pairwise(published)}
    ends = pl.DataFrame(
        {FORM_VERSION: list(until), "until": list(until.values())},
        schema={FORM_VERSION: pl.String, "until": pl.Datetime("ms", "UTC")},
    )
    times = task.times
    began = pl.coalesce(*(pl.col(name) for name in (START, RECEIVED_AT) if name in times.columns))
    rows = times.join(ends, on=FORM_VERSION).filter(began > pl.col("until"))
    return _Outcome(times.height, rows.select(INSTANCE_ID))


def _judge_times(
    task: _Task, broken: pl.Expr, needed: tuple[str, ...], where: pl.Expr | None = None
) -> _Outcome | NotChecked:
    """Judge the interviews that have all needed times (and to which `where` applies)."""
    times = task.times
    missing = [name for name in needed if name not in times.columns]
    if missing:
        return NotChecked(
            "the form does not record when interviews " + " and ".join(_RECORDS[name] for name in missing)
        )
    judged = times.filter(*(pl.col(name).is_not_null() for name in needed))
    if where is not None:
        judged = judged.filter(where)
    fields = time_fields(task.form)
    return _Outcome(judged.height, judged.filter(broken).select(INSTANCE_ID), tuple(fields[at].name for at in needed))


_RECORDS = {START: "start", END: "end"}


def _times(form: Form, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Keys of the interviews with start, end and number of answers, as far as the form records them."""
    main = tables[MAIN_TABLE]
    columns = {at: field.column for at, field in time_fields(form).items() if field.column in main.columns}
    keys = [name for name in (INSTANCE_ID, FORM_VERSION, RECEIVED_AT) if name in main.columns]
    answers = np.count_nonzero(encode_answers(form, tables), axis=1)
    return main.select(
        *keys,
        *(pl.col(column).alias(name) for name, column in columns.items()),
        pl.Series(_ANSWERS, answers),
    )


_CHECKS: Mapping[str, _Check] = {
    names.DUPLICATE_PERSON: _check_duplicates,
    names.SIMILAR_PERSON: _check_similar,
    names.NEAR_IDENTICAL: _check_likeness,
    names.IMPOSSIBLE_DURATION: _check_impossible,
    names.SHORT_DURATION: _check_short,
    names.LONG_DURATION: _check_long,
    names.OUTSIDE_PERIOD: _check_period,
    names.AT_NIGHT: _check_night,
    names.OUTDATED_VERSION: _check_version,
}

_NEEDED: Mapping[str, tuple[str, ...]] = {
    names.DUPLICATE_PERSON: (),
    names.SIMILAR_PERSON: (),
    names.NEAR_IDENTICAL: ("near_identical_share", "near_identical_min_answers"),
    names.IMPOSSIBLE_DURATION: ("duration_seconds_per_answer",),
    names.SHORT_DURATION: ("duration_min_minutes", "duration_min_answers"),
    names.LONG_DURATION: ("duration_max_minutes",),
    names.OUTSIDE_PERIOD: ("fieldwork_start", "fieldwork_end", "timezone"),
    names.AT_NIGHT: ("timezone", "night_from", "night_to"),
    names.OUTDATED_VERSION: ("version_grace_days",),
}
