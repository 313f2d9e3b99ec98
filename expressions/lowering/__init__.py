"""From the tree of an expression to columns: what can be said of whole tables at once.

A `Plan` belongs to one table (and, within it, to one question, for `.`). Lowering an expression in it yields a Polars
expression over the table's frame, and notes the columns it needs: the table's own, and derived ones (answers of rows
above, sums over rows below), which are computed first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from expressions.exact import exactly
from expressions.links import Links, spread
from expressions.lowered import (
    Column,
    Either,
    Lowered,
    boolean,
    compare,
    equals,
    number,
    to_boolean,
    to_number,
)
from expressions.syntax import Binary, Call, Expr, Filter, Logic, Negation, Number, Path, Reference, Text
from expressions.targets import Place, Target, fail, find_path, find_reference, is_below_question
from schemas.fields import Field, Form

_ORDERS = frozenset(("<", "<=", ">", ">="))
_NUMERIC = frozenset(("int", "integer", "long", "decimal"))
_REFUSED_TYPES = frozenset(("boolean", "time"))

Derive = Callable[[Links], pl.Series]


@dataclass(slots=True)
class Plan:
    """The columns that lowered expressions of one table need.

    Attributes:
        place: table and question where the expressions stand.
        zone: time zone in which moments have their day.
        own: names of the table's own columns that are read.
        derived: name -> how to compute a column first.
        steps: name -> part of an expression that is computed once, before whatever uses it; in order of need.
        names: question names used.
        in_predicate: whether the expressions are conditions on the rows of a set.
    """

    place: Place
    zone: str = "UTC"
    own: set[str] = field(default_factory=set)
    derived: dict[str, Derive] = field(default_factory=dict)
    steps: dict[str, pl.Expr] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    in_predicate: bool = False

    @property
    def form(self) -> Form:
        """The form."""
        return self.place.form

    def inner(self, table: str, at: Field | None) -> Plan:
        """A plan for conditions on rows of another table; its names count here too."""
        return Plan(Place(self.form, table, at), self.zone, names=self.names, in_predicate=True)

    def derive(self, key: str, compute: Derive) -> pl.Expr:
        """A column that is computed before the expression; equal keys share it."""
        name = f"_derived {key}"
        self.derived.setdefault(name, compute)
        return pl.col(name)

    def frame(self, links: Links) -> pl.DataFrame:
        """The table's frame with every column that the plan's expressions need."""
        frame = links.tables[self.place.table]
        # A form version without the question has no such column: all blank.
        missing = [pl.Series(name, [None] * frame.height) for name in sorted(self.own) if name not in frame.columns]
        series = [compute(links).alias(name) for name, compute in self.derived.items()]
        return frame.with_columns(*missing, *series)

    def run(self, expr: pl.Expr, links: Links) -> pl.Series:
        """The values of an expression that was lowered in this plan, one per row of the table."""
        return self.apply(self.frame(links), expr)

    def apply(self, frame: pl.DataFrame, expr: pl.Expr) -> pl.Series:
        """The values of an expression over a frame that has the columns it needs, its steps first."""
        needed = set(expr.meta.root_names())
        for name, step in reversed(self.steps.items()):
            if name in needed:
                needed.update(step.meta.root_names())
        for name, step in self.steps.items():
            if name in needed:
                frame = frame.with_columns(_full_column(frame, step).alias(name))
        return _full_column(frame, expr)

    def once(self, value: Lowered) -> Lowered:
        """The same value, its parts computed once whatever uses them.

        A conversion, a remainder or an `if()` names its operand several times: nested as they stand, a check digit of
        a document (nine products, a sum, a remainder) would grow to billions of terms.
        """
        if isinstance(value, Either):
            condition = Column("boolean", value.condition)
            return Either(self._step(condition).expr, self.once(value.yes), self.once(value.no))
        return self._step(value)

    def _step(self, value: Column) -> Column:
        # Constants stay in place: as columns, Polars keeps them one row long and then refuses to compare them.
        if value.kind == "personal" or value.expr.meta.is_column() or not value.expr.meta.root_names():
            return value
        key = f"_step {len(self.steps)}"
        self.steps[key] = value.expr
        return replace(value, expr=pl.col(key))

    # -- expressions -----------------------------------------------------------------------------------------------
    def lower(self, expr: Expr) -> Lowered:
        """The columnar form of a tree.

        Raises:
            ExpressionError: EXP-101 to EXP-120, when it has none.
        """
        match expr:
            case Number():
                return Column("number", pl.lit(expr.value), "nan")
            case Text():
                return Column("string", pl.lit(expr.value), text=expr.value)
            case Reference():
                return self.single(find_reference(expr, self.place), expr.name)
            case Path() if is_below_question(expr, self.place):
                # `${unit}/null`: a node that never exists, so JavaRosa's plain way to write blank.
                return Column("string", pl.lit(""), text="")
            case Path():
                return self.single(find_path(expr, self.place), expr)
            case Logic():
                return self.logic(expr)
            case Negation():
                return self.once(number(-to_number(self.lower(expr.operand))))
            case Binary():
                return self.once(self.binary(expr))
            case Call():
                from expressions.lowering.functions import lower_call

                return self.once(lower_call(self, expr))
            case Filter():
                raise self.not_single(expr.position, "a set of rows")

    def logic(self, expr: Logic) -> Lowered:
        """`and` and `or` over truths that are never null."""
        operands = [to_boolean(self.lower(operand)) for operand in expr.operands]
        return boolean(pl.all_horizontal(operands) if expr.operator == "and" else pl.any_horizontal(operands))

    def binary(self, expr: Binary) -> Lowered:
        """A comparison or arithmetic."""
        if expr.operator == "|":
            raise fail("EXP-107", expr.position, "'|' has no form over columns.", "Use 'or' between conditions.")
        left, right = self.lower(expr.left), self.lower(expr.right)
        if expr.operator in _ORDERS:
            return boolean(compare(expr.operator, left, right))
        if expr.operator in {"=", "!="}:
            same = equals(left, right)
            return boolean(same if expr.operator == "=" else ~same)
        return number(_calculate(expr.operator, to_number(left), to_number(right)))

    # -- answers ---------------------------------------------------------------------------------------------------
    def single(self, target: Target, source: object) -> Lowered:
        """One answer per row: of this table or one above."""
        if target.field is None:
            raise fail(
                "EXP-103", target.position, f"'{target.name}' is a repeat and has no value.", "Count or sum over it."
            )
        if not target.is_single:
            from expressions.lowering.repeats import lower_only_row

            return lower_only_row(self, target)
        return self.answer(target.field, target)

    def answer(self, question: Field, target: Target) -> Lowered:
        """A question's column, brought down from the table above if it stands there."""
        self.names.add(question.name)
        column = question.column or question.name
        if target.table == self.place.table:
            self.own.add(column)
            return self.typed(question, pl.col(column), target.position)
        own_table, above = self.place.table, target.table

        def bring_down(links: Links) -> pl.Series:
            frame = links.tables[above]
            if column not in frame.columns:
                return pl.Series([None] * links.height(own_table))
            return spread(frame.get_column(column), links.ancestors(own_table, above))

        return self.typed(question, self.derive(f"{above}.{column}", bring_down), target.position)

    def typed(self, question: Field, expr: pl.Expr, position: int) -> Column:
        """A question's column with its meaning."""
        if question.personal is not None:
            return Column("personal", expr, name=question.name, position=position)
        if question.type in _NUMERIC:
            return Column("number", expr.cast(pl.Float64))
        if question.type == "date":
            return Column("date", expr.cast(pl.Date))
        if question.type == "dateTime":
            return Column("moment", expr.cast(pl.Datetime("ms", "UTC")), zone=self.zone)
        if question.type in _REFUSED_TYPES:
            raise fail(
                "EXP-104",
                position,
                f"'{question.name}' is of type {question.type}, which has no form over columns.",
                "Use a select or a date and time instead.",
            )
        return Column("string", expr.cast(pl.String))

    def not_single(self, position: int, what: str) -> Exception:
        """The refusal of several values where one is needed."""
        return fail(
            "EXP-103",
            position,
            f"{what} stands where one value is needed.",
            "Use a function over all (count, sum, min, max, join), or indexed-repeat().",
        )


def _full_column(frame: pl.DataFrame, expr: pl.Expr) -> pl.Series:
    """The values of an expression, one per row.

    Polars gives a single one where it is the same for every row: for constants, and for conditions that never hold.
    """
    found = frame.select(expr.alias("_out")).get_column("_out")
    return found if len(found) == frame.height else found.new_from_index(0, frame.height)


def _calculate(operator: str, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "div":
            # Polars multiplies by the reciprocal of a number written out, which differs in the last digit.
            return exactly(np.divide, left, right)
        case _:
            # With the sign of the left side, as in Java; Polars' own takes the sign of the right.
            return exactly(np.fmod, left, right)
