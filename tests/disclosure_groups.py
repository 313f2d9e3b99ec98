"""Which cells add up to which: the equations by which a reader could work a hidden cell out.

Two kinds of group come from an indicator. Down a breakdown, the domains of each category add up to the total. Across a
distribution, the categories of a domain add up to all of its rows. What adds up are the rows (and with them the sums
behind a mean or ratio). Rows that stand in no published cell (no answer to the breakdown's question) are the group's
remainder: never printed, yet known to whoever subtracts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.estimates import TOTAL, Estimate


@dataclass(frozen=True, slots=True)
class Group:
    """Cells that add up.

    Attributes:
        members: positions of the cells.
        whole: position of the cell that is their sum, null where the sum is a domain's n.
        rest_n, rest_cell: rows of the whole, and of its numerator, that no member holds.
    """

    members: tuple[int, ...]
    whole: int | None
    rest_n: int
    rest_cell: int


def find_groups(cells: Sequence[Estimate]) -> dict[str, list[Group]]:
    """The groups of a table of estimates by indicator. Cells that add up to nothing are in none."""
    down: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    across: dict[tuple[str, str], list[int]] = defaultdict(list)
    totals: dict[tuple[str, str], int] = {}
    for position, cell in enumerate(cells):
        if cell.domain == TOTAL:
            totals[cell.indicator, cell.category] = position
        else:
            breakdown = cell.domain.partition("=")[0]
            down[cell.indicator, cell.category, breakdown].append(position)
        if cell.category:
            across[cell.indicator, cell.domain].append(position)
    groups: dict[str, list[Group]] = defaultdict(list)
    for (indicator, category, _), members in down.items():
        if (indicator, category) in totals:
            groups[indicator].append(_group(cells, members, totals[indicator, category]))
    for (indicator, _), members in across.items():
        groups[indicator].append(_categories(cells, members))
    return groups


def _group(cells: Sequence[Estimate], members: list[int], whole: int) -> Group:
    rest_n = cells[whole].n - sum(cells[member].n for member in members)
    rest_cell = cells[whole].cell_n - sum(cells[member].cell_n for member in members)
    return Group(tuple(members), whole, max(rest_n, 0), max(rest_cell, 0))


def _categories(cells: Sequence[Estimate], members: list[int]) -> Group:
    rest = cells[members[0]].n - sum(cells[member].cell_n for member in members)
    return Group(tuple(members), None, max(rest, 0), max(rest, 0))
