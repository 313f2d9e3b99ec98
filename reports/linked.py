"""What is owed to whom in the tables of a release: estimates as quantities, ties, needs and protection.

    DC-01  small cells are hidden;
    DC-02  of what adds up to a shown sum, never exactly one is hidden, and what is hidden holds nobody or enough;
    DC-03  each hidden quantity has an interval of the width that is owed to it, under all ties.

Policy: docs/methods/disclosure.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reports.quantities import Key, Layout, Meaning, Nested, Place, Sum, lay_out, places_of
from reports.rules import DisclosureRules
from reports.ties import Group, Need, Tables, Tie
from schemas.estimates import TOTAL, Estimate

_EVERYBODY = 4.0
"""How much dearer a figure of everybody is than one of a group."""


@dataclass(frozen=True, slots=True)
class LinkedTables:
    """All tables of a release.

    Attributes:
        tables: for the choice of cells.
        layout: which quantity is which.
        incomplete: (indicator, breakdown) whose domains leave somebody out; "" for categories that don't add up.
    """

    tables: Tables
    layout: Layout
    incomplete: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Draft:
    values: list[float]
    secret: set[int] = field(default_factory=set)
    ties: list[Tie] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    owed: dict[int, float] = field(default_factory=dict)

    def add_secret(self, value: float, near: int) -> int:
        """A quantity that no cell tells of, about the place of another one."""
        self.values.append(value)
        self.places.append(self.places[near])
        self.kinds.append(-len(self.values))
        self.secret.add(len(self.values) - 1)
        return len(self.values) - 1


def link_tables(
    cells: Sequence[Estimate],
    meanings: Mapping[str, Meaning],
    rules: DisclosureRules,
    earlier: Mapping[Key, tuple[float, float]] | None = None,
    changed: Iterable[int] = (),
    more: Mapping[int, float] | None = None,
) -> LinkedTables:
    """Tie the estimates of a release together.

    Args:
        cells: all of them.
        meanings: of the indicators, by name; one that isn't there is linked with no other.
        rules: what is small, and what is owed to it.
        earlier: quantity -> least and greatest value that follows from releases that are out.
        changed: cells whose difference from one of these tells of too few.
        more: quantity -> width that is owed to it beyond that, since other releases tell of it.
    """
    threshold, protection = rules.threshold, rules.protection
    layout, values = _lay_out(cells, meanings, rules.nested)
    places, kinds = places_of(layout)
    draft = _Draft(values, places=places, kinds=kinds)
    pairs = dict.fromkeys(zip(layout.base, layout.rows, strict=True))
    for base, rows in pairs:
        _owe(draft, base, rows, threshold, protection)
    rests = _rests(cells, layout)
    incomplete: dict[tuple[str, str], None] = {}
    base_of = {rows: base for base, rows in pairs}
    for each in layout.sums:
        if _add_sum(draft, each, base_of, threshold, protection):
            incomplete |= dict.fromkeys(_names(layout, each, rests.get(each.whole, [])))
    _add_amounts(draft, cells, layout, rules)
    for at in changed:
        for where in (layout.base[at], layout.rows[at]):
            draft.owed[where] = max(draft.owed.get(where, 0.0), float(protection))
    for at, key in enumerate(layout.keys):
        if earlier and key in earlier and at in draft.owed:
            low, high = earlier[key]
            draft.owed[at] = min(draft.owed[at], max(high - low, 0.0))
    for at, width in (more or {}).items():
        draft.owed[at] = max(draft.owed.get(at, 0.0), width)
    tables = Tables(
        values=np.array(draft.values),
        tells=tuple(tuple(dict.fromkeys(pair)) for pair in zip(layout.base, layout.rows, strict=True)),
        cost=np.array([_cost(cell) for cell in cells]),
        secret=frozenset(draft.secret),
        ties=draft.ties,
        needs=draft.needs,
        groups=draft.groups,
        places=draft.places,
        kinds=draft.kinds,
        owed=draft.owed,
        known={at: earlier[key] for at, key in enumerate(layout.keys) if earlier and key in earlier},
    )
    return LinkedTables(tables, layout, tuple(incomplete))


def is_small(rows: float, threshold: int) -> bool:
    """Whether so many rows are somebody, but too few."""
    return 0 < rows < threshold


def _lay_out(cells: Sequence[Estimate], meanings: Mapping[str, Meaning], nested: Nested) -> tuple[Layout, list[float]]:
    """The quantities and their values; an indicator that contradicts another stays by itself."""
    places = [Place(cell.indicator, cell.domain, cell.category) for cell in cells]
    kinds: dict[str, str] = {}
    for cell in cells:
        if cell.category:
            kinds[cell.indicator] = "distribution"
        elif cell.n != cell.cell_n or cell.unit == "percent":
            kinds[cell.indicator] = "share"
        else:
            kinds.setdefault(cell.indicator, "count")
    known = dict(meanings)
    while True:
        everything = {name: known.get(name) or Meaning(kinds[name], f"{name}:") for name in kinds}
        layout = lay_out(places, everything, kinds, nested)
        values: dict[int, float] = {}
        odd: set[str] = set()
        for at, cell in enumerate(cells):
            for where, value in ((layout.base[at], cell.n), (layout.rows[at], cell.cell_n)):
                if values.setdefault(where, float(value)) != value:
                    odd.add(cell.indicator)
        if not odd:
            return layout, [values[at] for at in range(len(layout.keys))]
        if odd.isdisjoint(known):
            kinds |= dict.fromkeys(odd, "share")
        known = {name: meaning for name, meaning in known.items() if name not in odd}


def _owe(draft: _Draft, base: int, rows: int, threshold: int, protection: int) -> None:
    """What a cell's base, its rows and the rest of its base are owed."""
    n, own = draft.values[base], draft.values[rows]
    if is_small(n, threshold):
        draft.owed[base] = protection
    if rows == base:
        return
    draft.ties.append(Tie((rows, base), (1.0, -1.0), is_bound=True))
    if is_small(own, threshold):
        draft.owed[rows] = protection
    elif 0 < own < n:
        draft.owed[rows] = min(1, protection)
    if is_small(n - own, threshold):
        rest = draft.add_secret(n - own, base)
        draft.ties.append(Tie((rows, rest, base), (1.0, 1.0, -1.0)))
        draft.owed[rest] = protection


def _add_sum(draft: _Draft, each: Sum, base_of: Mapping[int, int], threshold: int, protection: int) -> bool:
    """One sum, its ties and needs; whether somebody or something is left out of it."""
    amounts = [draft.values[at] for at in each.members]
    rest = draft.values[each.whole] - sum(amounts)
    if rest < 0:
        return True
    members, whole = each.members, each.whole
    left = [draft.add_secret(rest, each.whole)] if rest else []
    draft.ties.append(Tie((*members, *left, whole), (*(1.0 for _ in (*members, *left)), -1.0)))
    if is_small(rest, threshold):
        draft.owed[left[0]] = protection
    inside = frozenset(members)
    draft.groups.append(
        Group((*members, *left), (*amounts, *([rest] if left else [])), whole, threshold, inside, never_one=True)
    )
    if not each.is_across and all(at in base_of and base_of[at] != at for at in (*members, whole)):
        others_of = [draft.values[base_of[at]] - draft.values[at] for at in members]
        left_over = draft.values[base_of[whole]] - draft.values[whole] - sum(others_of)
        if left_over >= 0:
            extra = [draft.add_secret(left_over, whole)] if left_over else []
            everyone = (*others_of, *([left_over] if extra else []))
            draft.groups.append(Group((*members, *extra), everyone, whole, threshold, inside, never_one=False))
    return rest > 0


def _add_amounts(draft: _Draft, cells: Sequence[Estimate], layout: Layout, rules: DisclosureRules) -> None:
    """DC-06: what is hidden beside a sum that one contributor dominates is large enough to hide that one."""
    amount = {layout.base[at]: cell.parts[0] for at, cell in enumerate(cells) if cell.parts}
    for at, cell in enumerate(cells):
        short = rules.shortfall(cell.parts)
        if short <= 0:
            continue
        own = layout.base[at]
        draft.owed[own] = max(draft.owed.get(own, 0.0), 1.0)
        for each in layout.sums:
            if each.is_across or own not in each.members:
                continue
            others = [(other, amount[other]) for other in each.members if other != own and other in amount]
            quantities = (*(other for other, _ in others), each.whole)
            draft.needs.append(Need(quantities, (*(held for _, held in others), short), short, own))


def _rests(cells: Sequence[Estimate], layout: Layout) -> dict[int, list[str]]:
    """Quantity -> indicators that tell of it."""
    found: dict[int, list[str]] = {}
    for at, cell in enumerate(cells):
        for where in (layout.base[at], layout.rows[at]):
            names = found.setdefault(where, [])
            if cell.indicator not in names:
                names.append(cell.indicator)
    return found


def _names(layout: Layout, each: Sum, indicators: Sequence[str]) -> list[tuple[str, str]]:
    if each.is_across:
        return [(name, "") for name in indicators]
    inside = layout.keys[each.whole]
    part = next(part for part in layout.keys[each.members[0]] if part not in inside)
    return [(name, part.partition("=")[0]) for name in indicators]


def _cost(cell: Estimate) -> float:
    """What a reader loses: more for many people than for few, most for everybody. Nobody protects badly."""
    size = 1 + math.log1p(cell.n) / 4 + math.log1p(cell.cell_n) / 2
    return size * (_EVERYBODY if cell.domain == TOTAL else 1.0) + (2.0 if cell.cell_n == 0 else 0.0)
