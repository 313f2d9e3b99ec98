"""Releases that were made: never rewritten, only approved, superseded or withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from schemas.errors import StoreError
from schemas.tables import releases
from store.audit import PROGRAM, current_actor, record
from store.inserts import keyed_insert

STATES = ("draft", "approved", "superseded", "withdrawn")


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One release.

    Attributes:
        folder: where its files are.
        sha256: digest of its contents, as its own record gives it.
        details: what its maker wants to keep with it (no answers); `made_by`: who made it, as the audit log names
            them, where it was no program by itself.
        state: see `STATES`; state_by and state_at: who set it and when, null for the first; state_reason: why, in
            words that are shown with the release, null where none is asked for.
    """

    release_id: str
    form_id: str
    folder: str
    sha256: str
    state: str
    created_at: datetime
    state_by: str | None = None
    state_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    state_reason: str | None = None


_COLUMNS = (
    *("release_id", "form_id", "folder", "sha256", "state", "created_at", "state_by", "state_at", "details"),
    "state_reason",
)


def add_release(
    connection: Connection,
    *,
    release_id: str,
    form_id: str,
    folder: str,
    sha256: str,
    details: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> ReleaseRow:
    """Register a release as a draft; the same again is the same row.

    Raises:
        StoreError: STO-017, the id is taken by a release with other contents.
    """
    values: dict[str, Any] = {
        "release_id": release_id,
        "form_id": form_id,
        "folder": folder,
        "sha256": sha256,
        "state": "draft",
    }
    maker = current_actor()
    told = {} if maker == PROGRAM else {"made_by": maker.who}
    values |= {"details": {**told, **(details or {})}, "created_at": at or datetime.now(UTC)}
    added = keyed_insert(connection, releases).on_conflict_do_nothing(index_elements=["release_id"])
    if connection.scalar(added.returning(releases.c.id), values) is not None:
        record(connection, "release.add", "release", release_id, note=f"sha256 {sha256}", at=at)
    row = get_release(connection, release_id)
    if row.sha256 != sha256 or row.form_id != form_id:
        message = f"The release {release_id!r} exists and has other contents."
        raise StoreError("STO-017", message, "A release is never rewritten: make a new one.")
    return row


def _query() -> Any:  # noqa: ANN401  # a select of nine columns has no type that fits a line
    return select(*(releases.c[name] for name in _COLUMNS)).order_by(releases.c.id)


def get_release(connection: Connection, release_id: str) -> ReleaseRow:
    """One release.

    Raises:
        StoreError: STO-018, there is none of that id.
    """
    row = connection.execute(_query().where(releases.c.release_id == release_id)).first()
    if row is None:
        raise StoreError("STO-018", f"There is no release {release_id!r}.", "List the releases first.")
    return ReleaseRow(**row._mapping)


def list_releases(connection: Connection, form_id: str | None = None) -> list[ReleaseRow]:
    """Every release, of one form or of all, oldest first."""
    query = _query()
    if form_id is not None:
        query = query.where(releases.c.form_id == form_id)
    return [ReleaseRow(**row._mapping) for row in connection.execute(query)]


def get_latest(connection: Connection, form_id: str) -> ReleaseRow | None:
    """The newest release of a form that wasn't superseded or withdrawn, null if there is none."""
    standing = [row for row in list_releases(connection, form_id) if row.state in {"draft", "approved"}]
    return standing[-1] if standing else None


def set_release_state(
    connection: Connection, release_id: str, state: str, person: str, at: datetime | None = None, *, reason: str = ""
) -> None:
    """Approve, supersede or withdraw a release; who, when and why is kept.

    Raises:
        StoreError: STO-018, there is no such release; STO-019, no such state.
    """
    former = get_release(connection, release_id).state
    if state not in STATES:
        raise StoreError("STO-019", f"A release is never {state!r}.", f"Use one of {', '.join(STATES)}.")
    values: dict[str, Any] = {"state": state, "state_by": person, "state_at": at or datetime.now(UTC)}
    values["state_reason"] = reason.strip() or None
    connection.execute(update(releases).where(releases.c.release_id == release_id).values(**values))
    record(connection, "release.state", "release", release_id, note=f"{former} -> {state}", at=at)
