"""Disclosure control: no published figure tells of fewer than `threshold` people, nor lets them be worked out.

    DC-01  A cell is withheld if its base, its rows, or the rest of its base is smaller than the threshold, unless the
           rows are none. ("rows" stand behind a share's numerator or a category; "base" is the denominator.)
    DC-02  Cells that add up to a published figure are never withheld alone, and those withheld together hold at
           least the threshold: else the smallest of the others is withheld too, at last the sum itself.
    DC-03  No withheld cell is the solution of all equations together (see `audit`).
    DC-04  A withheld cell shows no figure, no n and no error. Threshold 0 withholds nothing.

Policy: docs/methods/disclosure.md. `protect` is the only maker of a `SafeTable`, and nothing else may be published.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reports.audit import find_solvable
from reports.groups import Group, find_groups
from reports.statement import disclosure_statement
from schemas.estimates import Estimate, SafeCell, SafeTable

PRIMARY = "primary"
SECONDARY = "secondary"


def protect(estimates: Iterable[Estimate], threshold: int) -> SafeTable:
    """Make the table that may be published.

    Args:
        estimates: all figures of one release; what one of them could give away about another is seen only together.
        threshold: fewest people (unweighted) that a figure may tell of; 0 withholds nothing.

    Returns:
        One cell an estimate, in the same order.
    """
    cells = tuple(estimates)
    withheld = {at: PRIMARY for at, cell in enumerate(cells) if is_too_small(cell.n, cell.cell_n, threshold)}
    for groups in find_groups(cells).values() if threshold else ():
        while (more := _next_to_withhold(cells, groups, withheld, threshold)) is not None:
            withheld[more] = SECONDARY
    reasons = [withheld.get(at, "") for at in range(len(cells))]
    safe = tuple(_safe(cell, reason, threshold) for cell, reason in zip(cells, reasons, strict=True))
    primary, secondary = reasons.count(PRIMARY), reasons.count(SECONDARY)
    return SafeTable(safe, threshold, primary, secondary, disclosure_statement(threshold, primary, secondary))


def is_too_small(base: int, rows: int, threshold: int) -> bool:
    """DC-01: whether a figure on `rows` of `base` tells of fewer than `threshold` people."""
    return any(0 < people < threshold for people in (base, rows, base - rows))


def _next_to_withhold(
    cells: Sequence[Estimate], groups: Sequence[Group], withheld: dict[int, str], threshold: int
) -> int | None:
    for group in groups:
        if _gives_away(cells, group, withheld, threshold):
            more = _smallest_shown(cells, group, withheld)
            if more is not None:
                return more
    for group in find_solvable(groups, withheld):
        more = _smallest_shown(cells, group, withheld)
        if more is not None:
            return more
    return None


def _gives_away(cells: Sequence[Estimate], group: Group, withheld: dict[int, str], threshold: int) -> bool:
    """DC-02: whether subtracting what a group shows leaves too few people, or exactly one withheld cell."""
    hidden = [member for member in group.members if member in withheld]
    unknown = len(hidden) + (group.rest_n > 0)
    if group.whole is not None and group.whole in withheld:
        return unknown == 0
    if unknown == 1 and hidden:
        return True
    rows = group.rest_cell + sum(cells[member].cell_n for member in hidden)
    if group.whole is None:
        return 0 < rows < threshold
    base = group.rest_n + sum(cells[member].n for member in hidden)
    return is_too_small(base, rows, threshold)


def _smallest_shown(cells: Sequence[Estimate], group: Group, withheld: dict[int, str]) -> int | None:
    shown = [member for member in group.members if member not in withheld]
    if not shown and group.whole is not None and group.whole not in withheld:
        return group.whole
    # A cell without rows protects badly: a reader often knows that it must be empty.
    return min(shown, key=lambda at: (cells[at].cell_n == 0, cells[at].n, cells[at].cell_n, at), default=None)


def _safe(cell: Estimate, reason: str, threshold: int) -> SafeCell:
    hidden = bool(reason)
    unknown = None if hidden else _safe_rate(cell, threshold)
    return SafeCell(
        indicator=cell.indicator,
        domain=cell.domain,
        category=cell.category,
        estimate=None if hidden else cell.estimate,
        unit=cell.unit,
        n=None if hidden else cell.n,
        se=None if hidden else cell.se,
        ci_low=None if hidden else cell.ci_low,
        ci_high=None if hidden else cell.ci_high,
        cv=None if hidden else cell.cv,
        df=None if hidden else cell.df,
        label="" if hidden else cell.label,
        suppressed=reason,
        unknown_rate=unknown,
        note="" if hidden else cell.note,
    )


def _safe_rate(cell: Estimate, threshold: int) -> float | None:
    """The rate of unknown answers, withheld where it tells of too few people."""
    if cell.unknown_rate is None or cell.unknown_rate >= 1:
        return cell.unknown_rate
    universe = round(cell.n / (1 - cell.unknown_rate))
    return None if is_too_small(universe, universe - cell.n, threshold) else cell.unknown_rate
