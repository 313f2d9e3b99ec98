"""Sets of rows over columns: counts, sums, extremes, joins, and a given row of a repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expressions.groups import Groups, Indices
from expressions.links import Links, chain, spread
from expressions.lowered import Column, Lowered, blank_nan, number, string, to_number, to_string
from expressions.syntax import Binary, Call, Expr, Filter, Number, Path, Reference, unparse
from expressions.targets import Place, Target, fail, find_path, find_reference
from expressions.values import LARGEST, SMALLEST
from schemas.fields import MAIN_TABLE, POSITION

if TYPE_CHECKING:
    from expressions.lowering import Plan


def find_rows(plan: Plan, expr: Expr) -> Target:
    """The set of nodes that an argument means.

    Raises:
        ExpressionError: EXP-103, when it isn't nodes.
    """
    match expr:
        case Reference():
            return find_reference(expr, plan.place)
        case Path():
            return find_path(expr, plan.place)
        case Filter(base=Reference() as base):
            target = find_reference(base, plan.place)
            added = tuple((target.table, target.field, predicate) for predicate in expr.predicates)
            return Target(target.base, target.table, target.field, added, expr.position, target.name)
        case _:
            raise fail(
                "EXP-103", expr.position, "nodes are needed here, found a single value.", "Give a path or ${name}."
            )


class RowSet:
    """A set of rows of one table, seen from the rows of the plan's table.

    Attributes:
        target: what was asked for.
        plan: the plan whose rows look.
        inner: the plan of the rows found, for their values.
        value: the question's value, null if the rows themselves are meant.
    """

    def __init__(self, plan: Plan, expr: Expr) -> None:
        self.target = find_rows(plan, expr)
        self.plan = plan
        self.key = f"{self.target.base}>{self.target.table}:{unparse(expr)}"
        self.masks = [
            (table, *self._lower_predicate(table, question, predicate))
            for table, question, predicate in self.target.predicates
        ]
        self.inner = plan.inner(self.target.table, None)
        self.value: Lowered | None = None
        if self.target.field is not None:
            own = Target(self.target.table, self.target.table, self.target.field, (), self.target.position, "")
            self.value = self.inner.answer(self.target.field, own)
        elif len(self.target.table) and self.target.table == self.target.base and not self.masks:
            self.inner.in_predicate = True

    def _lower_predicate(self, table: str, question: object, predicate: Expr) -> tuple[Plan, pl.Expr]:
        from schemas.fields import Field

        inner = self.plan.inner(table, question if isinstance(question, Field) else None)
        lowered = inner.lower(predicate)
        if not isinstance(lowered, Column) or lowered.kind != "boolean":
            raise fail(
                "EXP-111",
                predicate.position,
                "a predicate must be a condition; ODK Collect finds nothing by a bare number or value.",
                "Write [position() = 1] or a comparison.",
            )
        return inner, lowered.expr

    def parents(self, links: Links) -> Indices:
        """For each row of the set's table, the index of the base row above it."""
        return links.ancestors(self.target.table, self.target.base)

    def groups(self, links: Links) -> Groups:
        """The rows of the set's table by base row."""
        return links.groups(self.target.table, self.target.base)

    def mask(self, links: Links) -> NDArray[np.bool_] | None:
        """Rows of the set's table that pass every predicate, of tables above too; null: all do."""
        if not self.masks:
            return None
        size = links.height(self.target.table)
        kept: NDArray[np.bool_] = np.ones(size, dtype=np.bool_)
        for table, plan, expr in self.masks:
            passing = plan.run(expr, links)
            if table != self.target.table:
                passing = spread(passing, links.ancestors(self.target.table, table)).fill_null(False)
            kept &= passing.to_numpy().astype(np.bool_)
        return kept

    def over_base(self, links: Links, per_base: NDArray[np.float64]) -> pl.Series:
        """Values of base rows, one per row of the plan's table."""
        series = blank_nan(pl.Series(per_base))
        if self.plan.place.table == self.target.base:
            return series
        return spread(series, links.ancestors(self.plan.place.table, self.target.base))

    def derive(self, what: str, reduce: Callable[[Links], NDArray[np.float64]]) -> pl.Expr:
        """A number per row of the plan's table, from one per base row."""
        return self.plan.derive(f"{what} {self.key}", lambda links: self.over_base(links, reduce(links)))

    def numbers(self, links: Links) -> NDArray[np.float64]:
        """The question's values as numbers, NaN where it has none or the row doesn't pass."""
        values = self.need_value()
        found = self.inner.run(to_number(values), links).cast(pl.Float64).fill_null(np.nan).to_numpy()
        mask = self.mask(links)
        return found if mask is None else np.where(mask, found, np.nan)

    def need_value(self) -> Lowered:
        """The question's value, or the refusal that rows have none."""
        if self.value is None:
            raise fail(
                "EXP-103",
                self.target.position,
                f"'{self.target.name}' is a repeat and has no values.",
                "Name a question of it, as in sum(${repeat}/question).",
            )
        return self.value


def lower_count(plan: Plan, call: Call) -> Lowered:
    """`count(nodes)`: rows, answered or not."""
    rows = RowSet(plan, call.arguments[0])

    def reduce(links: Links) -> NDArray[np.float64]:
        return rows.groups(links).count(rows.mask(links))

    return number(rows.derive("count", reduce))


def lower_count_non_empty(plan: Plan, call: Call) -> Lowered:
    """`count-non-empty(nodes)`: rows with an answer."""
    rows = RowSet(plan, call.arguments[0])
    value = rows.need_value()

    def reduce(links: Links) -> NDArray[np.float64]:
        from expressions.lowered import is_blank

        filled = ~rows.inner.run(is_blank(value), links).to_numpy().astype(np.bool_)
        mask = rows.mask(links)
        return rows.groups(links).count(filled if mask is None else mask & filled)

    return number(rows.derive("count-non-empty", reduce))


def lower_sum(plan: Plan, call: Call) -> Lowered:
    """`sum(nodes)`; blanks count as nothing."""
    rows = RowSet(plan, call.arguments[0])
    to_number(rows.need_value())

    def reduce(links: Links) -> NDArray[np.float64]:
        return rows.groups(links).sum(rows.numbers(links))

    return number(rows.derive("sum", reduce))


def lower_extreme_of_rows(plan: Plan, call: Call) -> Lowered:
    """`min(nodes)`, `max(nodes)`; NaN if none has a number."""
    rows = RowSet(plan, call.arguments[0])
    to_number(rows.need_value())
    largest = call.name == "max"

    def reduce(links: Links) -> NDArray[np.float64]:
        found = rows.groups(links).extreme(rows.numbers(links), largest=largest)
        return np.maximum(found, SMALLEST) if largest else np.minimum(found, LARGEST)

    return number(rows.derive(call.name, reduce))


def lower_join_of_rows(plan: Plan, separator: str, expr: Expr) -> Lowered:
    """`join(', ', nodes)` and `concat(nodes)`: the answers as text, blank ones too."""
    rows = RowSet(plan, expr)
    text = to_string(rows.need_value())

    def join(links: Links) -> pl.Series:
        size = links.height(rows.target.base)
        parents = rows.parents(links)
        frame = pl.DataFrame({"parent": parents, "text": rows.inner.run(text, links).cast(pl.String).fill_null("")})
        mask = rows.mask(links)
        frame = frame.filter((pl.col("parent") >= 0) & (pl.lit(True) if mask is None else pl.Series(mask)))
        joined = frame.group_by("parent", maintain_order=True).agg(pl.col("text").str.join(separator))
        per_base = pl.DataFrame({"parent": np.arange(size)}).join(
            joined, on="parent", how="left", maintain_order="left"
        )
        found = per_base.get_column("text").fill_null("")
        return spread(found, links.ancestors(plan.place.table, rows.target.base))

    return string(plan.derive(f"join {separator!r} {rows.key}", join))


# -- one row of a set --------------------------------------------------------------------------------------------------
def lower_only_row(plan: Plan, target: Target) -> Lowered:
    """A set in a scalar place: only `repeat[position() = k]/question` is sure to be one row."""
    place = fixed_position(target)
    if place is None or target.field is None:
        raise plan.not_single(target.position, f"'{target.name}', which is repeated,")
    return _pick(plan, target, [(target.table, Column("number", pl.lit(place), "nan"))], f"[{place}]")


def fixed_position(target: Target) -> float | None:
    """The place in `repeat[position() = k]`, null if the target has another predicate."""
    if len(target.predicates) != 1 or target.predicates[0][0] != target.table:
        return None
    condition = target.predicates[0][2]
    if not isinstance(condition, Binary) or condition.operator != "=":
        return None
    for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
        if isinstance(one, Call) and one.name == "position" and not one.arguments and isinstance(other, Number):
            return other.value
    return None


def lower_indexed_repeat(plan: Plan, call: Call) -> Lowered:
    """`indexed-repeat(question, repeat, index, inner repeat, index...)`: the answer in that row; blank if it isn't."""
    question = find_rows(plan, call.arguments[0])
    repeats = [find_rows(plan, argument) for argument in call.arguments[1::2]]
    if len(call.arguments) % 2 == 0:
        raise fail("EXP-021", call.position, "indexed-repeat() needs pairs of a repeat and an index.", "Add the index.")
    named = [repeat.table for repeat in repeats]
    below = chain(plan.form, question.table)[: len(named)]
    if question.field is None or any(repeat.field is not None for repeat in repeats) or named != below[::-1]:
        raise fail(
            "EXP-107",
            call.position,
            "indexed-repeat() over columns takes a question and the repeats around it, outer ones first.",
            "Write indexed-repeat(${question}, ${repeat}, index).",
        )
    places = []
    for table, argument in zip(named, call.arguments[2::2], strict=True):
        index = to_number(plan.lower(argument)).fill_null(0)
        # An index that isn't known yet means the first row, as in JavaRosa.
        places.append((table, Column("number", pl.when(index < 1).then(1.0).otherwise(index.floor()), "nan")))
    above = plan.form.table(named[0]).parent or ""
    base = next((table for table in chain(plan.form, plan.place.table) if table == above), None)
    if base is None:
        raise plan.not_single(call.position, f"'{question.name}' of several repeats")
    target = Target(base, question.table, question.field, (), call.position, question.name)
    return _pick(plan, target, places, ",".join(unparse(argument) for argument in call.arguments[2::2]))


def _pick(plan: Plan, target: Target, places: list[tuple[str, Column]], key: str) -> Lowered:
    """The answer in the row that is, table by table from the base row down, the k-th."""
    question = target.field
    if question is None or target.base != plan.form.table(places[0][0]).parent:
        raise plan.not_single(target.position, f"'{target.name}', which is repeated,")
    plan.names.add(question.name)
    column = question.column or question.name
    asking = plan.place.table

    def pick(links: Links) -> pl.Series:
        frame = links.tables[target.table]
        wanted = links.ancestors(asking, target.base)
        for table, place in places:
            index = plan.run(place.expr, links).cast(pl.Float64).fill_null(np.nan).to_numpy()
            wanted = links.groups(table, plan.form.table(table).parent or MAIN_TABLE).nth(wanted, index)
        values = frame.get_column(column) if column in frame.columns else pl.Series([None] * frame.height)
        return spread(values, wanted)

    return plan.typed(question, plan.derive(f"pick {target.table}.{column} {key}", pick), target.position)


def lower_position(plan: Plan, call: Call) -> Lowered:
    """`position(..)`, and `position()` in a predicate: the place of a row, from 1."""
    if not call.arguments:
        if not plan.in_predicate:
            raise fail("EXP-105", call.position, "position() counts within a predicate only.", "Write position(..).")
        plan.own.add(POSITION)
        return Column("number", pl.col(POSITION).cast(pl.Float64), "nan")
    path = call.arguments[0]
    table = _repeat_at(plan, path, call)
    if table == plan.place.table:
        plan.own.add(POSITION)
        return Column("number", pl.col(POSITION).cast(pl.Float64), "nan")
    asking = plan.place.table

    def bring_down(links: Links) -> pl.Series:
        return spread(links.tables[table].get_column(POSITION), links.ancestors(asking, table))

    return Column("number", plan.derive(f"position {table}", bring_down, anywhere=True).cast(pl.Float64), "nan")


def _repeat_at(plan: Plan, expr: Expr, call: Call) -> str:
    """The table, own or above, whose row a path of dots names."""
    place: Place = plan.place
    own = {plan.form.table(table).path: table for table in chain(plan.form, place.table)}
    path = ""
    if isinstance(expr, Path) and expr.base is None and not expr.absolute:
        path = place.path
        for step in expr.steps:
            if step.axis == "parent":
                path = path.rpartition("/")[0]
            elif step.axis != "self":
                path = ""
    table = own.get(path)
    if table is None or plan.form.table(table).parent is None:
        raise fail(
            "EXP-105",
            call.position,
            "position() needs the row of a repeat around the expression.",
            "Write position(..) at a question, position(.) at a row.",
        )
    return table
