"""What is to be mended in an interview, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from validation.cleaning.cells import Typed
from validation.imputation.donors import Donor
from validation.imputation.interviews import Cell, Place

OUTCOMES = ("imputed", "not_localised", "too_large", "no_donor", "other_finding", "still_failing")
"""What becomes of an interview:

    imputed         every rule holds now
    not_localised   no change of answers that may change satisfies every rule
    too_large       more combinations or implied edits than are looked at
    no_donor        it is known what must change, and nobody who counts gave a fitting answer
    other_finding   something else keeps it out: a duplicate, an interview too short, a rule on personal answers
    still_failing   judged again as a whole it breaks a rule; it is left as it was
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """One interview to be mended.

    Attributes:
        number: among the interviews.
        failing: edits that it breaks.
        forced: answers that must change: those missing where one is needed, and those that couldn't be read.
        exempt: edits that need not hold, since a person accepted that they don't.
        salt: which of several least sets is taken.
        counts: whether it counts as it is, and is only to be filled in.
    """

    number: int
    failing: frozenset[Place] = frozenset()
    forced: frozenset[Cell] = frozenset()
    exempt: frozenset[Place] = frozenset()
    salt: int = 0
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of it.

    Attributes:
        outcome: one of `OUTCOMES`.
        chosen: the least set of answers that must change.
        cells: new answers, some of them for questions that are only asked now; of those that aren't, any.
        donors: who gave them.
        followers: answers outside the set: questions that are asked now and weren't before.
        deduced: answers that no donor gave, since only one is possible.
    """

    outcome: str
    chosen: frozenset[Cell] = frozenset()
    cells: Mapping[Cell, Typed] = field(default_factory=dict, repr=False)
    donors: Mapping[Cell, Donor] = field(default_factory=dict, repr=False)
    followers: frozenset[Cell] = frozenset()
    deduced: frozenset[Cell] = frozenset()
