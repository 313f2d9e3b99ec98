"""The moment that `now()` means for a stored interview: when it ended, else began, else arrived."""

from __future__ import annotations

import polars as pl

from schemas.fields import MAIN_TABLE, RECEIVED_AT, Form

_MOMENT = pl.Datetime("ms", "UTC")


def interview_times(form: Form, frame: pl.DataFrame) -> pl.Series:
    """One moment per row of the main table; null where none is known."""
    present = [pl.col(name).cast(_MOMENT) for name in _clock_columns(form) if name in frame.columns]
    unknown = pl.lit(None, dtype=_MOMENT)
    return frame.with_columns(pl.coalesce([*present, unknown]).alias("_now")).get_column("_now")


def _clock_columns(form: Form) -> list[str]:
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
    return [*dict.fromkeys(found), RECEIVED_AT]
