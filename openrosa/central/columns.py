"""A `$filter` as one expression over the columns of a table, with OData's three-valued logic.

A comparison with null or between null values other than `eq` and `ne` is false, as OData says. Types are known before
any row is read, so that a filter which compares a number with a text is refused and doesn't quietly find nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from openrosa.central.filters import FilterRefused, Literal, Name, Node, Operation, Order

NUMBER, TEXT, DAY, TIME, TRUTH, NOTHING = "number", "text", "date", "dateTime", "boolean", "null"
MOMENT = pl.Datetime("ms", "UTC")


@dataclass(frozen=True, slots=True)
class Column:
    """A property that filters may name: its column in the frame, and what kind of values it has."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression with the kind of its values."""

    expression: pl.Expr
    kind: str


def kind_of(dtype: pl.DataType) -> str:
    """The kind of a column's values."""
    if dtype.is_numeric():
        return NUMBER
    if dtype == pl.Date:
        return DAY
    if isinstance(dtype, pl.Datetime):
        return TIME
    return TRUTH if dtype == pl.Boolean else TEXT


_PARTS: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "year": lambda value: value.dt.year(),
    "month": lambda value: value.dt.month(),
    "day": lambda value: value.dt.day(),
    "hour": lambda value: value.dt.hour(),
    "minute": lambda value: value.dt.minute(),
    "second": lambda value: value.dt.second(),
}
_NUMERIC: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "round": lambda value: value.round(0),
    "floor": lambda value: value.floor(),
    "ceiling": lambda value: value.ceil(),
}
_TEXTUAL: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "tolower": lambda value: value.str.to_lowercase(),
    "toupper": lambda value: value.str.to_uppercase(),
    "trim": lambda value: value.str.strip_chars(),
}
_SEARCHES: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "contains": lambda text, part: text.str.contains(part, literal=True),
    "startswith": lambda text, part: text.str.starts_with(part),
    "endswith": lambda text, part: text.str.ends_with(part),
}
_ORDERED: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
}
_ARITHMETIC: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "add": lambda left, right: left + right,
    "sub": lambda left, right: left - right,
    "mul": lambda left, right: left * right,
    "div": lambda left, right: left / right,
    "divby": lambda left, right: left / right,
    "mod": lambda left, right: left % right,
}


class _Compiler:
    def __init__(self, columns: Mapping[str, Column], now: datetime) -> None:
        self.columns = columns
        self.now = now

    def compile(self, node: Node) -> Typed:
        if isinstance(node, Literal):
            return _constant(node)
        if isinstance(node, Name):
            column = find_column(self.columns, node)
            return Typed(pl.col(column.name), column.kind)
        return self.operation(node)

    def operation(self, node: Operation) -> Typed:
        kind, position = node.kind, node.position
        if kind == "now":
            _count(node, 0)
            return Typed(pl.lit(self.now, dtype=MOMENT), TIME)
        operands = [self.compile(operand) for operand in node.operands]
        if kind in {"and", "or", "not"}:
            return _logical(kind, [_need(value, position, TRUTH) for value in operands])
        if kind in {"eq", "ne", *_ORDERED}:
            return Typed(_compare(kind, *_same(operands[0], operands[1], position)), TRUTH)
        if kind == "in":
            equal = [_compare("eq", *_same(operands[0], other, position)) for other in operands[1:]]
            return Typed(pl.any_horizontal(pl.lit(False), *equal), TRUTH)
        if kind in _ARITHMETIC:
            left, right = (_need(value, position, NUMBER) for value in operands)
            return Typed(_ARITHMETIC[kind](left, right), NUMBER)
        if kind == "neg":
            return Typed(-_need(operands[0], position, NUMBER), NUMBER)
        return _function(node, operands)


def _constant(node: Literal) -> Typed:
    value = node.value
    if value is None:
        return Typed(pl.lit(None), NOTHING)
    if isinstance(value, bool):
        return Typed(pl.lit(value), TRUTH)
    if isinstance(value, datetime):
        return Typed(pl.lit(value.astimezone(UTC), dtype=MOMENT), TIME)
    if isinstance(value, date):
        return Typed(pl.lit(value), DAY)
    return Typed(pl.lit(value), TEXT if isinstance(value, str) else NUMBER)


def _count(node: Operation, wanted: int) -> None:
    if len(node.operands) != wanted:
        raise FilterRefused(f"{node.kind}() takes {wanted} arguments, not {len(node.operands)}", node.position)


def _need(value: Typed, position: int, *kinds: str) -> pl.Expr:
    if value.kind not in kinds and value.kind != NOTHING:
        raise FilterRefused(f"expected {' or '.join(kinds)}, found {value.kind}", position)
    if value.kind == NOTHING and kinds[0] in {TRUTH, TEXT}:
        return value.expression.cast(pl.Boolean if kinds[0] == TRUTH else pl.String)
    return value.expression


def _same(left: Typed, right: Typed, position: int) -> tuple[pl.Expr, pl.Expr]:
    """Two values made comparable: a day beside a time is its midnight in UTC, and a date may be written as a text."""
    kinds = {left.kind, right.kind}
    if NOTHING in kinds or left.kind == right.kind:
        return left.expression, right.expression
    if kinds == {DAY, TIME}:
        return left.expression.cast(MOMENT), right.expression.cast(MOMENT)
    raise FilterRefused(f"{left.kind} can't be compared with {right.kind}", position)


def _compare(kind: str, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    if kind == "eq":
        return left.eq_missing(right)
    if kind == "ne":
        return left.ne_missing(right)
    return _ORDERED[kind](left, right).fill_null(False)


def _logical(kind: str, operands: list[pl.Expr]) -> Typed:
    if kind == "not":
        return Typed(~operands[0], TRUTH)
    left, right = operands
    return Typed(left & right if kind == "and" else left | right, TRUTH)


def _function(node: Operation, operands: list[Typed]) -> Typed:
    kind, position = node.kind, node.position
    if kind in _SEARCHES or kind == "concat":
        _count(node, 2)
        text, part = (_need(value, position, TEXT) for value in operands)
        if kind == "concat":
            return Typed(pl.concat_str(text, part), TEXT)
        return Typed(_SEARCHES[kind](text, part).fill_null(False), TRUTH)
    known = {"length", "date", *_PARTS, *_NUMERIC, *_TEXTUAL}
    if kind not in known:
        raise FilterRefused(f"there is no function {kind}()", position)
    _count(node, 1)
    (value,) = operands
    if kind == "length":
        return Typed(_need(value, position, TEXT).str.len_chars(), NUMBER)
    if kind == "date":
        return Typed(_need(value, position, TIME, DAY).cast(pl.Date), DAY)
    if kind in _TEXTUAL:
        return Typed(_TEXTUAL[kind](_need(value, position, TEXT)), TEXT)
    if kind in _NUMERIC:
        return Typed(_NUMERIC[kind](_need(value, position, NUMBER)), NUMBER)
    needed = (TIME,) if kind in {"hour", "minute", "second"} else (TIME, DAY)
    return Typed(_PARTS[kind](_need(value, position, *needed)), NUMBER)


def find_column(columns: Mapping[str, Column], name: Name) -> Column:
    """The column of a property.

    Raises:
        FilterRefused: there is none that may be used.
    """
    column = columns.get(name.path)
    if column is None:
        raise FilterRefused(f"there is no property {name.path!r}", name.position)
    return column


def compile_filter(node: Node, columns: Mapping[str, Column], now: datetime) -> pl.Expr:
    """A filter as a boolean expression; a row stays where it is true.

    Args:
        node: the tree.
        columns: path of a property -> its column.
        now: what `now()` is.

    Raises:
        FilterRefused: an unknown property or function, or kinds that don't fit; with the position.
    """
    return _need(_Compiler(columns, now).compile(node), node.position, TRUTH)


def compile_orders(orders: tuple[Order, ...], columns: Mapping[str, Column]) -> tuple[list[str], list[bool]]:
    """Columns to sort by, and whether each descends.

    Raises:
        FilterRefused: an unknown property.
    """
    return [find_column(columns, order.name).name for order in orders], [order.descending for order in orders]
