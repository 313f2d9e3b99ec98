"""Days, moments and the clock inside a database. `today()` and `now()` are the row's own: when the interview ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ibis

from expressions.clock import day_columns, moment_columns, refuse_unknown_time
from expressions.dates import parse_moment
from expressions.ibis_place import IbisRow
from expressions.ibis_rows import IbisTable, bring_down
from expressions.ibis_values import Lowered, Sql, Value, as_clock, as_day
from expressions.syntax import Call, Text
from expressions.targets import fail
from schemas.fields import MAIN_TABLE, RECEIVED_AT

Lower = Callable[[Any, Call], Lowered]
_MOMENT = "timestamp('UTC')"


def _date(row: IbisRow, call: Call) -> Lowered:
    argument = call.arguments[0]
    if isinstance(argument, Text):
        if argument.value == "":
            return Value("string", ibis.literal(""), text="")
        found = parse_moment(argument.value, UTC)
        if found is None:
            raise fail("EXP-025", argument.position, f"'{argument.value}' is no date.", "Write it as '2026-04-01'.")
        if not isinstance(found, datetime):
            return Value("date", ibis.date(found.isoformat()))
    elif isinstance(value := row.lower(argument), Value) and value.kind in {"date", "moment"}:
        return as_day(value)
    raise fail("EXP-107", call.position, "date() of such a value has no form in SQL.", "Evaluate it over columns.")


def _now(row: IbisRow, call: Call) -> Lowered:
    """When the interview ended, else began, else the day it was held, else when it arrived."""
    refuse_unknown_time(row.form, call.name, call.position)
    form, own = row.form, row.place.table

    def moment(rows: IbisTable) -> Sql:
        present = [rows[name].cast(_MOMENT) for name in moment_columns(form) if name in rows.columns]
        present += [
            rows[name].cast("date").cast("timestamp").cast(_MOMENT) + ibis.interval(hours=12)
            for name in day_columns(form)
            if name in rows.columns
        ]
        present += [rows[RECEIVED_AT].cast(_MOMENT)] if RECEIVED_AT in rows.columns else []
        return ibis.coalesce(*present, ibis.null(_MOMENT))

    row.reads.add(MAIN_TABLE)
    found = row.derive("now", _MOMENT, lambda name: bring_down(form, own, MAIN_TABLE, name, moment))
    return Value("moment", found.cast(_MOMENT), zone=row.zone)


def _today(row: IbisRow, call: Call) -> Lowered:
    found = _now(row, call)
    return as_day(found) if isinstance(found, Value) else found


def _decimal_date_time(row: IbisRow, call: Call) -> Lowered:
    value = row.lower(call.arguments[0])
    if isinstance(value, Value) and value.kind == "number":
        return value
    if not isinstance(value, Value) or value.kind != "moment":
        raise fail("EXP-107", call.position, "decimal-date-time() needs a moment in SQL.", "Use a dateTime question.")
    clock = as_clock(value)
    seconds = clock.epoch_seconds().cast("float64") + clock.millisecond().cast("float64") / 1000.0
    return Value("number", seconds / 86_400.0, value.null)


DATE_FUNCTIONS: dict[str, Lower] = {
    "now": _now,
    "today": _today,
    "date": _date,
    "decimal-date-time": _decimal_date_time,
}
