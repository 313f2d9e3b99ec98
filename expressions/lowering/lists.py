"""Lists over columns: items of `instance('x')` under conditions, labels of choices, rows of media files.

A condition is evaluated once for each combination of the answers that it names (few, however many rows there are)
against the items; where it says that a column of the list is an answer, the two are joined by that column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expressions.groups import Indices
from expressions.links import Links
from expressions.lowered import Column, Lowered, number, string, to_boolean, to_string
from expressions.lowering import Plan, run_on, run_together
from expressions.nearest import did_you_mean
from expressions.syntax import Binary, Call, Expr, Filter, Logic, Path, Reference, Text, children, unparse
from expressions.targets import fail
from expressions.worlds import choice_labels, media_rows
from schemas.fields import Form

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = 2_000_000
"""Combinations times items compared at a time."""

_ITEM = "_item "
_OUTER = "_outer "


def reads_list(expr: Expr) -> bool:
    """Whether it is a path into a list."""
    return isinstance(expr, Path) and isinstance(expr.base, Call) and expr.base.name == "instance"


@dataclass(slots=True)
class ItemPlan(Plan):
    """The plan of a condition on items: their columns stand beside the values that it takes from outside."""

    outer: Plan | None = None
    asked: list[Column] = field(default_factory=list)

    def lower(self, expr: Expr) -> Lowered:
        """The columnar form of a tree; what names no column of the list is a value from outside."""
        if isinstance(expr, Path) and _is_item_column(expr):
            return Column("string", pl.col(_ITEM + expr.steps[0].test))
        if not _names_item(expr):
            return self._ask(expr)
        if isinstance(expr, Path | Filter):
            raise _refuse(expr.position, "this path within a condition on a list")
        if isinstance(expr, Call) and expr.name in _OF_NODES:
            raise _refuse(expr.position, f"{expr.name}() within a condition on a list")
        return Plan.lower(self, expr)

    def _ask(self, expr: Expr) -> Lowered:
        if self.outer is None:
            raise _refuse(expr.position, "this condition")
        value = self.outer.lower(expr)
        if not isinstance(value, Column):
            raise _refuse(expr.position, "a value of mixed type within a condition on a list")
        if value.text is not None or not value.expr.meta.root_names():
            return value
        self.asked.append(value)
        return Column(
            value.kind,
            pl.col(f"{_OUTER}{len(self.asked) - 1}"),
            value.null,
            value.zone,
            None,
            value.name,
            expr.position,
        )


_OF_NODES = frozenset(
    ("count", "count-non-empty", "sum", "min", "max", "join", "concat", "position", "indexed-repeat", "once", "current")
)


def _is_item_column(path: Path) -> bool:
    plain = path.base is None and not path.absolute and len(path.steps) == 1
    return plain and path.steps[0].axis == "child" and not path.steps[0].predicates and path.steps[0].test.isascii()


def _names_item(expr: Expr) -> bool:
    """Whether it looks at the item: a relative path, or a position."""
    match expr:
        case Path(base=None, absolute=False):
            return True
        case Path(base=Call(name="current")):
            return False
        case Call(name="position" | "last", arguments=()):
            return True
        case _:
            return any(_names_item(child) for child in children(expr))


def _refuse(position: int, what: str) -> Exception:
    return fail("EXP-108", position, f"{what} has no form over columns.", "Compute it in the form instead.")


class Items:
    """The items of a list that pass a path's conditions, seen from the rows of a plan's table.

    Raises:
        ExpressionError: EXP-108, when the list or a condition has no form over columns; as `Plan.lower` else.
    """

    def __init__(self, plan: Plan, path: Path) -> None:
        self.plan = plan
        self.key = unparse(path)
        self.column, conditions = _read_path(path)
        self.inner = ItemPlan(plan.place, plan.zone, names=plan.names, in_predicate=True, outer=plan)
        always, asking = _split(conditions)
        named = {part.steps[0].test for part in _paths(conditions)} | ({self.column} if self.column else set())
        self.items = _frame(plan.form, path, sorted(named))
        # What holds of an item whatever was answered is judged once.
        kept = [to_boolean(self.inner.lower(condition)) for condition in always]
        for expr in kept:
            self.items = self.items.filter(run_on(self.items, self.inner, [expr])[0])
        self.conditions: list[pl.Expr] = []
        self.joins: tuple[str, Column] | None = None
        for condition in asking:
            self._add(condition)

    def _add(self, condition: Expr) -> None:
        self.conditions.append(to_boolean(self.inner.lower(condition)))
        if self.joins is None and isinstance(condition, Binary) and condition.operator == "=":
            for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
                if isinstance(one, Path) and _is_item_column(one) and not _names_item(other):
                    value = self.inner.lower(other)
                    if isinstance(value, Column) and value.kind == "string" and value.expr.meta.is_column():
                        self.joins = one.steps[0].test, value

    @property
    def is_single(self) -> bool:
        """Whether never more than one item passes: a column of different values must equal an answer."""
        if self.items.height < 2:
            return True
        return self.joins is not None and self.items.get_column(_ITEM + self.joins[0]).is_unique().all()

    def matches(self, links: Links) -> tuple[Indices, Indices, Indices, int]:
        """For each row its combination; for each match its combination and item; the number of combinations."""
        asked = [(self.plan, value.expr) for value in self.inner.asked]
        height = links.height(self.plan.place.table)
        if not asked:
            combinations = pl.DataFrame({_OUTER: pl.Series([0], dtype=pl.Int8)})
            codes: Indices = np.zeros(height, dtype=np.int64)
        else:
            series = run_together(asked, links)
            rows = pl.DataFrame([one.alias(f"{_OUTER}{at}") for at, one in enumerate(series)])
            combinations = rows.unique(maintain_order=True)
            numbered = combinations.with_row_index("_code")
            joined = rows.join(numbered, on=rows.columns, how="left", nulls_equal=True, maintain_order="left")
            codes = joined.get_column("_code").cast(pl.Int64).to_numpy()
        found = [self._passing(pairs) for pairs in self._pairs(combinations.with_row_index("_code"))]
        matched = pl.concat(found) if found else pl.DataFrame(schema={"_code": pl.Int64, "_at": pl.Int64})
        matched = matched.sort("_code", "_at")
        return codes, matched["_code"].to_numpy(), matched["_at"].to_numpy(), combinations.height

    def _pairs(self, combinations: pl.DataFrame) -> Iterator[pl.DataFrame]:
        items = self.items.with_row_index("_at")
        if self.joins is not None:
            name, value = self.joins
            key = value.expr.meta.output_name()
            left = combinations.with_columns(pl.col(key).fill_null("").alias("_key"))
            right = items.with_columns(pl.col(_ITEM + name).fill_null("").alias("_key"))
            yield left.join(right, on="_key", how="inner")
            return
        step = max(1, CELLS // max(1, items.height))
        for start in range(0, combinations.height, step):
            yield combinations.slice(start, step).join(items, how="cross")

    def _passing(self, pairs: pl.DataFrame) -> pl.DataFrame:
        for flags in run_on(pairs, self.inner, self.conditions):
            pairs = pairs.with_columns(flags.alias(f"_passes {len(pairs.columns)}"))
        passing = [pl.col(name) for name in pairs.columns if name.startswith("_passes ")]
        kept = pairs.filter(pl.all_horizontal(passing)) if passing else pairs
        return kept.select(pl.col("_code").cast(pl.Int64), pl.col("_at").cast(pl.Int64))


def lower_item(plan: Plan, path: Path) -> Lowered:
    """`instance('x')/root/item[name = ${code}]/label`: the text, "" where no item passes."""
    found = Items(plan, path)
    if found.column is None:
        raise _refuse(path.position, "an item without one of its columns")
    if not found.is_single:
        raise _refuse(path.position, "a condition that several items may pass, where one value is needed,")
    texts = found.items.get_column(_ITEM + found.column)

    def look_up(links: Links) -> pl.Series:
        codes, combinations, items, size = found.matches(links)
        places: NDArray[np.int64] = np.full(size, -1, dtype=np.int64)
        places[combinations] = items
        chosen = pl.Series(places[codes])
        return texts.gather(chosen.set(chosen < 0, None)).fill_null("")

    return string(plan.derive(f"item {found.key}", look_up))


def lower_count_items(plan: Plan, path: Path) -> Lowered:
    """`count(instance('x')/root/item[...])`: how many items pass."""
    found = Items(plan, path)
    if found.column is not None and found.items.get_column(_ITEM + found.column).null_count():
        raise _refuse(path.position, "counting a column that some items lack")

    def count(links: Links) -> pl.Series:
        codes, combinations, _, size = found.matches(links)
        return pl.Series(np.bincount(combinations, minlength=size).astype(np.float64)[codes])

    return number(plan.derive(f"count {found.key}", count))


def lower_choice_name(plan: Plan, call: Call) -> Lowered:
    """`jr:choice-name(${question}, '/data/question')`: the label of a choice."""
    path = call.arguments[1]
    if not isinstance(path, Text):
        raise _refuse(path.position, "a computed path in jr:choice-name()")
    value = to_string(plan.lower(call.arguments[0])).fill_null("")
    label = choice_labels(plan.form)
    return string(_by_distinct(value, lambda code: label(path.value.strip(), code)))


def lower_pulldata(plan: Plan, call: Call) -> Lowered:
    """`pulldata('file', 'column', 'key column', key)`: of the first row with that key, "" if there is none."""
    names = [argument.value for argument in call.arguments[:3] if isinstance(argument, Text)]
    files = media_rows(plan.form)
    file, wanted, key = names if len(names) == 3 else ("", "", "")
    rows = files.get(file, files.get(f"{file}.csv"))
    if rows is None:
        raise _refuse(call.position, "pulldata() of this file")
    texts: dict[str, str] = {}
    for row in rows:
        if key in row:
            texts.setdefault(row[key], row.get(wanted, ""))
    value = to_string(plan.lower(call.arguments[3])).fill_null("")
    return string(_by_distinct(value, lambda code: texts.get(code, "")))


def _by_distinct(value: pl.Expr, find: Callable[[str], str]) -> pl.Expr:
    def find_all(codes: pl.Series) -> pl.Series:
        known = {code: find(code or "") for code in codes.unique().to_list()}
        return pl.Series(codes.name, [known[code] for code in codes.to_list()], dtype=pl.String)

    return value.map_batches(find_all, return_dtype=pl.String, is_elementwise=True)


# -- reading the path --------------------------------------------------------------------------------------------------
def _read_path(path: Path) -> tuple[str | None, list[Expr]]:
    """The column wanted (null: the items themselves) and the conditions on items."""
    steps = path.steps
    shapes = [(step.axis, step.test.endswith(")") or step.test == "*") for step in steps]
    plain = all(shape == ("child", False) for shape in shapes) and len(steps) in {2, 3}
    if not plain or steps[0].predicates or [step.test for step in steps[:2]] != ["root", "item"]:
        raise _refuse(path.position, "this path into a list")
    if len(steps) == 3 and steps[2].predicates:
        raise _refuse(path.position, "a condition behind an item's column")
    conditions: list[Expr] = []
    for predicate in steps[1].predicates:
        conditions += (
            predicate.operands if isinstance(predicate, Logic) and predicate.operator == "and" else [predicate]
        )
    for condition in conditions:
        if not _is_condition(condition):
            raise _refuse(condition.position, "a condition on a list that is no comparison")
    return (steps[2].test if len(steps) == 3 else None), conditions


def _is_condition(expr: Expr) -> bool:
    """Whether it is sure to be true or false; a bare number would be a position."""
    match expr:
        case Binary():
            return expr.operator in {"=", "!=", "<", "<=", ">", ">="}
        case Logic():
            return True
        case Call():
            return expr.name in {"not", "selected", "contains", "starts-with", "ends-with", "true", "false", "boolean"}
        case _:
            return False


def _split(conditions: list[Expr]) -> tuple[list[Expr], list[Expr]]:
    """Conditions on the item alone, and those that ask for answers."""
    always = [condition for condition in conditions if not _asks(condition)]
    return always, [condition for condition in conditions if _asks(condition)]


def _asks(expr: Expr) -> bool:
    if isinstance(expr, Path):
        return not _is_item_column(expr)
    if isinstance(expr, Call) and expr.name in {"today", "now", "once", "position", "pulldata", "current", "version"}:
        return True
    return isinstance(expr, Reference | Filter) or any(_asks(child) for child in children(expr))


def _paths(conditions: list[Expr]) -> Iterator[Path]:
    for expr in conditions:
        if isinstance(expr, Path):
            if _is_item_column(expr):
                yield expr
        elif not reads_list(expr):
            yield from _paths(list(children(expr)))


def _frame(form: Form, path: Path, names: list[str]) -> pl.DataFrame:
    """The list's items with the columns named; null where an item lacks one."""
    base = path.base
    argument = base.arguments[0] if isinstance(base, Call) and len(base.arguments) == 1 else None
    instance = form.instances.get(argument.value) if isinstance(argument, Text) else None
    if instance is None:
        named = argument.value if isinstance(argument, Text) else ""
        advice = did_you_mean(named, form.instances, otherwise="Check the list's name in the sheet choices.")
        raise fail("EXP-108", path.position, f"the form has no list '{named}'.", advice)
    columns = [pl.Series(_ITEM + name, [item.get(name) for item in instance.items], dtype=pl.String) for name in names]
    return pl.DataFrame([pl.Series(_ITEM, [0] * len(instance.items), dtype=pl.Int8), *columns])
