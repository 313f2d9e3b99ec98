"""Everything that a reader of one or several releases knows, as one system of equations.

A sum that what is shown refutes is no sum: a breakdown seen to leave somebody out only bounds, the categories of a
question with several answers don't add up. Between two releases a reader takes it that the later one is the earlier
with a few interviews more or less, as far as the figures shown in both bear that out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reports.equations import Equation, System
from reports.published import Published
from reports.quantities import Key, places_of

_HEAD = 4
_GREAT = 0.1
"""Releases of which a figure moved by more than this part of everybody aren't taken as the same people."""


@dataclass(slots=True)
class Knowledge:
    """The system while it is put together: quantities of all releases one after the other."""

    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    softer: dict[int, Equation | None] = field(default_factory=dict)
    """Equation that might not hold -> what is left of it."""

    places: list[str] = field(default_factory=list)
    """Of each quantity, which of many places it is about."""

    def system(self) -> System:
        """The system as it stands."""
        number = {name: at for at, name in enumerate(dict.fromkeys(["", *self.places]))}
        return System(
            np.array(self.lower),
            np.array(self.upper),
            tuple(self.equations),
            np.ones(len(self.lower), np.bool_),
            np.array([number[name] for name in self.places], np.intp),
        )


def add_release(known: Knowledge, release: Published) -> int:
    """Adds a release's quantities and sums; where they start."""
    start, count = len(known.lower), len(release.layout.keys)
    most = 10.0 * (1 + max((cell.n or 0 for cell in release.shown), default=0))
    lower, upper = np.zeros(count), np.full(count, most)
    for at in range(len(release.places)):
        base, rows = release.known(at)
        for bounds, where in ((base, release.layout.base[at]), (rows, release.layout.rows[at])):
            if bounds is not None and bounds[0] <= upper[where] and bounds[1] >= lower[where]:
                lower[where], upper[where] = max(lower[where], bounds[0]), min(upper[where], bounds[1])
    known.lower += lower.tolist()
    known.upper += upper.tolist()
    known.places += places_of(release.layout)[0]
    pairs = dict.fromkeys(
        (rows, base) for rows, base in zip(release.layout.rows, release.layout.base, strict=True) if rows != base
    )
    for part, whole in pairs:
        known.equations.append(Equation((start + part, start + whole), (1.0, -1.0), -most, 0.0))
    _add_sums(known, release, start, lower, upper)
    return start


def _add_sums(known: Knowledge, release: Published, start: int, lower: Iterable[float], upper: Iterable[float]) -> None:
    """Sums that what is shown doesn't refute; a breakdown seen to leave somebody out is no sum but a bound."""
    low, high = np.array(list(lower)), np.array(list(upper))
    keys = release.layout.keys
    open_ended, several = _incomplete(release)
    for each in release.layout.sums:
        members = list(each.members)
        if high[members].sum() < low[each.whole]:
            open_ended.add(_grouping(keys, each.members[0], each.whole))
        if low[members].sum() > high[each.whole] and each.is_across:
            several.add(keys[each.whole][:_HEAD])
    for each in release.layout.sums:
        cells = tuple(start + at for at in (*each.members, each.whole))
        factors = (*(1.0 for _ in each.members), -1.0)
        bound = Equation(cells, factors, -1e9, 0.0)
        if each.is_across:
            if keys[each.whole][:_HEAD] not in several:
                known.softer[len(known.equations)] = None
                known.equations.append(Equation(cells, factors))
        elif _grouping(keys, each.members[0], each.whole) in open_ended:
            known.equations.append(bound)
        else:
            known.softer[len(known.equations)] = bound
            known.equations.append(Equation(cells, factors))


def _incomplete(release: Published) -> tuple[set[tuple[Key, str]], set[Key]]:
    """What the release itself says of sums that don't hold."""
    open_ended: set[tuple[Key, str]] = set()
    several: set[Key] = set()
    for indicator, breakdown in release.incomplete:
        if indicator not in release.meanings:
            continue
        base = release.meanings[indicator].base()
        if breakdown:
            open_ended.add((base[:3], breakdown))
        else:
            several.add(base)
    return open_ended, several


def _grouping(keys: Sequence[Key], member: int, whole: int) -> tuple[Key, str]:
    """Which breakdown of which rows a sum goes over."""
    part = next((part for part in keys[member][_HEAD:] if part not in keys[whole][_HEAD:]), "")
    return keys[whole][:3], part.partition("=")[0]


def link_releases(known: Knowledge, release: Published, start: int, other: Published, beginning: int) -> None:
    """What is hidden in one of two releases is near what the other shows of it."""
    moved = moved_between(release, other)
    if moved is None:
        return
    less, more = moved
    before = {key: at for at, key in enumerate(other.layout.keys)}
    for at, key in enumerate(release.layout.keys):
        if key in before:
            known.softer[len(known.equations)] = None
            cells = (start + at, beginning + before[key])
            known.equations.append(Equation(cells, (1.0, -1.0), -less, more))


def moved_between(release: Published, other: Published) -> tuple[float, float] | None:
    """`movement` between two releases."""
    return movement(told_quantities(release), told_quantities(other))


def movement(now: Mapping[Key, float], then: Mapping[Key, float]) -> tuple[float, float] | None:
    """How many rows at most went and came between two states; null where they aren't of the same people."""
    gone: dict[tuple[Key, str], float] = defaultdict(float)
    come: dict[tuple[Key, str], float] = defaultdict(float)
    largest = 0.0
    for key in now.keys() & then.keys():
        change = now[key] - then[key]
        label = key[:_HEAD], " ".join(part.partition("=")[0] for part in key[_HEAD:])
        gone[label] += max(-change, 0.0)
        come[label] += max(change, 0.0)
        largest = max(largest, now[key], then[key])
    if not largest:
        return None
    less, more = max(gone.values(), default=0.0), max(come.values(), default=0.0)
    return None if max(less, more) > _GREAT * largest else (less, more)


def told_quantities(release: Published) -> dict[Key, float]:
    """The quantities that a release shows."""
    told: dict[Key, float] = {}
    for at in range(len(release.places)):
        base, rows = release.known(at)
        for bounds, where in ((base, release.layout.base[at]), (rows, release.layout.rows[at])):
            if bounds is not None and bounds[0] == bounds[1]:
                told[release.layout.keys[where]] = bounds[0]
    return told


def add_rests(known: Knowledge, release: Published, start: int) -> dict[tuple[int, int], int]:
    """Adds the rest of each hidden cell's base that isn't shown, as a quantity of its own."""
    found: dict[tuple[int, int], int] = {}
    for at, cell in enumerate(release.shown):
        rows, base = start + release.layout.rows[at], start + release.layout.base[at]
        if not cell.is_hidden or rows == base or (rows, base) in found:
            continue
        found[rows, base] = len(known.lower)
        known.lower.append(0.0)
        known.upper.append(known.upper[base])
        known.places.append(known.places[base])
        known.equations.append(Equation((rows, found[rows, base], base), (1.0, 1.0, -1.0)))
    return found
