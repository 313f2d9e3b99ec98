"""How far field work has come: against the sample, the quota and the day, and each enumerator's part in it."""

from __future__ import annotations

from datetime import date

import polars as pl

from validation.evaluation import NotChecked
from validation.fieldwork.parameters import GENERAL, Defaults
from validation.fieldwork.response import dispositions, response_rates
from validation.fieldwork.task import ANSWERS, COMPLETE, DAY, PSU, WHO, FieldCheck, Outcome, Task, unit_of
from validation.order import END, START

PROGRESS_SCHEMA = {
    "kind": pl.String,
    "name": pl.String,
    "target": pl.Float64,
    "expected": pl.Float64,
    "interviews": pl.Int64,
    "complete": pl.Int64,
    "last_day": pl.Date,
}


def measure_progress(task: Task) -> pl.DataFrame:
    """Interviews against what is planned.

    Returns:
        One row for the whole survey (kind "commune"), each sampling unit ("psu") and each quota ("quota"): `target`
        (null where none is planned), `expected` (of the target until the end of `task.today`, in even steps over the
        field period; null without period or target), `interviews` and `complete` so far, `last_day`.
    """
    frame = task.interviews.select(PSU, COMPLETE, DAY)
    total = _count(frame.with_columns(pl.lit(task.form.form_id).alias("name")), "commune")
    parts = [_planned(total, pl.lit(task.general("target")))]
    if task.general_names("psu"):
        units = _count(frame.drop_nulls(PSU).with_columns(pl.col(PSU).alias("name")), "psu")
        parts.append(_planned(units, pl.lit(task.general("psu_target"))))
    question, targets = _quota(task)
    if question is not None:
        given = frame.with_columns(task.main[question].cast(pl.String).alias("name")).drop_nulls("name")
        quotas = pl.DataFrame(list(targets.items()), schema={"name": pl.String, "_target": pl.Float64}, orient="row")
        counted = _count(given, "quota").join(quotas, on="name", how="full", coalesce=True)
        counted = counted.with_columns(pl.lit("quota").alias("kind"), pl.col("interviews", "complete").fill_null(0))
        parts.append(_planned(counted, pl.col("_target")))
    share = elapsed_share(task)
    done = pl.concat([part.select(name for name in PROGRESS_SCHEMA if name != "expected") for part in parts])
    expected = pl.lit(None, pl.Float64) if share is None else pl.col("target") * share
    return done.with_columns(expected.alias("expected")).select(*PROGRESS_SCHEMA).cast(PROGRESS_SCHEMA)  # type: ignore[arg-type]


def _count(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    counted = frame.group_by("name").agg(
        pl.len().cast(pl.Int64).alias("interviews"),
        pl.col(COMPLETE).sum().cast(pl.Int64).alias("complete"),
        pl.col(DAY).max().alias("last_day"),
    )
    return counted.sort("name").with_columns(pl.lit(kind).alias("kind"))


def _planned(counted: pl.DataFrame, target: pl.Expr) -> pl.DataFrame:
    return counted.with_columns(pl.when(target > 0).then(target.cast(pl.Float64)).alias("target"))


def _quota(task: Task) -> tuple[str | None, dict[str, float]]:
    field = task.question((*task.parameters.names("behind_schedule", "quota_question", _BEHIND), "")[0])
    targets: dict[str, float] = {}
    for pair in task.parameters.names("behind_schedule", "quota", _BEHIND):
        code, _, number = pair.partition("=")
        if number.replace(".", "", 1).isdigit():
            targets[code] = float(number)
    return (field.column if field else None), targets


def elapsed_share(task: Task) -> float | None:
    """The part of the field period that has passed by the end of today, null where it isn't known."""
    first, last = task.settings.fieldwork_start, task.settings.fieldwork_end
    if task.today is None or first is None or last is None or last < first:
        return None
    day: date = task.today.date()
    return min(max(((day - first).days + 1) / ((last - first).days + 1), 0.0), 1.0)


def measure_enumerators(task: Task) -> pl.DataFrame:
    """One row an enumerator.

    Returns:
        enumerator, interviews, complete, days (with an interview), a_day (complete), median_minutes, median_answers,
        dont_know and blank (shares of what everybody is asked), refusals (REF1, null without dispositions), first_day,
        last_day.
    """
    frame = task.interviews.drop_nulls(WHO)
    minutes = (pl.col(END) - pl.col(START)).dt.total_seconds() / 60
    done = pl.col(COMPLETE)
    table = frame.group_by(WHO).agg(
        pl.len().cast(pl.Int64).alias("interviews"),
        done.sum().cast(pl.Int64).alias("complete"),
        pl.col(DAY).n_unique().cast(pl.Int64).alias("days"),
        minutes.filter(done).median().alias("median_minutes"),
        pl.col(ANSWERS).filter(done).median().alias("median_answers"),
        pl.col(DAY).min().alias("first_day"),
        pl.col(DAY).max().alias("last_day"),
    )
    rates = task.item_rates.group_by(WHO).agg(
        (pl.col("dont_know").sum() / pl.col("answered").sum()).alias("dont_know"),
        (1 - pl.col("answered").filter("always").sum() / pl.col("of").filter("always").sum()).alias("blank"),
    )
    table = table.join(rates, on=WHO, how="left").with_columns((pl.col("complete") / pl.col("days")).alias("a_day"))
    codes = dispositions(task)
    if isinstance(codes, NotChecked):
        table = table.with_columns(pl.lit(None, pl.Float64).alias("refusals"))
    else:
        refusals = response_rates(codes.drop_nulls(WHO), (WHO,)).select(WHO, pl.col("REF1").alias("refusals"))
        table = table.join(refusals, on=WHO, how="left")
    order = ("interviews", "complete", "days", "a_day", "median_minutes", "median_answers", "dont_know", "blank")
    told = table.select(pl.col(WHO).alias("enumerator"), *order, "refusals", "first_day", "last_day")
    told = told.with_columns(pl.selectors.float().fill_nan(None))
    return told.sort(pl.col("enumerator").cast(pl.Float64, strict=False), "enumerator")


def _check_behind(task: Task) -> Outcome | NotChecked:
    """The survey and its quotas of which less is done than should be by today."""
    if elapsed_share(task) is None:
        return NotChecked("it needs today's date, “fieldwork_start” and “fieldwork_end” of the design sheet")
    planned = measure_progress(task).filter(pl.col("target").is_not_null() & (pl.col("kind") != PSU.strip("_")))
    if not planned.height:
        return NotChecked(f"the monitoring sheet plans no interviews ({GENERAL}.target, behind_schedule.quota)")
    share = task.parameters.number("behind_schedule", "share", _BEHIND)
    behind = planned.filter(pl.col("complete") < share * pl.col("expected"))
    unit = pl.concat_str(pl.col("kind"), pl.lit(":"), pl.col("name")).alias("unit")
    rows = behind.select(
        unit, "name", "complete", pl.col("expected").round(0).cast(pl.Int64), pl.col("target").cast(pl.Int64)
    )
    return Outcome(planned.height, rows)


def _check_psu(task: Task) -> Outcome | NotChecked:
    """Sampling units in which more interviews were held than are planned."""
    if not task.general("psu_target") or not task.general_names("psu"):
        return NotChecked(f"the monitoring sheet plans no interviews a sampling unit ({GENERAL}.psu_target)")
    units = measure_progress(task).filter(pl.col("kind") == "psu")
    over = units.filter(pl.col("complete") > pl.col("target"))
    rows = over.select(unit_of("psu", pl.col("name")), "name", "complete", pl.col("target").cast(pl.Int64))
    return Outcome(units.height, rows)


_BEHIND: Defaults = {"share": 0.8, "quota_question": "", "quota": ""}

CHECKS = (
    FieldCheck(
        "behind_schedule",
        "info",
        "commune",
        {
            "es": "Hay menos entrevistas completas de las que debería haber a la fecha.",
            "ht": "Gen mwens antrevi konplè pase sa ki te dwe genyen jodi a.",
            "en": "There are fewer complete interviews than there should be by now.",
        },
        {
            "es": "Revise el plan de trabajo: equipos, días y zonas.",
            "ht": "Revize plan travay la: ekip, jou ak zòn.",
            "en": "Look at the plan of work: teams, days and areas.",
        },
        _check_behind,
        detail={
            "es": " {name}: {complete} de {expected} esperadas ({target} en total).",
            "ht": " {name}: {complete} sou {expected} yo t ap tann ({target} an tou).",
            "en": " {name}: {complete} of {expected} expected ({target} in all).",
        },
        defaults=_BEHIND,
    ),
    FieldCheck(
        "psu_exceeded",
        "info",
        "psu",
        {
            "es": "En la unidad de muestreo hay más entrevistas completas que las planificadas.",
            "ht": "Nan inite echantiyon an gen plis antrevi konplè pase sa yo te planifye.",
            "en": "The sampling unit has more complete interviews than planned.",
        },
        {
            "es": "Vea si se anotó mal el número de la unidad.",
            "ht": "Gade si yo mal ekri nimewo inite a.",
            "en": "See whether the unit's number was miswritten.",
        },
        _check_psu,
        detail={
            "es": " Unidad {name}: {complete} de {target}.",
            "ht": " Inite {name}: {complete} sou {target}.",
            "en": " Unit {name}: {complete} of {target}.",
        },
    ),
)
