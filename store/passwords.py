"""Passwords of people who log in: argon2id hashes, a minimum that is held, and no default.

A check takes as long for a name that nobody has as for one that somebody has. It takes some tens of MiB and
milliseconds on purpose; two run at a time, the others wait.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, select, update

from schemas.central_tables import sessions
from schemas.errors import AccessError
from schemas.rights import may
from schemas.tables import people
from store.audit import record
from store.people import PERSON_COLUMNS, Person, get_person, to_person

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 200
LEAST_DIFFERENT = 5
AT_ONCE = 2

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are mistaken for another: i, l, o, 0, 1."""

# RFC 9106, section 4, the second recommended option: 64 MiB, three passes, four lanes.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16)
_turn = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A person and the hash of their password."""

    person: Person
    password_hash: str = field(repr=False)


def generate_password() -> str:
    """A password of 16 random letters and digits, in groups that people can read out: 79 bits.

    >>> len(generate_password())
    19
    """
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _same(password: str) -> str:
    # Keyboards write accents in one sign or in two: both are the same password.
    return unicodedata.normalize("NFC", password)


def check_strength(password: str, person: Person) -> None:
    """Refuse a password that is guessed too soon. No rule about kinds of signs: length is what counts.

    Raises:
        AccessError: ACC-006, too short or too long; ACC-007, made of the name or of too few signs.
    """
    password = _same(password)
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        message = f"A password has {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters; this one has {len(password)}."
        raise AccessError("ACC-006", message, "Use several words that don't belong together, or have one made.")
    folded = password.casefold()
    rest = folded.replace(person.name.casefold(), "").replace(person.login, "")
    if len(set(folded)) < LEAST_DIFFERENT or len(rest) < LEAST_CHARACTERS // 2:
        message = f"A password isn't the person's name, and has at least {LEAST_DIFFERENT} different characters."
        raise AccessError("ACC-007", message, "Use several words that don't belong together, or have one made.")


def set_password(connection: Connection, person_id: int, password: str, at: datetime | None = None) -> None:
    """Give a person a password, or another one; sessions opened before are ended.

    Raises:
        AccessError: ACC-003, there is no such person; ACC-006, ACC-007 it is too weak; ACC-008, the person was
            revoked or has a role that doesn't log in.
    """
    person = get_person(connection, person_id)
    if person.revoked_at is not None or not may(person, "log_in"):
        what = "was revoked" if person.revoked_at is not None else f"is an {person.role}, and those have only keys"
        message = f"The person with the number {person_id} {what}."
        raise AccessError(
            "ACC-008", message, "Passwords are for supervisors, statisticians, reviewers, administrators."
        )
    check_strength(password, person)
    hashed = _hasher.hash(_same(password))
    connection.execute(update(people).where(people.c.id == person_id).values(password_hash=hashed))
    connection.execute(delete(sessions).where(sessions.c.person_id == person_id))
    record(connection, "person.password", "person", person_id, at=at)


def get_credentials(connection: Connection, name: str) -> Credentials | None:
    """Who logs in under that name: the login name, or the name in lists where only one person has it.

    Null if nobody does, if several have that name, if they have no password or were revoked.
    """
    wanted = unicodedata.normalize("NFC", name).strip().casefold()
    query = select(*PERSON_COLUMNS, people.c.password_hash).where(people.c.password_hash.is_not(None))
    rows = connection.execute(query.where(people.c.revoked_at.is_(None)).order_by(people.c.id))
    known = [Credentials(to_person(row), str(row[-1])) for row in rows]
    by_login = [found for found in known if found.person.login == wanted]
    named = by_login or [found for found in known if found.person.name.casefold() == wanted]
    return named[0] if len(named) == 1 else None


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_urlsafe())


def is_right(credentials: Credentials | None, password: str) -> bool:
    """Whether that is their password; null costs as much time as a person, and is never right."""
    hashed = _nobodys() if credentials is None else credentials.password_hash
    if len(password) > MOST_CHARACTERS:
        return False
    with _turn:
        try:
            _hasher.verify(hashed, _same(password))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
    return credentials is not None


def rehash(connection: Connection, credentials: Credentials, password: str) -> bool:
    """Hash a right password anew if it was hashed more weakly than we do today; whether it was.

    Args:
        connection: of `Store.begin()`.
        credentials: as they were when the password was found right.
        password: that one.
    """
    if not needs_rehash(credentials):
        return False
    hashed = _hasher.hash(_same(password))
    where = (people.c.id == credentials.person.id, people.c.password_hash == credentials.password_hash)
    connection.execute(update(people).where(*where).values(password_hash=hashed))
    return True


def needs_rehash(credentials: Credentials) -> bool:
    """Whether the hash is weaker than those that we make today."""
    return _hasher.check_needs_rehash(credentials.password_hash)
