"""A frequency or magnitude table of anybody, one row a cell, as the auditor reads it.

The columns named as dimensions hold the codes of the cell, one column its value. A row whose code is a dimension's
total ("Total", "_T" ...) is the sum over that dimension; with a list of parents the codes of a dimension form a tree,
and each parent is the sum of its children. A hidden cell has no number: nothing, or a mark such as "x", "c", "..".
"<5" and "1-4" tell where it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from reports.equations import Equation, System
from schemas.errors import ReleaseError

TOTALS: Final = frozenset(
    {"total", "totals", "_t", "all", "tot", "todos", "todas", "ambos", "ambos sexos", "both", "both sexes", "tout"}
)
"""Codes of a sum, whatever their case."""

HIDDEN: Final = frozenset({"", "x", "c", "s", "*", "**", "***", "..", "...", ":", "np", "n/a", "na", "(d)", "(s)", "#"})
"""What stands in the place of a hidden number, whatever its case."""

_NUMBER = re.compile(r"[-+]?\d+(?:[ \u00a0]\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?")
_BELOW = re.compile(r"(<=|<|≤)\s*(\d+(?:\.\d+)?)")
_RANGE = re.compile(r"(\d+)\s*(?:-|–|to|a)\s*(\d+)")


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table as equations.

    Attributes:
        system: one cell a row, then those that are summed over but stand in no row.
        codes: of each row, in the order of the dimensions.
        hidden: positions of the rows whose number isn't shown.
    """

    system: System
    codes: tuple[tuple[str, ...], ...]
    hidden: tuple[int, ...]


def read_plain(
    rows: Sequence[tuple[tuple[str, ...], str]],
    dimensions: Sequence[str],
    *,
    totals: frozenset[str] = TOTALS,
    hidden: frozenset[str] = HIDDEN,
    parents: Mapping[str, Mapping[str, str]] | None = None,
    absent_is_hidden: bool = False,
    base: float = 0.0,
) -> PlainTable:
    """Reads a table.

    Args:
        rows: codes of a cell and its value as written.
        dimensions: names of the dimensions, for messages.
        totals, hidden: in small letters.
        parents: dimension -> code -> code of the sum that it is part of.
        absent_is_hidden: a combination without a row is hidden; else it is empty (0).
        base: what all numbers were rounded to (3, 5, ...); 0 where they are exact.

    Raises:
        ReleaseError: REL-050, a value is no number and no known mark; REL-051, a cell stands twice; REL-052, there is
            no hidden cell or no sum, so that nothing can be audited.
    """
    positions: dict[tuple[str, ...], int] = {}
    known: list[tuple[float, float]] = []
    unseen: list[int] = []
    for number, (codes, text) in enumerate(rows):
        if codes in positions:
            raise ReleaseError(
                "REL-051",
                f"Cell {' / '.join(codes)} stands in two rows, the second is data row {number + 1}.",
                "Name every dimension of the table in --dims, or leave out the rows of another table.",
            )
        positions[codes] = number
        bounds = _read_value(text, hidden, number)
        if bounds is None or bounds[1] > bounds[0]:
            unseen.append(number)
        known.append(bounds or (0.0, np.inf))
    whole = all(low == round(low) for low, _ in known)
    if base:
        known = [(max(0.0, low - base + 1), high + base - 1) if high == low else (low, high) for low, high in known]
    children = [_trees(positions, index, name, totals, parents or {}) for index, name in enumerate(dimensions)]
    equations, extra = _sums(positions, children, len(rows), absent_is_hidden)
    if not unseen or not equations:
        raise ReleaseError(
            "REL-052",
            f"The table has {len(unseen)} hidden cells and {len(equations)} sums.",
            "Say how hidden cells are marked (--hidden) and how totals are called (--total).",
        )
    most = 10 * (1 + sum(high for _, high in known if np.isfinite(high)))
    lower = np.array([low for low, _ in known] + [0.0] * extra)
    upper = np.array([min(high, most) for _, high in known] + [most] * extra)
    system = System(lower, upper, tuple(equations), np.full(len(lower), whole))
    return PlainTable(system, tuple(positions), tuple(unseen))


def _read_value(text: str, hidden: frozenset[str], number: int) -> tuple[float, float] | None:
    value = text.strip()
    if value.lower() in hidden:
        return None
    if _NUMBER.fullmatch(value):
        found = float(re.sub(r"[ \u00a0]", "", value))
        return found, found
    if below := _BELOW.fullmatch(value):
        return 0.0, float(below[2]) - (below[1] == "<")
    if between := _RANGE.fullmatch(value):
        return float(between[1]), float(between[2])
    raise ReleaseError(
        "REL-050",
        f"Data row {number + 1} holds a value that is no number and none of the marks of a hidden cell.",
        "Write numbers with a decimal point, and name the mark with --hidden.",
    )


def _trees(
    positions: Mapping[tuple[str, ...], int],
    index: int,
    name: str,
    totals: frozenset[str],
    parents: Mapping[str, Mapping[str, str]],
) -> dict[str, list[str]]:
    """The codes that each sum of a dimension is made of."""
    codes = list(dict.fromkeys(cell[index] for cell in positions))
    if name in parents:
        tree: dict[str, list[str]] = defaultdict(list)
        for code, parent in parents[name].items():
            if code != parent and parent:
                tree[parent].append(code)
        return dict(tree)
    sums = [code for code in codes if code.strip().lower() in totals]
    return {code: [each for each in codes if each not in sums] for code in sums}


def _sums(
    positions: Mapping[tuple[str, ...], int],
    children: Sequence[Mapping[str, Sequence[str]]],
    rows: int,
    absent_is_hidden: bool,
) -> tuple[list[Equation], int]:
    equations: list[Equation] = []
    extra: dict[tuple[str, ...], int] = {}
    for cell, whole in positions.items():
        for index, tree in enumerate(children):
            if cell[index] not in tree:
                continue
            parts = [(*cell[:index], code, *cell[index + 1 :]) for code in tree[cell[index]]]
            if absent_is_hidden:
                members = [
                    positions[part] if part in positions else extra.setdefault(part, rows + len(extra))
                    for part in parts
                ]
            else:
                members = [positions[part] for part in parts if part in positions]
            if members:
                equations.append(Equation((*members, whole), (*(1.0 for _ in members), -1.0)))
    return equations, len(extra)
