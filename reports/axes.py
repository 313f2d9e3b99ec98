"""Dimensions of a large table with its sums, and the ways on which counts can move along them without a sum changing.

Along one dimension a sum stays as it is if what is added to one code is taken from another of the same sum; or if it is
added to all sums above the code as well. A code, the codes above it, and a partner with those above it make a path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Path:
    """Codes that move together: those of `plus` one way, those of `minus` the other."""

    plus: tuple[int, ...]
    minus: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """A sum under which paths from some leaves turn down again.

    Attributes:
        leaves: below it, by their place among all leaves.
        branch: of each of these, the number of the code just below the sum that it comes from.
        branches: how many there are.
        below: of each of these, the codes on the way up to the sum, the leaf first.
    """

    leaves: Indices
    branch: Indices
    branches: int
    below: tuple[Indices, ...]


@dataclass(frozen=True)
class Axis:
    """A dimension's codes as a tree of sums.

    Attributes:
        parents: of each code, the position of the sum that it is part of; -1 for the sum of all.
    """

    parents: tuple[int, ...]

    @classmethod
    def flat(cls, leaves: int) -> Axis:
        """So many codes, and their sum at the end."""
        return cls((*[leaves] * leaves, -1))

    @classmethod
    def nested(cls, groups: Sequence[str]) -> Axis:
        """Codes that are told with the group of each, such as communes with their regions.

        After the codes stand the groups in order of first mention, then the sum of all.
        """
        names = list(dict.fromkeys(groups))
        count, top = len(groups), len(groups) + len(names)
        return cls((*(count + names.index(name) for name in groups), *[top] * len(names), -1))

    @cached_property
    def children(self) -> Mapping[int, tuple[int, ...]]:
        """Sum -> what it is the sum of."""
        found: dict[int, list[int]] = {}
        for code, parent in enumerate(self.parents):
            if parent >= 0:
                found.setdefault(parent, []).append(code)
        return {parent: tuple(codes) for parent, codes in found.items()}

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """Codes that are no sum."""
        return tuple(code for code in range(len(self.parents)) if code not in self.children)

    @cached_property
    def top(self) -> int:
        """The sum of all."""
        return self.parents.index(-1)

    @cached_property
    def chains(self) -> Mapping[int, tuple[int, ...]]:
        """Leaf -> itself and the sums above it, in order."""
        return {leaf: self._above(leaf) for leaf in self.leaves}

    def _above(self, code: int) -> tuple[int, ...]:
        found = [code]
        while self.parents[found[-1]] >= 0:
            found.append(self.parents[found[-1]])
        return tuple(found)

    def path(self, leaf: int, partner: int | None) -> Path:
        """Between two leaves; without a partner to the sum of all, which moves with it."""
        chain = self.chains[leaf]
        if partner is None:
            return Path(chain, ())
        other = self.chains[partner]
        return Path(tuple(c for c in chain if c not in other), tuple(c for c in other if c not in chain))

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """All of them, each once."""
        leaves = self.leaves
        pairs = [self.path(a, b) for at, a in enumerate(leaves) for b in leaves[at + 1 :]]
        return (*pairs, *(self.path(leaf, None) for leaf in leaves))

    @cached_property
    def forks(self) -> tuple[Fork, ...]:
        """All sums of more than one code, those just above the leaves first."""
        found = []
        for parent, codes in sorted(self.children.items(), key=lambda each: self._height(each[0])):
            own = [at for at, leaf in enumerate(self.leaves) if parent in self.chains[leaf]]
            ways = [self.chains[self.leaves[at]] for at in own]
            ways = [way[: way.index(parent)] for way in ways]
            branch = np.array([codes.index(way[-1]) for way in ways], np.intp)
            below = tuple(
                np.array([way[min(height, len(way) - 1)] for way in ways], np.intp)
                for height in range(max(len(way) for way in ways))
            )
            found.append(Fork(np.array(own, np.intp), branch, len(codes), below))
        return tuple(found)

    @cached_property
    def chains_to_top(self) -> tuple[Indices, ...]:
        """Chains of the same length together, one a column."""
        lengths = dict.fromkeys(len(chain) for chain in self.chains.values())
        return tuple(
            np.array([chain for chain in self.chains.values() if len(chain) == length], np.intp).T for length in lengths
        )

    def _height(self, code: int) -> int:
        return max((self._height(child) for child in self.children.get(code, ())), default=-1) + 1

    def through(self, code: int, most: int) -> list[Path]:
        """Paths on which a code moves up; of a sum, over at most so many of the leaves below it."""
        below = [leaf for leaf in self.leaves if code in self.chains[leaf]]
        found: dict[Path, None] = {}
        for leaf in below[:most]:
            for other in self.leaves:
                if other not in below:
                    found[self.path(leaf, other)] = None
            found[self.path(leaf, None)] = None
        return list(found)

    def sum_up(self, counts: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
        """Counts of the leaves along one axis of an array, with all sums."""
        values = np.moveaxis(counts, axis, 0)
        full = np.zeros((len(self.parents), *values.shape[1:]), values.dtype)
        for at, leaf in enumerate(self.leaves):
            for code in self.chains[leaf]:
                full[code] += values[at]
        return np.moveaxis(full, 0, axis)
