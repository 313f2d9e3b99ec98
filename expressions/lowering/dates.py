"""Functions of days and moments over columns. `today()` and `now()` are the row's own: when the interview ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from expressions.clock import interview_times, refuse_unknown_time
from expressions.dates import format_moment, parse_moment
from expressions.exact import exactly
from expressions.links import Links, spread
from expressions.lowered import Column, Lowered, choose, string, to_number
from expressions.syntax import Call, Text
from expressions.targets import fail
from schemas.fields import MAIN_TABLE

if TYPE_CHECKING:
    from expressions.lowering import Plan

Lower = Callable[["Plan", Call], Lowered]
_MOMENT = pl.Datetime("ms", "UTC")
_MOST_DAYS = 1_000_000.0


def _now(plan: Plan, call: Call) -> Lowered:
    """When the interview ended, else began, else the day it was held."""
    refuse_unknown_time(plan.form, call.name, call.position)
    own_table = plan.place.table

    def moments(links: Links) -> pl.Series:
        found = interview_times(plan.form, links.tables[MAIN_TABLE])
        return spread(found, links.ancestors(own_table, MAIN_TABLE))

    return Column("moment", plan.derive("now", moments, anywhere=True), zone=plan.zone)


def _today(plan: Plan, call: Call) -> Lowered:
    return _as_day(_now(plan, call))


def _as_day(value: Lowered) -> Lowered:
    if not isinstance(value, Column):
        return choose(value.condition, _as_day(value.yes), _as_day(value.no))
    match value.kind:
        case "date":
            return value
        case "moment":
            return Column("date", value.expr.dt.convert_time_zone(value.zone).dt.date(), value.null)
        case _:
            days = to_number(value).truncate()
            usable = days.abs() <= _MOST_DAYS
            return Column("date", pl.when(usable).then(days).otherwise(None).cast(pl.Int32).cast(pl.Date), "blank")


def _date(plan: Plan, call: Call) -> Lowered:
    """`date(x)`: of a text written in the expression, a number of days, a day or a moment."""
    argument = call.arguments[0]
    if isinstance(argument, Text):
        return _written(plan, argument, call)
    value = plan.lower(argument)
    if isinstance(value, Column) and value.kind == "string":
        return Column("date", _parsed(value.expr, plan.zone))
    if call.name == "date-time" and not (isinstance(value, Column) and value.kind in {"date", "moment"}):
        raise fail("EXP-107", call.position, "date-time() of a number has no form over columns.", "Use date().")
    return value if call.name == "date-time" else _as_day(value)


def _written(plan: Plan, argument: Text, call: Call) -> Lowered:
    if argument.value == "":
        return Column("string", pl.lit(""), text="")
    found = parse_moment(argument.value, UTC)
    if found is None:
        raise fail(
            "EXP-025",
            argument.position,
            f"'{argument.value}' is no date.",
            "Write dates as in '2026-04-01'.",
        )
    if isinstance(found, datetime):
        return Column("moment", pl.lit(found).cast(_MOMENT), zone=plan.zone)
    return Column("date", pl.lit(found))


def _parsed(text: pl.Expr, zone: str) -> pl.Expr:
    """Days of texts; blank and unreadable ones are null (a record's defect is a finding, never an error)."""

    def parse(texts: pl.Series) -> pl.Series:
        known: dict[str | None, date | None] = {}
        for value in texts.unique().to_list():
            found = parse_moment(value, UTC) if value else None
            known[value] = found.date() if isinstance(found, datetime) else found
        return pl.Series(texts.name, [known[value] for value in texts.to_list()], dtype=pl.Date)

    return text.map_batches(parse, return_dtype=pl.Date, is_elementwise=True)


def _format(plan: Plan, call: Call) -> Lowered:
    pattern = call.arguments[1]
    if not isinstance(pattern, Text):
        raise fail("EXP-107", pattern.position, "the pattern of a date must be a text.", "Write it in quotes.")
    if format_moment(datetime(2000, 1, 1, tzinfo=UTC), pattern.value) is None:
        raise fail("EXP-029", pattern.position, "the pattern has an unknown letter after '%'.", "See format-date().")
    value = plan.lower(call.arguments[0])
    if isinstance(value, Column) and value.text == "":
        return value
    if not isinstance(value, Column) or value.kind not in {"date", "moment"}:
        value = _date(plan, Call("date", call.arguments[:1], call.position))
    if not isinstance(value, Column) or value.kind not in {"date", "moment"}:
        raise fail("EXP-107", call.position, f"{call.name}() needs a date.", "Give it a date question.")
    local = value.expr.dt.convert_time_zone(value.zone) if value.kind == "moment" else value.expr.cast(pl.Datetime)
    text = pattern.value

    def write(moments: pl.Series) -> pl.Series:
        known = {one: format_moment(one, text) for one in moments.unique().drop_nulls().to_list()}
        return pl.Series(moments.name, [known.get(one, "") for one in moments.to_list()], dtype=pl.String)

    return string(local.map_batches(write, return_dtype=pl.String, is_elementwise=True))


def _decimal_date_time(plan: Plan, call: Call) -> Lowered:
    value = plan.lower(call.arguments[0])
    if not isinstance(value, Column) or value.kind not in {"moment", "number"}:
        raise fail("EXP-107", call.position, "decimal-date-time() needs a moment here.", "Use a dateTime question.")
    if value.kind == "number":
        return value
    days = exactly(np.divide, value.expr.dt.epoch("ms").cast(pl.Float64), pl.lit(86_400_000.0))
    return Column("number", days.fill_nan(None), value.null)


FUNCTIONS: dict[str, Lower] = {
    "now": _now,
    "today": _today,
    "date": _date,
    "date-time": _date,
    "format-date": _format,
    "format-date-time": _format,
    "decimal-date-time": _decimal_date_time,
}
