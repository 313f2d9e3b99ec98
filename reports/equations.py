"""What an intruder can work out: equations over the cells of published tables, and the intervals of hidden cells.

A cell that is shown has equal bounds, a hidden one the bounds that anybody knows (no count is below 0). Every sum that
a reader can form is an equation; a figure that was rounded makes a band of it. The feasible interval of a hidden cell
is then the least and the greatest value it takes under all equations: a linear programme, solved by HiGHS.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from reports.local_attack import Local, Proof

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

TOLERANCE = 1e-6
_INTEGERS = 40
"""Blocks of up to as many unknown counts are solved over whole numbers; larger ones over all numbers."""

_LARGE = 3000
"""Blocks of more unknowns are attacked place by place, where only a width is asked for."""

_MANY = 10**9
_FEW = 40
"""Programmes over all of such a block, for cells that are still in doubt; others count as too narrow."""

_ROUNDS = 24
"""Programmes that move many cells at once, before single cells get their own."""


class Contradiction(Exception):
    """No table fits the figures.

    Args:
        equations: positions of equations that can't hold together.
    """

    def __init__(self, equations: Sequence[int]) -> None:
        super().__init__(f"{len(equations)} equations contradict each other")
        self.equations = tuple(equations)


@dataclass(frozen=True, slots=True)
class Equation:
    """low <= sum of factor times cell <= high.

    Attributes:
        cells: positions of the cells.
        factors: one a cell.
        low, high: equal for a sum known exactly.
    """

    cells: tuple[int, ...]
    factors: tuple[float, ...]
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class System:
    """Cells and the equations between them, as an intruder sees them.

    Attributes:
        lower, upper: what is known of each cell by itself; equal for a cell that is shown.
        equations: what is known of them together.
        is_count: whether a cell is a whole number.
        places: number of the place that a cell is about, 0 for no single one; null where there are no places.
    """

    lower: Floats
    upper: Floats
    equations: tuple[Equation, ...]
    is_count: NDArray[np.bool_]
    places: Indices | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a hidden cell must be.

    Attributes:
        is_exact: whether the ends are the true ones; else the interval is at least as wide.
    """

    low: float
    high: float
    is_exact: bool = True

    @property
    def width(self) -> float:
        """Distance of the ends."""
        return self.high - self.low


def feasible_intervals(
    system: System, targets: Sequence[int], enough: Sequence[float] | None = None
) -> dict[int, Interval]:
    """The interval of each cell of `targets`.

    Args:
        system: what is known.
        targets: positions of the cells.
        enough: a width for each target; the search for its ends stops where the interval is known to be as wide.
            Null for exact ends.

    Raises:
        Contradiction: when the equations can't all hold.
    """
    found = {at: Interval(float(system.lower[at]), float(system.upper[at])) for at in targets if _is_known(system, at)}
    wanted = dict.fromkeys(targets, np.inf) if enough is None else dict(zip(targets, enough, strict=True))
    free = np.flatnonzero(system.upper - system.lower > 0)
    blocks, alone = _blocks(system, free)
    found |= {at: _alone(system, at) for at in alone if at in wanted}
    for block in blocks:
        here = [at for at in block.cells.tolist() if at in wanted]
        if here:
            found |= _solve(block, here, [wanted[at] for at in here])
    return found


@dataclass(frozen=True, slots=True)
class _Block:
    """Unknowns that are tied together, with the known ones moved to the right-hand side."""

    cells: Indices
    matrix: csr_array
    low: Floats
    high: Floats
    lower: Floats
    upper: Floats
    is_count: NDArray[np.bool_]
    equations: Indices
    places: Indices | None

    def solve(self, objective: Floats, *, whole: bool) -> Floats | None:
        """The values that make `objective` least; null where there are none."""
        result = milp(
            objective,
            constraints=LinearConstraint(self.matrix, self.low, self.high),
            bounds=Bounds(self.lower, self.upper),
            integrality=self.is_count.astype(np.int64) if whole else None,
        )
        values: Floats | None = result.x
        return values


def _is_known(system: System, at: int) -> bool:
    return bool(system.upper[at] - system.lower[at] <= 0)


def _alone(system: System, at: int) -> Interval:
    return _rounded(float(system.lower[at]), float(system.upper[at]), bool(system.is_count[at]), True)


def _blocks(system: System, free: Indices) -> tuple[list[_Block], list[int]]:
    """The blocks, and the unknowns that stand in no equation.

    Raises:
        Contradiction: when an equation over shown cells alone doesn't hold.
    """
    matrix, low, high = _matrix(system)
    known = np.where(system.upper - system.lower > 0, 0.0, system.lower)
    shift = matrix @ known
    low, high = low - shift, high - shift
    column = matrix[:, free] if len(free) else csr_array((matrix.shape[0], 0))
    used = np.diff(column.indptr) > 0
    slack = TOLERANCE * (1 + np.abs(shift))
    broken = np.flatnonzero(~used & ((low > slack) | (high < -slack)))
    if broken.size:
        raise Contradiction(broken.tolist())
    rows = np.flatnonzero(used)
    part = column[rows]
    height, width = part.shape
    entries = part.tocoo()
    graph = csr_array((np.ones(entries.nnz), (entries.row, entries.col + height)), shape=(height + width,) * 2)
    _, label = connected_components(graph, directed=False)
    of_row, of_cell = label[:height], label[height:]
    tied = np.isin(of_cell, np.unique(of_row))
    blocks = []
    by_row, by_cell = _gather(of_row), _gather(of_cell)
    for number in sorted(by_row, key=lambda each: by_row[each][0]):
        r, c = by_row[number], by_cell[number]
        cells = free[c]
        blocks.append(
            _Block(
                cells,
                part[r][:, c],
                low[rows[r]],
                high[rows[r]],
                system.lower[cells],
                system.upper[cells],
                system.is_count[cells],
                rows[r],
                None if system.places is None else system.places[cells],
            )
        )
    return blocks, free[~tied].tolist()


def _gather(labels: NDArray[np.int32]) -> dict[int, Indices]:
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return {int(labels[part[0]]): part for part in np.split(order, cuts) if part.size}


def _matrix(system: System) -> tuple[csr_array, Floats, Floats]:
    lengths = np.fromiter((len(each.cells) for each in system.equations), np.int64, len(system.equations))
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    cells = np.fromiter((cell for each in system.equations for cell in each.cells), np.int64, int(pointers[-1]))
    factors = np.fromiter((one for each in system.equations for one in each.factors), np.float64, int(pointers[-1]))
    matrix = csr_array((factors, cells, pointers), shape=(len(system.equations), len(system.lower)))
    low = np.fromiter((each.low for each in system.equations), np.float64, len(system.equations))
    high = np.fromiter((each.high for each in system.equations), np.float64, len(system.equations))
    return matrix, low, high


def _solve(block: _Block, targets: Sequence[int], enough: Sequence[float]) -> dict[int, Interval]:
    size = len(block.cells)
    whole = bool(block.is_count.any()) and size <= _INTEGERS
    place = {int(cell): index for index, cell in enumerate(block.cells)}
    first = block.solve(np.zeros(size), whole=whole)
    if first is None:
        raise Contradiction(block.equations.tolist())
    low, high = first.copy(), first.copy()
    patient = _MANY
    if size > _LARGE and block.places is not None and np.isfinite(enough).all():
        _move_locally(block, block.places, dict(zip([place[at] for at in targets], enough, strict=True)), low, high)
        patient = _FEW
    wanted = {place[at]: width for at, width in zip(targets, enough, strict=True)}
    if size <= _LARGE and any(np.isfinite(width) for width in wanted.values()) and len(targets) > _ROUNDS:
        _move_together(block, wanted, low, high, whole)
    found = {}
    for at in targets:
        index = place[at]
        if high[index] - low[index] >= wanted[index] - TOLERANCE:
            found[at] = _rounded(low[index], high[index], bool(block.is_count[index]), False)
            continue
        patient -= 1
        if patient < 0:
            found[at] = _rounded(low[index], high[index], bool(block.is_count[index]), False)
            continue
        for sign, ends in ((1.0, low), (-1.0, high)):
            bound = block.lower[index] if sign > 0 else block.upper[index]
            if abs(ends[index] - bound) > TOLERANCE:
                _extend(block, _unit(size, index, sign), low, high, whole)
        found[at] = _rounded(low[index], high[index], bool(block.is_count[index]), True)
    return found


def _move_locally(block: _Block, places: Indices, wanted: dict[int, float], low: Floats, high: Floats) -> None:
    """Programmes over the cells of few places at a time widen what is known of all; before, there is one table."""
    first = low.copy()
    owed = np.zeros(len(first))
    owed[list(wanted)] = list(wanted.values())
    proof = Proof(np.zeros(len(first)), np.zeros(len(first)), owed)
    local = Local.of(block.matrix, block.low, block.high, first, block.lower, block.upper, places)
    local.prove(np.ones(len(first), np.bool_), proof)
    np.minimum(low, first - proof.down, out=low)
    np.maximum(high, first + proof.up, out=high)


def _move_together(block: _Block, wanted: dict[int, float], low: Floats, high: Floats, whole: bool) -> None:
    """Programmes over sums of many cells widen what is known of all of them at once."""
    signs = np.random.default_rng(len(block.cells))
    for number in range(_ROUNDS):
        narrow = [index for index, width in wanted.items() if high[index] - low[index] < width - TOLERANCE]
        if len(narrow) <= _ROUNDS:
            return
        objective = np.zeros(len(block.cells))
        objective[narrow] = -1.0 if number == 0 else 1.0 if number == 1 else signs.choice([-1.0, 1.0], len(narrow))
        _extend(block, objective, low, high, whole)


def _extend(block: _Block, objective: Floats, low: Floats, high: Floats, whole: bool) -> None:
    values = block.solve(objective, whole=whole)
    if values is not None:
        np.minimum(low, values, out=low)
        np.maximum(high, values, out=high)


def _unit(size: int, index: int, sign: float) -> Floats:
    objective = np.zeros(size)
    objective[index] = sign
    return objective


def _rounded(low: float, high: float, is_count: bool, is_exact: bool) -> Interval:
    """Whole ends for a count; what differs from a round number by less than the tolerance is that number."""
    if is_count and is_exact:
        least, most = math.ceil(low - TOLERANCE), math.floor(high + TOLERANCE)
        return Interval(float(least), float(max(least, most)), is_exact)
    return Interval(round(float(low), 6) + 0.0, round(float(high), 6) + 0.0, is_exact)
