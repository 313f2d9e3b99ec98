"""Sets of rows inside a database: counts, sums, extremes, joins, and a given row of a repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis

from expressions.ibis_functions import lower_concat, lower_extreme
from expressions.ibis_place import IbisRow, evaluate_on
from expressions.ibis_rows import IbisTable, Tables, bring_down, join_by_ancestor, keys_of, reduce_below
from expressions.ibis_values import Lowered, Sql, Value, is_blank, number, string, to_boolean, to_number, to_text
from expressions.lowering.repeats import _repeat_at, find_rows, fixed_position
from expressions.syntax import Call, Expr, Filter, Path, Reference, Text, unparse
from expressions.targets import Place, Target, fail
from expressions.values import LARGEST, SMALLEST
from schemas.fields import INSTANCE_ID, POSITION, ROW_ID, Field

Lower = Callable[[Any, Call], Lowered]
_ELSEWHERE = "Evaluate the rule over columns."


class RowSet:
    """A set of rows of one table, seen from a row.

    Raises:
        ExpressionError: EXP-103 where nodes are needed; EXP-111 a predicate that is no condition.
    """

    def __init__(self, row: IbisRow, expr: Expr) -> None:
        if isinstance(expr, Path) and isinstance(expr.base, Call):
            raise fail("EXP-107", expr.position, "a path into a list has no form in SQL.", _ELSEWHERE)
        self.target: Target = find_rows(row, expr)  # type: ignore[arg-type]  # it only asks for the place
        self.row = row
        self.key = f"{self.target.base}>{self.target.table}:{unparse(expr)}"
        row.reads.add(self.target.table)
        for table, question, predicate in self.target.predicates:
            row.reads.add(table)
            condition = row.at(Place(row.form, table, question), None, in_predicate=True)
            self._condition(condition, predicate)
            row.reads |= condition.reads
        if self.target.field is not None:
            self.value(row.at(Place(row.form, self.target.table, None), None))

    @staticmethod
    def _condition(row: IbisRow, predicate: Expr) -> Sql:
        value = row.lower(predicate)
        if not isinstance(value, Value) or value.kind != "boolean":
            what = "a predicate must be a condition; ODK Collect finds nothing by a bare number or value."
            raise fail("EXP-111", predicate.position, what, "Write [position() = 1] or a comparison.")
        return value.expr

    def value(self, row: IbisRow) -> Lowered:
        """The question's value at a row of the set."""
        question = self.target.field
        if question is None:
            what = f"'{self.target.name}' is a repeat and has no values."
            raise fail("EXP-103", self.target.position, what, "Name a question of it, as in sum(${repeat}/question).")
        own = Target(self.target.table, self.target.table, question, (), self.target.position, question.name)
        return row.answer(own)

    def passing(self, tables: Tables, build: Callable[[IbisRow], Sql] | None = None) -> IbisTable:
        """The rows that pass every predicate, with the column `_value` if one is built."""
        form, target = self.row.form, self.target
        rows = tables[target.table]
        for at, (table, question, predicate) in enumerate(target.predicates):
            name = f"_passes{at}"
            rows = self._mark(rows, tables, name, Place(form, table, question), predicate)
            rows = rows.filter(rows[name].fill_null(False)).drop(name)
        if build is None:
            return rows
        place = self.row.at(Place(form, target.table, None), None)
        return evaluate_on(place, lambda row: {"_value": build(row)}, tables, rows)

    def _mark(self, rows: IbisTable, tables: Tables, name: str, place: Place, predicate: Expr) -> IbisTable:
        condition = self.row.at(place, None, in_predicate=True)
        if place.table == self.target.table:
            return evaluate_on(condition, lambda row: {name: self._condition(row, predicate)}, tables, rows)
        upper = evaluate_on(condition, lambda row: {name: self._condition(row, predicate)}, tables)
        keys = {f"_join_{key}": upper[key] for key in keys_of(place.table)}
        values = upper.select(**keys, _join_value=upper[name])
        return join_by_ancestor(self.row.form, rows, self.target.table, place.table, values, name, tables)

    def derive(
        self, what: str, kind: str, reduce: Callable[[IbisTable], Sql], build: Callable[[IbisRow], Sql] | None = None
    ) -> Sql:
        """A column of the looking row: one value for all rows of the set."""
        row, target = self.row, self.target

        def make(name: str) -> Callable[[IbisTable, Tables], IbisTable]:
            def prepare(tables: Tables) -> IbisTable:
                return self.passing(tables, build)

            return reduce_below(row.form, row.place.table, target.base, target.table, name, prepare, reduce)

        return row.derive(f"{what} {self.key}", kind, make)


def _count(row: IbisRow, call: Call) -> Lowered:
    rows = RowSet(row, call.arguments[0])
    found = rows.derive("count", "int64", lambda below: below.count())
    return number(found.fill_null(0).cast("float64"), whole=True)


def _count_non_empty(row: IbisRow, call: Call) -> Lowered:
    rows = RowSet(row, call.arguments[0])
    rows.value(row.at(Place(row.form, rows.target.table, None), None))
    found = rows.derive(
        "count-non-empty",
        "int64",
        lambda below: below["_value"].sum(),
        lambda inner: ibis.ifelse(is_blank(rows.value(inner)), 0, 1),
    )
    return number(found.fill_null(0).cast("float64"), whole=True)


def _sum(row: IbisRow, call: Call) -> Lowered:
    rows = RowSet(row, call.arguments[0])
    value = rows.value(row.at(Place(row.form, rows.target.table, None), None))
    found = rows.derive(
        "sum", "float64", lambda below: below["_value"].sum(), lambda inner: to_number(rows.value(inner))
    )
    return number(found.fill_null(0.0), whole=isinstance(value, Value) and value.whole)


def _extreme(row: IbisRow, call: Call) -> Lowered:
    if len(call.arguments) != 1 or not isinstance(call.arguments[0], Path | Reference | Filter):
        return lower_extreme(row, call)
    rows = RowSet(row, call.arguments[0])
    largest = call.name == "max"
    found = rows.derive(
        call.name,
        "float64",
        lambda below: below["_value"].max() if largest else below["_value"].min(),
        lambda inner: to_number(rows.value(inner)),
    )
    # Where JavaRosa's extremes begin, so that they never go beyond.
    bound = ibis.literal(SMALLEST if largest else LARGEST, "float64")
    beyond = (found < bound if largest else found > bound).fill_null(False)
    return number(ibis.ifelse(beyond, bound, found))


def _join(row: IbisRow, call: Call) -> Lowered:
    if len(call.arguments) != 2 or not _is_set(row, call.arguments[1]):
        parts: list[Expr] = []
        for part in call.arguments[1:]:
            parts += [call.arguments[0], part] if parts else [part]
        return lower_concat(row, Call("concat", tuple(parts), call.position))
    if not isinstance(call.arguments[0], Text):
        what = "the separator of join() must be a text."
        raise fail("EXP-107", call.arguments[0].position, what, "Write it in quotes.")
    return _joined(row, call.arguments[0].value, call.arguments[1])


def _concat(row: IbisRow, call: Call) -> Lowered:
    if len(call.arguments) == 1 and _is_set(row, call.arguments[0]):
        return _joined(row, "", call.arguments[0])
    return lower_concat(row, call)


def _is_set(row: IbisRow, expr: Expr) -> bool:
    if not isinstance(expr, Path | Reference | Filter) or (isinstance(expr, Path) and isinstance(expr.base, Call)):
        return False
    return not find_rows(row, expr).is_single  # type: ignore[arg-type]  # it only asks for the place


def _joined(row: IbisRow, separator: str, expr: Expr) -> Lowered:
    rows = RowSet(row, expr)
    found = rows.derive(
        f"join {separator!r}",
        "string",
        lambda below: below["_value"].group_concat(separator, order_by=below["_order"]),
        lambda inner: to_text(rows.value(inner)),
    )
    return string(found.fill_null(""))


# -- one row -----------------------------------------------------------------------------------------------------------
def only_row(target: Target, row: IbisRow) -> Lowered:
    """A set in a scalar place: only `repeat[position() = k]/question` is sure to be one row."""
    place = fixed_position(target)
    parent = row.form.table(target.table).parent
    if place is None or target.field is None or target.base != parent:
        what = f"'{target.name}', which is repeated, stands where one value is needed."
        raise fail("EXP-103", target.position, what, "Use a function over all (count, sum, min, max, join).")
    return _pick(row, target.field, target, lambda inner: ibis.literal(place, "float64"), f"[{place}]")


def _indexed_repeat(row: IbisRow, call: Call) -> Lowered:
    if len(call.arguments) != 3:
        raise fail("EXP-107", call.position, "indexed-repeat() of several repeats has no form in SQL.", _ELSEWHERE)
    question, repeat = (find_rows(row, argument) for argument in call.arguments[:2])  # type: ignore[arg-type]
    parent = row.form.table(repeat.table).parent
    if question.field is None or repeat.field is not None or question.table != repeat.table or repeat.base != parent:
        raise fail("EXP-107", call.position, "indexed-repeat() of other rows has no form in SQL.", _ELSEWHERE)
    index = call.arguments[2]

    def place(inner: IbisRow) -> Sql:
        found = to_number(inner.lower(index)).fill_null(0.0)
        # An index that isn't known yet means the first row, as in JavaRosa.
        usable = (found >= 1) & (found < 1e9)
        return ibis.ifelse(
            usable, ibis.ifelse(usable, found, 1.0).floor().cast("float64"), ibis.ifelse(found < 1, 1.0, -1.0)
        )

    place(row)
    return _pick(row, question.field, repeat, place, unparse(index))


def _pick(row: IbisRow, question: Field, target: Target, place: Callable[[IbisRow], Sql], key: str) -> Lowered:
    """The answer in the k-th row below the looking row's own row in the base table."""
    column = question.column or question.name
    row.reads.add(target.table)
    form, own = row.form, row.place

    def make(name: str) -> Callable[[IbisTable, Tables], IbisTable]:
        def add(rows: IbisTable, tables: Tables) -> IbisTable:
            below = tables[target.table]
            value = below[column] if column in below.columns else ibis.null("string")
            values = below.select(
                **{f"_join_{INSTANCE_ID}": below[INSTANCE_ID], f"_join_{ROW_ID}": below["_parent_row_id"]},
                _join_place=below[POSITION].cast("float64"),
                _join_value=value,
            )
            asked = evaluate_on(row.at(own, None), lambda inner: {f"{name}_k": place(inner)}, tables, rows)
            found = join_by_ancestor(form, asked, own.table, target.base, values, name, tables, f"{name}_k")
            return found.drop(f"{name}_k")

        return add

    return row.typed(question, row.derive(f"pick {target.table}.{column} {key}", "string", make), target.position)


def _position(row: IbisRow, call: Call) -> Lowered:
    if not call.arguments:
        if not row.in_predicate:
            raise fail("EXP-105", call.position, "position() counts within a predicate only.", "Write position(..).")
        return number(row.own_position(), whole=True)
    table = _repeat_at(row, call.arguments[0], call)  # type: ignore[arg-type]  # it only asks for the place
    if table == row.place.table:
        return number(row.own_position(), whole=True)
    form, own = row.form, row.place.table
    row.reads.add(table)
    found = row.derive(
        f"position {table}",
        "int64",
        lambda name: bring_down(form, own, table, name, lambda upper: upper[POSITION]),
    )
    return number(found.cast("float64"), whole=True)


SET_FUNCTIONS: dict[str, Lower] = {
    "count": _count,
    "count-non-empty": _count_non_empty,
    "sum": _sum,
    "min": _extreme,
    "max": _extreme,
    "join": _join,
    "concat": _concat,
    "position": _position,
    "indexed-repeat": _indexed_repeat,
}
__all__ = ["SET_FUNCTIONS", "only_row", "to_boolean"]
