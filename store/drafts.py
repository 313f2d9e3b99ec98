"""Drafts of form versions: written over and over, until one is registered for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select

from schemas.central_tables import form_draft_media, form_drafts
from schemas.errors import StoreError
from store.audit import record
from store.blobs import Blobs


@dataclass(frozen=True, slots=True)
class DraftFile:
    """One media file of a draft."""

    name: str
    sha256: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FormDraft:
    """A form version in the making; `workbook_sha256` is null for one that came as an XForm."""

    form_id: str
    version: str
    title: str
    xform_sha256: str
    workbook_sha256: str | None
    person_id: int
    created_at: datetime
    media: tuple[DraftFile, ...] = ()


def put_draft(
    connection: Connection,
    blobs: Blobs,
    *,
    form_id: str,
    version: str,
    title: str,
    xform: bytes,
    workbook: bytes | None,
    media: Mapping[str, bytes],
    person_id: int,
    at: datetime | None = None,
) -> FormDraft:
    """Make or replace the draft of a form."""
    at = at or datetime.now(UTC)
    _drop(connection, form_id)
    held = blobs.hold(xform)
    book = None if workbook is None else blobs.hold(workbook)
    blobs.put(connection, [held, *([book] if book else [])], at)
    row: dict[str, str | None] = {"form_id": form_id, "version": version, "title": title}
    row |= {"xform_sha256": held.sha256, "workbook_sha256": book.sha256 if book else None}
    connection.execute(insert(form_drafts).values(**row, person_id=person_id, created_at=at))
    for name, data in media.items():
        _put_file(connection, blobs, form_id, name, data, at)
    record(connection, "draft.put", "form", form_id, note=f"version {version}".strip(), at=at)
    return get_draft(connection, form_id)


def put_draft_file(
    connection: Connection, blobs: Blobs, form_id: str, name: str, data: bytes, at: datetime | None = None
) -> DraftFile:
    """Give a draft a media file, or replace the one of that name."""
    file = _put_file(connection, blobs, form_id, name, data, at or datetime.now(UTC))
    record(connection, "draft.file", "form", form_id, at=at)
    return file


def _put_file(connection: Connection, blobs: Blobs, form_id: str, name: str, data: bytes, at: datetime) -> DraftFile:
    held = blobs.hold(data)
    blobs.put(connection, [held], at)
    where = (form_draft_media.c.form_id == form_id, form_draft_media.c.name == name)
    connection.execute(delete(form_draft_media).where(*where))
    row = {"form_id": form_id, "name": name, "sha256": held.sha256, "updated_at": at}
    connection.execute(insert(form_draft_media).values(**row))
    return DraftFile(name, held.sha256, at)


def list_drafts(connection: Connection) -> list[FormDraft]:
    """Every draft, in order of form id."""
    ids = connection.scalars(select(form_drafts.c.form_id).order_by(form_drafts.c.form_id))
    return [get_draft(connection, form_id) for form_id in list(ids)]


def get_draft(connection: Connection, form_id: str) -> FormDraft:
    """The draft of a form.

    Raises:
        StoreError: STO-021, it has none.
    """
    row = connection.execute(select(form_drafts).where(form_drafts.c.form_id == form_id)).first()
    if row is None:
        raise StoreError("STO-021", f"Form {form_id!r} has no draft.", "Make one first.")
    query = select(form_draft_media.c.name, form_draft_media.c.sha256, form_draft_media.c.updated_at)
    query = query.where(form_draft_media.c.form_id == form_id).order_by(form_draft_media.c.name)
    return FormDraft(**row._mapping, media=tuple(DraftFile(*found) for found in connection.execute(query)))


def drop_draft(connection: Connection, form_id: str) -> None:
    """Forget the draft of a form, if it has one."""
    if _drop(connection, form_id):
        record(connection, "draft.drop", "form", form_id)


def _drop(connection: Connection, form_id: str) -> bool:
    connection.execute(delete(form_draft_media).where(form_draft_media.c.form_id == form_id))
    return connection.execute(delete(form_drafts).where(form_drafts.c.form_id == form_id)).rowcount > 0
