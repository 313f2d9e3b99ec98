"""Guesses are slowed down: after some failures each further one costs twice the wait of the one before it.

Kept in memory: a restart forgives, and a server in several processes counts in each.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

FORGET_SECONDS = 900.0
"""Quiet after which failures are forgotten."""

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of guess is slowed.

    Attributes:
        free: failures that cost no wait.
        longest: seconds that a wait grows to.
    """

    free: int
    longest: float


class Attempts:
    """Failures by what they have in common.

    Args:
        clock: seconds that only grow.

    >>> attempts = Attempts(clock=lambda: 0.0)
    >>> rule = Rule(free=1, longest=3)
    >>> [(attempts.failed("a", rule), attempts.wait("a"))[1] for _ in range(4)], attempts.wait("b")
    ([0, 1, 2, 3], 0)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Hashable, tuple[int, float, float]] = {}

    def wait(self, *keys: Hashable) -> int:
        """Whole seconds until the next attempt may be made under all of these keys, 0 for at once."""
        now = self._clock()
        longest = max((self._known[key][1] - now for key in keys if key in self._known), default=0.0)
        return math.ceil(longest) if longest > 0 else 0

    def failed(self, key: Hashable, rule: Rule) -> None:
        """Count a failure."""
        now = self._clock()
        count, _, last = self._known.pop(key, (0, 0.0, now))
        count = 1 if now - last > FORGET_SECONDS else count + 1
        over = count - rule.free
        pause = 0.0 if over <= 0 else min(rule.longest, 2.0 ** min(over - 1, 30))
        if len(self._known) >= _MOST:
            # The one that failed longest ago.
            self._known.pop(next(iter(self._known)))
        self._known[key] = (count, now + pause, now)

    def succeeded(self, *keys: Hashable) -> None:
        """Forget the failures under these keys."""
        for key in keys:
            self._known.pop(key, None)
