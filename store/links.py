"""Links under which a form is answered in a browser, without an enumerator or an account.

A link's token stands in its address and nowhere in the store. A link for one person is good for one interview; which
interview that was can be told only by whoever has the link itself (docs/decisions/0016).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from schemas.door_tables import web_links
from schemas.errors import AccessError
from schemas.text import LANGUAGES
from store.audit import record

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Nothing that looks like something else on paper; capitals are taken for small letters."""

GROUPS, LETTERS = 4, 5
"""Four groups of five letters: 99 random bits, which nobody guesses, and which can be copied by hand."""

CLAIM_LASTS = timedelta(minutes=10)
"""How long one interview that is being stored keeps others from using its link."""


@dataclass(frozen=True, slots=True)
class WebLink:
    """One link.

    Attributes:
        is_single: for one person, good for one interview.
        language: in which its page opens.
        received: interviews that came by it.
        used_on: day of the last of them.
    """

    id: int
    form_id: str
    language: str
    is_single: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    received: int
    used_on: date | None

    def state(self, at: datetime) -> str:
        """Whether it can be used: open, used, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        if self.is_single and self.received:
            return "used"
        return "expired" if self.expires_at is not None and self.expires_at <= at else "open"


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link just made, with the token that nobody can see again."""

    id: int
    token: str = field(repr=False)


def make_token() -> str:
    """A new token."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(GROUPS))


def _digest(text: str) -> str:
    # Tokens are random: nothing is gained by a slow digest.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def add_links(
    connection: Connection,
    form_id: str,
    count: int,
    *,
    is_single: bool,
    language: str,
    expires_at: datetime | None = None,
    at: datetime | None = None,
) -> list[NewLink]:
    """Make links to a form.

    Args:
        connection: of `Store.begin()`.
        form_id: of a form that is registered.
        count: how many.
        is_single: whether each is for one person and good for one interview.
        language: es, ht or en.
        expires_at: when they end, null for never.
        at: when, null for now.

    Raises:
        AccessError: ACC-021, fewer than one, another language, or an end that is past.
    """
    at = at or datetime.now(UTC)
    if count < 1 or language not in LANGUAGES or (expires_at is not None and expires_at <= at):
        message = f"Found {count} links in the language {language!r} until {expires_at or 'for ever'}."
        advice = f"Make one or more, in one of {', '.join(LANGUAGES)}, with an end that lies ahead."
        raise AccessError("ACC-021", message, advice)
    made = []
    for _ in range(count):
        token = make_token()
        values = {"form_id": form_id, "token_sha256": _digest(token), "language": language, "is_single": is_single}
        row = insert(web_links).values(**values, created_at=at, expires_at=expires_at, received=0)
        made.append(NewLink(connection.execute(row.returning(web_links.c.id)).scalar_one(), token))
    record(connection, "link.add", "form", form_id, note=f"{count} links", at=at)
    return made


_COLUMNS = tuple(web_links.c[name] for name in WebLink.__dataclass_fields__)


def get_link(connection: Connection, token: str) -> WebLink | None:
    """The link with that token, in whatever state; null if nobody made it."""
    row = connection.execute(select(*_COLUMNS).where(web_links.c.token_sha256 == _digest(token.lower()))).first()
    return None if row is None else WebLink(*row)


def list_links(connection: Connection, form_id: str | None = None) -> list[WebLink]:
    """Every link, or those of one form, in the order in which they were made."""
    query = select(*_COLUMNS).order_by(web_links.c.id)
    if form_id is not None:
        query = query.where(web_links.c.form_id == form_id)
    return [WebLink(*row) for row in connection.execute(query)]


def revoke_links(connection: Connection, ids: list[int], at: datetime | None = None) -> None:
    """Make links worthless from now on; what came by them stays.

    Raises:
        AccessError: ACC-022, one of them doesn't exist; then none is revoked.
    """
    known = set(connection.scalars(select(web_links.c.id).where(web_links.c.id.in_(ids))))
    if missing := sorted(set(ids) - known):
        message = f"There is no link with the number {', '.join(map(str, missing))}."
        raise AccessError("ACC-022", message, "List the links first: comunal links list.")
    where = (web_links.c.id.in_(ids), web_links.c.revoked_at.is_(None))
    connection.execute(update(web_links).where(*where).values(revoked_at=at or datetime.now(UTC)))
    for number in sorted(known):
        record(connection, "link.revoke", "link", number, at=at)


# ------------------------------------------------------------------------------------------ one person, one interview


def _claim(token: str, instance_id: str) -> str:
    return _digest(f"{token.lower()} {instance_id}")


def _of(token: str) -> ColumnElement[bool]:
    return web_links.c.token_sha256 == _digest(token.lower())


def claim_link(connection: Connection, token: str, instance_id: str, at: datetime | None = None) -> bool:
    """Take a link for one person for an interview that is about to be stored; whether it may be.

    The same interview may come as often as it likes. Another may not, once one is stored or while one is being stored.
    """
    at = at or datetime.now(UTC)
    claim = _claim(token, instance_id)
    is_free = or_(web_links.c.claimed_at.is_(None), web_links.c.claimed_at < at - CLAIM_LASTS)
    is_ours_or_free = or_(web_links.c.claim_sha256 == claim, is_free)
    unused = update(web_links).where(_of(token), web_links.c.received == 0, is_ours_or_free)
    if connection.execute(unused.values(claim_sha256=claim, claimed_at=at)).rowcount:
        return True
    # Its interview is stored: the same may come again, and nothing is noted of when.
    return connection.scalar(select(web_links.c.claim_sha256).where(_of(token))) == claim


def release_link(connection: Connection, token: str, instance_id: str) -> None:
    """Give a link back that was taken for an interview which could not be stored."""
    where = (_of(token), web_links.c.claim_sha256 == _claim(token, instance_id), web_links.c.received == 0)
    connection.execute(update(web_links).where(*where).values(claim_sha256=None, claimed_at=None))


def count_use(connection: Connection, token: str, at: datetime | None = None) -> None:
    """Note that an interview came by a link and is stored: how many, and on which day."""
    today = (at or datetime.now(UTC)).date()
    used = update(web_links).where(_of(token))
    connection.execute(used.values(received=web_links.c.received + 1, used_on=today, claimed_at=None))
