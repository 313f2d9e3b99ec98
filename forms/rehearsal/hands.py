"""The hands of one block, and dealing from the one that applies."""

from __future__ import annotations

from collections.abc import Sequence

from expressions.instance import Element
from expressions.records import RecordExpr, Scope
from forms.rehearsal.quotas import Hand, Quota
from schemas.errors import ExpressionError


class Hands:
    """Hands of a block of interviews; made when first asked for.

    Args:
        block: number of the block from 0.
        seed: what the order of cards hangs on.
    """

    def __init__(self, block: int, seed: str) -> None:
        self._block = block
        self._seed = seed
        self._hands: dict[tuple[str, str | None], Hand] = {}
        self._given: list[tuple[Hand, int, int]] = []

    def settle(self) -> None:
        """What was given so far stays given."""
        self._given.clear()

    def take_back(self) -> None:
        """Take back what was given since `settle`."""
        for hand, index, place in reversed(self._given):
            hand.take_back(index, place)
        self._given.clear()

    def give(self, hand: Hand, index: int) -> None:
        """Take note that an answer of a hand was given."""
        place = hand.give(index)
        if place is not None:
            self._given.append((hand, index, place))

    def find(self, quotas: Sequence[tuple[Quota, RecordExpr | None]], node: Element, scope: Scope) -> Hand | None:
        """The hand of the first quota whose condition holds at `node`, null if none does."""
        for quota, when in quotas:
            if when is not None:
                try:
                    if not when.boolean(node, scope):
                        continue
                except ExpressionError:
                    continue
            key = (quota.question, quota.when)
            hand = self._hands.get(key)
            if hand is None:
                hand = self._hands[key] = quota.hand(self._block, self._seed)
            return hand
        return None
