"""Which cells to hide beside the small ones: the least information lost, under an attack on all equations.

A pattern is sought by two programmes in turn (Fischetti and Salazar-Gonzalez 2000, JASA 95). The master chooses cells
at the least cost under all conditions found so far; the attacker, a linear programme over the true values, looks for
the interval of each quantity that is owed protection. Where one is too narrow, the attacker's dual solution says which
cells would widen it: one more condition for the master. Blocks of tables without anything in common are solved apart. A
block that is too large, or whose master gives up, is covered greedily: the cheapest cells for each condition.

Nothing here looks at a clock: the same tables give the same pattern on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from reports.large_blocks import cover_large
from reports.ties import Block, Floats, Need, Tables, Tie, split_blocks

TOLERANCE = 1e-6
LARGEST_BLOCK = 400
"""Cells of a block that is solved to the optimum; larger ones are attacked place by place (see `large_blocks`)."""

_NODES = 200
_ROUNDS = 60
_GAP = 0.02


@dataclass(frozen=True, slots=True)
class _Cut:
    """A condition: sum of weight times hidden quantity >= least."""

    quantities: NDArray[np.intp]
    weights: Floats
    least: float


def choose_cells(tables: Tables, hidden: frozenset[int]) -> frozenset[int]:
    """All cells to hide: those of `hidden`, and others that protect them.

    Args:
        tables: everything that is published together.
        hidden: the cells that must be hidden for themselves.
    """
    chosen: set[int] = set(hidden)
    for block in split_blocks(tables):
        if len(block.cells) > LARGEST_BLOCK:
            chosen |= cover_large(tables, block, hidden)
        else:
            chosen |= _Block(tables, block, hidden).solve()
    return frozenset(chosen)


@dataclass(slots=True)
class _Attack:
    """The attacker's programme over one block: matrices once, bounds for each pattern."""

    equal: csr_array
    bound: csr_array
    values: Floats
    low: Floats
    high: Floats

    def solve(self, at: int, sign: float, hidden: NDArray[np.bool_]) -> tuple[Floats, Floats] | None:
        """Least (sign 1) or greatest (-1) value of a quantity: a table that attains it, and weights of a cut."""
        target = np.zeros(len(self.values))
        target[at] = sign
        low = np.where(hidden, self.low, self.values)
        high = np.where(hidden, self.high, self.values)
        result = linprog(
            target,
            A_ub=self.bound if self.bound.shape[0] else None,
            b_ub=np.zeros(self.bound.shape[0]) if self.bound.shape[0] else None,
            A_eq=self.equal if self.equal.shape[0] else None,
            b_eq=np.zeros(self.equal.shape[0]) if self.equal.shape[0] else None,
            bounds=np.column_stack([low, high]),
            method="highs",
        )
        if result.x is None:
            return None
        down, up = self.values - self.low, self.high - self.values
        weights = result.lower.marginals * down - result.upper.marginals * up
        return result.x, np.maximum(weights, 0.0)


class _Block:
    """One block of tables: its cells and quantities under numbers of their own.

    Args:
        block: its cells, in order.
        primary: cells that are hidden for themselves.
    """

    def __init__(self, tables: Tables, block: Block, primary: frozenset[int]) -> None:
        self.cells, quantities, ties = block.cells, block.quantities, block.ties
        self.number = {quantity: index for index, quantity in enumerate(quantities)}
        self.values = tables.values[quantities]
        self.tells = [tuple(self.number[quantity] for quantity in tables.tells[cell]) for cell in self.cells]
        self.cost = tables.cost[self.cells]
        self.primary = np.array([cell in primary for cell in self.cells])
        self.owed = {self.number[quantity]: width for quantity, width in tables.owed.items() if quantity in self.number}
        self.secret = np.array([quantity in tables.secret for quantity in quantities])
        self.tellers = _tellers(self.tells, len(quantities))
        self.secret |= np.array([not tellers for tellers in self.tellers], np.bool_)
        self.attack = self._attack(ties, tables.known)
        needs = (*(need for group in block.groups for need in group.needs()), *block.needs)
        self.cuts = [cut for need in needs if (cut := self._need(need)) is not None]

    def solve(self) -> set[int]:
        """The cells to hide."""
        if not self.primary.any() and not any(cut.least > TOLERANCE for cut in self.cuts):
            return set()
        chosen = self.primary.copy()
        exact = True
        for number in range(_ROUNDS):
            exact = exact and number < _ROUNDS // 2
            found = self._master() if exact else None
            chosen = self._cover(chosen if not exact else self.primary.copy()) if found is None else found
            violated = self._attack_all(self._hidden(chosen))
            if not violated:
                return {self.cells[index] for index in np.flatnonzero(chosen)}
            self.cuts += violated
        return {self.cells[index] for index in range(len(self.cells))}

    def _hidden(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Quantities that no shown cell tells of."""
        shown = np.zeros(len(self.values), np.bool_)
        for index in np.flatnonzero(~chosen):
            shown[list(self.tells[index])] = True
        return ~shown

    def _master(self) -> NDArray[np.bool_] | None:
        """The cheapest pattern under all conditions so far; null when it isn't found in a bounded search."""
        count, size = len(self.cells), len(self.values)
        rows: list[tuple[Sequence[int], Sequence[float], float]] = []
        for quantity, tellers in enumerate(self.tellers):
            rows += [((count + quantity, cell), (-1.0, 1.0), 0.0) for cell in tellers]
            if tellers:  # hidden as soon as all that tell of it are
                rows.append(((count + quantity, *tellers), (1.0, *(-1.0 for _ in tellers)), 1.0 - len(tellers)))
        for cut in self.cuts:
            rows.append(((cut.quantities + count).tolist(), cut.weights.tolist(), cut.least))
        matrix = _sparse([(columns, factors) for columns, factors, _ in rows], count + size)
        least = np.array([low for _, _, low in rows])
        low = np.concatenate([self.primary.astype(float), self.secret.astype(float)])
        tie_break = 1e-6 * np.arange(count) / max(count, 1)
        result = milp(
            np.concatenate([self.cost + tie_break, np.zeros(size)]),
            constraints=LinearConstraint(matrix, least - 1e-9, np.inf),
            bounds=Bounds(low, np.ones(count + size)),
            integrality=np.concatenate([np.ones(count), np.zeros(size)]),
            options={"node_limit": _NODES, "mip_rel_gap": _GAP},
        )
        if result.x is None:
            return None
        chosen: NDArray[np.bool_] = result.x[:count] > 0.5
        return chosen

    def _cover(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Hides the cheapest cells for each condition in turn, until all hold."""
        chosen = chosen.copy()
        changed = True
        while changed:
            changed = False
            hidden = self._hidden(chosen)
            for cut in self.cuts:
                reached = float(cut.weights[hidden[cut.quantities]].sum())
                if reached >= cut.least - TOLERANCE:
                    continue
                changed = self._cover_one(cut, chosen, reached) or changed
                hidden = self._hidden(chosen)
        return chosen

    def _cover_one(self, cut: _Cut, chosen: NDArray[np.bool_], reached: float) -> bool:
        """Hides quantities of one condition, the cheapest for what it weighs first; whether anything was hidden."""
        offers = []
        for quantity, weight in zip(cut.quantities.tolist(), cut.weights.tolist(), strict=True):
            price = sum(float(self.cost[cell]) for cell in self.tellers[quantity] if not chosen[cell])
            if weight > TOLERANCE and price > 0:
                offers.append((price / min(weight, cut.least - reached), quantity, weight))
        any_hidden = False
        for _, quantity, weight in sorted(offers):
            if reached >= cut.least - TOLERANCE:
                break
            chosen[self.tellers[quantity]] = True
            reached += weight
            any_hidden = True
        return any_hidden

    def _attack_all(self, hidden: NDArray[np.bool_]) -> list[_Cut]:
        """Conditions that this pattern breaks. Each table found shows how wide other intervals are at least."""
        low, high = self.values.copy(), self.values.copy()
        cuts = []
        for at, width in self.owed.items():
            if not hidden[at] or high[at] - low[at] >= width - TOLERANCE:
                continue
            weights, reached = np.zeros(len(self.values)), 0.0
            for sign in (1.0, -1.0):
                found = self.attack.solve(at, sign, hidden)
                if found is None:
                    continue
                low, high = np.minimum(low, found[0]), np.maximum(high, found[0])
                weights += found[1]
                reached += abs(float(found[0][at] - self.values[at]))
            if reached < width - TOLERANCE:
                cuts.append(self._cut(weights, width - reached, hidden, width))
        return [cut for cut in cuts if len(cut.quantities)]

    def _cut(self, weights: Floats, short: float, hidden: NDArray[np.bool_], width: float) -> _Cut:
        least = min(short + float(weights[hidden & ~self.secret].sum()), width)
        use = np.flatnonzero((weights > TOLERANCE) & ~self.secret)
        return _Cut(use, np.minimum(weights[use], least), least)

    def _need(self, need: Need) -> _Cut | None:
        if any(quantity not in self.number for quantity in need.quantities):
            return None
        least, parts = need.least, dict(zip(need.quantities, need.amounts, strict=True))
        pairs = {self.number[quantity]: min(amount, least) for quantity, amount in parts.items() if amount > 0}
        least -= sum(amount for quantity, amount in pairs.items() if self.secret[quantity])
        pairs = {quantity: amount for quantity, amount in pairs.items() if not self.secret[quantity]}
        if need.of is None:
            return None if least <= 0 else _Cut(np.array(list(pairs), np.intp), np.array(list(pairs.values())), least)
        own = self.number[need.of]
        if self.secret[own]:
            return _Cut(np.array(list(pairs), np.intp), np.array(list(pairs.values())), least) if least > 0 else None
        if least <= 0:
            return None
        pairs[own] = pairs.get(own, 0.0) - least
        return _Cut(np.array(list(pairs), np.intp), np.array(list(pairs.values())), 0.0)

    def _attack(self, ties: Sequence[Tie], known: Mapping[int, tuple[float, float]]) -> _Attack:
        def rows(bound: bool) -> csr_array:
            picked = [tie for tie in ties if tie.is_bound is bound]
            numbered = [([self.number[quantity] for quantity in tie.quantities], tie.factors) for tie in picked]
            return _sparse(numbered, len(self.values))

        low = np.zeros(len(self.values))
        high = self.values + 10.0 + 2 * float(self.values.max(initial=0.0))
        for quantity, (least, most) in known.items():
            if quantity in self.number:
                at = self.number[quantity]
                low[at] = min(max(least, 0.0), self.values[at])
                high[at] = max(min(most, high[at]), self.values[at])
        return _Attack(rows(False), rows(True), self.values, low, high)


def _tellers(tells: Sequence[tuple[int, ...]], size: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(size)]
    for cell, told in enumerate(tells):
        for quantity in dict.fromkeys(told):
            found[quantity].append(cell)
    return found


def _sparse(rows: Sequence[tuple[Sequence[int], Sequence[float]]], width: int) -> csr_array:
    lengths = [len(columns) for columns, _ in rows]
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    columns = np.array([column for columns, _ in rows for column in columns], dtype=np.int64)
    factors = np.array([factor for _, factors in rows for factor in factors], dtype=np.float64)
    return csr_array((factors, columns, pointers), shape=(len(rows), width))
