"""People and the keys of their phones. A key is shown once; the store keeps only digests of it.

A person who logs in by digest authentication needs a second one, the HA1 of RFC 7616: whoever reads it can log in at
that door, so it is kept only for people who were added with `login` (docs/decisions/0012).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from schemas.errors import AccessError
from schemas.tables import people

ROLES = ("enumerator", "statistician", "reviewer")
KEY_BYTES = 32
REALM = "Comunal"
"""What a phone shows when it asks for user and password; part of every HA1, so it never changes."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person with a role."""

    id: int
    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None = None

    @property
    def login(self) -> str:
        """The user name that belongs to the key, where a phone wants one."""
        return login_of(self.name, self.id)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person just added, with the key that nobody can see again."""

    id: int
    name: str
    role: str
    key: str = field(repr=False)

    @property
    def login(self) -> str:
        """As `Person.login`."""
        return login_of(self.name, self.id)


def login_of(name: str, number: int) -> str:
    """A user name of plain letters that is nobody else's: forms that ask for one save it with each interview.

    >>> login_of("María Ñuñez", 7), login_of("王", 8)
    ('maria-nunez-7', 'p-8')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return f"{re.sub('[^a-z0-9]+', '-', plain).strip('-') or 'p'}-{number}"


def ha1_of(login: str, key: str) -> str:
    """What digest authentication (RFC 7616, MD5: the algorithm that Collect surely knows) computes with."""
    return hashlib.md5(f"{login}:{REALM}:{key}".encode(), usedforsecurity=False).hexdigest()


def _digest(key: str) -> str:
    # A key has 256 random bits: nothing is gained by a slow digest.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def add_person(
    connection: Connection, name: str, role: str, at: datetime | None = None, *, login: bool = False
) -> NewPerson:
    """Add a person and make their key.

    Args:
        connection: of `Store.begin()`.
        name: as lists show it.
        role: one of `ROLES`.
        at: when, null for now.
        login: whether the person may also log in by digest, with `NewPerson.login` and the key as password.

    Raises:
        AccessError: ACC-002, no such role, or a blank name.
    """
    if role not in ROLES or not name.strip():
        message = f"A person needs a name and one of the roles {', '.join(ROLES)}; found the role {role!r}."
        raise AccessError("ACC-002", message, "Choose a role from the list.")
    key = secrets.token_urlsafe(KEY_BYTES)
    values = {"name": name.strip(), "role": role, "key_sha256": _digest(key), "created_at": at or datetime.now(UTC)}
    number = connection.execute(insert(people).values(**values).returning(people.c.id)).scalar_one()
    person = NewPerson(number, name.strip(), role, key)
    if login:
        ha1 = ha1_of(person.login, key)
        connection.execute(update(people).where(people.c.id == number).values(key_ha1=ha1))
    return person


_COLUMNS = (people.c.id, people.c.name, people.c.role, people.c.created_at, people.c.revoked_at)


def get_person_by_key(connection: Connection, key: str) -> Person | None:
    """Whose key it is; null if nobody's, or a revoked one."""
    query = select(*_COLUMNS).where(people.c.key_sha256 == _digest(key), people.c.revoked_at.is_(None))
    row = connection.execute(query).first()
    return None if row is None else Person(*row)


def get_login(connection: Connection, login: str) -> tuple[Person, str] | None:
    """The person who logs in under that name, and their HA1; null if nobody does, or a revoked one."""
    number = login.rpartition("-")[2]
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    query = select(*_COLUMNS, people.c.key_ha1).where(people.c.id == int(number), people.c.revoked_at.is_(None))
    row = connection.execute(query.where(people.c.key_ha1.is_not(None))).first()
    if row is None or Person(*row[:-1]).login != login:
        return None
    return Person(*row[:-1]), str(row[-1])


def get_person(connection: Connection, person_id: int) -> Person:
    """The person of that number.

    Raises:
        AccessError: ACC-003, there is no such person.
    """
    row = connection.execute(select(*_COLUMNS).where(people.c.id == person_id)).first()
    if row is None:
        raise _unknown(person_id)
    return Person(*row)


def list_people(connection: Connection) -> list[Person]:
    """Everybody, revoked ones too, in the order in which they were added."""
    return [Person(*row) for row in connection.execute(select(*_COLUMNS).order_by(people.c.id))]


def revoke_person(connection: Connection, person_id: int, at: datetime | None = None) -> None:
    """Make a person's key worthless from now on.

    Raises:
        AccessError: ACC-003, there is no such person.
    """
    where = (people.c.id == person_id, people.c.revoked_at.is_(None))
    connection.execute(update(people).where(*where).values(revoked_at=at or datetime.now(UTC)))
    if connection.execute(select(people.c.id).where(people.c.id == person_id)).first() is None:
        raise _unknown(person_id)


def _unknown(person_id: int) -> AccessError:
    return AccessError("ACC-003", f"There is no person with the number {person_id}.", "List the people first.")
