"""The test address of a form's draft, and what is sent there: kept, and no part of the survey."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from schemas.door_tables import trial_addresses, trial_attachments, trials
from schemas.errors import StoreError
from store.arrivals import NewSubmission
from store.audit import record
from store.blobs import Blobs
from store.drafts import FormDraft, get_draft
from store.forms import FormMediaRow, FormVersionRow
from store.inserts import keyed_insert

TOKEN_BYTES = 32


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def open_trial(connection: Connection, form_id: str, at: datetime | None = None) -> str:
    """Make the test address of a form's draft; an earlier one no longer works.

    Phones that have the address get whatever the draft is at the time.

    Args:
        connection: of `Store.begin()`.
        form_id: of a form that has, or will have, a draft.
        at: when, null for now.

    Returns:
        The token that stands in the address; nobody can see it again.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {"form_id": form_id, "token_sha256": _digest(token), "created_at": at or datetime.now(UTC)}
    insert = keyed_insert(connection, trial_addresses)
    fresh = {"token_sha256": row["token_sha256"], "created_at": row["created_at"]}
    connection.execute(insert.on_conflict_do_update(index_elements=["form_id"], set_=fresh), row)
    record(connection, "draft.address", "form", form_id, at=at)
    return token


def get_trial(connection: Connection, token: str) -> FormDraft | None:
    """The draft under a test address; null if nobody made the address, or the form has no draft now."""
    query = select(trial_addresses.c.form_id).where(trial_addresses.c.token_sha256 == _digest(token))
    form_id = connection.scalar(query)
    if form_id is None:
        return None
    try:
        return get_draft(connection, form_id)
    except StoreError:
        return None


def as_version(connection: Connection, blobs: Blobs, draft: FormDraft) -> FormVersionRow:
    """The draft as if it were a version, in the state "draft"; its number comes from its bytes.

    Raises:
        StoreError: STO-012, a content is missing or was changed.
    """
    contents = blobs.read_many(connection, [draft.xform_sha256, *(file.sha256 for file in draft.media)])
    return FormVersionRow(
        id=int(draft.xform_sha256[:13], 16),
        form_id=draft.form_id,
        version=draft.version,
        title=draft.title,
        xform_md5=_md5(contents[draft.xform_sha256]),
        xform_sha256=draft.xform_sha256,
        workbook_sha256=draft.workbook_sha256,
        state="draft",
        created_at=draft.created_at,
        media=tuple(FormMediaRow(file.name, file.sha256, _md5(contents[file.sha256])) for file in draft.media),
    )


def add_trial(connection: Connection, blobs: Blobs, item: NewSubmission) -> int:
    """Keep what was sent to a test address, its files too; its number. The same again is the same row.

    Other bytes under a known instance id are a row of their own: whoever tries a form out repeats and changes.
    """
    content = item.content or blobs.hold(item.xml)
    blobs.put(connection, [content, *(file.content for file in item.attachments)], item.received_at)
    row: dict[str, object] = {"form_id": item.form_id, "version": item.version, "instance_id": item.instance_id}
    row |= {"sha256": content.sha256, "received_at": item.received_at, "client": item.client}
    connection.execute(keyed_insert(connection, trials).on_conflict_do_nothing(), row)
    where = (trials.c.form_id == item.form_id, trials.c.instance_id == item.instance_id)
    number = int(connection.scalars(select(trials.c.id).where(*where, trials.c.sha256 == content.sha256)).one())
    files = [
        {"trial_id": number, "name": file.name, "sha256": file.content.sha256, "content_type": file.content_type}
        for file in item.attachments
    ]
    if files:
        connection.execute(keyed_insert(connection, trial_attachments).on_conflict_do_nothing(), files)
    return number


def count_trials(connection: Connection, form_id: str) -> int:
    """How many contents were sent to the test address of a form."""
    return int(connection.scalar(select(func.count()).select_from(trials).where(trials.c.form_id == form_id)) or 0)
