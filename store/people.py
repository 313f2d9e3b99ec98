"""People and the keys of their phones. A key is shown once; the store keeps only digests of it.

A person who logs in by digest authentication needs a second one, the HA1 of RFC 7616: whoever reads it can log in at
that door, so it is kept only for people who were added with `login` (docs/decisions/0012).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from schemas.central_tables import sessions
from schemas.communes import find_commune
from schemas.errors import AccessError
from schemas.rights import RIGHTS, ROLES
from schemas.tables import people
from store.audit import record

KEY_BYTES = 32
REALM = "Comunal"
"""What a phone shows when it asks for user and password; part of every HA1, so it never changes."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person with a role.

    Attributes:
        communes: CUT codes of the communes in which the role counts; empty means all (`schemas.rights`).
        has_password: whether they may log in with one.
    """

    id: int
    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None = None
    communes: frozenset[str] = frozenset()
    has_password: bool = False

    @property
    def login(self) -> str:
        """The user name that belongs to the key, where a phone wants one."""
        return login_of(self.name, self.id)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person with a key just made, that nobody can see again."""

    id: int
    name: str
    role: str
    key: str = field(repr=False)
    communes: frozenset[str] = frozenset()

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


def new_key() -> str:
    """A key that nobody has had."""
    return secrets.token_urlsafe(KEY_BYTES)


def add_person(
    connection: Connection,
    name: str,
    role: str,
    at: datetime | None = None,
    *,
    login: bool = False,
    communes: Collection[str] = (),
) -> NewPerson:
    """Add a person and make their key.

    Args:
        connection: of `Store.begin()`.
        name: as lists show it.
        role: one of `ROLES`.
        at: when, null for now.
        login: whether the person's phone may also log in by digest, with `NewPerson.login` and the key as password.
        communes: CUT codes in which the role counts, none for everywhere.

    Raises:
        AccessError: ACC-002, no such role, or a blank name; ACC-005, no such commune.
    """
    _check(name, role, communes)
    values = {"name": name.strip(), "role": role, "communes": _joined(communes), "created_at": at or datetime.now(UTC)}
    key = new_key()
    values["key_sha256"] = _digest(key)
    number = connection.execute(insert(people).values(**values).returning(people.c.id)).scalar_one()
    person = NewPerson(number, name.strip(), role, key, frozenset(communes))
    if login:
        ha1 = ha1_of(person.login, key)
        connection.execute(update(people).where(people.c.id == number).values(key_ha1=ha1))
    record(connection, "person.add", "person", number, note=f"{role} {_joined(communes)}".strip(), at=at)
    return person


def _check(name: str, role: str, communes: Collection[str]) -> None:
    if role not in ROLES or not name.strip():
        message = f"A person needs a name and one of the roles {', '.join(ROLES)}; found the role {role!r}."
        raise AccessError("ACC-002", message, "Choose a role from the list.")
    if unknown := [cut for cut in communes if find_commune(cut) is None]:
        message = f"There is no commune with the code {', '.join(unknown)}; expected CUT codes of five digits."
        raise AccessError("ACC-005", message, "Look it up in INE's list of communes (CUT).")


def _joined(communes: Collection[str]) -> str:
    return " ".join(sorted(set(communes)))


PERSON_COLUMNS = (
    people.c.id,
    people.c.name,
    people.c.role,
    people.c.created_at,
    people.c.revoked_at,
    people.c.communes,
    people.c.password_hash.is_not(None).label("has_password"),
)


def to_person(row: Row[*tuple[Any, ...]]) -> Person:
    """The person of a row that begins with `PERSON_COLUMNS`."""
    number, name, role, created_at, revoked_at, communes, has_password = row[: len(PERSON_COLUMNS)]
    return Person(number, name, role, created_at, revoked_at, frozenset(communes.split()), bool(has_password))


def get_person_by_key(connection: Connection, key: str) -> Person | None:
    """Whose key it is; null if nobody's, or a revoked one."""
    query = select(*PERSON_COLUMNS).where(people.c.key_sha256 == _digest(key), people.c.revoked_at.is_(None))
    row = connection.execute(query).first()
    return None if row is None else to_person(row)


def get_login(connection: Connection, login: str) -> tuple[Person, str] | None:
    """The person whose phone logs in under that name, and their HA1; null if nobody's does, or a revoked one's."""
    number = login.rpartition("-")[2]
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    query = select(*PERSON_COLUMNS, people.c.key_ha1).where(people.c.id == int(number), people.c.revoked_at.is_(None))
    row = connection.execute(query.where(people.c.key_ha1.is_not(None))).first()
    if row is None or to_person(row).login != login:
        return None
    return to_person(row), str(row[-1])


def get_person(connection: Connection, person_id: int) -> Person:
    """The person of that number.

    Raises:
        AccessError: ACC-003, there is no such person.
    """
    row = connection.execute(select(*PERSON_COLUMNS).where(people.c.id == person_id)).first()
    if row is None:
        raise AccessError("ACC-003", f"There is no person with the number {person_id}.", "List the people first.")
    return to_person(row)


def list_people(connection: Connection) -> list[Person]:
    """Everybody, revoked ones too, in the order in which they were added."""
    return [to_person(row) for row in connection.execute(select(*PERSON_COLUMNS).order_by(people.c.id))]


def revoke_person(connection: Connection, person_id: int, at: datetime | None = None) -> None:
    """Make a person's key, password and sessions worthless from now on; what they did stays.

    Raises:
        AccessError: ACC-003, there is no such person.
    """
    if get_person(connection, person_id).revoked_at is not None:
        return
    _change(connection, person_id, revoked_at=at or datetime.now(UTC))
    record(connection, "person.revoke", "person", person_id, at=at)


def renew_key(
    connection: Connection, person_id: int, *, key: str | None = None, login: bool = False, at: datetime | None = None
) -> NewPerson:
    """Give a person another key; the old one, and sessions opened with it, are worthless from now on.

    Args:
        connection: of `Store.begin()`.
        person_id: whose.
        key: from `new_key`, for whoever had to write it down before; null makes one.
        login: as of `add_person`.
        at: when, null for now.

    Raises:
        AccessError: ACC-003, there is no such person; ACC-009, the person was revoked.
    """
    person = _in_force(connection, person_id)
    key = key or new_key()
    ha1 = ha1_of(person.login, key) if login else None
    _change(connection, person_id, key_sha256=_digest(key), key_ha1=ha1)
    record(connection, "person.key", "person", person_id, at=at)
    return NewPerson(person.id, person.name, person.role, key, person.communes)


def set_role(connection: Connection, person_id: int, role: str, at: datetime | None = None) -> None:
    """Give a person another role, from the next request on. Whoever no longer logs in loses the password.

    Raises:
        AccessError: ACC-002, no such role; ACC-003, there is no such person; ACC-009, the person was revoked.
    """
    person = _in_force(connection, person_id)
    _check(person.name, role, ())
    lost = {} if (role, "log_in") in RIGHTS else {"password_hash": None}
    _change(connection, person_id, role=role, **lost)
    record(connection, "person.role", "person", person_id, note=f"{person.role} -> {role}", at=at)


def set_communes(connection: Connection, person_id: int, communes: Collection[str], at: datetime | None = None) -> None:
    """Bind a person to these communes and no others, none for everywhere; from the next request on.

    Raises:
        AccessError: ACC-003, there is no such person; ACC-005, no such commune; ACC-009, the person was revoked.
    """
    person = _in_force(connection, person_id)
    _check(person.name, person.role, communes)
    connection.execute(update(people).where(people.c.id == person_id).values(communes=_joined(communes)))
    note = f"{_joined(person.communes) or 'all'} -> {_joined(communes) or 'all'}"
    record(connection, "person.communes", "person", person_id, note=note, at=at)


def _in_force(connection: Connection, person_id: int) -> Person:
    person = get_person(connection, person_id)
    if person.revoked_at is not None:
        message = f"The person with the number {person_id} was revoked."
        raise AccessError("ACC-009", message, "Add the person again: a revoked one stays revoked.")
    return person


def _change(connection: Connection, person_id: int, **values: object) -> None:
    """Change what a person may do, and end their sessions."""
    connection.execute(update(people).where(people.c.id == person_id).values(**values))
    connection.execute(delete(sessions).where(sessions.c.person_id == person_id))
