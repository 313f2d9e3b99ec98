"""The auditor of releases: where must each hidden cell be, for somebody who has all files of one or several releases?

A hidden cell is too narrow when its rows, the rest of its base or its base lie in an interval that is shorter than the
protection owed and reaches below the threshold. "Nobody" and "everybody" are no small groups: what follows from a
shown 0 or 100 per cent isn't held against it.

Source: docs/methods/disclosure.md, section 5.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reports.earlier import told_by_few
from reports.equations import TOLERANCE, Contradiction, Equation, Interval, feasible_intervals
from reports.knowledge import Knowledge, add_release, add_rests, link_releases, moved_between, told_quantities
from reports.published import Published

_MOST_EXACT = 3000
"""Quantities whose intervals are found to the end; of more than these it is asked only whether they are wide enough."""


@dataclass(frozen=True, slots=True)
class AuditedCell:
    """A hidden cell, and what an intruder finds out about it.

    Attributes:
        what: "rows" behind the figure, its "base", the "rest" of the base, or "change" since an earlier release.
        low, high: least and greatest number of rows; of a change, its size.
        required: width that is owed to it.
        is_exact: false where the interval is at least as wide as told.
        is_narrow: whether it is too narrow.
        against: the earlier release that gives a change away, "" otherwise.
    """

    indicator: str
    domain: str
    category: str
    what: str
    low: float
    high: float
    required: float
    is_exact: bool
    is_narrow: bool
    against: str = ""


def audit_release(
    release: Published,
    earlier: Sequence[Published] = (),
    *,
    threshold: int | None = None,
    width: float | None = None,
    exact: bool = True,
) -> list[AuditedCell]:
    """Each hidden cell of a release, in the order of its table.

    Args:
        release: what was or shall be published.
        earlier: releases that are out already.
        threshold: rows below which a group is small; null for what the release says, 10 if it says nothing.
        width: owed to a hidden cell; null for what the release says, 1 if it says nothing.
        exact: find the ends of all intervals, also of those that are wide enough; of a release with many hidden cells
            this is left.
    """
    small = threshold if threshold is not None else release.threshold if release.threshold is not None else 10
    owed = width if width is not None else float(release.protection or 1)
    known = Knowledge()
    start = add_release(known, release)
    for other in earlier:
        link_releases(known, release, start, other, add_release(known, other))
    rest = add_rests(known, release, start)
    told = {at for at in range(len(known.lower)) if known.lower[at] == known.upper[at]}
    targets = _targets(release, start, rest)
    intervals = _solve(known, targets, owed, exact and len(targets) <= _MOST_EXACT)
    found = []
    for at, (place, cell) in enumerate(zip(release.places, release.shown, strict=True)):
        if cell.is_hidden:
            what, interval, narrow = _judge(release, start, at, rest, intervals, told, small, owed)
            found.append(
                AuditedCell(
                    place.indicator,
                    place.domain,
                    place.category,
                    what,
                    interval.low,
                    interval.high,
                    owed,
                    interval.is_exact,
                    narrow,
                )
            )
    for other in earlier:
        found += _changes(release, other, small)
    return found


def _changes(release: Published, other: Published, small: int) -> list[AuditedCell]:
    """Figures shown in both releases whose difference tells of a few people who came between."""
    moved = moved_between(release, other)
    if moved is None or moved[0] or moved[1] <= 0:
        return []
    now, then = told_quantities(release), told_quantities(other)
    few = told_by_few(now, then, release.layout, small)
    found = []
    for at, place in enumerate(release.places):
        pair = {release.layout.base[at], release.layout.rows[at]} & few
        if pair and not release.shown[at].is_hidden:
            key = release.layout.keys[min(pair)]
            change, where = now[key] - then[key], (place.indicator, place.domain, place.category)
            found.append(AuditedCell(*where, "change", change, change, 1.0, True, True, other.name))
    return found


def _targets(release: Published, start: int, rest: Mapping[tuple[int, int], int]) -> list[int]:
    found: dict[int, None] = {}
    for at, cell in enumerate(release.shown):
        if cell.is_hidden:
            rows, base = start + release.layout.rows[at], start + release.layout.base[at]
            found |= dict.fromkeys([rows, base, rest.get((rows, base), rows)])
    return list(found)


def _solve(known: Knowledge, targets: Sequence[int], owed: float, exact: bool) -> dict[int, Interval]:
    """The intervals; what turns out not to hold is given up, first between releases, then within."""
    while True:
        try:
            return feasible_intervals(known.system(), targets, None if exact else [owed] * len(targets))
        except Contradiction as broken:
            doubtful = [at for at in broken.equations if at in known.softer]
            links = [at for at in doubtful if known.softer[at] is None and len(known.equations[at].cells) == 2]
            if not doubtful:
                return {at: Interval(known.lower[at], known.upper[at], False) for at in targets}
            for at in links or doubtful:
                softer = known.softer.pop(at)
                cells = known.equations[at].cells
                known.equations[at] = softer or Equation(cells, (0.0,) * len(cells))


def _judge(
    release: Published,
    start: int,
    at: int,
    rest: Mapping[tuple[int, int], int],
    intervals: Mapping[int, Interval],
    told: Collection[int],
    small: int,
    owed: float,
) -> tuple[str, Interval, bool]:
    """What of a hidden cell is known best: its interval, and whether it is too narrow.

    What another cell shows isn't held against this one.
    """
    rows, base = start + release.layout.rows[at], start + release.layout.base[at]
    own, whole, others = intervals[rows], intervals[base], intervals[rest.get((rows, base), rows)]
    if base not in told and _is_narrow(whole, small, owed):
        return "base", whole, True
    if rows in told:
        return "rows", own, False
    if rows == base:
        return "rows", own, _gives(own, own, small, owed)
    nobody_or_all = own.high <= TOLERANCE or others.high <= TOLERANCE
    if not nobody_or_all and _gives(own, others, small, owed):
        return "rows", own, True
    if not nobody_or_all and _is_narrow(others, small, owed):
        return "rest", others, True
    return "rows", own, False


def _is_narrow(interval: Interval, small: int, owed: float) -> bool:
    return interval.high > TOLERANCE and interval.low < small and interval.width < owed - TOLERANCE


def _gives(own: Interval, others: Interval, small: int, owed: float) -> bool:
    """Whether rows are told too closely: a small group within less than is owed, any other exactly."""
    if own.high <= TOLERANCE:
        return False
    return _is_narrow(own, small, owed) or (own.width < 1 - TOLERANCE and others.high > TOLERANCE)
