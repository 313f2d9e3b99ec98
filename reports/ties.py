"""What is published together, as an intruder's equations: quantities, ties, and what is owed to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tie:
    """0 = sum of factor times quantity; with `is_bound`, the sum is at most 0."""

    quantities: tuple[int, ...]
    factors: tuple[float, ...]
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """sum of amount times hidden quantity >= least, if `of` is hidden (always, if it is null).

    Hidden means 1 for a quantity that no shown cell tells of.
    """

    quantities: tuple[int, ...]
    amounts: tuple[float, ...]
    least: float
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """What adds up: DC-02 as conditions that are written out only where they are needed.

    Attributes:
        parts: quantities that make the whole, some of them perhaps secret.
        amounts: what each holds.
        whole: their sum, a quantity; what it holds, if it is another quantity's, doesn't matter.
        threshold: fewest that may be told by difference.
        members: the parts that a table shows; only these can be hidden by choice.
        never_one: never exactly one of parts and whole is hidden.
    """

    parts: tuple[int, ...]
    amounts: tuple[float, ...]
    whole: int
    threshold: int
    members: frozenset[int]
    never_one: bool

    def needs(self) -> Iterator[Need]:
        """All conditions."""
        if self.never_one:
            yield from (self.company(at) for at in self.parts if at in self.members)
            yield Need(self.parts, (1.0,) * len(self.parts), 1.0, self.whole)
        quantities, weights = (*self.parts, self.whole), (*self.amounts, float(self.threshold))
        for at, amount in zip(self.parts, self.amounts, strict=True):
            if amount > 0 and at in self.members:
                yield Need(quantities, weights, float(self.threshold), at)
            elif 0 < amount < self.threshold:
                yield Need(quantities, weights, float(self.threshold))

    def company(self, at: int) -> Need:
        """Another one is hidden if this one is."""
        others = tuple(other for other in (*self.parts, self.whole) if other != at)
        return Need(others, (1.0,) * len(others), 1.0, at)


@dataclass(frozen=True, slots=True)
class Tables:
    """Cells, the quantities that they tell of, and what is owed.

    Attributes:
        values: of each quantity, the true ones.
        tells: of each cell, its quantities.
        cost: of each cell, what is lost when it is hidden.
        secret: quantities that no cell ever tells of.
        ties: equations that an intruder knows.
        needs: conditions on every pattern.
        groups: more of them.
        owed: quantity -> width of its interval, if it is hidden at all.
        known: quantity -> bounds that an intruder has from elsewhere.
        places: of each quantity, which of many places it is about, such as a commune; "" for all of them.
        kinds: of each quantity a number that it has in common with the same one of other places.
    """

    values: Floats
    tells: Sequence[tuple[int, ...]]
    cost: Floats
    secret: frozenset[int]
    ties: Sequence[Tie]
    needs: Sequence[Need]
    owed: Mapping[int, float]
    known: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    groups: Sequence[Group] = ()
    places: Sequence[str] = ()
    kinds: Sequence[int] = ()


@dataclass(slots=True)
class Block:
    """Cells that the quantities they tell of tie together, and what holds of these."""

    cells: list[int] = field(default_factory=list)
    quantities: list[int] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


def split_blocks(tables: Tables) -> list[Block]:
    """Tables in parts that have nothing in common, in the order of their first cells."""
    count = len(tables.values)
    left: list[int] = []
    right: list[int] = []
    for cell, told in enumerate(tables.tells):
        left += [count + cell] * len(told)
        right += told
    for tie in tables.ties:
        left += [tie.quantities[0]] * (len(tie.quantities) - 1)
        right += tie.quantities[1:]
    for group in tables.groups:
        # What is left over of a sum's rest stands in no tie, and belongs where the sum does.
        left += [group.whole] * len(group.parts)
        right += group.parts
    size = count + len(tables.tells)
    graph = csr_array((np.ones(len(left)), (left, right)), shape=(size, size))
    label: list[int] = connected_components(graph, directed=False)[1].tolist()
    found: dict[int, Block] = {}
    for cell in range(len(tables.tells)):
        found.setdefault(label[count + cell], Block()).cells.append(cell)
    for quantity in range(count):
        if label[quantity] in found:
            found[label[quantity]].quantities.append(quantity)
    for tie in tables.ties:
        if label[tie.quantities[0]] in found:
            found[label[tie.quantities[0]]].ties.append(tie)
    for need in tables.needs:
        if need.quantities and label[need.quantities[0]] in found:
            found[label[need.quantities[0]]].needs.append(need)
    for group in tables.groups:
        if label[group.whole] in found:
            found[label[group.whole]].groups.append(group)
    return list(found.values())
