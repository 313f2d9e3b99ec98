"""Evaluate an expression inside a database, by Ibis: DuckDB, PostgreSQL, Spark and others.

    expr = compile_ibis("${age} >= 15 and ${work} = 'yes'", form, "person")
    table.select("_instance_id", expr.boolean(table).name("adult_works"))

The second lowering of the same tree, with the meaning that `expressions.columns` has over frames: for tables that are
in a database already, or too large for memory. It knows the answers of the row itself; sets of rows, lists, moments and
the clock it refuses. Needs the optional extra `ibis`; nothing else imports it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis

from expressions.calculated import CALCULATED_DAY, CALCULATED_MOMENT, CALCULATED_NUMBER, as_held
from expressions.grammar import parse
from expressions.ibis_functions import FUNCTIONS
from expressions.ibis_values import (
    Either,
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

_ORDERS = frozenset(("<", "<=", ">", ">="))
_WHOLE = frozenset(("int", "integer", "long"))
_LARGEST_WHOLE = 2**31 - 1
IbisTable = Any
"""An `ibis.Table` with the columns of a typed table."""


class IbisExpr:
    """A compiled expression over the rows of one table of a database.

    Attributes:
        text: what it was compiled from.
        table: name of the typed table.
    """

    def __init__(self, text: str, form: Form, table: str, field: Field | None = None) -> None:
        self.text = text
        self.table = table
        self._tree = parse(text)
        self._place = Place(form, table, field)
        columns = {one.column or one.name: "string" for one in form.table(table).fields}
        _lower(self._tree, _Row(self._place, ibis.table(columns, name="sample")))  # refuses what it can't say

    def boolean(self, table: IbisTable) -> Sql:
        """Boolean, never null."""
        return to_boolean(self._lower(table))

    def number(self, table: IbisTable) -> Sql:
        """float64; null where the value is blank or no number."""
        return to_number(self._lower(table))

    def string(self, table: IbisTable) -> Sql:
        """Text without nulls; "" where the value is blank.

        Raises:
            ExpressionError: EXP-107, when it may be a decimal number: databases write those in their own ways.
        """
        return to_string(self._lower(table)).fill_null("")

    def _lower(self, table: IbisTable) -> Lowered:
        return _lower(self._tree, _Row(self._place, table))


def compile_ibis(text: str, form: Form, table: str, field: Field | None = None) -> IbisExpr:
    """Compile an expression for the rows of a table in a database.

    Args:
        text: ODK XPath over `${name}` or paths.
        table: name of the typed table.
        field: the question at which it stands; null: the row.

    Raises:
        ExpressionError: as `columns.compile_columns`, EXP-109 for patterns that databases don't have, and EXP-107 for
            functions without a form in SQL.
    """
    return IbisExpr(text, as_held(form)[0], table, field)


def select_truths(exprs: Mapping[str, IbisExpr], table: IbisTable, keys: Sequence[str] = ()) -> IbisTable:
    """One query for many conditions: the key columns, and a column of truths for each."""
    return table.select(*keys, **{name: expr.boolean(table) for name, expr in exprs.items()})


class _Row:
    """The row of a database's table, whose answers an expression names."""

    def __init__(self, place: Place, table: IbisTable) -> None:
        self.place = place
        self.table = table

    def lower(self, expr: Expr) -> Lowered:
        return _lower(expr, self)

    def answer(self, target: Target) -> Lowered:
        question = target.field
        if question is None or not target.is_single or target.table != self.place.table:
            what = f"'{target.name}', which is not an answer of the row itself,"
            raise fail("EXP-103", target.position, f"{what} has no form in SQL.", "Evaluate the rule over columns.")
        column = question.column or question.name
        known = column in self.table.columns
        return _typed(question, self.table[column] if known else ibis.null("string"), target.position)


def _typed(question: Field, expr: Sql, position: int) -> Lowered:
    if question.personal is not None:
        return Value("personal", expr, name=question.name, position=position)
    if question.type in _WHOLE or question.type == "decimal":
        return Value("number", expr.cast("float64"), whole=question.type in _WHOLE, position=position)
    if question.type == "date":
        return Value("date", expr.cast("date"))
    if question.type == "boolean":
        truth = boolean(expr.isin(["true", "1"]).fill_null(False))
        return Either(expr.isin(["true", "1", "false", "0"]).fill_null(False), truth, Value("string", expr))
    if question.type == CALCULATED_NUMBER:
        return Value("number", to_number(Value("string", expr.cast("string"))), position=position)
    if question.type in {"dateTime", "time", CALCULATED_DAY, CALCULATED_MOMENT}:
        what = f"'{question.name}' is of type {question.type}, which has no form in SQL."
        raise fail("EXP-104", position, what, "Evaluate the rule over columns.")
    return Value("string", expr.cast("string"))


def _lower(expr: Expr, row: _Row) -> Lowered:
    match expr:
        case Number():
            whole = expr.value.is_integer() and expr.value <= _LARGEST_WHOLE
            return Value("number", ibis.literal(expr.value, "float64"), "nan", whole=whole, position=expr.position)
        case Text():
            return Value("string", ibis.literal(expr.value), text=expr.value)
        case Reference():
            return row.answer(find_reference(expr, row.place))
        case Path() if is_below_question(expr, row.place):
            return Value("string", ibis.literal(""), text="")
        case Path():
            return row.answer(find_path(expr, row.place))
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


def _logic(expr: Logic, row: _Row) -> Lowered:
    found = [to_boolean(_lower(operand, row)) for operand in expr.operands]
    joined = found[0]
    for one in found[1:]:
        joined = joined & one if expr.operator == "and" else joined | one
    return boolean(joined)


def _binary(expr: Binary, row: _Row) -> Lowered:
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


def _call(call: Call, row: _Row) -> Lowered:
    wrong = argument_error(call)
    if wrong is not None:
        raise wrong
    lower = FUNCTIONS.get(call.name)
    if lower is None:
        raise _refuse(call)
    return lower(row, call)


def _refuse(call: Call) -> ExpressionError:
    known = "has no form in SQL" if is_known(call.name) else "doesn't exist"
    return fail("EXP-107", call.position, f"{call.name}() {known}.", "Evaluate the rule over columns.")
