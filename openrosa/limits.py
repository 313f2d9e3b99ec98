"""How much one key may ask for: a bucket each that fills evenly, so that a burst passes and a flood doesn't."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable

_MOST = 10_000


class Buckets:
    """One bucket a key; a minute's worth of requests fills it.

    Args:
        per_minute: requests that a key may make, evenly; so many also at once after a quiet minute.
        clock: seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._rate = per_minute / 60
        self._clock = clock
        self._left: dict[Hashable, tuple[float, float]] = {}

    def take(self, key: Hashable) -> int:
        """Count one request: 0 if it may pass, else the whole seconds after which one may.

        >>> bucket = Buckets(2, clock=lambda: 0.0)
        >>> bucket.take("a"), bucket.take("a"), bucket.take("a"), bucket.take("b")
        (0, 0, 30, 0)
        """
        now = self._clock()
        left, at = self._left.get(key, (self._most, now))
        left = min(self._most, left + (now - at) * self._rate)
        if left < 1:
            return max(1, math.ceil((1 - left) / self._rate))
        if key not in self._left and len(self._left) >= _MOST:
            self._left = {one: kept for one, kept in self._left.items() if not self._is_full(kept, now)}
        self._left[key] = (left - 1, now)
        return 0

    def _is_full(self, kept: tuple[float, float], now: float) -> bool:
        return kept[0] + (now - kept[1]) * self._rate >= self._most
