"""Which cells to hide where tables of many places hang together in a block too large for one programme.

DC-02 is covered condition by condition, the cheapest cell first. Then every place is attacked (`local_attack`); a
quantity that stays too narrow gets company: in each sum that it is part of another one, and the same ones in a place
that can trade with it. What all this doesn't help is hidden with the whole place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reports.local_attack import Local, Proof
from reports.ties import Block, Group, Need, Tables

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

_REPAIRS = 8
_ENDLESS = 1e9


def cover_large(tables: Tables, block: Block, primary: frozenset[int]) -> set[int]:
    """The cells of a block to hide."""
    return _Large(tables, block, primary).solve()


class _Sums:
    """The groups of a block, laid out so that all conditions are looked at together."""

    def __init__(self, groups: Sequence[Group], number: dict[int, int]) -> None:
        self.groups = groups
        lengths = np.array([len(group.parts) for group in groups], np.intp)
        self.start = np.concatenate([[0], np.cumsum(lengths)])[:-1].astype(np.intp)
        self.parts = np.array([number[part] for group in groups for part in group.parts], np.intp)
        self.amounts = np.array([amount for group in groups for amount in group.amounts])
        self.members = np.array([part in group.members for group in groups for part in group.parts], np.bool_)
        self.whole = np.array([number[group.whole] for group in groups], np.intp)
        self.threshold = np.array([float(group.threshold) for group in groups])
        self.never_one = np.array([group.never_one for group in groups], np.bool_)
        owner = np.repeat(np.arange(len(groups)), lengths)
        self.small = ~self.members & (self.amounts > 0) & (self.amounts < self.threshold[owner])

    def _add(self, values: NDArray[np.float64] | Flags) -> Floats:
        return np.add.reduceat(values.astype(np.float64), self.start) if len(self.start) else np.zeros(0)

    def broken(self, free: Flags) -> tuple[Indices, Indices]:
        """Groups of which exactly one is hidden, and those whose hidden parts hold too little."""
        hidden = free[self.parts]
        some = self._add(hidden) + free[self.whole]
        alone = self.never_one & (some == 1) & ((self._add(hidden & self.members) > 0) | free[self.whole])
        held = self._add(np.where(hidden, self.amounts, 0.0))
        told = self._add((hidden & self.members & (self.amounts > 0)) | self.small) > 0
        little = ~free[self.whole] & told & (held < self.threshold)
        return np.flatnonzero(alone), np.flatnonzero(little)

    def of(self, group: int) -> tuple[Indices, Floats]:
        """Parts of a group and what they hold."""
        end = int(self.start[group + 1]) if group + 1 < len(self.start) else len(self.parts)
        return self.parts[self.start[group] : end], self.amounts[self.start[group] : end]


class _Large:
    def __init__(self, tables: Tables, block: Block, primary: frozenset[int]) -> None:
        self.cells = block.cells
        number = {quantity: at for at, quantity in enumerate(block.quantities)}
        self.values = tables.values[block.quantities]
        self.cost = tables.cost[block.cells]
        self.told = [tuple(number[quantity] for quantity in dict.fromkeys(tables.tells[cell])) for cell in self.cells]
        self.tellers: list[list[int]] = [[] for _ in number]
        for at, told in enumerate(self.told):
            for quantity in told:
                self.tellers[quantity].append(at)
        self.shown = np.array([len(tellers) for tellers in self.tellers])
        self.chosen = np.zeros(len(self.cells), np.bool_)
        self.owed = np.zeros(len(number))
        for quantity, width in tables.owed.items():
            if quantity in number:
                self.owed[number[quantity]] = width
        names = dict.fromkeys(["", *(tables.places[quantity] for quantity in block.quantities)])
        order = {name: at for at, name in enumerate(names)}
        self.places = np.array([order[tables.places[quantity]] for quantity in block.quantities], np.intp)
        self.kinds = [tables.kinds[quantity] for quantity in block.quantities]
        self.twin = {(kind, place): at for at, (kind, place) in enumerate(zip(self.kinds, self.places, strict=True))}
        self.sums = _Sums(block.groups, number)
        self.groups_of: list[list[int]] = [[] for _ in number]
        for at in range(len(block.groups)):
            for part in {*self.sums.of(at)[0].tolist(), int(self.sums.whole[at])}:
                self.groups_of[part].append(at)
        self.needs = [(need, [number[quantity] for quantity in need.quantities]) for need in block.needs]
        self.number = number
        self.local = self._local(tables, block)
        for at, cell in enumerate(self.cells):
            if cell in primary:
                self._hide_cell(at)

    @property
    def free(self) -> Flags:
        """Quantities that no shown cell tells of."""
        flags: Flags = self.shown == 0
        return flags

    def solve(self) -> set[int]:
        """The cells to hide."""
        self._cover()
        proof = Proof(np.zeros(len(self.values)), np.zeros(len(self.values)), self.owed)
        for number in range(_REPAIRS):
            self.local.prove(self.free, proof)
            narrow = np.flatnonzero(proof.narrow & self.free).tolist()
            if not narrow:
                break
            before = int(self.chosen.sum())
            if number < _REPAIRS - 3:
                for quantity in narrow:
                    self._add_company(quantity)
            if int(self.chosen.sum()) == before:
                for place in {int(self.places[quantity]) for quantity in narrow}:
                    self._hide_place(place)
            self._cover()
        return {self.cells[at] for at in np.flatnonzero(self.chosen)}

    def _local(self, tables: Tables, block: Block) -> Local:
        rows = np.repeat(np.arange(len(block.ties)), [len(tie.quantities) for tie in block.ties])
        columns = np.array([self.number[quantity] for tie in block.ties for quantity in tie.quantities], np.intp)
        factors = np.array([factor for tie in block.ties for factor in tie.factors])
        matrix = csr_array((factors, (rows, columns)), shape=(len(block.ties), len(self.values)))
        low = np.array([-np.inf if tie.is_bound else 0.0 for tie in block.ties])
        lower, upper = np.zeros(len(self.values)), np.full(len(self.values), np.inf)
        for quantity, (least, most) in tables.known.items():
            if quantity in self.number:
                at = self.number[quantity]
                lower[at] = min(max(least, 0.0), self.values[at])
                upper[at] = max(most, self.values[at])
        return Local.of(matrix, low, np.zeros(len(block.ties)), self.values, lower, upper, self.places)

    def _hide_cell(self, at: int) -> None:
        if not self.chosen[at]:
            self.chosen[at] = True
            for quantity in self.told[at]:
                self.shown[quantity] -= 1

    def _hide(self, quantity: int) -> None:
        for at in self.tellers[quantity]:
            self._hide_cell(at)

    def _price(self, quantity: int) -> float:
        return sum(float(self.cost[at]) for at in self.tellers[quantity] if not self.chosen[at])

    def _cheapest(self, quantities: Iterable[int], least: float) -> int | None:
        """The shown quantity that costs least, of those that hold enough, else of those that hold most."""
        offers = [
            (self._price(quantity) / min(1.0, self.values[quantity] / least), quantity)
            for quantity in quantities
            if self.shown[quantity] > 0 and self.values[quantity] > 0
        ]
        return min(offers)[1] if offers else None

    def _cover(self) -> None:
        """DC-02 and DC-06 for all sums."""
        while True:
            alone, little = self.sums.broken(self.free)
            changed = False
            for group in alone.tolist():
                changed = self._cover_one(group, 1.0, enough=False) or changed
            for group in little.tolist():
                changed = self._cover_one(group, float(self.sums.threshold[group]), enough=True) or changed
            for need, quantities in self.needs:
                changed = self._cover_need(need, quantities) or changed
            if not changed:
                return

    def _cover_one(self, group: int, least: float, *, enough: bool) -> bool:
        parts, amounts = self.sums.of(group)
        whole = int(self.sums.whole[group])
        if enough and self.shown[whole] == 0:
            return False
        weights = dict(zip(parts.tolist(), amounts.tolist() if enough else np.ones(len(parts)).tolist(), strict=True))
        weights[whole] = least
        reached = sum(weight for at, weight in weights.items() if self.shown[at] == 0)
        if reached >= (least if enough else 2.0):
            return False
        return self._take(weights, reached, least if enough else 2.0)

    def _cover_need(self, need: Need, quantities: Sequence[int]) -> bool:
        if need.of is not None and self.shown[self.number[need.of]] > 0:
            return False
        weights = dict(zip(quantities, need.amounts, strict=True))
        reached = sum(weight for at, weight in weights.items() if self.shown[at] == 0)
        return reached < need.least and self._take(weights, reached, need.least)

    def _take(self, weights: dict[int, float], reached: float, least: float) -> bool:
        """Hides the cheapest for what they weigh, until they weigh enough; whether anything was hidden."""
        offers = sorted(
            (self._price(at) / min(weight, least - reached), at, weight)
            for at, weight in weights.items()
            if weight > 0 and self.shown[at] > 0
        )
        for _, at, weight in offers:
            if reached >= least:
                break
            self._hide(at)
            reached += weight
        return bool(offers)

    def _add_company(self, quantity: int) -> None:
        """Hides, in each sum, one beside a quantity, and the same ones in a place that can trade with it."""
        least, place = max(1.0, float(self.owed[quantity])), int(self.places[quantity])
        beside: list[int] = []
        twins: list[int] = []
        for group in self.groups_of[quantity]:
            others = [at for at in (*self.sums.of(group)[0].tolist(), int(self.sums.whole[group])) if at != quantity]
            hidden = [at for at in others if self.shown[at] == 0 and self.values[at] >= least]
            if place and any(self.places[at] not in (0, place) for at in others):
                twins += [at for at in others if self.places[at] not in (0, place) and self.values[at] >= least]
            elif hidden:
                beside.append(max(hidden, key=lambda at: self.values[at]))
            elif (found := self._cheapest(others, least)) is not None:
                beside.append(found)
        for at in beside:
            self._hide(at)
        if not twins:
            return
        pattern = [self.kinds[at] for at in (quantity, *beside) if self.places[at] == place and self.tellers[at]]
        twin = min(dict.fromkeys(twins), key=lambda at: (self._pattern_price(pattern, int(self.places[at]), least), at))
        for at in self._pattern(pattern, int(self.places[twin])):
            self._hide(at)

    def _pattern(self, kinds: Sequence[int], place: int) -> list[int]:
        return [self.twin[kind, place] for kind in kinds if (kind, place) in self.twin]

    def _pattern_price(self, kinds: Sequence[int], place: int, least: float) -> float:
        found = self._pattern(kinds, place)
        lacking = len(kinds) - len(found) + sum(bool(self.values[at] < least) for at in found)
        return sum(self._price(at) for at in found) + 100.0 * lacking

    def _hide_place(self, place: int) -> None:
        """Hides all of a place: what is said of it apart from the others."""
        for quantity in np.flatnonzero((self.places == place) & (self.shown > 0)).tolist():
            if place:
                self._hide(quantity)
