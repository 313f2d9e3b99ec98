"""How far hidden counts can move in a large table while every sum that is shown stays: boxes of hidden cells.

A box takes one path along each dimension (see `axes`). If all cells on it are hidden, its corners can rise and fall in
turn by as much as the smallest of those that fall. Each box is a table that fits everything shown, so that the interval
of a cell is at least as wide as its boxes say: no linear programme is needed for what a box proves. The boxes of all
cells are looked at together, one by one along the small dimensions, all at once along the longest.

Repsilber's and Giessing's hypercubes, with sums and hierarchies; Source: docs/methods/disclosure.md, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from reports.axes import Axis, Fork, Path

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

_CLOSED = -1.0
"""Room of a cell that is shown."""

_LEAVES_BELOW = 6
"""Of a sum, the leaves below it that a box is tried over."""


def room_of(full: Counts, hidden: Flags, axes: Sequence[Axis]) -> tuple[Floats, Floats]:
    """How far each hidden cell can rise and fall by boxes; 0 for cells that are shown.

    Args:
        full: the table with its sums; the first dimension is the longest.
        hidden: cells that aren't shown.
        axes: of its dimensions.
    """
    size = len(axes[0].parents)
    room = np.where(hidden, full, _CLOSED).astype(np.float64).reshape(size, -1)
    up, down = np.zeros_like(room), np.zeros_like(room)
    for plus, minus in _planes(axes[1:], full.shape[1:]):
        rising = room[:, plus].min(axis=1)
        falling = room[:, minus].min(axis=1) if len(minus) else np.full(size, np.inf)
        shown = (rising < 0) | (falling < 0)
        rising[shown] = falling[shown] = _CLOSED
        high, low = _along(axes[0], rising, falling)
        for corners, rise, fall in ((plus, high, low), (minus, low, high)):
            for corner in corners:
                np.maximum(up[:, corner], rise, out=up[:, corner])
                np.maximum(down[:, corner], fall, out=down[:, corner])
    return up.reshape(full.shape), down.reshape(full.shape)


def _planes(axes: Sequence[Axis], shape: Sequence[int]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The corners of each box along some dimensions, as flat positions: those that rise, those that fall."""
    for paths in product(*(axis.paths for axis in axes)):
        yield corners(paths, shape)


def corners(paths: Sequence[Path], shape: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Flat positions of a box's corners: those that rise, those that fall."""
    flat, sign = np.zeros(1, np.intp), np.ones(1, np.intp)
    for path, length in zip(paths, shape, strict=True):
        codes = np.array([*path.plus, *path.minus], np.intp)
        signs = np.array([1] * len(path.plus) + [-1] * len(path.minus), np.intp)
        flat = (flat[:, None] * length + codes).ravel()
        sign = (sign[:, None] * signs).ravel()
    return flat[sign > 0], flat[sign < 0]


@dataclass(frozen=True, slots=True)
class Box:
    """Cells that together widen the interval of one.

    Attributes:
        rows: codes of the first dimension.
        columns: flat positions along the others.
        up, down: how far the cell can rise and fall.
        price: of hiding what is shown of it.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    up: float
    down: float
    price: float


def cheapest_box(
    full: Counts, prices: Floats, axes: Sequence[Axis], place: tuple[int, ...], need: tuple[float, float, float]
) -> Box | None:
    """The box through a cell that costs least of those that are wide enough; if there are none, the widest.

    Args:
        full: the table with its sums.
        prices: of each cell, what is lost when it is hidden; 0 for those that are.
        axes: of the dimensions.
        place: of the cell.
        need: how far it can rise and fall already, and the width that it is owed.

    Returns:
        Null where no box helps.
    """
    size = len(axes[0].parents)
    values, price = full.reshape(size, -1), prices.reshape(size, -1)
    up, down, owed = need
    routes = axes[0].through(place[0], _LEAVES_BELOW)
    depth = max(max(len(path.plus), len(path.minus)) for path in routes)
    ahead, behind = (
        np.array([[*nodes, *[size] * (depth - len(nodes))] for nodes in ways], np.intp)
        for ways in ([path.plus for path in routes], [path.minus for path in routes])
    )
    best: tuple[float, float, Box] | None = None
    for paths in product(*(axis.through(code, _LEAVES_BELOW) for axis, code in zip(axes[1:], place[1:], strict=True))):
        plus, minus = corners(paths, full.shape[1:])
        rising, falling = _lowest(values, plus), _lowest(values, minus)
        cost = np.append(price[:, plus].sum(axis=1) + price[:, minus].sum(axis=1), 0.0)
        fall = np.minimum(rising[ahead].min(axis=1), falling[behind].min(axis=1))
        rise = np.minimum(falling[ahead].min(axis=1), rising[behind].min(axis=1))
        lost = cost[ahead].sum(axis=1) + cost[behind].sum(axis=1)
        width = np.maximum(rise, up) + np.maximum(fall, down)
        short = np.maximum(owed - width, 0.0)
        at = int(np.lexsort((lost, short))[0])
        found = float(short[at]), float(lost[at])
        if short[at] < owed - up - down and (best is None or found < best[:2]):
            rows = np.array([*routes[at].plus, *routes[at].minus], np.intp)
            best = *found, Box(rows, np.concatenate([plus, minus]), float(rise[at]), float(fall[at]), found[1])
    return None if best is None else best[2]


def _lowest(values: Counts, columns: NDArray[np.intp]) -> Floats:
    """Of each code of the first dimension the smallest of some cells; endless where there are none, and beyond."""
    lowest = values[:, columns].min(axis=1) if len(columns) else np.full(len(values), np.inf)
    return np.append(lowest.astype(np.float64), np.inf)


def _along(axis: Axis, rising: Floats, falling: Floats) -> tuple[Floats, Floats]:
    """The best path of the first dimension through each of its codes: how far the box rises and falls there.

    Args:
        rising, falling: of each code, room of the corners that rise and that fall with it.
    """
    up, down = np.full(len(rising), _CLOSED), np.full(len(rising), _CLOSED)
    for fork in axis.forks:
        plus, minus = rising[fork.below[0]], falling[fork.below[0]]
        for codes in fork.below[1:]:
            plus, minus = np.minimum(plus, rising[codes]), np.minimum(minus, falling[codes])
        rise = np.minimum(minus, _best_other(plus, fork))
        fall = np.minimum(plus, _best_other(minus, fork))
        for codes in fork.below:
            np.maximum.at(up, codes, rise)
            np.maximum.at(down, codes, fall)
    for chain in axis.chains_to_top:
        rise, fall = falling[chain].min(axis=0), rising[chain].min(axis=0)
        for codes in chain:
            np.maximum.at(up, codes, rise)
            np.maximum.at(down, codes, fall)
    closed = (up <= 0) & (down <= 0)
    return np.where(closed, 0.0, up), np.where(closed, 0.0, down)


def _best_other(room: Floats, fork: Fork) -> Floats:
    """Of each leaf, the most that a leaf of another branch can do."""
    best = np.full(max(fork.branches, 2), _CLOSED)
    np.maximum.at(best, fork.branch, room)
    first = int(best.argmax())
    top, best[first] = best[first], _CLOSED
    others: Floats = np.where(fork.branch == first, best.max(), top)
    return others
