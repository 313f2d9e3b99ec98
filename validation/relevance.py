"""Which questions were to be asked, and the tables as they are once the others are blank.

A question is relevant where its own expression and those of all its groups and repeats hold. An expression sees
irrelevant questions as blank and irrelevant rows of repeats as absent, so expressions are evaluated in the order of
their dependencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Literal

import numpy as np
import polars as pl

from expressions.columns import ColumnExpr, evaluate_together
from schemas.fields import MAIN_TABLE, Field, Form, Node, Repeat, walk
from validation.chunks import Chunk, Flags, Numbers
from validation.compiled import Compiler
from validation.distinct import Columns
from validation.evaluation import FAILURES, NotChecked, describe_failure

Kind = Literal["boolean", "number", "string"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands.

    Attributes:
        table: the table whose rows have it; for a repeat its own table.
        parent: path of the group or repeat around it, null for the root.
    """

    node: Node
    table: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class RelevancePlan:
    """The relevance expressions of a form, compiled and in order.

    Attributes:
        places: path -> place, of every node.
        levels: paths of nodes with a relevance expression; those of a level depend on earlier levels only.
        expressions: path -> compiled expression.
        unknown: path -> why its relevance can't be told. It and all below it count as relevant, and rules that
            would need to know are not checked. Grows when an expression fails over the answers.
    """

    places: Mapping[str, Place]
    levels: tuple[tuple[str, ...], ...]
    expressions: Mapping[str, Columns]
    unknown: dict[str, str]

    def reason_unknown(self, path: str) -> str:
        """Why it can't be told whether the node is relevant, "" if it can."""
        at: str | None = path
        while at is not None:
            if at in self.unknown:
                return f"the relevance of {at} can't be told: {self.unknown[at]}"
            at = self.places[at].parent
        return ""


@dataclass(slots=True)
class Judged:
    """A chunk with irrelevant answers blank and irrelevant rows gone.

    Attributes:
        chunk: the chunk as it was.
        tables: table name -> frame.
        kept: table name -> numbers of the chunk's rows that are left, null if all are.
        masks: path of a node -> whether it is relevant, for each of the chunk's rows (of the node's table); null
            where nothing depends on anything.
        before: the tables with nothing blanked, personal answers in place of their marks.
    """

    chunk: Chunk
    plan: RelevancePlan
    tables: dict[str, pl.DataFrame]
    kept: dict[str, Numbers | None] = field(default_factory=dict)
    own: dict[str, Flags] = field(default_factory=dict)
    masks: dict[str, Flags | None] = field(default_factory=dict)
    before: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    ready: dict[tuple[int, str], pl.Series] = field(default_factory=dict)
    filled: dict[tuple[str, bool], pl.DataFrame] = field(default_factory=dict)

    def prepare(self, needs: Iterable[tuple[Columns, Kind]]) -> None:
        """Evaluate in one pass what is about to be asked for; forgets what was prepared before.

        If that fails over these answers, nothing is prepared: asked for one by one, each fails or not by itself.
        """
        self.ready.clear()
        wanted = {
            (id(expr), kind): (expr, kind)
            for expr, kind in needs
            if isinstance(expr, ColumnExpr) and expr.is_columnar and expr.table in self.tables
        }
        try:
            found = evaluate_together(list(wanted.values()), self.tables)
        except FAILURES:
            return
        self.ready = dict(zip(wanted, found, strict=True))

    def value(self, expr: Columns, kind: Kind) -> pl.Series:
        """The values of an expression over the rows that are left, as that kind."""
        found = self.ready.get((id(expr), kind))
        if found is not None:
            return found
        value: pl.Series = getattr(expr, kind)(self.tables)
        return value

    def holds(self, expr: Columns) -> Flags:
        """Where a condition holds."""
        flags: Flags = self.value(expr, "boolean").to_numpy()
        return flags

    def answered(self, question: Field, *, original: bool = False) -> Flags:
        """Whether each row has an answer; a column that the frame lacks has none. To be asked once all is blanked.

        Args:
            original: of the chunk's own rows, nothing blanked.
        """
        key = (question.table, original)
        if key not in self.filled:
            frame = (self.chunk.tables if original else self.tables)[question.table]
            self.filled[key] = frame.select(pl.all().is_not_null())
        found = self.filled[key]
        if question.column not in found.columns:
            return np.zeros(found.height, dtype=np.bool_)
        flags: Flags = found.get_column(question.column).to_numpy()
        return flags

    def relevant(self, path: str) -> Flags | None:
        """Whether the node is relevant, for each of the chunk's rows; null means everywhere."""
        if path in self.masks:
            return self.masks[path]
        place = self.plan.places[path]
        above = None if place.parent is None else self.relevant(place.parent)
        if above is not None and isinstance(place.node, Repeat) and place.table in self.chunk.parents:
            above = above[self.chunk.parents[place.table]]
        mine = self.own.get(path)
        mask = above if mine is None else mine if above is None else above & mine
        self.masks[path] = mask
        return mask

    def relevant_now(self, path: str, table: str) -> Flags | None:
        """As `relevant`, for each row that is left in `tables`."""
        mask, kept = self.relevant(path), self.kept.get(table)
        return mask if mask is None or kept is None else mask[kept]

    def owners(self, table: str) -> Numbers:
        """For each row that is left, the number of its submission."""
        kept = self.kept.get(table)
        owners = self.chunk.owners[table]
        return owners if kept is None else owners[kept]


def plan_relevance(form: Form, compiler: Compiler) -> RelevancePlan:
    """Compile every relevance expression of the form and put them in order.

    Questions that depend on each other in a circle (clients refuse such a form) are taken in form order.
    """
    places = _places(form)
    expressions: dict[str, Columns] = {}
    unknown: dict[str, str] = {}
    for path, place in places.items():
        if place.node.relevant:
            compiled = compiler.compile(place.node.relevant, place.table, place.node)
            if isinstance(compiled, NotChecked):
                unknown[path] = compiled.reason
            else:
                expressions[path] = compiled
    return RelevancePlan(places, _order(places, expressions), expressions, unknown)


def apply_relevance(plan: RelevancePlan, chunk: Chunk, tables: Mapping[str, pl.DataFrame]) -> Judged:
    """Blank what isn't relevant.

    Args:
        tables: the chunk's tables, perhaps with personal answers in place of their marks; same rows.
    """
    judged = Judged(chunk, plan, dict(tables), before=tables)
    for level in plan.levels:
        judged.prepare((plan.expressions[path], "boolean") for path in level)
        for path in level:
            judged.own[path] = _evaluate(plan, judged, path)
        judged.masks.clear()  # what was known of nodes below these is out of date
        _blank(plan, judged, level)
    judged.ready.clear()
    return judged


def _places(form: Form) -> dict[str, Place]:
    places: dict[str, Place] = {}

    def visit(node: Node, table: str, parent: str | None) -> None:
        table = node.table if isinstance(node, Repeat) else table
        places[node.path] = Place(node, table, parent)
        if not isinstance(node, Field):
            for child in node.children:
                visit(child, table, node.path)

    visit(form.root, MAIN_TABLE, None)
    return places


def _order(places: Mapping[str, Place], expressions: Mapping[str, Columns]) -> tuple[tuple[str, ...], ...]:
    by_name: dict[str, list[str]] = {}
    for path, place in places.items():
        by_name.setdefault(place.node.name, []).append(path)

    def governing(path: str | None) -> Iterable[str]:
        while path is not None:
            if path in expressions:
                yield path
            path = places[path].parent

    sorter: TopologicalSorter[str] = TopologicalSorter()
    for path, expression in expressions.items():
        text = places[path].node.relevant or ""
        sources = [places[path].parent]
        for name in expression.names:
            exact = [at for at in by_name.get(name, ()) if at in text]
            sources += exact or by_name.get(name, [])
        sorter.add(path, *(at for source in sources for at in governing(source) if at != path))
    try:
        sorter.prepare()
    except CycleError:
        return tuple((path,) for path in places if path in expressions)
    levels: list[tuple[str, ...]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        levels.append(tuple(sorted(ready)))
        sorter.done(*ready)
    return tuple(levels)


def _evaluate(plan: RelevancePlan, judged: Judged, path: str) -> Flags:
    """The node's own expression, for each of the chunk's rows; rows that are gone are irrelevant."""
    table = plan.places[path].table
    try:
        holds = judged.holds(plan.expressions[path])
    except FAILURES as error:
        plan.unknown[path] = describe_failure(error)
        holds = np.ones(judged.tables[table].height, dtype=np.bool_)
    kept = judged.kept.get(table)
    if kept is None:
        return holds
    mask = np.zeros(judged.chunk.tables[table].height, dtype=np.bool_)
    mask[kept] = holds
    return mask


def _blank(plan: RelevancePlan, judged: Judged, paths: Iterable[str]) -> None:
    """Blank the answers of irrelevant nodes and drop the rows of irrelevant repeats."""
    blanks: dict[str, dict[str, Flags]] = {}
    repeats: list[Repeat] = []
    for path in paths:
        mask = judged.relevant(path)
        if mask is None or mask.all():
            continue
        table = plan.places[path].table
        for node in walk(plan.places[path].node):
            if isinstance(node, Repeat):
                repeats.append(node)
            elif isinstance(node, Field) and node.table == table:
                before = blanks.setdefault(table, {}).get(node.column)
                blanks[table][node.column] = mask if before is None else before & mask
    for table, columns in blanks.items():
        judged.tables[table] = _blank_columns(judged, table, columns)
    for repeat in repeats:
        _drop_rows(judged, repeat)


def _blank_columns(judged: Judged, table: str, columns: Mapping[str, Flags]) -> pl.DataFrame:
    frame, kept = judged.tables[table], judged.kept.get(table)
    return frame.with_columns(
        pl.when(pl.Series(mask if kept is None else mask[kept])).then(pl.col(name)).otherwise(None).alias(name)
        for name, mask in columns.items()
        if name in frame.columns
    )


def _drop_rows(judged: Judged, repeat: Repeat) -> None:
    mask = judged.relevant(repeat.path)
    if mask is None or repeat.table not in judged.tables:
        return
    before = judged.kept.get(repeat.table)
    stays = mask if before is None else mask[before]
    if not stays.all():
        judged.tables[repeat.table] = judged.tables[repeat.table].filter(pl.Series(stays))
        judged.kept[repeat.table] = np.flatnonzero(mask) if before is None else before[stays]
