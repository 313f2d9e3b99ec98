"""Ways in which a condition can come true: each a set of answers per question, facts, and differences.

A list of cases stands for "one of these". An empty list says that the condition can't come true; a case without
any demand says that nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from expressions.typing.domains import Domain, Numbers

MOST_CASES: Final = 128
"""Cases up to which conditions are multiplied out; beyond, some of the demands are dropped."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`left - right <= most` (or `<`)."""

    left: str
    right: str
    most: float
    is_strict: bool


@dataclass(frozen=True, slots=True)
class Case:
    """Demands that hold together.

    Attributes:
        domains: key of a question -> what it may hold.
        facts: (condition, whether it holds) of conditions that aren't looked into.
        differences: between two numbers or days.
    """

    domains: Mapping[str, Domain] = field(default_factory=dict)
    facts: frozenset[tuple[str, bool]] = frozenset()
    differences: frozenset[Difference] = frozenset()

    def meet(self, other: Case) -> Case | None:
        """Both cases at once; null if that can't be."""
        facts = self.facts | other.facts
        if any((text, not holds) in facts for text, holds in other.facts):
            return None
        domains = dict(self.domains)
        for key, domain in other.domains.items():
            found = domains[key].meet(domain) if key in domains else domain
            if found.is_empty:
                return None
            domains[key] = found
        return Case(domains, facts, self.differences | other.differences)


ANYTHING: Final = (Case(),)
NOTHING: Final[tuple[Case, ...]] = ()
Cases = tuple[Case, ...]


def all_of(parts: Iterable[Cases]) -> Cases:
    """Every one of the conditions: their cases multiplied out.

    Conditions with one case come first; what would make too many cases is left out, which demands less.
    """
    found: Cases = ANYTHING
    for part in sorted(parts, key=len):
        if len(found) * len(part) > MOST_CASES and part:
            continue
        met = (one.meet(two) for one in found for two in part)
        found = tuple(case for case in met if case is not None)
    return found


def any_of(parts: Iterable[Cases]) -> Cases:
    """At least one of the conditions: their cases side by side; anything, if they are too many."""
    found = tuple(case for part in parts for case in part)
    return ANYTHING if len(found) > MOST_CASES else found


def is_possible(case: Case) -> bool:
    """Whether differences and spans can be met together: no sum of differences along a ring is below zero."""
    if not case.differences:
        return True
    names = sorted({name for found in case.differences for name in (found.left, found.right)})
    edges = [(found.left, found.right, found.most, found.is_strict) for found in case.differences]
    for name in names:
        edges += _bounds(name, case.domains.get(name))
    return not _has_negative_ring([*names, ""], edges)


Edge = tuple[str, str, float, bool]


def _bounds(name: str, domain: Domain | None) -> list[Edge]:
    """The span of a number as differences to zero, which is named ""."""
    if domain is None or not isinstance(domain.answers, Numbers) or domain.answers.is_empty:
        return []
    low, high = domain.answers.ends()
    found: list[Edge] = []
    if not math.isinf(high):
        found.append((name, "", high, False))
    if not math.isinf(low):
        found.append(("", name, -low, False))
    return found


def _has_negative_ring(names: list[str], edges: list[Edge]) -> bool:
    """Bellman and Ford, on pairs of a distance and the number of strict steps."""
    exact = all(edge[2] == int(edge[2]) for edge in edges)
    slack = 0.0 if exact else 1e-9
    distance: dict[str, tuple[float, int]] = dict.fromkeys(names, (0.0, 0))
    for turn in range(len(names) + 1):
        changed = False
        for left, right, most, strict in edges:
            start = distance[right]
            reached = (start[0] + most, start[1] - int(strict))
            known = distance[left]
            if reached[0] < known[0] - slack or (exact and reached[0] == known[0] and reached[1] < known[1]):
                distance[left] = reached
                changed = True
        if not changed:
            return False
        if turn == len(names):
            return True
    return False
