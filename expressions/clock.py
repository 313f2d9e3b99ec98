"""The moment that `now()` means for a stored interview: when it ended, else began, else the day it was held.

When it arrived is no substitute: a phone may be offline for days. A form that records no time of its own has no
`now()` over stored interviews (EXP-112); in one that does, an interview without it is judged as of its arrival. Who
knows the time from elsewhere puts it into a column and says so (`with_clock`).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import polars as pl

from schemas.errors import ExpressionError
from schemas.fields import MAIN_TABLE, RECEIVED_AT, Field, Form

CLOCK_FUNCTIONS = frozenset(("today", "now"))
_MOMENT = pl.Datetime("ms", "UTC")
_NOON = pl.duration(hours=12)
"""A day is known by its noon in UTC: that is the same day in every inhabited time zone but the outermost."""


_KEPT = 16
_FORMS: OrderedDict[tuple[int, str], tuple[Form, Form]] = OrderedDict()
"""By the form's identity and the column; each holds its form, so that no other takes its id."""


def with_clock(form: Form, column: str) -> Form:
    """The form as if it recorded the moment of its interviews in that column of the main table."""
    kept = _FORMS.get((id(form), column))
    if kept is None:
        main, *others = form.tables
        clock = Field(column, f"{main.path}/{column}", "dateTime", column=column, preload="timestamp/end")
        clocked = replace(form, tables=(replace(main, fields=(clock, *main.fields)), *others))
        kept = _FORMS[id(form), column] = form, clocked
        while len(_FORMS) > _KEPT:
            _FORMS.popitem(last=False)
    return kept[1]


def interview_times(form: Form, frame: pl.DataFrame) -> pl.Series:
    """One moment per row of the main table; null where none is known."""
    present = [pl.col(name).cast(_MOMENT) for name in moment_columns(form) if name in frame.columns]
    present += [
        pl.col(name).cast(pl.Date, strict=False).cast(_MOMENT) + _NOON
        for name in day_columns(form)
        if name in frame.columns
    ]
    if RECEIVED_AT in frame.columns:
        present.append(pl.col(RECEIVED_AT).cast(_MOMENT))
    unknown = pl.lit(None, dtype=_MOMENT)
    return frame.with_columns(pl.coalesce([*present, unknown]).alias("_now")).get_column("_now")


def records_time(form: Form) -> bool:
    """Whether the form itself records when an interview is held: a `start`, `end` or `today` question."""
    return bool(moment_columns(form) or day_columns(form))


def refuse_unknown_time(form: Form, name: str, position: int) -> None:
    """Refuse `today()` and `now()` where the form doesn't record when the interview was held.

    Args:
        name: the function.
        position: offset of the call.

    Raises:
        ExpressionError: EXP-112.
    """
    if not records_time(form):
        raise ExpressionError(
            "EXP-112",
            f"At {position + 1}: {name}() is the moment of the interview, "
            "and the form does not record when the interview was held.",
            "Add a question of type 'start', 'end' or 'today' to the sheet survey.",
            position,
        )


def moment_columns(form: Form) -> list[str]:
    """Columns of the main table with the moment of the interview, the best first."""
    fields = form.table(MAIN_TABLE).fields
    found = [
        field.column or field.name
        for preload in ("timestamp/end", "timestamp/start")
        for field in fields
        if field.preload == preload
    ]
    found += [
        field.column or field.name
        for name in ("end", "start")
        for field in fields
        if field.name == name and field.type == "dateTime"
    ]
    return list(dict.fromkeys(found))


def day_columns(form: Form) -> list[str]:
    """Columns of the main table with the day of the interview."""
    fields = form.table(MAIN_TABLE).fields
    return [field.column or field.name for field in fields if field.preload == "date/today" and field.type == "date"]
