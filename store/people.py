"""People and the keys of their phones. A key is shown once; the store keeps only its digest."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from schemas.errors import AccessError
from schemas.tables import people

ROLES = ("enumerator", "statistician", "reviewer")
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Person:
    """A person with a role."""

    id: int
    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person just added, with the key that nobody can see again."""

    id: int
    name: str
    role: str
    key: str = field(repr=False)


def _digest(key: str) -> str:
    # A key has 256 random bits: nothing is gained by a slow digest.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def add_person(connection: Connection, name: str, role: str, at: datetime | None = None) -> NewPerson:
    """Add a person and make their key.

    Raises:
        AccessError: ACC-002, no such role, or a blank name.
    """
    if role not in ROLES or not name.strip():
        message = f"A person needs a name and one of the roles {', '.join(ROLES)}; found the role {role!r}."
        raise AccessError("ACC-002", message, "Choose a role from the list.")
    key = secrets.token_urlsafe(KEY_BYTES)
    values = {"name": name.strip(), "role": role, "key_sha256": _digest(key), "created_at": at or datetime.now(UTC)}
    number = connection.execute(insert(people).values(**values).returning(people.c.id)).scalar_one()
    return NewPerson(number, name.strip(), role, key)


_COLUMNS = (people.c.id, people.c.name, people.c.role, people.c.created_at, people.c.revoked_at)


def get_person_by_key(connection: Connection, key: str) -> Person | None:
    """Whose key it is; null if nobody's, or a revoked one."""
    query = select(*_COLUMNS).where(people.c.key_sha256 == _digest(key), people.c.revoked_at.is_(None))
    row = connection.execute(query).first()
    return None if row is None else Person(*row)


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
        raise AccessError("ACC-003", f"There is no person with the number {person_id}.", "List the people first.")
