"""What each commune was shown of a release before its publication, and what it answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, insert, select

from schemas.commune_tables import confirmations, previews
from store.audit import record
from store.inserts import keyed_insert

Answer = Literal["confirmed", "objected"]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One preview.

    Attributes:
        release_id: which a release of the same interviews, form and code will have.
        communes: CUT codes, in their order.
        folder: below the data folder, a file a commune.
        interviews: accepted ones behind it.
    """

    release_id: str
    form_id: str
    communes: tuple[str, ...]
    folder: str
    interviews: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ConfirmationRow:
    """One answer of a commune to its figures."""

    release_id: str
    form_id: str
    commune: str
    answer: str
    reason: str
    person: str
    person_id: int | None
    created_at: datetime


def put_preview(
    connection: Connection,
    *,
    release_id: str,
    form_id: str,
    communes: Sequence[str],
    folder: str,
    interviews: int,
    at: datetime | None = None,
) -> None:
    """Keep that a preview was made; the same again changes nothing."""
    row: dict[str, object] = {"release_id": release_id, "form_id": form_id, "folder": folder}
    row |= {"communes": " ".join(communes)}
    row |= {"interviews": interviews, "created_at": at or datetime.now(UTC)}
    added = keyed_insert(connection, previews).on_conflict_do_nothing().returning(previews.c.id)
    if connection.execute(added, [row]).first() is not None:
        record(connection, "preview.make", "release", release_id, note=f"{len(communes)} communes", at=at)


def list_previews(connection: Connection, form_id: str) -> list[PreviewRow]:
    """The previews of a survey, oldest first."""
    columns = (previews.c[name] for name in PreviewRow.__slots__)
    query = select(*columns).where(previews.c.form_id == form_id).order_by(previews.c.id)
    return [PreviewRow(row[0], row[1], tuple(row[2].split()), *row[3:]) for row in connection.execute(query)]


def add_confirmation(
    connection: Connection,
    *,
    release_id: str,
    form_id: str,
    commune: str,
    answer: Answer,
    reason: str,
    person: str,
    person_id: int | None,
    at: datetime | None = None,
) -> None:
    """Write down what a commune says of its figures, here and in the audit log (there without the reason)."""
    row: dict[str, object] = {"release_id": release_id, "form_id": form_id, "commune": commune}
    row |= {"answer": answer, "reason": reason}
    row |= {"person": person, "person_id": person_id, "created_at": at or datetime.now(UTC)}
    connection.execute(insert(confirmations), [row])
    record(connection, f"preview.{answer}", "release", release_id, note=commune, at=at)


def list_confirmations(connection: Connection, form_id: str, commune: str | None = None) -> list[ConfirmationRow]:
    """What communes answered about the previews of a survey, oldest first; of one commune alone, if given."""
    columns = (confirmations.c[name] for name in ConfirmationRow.__slots__)
    query = select(*columns).where(confirmations.c.form_id == form_id).order_by(confirmations.c.id)
    if commune is not None:
        query = query.where(confirmations.c.commune == commune)
    return [ConfirmationRow(*row) for row in connection.execute(query)]
