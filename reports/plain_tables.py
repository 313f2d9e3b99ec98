"""Frequency or magnitude tables of anybody, one row a cell, as the auditor reads them.

The columns named as dimensions hold the codes of the cell, one column its value. A row whose code is a dimension's
total ("Total", "_T" ...) is the sum over that dimension; with a list of parents the codes of a dimension form a tree,
and each parent is the sum of its children. Several tables of the same population are linked: cells of the same codes,
where a dimension that a table doesn't have is at its total, are the same cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from reports.equations import Equation, System
from reports.plain_values import HIDDEN, Bounds, Decimal, is_hidden_status, read_value
from schemas.errors import ReleaseError

TOTALS: Final = frozenset(
    {"total", "totals", "_t", "t", "all", "tot", "todos", "todas", "ambos", "ambos sexos", "both", "both sexes"}
    | {"tout", "tous", "ensemble", "totaal", "gesamt", "insgesamt", "grand total", "total general", "total país"}
    | {"all ages", "todas las edades", "suma", "sum", "_total", "_tot"}
)
"""Codes of a sum, whatever their case."""

Cell = frozenset[tuple[str, str]]
"""Dimension and code of a cell, totals left out."""


@dataclass(frozen=True, slots=True)
class PlainRows:
    """One table as written.

    Attributes:
        dimensions: names, one a code.
        rows: codes of a cell and its value as written.
        status: of each row, null without such a column.
        decimal: mark before the decimals of its numbers.
        name: of the table.
    """

    dimensions: tuple[str, ...]
    rows: Sequence[tuple[tuple[str, ...], str]]
    status: Sequence[str] | None = None
    decimal: Decimal = "."
    name: str = ""


@dataclass(frozen=True, slots=True)
class PlainTable:
    """Tables as equations.

    Attributes:
        system: one cell each, then those that are summed over but stand in no row.
        codes: of each row of each table, in the order of its dimensions.
        cells: of each row, the position of its cell.
        tables: of each row, the number of its table.
        hidden: rows whose number isn't shown.
    """

    system: System
    codes: tuple[tuple[str, ...], ...]
    cells: tuple[int, ...]
    tables: tuple[int, ...]
    hidden: tuple[int, ...]


def read_plain(
    tables: Sequence[PlainRows],
    *,
    totals: frozenset[str] = TOTALS,
    hidden: frozenset[str] = HIDDEN,
    parents: Mapping[str, Mapping[str, str]] | None = None,
    absent_is_hidden: bool = False,
    base: float = 0.0,
) -> PlainTable:
    """Reads tables of one population.

    Args:
        tables: one or several.
        totals, hidden: in small letters.
        parents: dimension -> code -> code of the sum that it is part of.
        absent_is_hidden: a combination without a row is hidden; else it is empty (0).
        base: what all numbers were rounded to (3, 5, ...); 0 where they are exact.

    Raises:
        ReleaseError: REL-050, a value is no number and no known mark; REL-051, a cell stands twice, or with different
            numbers in two tables; REL-052, there is no hidden cell or no sum, so that nothing can be audited.
    """
    draft = _Draft(totals, parents or {}, absent_is_hidden, base)
    for table in tables:
        draft.add(table, hidden)
    equations = draft.sums()
    if not draft.unseen or not equations:
        raise ReleaseError(
            "REL-052",
            f"The tables have {len(draft.unseen)} hidden cells and {len(equations)} sums.",
            "Say how hidden cells are marked (--hidden, --status) and how totals are called (--total).",
        )
    return draft.finish(equations)


class _Draft:
    """The tables while they are read."""

    def __init__(
        self, totals: frozenset[str], parents: Mapping[str, Mapping[str, str]], absent_is_hidden: bool, base: float
    ) -> None:
        self.totals, self.parents, self.absent_is_hidden, self.base = totals, parents, absent_is_hidden, base
        self.position: dict[Cell, int] = {}
        self.known: list[Bounds] = []
        self.codes: list[tuple[str, ...]] = []
        self.cells: list[int] = []
        self.tables: list[int] = []
        self.unseen: list[int] = []
        self.trees: list[tuple[tuple[str, ...], list[dict[str, list[str]]]]] = []
        self.rows_of: list[dict[tuple[str, ...], int]] = []
        self.whole = True

    def add(self, table: PlainRows, hidden: frozenset[str]) -> None:
        """Reads one table.

        Raises:
            ReleaseError: REL-050, REL-051.
        """
        own: dict[tuple[str, ...], int] = {}
        rows = [(tuple(code.strip() for code in codes), text) for codes, text in table.rows]
        trees = [
            _tree([codes[index] for codes, _ in rows], name, self.totals, self.parents)
            for index, name in enumerate(table.dimensions)
        ]
        for number, (codes, text) in enumerate(rows):
            if codes in own:
                raise ReleaseError(
                    "REL-051",
                    f"Cell {' / '.join(codes)} stands in two rows, the second is data row {number + 1}.",
                    "Name every dimension of the table in --dims, or leave out the rows of another table.",
                )
            masked = table.status is not None and is_hidden_status(table.status[number], number)
            bounds = None if masked else read_value(text, hidden, number, table.decimal)
            at = self._place(table.dimensions, codes, trees)
            self._know(at, bounds, codes)
            own[codes] = at
            if bounds is None or bounds[1] > bounds[0]:
                self.unseen.append(len(self.codes))
            self.codes.append(codes)
            self.cells.append(at)
            self.tables.append(len(self.rows_of))
        self.trees.append((table.dimensions, trees))
        self.rows_of.append(own)

    def _place(self, names: Sequence[str], codes: Sequence[str], trees: Sequence[Mapping[str, Sequence[str]]]) -> int:
        """The position of a cell, which is the same in all tables."""
        parts = zip(names, codes, trees, strict=True)
        cell = frozenset((name, code) for name, code, tree in parts if not _is_top(code, tree))
        if cell not in self.position:
            self.position[cell] = len(self.known)
            self.known.append((0.0, np.inf))
        return self.position[cell]

    def _know(self, at: int, bounds: Bounds | None, codes: Sequence[str]) -> None:
        if bounds is None:
            return
        low, high = bounds
        self.whole = self.whole and low == round(low)
        if self.base and low == high:
            low, high = max(0.0, low - self.base + 1), high + self.base - 1
        least, most = max(low, self.known[at][0]), min(high, self.known[at][1])
        if least > most:
            raise ReleaseError(
                "REL-051",
                f"Cell {' / '.join(codes)} has different numbers in two tables.",
                "Give tables of the same population and the same time only.",
            )
        self.known[at] = least, most

    def sums(self) -> list[Equation]:
        """Every sum that a reader can form, each once."""
        found: dict[Equation, None] = {}
        for own, (names, trees) in zip(self.rows_of, self.trees, strict=True):
            for codes, whole in own.items():
                for index, tree in enumerate(trees):
                    if codes[index] not in tree:
                        continue
                    parts = [(*codes[:index], code, *codes[index + 1 :]) for code in tree[codes[index]]]
                    if self.absent_is_hidden:
                        members = [own[part] if part in own else self._place(names, part, trees) for part in parts]
                    else:
                        members = [own[part] for part in parts if part in own]
                    if members:
                        found[Equation((*members, whole), (*(1.0 for _ in members), -1.0))] = None
        return list(found)

    def finish(self, equations: Sequence[Equation]) -> PlainTable:
        """The tables as equations; the longest dimension makes the places of a large one."""
        most = 10 * (1 + sum(high for _, high in self.known if np.isfinite(high)))
        codes: dict[str, dict[str, int]] = defaultdict(dict)
        for cell in self.position:
            for name, code in cell:
                codes[name].setdefault(code, len(codes[name]) + 1)
        longest = max(codes, key=lambda name: len(codes[name]), default="")
        places = [next((codes[name][code] for name, code in cell if name == longest), 0) for cell in self.position]
        system = System(
            np.array([low for low, _ in self.known]),
            np.array([min(high, most) for _, high in self.known]),
            tuple(equations),
            np.full(len(self.known), self.whole),
            np.array(places, np.intp),
        )
        return PlainTable(system, tuple(self.codes), tuple(self.cells), tuple(self.tables), tuple(self.unseen))


def _is_top(code: str, tree: Mapping[str, Sequence[str]]) -> bool:
    """Whether a code is a sum that is part of no other."""
    return code in tree and not any(code in parts for parts in tree.values())


def _tree(
    codes: Sequence[str], name: str, totals: frozenset[str], parents: Mapping[str, Mapping[str, str]]
) -> dict[str, list[str]]:
    """The codes that each sum of a dimension is made of."""
    distinct = list(dict.fromkeys(codes))
    sums = [code for code in distinct if code.lower() in totals]
    sums = sums or [code for code in distinct if code.lower().split()[:1] == ["total"]]
    if name not in parents:
        return {code: [each for each in distinct if each not in sums] for code in sums}
    tree: dict[str, list[str]] = defaultdict(list)
    for code, parent in parents[name].items():
        if parent and code != parent:
            tree[parent].append(code)
        elif code not in sums:  # codes that are part of nothing named are part of the total
            for total in sums:
                tree[total].append(code)
    return dict(tree)
