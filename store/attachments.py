"""Contents of the files that came with submissions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from schemas.tables import attachments
from store.blobs import Blobs
from store.submissions import chunks


def read_named(connection: Connection, blobs: Blobs, submission_ids: Sequence[int], name: str) -> dict[int, bytes]:
    """Submission id -> content of its file of that name; of two contents the first that came. Others are absent.

    Raises:
        StoreError: STO-012, stored bytes are missing or changed.
    """
    digests: dict[int, str] = {}
    for ids in chunks(submission_ids):
        query = select(attachments.c.submission_id, attachments.c.sha256).where(
            attachments.c.submission_id.in_(ids), attachments.c.name == name, attachments.c.is_conflict.is_(False)
        )
        for owner, digest in connection.execute(query.order_by(attachments.c.id)):
            digests.setdefault(owner, digest)
    contents = blobs.read_many(connection, list(digests.values()))
    return {owner: contents[digest] for owner, digest in digests.items()}


def read_files(connection: Connection, blobs: Blobs, submission_id: int) -> dict[str, bytes]:
    """Name -> content of every file of one submission; of two contents the first that came.

    Raises:
        StoreError: STO-012, stored bytes are missing or changed.
    """
    query = select(attachments.c.name, attachments.c.sha256).where(attachments.c.submission_id == submission_id)
    digests: dict[str, str] = {}
    for name, digest in connection.execute(query.order_by(attachments.c.id)):
        digests.setdefault(name, digest)
    contents = blobs.read_many(connection, list(digests.values()))
    return {name: contents[digest] for name, digest in digests.items()}
