"""Instance trees from typed tables, one per submission, with the nodes that an expression can look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from expressions.clock import interview_times
from expressions.instance import Element
from expressions.links import Links
from expressions.stored import iso_moment
from expressions.syntax import Expr, Path, Reference, walk
from expressions.values import java_double
from schemas.fields import MAIN_TABLE, Field, Form, Group, Node, Repeat


@dataclass(slots=True)
class Tree:
    """One submission: its instance, when it ended, and of each table the elements of its rows and their numbers."""

    root: Element
    now: datetime | None
    rows: dict[str, list[Element]] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)


class InstanceBuilder:
    """Rebuilds instances.

    Args:
        needed: names of the questions that are needed, null for all; see `needed_names`.
    """

    def __init__(self, form: Form, tables: Mapping[str, pl.DataFrame], needed: frozenset[str] | None) -> None:
        self.form = form
        self.tables = tables
        self.needed = needed
        self.links = Links(form, tables)
        self._columns = {table.name: self._read_columns(table.name) for table in form.tables}
        self._children = self._group_children()

    def empty_root(self) -> Element:
        """A root without answers."""
        return Element(self.form.root.name)

    def trees(self, indices: Iterable[int]) -> Iterator[Tree]:
        """The submissions in those rows of the main table."""
        moments = self._moments()
        for index in indices:
            tree = Tree(Element(self.form.root.name), moments[index])
            tree.rows[MAIN_TABLE] = [tree.root]
            tree.numbers[MAIN_TABLE] = [index]
            self._fill(tree.root, self.form.root, MAIN_TABLE, index, tree)
            yield tree

    def context_nodes(self, tree: Tree, table: str, at: Field | None) -> list[Element]:
        """The context node of each of the submission's rows in a table, in the order of `tree.numbers`."""
        rows = tree.rows.get(table, [])
        if at is None:
            return rows
        below = at.path.removeprefix(self.form.table(table).path).split("/")[1:]
        return [_descend(row, below) for row in rows]

    # -- building --------------------------------------------------------------------------------------------------
    def _fill(self, element: Element, node: Group | Repeat, table: str, row: int, tree: Tree) -> None:
        for child in node.children:
            self._add(element, child, table, row, tree)

    def _add(self, element: Element, child: Node, table: str, row: int, tree: Tree) -> None:
        if isinstance(child, Field):
            if self.needed is None or child.name in self.needed:
                element.append(Element(child.name, self._columns[table].get(child.path, _nothing)(row)))
        elif isinstance(child, Group):
            self._fill(element.append(Element(child.name)), child, table, row, tree)
        else:
            for below in self._children.get(child.table, {}).get(row, ()):
                occurrence = element.append(Element(child.name))
                tree.rows.setdefault(child.table, []).append(occurrence)
                tree.numbers.setdefault(child.table, []).append(below)
                self._fill(occurrence, child, child.table, below, tree)

    def _group_children(self) -> dict[str, dict[int, list[int]]]:
        grouped: dict[str, dict[int, list[int]]] = {}
        for table in self.form.tables:
            if table.parent is None:
                continue
            rows: dict[int, list[int]] = {}
            for index, parent in enumerate(self.links.parents(table.name).tolist()):
                rows.setdefault(parent, []).append(index)
            grouped[table.name] = rows
        return grouped

    def _read_columns(self, table: str) -> dict[str, Any]:
        frame = self.tables[table]
        present = set(frame.columns)
        found = {}
        for question in self.form.table(table).fields:
            column = question.column or question.name
            if column in present and (self.needed is None or question.name in self.needed):
                texts = [write_answer(value) for value in frame.get_column(column).to_list()]
                found[question.path] = texts.__getitem__
        return found

    def _moments(self) -> list[datetime | None]:
        return interview_times(self.form, self.tables[MAIN_TABLE]).to_list()


def _nothing(row: int) -> str:
    return ""


def needed_names(expr: Expr, at: Field | None) -> frozenset[str] | None:
    """Names of the questions that an expression looks at; null (all) if it has wildcards.

    Args:
        at: the question at which it stands, which `.` names; null if it stands at rows.
    """
    names: set[str] = set() if at is None else {at.name}
    for part in walk(expr):
        if isinstance(part, Reference):
            names.add(part.name)
        elif isinstance(part, Path):
            for step in part.steps:
                if step.test == "*":
                    return None
                names.add(step.test)
    return frozenset(names)


def _descend(row: Element, names: list[str]) -> Element:
    node = row
    for name in names:
        node = node.child(name) or node.append(Element(name))
    return node


def write_answer(value: object) -> str:
    """A typed value as the text of an answer; "" for null."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | str():
            return str(value)
        case float():
            return java_double(value)
        case datetime():
            return iso_moment(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)
