"""What clocks show: an interview of the future, two at once on a phone, events outside it, rushed sections."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from schemas.fields import INSTANCE_ID, RECEIVED_AT
from validation.evaluation import NotChecked
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.task import COMPLETE, DAY, NO_ENUMERATOR, WHO, FieldCheck, Outcome, Task, unit_of
from validation.fieldwork_rules import OTHER_INTERVIEW
from validation.order import END, OTHER, START

AUDIT = "_audit"


def _check_future(task: Task) -> Outcome | NotChecked:
    """Interviews that the phone dates after their arrival."""
    if START not in task.moments:
        return NotChecked("the form does not record when interviews start")
    grace = timedelta(minutes=task.parameters.number("clock_ahead", "minutes", _AHEAD))
    times = task.interviews.filter(pl.col(START).is_not_null() & pl.col(RECEIVED_AT).is_not_null())
    latest = pl.max_horizontal(START, END)
    return Outcome(times.height, times.filter(latest > pl.col(RECEIVED_AT) + grace).select(INSTANCE_ID))


def _check_dates(task: Task) -> Outcome | NotChecked:
    """Interviews whose date isn't the day on which they started or ended: the clock was set in between."""
    today = task.preloaded("date/today")
    if START not in task.moments or today is None:
        return NotChecked("the form does not record both the date and when interviews start")
    times = task.interviews.with_columns(task.main[today.column].cast(pl.Date).alias("_today"))
    times = times.filter(pl.col("_today").is_not_null() & pl.col(START).is_not_null())
    zone = task.settings.timezone or "UTC"
    first = pl.col(START).dt.convert_time_zone(zone).dt.date()
    last = pl.coalesce(END, START).dt.convert_time_zone(zone).dt.date()
    # A day to either side: midnight, and phones that are set to another time zone.
    day = timedelta(days=1)
    wrong = (pl.col("_today") < pl.min_horizontal(first, last) - day) | (
        pl.col("_today") > pl.max_horizontal(first, last) + day
    )
    return Outcome(times.height, times.filter(wrong).select(INSTANCE_ID), (today.name,))


def _check_events(task: Task) -> Outcome | NotChecked:
    """Interviews whose logged events lie outside them, or run backwards."""
    audit = task.tables.get(AUDIT)
    if audit is None or not audit.height or not {START, END} <= set(task.moments):
        return NotChecked("phones logged no events, or the form does not record start and end")
    minutes = timedelta(minutes=task.parameters.number("clock_jump", "minutes", _AHEAD))
    steps = (
        audit.lazy()
        .filter(pl.col("start").is_not_null())
        .with_columns((pl.col("start") - pl.col("start").shift(1)).over(INSTANCE_ID).alias("_step"))
    )
    spans = steps.group_by(INSTANCE_ID).agg(
        pl.col("start").min().alias("_first"), pl.col("start").max().alias("_last"), pl.col("_step").min()
    )
    times = task.interviews.lazy().select(INSTANCE_ID, START, END).join(spans, on=INSTANCE_ID).collect()
    # An interview that was opened again later has events long after its start; none are before it.
    wrong = (
        (pl.col("_first") < pl.col(START) - minutes)
        | (pl.col("_first") > pl.col(END) + minutes)
        | (pl.col("_step") < -minutes)
    )
    return Outcome(times.height, times.filter(wrong).select(INSTANCE_ID))


def _check_overlap(task: Task) -> Outcome | NotChecked:
    """Interviews that begin on a phone before the one before has ended."""
    phone = task.preloaded("property/deviceid") or task.enumerator
    if phone is None or not {START, END} <= set(task.moments):
        return NotChecked("the form does not record phone, start and end")
    grace = timedelta(minutes=task.parameters.number("overlap", "minutes", _OVERLAP))
    times = task.interviews.with_columns(task.main[phone.column].cast(pl.String).alias("_phone"))
    times = times.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in ("_phone", START, END)))
    # One left open for days says nothing of those held meanwhile; its own length is told by another check.
    longest = timedelta(minutes=task.settings.duration_max_minutes)
    held = times.filter((pl.col(END) >= pl.col(START)) & (pl.col(END) - pl.col(START) <= longest))
    ordered = held.sort("_phone", START, INSTANCE_ID).with_columns(
        pl.col(END).shift(1).over("_phone").alias("_before"),
        pl.col(INSTANCE_ID).shift(1).over("_phone").alias(OTHER),
    )
    rows = ordered.filter(pl.col(START) + grace < pl.col("_before"))
    return Outcome(held.height, rows.select(INSTANCE_ID, OTHER), (phone.name,))


def _check_sections(task: Task) -> Outcome | NotChecked:
    """Interviews that rushed through a section in a small part of the usual time."""
    audit = task.tables.get(AUDIT)
    if audit is None or not audit.height:
        return NotChecked("phones logged no events")
    least = task.parameters.number("section_short", "share", _SECTION)
    usual = task.parameters.number("section_short", "usual_seconds", _SECTION)
    asked = audit.lazy().filter((pl.col("section") != "") & pl.col("question").is_not_null())
    times = asked.group_by(INSTANCE_ID, "section").agg(
        pl.col("seconds").sum(), pl.col("question").n_unique().alias("_questions")
    )
    # Skip rules make sections short, so what is compared is the time for each question that was asked.
    paces = times.filter(pl.col("_questions") >= 3).with_columns(
        (pl.col("seconds") / pl.col("_questions")).alias("_pace")
    )
    median = pl.col("_pace").median().over("section")
    enough = (pl.len().over("section") >= 30) & (pl.col("seconds").median().over("section") >= usual)
    rushed = paces.filter(enough & (pl.col("_pace") < least * median)).sort("section").collect()
    rows = rushed.group_by(INSTANCE_ID, maintain_order=True).agg(pl.col("section").str.join(", ").alias("sections"))
    return Outcome(audit[INSTANCE_ID].n_unique(), rows.sort(INSTANCE_ID))


def _check_productivity(task: Task) -> Outcome | NotChecked:
    """Days on which an enumerator held more interviews than can be held."""
    if task.enumerator is None:
        return NO_ENUMERATOR
    most = task.parameters.number("productivity", "most_a_day", _PRODUCTIVITY)
    days = task.interviews.drop_nulls([WHO, DAY]).filter(pl.col(COMPLETE)).group_by(WHO, DAY).len("interviews")
    rows = days.filter(pl.col("interviews") > most).sort(WHO, DAY)
    unit = pl.concat_str(unit_of("enumerator", pl.col(WHO)), pl.lit("/day:"), pl.col(DAY).cast(pl.String)).alias("unit")
    rows = rows.select(unit, WHO, pl.col(DAY).cast(pl.String).alias("day"), "interviews")
    return Outcome(days.height, rows, (task.enumerator.name,))


_AHEAD: Defaults = {"minutes": 15.0}
_OVERLAP: Defaults = {"minutes": 2.0}
_SECTION: Defaults = {"share": 0.1, "usual_seconds": 30.0}
_PRODUCTIVITY: Defaults = {"most_a_day": 14.0}
_CLOCK = {
    "es": "Revise la hora del equipo y confirme cuándo se hizo la entrevista.",
    "ht": "Verifye lè ki sou aparèy la epi konfime kilè antrevi a te fèt.",
    "en": "Check the device's clock and confirm when the interview was made.",
}

CHECKS = (
    FieldCheck(
        "clock_ahead",
        "warning",
        "interview",
        {
            "es": "Según el teléfono, la entrevista se hizo después de llegar al servidor.",
            "ht": "Dapre telefòn nan, antrevi a te fèt apre li fin rive sou sèvè a.",
            "en": "By the phone's clock the interview was made after it arrived.",
        },
        _CLOCK,
        _check_future,
        defaults=_AHEAD,
    ),
    FieldCheck(
        "clock_mismatch",
        "warning",
        "interview",
        {
            "es": "La fecha anotada no es la del comienzo ni la del fin: se cambió la hora del teléfono.",
            "ht": "Dat ki make a pa dat kòmansman ni dat fen an: yo te chanje lè telefòn nan.",
            "en": "The date noted is neither that of the start nor of the end: the phone's clock was set.",
        },
        _CLOCK,
        _check_dates,
    ),
    FieldCheck(
        "clock_jump",
        "warning",
        "interview",
        {
            "es": "Los eventos registrados caen fuera de la entrevista o van hacia atrás.",
            "ht": "Evènman ki anrejistre yo tonbe andeyò antrevi a oswa yo fè bak.",
            "en": "The logged events lie outside the interview or run backwards.",
        },
        _CLOCK,
        _check_events,
        defaults=_AHEAD,
    ),
    FieldCheck(
        "overlap",
        "warning",
        "interview",
        {
            "es": "Empezó en el mismo teléfono antes de que terminara otra entrevista.",
            "ht": "Li te kòmanse sou menm telefòn nan anvan yon lòt antrevi fini.",
            "en": "It began on the same phone before another interview ended.",
        },
        _CLOCK,
        _check_overlap,
        detail=OTHER_INTERVIEW,
        defaults=_OVERLAP,
    ),
    FieldCheck(
        "section_short",
        "info",
        "interview",
        {
            "es": "Una sección se respondió en una pequeña parte del tiempo habitual.",
            "ht": "Yo reponn yon seksyon nan yon ti moso tan yo konn pran.",
            "en": "A section was answered in a small part of the usual time.",
        },
        {
            "es": "Pregunte si se leyeron todas las preguntas.",
            "ht": "Mande si yo te li tout kesyon yo.",
            "en": "Ask whether all questions were read out.",
        },
        _check_sections,
        detail={"es": " Secciones: {sections}.", "ht": " Seksyon: {sections}.", "en": " Sections: {sections}."},
        defaults=_SECTION,
    ),
    FieldCheck(
        "productivity",
        "warning",
        "day",
        {
            "es": "En un día se hicieron más entrevistas completas de las que caben.",
            "ht": "Nan yon jou yo te fè plis antrevi konplè pase sa ki posib.",
            "en": "More complete interviews were held on a day than a day has room for.",
        },
        {
            "es": "Compare con los tiempos y lugares de ese día, y llame a algunos hogares.",
            "ht": "Konpare ak lè ak kote jou sa a, epi rele kèk kay.",
            "en": "Compare with that day's times and places, and call some households.",
        },
        _check_productivity,
        detail={
            "es": " Encuestador/a {_who}, {day}: {interviews}.",
            "ht": " Anketè {_who}, {day}: {interviews}.",
            "en": " Enumerator {_who}, {day}: {interviews}.",
        },
        defaults=_PRODUCTIVITY,
    ),
)
