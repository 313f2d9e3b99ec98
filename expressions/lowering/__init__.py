"""From the tree of an expression to columns: what can be said of whole tables at once.

A `Plan` belongs to one table (and, within it, to one question, for `.`). Lowering an expression in it yields a Polars
expression over the table's frame, and notes the columns it needs: the table's own, and derived ones (answers of rows
above, sums over rows below), which are computed first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

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
from expressions.lowering.held import HELD
from expressions.syntax import Binary, Call, Expr, Filter, Logic, Negation, Number, Path, Reference, Text
from expressions.targets import Place, Target, fail, find_path, find_reference, is_below_question
from schemas.fields import Field, Form

_ORDERS = frozenset(("<", "<=", ">", ">="))
_NUMERIC = frozenset(("int", "integer", "long", "decimal"))
_TRUE = ("true", "1")
_TRUTHS = ("true", "1", "false", "0")

Derive = Callable[[Links], pl.Series]

_NUMBERS = count()
"""Steps are numbered throughout the program, so that those of several plans can stand in one frame."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """Part of an expression that is computed once.

    Attributes:
        roots: names of the columns that it reads: the table's own, derived ones and earlier steps.
        depth: one more than that of the deepest step it reads.
    """

    expr: pl.Expr
    roots: tuple[str, ...]
    depth: int


@dataclass(slots=True)
class Plan:
    """The columns that lowered expressions of one table need.

    Attributes:
        place: table and question where the expressions stand.
        zone: time zone in which moments have their day.
        own: names of the table's own columns that are read.
        derived: name -> how to compute a column first.
        steps: name -> part of an expression that is computed once, before whatever uses it.
        names: question names used.
        in_predicate: whether the expressions are conditions on the rows of a set.
    """

    place: Place
    zone: str = "UTC"
    own: set[str] = field(default_factory=set)
    derived: dict[str, Derive] = field(default_factory=dict)
    steps: dict[str, PlannedStep] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    in_predicate: bool = False

    @property
    def form(self) -> Form:
        """The form."""
        return self.place.form

    def inner(self, table: str, at: Field | None) -> Plan:
        """A plan for conditions on rows of another table; its names count here too."""
        return Plan(Place(self.form, table, at), self.zone, names=self.names, in_predicate=True)

    def derive(self, key: str, compute: Derive, *, anywhere: bool = False) -> pl.Expr:
        """A column that is computed before the expression; equal keys share it.

        Args:
            anywhere: whether the key means the same at every question of the table.
        """
        at = "" if anywhere or self.place.field is None else self.place.path
        name = f"_derived {at}>{key}"
        self.derived.setdefault(name, compute)
        return pl.col(name)

    def run(self, expr: pl.Expr, links: Links) -> pl.Series:
        """The values of an expression that was lowered in this plan, one per row of the table."""
        return run_together([(self, expr)], links)[0]

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
        roots = () if value.kind == "personal" else tuple(dict.fromkeys(value.expr.meta.root_names()))
        if not roots or value.expr.meta.is_column():
            return value
        key = f"_step {next(_NUMBERS)}"
        depth = 1 + max((self.steps[root].depth for root in roots if root in self.steps), default=0)
        self.steps[key] = PlannedStep(value.expr, roots, depth)
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
            case Path(base=Call(name="instance")):
                from expressions.lowering.lists import lower_item

                return lower_item(self, expr)
            case Path(base=Call(name="current"), steps=steps) if not self.in_predicate:
                # Outside predicates the current node is the one where the expression stands.
                return self.lower(Path(None, False, steps, expr.position))
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

        return self.typed(question, self.derive(f"{above}.{column}", bring_down, anywhere=True), target.position)

    def typed(self, question: Field, expr: pl.Expr, position: int) -> Lowered:
        """A question's column with its meaning."""
        if question.personal is not None:
            return Column("personal", expr, name=question.name, position=position)
        if question.type in _NUMERIC:
            return Column("number", expr.cast(pl.Float64))
        if question.type == "date":
            return Column("date", expr.cast(pl.Date))
        if question.type == "dateTime":
            return Column("moment", expr.cast(pl.Datetime("ms", "UTC")), zone=self.zone)
        if question.type == "boolean":
            # Blank is a blank text, and no truth.
            text = expr.cast(pl.String)
            truth = Column("boolean", text.is_in(_TRUE).fill_null(False))
            return Either(text.is_in(_TRUTHS).fill_null(False), truth, Column("string", text))
        if question.type in HELD:
            return HELD[question.type](expr.cast(pl.String), self.zone)
        if question.type == "time":
            raise fail(
                "EXP-104",
                position,
                f"'{question.name}' is of type {question.type}, which has no form over columns.",
                "Use a date and time instead.",
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


def run_together(parts: Sequence[tuple[Plan, pl.Expr]], links: Links) -> list[pl.Series]:
    """The values of several expressions over one table, each lowered in its plan: one pass per depth of their steps.

    The same values as one by one, without the cost of starting the engine for every expression.
    """
    plans = list({id(plan): plan for plan, _ in parts}.values())
    table = plans[0].place.table
    steps = {name: step for plan in plans for name, step in plan.steps.items()}
    derived = {name: compute for plan in plans for name, compute in plan.derived.items()}
    needed = _needed((root for _, expr in parts for root in expr.meta.root_names()), steps)
    frame = _base(links.tables[table], sorted(needed - steps.keys() - derived.keys()))
    frame = frame.with_columns(derived[name](links).alias(name) for name in sorted(needed & derived.keys()))
    return _evaluate(frame, [expr for _, expr in parts], steps, needed)


def run_on(frame: pl.DataFrame, plan: Plan, exprs: Sequence[pl.Expr]) -> list[pl.Series]:
    """The values of a plan's expressions over a frame that has every column they read, but for the plan's steps."""
    return _evaluate(
        frame, exprs, plan.steps, _needed((root for expr in exprs for root in expr.meta.root_names()), plan.steps)
    )


def _evaluate(
    frame: pl.DataFrame, exprs: Sequence[pl.Expr], steps: dict[str, PlannedStep], needed: set[str]
) -> list[pl.Series]:
    levels: dict[int, list[pl.Expr]] = {}
    for name in sorted(needed & steps.keys()):
        levels.setdefault(steps[name].depth, []).append(steps[name].expr.alias(name))
    for depth in sorted(levels):
        frame = _with_columns(frame, levels[depth])
    outputs = _with_columns(frame, [expr.alias(f"_out {at}") for at, expr in enumerate(exprs)])
    return [outputs.get_column(f"_out {at}") for at in range(len(exprs))]


def _with_columns(frame: pl.DataFrame, exprs: list[pl.Expr]) -> pl.DataFrame:
    """The frame with more columns, one value per row each.

    Polars gives a single one where it is the same for every row: for conditions that never hold. Then it refuses to
    add it, and such columns are made one by one.
    """
    try:
        return frame.with_columns(exprs)
    except (pl.exceptions.InvalidOperationError, pl.exceptions.ShapeError):
        series = [frame.select(expr).to_series() for expr in exprs]
        return frame.with_columns(one if len(one) == frame.height else _repeat(one, frame.height) for one in series)


def _repeat(single: pl.Series, height: int) -> pl.Series:
    return single.new_from_index(0, height)


def _needed(roots: Iterable[str], steps: dict[str, PlannedStep]) -> set[str]:
    """The columns named, and those that the steps among them read."""
    needed: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            if name in steps:
                waiting += steps[name].roots
    return needed


def _base(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Those columns of a frame, and at least one, which keeps its height."""
    present = [name for name in names if name in frame.columns] or frame.columns[:1]
    # A form version without the question has no such column: all blank.
    missing = [pl.Series(name, [None] * frame.height) for name in names if name not in frame.columns]
    return frame.select(present).with_columns(missing)


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
