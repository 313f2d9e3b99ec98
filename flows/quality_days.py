"""The days of field work: those on which interviews were held, by the clock of the place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, RECEIVED_AT, Form
from validation.clocks import TOLERANCE
from validation.order import START, time_fields

_AUDIT, _TODAY = "_audit", "date/today"


def fieldwork_days(form: Form, tables: Mapping[str, pl.DataFrame], zone: str) -> tuple[str, str, bool]:
    """First and last day, ISO dates, "" if there is none; and whether they are the days of interviews.

    An interview's day is that of its recorded start, else the recorded day, else that of the first event its phone
    logged. Where no interview has one, the days are those of arrival. A day later than arrival is the mistake of a
    phone's clock, and is left out.

    Args:
        tables: interviews that count.
        zone: time zone in which days begin.
    """
    main = tables[MAIN_TABLE]
    if main.is_empty() or RECEIVED_AT not in main.columns:
        return "", "", False
    arrived = pl.col(RECEIVED_AT).cast(pl.Datetime("us", "UTC"))
    held = [_day(expression, zone) for expression in _starts(form, main)]
    if _AUDIT in tables and tables[_AUDIT].height:
        first = tables[_AUDIT].group_by(INSTANCE_ID).agg(pl.col("start").min().alias("_logged"))
        main = main.join(first, on=INSTANCE_ID, how="left")
        held.append(_day(pl.col("_logged"), zone))
    days = main.select(
        pl.coalesce(*held, pl.lit(None, dtype=pl.Date)).alias("held"),
        _day(arrived, zone).alias("arrived"),
        _day(arrived + TOLERANCE, zone).alias("latest"),
    )
    known = days.filter(pl.col("held") <= pl.col("latest"))["held"]
    some = known if len(known) else days["arrived"].drop_nulls()
    told = [value.isoformat() if isinstance(value, date) else "" for value in (some.min(), some.max())]
    return told[0], told[1], bool(len(known))


def _starts(form: Form, main: pl.DataFrame) -> list[pl.Expr]:
    start = time_fields(form).get(START)
    today = next((each for each in form.table(MAIN_TABLE).fields if each.preload == _TODAY), None)
    return [pl.col(each.column) for each in (start, today) if each is not None and each.column in main.columns]


def _day(moment: pl.Expr, zone: str) -> pl.Expr:
    """The day of a moment by the clock of a zone; a date is its own day."""
    return moment.map_batches(lambda values: _local(values, zone), return_dtype=pl.Date)


def _local(values: pl.Series, zone: str) -> pl.Series:
    if values.dtype == pl.Date:
        return values
    if not isinstance(values.dtype, pl.Datetime):
        return pl.Series(values.name, [None] * len(values), dtype=pl.Date)
    aware = values if values.dtype.time_zone else values.dt.replace_time_zone("UTC")
    return aware.dt.convert_time_zone(zone).dt.date()
