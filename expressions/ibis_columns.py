"""Evaluate an expression inside a database, by Ibis: DuckDB, PostgreSQL, Spark and others.

    expr = compile_ibis("${age} >= 15 and count(${visit}) > 1", form, "person")
    rows = expr.enrich(tables)  # the table `person`, with what the expression takes from other tables
    rows.select("_instance_id", expr.boolean(rows).name("adult_with_visits"))

The second lowering of the same tree, with the meaning that `expressions.columns` has over frames: for tables that are
in a database already, or too large for memory. It knows the answers of the row, of rows above and of sets of rows
below, days, moments and the clock; lists it refuses, and whatever it refuses is not checked there. Needs the optional
extra `ibis`; nothing else imports it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis

from expressions.grammar import parse
from expressions.ibis_dates import DATE_FUNCTIONS
from expressions.ibis_functions import FUNCTIONS
from expressions.ibis_place import IbisRow
from expressions.ibis_rows import IbisTable, Tables
from expressions.ibis_sets import SET_FUNCTIONS, only_row
from expressions.ibis_values import (
    Lowered,
    Sql,
    Value,
    boolean,
    compare,
    equals,
    number,
    to_boolean,
    to_number,
    to_string,
)
from expressions.registry_names import argument_error, is_known
from expressions.syntax import Binary, Call, Expr, Logic, Negation, Number, Path, Reference, Text
from expressions.targets import Place, Target, fail, find_path, find_reference, is_below_question
from schemas.errors import ExpressionError
from schemas.fields import Field, Form

_LOWER = FUNCTIONS | DATE_FUNCTIONS | SET_FUNCTIONS
_ORDERS = frozenset(("<", "<=", ">", ">="))
_LARGEST_WHOLE = 2**31 - 1


class IbisExpr:
    """A compiled expression over the rows of one table of a database.

    Attributes:
        text: what it was compiled from.
        table: name of the typed table.
        reads: names of the tables that it reads, its own first.
    """

    def __init__(self, text: str, form: Form, table: str, field: Field | None = None, zone: str = "UTC") -> None:
        self.text = text
        self.table = table
        self._tree = parse(text)
        self._place = Place(form, table, field)
        self._zone = zone
        collecting = IbisRow.collecting(self._place, zone, _lower)
        _lower(self._tree, collecting)  # refuses what it can't say
        self.derived = collecting.derived
        self.reads = (table, *sorted(collecting.reads - {table}))

    def enrich(self, tables: Tables) -> IbisTable:
        """The expression's table with a column for each value that it takes from other tables."""
        rows = tables[self.table]
        for one in self.derived.values():
            rows = one.add(rows, tables)
        return rows

    def boolean(self, rows: IbisTable) -> Sql:
        """Boolean, never null. `rows` are the table, enriched if the expression reads others."""
        return to_boolean(self._lower(rows))

    def number(self, rows: IbisTable) -> Sql:
        """float64; null where the value is blank or no number."""
        return to_number(self._lower(rows))

    def string(self, rows: IbisTable) -> Sql:
        """Text without nulls; "" where the value is blank.

        Raises:
            ExpressionError: EXP-107, when it may be a decimal number: databases write those in their own ways.
        """
        return to_string(self._lower(rows)).fill_null("")

    def _lower(self, rows: IbisTable) -> Lowered:
        return _lower(self._tree, IbisRow(self._place, rows, self._zone, _lower))


def compile_ibis(text: str, form: Form, table: str, field: Field | None = None, *, zone: str = "UTC") -> IbisExpr:
    """Compile an expression for the rows of a table in a database.

    Args:
        text: ODK XPath over `${name}` or paths.
        table: name of the typed table.
        field: the question at which it stands; null: the row.
        zone: time zone in which the day of a moment is told.

    Raises:
        ExpressionError: as `columns.compile_columns`, EXP-109 for patterns that databases don't have, and EXP-107 for
            functions without a form in SQL.
    """
    return IbisExpr(text, form, table, field, zone)


def select_truths(
    exprs: Mapping[str, IbisExpr], table: IbisTable, keys: Sequence[str] = (), tables: Tables | None = None
) -> IbisTable:
    """One query for many conditions of one table: the key columns, and a column of truths for each.

    Args:
        tables: every typed table by its name; needed if an expression reads others than its own.
    """
    rows = table
    for name, one in {name: one for expr in exprs.values() for name, one in expr.derived.items()}.items():
        if name not in rows.columns:
            rows = one.add(rows, tables or {})
    return rows.select(*keys, **{name: expr.boolean(rows) for name, expr in exprs.items()})


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A rule that a database can't check.

    Attributes:
        name: of the rule.
        reason: why, with the place in the expression.
    """

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: not checked here. {self.reason}"


def compile_rules(
    texts: Mapping[str, str], form: Form, table: str, *, zone: str = "UTC"
) -> tuple[dict[str, IbisExpr], list[NotChecked]]:
    """The rules of a table that a database can check, and those that it can't, with the reason."""
    compiled: dict[str, IbisExpr] = {}
    refused: list[NotChecked] = []
    for name, text in texts.items():
        try:
            compiled[name] = compile_ibis(text, form, table, zone=zone)
        except ExpressionError as error:
            refused.append(NotChecked(name, str(error)))
    return compiled, refused


def _lower(expr: Expr, row: IbisRow) -> Lowered:
    match expr:
        case Number():
            whole = expr.value.is_integer() and expr.value <= _LARGEST_WHOLE
            return Value("number", ibis.literal(expr.value, "float64"), "nan", whole=whole, position=expr.position)
        case Text():
            return Value("string", ibis.literal(expr.value), text=expr.value)
        case Reference():
            return _single(find_reference(expr, row.place), row)
        case Path() if is_below_question(expr, row.place):
            return Value("string", ibis.literal(""), text="")
        case Path():
            return _single(find_path(expr, row.place), row)
        case Logic():
            return _logic(expr, row)
        case Negation():
            value = _lower(expr.operand, row)
            return number(-to_number(value), whole=isinstance(value, Value) and value.whole)
        case Binary():
            return _binary(expr, row)
        case Call():
            return _call(expr, row)
        case _:
            raise fail("EXP-103", expr.position, "a set of rows has no form in SQL.", "Evaluate the rule over columns.")


def _single(target: Target, row: IbisRow) -> Lowered:
    """One answer per row: of this table, one above, or of a row that its place names."""
    if target.field is None:
        what = f"'{target.name}' is a repeat and has no value."
        raise fail("EXP-103", target.position, what, "Count or sum over it.")
    return row.answer(target) if target.is_single else only_row(target, row)


def _logic(expr: Logic, row: IbisRow) -> Lowered:
    found = [to_boolean(_lower(operand, row)) for operand in expr.operands]
    joined = found[0]
    for one in found[1:]:
        joined = joined & one if expr.operator == "and" else joined | one
    return boolean(joined)


def _binary(expr: Binary, row: IbisRow) -> Lowered:
    left, right = _lower(expr.left, row), _lower(expr.right, row)
    if expr.operator in _ORDERS:
        return boolean(compare(expr.operator, left, right))
    if expr.operator in {"=", "!="}:
        same = equals(left, right)
        return boolean(same if expr.operator == "=" else ~same)
    whole = all(isinstance(side, Value) and side.kind == "number" and side.whole for side in (left, right))
    first, second = to_number(left), to_number(right)
    match expr.operator:
        case "+":
            return number(first + second)
        case "-":
            return number(first - second)
        case "*":
            return number(first * second)
        case "div":
            return number(_divide(first, second))
        case "mod" if whole:
            by = second.cast("int64").nullif(0)
            return number((first.cast("int64") % by).cast("float64"))
        case _:
            what = f"'{expr.operator}' of such values has no form in SQL."
            raise fail("EXP-107", expr.position, what, "Evaluate the rule over columns.")


def _divide(left: Sql, right: Sql) -> Sql:
    """By IEEE's rules, which databases answer with null or an error."""
    endless = ibis.cases((left > 0, float("inf")), (left < 0, float("-inf")), else_=ibis.null("float64"))
    return ibis.ifelse((right == 0).fill_null(False), endless, left / right.nullif(0.0))


def _call(call: Call, row: IbisRow) -> Lowered:
    wrong = argument_error(call)
    if wrong is not None:
        raise wrong
    lower = _LOWER.get(call.name)
    if lower is None:
        raise _refuse(call)
    return lower(row, call)


def _refuse(call: Call) -> ExpressionError:
    known = "has no form in SQL" if is_known(call.name) else "doesn't exist"
    return fail("EXP-107", call.position, f"{call.name}() {known}.", "Evaluate the rule over columns.")
