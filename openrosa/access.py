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
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request

from openrosa.answers import Refusal
from openrosa.digest import Nonces, challenge, is_right, read_claim
from schemas.rights import may
from schemas.settings import Settings
from store.attempts import Attempts, Rule
from store.open import Store
from store.people import REALM, Person, get_login, get_person_by_key

if TYPE_CHECKING:
    from store.logins import Logins

REMEMBERED_SECONDS = 5.0
"""How long a key is believed without asking the store: so long may a revoked key still get forms, but send nothing."""

WRONG_KEYS = Rule(free=30, longest=60.0)
"""Wrong keys of one address: a key has 256 bits, so this spares the server and the log, not the key."""

_MOST = 10_000
_KEY = re.compile(r"(/(?:key|test|web)/)[^/\s?\"']+")


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


def client_address(request: Request, settings: Settings) -> str:
    """The network address that a request comes from, "" if unknown.

    Behind a proxy that the settings trust it is what the proxy added last: what stands before that anybody can send.
    """
    address = request.client.host if request.client is not None else ""
    if settings.trust_forwarded:
        address = request.headers.get("x-forwarded-for", address).rpartition(",")[2].strip()
    return address


class Access:
    """Looks keys up, remembers good ones for some seconds, and slows down whoever tries wrong ones.

    Args:
        store: who knows them.
        clock: seconds that only grow.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self.attempts = Attempts(clock)
        self._known: dict[bytes, tuple[Person, float]] = {}
        self._logins: dict[str, tuple[Person, str, float]] = {}
        self._nonces = Nonces(clock)

    @cached_property
    def logins(self) -> Logins:
        """Names and passwords, loaded when somebody first logs in: a server for phones alone stays small."""
        from store.logins import Logins

        return Logins(self._store, self.attempts, self._clock)

    async def person(self, key: str, address: str = "") -> Person:
        """The person whose key it is.

        Args:
            key: as the request has it.
            address: where the request comes from; after many wrong keys from there, one that isn't known to have been
                good has to wait. Phones that were let in before don't.

        Raises:
            Refusal: ACC-101, nobody's key or a revoked one; ACC-102, a role that may not use the door; ACC-110, wait.
            StoreError: the store can't be asked.
        """
        digest = _digest(key)
        person = self._remembered(digest)
        if person is None:
            self._slow_down(address, is_known=digest in self._known)
            person = await asyncio.to_thread(self._look_up, key)
            if person is None:
                self._known.pop(digest, None)
                self.attempts.failed(("key", address), WRONG_KEYS)
                raise Refusal("ACC-101")
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[digest] = (person, self._clock() + REMEMBERED_SECONDS)
        return _welcome(person)

    def recall(self, key: str) -> Person | None:
        """The person whose key it is and who may use the door, if that is known without asking the store."""
        person = self._remembered(_digest(key))
        return person if person is not None and may(person, "send_submission") else None

    def _slow_down(self, address: str, *, is_known: bool) -> None:
        wait = 0 if is_known else self.attempts.wait(("key", address))
        if wait:
            raise Refusal("ACC-110", retry_after=wait)

    def _remembered(self, digest: bytes) -> Person | None:
        person, until = self._known.get(digest, (None, 0.0))
        return None if until < self._clock() else person

    async def login(
        self, authorization: str, method: str, targets: Collection[str], *, is_secure: bool, address: str = ""
    ) -> Person:
        """The person who logs in with a user name, and the key as password.

        Args:
            authorization: that header, "" if there is none.
            method: of the request.
            targets: path and query of the request as its client may have written them.
            is_secure: whether the request came encrypted; only then a password in the clear is looked at.
            address: as of `person`.

        Raises:
            Unauthenticated: answer 401 with `challenges`.
            Refusal: ACC-102, a role that may not use the door; ACC-110, wait.
            StoreError: the store can't be asked.
        """
        if authorization[:6].lower() == "basic ":
            return await self._basic(authorization[6:], is_secure=is_secure, address=address)
        claim = read_claim(authorization)
        if claim is None or claim.realm != REALM or claim.uri not in targets:
            raise Unauthenticated()
        known = self._logins.get(claim.username)
        if known is None or known[2] < self._clock():
            self._slow_down(address, is_known=known is not None)
            found = await asyncio.to_thread(self._look_up_login, claim.username)
            if found is None:
                self._logins.pop(claim.username, None)
                self.attempts.failed(("key", address), WRONG_KEYS)
                raise Unauthenticated()
            if len(self._logins) >= _MOST:
                self._logins.clear()
            known = self._logins[claim.username] = (*found, self._clock() + REMEMBERED_SECONDS)
        person, ha1, _ = known
        if not is_right(ha1, method, claim):
            self.attempts.failed(("key", address), WRONG_KEYS)
            raise Unauthenticated()
        if not self._nonces.use(claim.nonce, claim.nc):
            raise Unauthenticated(stale=True)
        return _welcome(person)

    def challenges(self, *, stale: bool, is_secure: bool) -> list[str]:
        """The values of `WWW-Authenticate`: digest always, a password in the clear only where nobody else reads it."""
        found = [challenge(self._nonces.make(), REALM, stale=stale)]
        return [*found, f'Basic realm="{REALM}", charset="UTF-8"'] if is_secure else found

    async def _basic(self, encoded: str, *, is_secure: bool, address: str) -> Person:
        try:
            name, colon, key = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            raise Unauthenticated() from None
        if not (colon and is_secure):
            raise Unauthenticated()
        try:
            person = await self.person(key, address)
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


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _welcome(person: Person) -> Person:
    if not may(person, "send_submission"):
        raise Refusal("ACC-102")
    return person
