"""The order that `randomize()` gives: the same from the same seed in every engine, as the ODK specification says.

Numbers come from the generator of Park and Miller, places from the shuffle of Fisher and Yates in its inside-out form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from expressions.profiles import Profile
from expressions.values import Value, to_number, to_string
from schemas.errors import ExpressionError

_MODULUS = 2_147_483_647
_FACTOR = 16_807
_LONG_MAX = 2**63 - 1

Item = TypeVar("Item")


def seeded(seed: int) -> Callable[[], float]:
    """Numbers from 0 up to, but without, 1.

    >>> draw = seeded(42)
    >>> round(draw(), 6), round(draw(), 6)
    (0.000329, 0.524587)
    """
    # As Java and JavaScript divide, the remainder has the sign of the seed.
    state = [abs(seed) % _MODULUS * (-1 if seed < 0 else 1)]
    if state[0] <= 0:
        state[0] += _MODULUS - 1

    def draw() -> float:
        state[0] = state[0] * _FACTOR % _MODULUS
        return (state[0] - 1) / (_MODULUS - 1)

    return draw


def shuffle(items: Sequence[Item], draw: Callable[[], float]) -> list[Item]:
    """The items in another order.

    >>> "".join(shuffle("ABCDEF", seeded(42)))
    'AFCBDE'
    """
    shuffled: list[Item] = []
    for place, item in enumerate(items):
        chosen = int(draw() * (place + 1))
        if chosen == place:
            shuffled.append(item)
        else:
            shuffled.append(shuffled[chosen])
            shuffled[chosen] = item
    return shuffled


def read_seed(value: Value, profile: Profile) -> int:
    """The seed that a value means: a number's whole part, 0 for blank, and of any other text a digest.

    Raises:
        ExpressionError: EXP-028, in Enketo, for what is no whole number.
    """
    number = to_number(value, profile)
    if profile is Profile.ENKETO and not number.is_integer():
        raise ExpressionError("EXP-028", "randomize() got a seed that is no whole number.", "Give it one, as 42.")
    if number != number:
        text = to_string(value, profile)
        if isinstance(value, float) or not text:
            return 0
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)
    return int(max(-_LONG_MAX - 1, min(_LONG_MAX, number)))
