"""Column values in the making: a Polars expression with ODK's meaning of type and blank.

In every expression null stands for one thing, told by `null`: the blank text "" (an unanswered question) or NaN (a
number that can't be computed). NaN itself never occurs, so that no comparison can meet Polars' order for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from expressions.lowered_text import number_to_text, text_to_number
from expressions.values import TOLERANCE
from schemas.errors import ExpressionError

Kind = Literal["number", "string", "boolean", "date", "moment", "personal"]


@dataclass(frozen=True, slots=True)
class Column:
    """A value per row.

    Attributes:
        kind: number (Float64), string, boolean (never null), date (Date), moment (Datetime, UTC), or personal (only
            whether it is blank is known).
        expr: the Polars expression.
        null: what null stands for: "blank" or "nan"; booleans have none.
        zone: time zone in which a moment's day is told.
        text: the text, if it is one written in the expression.
        name: for personal ones, the question's name, for messages.
        position: where it stands in the expression.
    """

    kind: Kind
    expr: pl.Expr
    null: Literal["blank", "nan"] = "blank"
    zone: str = "UTC"
    text: str | None = None
    name: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Either:
    """What `if()` and `coalesce()` give where the branches differ in type; conversions go into the branches."""

    condition: pl.Expr
    yes: Lowered
    no: Lowered


Lowered = Column | Either


def choose(condition: pl.Expr, yes: Lowered, no: Lowered) -> Lowered:
    """The value of `yes` where the condition holds, else of `no`."""
    if isinstance(yes, Column) and isinstance(no, Column) and "personal" not in (yes.kind, no.kind):
        if yes.kind == no.kind and yes.null == no.null:
            return Column(yes.kind, _when(condition, yes.expr, no.expr), yes.null, yes.zone)
        for one, other in ((yes, no), (no, yes)):
            # `if(..., 5, '')`: a blank text is a blank number too.
            if one.text == "" and other.null == "blank" and other.kind in {"number", "date", "moment"}:
                kept = other.expr if other is yes else None
                blank = pl.lit(None)
                chosen = (
                    _when(condition, other.expr, blank) if kept is not None else _when(condition, blank, other.expr)
                )
                return Column(other.kind, chosen, "blank", other.zone)
    return Either(condition, yes, no)


def _when(condition: pl.Expr, yes: pl.Expr, no: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(yes).otherwise(no)


def number(expr: pl.Expr) -> Column:
    """A computed number: NaN becomes null, and null stands for NaN."""
    # `fill_nan` would name the expression three times, and Polars would compute it as often.
    return Column("number", expr.map_batches(blank_nan, return_dtype=pl.Float64, is_elementwise=True), "nan")


def blank_nan(numbers: pl.Series) -> pl.Series:
    """The numbers, null instead of NaN."""
    return numbers.fill_nan(None) if numbers.is_nan().any() else numbers


def string(expr: pl.Expr) -> Column:
    """A computed text."""
    return Column("string", expr)


def boolean(expr: pl.Expr) -> Column:
    """A computed truth; the expression must not yield null."""
    return Column("boolean", expr)


# -- conversions -------------------------------------------------------------------------------------------------------
def to_number(value: Lowered) -> pl.Expr:
    """As Float64, null for NaN."""
    if isinstance(value, Either):
        return _when(value.condition, to_number(value.yes), to_number(value.no))
    match value.kind:
        case "number":
            return value.expr
        case "boolean":
            return value.expr.cast(pl.Float64)
        case "date":
            return value.expr.cast(pl.Int32).cast(pl.Float64)
        case "moment":
            return _day(value).cast(pl.Int32).cast(pl.Float64)
        case "string":
            return text_to_number(value.expr)
        case "personal":
            raise refuse_personal(value)


def to_string(value: Lowered) -> pl.Expr:
    """As String; blank may be null or ""."""
    if isinstance(value, Either):
        return _when(value.condition, to_string(value.yes), to_string(value.no))
    match value.kind:
        case "string":
            return value.expr
        case "boolean":
            return _when(value.expr, pl.lit("true"), pl.lit("false"))
        case "number":
            text = number_to_text(value.expr)
            return text.fill_null("NaN") if value.null == "nan" else text
        case "date":
            return value.expr.dt.strftime("%Y-%m-%d")
        case "moment":
            return _day(value).dt.strftime("%Y-%m-%d")
        case "personal":
            raise refuse_personal(value)


def to_boolean(value: Lowered) -> pl.Expr:
    """As Boolean without nulls."""
    if isinstance(value, Either):
        return _when(value.condition, to_boolean(value.yes), to_boolean(value.no))
    match value.kind:
        case "boolean":
            return value.expr
        case "number":
            return (value.expr.abs() > TOLERANCE).fill_null(False)
        case "string":
            return (value.expr != "").fill_null(False)
        case _:
            return value.expr.is_not_null()


def is_blank(value: Lowered) -> pl.Expr:
    """Where the value is the text ""; NaN isn't."""
    if isinstance(value, Either):
        return _when(value.condition, is_blank(value.yes), is_blank(value.no))
    match value.kind:
        case "string":
            return (value.expr == "").fill_null(True)
        case "boolean":
            return pl.lit(False)
        case _:
            return value.expr.is_null() if value.null == "blank" else pl.lit(False)


def is_blank_or_nan(value: Lowered) -> pl.Expr:
    """Where `coalesce` passes on to its second argument."""
    if isinstance(value, Either):
        return _when(value.condition, is_blank_or_nan(value.yes), is_blank_or_nan(value.no))
    return value.expr.is_null() if value.kind == "number" else is_blank(value)


def _day(value: Column) -> pl.Expr:
    return value.expr.dt.convert_time_zone(value.zone).dt.date()


def refuse_personal(value: Column) -> ExpressionError:
    """The refusal to look into a personal answer."""
    return ExpressionError(
        "EXP-120",
        f"At {value.position + 1}: the answer to '{value.name}' is personal, and kept apart from the tables.",
        "Test only whether it was answered: ${name} = '' or ${name} != ''.",
        value.position,
    )


# -- comparisons -------------------------------------------------------------------------------------------------------
def equals(left: Lowered, right: Lowered) -> pl.Expr:
    """JavaRosa's `=` without nulls: two blanks are equal, blank equals no number."""
    if isinstance(left, Either):
        return _when(left.condition, equals(left.yes, right), equals(left.no, right))
    if isinstance(right, Either):
        return _when(right.condition, equals(left, right.yes), equals(left, right.no))
    if "personal" in (left.kind, right.kind):
        return _personal_equals(left, right)
    if "boolean" in (left.kind, right.kind):
        return to_boolean(left) == to_boolean(right)
    if right.text == "" or left.text == "":
        return is_blank(left if right.text == "" else right)
    if "number" in (left.kind, right.kind):
        close = ((to_number(left) - to_number(right)).abs() < TOLERANCE).fill_null(False)
        both_blank = is_blank(left) & is_blank(right)
        return close | both_blank if _may_both_be_blank(left, right) else close
    if left.kind == right.kind == "date":
        return left.expr.eq_missing(right.expr)
    if right.text is not None:
        return (to_string(left) == right.text).fill_null(False)
    if left.text is not None:
        return (to_string(right) == left.text).fill_null(False)
    return to_string(left).fill_null("") == to_string(right).fill_null("")


def _may_both_be_blank(left: Column, right: Column) -> bool:
    return all(side.null == "blank" and (side.text is None or side.text == "") for side in (left, right))


def _personal_equals(left: Column, right: Column) -> pl.Expr:
    for personal, other in ((left, right), (right, left)):
        if personal.kind == "personal" and other.text == "":
            return personal.expr.is_null()
    raise refuse_personal(left if left.kind == "personal" else right)


def compare(operator: str, left: Lowered, right: Lowered) -> pl.Expr:
    """JavaRosa's `< <= > >=`, by number; false where a side is blank or NaN."""
    if isinstance(left, Column) and isinstance(right, Column) and left.kind == right.kind == "date":
        first, second = left.expr, right.expr
    else:
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
