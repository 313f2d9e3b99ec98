"""Sessions of people at the Central API: opened by name and key, good for a day, closed at will."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from schemas.central_tables import sessions
from schemas.tables import people
from store.people import Person

LIFETIME = timedelta(hours=24)
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


def add_session(connection: Connection, person: Person, at: datetime | None = None) -> NewSession:
    """Open a session of a person; sessions that have expired are forgotten on the way."""
    at = at or datetime.now(UTC)
    connection.execute(delete(sessions).where(sessions.c.expires_at <= at))
    session = NewSession(at, at + LIFETIME, secrets.token_urlsafe(TOKEN_BYTES))
    row = {"token_sha256": _digest(session.token), "person_id": person.id}
    connection.execute(insert(sessions).values(**row, created_at=at, expires_at=session.expires_at))
    return session


def get_person_by_token(connection: Connection, token: str, at: datetime | None = None) -> Person | None:
    """Whose session it is; null if nobody's, if it has expired, or if the person's key was revoked."""
    columns = (people.c.id, people.c.name, people.c.role, people.c.created_at, people.c.revoked_at)
    query = select(*columns).select_from(sessions.join(people))
    query = query.where(sessions.c.token_sha256 == _digest(token), sessions.c.expires_at > (at or datetime.now(UTC)))
    row = connection.execute(query.where(people.c.revoked_at.is_(None))).first()
    return None if row is None else Person(*row)


def end_session(connection: Connection, token: str) -> bool:
    """Make a token worthless from now on; whether there was such a session."""
    return connection.execute(delete(sessions).where(sessions.c.token_sha256 == _digest(token))).rowcount > 0
