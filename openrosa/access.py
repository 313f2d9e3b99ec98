"""Whose key a request carries. The key stands in the server's address, so it must never stand in a log."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Callable

from openrosa.answers import Refusal
from store.open import Store
from store.people import Person, get_person_by_key

ROLES = frozenset({"enumerator", "statistician"})
"""Who may get forms and send interviews; statisticians try their forms on a phone."""

REMEMBERED_SECONDS = 5.0
"""How long a key is believed without asking the store: so long may a revoked key still work."""

_MOST = 10_000
_KEY = re.compile(r"(/key/)[^/\s?\"']+")


def mask_keys(text: str) -> str:
    """The text with every key of an address hidden.

    >>> mask_keys("GET /v1/key/s3cret/projects/1/formList?deviceID=x")
    'GET /v1/key/***/projects/1/formList?deviceID=x'
    """
    return _KEY.sub(r"\1***", text)


class KeyFilter(logging.Filter):
    """Hides keys in whatever a logger is given."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the record is changed."""
        record.msg = mask_keys(record.getMessage())
        record.args = None
        return True


class Access:
    """Looks keys up, and remembers good ones for some seconds.

    Args:
        store: who knows them.
        clock: seconds that only grow.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[bytes, tuple[Person, float]] = {}

    async def person(self, key: str) -> Person:
        """The person whose key it is.

        Raises:
            Refusal: ACC-101, nobody's key or a revoked one; ACC-102, a role that may not use the door.
            StoreError: the store can't be asked.
        """
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        person, until = self._known.get(digest, (None, 0.0))
        if person is None or until < self._clock():
            self._known.pop(digest, None)
            person = await asyncio.to_thread(self._look_up, key)
            if person is None:
                raise Refusal("ACC-101")
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[digest] = (person, self._clock() + REMEMBERED_SECONDS)
        if person.role not in ROLES:
            raise Refusal("ACC-102")
        return person

    def _look_up(self, key: str) -> Person | None:
        with self._store.read() as connection:
            return get_person_by_key(connection, key)
