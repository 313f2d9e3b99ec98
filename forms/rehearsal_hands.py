"""The hands of one block, and dealing from the one that applies."""

from __future__ import annotations

from collections.abc import Sequence

from expressions.instance import Element
from expressions.records import RecordExpr, Scope
from forms.rehearsal_quotas import Hand, Quota
from schemas.errors import ExpressionError


class Hands:
    """Hands of a block of interviews; made when first asked for.

    Args:
        block: number of the block from 0.
        interviews: interviews in it.
    """

    def __init__(self, block: int, interviews: int) -> None:
        self._block = block
        self._interviews = interviews
        self._hands: dict[tuple[str, str | None], Hand] = {}

    def state(self) -> dict[tuple[str, str | None], list[int]]:
        """What was given so far, for `restore`."""
        return {key: list(hand.given) for key, hand in self._hands.items()}

    def restore(self, state: dict[tuple[str, str | None], list[int]]) -> None:
        """Take back what was given since `state`."""
        for key, hand in self._hands.items():
            hand.given = list(state.get(key) or [0] * len(hand.values))

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
                hand = self._hands[key] = quota.hand(self._block, self._interviews)
            return hand
        return None
