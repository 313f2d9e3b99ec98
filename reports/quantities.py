"""The numbers behind the cells of all tables of a release, and the sums that tie them together.

A cell tells of a base and of the rows behind its figure. Both are quantities: so many rows of one table, of one
universe, whose answer is known, that have something in common, in one domain. Two indicators that count the same rows
tell of the same quantity, and what one of them shows the other can't hide: that is how tables are linked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.estimates import TOTAL
from schemas.workbook import Indicator, Specs

Key = tuple[str, ...]
"""table, universe, denominator, what the rows have in common, then the parts of the domain in order."""

Nested = Sequence[tuple[str, str]]
"""Breakdowns of which one divides the other: the codes of the first begin with those of the second, as communes do with
their regions."""

_HEAD: Final = 4
OTHER: Final = "other"
"""Category of what no list names: it needn't be the same in two lists."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an indicator counts, as far as it tells which quantities it shares with others.

    Attributes:
        kind: count, share, mean, ratio or distribution.
        table, universe, denominator, numerator, value: as in the workbook, "" for none.
        same_as: breakdown whose groups are the categories of this distribution, "" for none.
    """

    kind: str
    table: str = ""
    universe: str = ""
    denominator: str = ""
    numerator: str = ""
    value: str = ""
    same_as: str = ""

    def base(self) -> Key:
        """The rows of the denominator."""
        if self.kind in {"mean", "quantile", "ratio", "distribution"}:
            return self.table, self.universe, self.denominator, f"known:{self.value}{self.numerator}"
        if self.kind == "count":
            return self.table, self.universe, self.denominator, self.numerator
        return self.table, self.universe, self.denominator, ""

    def rows(self, category: str, parts: Key = ()) -> Key | None:
        """The rows behind the figure in a domain of such parts; null where they are the base."""
        own = self._rows(category, parts)
        return None if own is None else own[:_HEAD] + tuple(sorted(own[_HEAD:] + parts))

    def _rows(self, category: str, parts: Key) -> Key | None:
        if self.kind == "distribution":
            crossed = any(part.partition("=")[0] == self.same_as for part in parts)
            if self.same_as and category != OTHER and not crossed:
                return self.table, self.universe, self.denominator, "", f"{self.same_as}={category}"
            return self.table, self.universe, self.denominator, f"is:{self.value}={category}"
        if self.kind == "share":
            return self.table, self.universe, self.denominator, self.numerator or "share"
        if self.kind == "ratio":
            return self.table, self.universe, self.denominator, f"nonzero:{self.numerator}"
        return None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands."""

    indicator: str
    domain: str
    category: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Quantities that add up to another, but for those that are in none of them.

    Attributes:
        members, whole: positions of the quantities.
        is_across: categories of a distribution; else the domains of a breakdown.
    """

    members: tuple[int, ...]
    whole: int
    is_across: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """The quantities behind cells.

    Attributes:
        keys: of each quantity.
        base, rows: of each cell, the positions of its quantities; rows is the base where they are the same.
        sums: what adds up.
    """

    keys: tuple[Key, ...]
    base: tuple[int, ...]
    rows: tuple[int, ...]
    sums: tuple[Sum, ...]


def meanings_of(specs: Specs) -> dict[str, Meaning]:
    """Name -> meaning of a workbook's indicators."""
    return {
        each.name: Meaning(
            each.kind,
            each.table,
            tidy(each.universe),
            tidy(each.denominator),
            tidy(each.numerator),
            tidy(each.value),
            _same_as(specs, each),
        )
        for each in specs.indicators
    }


def _same_as(specs: Specs, indicator: Indicator) -> str:
    """The breakdown by which an indicator's rows are grouped in its own categories."""
    if indicator.kind != "distribution":
        return ""
    found = (
        each.name
        for each in specs.breakdowns
        if (each.table or indicator.table) == indicator.table and tidy(each.value) == tidy(indicator.value)
    )
    return next(found, "")


def tidy(expression: str | None) -> str:
    """An expression whose spaces don't matter.

    >>> tidy(" ${age}  > 5 ")
    '${age} > 5'
    """
    return " ".join((expression or "").split())


def parts_of(domain: str) -> Key:
    """The conditions of a domain, in order; none for everybody.

    >>> parts_of("sex=male & country=604")
    ('country=604', 'sex=male')
    """
    return () if domain == TOTAL else tuple(sorted(part.strip() for part in domain.split("&")))


def domain_of(key: Key) -> Key:
    """The parts of a quantity's domain."""
    return key[_HEAD:]


def lay_out(
    places: Sequence[Place], meanings: Mapping[str, Meaning], kinds: Mapping[str, str], nested: Nested = ()
) -> Layout:
    """Find the quantities of a release's cells.

    Args:
        places: of all cells.
        meanings: of the indicators that are known.
        kinds: of the others: count, share, mean or distribution. They are linked with nothing.
        nested: see `Nested`.
    """
    known = {name: meanings.get(name) or Meaning(kind, name) for name, kind in kinds.items()}
    position: dict[Key, int] = {}
    base: list[int] = []
    rows: list[int] = []
    across: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place in places:
        meaning, parts = known[place.indicator], parts_of(place.domain)
        base.append(position.setdefault(meaning.base() + parts, len(position)))
        own = meaning.rows(place.category, parts)
        rows.append(base[-1] if own is None else position.setdefault(own, len(position)))
        if place.category:
            across[place.indicator, place.domain].append(len(base) - 1)
    sums = [Sum(tuple(rows[at] for at in cells), base[cells[0]], True) for cells in across.values()]
    sums += [*_down(position), *_inside(position, nested)]
    return Layout(tuple(position), tuple(base), tuple(rows), tuple(dict.fromkeys(sums)))


def _down(position: Mapping[Key, int]) -> list[Sum]:
    """The sums over breakdowns, also those of crossings."""
    members: dict[tuple[Key, str], list[int]] = defaultdict(list)
    for key, at in position.items():
        head, parts = key[:_HEAD], key[_HEAD:]
        for part in parts:
            parent = head + tuple(other for other in parts if other != part)
            if parent in position:
                members[parent, part.partition("=")[0]].append(at)
    return [Sum(tuple(found), position[parent], False) for (parent, _), found in members.items()]


def _inside(position: Mapping[Key, int], nested: Nested) -> list[Sum]:
    """The sums over the groups of a breakdown that lie within one group of another."""
    found: list[Sum] = []
    for inner, outer in nested:
        codes = {part.partition("=")[2] for key in position for part in domain_of(key) if part.startswith(f"{outer}=")}
        members: dict[Key, list[int]] = defaultdict(list)
        for key, at in position.items():
            head, parts = key[:_HEAD], domain_of(key)
            own = next((part for part in parts if part.startswith(f"{inner}=")), "")
            if not own or any(part.startswith(f"{outer}=") for part in parts):
                continue
            code = max((code for code in codes if own.partition("=")[2].startswith(code)), key=len, default="")
            whole = head + tuple(sorted((*(part for part in parts if part != own), f"{outer}={code}")))
            if code and whole in position:
                members[whole].append(at)
        found += [Sum(tuple(within), position[whole], False) for whole, within in members.items()]
    return found


def places_of(layout: Layout) -> tuple[list[str], list[int]]:
    """Which of many places each quantity is about, and what it is there.

    The places are the codes of the breakdown that has most of them, communes for instance.

    Returns:
        Of each quantity the code, "" if it is about all places; a number that it shares with the same one elsewhere.
    """
    codes: dict[str, set[str]] = {}
    told = [[part.partition("=") for part in domain_of(key)] for key in layout.keys]
    for parts in told:
        for name, _, code in parts:
            codes.setdefault(name, set()).add(code)
    finest = max(codes, key=lambda name: len(codes[name]), default="")
    places = [next((code for name, _, code in parts if name == finest), "") for parts in told]
    numbers: dict[Key, int] = {}
    kinds = [
        numbers.setdefault(tuple(part for part in key if part != f"{finest}={place}"), len(numbers))
        for key, place in zip(layout.keys, places, strict=True)
    ]
    return places, kinds
