"""Sessions of people: opened with a name and a password or key, good for a day while in use, closed at will."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from schemas.central_tables import sessions
from schemas.tables import people
from store.audit import person_actor, record
from store.people import PERSON_COLUMNS, Person, to_person

LIFETIME = timedelta(hours=24)
"""After so long a session ends, however much it is used."""

IDLE = timedelta(hours=2)
"""A session that isn't used for so long has ended."""

TOUCHED = timedelta(minutes=1)
"""The time of use is kept so exactly, so that reading seldom writes."""

TOKEN_BYTES = 48


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just opened, with the token that nobody can see again."""

    created_at: datetime
    expires_at: datetime
    token: str = field(repr=False)


def _digest(token: str) -> str:
    # A token has 384 random bits: nothing is gained by a slow digest.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def add_session(connection: Connection, person: Person, at: datetime | None = None, *, client: str = "") -> NewSession:
    """Open a session of a person; sessions that have ended are forgotten on the way."""
    at = at or datetime.now(UTC)
    used = func.coalesce(sessions.c.used_at, sessions.c.created_at)
    connection.execute(delete(sessions).where((sessions.c.expires_at <= at) | (used <= at - IDLE)))
    session = NewSession(at, at + LIFETIME, secrets.token_urlsafe(TOKEN_BYTES))
    row = {"token_sha256": _digest(session.token), "person_id": person.id}
    connection.execute(insert(sessions).values(**row, created_at=at, expires_at=session.expires_at))
    record(connection, "login", "person", person.id, by=person_actor(person.id, client), at=at)
    return session


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is good now; `used_at`: when it was last used, to the minute."""

    person: Person
    created_at: datetime
    expires_at: datetime
    used_at: datetime


def get_session(connection: Connection, token: str, at: datetime | None = None) -> Session | None:
    """The session of that token; null if there is none, if it has ended, or if the person was revoked."""
    at = at or datetime.now(UTC)
    columns = (*PERSON_COLUMNS, sessions.c.created_at, sessions.c.expires_at, sessions.c.used_at)
    query = select(*columns).select_from(sessions.join(people)).where(people.c.revoked_at.is_(None))
    row = connection.execute(query.where(sessions.c.token_sha256 == _digest(token))).first()
    if row is None:
        return None
    created_at, expires_at, used_at = row[-3:]
    session = Session(to_person(row), created_at, expires_at, used_at or created_at)
    return session if at < session.expires_at and at < session.used_at + IDLE else None


def get_person_by_token(connection: Connection, token: str, at: datetime | None = None) -> Person | None:
    """As `get_session`, the person alone."""
    session = get_session(connection, token, at)
    return None if session is None else session.person


def mark_used(connection: Connection, token: str, at: datetime | None = None) -> None:
    """Keep a session from ending for lack of use; worth it once `used_at` is `TOUCHED` ago."""
    where = sessions.c.token_sha256 == _digest(token)
    connection.execute(update(sessions).where(where).values(used_at=at or datetime.now(UTC)))


def end_session(connection: Connection, token: str) -> bool:
    """Make a token worthless from now on; whether there was such a session."""
    where = sessions.c.token_sha256 == _digest(token)
    person_id = connection.scalar(delete(sessions).where(where).returning(sessions.c.person_id))
    if person_id is not None:
        record(connection, "logout", "person", person_id)
    return person_id is not None
