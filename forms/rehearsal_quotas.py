"""Quotas: rows of the `rehearsal` sheet as hands of cards, dealt so that the shares come out exactly.

All N interviews together hold the largest-remainder apportionment of a question's weights. The interviews are cut into
blocks of fixed size; each block gets a slice of that apportionment, as even as can be, and deals it with every prefix
in proportion: a question that is asked once in every interview ends at the exact figures, one that is asked now and
then stays within one card a block of its shares. Blocks know nothing of each other, so several processes may work.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas.workbook import RehearsalRow

BLOCK = 256
"""Interviews in a block."""


@dataclass(slots=True)
class Hand:
    """The cards of one question under one condition in one block.

    Attributes:
        values: the answers.
        cards: how many of each this block should give in `interviews` draws.
        given: how many were given.
    """

    values: Sequence[str]
    cards: Sequence[int]
    interviews: int
    given: list[int] = field(default_factory=list)

    def offers(self, chance: random.Random) -> Iterator[int]:
        """Indexes of answers in the order to try them: the most wanting ones first, by chance among these."""
        drawn = sum(self.given) + 1
        wants = [drawn * card / self.interviews - given for card, given in zip(self.cards, self.given, strict=True)]
        open_to = list(range(len(self.values)))
        while open_to:
            positive = [(index, wants[index]) for index in open_to if wants[index] > 1e-9]
            if positive:
                index = _pick(positive, chance)
            else:
                # Nothing is owed: the usual case only after refusals. Then as the cards lie.
                index = _pick([(index, self.cards[index] + 1e-6) for index in open_to], chance)
            open_to.remove(index)
            yield index

    def give(self, index: int) -> None:
        """Take note that this answer was given."""
        self.given[index] += 1


def _pick(weighted: Sequence[tuple[int, float]], chance: random.Random) -> int:
    point = chance.random() * sum(weight for _, weight in weighted)
    for index, weight in weighted:
        point -= weight
        if point < 0:
            return index
    return weighted[-1][0]


@dataclass(frozen=True, slots=True)
class Quota:
    """The rows of one question under one condition.

    Attributes:
        when: expression that must hold at the question's place, null for always.
        values: the answers, as the rows are ordered.
        blocks: block number -> cards of each answer.
    """

    question: str
    when: str | None
    values: tuple[str, ...]
    blocks: tuple[tuple[int, ...], ...]

    def hand(self, block: int, interviews: int) -> Hand:
        """A fresh hand for a block; `interviews` is how many of all fall into it."""
        return Hand(self.values, self.blocks[block], interviews, [0] * len(self.values))


def plan_quotas(rows: Sequence[RehearsalRow], interviews: int) -> Mapping[str, tuple[Quota, ...]]:
    """Question -> its quotas: those with a condition first, in the order of the sheet, the unconditional one last."""
    groups: dict[tuple[str, str | None], list[RehearsalRow]] = {}
    for row in rows:
        if row.weight > 0:
            groups.setdefault((row.question, row.when or None), []).append(row)
    quotas: dict[str, list[Quota]] = {}
    for (question, when), members in groups.items():
        counts = apportion([row.weight for row in members], interviews)
        blocks = slice_evenly(counts, BLOCK)
        quotas.setdefault(question, []).append(Quota(question, when, tuple(row.value for row in members), blocks))
    return {name: tuple(sorted(found, key=lambda quota: quota.when is None)) for name, found in quotas.items()}


def apportion(weights: Sequence[float], seats: int) -> list[int]:
    """Whole numbers that sum to `seats`, by largest remainders; ties go to the earlier.

    >>> apportion([54.0, 46.0], 1021), apportion([1, 1, 1], 4)
    ([551, 470], [2, 1, 1])
    """
    total = sum(weights)
    shares = [weight * seats / total for weight in weights]
    # A hair is added so that 0.1 + 0.2 of a seat isn't just below what it means.
    counts = [int(share + 1e-9) for share in shares]
    order = sorted(range(len(shares)), key=lambda index: (counts[index] - shares[index], index))
    for index in order[: seats - sum(counts)]:
        counts[index] += 1
    return counts


def slice_evenly(counts: Sequence[int], block: int) -> tuple[tuple[int, ...], ...]:
    """Cut `counts` into blocks, each holding every answer in proportion; columns sum to `counts`.

    >>> slice_evenly([6, 2], 4)
    ((3, 1), (3, 1))
    """
    total = sum(counts)
    places = np.concatenate([(np.arange(count) + 0.5) / count for count in counts if count] or [np.zeros(0)])
    answers = np.repeat(np.arange(len(counts)), counts)
    order = answers[np.argsort(places, kind="stable")]
    return tuple(
        tuple(int(number) for number in np.bincount(order[start : start + block], minlength=len(counts)))
        for start in range(0, total, block)
    )
