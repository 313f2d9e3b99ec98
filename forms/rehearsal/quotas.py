"""Quotas: rows of the `rehearsal` sheet as hands of cards, dealt so that the shares come out exactly.

All N interviews together hold the largest-remainder apportionment of a question's weights. The interviews are cut into
blocks of fixed size; each block gets a slice of that apportionment, as even as can be, and deals it evenly: a question
that is asked once in every interview ends at the exact figures, one that is asked now and then stays close to its
shares. Blocks know nothing of each other, so several processes may work.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.workbook import RehearsalRow

BLOCK = 256
"""Interviews in a block."""


class Hand:
    """The cards of one question under one condition in one block, in the order in which they are dealt.

    Args:
        values: the answers.
        cards: how many of each the block should give in all.
        key: what the order hangs on.
    """

    def __init__(self, values: Sequence[str], cards: Sequence[int], key: str) -> None:
        self.values = values
        self._cards = cards
        self._key = key
        self._rounds = 0
        self._left: list[int] = []

    def offers(self) -> Iterator[int]:
        """Indexes of answers in the order to try them: the next card first, answers without a card left last."""
        if not self._left:
            self._left = deal(self._cards, random.Random(f"{self._key}/{self._rounds}"))  # noqa: S311
            self._rounds += 1
        first = self._left[0]
        yield first
        yield from (index for index in dict.fromkeys((*self._left, *range(len(self.values)))) if index != first)

    def give(self, index: int) -> int | None:
        """Take the answer's next card away; where it lay, null if there was none."""
        if index not in self._left:
            return None
        place = self._left.index(index)
        del self._left[place]
        return place

    def take_back(self, index: int, place: int) -> None:
        """Lay a card back where it was."""
        self._left.insert(place, index)


def deal(cards: Sequence[int], chance: random.Random) -> list[int]:
    """An order of cards in which every answer comes evenly, yet by chance: its n cards fall one into each nth part.

    So the first k cards hold every answer in proportion, but for less than one card more or less in the long run.
    """
    places = [((turn + chance.random()) / count, index) for index, count in enumerate(cards) for turn in range(count)]
    return [index for _, index in sorted(places)]


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

    def hand(self, block: int, seed: str) -> Hand:
        """A fresh hand for a block."""
        return Hand(self.values, self.blocks[block], f"{seed}/{self.question}/{self.when}/{block}")


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
