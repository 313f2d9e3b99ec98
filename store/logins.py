"""Logging in with a name and a secret: the password, or the key where a program has no password to give.

Guesses are slowed by name and address, and each failure that was looked at goes into the audit log: there, never the
name that was tried, because people type passwords into the wrong field.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable

from schemas.errors import AccessError
from schemas.rights import may
from store.attempts import Attempts, Rule
from store.audit import Actor, record
from store.open import Store
from store.passwords import AT_ONCE, Credentials, get_credentials, is_right, needs_rehash, rehash
from store.people import Person, get_person_by_key

REMEMBERED_SECONDS = 300.0
"""How long a right password isn't hashed again, for programs that send it with each request."""

PAIR = Rule(free=3, longest=900.0)
ADDRESS = Rule(free=20, longest=300.0)
NAME = Rule(free=50, longest=60.0)
"""A name that many addresses try waits a minute at most, so that nobody is locked out by strangers."""

_MOST = 1000


class TooManyAttempts(AccessError):
    """Wait before the next attempt (ACC-011).

    Args:
        seconds: how long.
    """

    http_status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__("ACC-011", "Too many wrong names or passwords.", f"Wait {seconds} seconds, then try again.")
        self.seconds = seconds


class Logins:
    """Checks names and secrets.

    Args:
        store: who knows people.
        attempts: what was tried before.
        clock: seconds that only grow.
    """

    def __init__(self, store: Store, attempts: Attempts, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._attempts = attempts
        self._clock = clock
        self._pepper = secrets.token_bytes(32)
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._right: dict[bytes, tuple[str, float]] = {}

    def check(self, name: str, secret: str, *, address: str = "", client: str = "") -> Person:
        """The person of that name and password, or name and key. It may take a tenth of a second.

        Args:
            name: the login name, or the name in lists if only one person has it.
            secret: password or key.
            address: where the attempt comes from.
            client: what the audit log says of it.

        Raises:
            AccessError: ACC-010, no such name and secret; ACC-011 (`TooManyAttempts`), wait first; ACC-012, a role
                that doesn't log in.
        """
        with self._store.read() as connection:
            by_key = get_person_by_key(connection, secret)
            found = get_credentials(connection, name)
        if by_key is not None and _is_named(by_key, name):
            return self._welcome(by_key)
        if found is not None and self._is_remembered(found, secret):
            return self._welcome(found.person)
        return self._check_password(found, name, secret, address, client)

    def _check_password(self, found: Credentials | None, name: str, secret: str, address: str, client: str) -> Person:
        folded = hashlib.sha256(name.strip().casefold().encode("utf-8", "surrogatepass")).digest()
        pair, whole, named = ("pair", folded, address), ("address", address), ("name", folded)
        # Taken before the wait is looked up, so that many attempts at once don't all pass it.
        with self._turn:
            if wait := self._attempts.wait(pair, whole, named):
                raise TooManyAttempts(wait)
            if is_fine := is_right(found, secret):
                self._attempts.succeeded(pair)
            else:
                for key, rule in ((pair, PAIR), (whole, ADDRESS), (named, NAME)):
                    self._attempts.failed(key, rule)
        if not is_fine:
            self._record(Actor("nobody", client), None if found is None else found.person, "refused")
            raise AccessError("ACC-010", "No person has this name and this password.", "Check both and try again.")
        if found is None:
            raise AssertionError("a password of nobody is never right")
        if needs_rehash(found):
            with self._store.begin() as connection:
                rehash(connection, found, secret)
        self._remember(found, secret)
        return self._welcome(found.person)

    def _record(self, actor: Actor, person: Person | None, outcome: str) -> None:
        with self._store.begin() as connection:
            record(connection, "login", "person", "" if person is None else person.id, outcome=outcome, by=actor)

    def _welcome(self, person: Person) -> Person:
        if not may(person, "log_in"):
            message = "This person's key sends interviews; it gives no right to read data."
            raise AccessError("ACC-012", message, "Log in as somebody with another role.")
        return person

    def _mark(self, found: Credentials, secret: str) -> bytes:
        text = f"{found.person.id}\0{found.password_hash}\0{secret}".encode("utf-8", "surrogatepass")
        return hmac.new(self._pepper, text, hashlib.sha256).digest()

    def _is_remembered(self, found: Credentials, secret: str) -> bool:
        # The hash is part of the mark: another password, and what is remembered of the old one fits nobody.
        return self._right.get(self._mark(found, secret), ("", 0.0))[1] > self._clock()

    def _remember(self, found: Credentials, secret: str) -> None:
        if len(self._right) >= _MOST:
            self._right.clear()
        self._right[self._mark(found, secret)] = (found.person.login, self._clock() + REMEMBERED_SECONDS)


def _is_named(person: Person, name: str) -> bool:
    wanted = name.strip().casefold().encode("utf-8", "surrogatepass")
    by_name = hmac.compare_digest(person.name.casefold().encode(), wanted)
    return hmac.compare_digest(person.login.encode(), wanted) or by_name
