"""Suppression in one large table of counts that is published with all its sums, such as commune by country by sex.

What is too large for an optimum is covered by DC-02, sum by sum until nothing changes. Then each hidden cell gets the
proof that its interval is as wide as it is owed: a box of hidden cells (`boxes`), or a linear programme over a part of
the table (`dense_attack`). Where there is none, the cheapest box through the cell is hidden, which is the proof. To
hide more makes no interval shorter, so that a proof holds for good.

Arrays have one place more along each axis for each sum: the codes, then the sums over them (see `axes`). The longest
dimension comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.axes import Axis
from reports.boxes import Counts, Flags, Floats, cheapest_box, room_of
from reports.dense_attack import Rooms, attack_codes

_REPAIRS = 12
_NEVER = np.iinfo(np.int64).max
_EVERYBODY = 4.0


@dataclass(frozen=True, slots=True)
class DenseAudit:
    """What attacks on a pattern found.

    Attributes:
        cells: hidden cells that are owed protection: small ones their interval, any other not to be known exactly.
        narrow: of these, the ones whose interval isn't known to be wide enough.
        places: of these, their indices.
        boxes: cells of which a box of hidden cells is proof.
        programmes: linear programmes that were solved for the others.
    """

    cells: int
    narrow: int
    places: tuple[tuple[int, ...], ...]
    boxes: int = 0
    programmes: int = 0


def with_margins(counts: Counts, axes: Sequence[Axis] | None = None) -> Counts:
    """The table with its sums over every set of dimensions.

    Args:
        counts: of the codes.
        axes: which sums there are; null for the sum of all along each dimension.
    """
    full = counts
    for index, axis in enumerate(axes or flat_axes(counts)):
        full = axis.sum_up(full, index)
    return full


def flat_axes(counts: Counts) -> list[Axis]:
    """Dimensions without other sums than that of all."""
    return [Axis.flat(length) for length in counts.shape]


def protect_counts(
    counts: Counts, threshold: int, protection: int | None = None, axes: Sequence[Axis] | None = None
) -> Flags:
    """The cells to hide in a table and its sums.

    Args:
        counts: of the codes, the longest dimension first.
        threshold: counts from 1 to below it are hidden.
        protection: width that is owed to them; null for half the threshold.
        axes: which sums there are; null for the sum of all along each dimension.
    """
    axes = axes or flat_axes(counts)
    full = with_margins(counts, axes)
    hidden = cover_lines(full, (full > 0) & (full < threshold), threshold, axes)
    for _ in range(_REPAIRS):
        rooms = Rooms(np.zeros(full.shape), np.zeros(full.shape), owed_widths(full, hidden, threshold, protection))
        _prove(full, hidden, axes, rooms)
        narrow = np.argwhere(rooms.narrow)
        if not len(narrow):
            break
        prices = _prices(full, hidden, axes)
        for place in narrow:
            _add_box(full, hidden, axes, rooms, prices, tuple(map(int, place)))
        hidden = cover_lines(full, hidden, threshold, axes)
    return hidden


def audit_pattern(
    full: Counts,
    hidden: Flags,
    threshold: int,
    protection: int | None = None,
    axes: Sequence[Axis] | None = None,
) -> DenseAudit:
    """Attacks every hidden cell; see the top of the files for what an intruder is taken to know.

    Args:
        full: the table with its sums.
        hidden: the cells that aren't shown.
        threshold, protection, axes: as for `protect_counts`.
    """
    axes = axes or [Axis.flat(length - 1) for length in full.shape]
    rooms = Rooms(np.zeros(full.shape), np.zeros(full.shape), owed_widths(full, hidden, threshold, protection))
    boxes, programmes = _prove(full, hidden, axes, rooms)
    places = tuple(tuple(map(int, place)) for place in np.argwhere(rooms.narrow))
    return DenseAudit(int((rooms.owed > 0).sum()), len(places), places, boxes, programmes)


def owed_widths(full: Counts, hidden: Flags, threshold: int, protection: int | None = None) -> Floats:
    """Width of interval owed to each hidden cell: of small ones the protection, of others but nobody 1."""
    owed = float(protection if protection is not None else max(1, threshold // 2))
    small = (full > 0) & (full < threshold)
    return np.where(hidden & (full > 0), np.where(small, owed, min(1.0, owed)), 0.0)


def cover_lines(full: Counts, hidden: Flags, threshold: int, axes: Sequence[Axis] | None = None) -> Flags:
    """DC-02: in no sum is exactly one cell hidden, nor less than the threshold of a shown sum."""
    axes = axes or [Axis.flat(length - 1) for length in full.shape]
    hidden = hidden.copy()
    changed = True
    while changed:
        changed = False
        for index, axis in enumerate(axes):
            values, flags = np.moveaxis(full, index, -1), np.moveaxis(hidden, index, -1)
            for whole, parts in axis.children.items():
                codes = np.array([*parts, whole])
                changed = _cover_sum(values[..., codes], flags, codes, threshold) or changed
    return hidden


def _cover_sum(values: Counts, flags: Flags, codes: np.ndarray[tuple[int], np.dtype[np.int64]], threshold: int) -> bool:
    """The same for one sum along one dimension, the sum at the end; whether anything was hidden."""
    own = flags[..., codes]
    held = np.where(own[..., :-1], values[..., :-1], 0).sum(axis=-1)
    alone = own.sum(axis=-1) == 1
    little = ~own[..., -1] & own[..., :-1].any(axis=-1) & (held < threshold)
    price = np.where(own | (values == 0), _NEVER, values)
    cheapest = price.argmin(axis=-1)
    possible = np.take_along_axis(price, cheapest[..., None], -1)[..., 0] < _NEVER
    broken = np.argwhere((alone | little) & possible)
    for line in broken:
        flags[(*line, codes[cheapest[tuple(line)]])] = True
    return bool(len(broken))


def _prove(full: Counts, hidden: Flags, axes: Sequence[Axis], rooms: Rooms) -> tuple[int, int]:
    """Widens what is known of each cell's interval, first by boxes; how many these prove, and programmes solved."""
    rooms.up, rooms.down = room_of(full, hidden, axes)
    rooms.boxed = rooms.up.copy(), rooms.down.copy()
    boxes = int(((rooms.owed > 0) & ~rooms.narrow).sum())
    return boxes, attack_codes(full, hidden, axes, rooms)


def _prices(full: Counts, hidden: Flags, axes: Sequence[Axis]) -> Floats:
    """What is lost when a cell is hidden that isn't: more for many people than for few. Nobody protects badly."""
    prices = np.where(hidden, 0.0, 1 + 0.75 * np.log1p(full) + 2.0 * (full == 0))
    prices[tuple(axis.top for axis in axes)] *= _EVERYBODY
    return prices


def _add_box(
    full: Counts, hidden: Flags, axes: Sequence[Axis], rooms: Rooms, prices: Floats, place: tuple[int, ...]
) -> None:
    """Hides the cheapest box through a cell, or where none helps the smallest shown count beside it in each sum."""
    up, down = rooms.boxed or (rooms.up, rooms.down)
    need = float(up[place]), float(down[place]), float(rooms.owed[place])
    if need[0] + need[1] >= need[2]:
        return
    box = cheapest_box(full, prices, axes, place, need)
    if box is None:
        _add_company(full, hidden, place)
        return
    corners = np.ix_(box.rows, box.columns)
    hidden.reshape(len(full), -1)[corners] = True
    prices.reshape(len(full), -1)[corners] = 0.0
    up[place], down[place] = max(need[0], box.up), max(need[1], box.down)


def _add_company(full: Counts, hidden: Flags, place: tuple[int, ...]) -> None:
    for axis in range(full.ndim):
        flags = np.moveaxis(hidden, axis, -1)[(*place[:axis], *place[axis + 1 :])]
        values = np.moveaxis(full, axis, -1)[(*place[:axis], *place[axis + 1 :])]
        price = np.where(flags | (values == 0), _NEVER, values)
        at = int(price.argmin())
        if price[at] < _NEVER:
            flags[at] = True
