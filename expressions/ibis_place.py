"""The row of a database's table at which an expression stands, and what it needs from other tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ibis

from expressions.ibis_rows import Derived, IbisTable, Tables, bring_down, derived_name
from expressions.ibis_values import Either, Lowered, Sql, Value, boolean
from expressions.syntax import Expr
from expressions.targets import Place, Target, fail
from schemas.fields import POSITION, Field, Form

_WHOLE = frozenset(("int", "integer", "long"))
Build = Callable[["IbisRow"], Mapping[str, Sql]]


class IbisRow:
    """Where an expression stands.

    Attributes:
        place: table and question.
        table: the table's rows, with a column for each derived value; null while these are being collected.
        derived: name -> column to be joined first, noted while collecting.
        reads: names of tables that are read, noted while collecting.
        in_predicate: whether the expression is a condition on rows of a set.
    """

    def __init__(
        self,
        place: Place,
        table: IbisTable | None,
        zone: str,
        lower: Callable[[Expr, IbisRow], Lowered],
        in_predicate: bool = False,
    ) -> None:
        self.place = place
        self.table = table
        self.zone = zone
        self.derived: dict[str, Derived] = {}
        self.reads: set[str] = {place.table}
        self.in_predicate = in_predicate
        self._lower = lower

    @classmethod
    def collecting(cls, place: Place, zone: str, lower: Callable[[Expr, IbisRow], Lowered]) -> IbisRow:
        """A row without table, at which an expression is lowered to learn what it needs."""
        return cls(place, None, zone, lower)

    @property
    def form(self) -> Form:
        """The form."""
        return self.place.form

    def lower(self, expr: Expr) -> Lowered:
        """The value of an expression at the row."""
        return self._lower(expr, self)

    def at(self, place: Place, table: IbisTable | None, in_predicate: bool = False) -> IbisRow:
        """A row elsewhere, in the same time zone."""
        return IbisRow(place, table, self.zone, self._lower, in_predicate)

    def column(self, name: str, kind: str = "string") -> Sql:
        """An own column; null where the table lacks it."""
        if self.table is None:
            return ibis.table({name: kind}, name="sample")[name]
        return self.table[name] if name in self.table.columns else ibis.null(kind)

    def derive(self, key: str, kind: str, make: Callable[[str], Callable[[IbisTable, Tables], IbisTable]]) -> Sql:
        """A column that is joined first; equal keys share it.

        Args:
            make: from the column's name the step that adds it.
        """
        name = derived_name(f"{self.place.path} {self.zone} {key}")
        if self.table is None:
            self.derived[name] = Derived(name, kind, make(name))
        return self.column(name, kind)

    def answer(self, target: Target) -> Lowered:
        """A question's answer, brought down from the table above if it stands there."""
        question = target.field
        if question is None or not target.is_single:
            what = f"'{target.name}', which is repeated, stands where one value is needed."
            raise fail("EXP-103", target.position, what, "Use a function over all (count, sum, min, max, join).")
        column = question.column or question.name
        if target.table == self.place.table:
            return self.typed(question, self.column(column), target.position)
        self.reads.add(target.table)
        own, above, form = self.place.table, target.table, self.form

        def value(rows: IbisTable) -> Sql:
            return rows[column] if column in rows.columns else ibis.null("string")

        key = f"{above}.{column}"
        return self.typed(
            question,
            self.derive(key, "string", lambda name: bring_down(form, own, above, name, value)),
            target.position,
        )

    def own_position(self) -> Sql:
        """The row's place within its parent."""
        return self.column(POSITION, "int64").cast("float64")

    def typed(self, question: Field, expr: Sql, position: int) -> Lowered:
        """A question's column with its meaning."""
        if question.personal is not None:
            return Value("personal", expr, name=question.name, position=position)
        if question.type in _WHOLE or question.type == "decimal":
            return Value("number", expr.cast("float64"), whole=question.type in _WHOLE, position=position)
        if question.type == "date":
            return Value("date", expr.cast("date"))
        if question.type == "dateTime":
            return Value("moment", expr.cast("timestamp('UTC')"), zone=self.zone)
        if question.type == "boolean":
            truth = boolean(expr.isin(["true", "1"]).fill_null(False))
            return Either(expr.isin(["true", "1", "false", "0"]).fill_null(False), truth, Value("string", expr))
        if question.type == "time":
            what = f"'{question.name}' is of type {question.type}, which has no form in SQL."
            raise fail("EXP-104", position, what, "Evaluate the rule over columns.")
        return Value("string", expr.cast("string"))


def evaluate_on(row: IbisRow, build: Build, tables: Tables, start: IbisTable | None = None) -> IbisTable:
    """A table with more columns: expressions at its rows, after the joins that they need.

    Args:
        row: where they stand; its own table doesn't matter.
        build: from a row the columns by name.
        start: the table's rows, else those in `tables`.
    """
    collecting = row.at(row.place, None, row.in_predicate)
    build(collecting)
    rows = tables[row.place.table] if start is None else start
    for one in collecting.derived.values():
        if one.name not in rows.columns:
            rows = one.add(rows, tables)
    return rows.mutate(**build(row.at(row.place, rows, row.in_predicate)))


Lower = Callable[[Any, Any], Lowered]
