"""Checks of field work that the `design` sheet sets: the same person twice, copied interviews, times and versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import polars as pl

from schemas.fields import FORM_VERSION, INSTANCE_ID, MAIN_TABLE, RECEIVED_AT, ROW_ID
from validation import fieldwork_rules as rules
from validation.evaluation import NotChecked
from validation.fieldwork.task import ANSWERS, NO_ENUMERATOR, FieldCheck, Outcome, Task
from validation.fieldwork_rules import OTHER_INTERVIEW, fieldwork_rules
from validation.likeness import find_near_identical
from validation.order import END, START, time_fields
from validation.people import STRONG_KEYS, WEAK_KEYS, find_duplicates

_Check = Callable[[Task], "Outcome | NotChecked"]


def _check_duplicates(task: Task) -> Outcome | NotChecked:
    return _check_people(task, {"document", "name"}, STRONG_KEYS)


def _check_similar(task: Task) -> Outcome | NotChecked:
    """Those that have not even more in common."""
    outcome = _check_people(task, {"name"}, WEAK_KEYS)
    if isinstance(outcome, NotChecked):
        return outcome
    same = _check_people(task, {"name"}, STRONG_KEYS)
    if isinstance(same, NotChecked):
        return same
    return replace(outcome, rows=outcome.rows.join(same.rows, on=[INSTANCE_ID, ROW_ID], how="anti"))


def _check_people(task: Task, wanted: set[str], keys: tuple[tuple[str, ...], ...]) -> Outcome | NotChecked:
    kinds = {field.personal for field in task.form.fields()}
    if not kinds & wanted:
        return NotChecked("the form marks no question as a name or document")
    if task.personal is None:
        return NotChecked("it needs personal answers, which were not read")
    rows = find_duplicates(task.form, task.tables, task.personal, task.settings, keys, task.people)
    kind = {question.removeprefix("full_") for key in keys for question in key}
    variables = tuple(field.name for field in task.form.fields() if field.personal in kind)
    return Outcome(task.personal.select("instance_id", "row_id").unique().height, rows, variables)


def _check_likeness(task: Task) -> Outcome | NotChecked:
    main, settings = task.tables[MAIN_TABLE], task.settings
    enumerator = task.enumerator
    if enumerator is None:
        return NO_ENUMERATOR
    rows = find_near_identical(
        task.form, task.tables, enumerator.column, settings.near_identical_share, settings.near_identical_min_answers
    )
    return Outcome(main.height - main[enumerator.column].null_count(), rows, (enumerator.name,))


def _check_impossible(task: Task) -> Outcome | NotChecked:
    settings, lasted = task.settings, pl.col(END) - pl.col(START)
    readable = pl.duration(milliseconds=pl.col(ANSWERS) * settings.duration_seconds_per_answer * 1000)
    return _judge_times(task, (lasted < timedelta()) | (lasted < readable), (START, END))


def _check_short(task: Task) -> Outcome | NotChecked:
    limit = timedelta(minutes=task.settings.duration_min_minutes)
    lasted = pl.col(END) - pl.col(START)
    many = pl.col(ANSWERS) >= task.settings.duration_min_answers
    return _judge_times(task, (lasted < limit) & (lasted >= timedelta()), (START, END), many)


def _check_long(task: Task) -> Outcome | NotChecked:
    limit = timedelta(minutes=task.settings.duration_max_minutes)
    return _judge_times(task, pl.col(END) - pl.col(START) > limit, (START, END))


def _check_period(task: Task) -> Outcome | NotChecked:
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


def _check_night(task: Task) -> Outcome | NotChecked:
    settings = task.settings
    if settings.timezone is None:
        return NotChecked("the design sheet has no “timezone”, and the hour of the day depends on it")
    hour = pl.col(START).dt.convert_time_zone(settings.timezone).dt.time()
    late, early = hour >= settings.night_from, hour < settings.night_to
    overnight = settings.night_from > settings.night_to
    return _judge_times(task, late | early if overnight else late & early, (START,))


def _check_version(task: Task) -> Outcome | NotChecked:
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
    times = task.interviews.with_columns(main[FORM_VERSION])
    began = pl.coalesce(START, RECEIVED_AT)
    rows = times.join(ends, on=FORM_VERSION).filter(began > pl.col("until"))
    return Outcome(times.height, rows.select(INSTANCE_ID))


def _judge_times(
    task: Task, broken: pl.Expr, needed: tuple[str, ...], where: pl.Expr | None = None
) -> Outcome | NotChecked:
    """Judge the interviews that have all needed times (and to which `where` applies)."""
    times = task.interviews
    missing = [name for name in needed if name not in task.moments]
    if missing:
        return NotChecked(
            "the form does not record when interviews " + " and ".join(_RECORDS[name] for name in missing)
        )
    judged = times.filter(*(pl.col(name).is_not_null() for name in needed))
    if where is not None:
        judged = judged.filter(where)
    fields = time_fields(task.form)
    return Outcome(judged.height, judged.filter(broken).select(INSTANCE_ID), tuple(fields[at].name for at in needed))


_RECORDS = {START: "start", END: "end"}


_OF_TWO = frozenset({rules.DUPLICATE_PERSON, rules.SIMILAR_PERSON, rules.NEAR_IDENTICAL})

_JUDGES: Mapping[str, _Check] = {
    rules.DUPLICATE_PERSON: _check_duplicates,
    rules.SIMILAR_PERSON: _check_similar,
    rules.NEAR_IDENTICAL: _check_likeness,
    rules.IMPOSSIBLE_DURATION: _check_impossible,
    rules.SHORT_DURATION: _check_short,
    rules.LONG_DURATION: _check_long,
    rules.OUTSIDE_PERIOD: _check_period,
    rules.AT_NIGHT: _check_night,
    rules.OUTDATED_VERSION: _check_version,
}

_NEEDED: Mapping[str, tuple[str, ...]] = {
    rules.DUPLICATE_PERSON: (),
    rules.SIMILAR_PERSON: (),
    rules.NEAR_IDENTICAL: ("near_identical_share", "near_identical_min_answers"),
    rules.IMPOSSIBLE_DURATION: ("duration_seconds_per_answer",),
    rules.SHORT_DURATION: ("duration_min_minutes", "duration_min_answers"),
    rules.LONG_DURATION: ("duration_max_minutes",),
    rules.OUTSIDE_PERIOD: ("fieldwork_start", "fieldwork_end", "timezone"),
    rules.AT_NIGHT: ("timezone", "night_from", "night_to"),
    rules.OUTDATED_VERSION: ("version_grace_days",),
}

CHECKS = tuple(
    FieldCheck(
        rule.rule_id.removeprefix("field:"),
        rule.severity,
        "interview",
        rule.message,
        rule.advice,
        _JUDGES[rule.rule_id],
        detail=OTHER_INTERVIEW if rule.rule_id in _OF_TWO else {},
        defaults=dict.fromkeys(_NEEDED[rule.rule_id], ""),
    )
    for rule in fieldwork_rules()
)
"""Their parameters bear the names of the settings of the design sheet, which hold where the other says nothing."""
