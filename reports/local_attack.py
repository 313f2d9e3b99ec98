"""Attacks on a system too large for one programme: place by place, with a few others that have most to trade.

Given one table that fits all that is shown, any move from it that keeps every equation leads to another such table, and
proves how wide the intervals of the cells are that it moves. A programme over the unknowns of one place (a commune) and
of a few partners, and over those about no single place, finds such moves for many cells at once; all else stays
where it is, so that what it proves holds for a reader who doesn't know all else.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csc_array, csr_array, hstack, identity, vstack

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

TOLERANCE = 1e-6
_PHASES = ((4, False), (8, False), (16, False), (16, True))
"""How many partners at first, and for what is still in doubt; at last whether each cell gets a programme of its own."""

_FEW = 400
_ROUNDS = 9
_IDLE = 3
_WAVE = 8
_AT_A_TIME = 2
_FAR = 1e5


def signs_of(number: int, count: int, random: np.random.Generator) -> Floats:
    """The directions of a round: all up, all down, then at random."""
    if number < 2:
        return np.full(count, 1.0 - 2.0 * number)
    return random.choice([-1.0, 1.0], count)


@dataclass(slots=True)
class Proof:
    """What moves prove of each unknown.

    Attributes:
        up, down: how far it can rise and fall from the table at hand, at least.
        owed: width of its interval, 0 where nothing is owed.
    """

    up: Floats
    down: Floats
    owed: Floats

    @property
    def narrow(self) -> Flags:
        """Unknowns not known to have the interval that they are owed."""
        flags: Flags = self.up + self.down < self.owed - TOLERANCE
        return flags


@dataclass(frozen=True, slots=True)
class Local:
    """Equations, and a table that fits them.

    Attributes:
        matrix: one row an equation, one column a quantity.
        low, high: of the sum of each row.
        values: the table at hand, one a quantity.
        lower, upper: of each quantity.
        places: of each quantity, the number of its place; 0 for those about no single one.
        across: rows that go over several places.
    """

    matrix: csc_array
    low: Floats
    high: Floats
    values: Floats
    lower: Floats
    upper: Floats
    places: Indices
    across: csr_array

    @classmethod
    def of(
        cls,
        matrix: csr_array,
        low: Floats,
        high: Floats,
        values: Floats,
        lower: Floats,
        upper: Floats,
        places: Indices,
    ) -> Local:
        """From equations as they are."""
        sums = matrix @ values
        entries = matrix.tocoo()
        here = places[entries.col]
        named = here > 0
        least = np.full(matrix.shape[0], np.iinfo(np.intp).max)
        most = np.zeros(matrix.shape[0], np.intp)
        np.minimum.at(least, entries.row[named], here[named])
        np.maximum.at(most, entries.row[named], here[named])
        across = matrix[np.flatnonzero(most > least)]
        slack = TOLERANCE * (1 + np.abs(sums))
        low, high = np.minimum(low - sums, 0.0), np.maximum(high - sums, 0.0)
        low, high = np.where(low > -slack, 0.0, low), np.where(high < slack, 0.0, high)
        return cls(csc_array(matrix), low, high, values, lower, upper, places, csr_array(across))

    def prove(self, free: Flags, proof: Proof, places: Sequence[int] | None = None) -> int:
        """Widens a proof as far as local programmes can; how many were solved.

        Args:
            free: quantities that aren't shown.
            proof: what is known already; it is written into.
            places: those that are looked at; null for all with something in doubt.
        """
        solved = 0
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            for many, single in _PHASES:
                doubtful = np.flatnonzero(proof.narrow & free)
                if not len(doubtful) or (single and len(doubtful) > _FEW):
                    break
                here = np.unique(self.places[doubtful]).tolist()
                here = here if places is None else [place for place in here if place in places]
                for start in range(0, len(here), _WAVE):
                    wave = here[start : start + _WAVE]
                    for found in pool.map(
                        self._attack, wave, repeat(free), repeat(proof), repeat(many), repeat(single)
                    ):
                        solved += found.solved
                        proof.up[found.columns] = np.maximum(proof.up[found.columns], found.up)
                        proof.down[found.columns] = np.maximum(proof.down[found.columns], found.down)
        return solved

    def _attack(self, place: int, free: Flags, proof: Proof, many: int, single: bool) -> _Found:
        own = free & (self.places == place)
        partners = self._partners(own, free, proof, place, many)
        columns = np.flatnonzero(free & np.isin(self.places, [0, place, *partners]))
        found = _Found(columns, proof.up[columns], proof.down[columns])
        owed = np.where(own[columns], proof.owed[columns], 0.0)
        programme = _Programme.of(self, columns)
        if single:
            for at in np.flatnonzero(found.narrow(owed)):
                for sign in (1.0, -1.0):
                    if found.narrow(owed)[at]:
                        found.move(programme, np.array([at]), np.array([sign]), owed)
            return found
        idle, random = 0, np.random.default_rng(place)
        for number in range(_ROUNDS):
            targets = np.flatnonzero(found.narrow(owed))
            if not len(targets) or idle > _IDLE:
                break
            found.move(programme, targets, signs_of(number, len(targets), random), owed)
            idle = idle + 1 if int(found.narrow(owed).sum()) == len(targets) else 0
        return found

    def _partners(self, own: Flags, free: Flags, proof: Proof, place: int, many: int) -> list[int]:
        """Places that can give most of what a place is owed, each for what those before it leave open."""
        if not self.across.shape[0]:
            return []
        narrow = own & proof.narrow
        demand = self.across @ np.where(narrow, proof.owed, np.where(own, 0.01, 0.0))
        rows = np.flatnonzero(np.abs(demand) > 0)
        part = self.across[rows].tocoo()
        use = free[part.col] & (self.places[part.col] > 0)
        supply = np.zeros((int(self.places.max(initial=0)) + 1, len(rows)))
        amount = np.minimum(self.values[part.col[use]] + 0.5, 1 + proof.owed.max(initial=0.0))
        np.add.at(supply, (self.places[part.col[use]], part.row[use]), amount)
        open_needs, barred, found = np.abs(demand[rows]), np.zeros(len(supply), np.bool_), [0, place]
        barred[found] = True
        while len(found) < many + 2 and not barred.all():
            score = np.minimum(supply, open_needs).sum(axis=1) + 1e-4 * supply.sum(axis=1)
            score[barred] = -1.0
            best = int(score.argmax())
            barred[best] = True
            found.append(best)
            open_needs = np.maximum(0.0, open_needs - supply[best] / 2)
        return found[2:]


@dataclass(slots=True)
class _Found:
    """What programmes over some unknowns proved of them."""

    columns: Indices
    up: Floats
    down: Floats
    solved: int = 0

    def narrow(self, owed: Floats) -> Flags:
        """Those not known to be wide enough."""
        flags: Flags = self.up + self.down < owed - TOLERANCE
        return flags

    def move(self, programme: _Programme, targets: Indices, signs: Floats, owed: Floats) -> None:
        """Moves some together, each in its direction as far as it is still owed."""
        most = owed[targets] - np.where(signs > 0, self.down[targets], self.up[targets])
        moved = programme.solve(targets, signs, most)
        self.solved += 1
        if moved is not None:
            self.up, self.down = np.maximum(self.up, moved), np.maximum(self.down, -moved)


@dataclass(frozen=True, slots=True)
class _Programme:
    """Moves of some unknowns that keep all equations."""

    equal: csr_array
    below: csr_array
    limit: Floats
    least: Floats
    most: Floats

    @classmethod
    def of(cls, local: Local, columns: Indices) -> _Programme:
        matrix = csr_array(local.matrix[:, columns])
        rows = np.flatnonzero(np.diff(matrix.indptr) > 0)
        matrix, low, high = matrix[rows], local.low[rows], local.high[rows]
        equal = (low == 0) & (high == 0)
        above = ~equal & np.isfinite(high)
        beneath = ~equal & np.isfinite(low)
        return cls(
            matrix[np.flatnonzero(equal)],
            csr_array(vstack([matrix[np.flatnonzero(above)], -matrix[np.flatnonzero(beneath)]])),
            np.concatenate([high[above], -low[beneath]]),
            np.maximum(local.lower[columns] - local.values[columns], -_FAR),
            np.minimum(local.upper[columns] - local.values[columns], _FAR),
        )

    def solve(self, targets: Indices, signs: Floats, most: Floats) -> Floats | None:
        """The move that takes the targets farthest, summed over them, none farther than asked.

        Where all go the same way none may go the other, since some of them often make up a sum.
        """
        size, count = len(self.least), len(targets)
        aim = csr_array((-signs, (np.arange(count), targets)), shape=(count, size))
        below = [hstack([self.below, csr_array((self.below.shape[0], count))]), hstack([aim, identity(count)])]
        back = np.zeros(count) if np.ptp(signs) == 0 else np.full(count, -np.inf)
        bounds = np.column_stack([np.append(self.least, back), np.append(self.most, most)])
        result = linprog(
            np.concatenate([np.zeros(size), -np.ones(count)]),
            A_ub=csr_array(vstack(below)),
            b_ub=np.append(self.limit, np.zeros(count)),
            A_eq=csr_array(hstack([self.equal, csr_array((self.equal.shape[0], count))])),
            b_eq=np.zeros(self.equal.shape[0]),
            bounds=bounds,
            method="highs",
        )
        return None if result.x is None else np.asarray(result.x[:size], np.float64)
