"""Whose key a request carries. The key may stand in the server's address, so it must never stand in a log."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import re
import time
from collections.abc import Callable, Collection

from openrosa.answers import Refusal
from openrosa.digest import Nonces, challenge, is_right, read_claim
from store.open import Store
from store.people import REALM, Person, get_login, get_person_by_key

ROLES = frozenset({"enumerator", "statistician"})
"""Who may get forms and send interviews; statisticians try their forms on a phone."""

REMEMBERED_SECONDS = 5.0
"""How long a key is believed without asking the store: so long may a revoked key still work."""

_MOST = 10_000
_KEY = re.compile(r"(/(?:key|test)/)[^/\s?\"']+")


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


class Unauthenticated(Exception):
    """A request without an address's key and without a right name and password.

    Args:
        stale: whether only the nonce was wrong, so that the client may try again without asking its user.
    """

    def __init__(self, *, stale: bool = False) -> None:
        super().__init__("no right name and password")
        self.stale = stale


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
        self._logins: dict[str, tuple[Person, str, float]] = {}
        self._nonces = Nonces(clock)

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
        return _welcome(person)

    async def login(self, authorization: str, method: str, targets: Collection[str], *, is_secure: bool) -> Person:
        """The person who logs in with a user name, and the key as password.

        Args:
            authorization: that header, "" if there is none.
            method: of the request.
            targets: path and query of the request as its client may have written them.
            is_secure: whether the request came encrypted; only then a password in the clear is looked at.

        Raises:
            Unauthenticated: answer 401 with `challenges`.
            Refusal: ACC-102, a role that may not use the door.
            StoreError: the store can't be asked.
        """
        if authorization[:6].lower() == "basic ":
            return await self._basic(authorization[6:], is_secure=is_secure)
        claim = read_claim(authorization)
        if claim is None or claim.realm != REALM or claim.uri not in targets:
            raise Unauthenticated()
        known = self._logins.get(claim.username)
        if known is None or known[2] < self._clock():
            self._logins.pop(claim.username, None)
            found = await asyncio.to_thread(self._look_up_login, claim.username)
            if found is None:
                raise Unauthenticated()
            if len(self._logins) >= _MOST:
                self._logins.clear()
            known = self._logins[claim.username] = (*found, self._clock() + REMEMBERED_SECONDS)
        person, ha1, _ = known
        if not is_right(ha1, method, claim):
            raise Unauthenticated()
        if not self._nonces.use(claim.nonce, claim.nc):
            raise Unauthenticated(stale=True)
        return _welcome(person)

    def challenges(self, *, stale: bool, is_secure: bool) -> list[str]:
        """The values of `WWW-Authenticate`: digest always, a password in the clear only where nobody else reads it."""
        found = [challenge(self._nonces.make(), REALM, stale=stale)]
        return [*found, f'Basic realm="{REALM}", charset="UTF-8"'] if is_secure else found

    async def _basic(self, encoded: str, *, is_secure: bool) -> Person:
        try:
            name, colon, key = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            raise Unauthenticated() from None
        if not (colon and is_secure):
            raise Unauthenticated()
        try:
            person = await self.person(key)
        except Refusal as refusal:
            if refusal.code == "ACC-101":
                raise Unauthenticated() from None
            raise
        if name.strip().casefold() not in {person.login, person.name.casefold()}:
            raise Unauthenticated()
        return person

    def _look_up(self, key: str) -> Person | None:
        with self._store.read() as connection:
            return get_person_by_key(connection, key)

    def _look_up_login(self, login: str) -> tuple[Person, str] | None:
        with self._store.read() as connection:
            return get_login(connection, login)


def _welcome(person: Person) -> Person:
    if person.role not in ROLES:
        raise Refusal("ACC-102")
    return person
