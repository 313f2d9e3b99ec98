"""Attacks on hidden cells of a large table where no box of hidden cells is proof (see `boxes`): linear programmes.

The cells of one code of the longest dimension are attacked together with those of a few codes that have most to trade
with it, and of the sums above them; all others are taken as known. Who knows so much finds intervals that are at most
as wide as a reader's, so that what holds against them holds. One programme moves many cells at once, each as far as it
is still owed; what few cells are left in doubt get programmes of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, identity

from reports.axes import Axis
from reports.boxes import Counts, Flags, Floats
from reports.local_attack import signs_of

TOLERANCE = 1e-6
_PHASES = ((5, False), (10, False), (20, False), (20, True))
"""How many codes at first, and for what is still in doubt after that; at last whether each cell by itself."""

_FEW = 200
"""Cells that are in doubt at the end: more aren't attacked one by one."""

_WAVE = 8
"""Programmes that don't know of one another; two of them run at a time."""

_AT_A_TIME = 2

_ROUNDS = 9
_IDLE = 3
_FAR = 1e4
"""More than any count rises in a programme."""


@dataclass(slots=True)
class Rooms:
    """What is proved of each cell so far.

    Attributes:
        up, down: how far it can rise and fall, at least.
        boxed: the same by boxes alone.
        owed: width of its interval; 0 where nothing is.
    """

    up: Floats
    down: Floats
    owed: Floats
    boxed: tuple[Floats, Floats] | None = None

    @property
    def narrow(self) -> Flags:
        """Cells whose interval isn't known to be wide enough."""
        flags: Flags = self.up + self.down < self.owed - TOLERANCE
        return flags

    def widen(self, nodes: Sequence[int], hidden: Flags, up: Floats, down: Floats) -> None:
        """Takes in what was proved of the hidden cells of some codes."""
        for whole, part in ((self.up, up), (self.down, down)):
            block = whole[nodes]
            block[hidden] = np.maximum(block[hidden], part)
            whole[nodes] = block


@dataclass(slots=True)
class _Found:
    """What programmes over some codes proved of their hidden cells."""

    nodes: list[int]
    up: Floats
    down: Floats
    solved: int = 0

    def narrow(self, owed: Floats) -> Flags:
        """The cells whose interval isn't known to be wide enough."""
        flags: Flags = self.up + self.down < owed - TOLERANCE
        return flags

    def move(self, matrix: csr_array, values: Floats, targets: NDArray[np.intp], signs: Floats, owed: Floats) -> None:
        """Moves some cells together, each in its direction as far as it is still owed."""
        most = owed[targets] - np.where(signs > 0, self.down[targets], self.up[targets])
        moved = _move(matrix, values, targets, signs, most)
        self.solved += 1
        if moved is not None:
            self.up, self.down = np.maximum(self.up, moved), np.maximum(self.down, -moved)


def attack_codes(full: Counts, hidden: Flags, axes: Sequence[Axis], rooms: Rooms) -> int:
    """Widens `rooms` as far as programmes can; how many were solved.

    The same table and pattern give the same answer, however many programmes run at a time.
    """
    solved = 0
    trade = np.where(rooms.owed >= rooms.owed.max(initial=0.0), np.minimum(full, rooms.owed), 0.0)
    trade = trade.reshape(len(full), -1)

    def attack(code: int, many: int, single: bool) -> _Found:
        owed = np.where(rooms.narrow[code], rooms.owed[code], 0.0)
        nodes = _with_sums(axes[0], code, _partners(axes[0], trade, code, owed, many))
        return _attack(full, hidden, axes, rooms, nodes, single)

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for many, single in _PHASES:
            if single and int(rooms.narrow.sum()) > _FEW:
                break
            codes = np.flatnonzero(rooms.narrow.reshape(len(full), -1).any(axis=1)).tolist()
            for start in range(0, len(codes), _WAVE):
                for found in pool.map(attack, codes[start : start + _WAVE], repeat(many), repeat(single)):
                    solved += found.solved
                    rooms.widen(found.nodes, hidden[found.nodes], found.up, found.down)
    return solved


def _partners(axis: Axis, trade: Floats, code: int, owed: Floats, many: int) -> list[int]:
    """Leaves that can give most of what a code's cells are owed, each for what the others before it leave open."""
    open_needs = owed.ravel().copy()
    like = trade @ trade[code]
    barred = np.ones(len(trade), np.bool_)
    barred[list(axis.leaves)] = False
    barred[code] = True
    found: list[int] = []
    for _ in range(min(many, int((~barred).sum()))):
        score = np.minimum(trade, open_needs).sum(axis=1) + like * 1e-3
        score[barred] = -1.0
        best = int(score.argmax())
        barred[best] = True
        found.append(best)
        open_needs = np.maximum(0.0, open_needs - trade[best] / 2)
    return found


def _with_sums(axis: Axis, code: int, partners: Sequence[int]) -> list[int]:
    """A code, its partners and all sums above them."""
    found = dict.fromkeys([code, *partners])
    for each in list(found):
        while axis.parents[each] >= 0:
            each = axis.parents[each]
            found[each] = None
    return list(found)


def _attack(
    full: Counts, hidden: Flags, axes: Sequence[Axis], rooms: Rooms, nodes: Sequence[int], single: bool
) -> _Found:
    """Programmes over the cells of some codes; those of the first are aimed at."""
    flags = hidden[nodes]
    values = full[nodes][flags].astype(np.float64)
    matrix = _sums(flags, axes, nodes)
    aimed = np.zeros(flags.shape, np.bool_)
    aimed[0] = True
    found = _Found(list(nodes), rooms.up[nodes][flags], rooms.down[nodes][flags])
    owed = np.where(aimed[flags], rooms.owed[nodes][flags], 0.0)
    if single:
        for at in np.flatnonzero(found.narrow(owed)):
            for sign in (1.0, -1.0):
                if found.narrow(owed)[at]:
                    found.move(matrix, values, np.array([at]), np.array([sign]), owed)
        return found
    idle, random = 0, np.random.default_rng(nodes[0])
    for number in range(_ROUNDS):
        targets = np.flatnonzero(found.narrow(owed))
        if not len(targets) or idle > _IDLE:
            break
        found.move(matrix, values, targets, signs_of(number, len(targets), random), owed)
        idle = idle + 1 if int(found.narrow(owed).sum()) == len(targets) else 0
    return found


def _sums(flags: Flags, axes: Sequence[Axis], nodes: Sequence[int]) -> csr_array:
    """One row a sum with hidden cells, one column a hidden cell."""
    number = np.full(flags.shape, -1)
    number[flags] = np.arange(int(flags.sum()))
    place = {code: at for at, code in enumerate(nodes)}
    rows, columns, factors, count = [], [], [], 0
    for index, axis in enumerate(axes):
        lines = np.moveaxis(number, index, -1).reshape(-1, number.shape[index])
        for whole, parts in axis.children.items():
            codes = [*parts, whole] if index else [place[code] for code in (*parts, whole) if code in place]
            if not codes or (not index and whole not in place):
                continue
            part = lines[:, codes]
            part = part[(part >= 0).any(axis=1)]
            line, at = np.nonzero(part >= 0)
            rows.append(line + count)
            columns.append(part[line, at])
            factors.append(np.where(at == len(codes) - 1, -1.0, 1.0))
            count += len(part)
    shape = (count, int(flags.sum()))
    return csr_array((np.concatenate(factors), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def _move(matrix: csr_array, values: Floats, targets: NDArray[np.intp], signs: Floats, most: Floats) -> Floats | None:
    """A change that keeps all sums and moves the targets as far as they are owed, summed over them."""
    size, count = len(values), len(targets)
    equal = hstack([matrix, csr_array((matrix.shape[0], count))]).tocsr()
    aim = csr_array((-signs, (np.arange(count), targets)), shape=(count, size))
    back = np.zeros(count) if np.ptp(signs) == 0 else np.full(count, -np.inf)
    result = linprog(
        np.concatenate([np.zeros(size), -np.ones(count)]),
        A_ub=hstack([aim, identity(count)]).tocsr(),
        b_ub=np.zeros(count),
        A_eq=equal,
        b_eq=np.zeros(matrix.shape[0]),
        bounds=np.column_stack([np.concatenate([-values, back]), np.concatenate([np.full(size, _FAR), most])]),
        method="highs",
    )
    return None if result.x is None else np.asarray(result.x[:size], np.float64)
