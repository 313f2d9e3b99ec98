"""Values inside a database in the making: an Ibis expression with ODK's meaning of type and blank.

The counterpart of `expressions.lowered` for SQL: null stands for blank or NaN, and truths are never null, so that SQL's
third truth value can't leak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import ibis
import ibis.expr.datatypes as dt

from expressions.lowered import refuse_personal
from expressions.targets import fail
from expressions.values import TOLERANCE

Kind = Literal["number", "string", "boolean", "date", "moment", "personal"]
Sql = Any
"""An Ibis value expression."""

_NUMBER = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)$"


@dataclass(frozen=True, slots=True)
class Value:
    """A value per row.

    Attributes:
        kind: number (float64), string, boolean (never null), date, moment (a timestamp in UTC, known by its day), or
            personal (only whether it is blank is known).
        null: what null stands for: "blank" or "nan".
        text: the text, if it is one written in the expression.
        whole: whether a number is sure to be a whole one of moderate size.
        zone: time zone in which a moment's day is told.
        name, position: for messages.
    """

    kind: Kind
    expr: Sql
    null: Literal["blank", "nan"] = "blank"
    text: str | None = None
    whole: bool = False
    zone: str = "UTC"
    name: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Either:
    """What differs in type by row; conversions go into the branches."""

    condition: Sql
    yes: Lowered
    no: Lowered


Lowered = Value | Either


def number(expr: Sql, *, whole: bool = False) -> Value:
    """A computed number: NaN becomes null, and null stands for NaN."""
    return Value("number", expr if whole else expr.nullif(ibis.literal(float("nan"))), "nan", whole=whole)


def string(expr: Sql) -> Value:
    """A computed text."""
    return Value("string", expr)


def boolean(expr: Sql) -> Value:
    """A computed truth; the expression must not yield null."""
    return Value("boolean", expr)


def choose(condition: Sql, yes: Lowered, no: Lowered) -> Lowered:
    """The value of `yes` where the condition holds, else of `no`."""
    if isinstance(yes, Value) and isinstance(no, Value) and yes.kind == no.kind != "personal" and yes.null == no.null:
        chosen = ibis.ifelse(condition, yes.expr, no.expr)
        return Value(yes.kind, chosen, yes.null, whole=yes.whole and no.whole, zone=yes.zone)
    return Either(condition, yes, no)


# -- conversions -------------------------------------------------------------------------------------------------------
def to_number(value: Lowered) -> Sql:
    """As float64, null for NaN."""
    if isinstance(value, Either):
        return ibis.ifelse(value.condition, to_number(value.yes), to_number(value.no))
    match value.kind:
        case "number":
            return value.expr
        case "boolean":
            return ibis.ifelse(value.expr, 1.0, 0.0)
        case "date":
            return (value.expr.cast("timestamp").epoch_seconds() / 86_400).cast("float64")
        case "moment":
            return to_number(as_day(value))
        case "string":
            cleaned = value.expr.replace(",", ".").strip()
            readable = cleaned.re_search(_NUMBER).fill_null(False)
            return ibis.ifelse(readable, cleaned, ibis.null("string")).cast("float64")
        case "personal":
            raise _refuse_personal(value)


def to_string(value: Lowered) -> Sql:
    """As text; blank may be null or ""."""
    if isinstance(value, Either):
        return ibis.ifelse(value.condition, to_string(value.yes), to_string(value.no))
    match value.kind:
        case "string":
            return value.expr
        case "boolean":
            return ibis.ifelse(value.expr, "true", "false")
        case "number":
            if not value.whole:
                raise fail(
                    "EXP-107", value.position, "a decimal number as text has no form in SQL.", "Compare numbers."
                )
            text = value.expr.cast("int64").cast("string")
            return text.fill_null("NaN") if value.null == "nan" else text
        case "date":
            return value.expr.cast("string")
        case "moment":
            return as_day(value).expr.cast("string")
        case "personal":
            raise _refuse_personal(value)


def _timezone(zone, moment):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - the types stand below
    """The local time of a moment in a zone, as DuckDB and PostgreSQL both call it."""


_UTC = dt.Timestamp(timezone="UTC")
_local: Any = ibis.udf.scalar.builtin(_timezone, name="timezone", signature=((dt.string, _UTC), dt.timestamp))


def as_clock(value: Value) -> Sql:
    """A moment as the time that clocks in UTC show, without zone."""
    return _local("UTC", value.expr)


def as_day(value: Value) -> Value:
    """A day: of a moment, the one that it has in its zone."""
    if value.kind == "date":
        return value
    return Value("date", _local(value.zone, value.expr).cast("date"))


def to_text(value: Lowered) -> Sql:
    """As text without nulls."""
    return to_string(value).fill_null("")


def to_boolean(value: Lowered) -> Sql:
    """As truth without nulls."""
    if isinstance(value, Either):
        return ibis.ifelse(value.condition, to_boolean(value.yes), to_boolean(value.no))
    match value.kind:
        case "boolean":
            return value.expr
        case "number":
            return (value.expr.abs() > TOLERANCE).fill_null(False)
        case "string":
            return (value.expr != "").fill_null(False)
        case _:
            return value.expr.notnull()


def is_blank(value: Lowered) -> Sql:
    """Where the value is the text ""; NaN isn't."""
    if isinstance(value, Either):
        return ibis.ifelse(value.condition, is_blank(value.yes), is_blank(value.no))
    match value.kind:
        case "string":
            return (value.expr == "").fill_null(True)
        case "boolean":
            return ibis.literal(False)
        case _:
            return value.expr.isnull() if value.null == "blank" else ibis.literal(False)


def is_blank_or_nan(value: Lowered) -> Sql:
    """Where `coalesce` passes on to its second argument."""
    if isinstance(value, Either):
        return ibis.ifelse(value.condition, is_blank_or_nan(value.yes), is_blank_or_nan(value.no))
    return value.expr.isnull() if value.kind == "number" else is_blank(value)


def _refuse_personal(value: Value) -> Exception:
    from expressions.lowered import Column

    # The message needs the name and place alone.
    return refuse_personal(Column("personal", value.expr, name=value.name, position=value.position))


# -- comparisons -------------------------------------------------------------------------------------------------------
def equals(left: Lowered, right: Lowered) -> Sql:
    """JavaRosa's `=` without nulls: two blanks are equal, blank equals no number."""
    if isinstance(left, Either):
        return ibis.ifelse(left.condition, equals(left.yes, right), equals(left.no, right))
    if isinstance(right, Either):
        return ibis.ifelse(right.condition, equals(left, right.yes), equals(left, right.no))
    if "personal" in (left.kind, right.kind):
        return _personal_equals(left, right)
    if "boolean" in (left.kind, right.kind):
        return to_boolean(left) == to_boolean(right)
    if right.text == "" or left.text == "":
        return is_blank(left if right.text == "" else right)
    if "number" in (left.kind, right.kind):
        close = ((to_number(left) - to_number(right)).abs() < TOLERANCE).fill_null(False)
        may_both_be_blank = all(side.null == "blank" and not side.text for side in (left, right))
        return close | (is_blank(left) & is_blank(right)) if may_both_be_blank else close
    if left.kind == right.kind == "date":
        return left.expr.identical_to(right.expr)
    return to_text(left) == to_text(right)


def _personal_equals(left: Value, right: Value) -> Sql:
    for personal, other in ((left, right), (right, left)):
        if personal.kind == "personal" and other.text == "":
            return personal.expr.isnull()
    raise _refuse_personal(left if left.kind == "personal" else right)


def compare(operator: str, left: Lowered, right: Lowered) -> Sql:
    """JavaRosa's `< <= > >=`, by number; false where a side is blank or NaN."""
    first, second = to_number(left), to_number(right)
    match operator:
        case "<":
            found = first < second
        case "<=":
            found = first <= second
        case ">":
            found = first > second
        case _:
            found = first >= second
    return found.fill_null(False)
