"""The audit log: who did what to what, when and from where. It only grows, and each row seals the one before it.

Whoever changes, removes or slips in a row breaks the chain from there on, and `check_log` says where. What the chain
alone can't show is a log cut off at its end: keep the digest that `check_log` gives somewhere else, and compare.

Functions of this room that change something record it themselves, in the same transaction; who acts is said once at
the edge, with `acting`. Submissions aren't recorded here: their own table is that log, and receiving stays quick.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select, text

from schemas.audit_tables import audit_log

FIRST = "0" * 64
"""What the first row has for the digest of the one before it."""

_LOCK_NUMBER = 7_206_201_127  # any number, the same for every Comunal on that server
_MOST = 300


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where.

    Attributes:
        who: "person 7", "operator NAME", "nobody", "comunal".
        client: address and program, "" if it is no client's doing.
    """

    who: str
    client: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act; see `schemas.audit_tables.audit_log`."""

    id: int
    at: datetime
    who: str
    act: str
    kind: str
    object: str
    outcome: str
    note: str
    client: str
    former_sha256: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LogCheck:
    """How the chain stands.

    Attributes:
        rows: how many there are.
        broken_at: number of the first row that doesn't fit, null if all do.
        sha256: digest of the last row: what to keep elsewhere.
    """

    rows: int
    broken_at: int | None
    sha256: str


PROGRAM = Actor("comunal")
"""Who acts where nobody said who does."""

_actor: ContextVar[Actor] = ContextVar("comunal_actor", default=PROGRAM)


def person_actor(person_id: int, client: str = "") -> Actor:
    """A person as the log names them."""
    return Actor(f"person {person_id}", client)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Whatever is recorded inside the block was done by `actor`, in threads that are started from it too."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor() -> Actor:
    """Who acts now, as `acting` said; a program of ours if nobody said."""
    return _actor.get()


def _plain(value: str) -> str:
    """Text that both databases keep as it is: clients send anything as their name."""
    printable = "".join(sign if sign.isprintable() else "?" for sign in value)
    return printable.encode("utf-8", "replace").decode("utf-8")[:_MOST]


def seal(row: AuditRow) -> str:
    """The digest of a row: of its content, its number and the digest of the row before it."""
    content = [row.id, row.at.astimezone(UTC).isoformat(timespec="microseconds"), row.who, row.act, row.kind]
    content += [row.object, row.outcome, row.note, row.client, row.former_sha256]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")).hexdigest()


def record(
    connection: Connection,
    act: str,
    kind: str = "",
    object_id: object = "",
    *,
    outcome: str = "done",
    note: str = "",
    by: Actor | None = None,
    at: datetime | None = None,
) -> AuditRow:
    """Write one act down, durable with the transaction that it belongs to.

    Args:
        connection: of `Store.begin()`. Record late in the transaction: others that record wait for its end.
        act: "person.add", "form.state", "personal.read": the thing and what was done to it.
        kind: of the object: person, form, interview, release, list, ...
        object_id: its id, never a name or an answer.
        outcome: "done", or "refused".
        note: words of the program (a state, a role, a count), never an answer of a respondent or words of a person.
        by: who; null is whoever `acting` says.
        at: when, null for now.
    """
    actor = by or _actor.get()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
    # SQLite: the transaction has the one write lock already.
    last = connection.execute(select(audit_log.c.id, audit_log.c.sha256).order_by(audit_log.c.id.desc()).limit(1))
    number, former = last.first() or (0, FIRST)
    words = {"who": actor.who, "act": act, "kind": kind, "object": str(object_id), "outcome": outcome}
    words |= {"note": note, "client": actor.client}
    plain = {name: _plain(value) for name, value in words.items()}
    unsealed = AuditRow(number + 1, at or datetime.now(UTC), **plain, former_sha256=former, sha256="")
    values = {name: getattr(unsealed, name) for name in AuditRow.__slots__} | {"sha256": seal(unsealed)}
    connection.execute(insert(audit_log).values(**values))
    return AuditRow(**values)


_COLUMNS = tuple(audit_log.c[name] for name in AuditRow.__slots__)


def list_log(
    connection: Connection,
    *,
    who: str = "",
    act: str = "",
    kind: str = "",
    object_id: str = "",
    since: datetime | None = None,
    last: int | None = None,
) -> list[AuditRow]:
    """Rows of the log, oldest first.

    Args:
        connection: of `Store.read()`.
        who: only theirs, "" for everybody's.
        act: only these: "person" is also "person.add" and so on.
        kind: only of such things.
        object_id: only of this one.
        since: only from then on.
        last: only so many, the latest.
    """
    query = select(*_COLUMNS)
    if act:
        query = query.where((audit_log.c.act == act) | audit_log.c.act.startswith(f"{act}.", autoescape=True))
    for column, value in ((audit_log.c.who, who), (audit_log.c.kind, kind), (audit_log.c.object, object_id)):
        if value:
            query = query.where(column == value)
    if since is not None:
        query = query.where(audit_log.c.at >= since)
    found = connection.execute(query.order_by(audit_log.c.id.desc()).limit(last))
    return [AuditRow(*row) for row in found][::-1]


def check_log(connection: Connection) -> LogCheck:
    """Whether every row is where and what it was when it was written."""
    former, number = FIRST, 0
    rows = connection.execute(select(*_COLUMNS).order_by(audit_log.c.id).execution_options(yield_per=1000))
    for found in rows:
        row = AuditRow(*found)
        if row.id != number + 1 or row.former_sha256 != former or seal(row) != row.sha256:
            rows.close()
            count = connection.scalar(select(func.count()).select_from(audit_log)) or 0
            return LogCheck(int(count), number + 1, former)
        former, number = row.sha256, row.id
    return LogCheck(number, None, former)
