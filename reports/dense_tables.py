"""Suppression in one large table of counts that is published with all its margins, such as commune by country by sex.

What is too large for an optimum is covered by DC-02, line by line until nothing changes, and then attacked: blocks of
the first dimension, together with its sum, while all other blocks are taken as known. Who knows so much finds intervals
that are at most as wide as a reader's, so that what holds against them holds. Cells found too narrow get company along
each dimension, and these alone are attacked again: to hide more makes no interval shorter.

Arrays have one place more along each axis, the last, for the sum over it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.equations import Equation, System, feasible_intervals

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

_BLOCK = 8
"""Places of the first dimension that are attacked together."""

_REPAIRS = 40
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class DenseAudit:
    """What attacks on a pattern found.

    Attributes:
        cells: small cells that are hidden.
        narrow: of these, the ones whose interval isn't known to be wide enough.
        places: of these, their indices.
    """

    cells: int
    narrow: int
    places: tuple[tuple[int, ...], ...]


def with_margins(counts: Counts) -> Counts:
    """The table with its sums over every set of dimensions."""
    full = counts
    for axis in range(counts.ndim):
        full = np.concatenate([full, full.sum(axis=axis, keepdims=True)], axis=axis)
    return full


def protect_counts(counts: Counts, threshold: int, protection: int | None = None) -> Flags:
    """The cells to hide in a table and its margins.

    Args:
        counts: without margins.
        threshold: counts from 1 to below it are hidden.
        protection: width that is owed to them; null for half the threshold.
    """
    full = with_margins(counts)
    hidden = cover_lines(full, (full > 0) & (full < threshold), threshold)
    narrow: tuple[tuple[int, ...], ...] | None = None
    for _ in range(_REPAIRS):
        narrow = audit_pattern(full, hidden, threshold, protection, narrow).places
        if not narrow:
            break
        for place in narrow:
            _add_company(full, hidden, place)
        hidden = cover_lines(full, hidden, threshold)
    return hidden


def cover_lines(full: Counts, hidden: Flags, threshold: int) -> Flags:
    """DC-02: in no line is exactly one cell hidden, nor less than the threshold of a shown sum."""
    hidden = hidden.copy()
    changed = True
    while changed:
        changed = False
        for axis in range(full.ndim):
            values, flags = np.moveaxis(full, axis, -1), np.moveaxis(hidden, axis, -1)
            held = np.where(flags[..., :-1], values[..., :-1], 0).sum(axis=-1)
            alone = flags.sum(axis=-1) == 1
            little = ~flags[..., -1] & flags[..., :-1].any(axis=-1) & (held < threshold)
            price = np.where(flags | (values == 0), _NEVER, values)
            cheapest = price.argmin(axis=-1)
            possible = np.take_along_axis(price, cheapest[..., None], -1)[..., 0] < _NEVER
            broken = np.argwhere((alone | little) & possible)
            for line in broken:
                flags[(*line, cheapest[tuple(line)])] = True
            changed = changed or bool(len(broken))
    return hidden


def audit_pattern(
    full: Counts,
    hidden: Flags,
    threshold: int,
    protection: int | None = None,
    places: tuple[tuple[int, ...], ...] | None = None,
) -> DenseAudit:
    """Attacks every small cell; see the top of the file for what an intruder is taken to know.

    Args:
        full: the table with its margins.
        hidden: the cells that aren't shown.
        threshold, protection: as for `protect_counts`.
        places: the cells to attack; null for all small ones.
    """
    owed = float(protection if protection is not None else max(1, threshold // 2))
    small = hidden & (full > 0) & (full < threshold)
    doubtful = set(places) if places is not None else {tuple(map(int, place)) for place in np.argwhere(small)}
    last = full.shape[0] - 1
    for shift in (0, _BLOCK // 2):
        for start in range(-shift, last, _BLOCK):
            block = [at for at in range(start, start + _BLOCK) if 0 <= at < last]
            members = {*block, last}
            targets = [place for place in doubtful if place[0] in members]
            if block and targets:
                doubtful -= _wide(full, hidden, [*block, last], sorted(targets), owed)
    return DenseAudit(int(small.sum()), len(doubtful), tuple(sorted(doubtful)))


def _wide(
    full: Counts, hidden: Flags, block: list[int], targets: list[tuple[int, ...]], owed: float
) -> set[tuple[int, ...]]:
    """Those of the targets that stay in an interval wide enough, though all other blocks are known."""
    values, flags = full[block].astype(float), hidden[block]
    number = np.arange(values.size).reshape(values.shape)
    most = 10.0 + 2 * values
    known = (full[:-1].sum(axis=0) - full[block[:-1]].sum(axis=0)).astype(float)
    equations = []
    for axis in range(full.ndim):
        lines, shown = np.moveaxis(number, axis, -1), np.moveaxis(flags, axis, -1)
        for line in np.ndindex(*lines.shape[:-1]):
            if shown[line].any():
                cells = tuple(lines[line].tolist())
                constant = -float(known[line]) if axis == 0 else 0.0
                equations.append(Equation(cells, (*[1.0] * (len(cells) - 1), -1.0), constant, constant))
    lower = np.where(flags, 0.0, values).ravel()
    upper = np.where(flags, most, values).ravel()
    system = System(lower, upper, tuple(equations), np.zeros(values.size, np.bool_))
    place_of = {int(number[(block.index(place[0]), *place[1:])]): place for place in targets}
    found = feasible_intervals(system, list(place_of), [owed] * len(place_of))
    return {place for at, place in place_of.items() if found[at].width >= owed - 1e-6}


def _add_company(full: Counts, hidden: Flags, place: tuple[int, ...]) -> None:
    """Hides the smallest shown count beside a cell along each dimension."""
    for axis in range(full.ndim):
        flags = np.moveaxis(hidden, axis, -1)[(*place[:axis], *place[axis + 1 :])]
        values = np.moveaxis(full, axis, -1)[(*place[:axis], *place[axis + 1 :])]
        price = np.where(flags | (values == 0), _NEVER, values)
        at = int(price.argmin())
        if price[at] < _NEVER:
            flags[at] = True
