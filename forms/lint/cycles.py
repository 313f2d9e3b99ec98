"""Calculations and conditions that need each other: no engine can evaluate them."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Final

from expressions.grammar import parse
from expressions.syntax import Call, Expr, Filter, Path, Reference, children
from forms.headers import cell
from forms.lint.problems import problem
from forms.outline import Outline
from schemas.errors import ExpressionError, Problem

_OTHER_ROWS: Final = frozenset({"indexed-repeat", "position", "count", "once", "jr:choice-name", "current"})
"""Functions that may look at other rows of a repeat, or at nothing: what they name is no dependency for sure."""


def check_cycles(outline: Outline) -> Iterator[Problem]:
    """One problem a cycle, at its first row."""
    needs = {path: _needs(outline, path) for path in outline.by_path}
    while True:
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            cycle = set(error.args[1])
            rows = sorted((outline.by_path[path] for path in cycle), key=lambda row: row.row.number)
            names = ", ".join(f"'{row.name}' (row {row.row.number})" for row in rows)
            message = f"{names} need each other." if len(rows) > 1 else f"{names} needs itself."
            column = "calculation" if cell(rows[0].row, "calculation") else "relevant"
            advice = "Take one of them out of the other's relevant or calculation."
            yield problem(outline.workbook, "error", "FRM-128", "survey", rows[0].row, column, message, advice)
            needs = {path: found - cycle for path, found in needs.items() if path not in cycle}
        else:
            return


def _needs(outline: Outline, path: str) -> set[str]:
    """Paths that the node at `path` needs: those its calculation and relevant name, and its group."""
    row = outline.by_path[path]
    found = {parent} if (parent := path.rpartition("/")[0]) in outline.by_path else set()
    for column in ("relevant", "calculation"):
        text = cell(row.row, column)
        if text:
            try:
                found.update(_named(outline, parse(text)))
            except ExpressionError:
                continue  # reported where expressions are checked
    return found


def _named(outline: Outline, tree: Expr) -> Iterator[str]:
    if isinstance(tree, Reference) and not tree.last_saved:
        rows = outline.by_name.get(tree.name, ())
        if len(rows) == 1 and rows[0].kind == "question":
            yield f"/{outline.root}/{rows[0].path}"
        return
    if isinstance(tree, Path):
        path = "/" + "/".join(step.test for step in tree.steps)
        if tree.absolute and path in outline.by_path and not any(step.predicates for step in tree.steps):
            yield path
        return
    if isinstance(tree, Filter) or (isinstance(tree, Call) and tree.name in _OTHER_ROWS):
        return
    for child in children(tree):
        yield from _named(outline, child)
