"""Versions of forms: registered once, never changed, offered until they are closed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from schemas.errors import StoreError
from schemas.tables import form_media, form_versions
from store.audit import record
from store.blobs import Blobs, Content
from store.inserts import keyed_insert

STATES = ("open", "closing", "closed")
"""open: offered and accepted; closing: no longer offered, still accepted; closed: refused."""


@dataclass(frozen=True, slots=True)
class FormMediaRow:
    """One media file of a form version."""

    name: str
    sha256: str
    md5: str


@dataclass(frozen=True, slots=True)
class FormVersionRow:
    """One registered version of a form.

    Attributes:
        id: rises in order of registration.
        version: "" for a form without versions.
        xform_md5: lower-case hex MD5 of the exact bytes of the XForm.
        workbook_sha256: null if it was registered without its workbook.
        state: see `STATES`.
        media: in order of name.
        commune: CUT that its design sheet names, "" if none.
    """

    id: int
    form_id: str
    version: str
    title: str
    xform_md5: str
    xform_sha256: str
    workbook_sha256: str | None
    state: str
    created_at: datetime
    media: tuple[FormMediaRow, ...] = ()
    commune: str = ""


def _md5(data: bytes) -> str:
    # OpenRosa's clients compare MD5; nothing is secured by it.
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def add_form_version(
    connection: Connection,
    blobs: Blobs,
    *,
    form_id: str,
    version: str,
    title: str,
    xform: bytes,
    workbook: bytes | None,
    media: Mapping[str, bytes],
    at: datetime | None = None,
    commune: str = "",
) -> FormVersionRow:
    """Register a version of a form; the same again is the same row.

    Args:
        connection: of `Store.begin()`.
        blobs: of the store.
        form_id: the root's id.
        version: the root's version, "" if it has none.
        title: what people see in the list of forms.
        xform: the bytes that phones will get, unchanged.
        workbook: the compiled .xlsx, null if there is none. An .xlsx differs at each writing, so a second
            registration with an equal XForm and equal media keeps the first one's workbook.
        media: file name -> bytes.
        at: when, null for now.
        commune: CUT that the design sheet names, "" if none; the same version again may tell it later.

    Raises:
        StoreError: STO-010, the version is registered with another XForm or other media: phones already have those.
    """
    at = at or datetime.now(UTC)
    held = {name: blobs.hold(data) for name, data in media.items()}
    contents = [blobs.hold(xform), *held.values()]
    book: Content | None = None if workbook is None else blobs.hold(workbook)
    values = {
        "form_id": form_id,
        "version": version,
        "title": title,
        "xform_sha256": contents[0].sha256,
        "xform_md5": _md5(xform),
        "workbook_sha256": book.sha256 if book else None,
        "state": "open",
        "created_at": at,
        "commune": commune,
    }
    blobs.put(connection, [*contents, *([book] if book else [])], at)
    key = keyed_insert(connection, form_versions).on_conflict_do_nothing(index_elements=["form_id", "version"])
    added = connection.execute(key.values(values).returning(form_versions.c.id)).scalar_one_or_none()
    if added is not None and media:
        rows = [
            {"form_version_id": added, "name": name, "sha256": content.sha256, "md5": _md5(media[name])}
            for name, content in held.items()
        ]
        connection.execute(insert(form_media), rows)
    row = get_form_version(connection, form_id, version)
    same_media = {item.name: item.sha256 for item in row.media} == {name: item.sha256 for name, item in held.items()}
    if row.xform_sha256 != contents[0].sha256 or not same_media:
        what = "another XForm" if row.xform_sha256 != contents[0].sha256 else "other media files"
        raise StoreError(
            "STO-010",
            f"Version {version!r} of form {form_id!r} is already registered with {what}.",
            "Give the form a new version in the settings sheet: phones keep what they have under the old one.",
        )
    if added is None and commune and not row.commune:
        connection.execute(update(form_versions).where(form_versions.c.id == row.id).values(commune=commune))
        row = replace(row, commune=commune)
    if added is not None:
        record(connection, "form.add", "form", form_id, note=f"version {version}".strip(), at=at)
    return row


def _rows(connection: Connection, found: Sequence[Row[*tuple[Any, ...]]]) -> list[FormVersionRow]:
    media: dict[int, list[FormMediaRow]] = {}
    columns = (form_media.c.form_version_id, form_media.c.name, form_media.c.sha256, form_media.c.md5)
    ids = [row.id for row in found]
    query = select(*columns).where(form_media.c.form_version_id.in_(ids)).order_by(form_media.c.name)
    for owner, name, sha256, md5 in connection.execute(query):
        media.setdefault(owner, []).append(FormMediaRow(name, sha256, md5))
    return [FormVersionRow(**row._mapping, media=tuple(media.get(row.id, ()))) for row in found]


_COLUMNS = (
    form_versions.c.id,
    form_versions.c.form_id,
    form_versions.c.version,
    form_versions.c.title,
    form_versions.c.xform_md5,
    form_versions.c.xform_sha256,
    form_versions.c.workbook_sha256,
    form_versions.c.state,
    form_versions.c.created_at,
    form_versions.c.commune,
)


def list_form_versions(connection: Connection, form_id: str | None = None) -> list[FormVersionRow]:
    """Every version, of one form or of all, in order of registration."""
    query = select(*_COLUMNS).order_by(form_versions.c.id)
    if form_id is not None:
        query = query.where(form_versions.c.form_id == form_id)
    return _rows(connection, list(connection.execute(query)))


def list_offered(connection: Connection) -> list[FormVersionRow]:
    """What phones are offered: the latest version of each form, if it is open; in order of form id."""
    latest = {row.form_id: row for row in list_form_versions(connection)}
    return [latest[form_id] for form_id in sorted(latest) if latest[form_id].state == "open"]


def get_form_version(connection: Connection, form_id: str, version: str | None = None) -> FormVersionRow:
    """One version of a form, null for the latest registered.

    Raises:
        StoreError: STO-011, it isn't registered.
    """
    query = select(*_COLUMNS).where(form_versions.c.form_id == form_id).order_by(form_versions.c.id.desc()).limit(1)
    if version is not None:
        query = query.where(form_versions.c.version == version)
    found = list(connection.execute(query))
    if not found:
        what = f"form {form_id!r}" if version is None else f"version {version!r} of form {form_id!r}"
        raise StoreError("STO-011", f"There is no {what} in this store.", "Register its workbook first.")
    return _rows(connection, found)[0]


def get_form_version_by_id(connection: Connection, number: int) -> FormVersionRow | None:
    """One version by its number, null if there is none."""
    if number >= 2**63:
        return None  # no database counts so far, and each complains in its own way when asked
    found = list(connection.execute(select(*_COLUMNS).where(form_versions.c.id == number)))
    return _rows(connection, found)[0] if found else None


def set_form_state(connection: Connection, form_id: str, version: str, state: str) -> None:
    """Open, closing or closed; see `STATES`.

    Raises:
        StoreError: STO-011, the version isn't registered; STO-007, no such state.
    """
    row = get_form_version(connection, form_id, version)
    if row.state == state:
        return
    connection.execute(update(form_versions).where(form_versions.c.id == row.id).values(state=state))
    record(connection, "form.state", "form", form_id, note=f"version {version}: {row.state} -> {state}")


def read_xform(connection: Connection, blobs: Blobs, row: FormVersionRow) -> bytes:
    """The exact bytes of the XForm."""
    return blobs.read(connection, row.xform_sha256)


def read_workbook(connection: Connection, blobs: Blobs, row: FormVersionRow) -> bytes | None:
    """The compiled .xlsx, null if it was registered without."""
    return None if row.workbook_sha256 is None else blobs.read(connection, row.workbook_sha256)


def read_media(connection: Connection, blobs: Blobs, row: FormVersionRow) -> dict[str, bytes]:
    """Media file name -> bytes."""
    contents = blobs.read_many(connection, [item.sha256 for item in row.media])
    return {item.name: contents[item.sha256] for item in row.media}
