"""Calculations that are stored as text, read as the kind of value that JavaRosa held: see `expressions.calculated`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from expressions.calculated import CALCULATED_DAY, CALCULATED_MOMENT, CALCULATED_NUMBER
from expressions.lowered import Column, Lowered

_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.f%z"
_PLAIN_OFFSET: Final = r"([+-]\d{2}):?(\d{2})$"


def _number(text: pl.Expr, zone: str) -> Lowered:
    return Column("number", text.cast(pl.Float64, strict=False).fill_nan(None))


def _day(text: pl.Expr, zone: str) -> Lowered:
    """The day as it is written: midnight in the phone's own zone is another day's evening elsewhere."""
    return Column("date", text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False))


def _moment(text: pl.Expr, zone: str) -> Lowered:
    with_offset = text.str.replace(r"Z$", "+00:00").str.replace(_PLAIN_OFFSET, "${1}:${2}")
    moments = with_offset.str.to_datetime(_FORMAT, time_unit="ms", time_zone="UTC", strict=False)
    return Column("moment", moments, zone=zone)


HELD: Final[Mapping[str, Callable[[pl.Expr, str], Lowered]]] = {
    CALCULATED_NUMBER: _number,
    CALCULATED_DAY: _day,
    CALCULATED_MOMENT: _moment,
}
"""Kind -> what reads a column of texts as that kind, given the time zone in which moments have their day."""
