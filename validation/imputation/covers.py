"""The smallest set of answers that meets every edit that is broken: a weighted set-covering problem."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_matrix

from validation.imputation.interviews import Cell

SALTS = 8
"""Among covers of the same weight one is drawn; so many draws are kept apart."""
_SPREAD = 0.004
"""What draws may add to the weight of a cover: less than the least difference of two weights, 0.01."""


class Covers:
    """Finds least covers, and remembers them.

    Args:
        seed: of the draws among covers of one weight.
        weights: column -> weight of changing its answer, where it isn't 1; in hundredths.
    """

    def __init__(self, seed: str, weights: Mapping[tuple[str, str], float]) -> None:
        self._seed = seed
        self._weights = weights
        self._found: dict[tuple[frozenset[frozenset[Cell]], int], frozenset[Cell] | None] = {}
        self.solved = 0

    def weight(self, cells: Collection[Cell]) -> float:
        """What changing these answers takes."""
        return sum(self._weights.get((table, column), 1.0) for table, _, column in cells)

    def find(self, cuts: Collection[frozenset[Cell]], salt: int = 0) -> frozenset[Cell] | None:
        """The lightest set with an answer of each cut; null if a cut is empty.

        Args:
            cuts: of each at least one answer is in the set.
            salt: which of several lightest sets.
        """
        if any(not cut for cut in cuts):
            return None
        forced = frozenset(cell for cut in cuts if len(cut) == 1 for cell in cut)
        rest = _smallest(cut for cut in cuts if not cut & forced)
        if not rest:
            return forced
        key = (rest, salt % SALTS)
        if key not in self._found:
            self._found[key] = self._solve(*key)
        found = self._found[key]
        return None if found is None else forced | found

    def _solve(self, cuts: frozenset[frozenset[Cell]], salt: int) -> frozenset[Cell] | None:
        self.solved += 1
        cells = sorted(frozenset().union(*cuts))
        numbers = {cell: number for number, cell in enumerate(cells)}
        matrix = lil_matrix((len(cuts), len(cells)))
        for row, cut in enumerate(sorted(map(sorted, cuts))):
            for cell in cut:
                matrix[row, numbers[cell]] = 1
        draws = np.array([_draw(self._seed, salt, cell) for cell in cells]) * _SPREAD / len(cells)
        weights = np.array([self.weight([cell]) for cell in cells]) + draws
        solved = milp(
            weights,
            constraints=LinearConstraint(matrix.tocsr(), lb=1),
            integrality=np.ones(len(cells)),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": 0.0, "time_limit": 10.0},
        )
        if not solved.success:
            return None
        return frozenset(cell for cell, share in zip(cells, solved.x, strict=True) if share > 0.5)


def _smallest(cuts: Iterable[frozenset[Cell]]) -> frozenset[frozenset[Cell]]:
    """Without the cuts that hold another one."""
    kept: list[frozenset[Cell]] = []
    for cut in sorted(set(cuts), key=len):
        if not any(other <= cut for other in kept):
            kept.append(cut)
    return frozenset(kept)


def _draw(seed: str, salt: int, cell: Cell) -> float:
    """A number from 0 to 1 that only depends on what is given."""
    digest = hashlib.blake2b(f"{seed}|{salt}|{cell}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
