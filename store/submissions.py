"""Submissions as they are stored: reading those that nobody has parsed yet, counting, looking one up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, select, update

from schemas.errors import StoreError
from schemas.submissions import RawSubmission
from schemas.tables import attachments, conflicts, form_versions, quarantine, submissions
from schemas.tables import blobs as contents
from store.blobs import Blobs

CHUNK = 500
"""Ids in one `IN (...)`: below every database's limit of parameters."""


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """One file of a submission. `is_conflict`: a second content under a name that was taken."""

    name: str
    sha256: str
    content_type: str
    is_conflict: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class SubmissionCounts:
    """How many submissions of a form there are.

    Attributes:
        received: all that are stored.
        current, superseded, forks, held: by state; they add up to `received`.
        unparsed: waiting for ingest, with a version that is known.
        unknown_version: waiting for their version to be registered.
        failed: bytes that could not be read against their form.
        conflicts: other bytes that came under a stored instance id.
        quarantined: bytes of any form that were no submission at all.
    """

    received: int
    current: int
    superseded: int
    forks: int
    held: int
    unparsed: int
    unknown_version: int
    failed: int
    conflicts: int
    quarantined: int


_RAW = (
    submissions.c.id,
    submissions.c.form_id,
    submissions.c.version,
    submissions.c.instance_id,
    submissions.c.received_at,
    submissions.c.sha256,
    submissions.c.client,
)
_IS_KNOWN = exists().where(
    form_versions.c.form_id == submissions.c.form_id, form_versions.c.version == submissions.c.version
)


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """The ids in pieces of `CHUNK`."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def list_unparsed(
    connection: Connection, blobs: Blobs, form_id: str, limit: int = CHUNK, after: int = 0
) -> list[RawSubmission]:
    """Submissions that nobody has parsed and whose form version is known, in order of arrival.

    Args:
        connection: of `Store.read()` or `Store.begin()`.
        blobs: of the store.
        form_id: their form; versions may be mixed.
        limit: at most so many.
        after: only those with a larger submission id; for reading in steps without parsing in between.

    Raises:
        StoreError: STO-012, stored bytes are missing or changed.
    """
    query = (
        select(*_RAW)
        .where(submissions.c.form_id == form_id, submissions.c.parsed_at.is_(None), submissions.c.id > after)
        .where(_IS_KNOWN)
        .order_by(submissions.c.id)
        .limit(limit)
    )
    return _raw(connection, blobs, query)


def read_submission(connection: Connection, blobs: Blobs, form_id: str, instance_id: str) -> RawSubmission:
    """One stored submission.

    Raises:
        StoreError: STO-013, there is none; STO-012, its bytes are missing or changed.
    """
    query = select(*_RAW).where(submissions.c.form_id == form_id, submissions.c.instance_id == instance_id)
    found = _raw(connection, blobs, query)
    if not found:
        raise StoreError("STO-013", f"There is no submission {instance_id!r} of form {form_id!r}.", "Check the id.")
    return found[0]


def _raw(connection: Connection, blobs: Blobs, query: Select[Any]) -> list[RawSubmission]:
    """What a query over `_RAW` names, with its bytes and the names of its files."""
    joined = query.add_columns(contents.c.bytes).join(contents, contents.c.sha256 == submissions.c.sha256, isouter=True)
    rows = connection.execute(joined).all()
    names: dict[int, list[str]] = {}
    if rows:
        # By the ends of the run: ids of a batch are close together, and a list of them takes longer than the query.
        ids = [row[0] for row in rows]
        files = select(attachments.c.submission_id, attachments.c.name).distinct()
        files = files.where(attachments.c.submission_id.between(min(ids), max(ids)))
        for owner, name in connection.execute(files.order_by(attachments.c.submission_id, attachments.c.name)):
            names.setdefault(owner, []).append(name)
    return [
        RawSubmission(
            submission_id=number,
            form_id=form_id,
            version=version,
            instance_id=instance_id,
            received_at=received_at,
            xml=blobs.check(sha256, data),
            sha256=sha256,
            client=client,
            attachments=tuple(names.get(number, ())),
        )
        for number, form_id, version, instance_id, received_at, sha256, client, data in rows
    ]


def list_attachments(connection: Connection, submission_id: int) -> list[AttachmentRow]:
    """The files of a submission, in order of name, then of arrival."""
    columns = (attachments.c.name, attachments.c.sha256, attachments.c.content_type, attachments.c.is_conflict)
    query = select(*columns, attachments.c.received_at).where(attachments.c.submission_id == submission_id)
    query = query.order_by(attachments.c.name, attachments.c.id)
    return [AttachmentRow(*row) for row in connection.execute(query)]


def mark_parsed(
    connection: Connection, submission_ids: Sequence[int], batch_id: int | None = None, at: datetime | None = None
) -> None:
    """Mark submissions as read; `batch_id` is where their rows are, null if they have none."""
    values = {"parsed_at": at or datetime.now(UTC), "parse_error": None, "batch_id": batch_id}
    for ids in chunks(submission_ids):
        connection.execute(update(submissions).where(submissions.c.id.in_(ids)).values(**values))


def mark_failed(connection: Connection, errors: Mapping[int, str], at: datetime | None = None) -> None:
    """Mark submissions whose bytes could not be read: submission id -> sentence. They have no rows."""
    at = at or datetime.now(UTC)
    for submission_id, sentence in errors.items():
        values = {"parsed_at": at, "parse_error": sentence, "batch_id": None}
        connection.execute(update(submissions).where(submissions.c.id == submission_id).values(**values))


def mark_unparsed(connection: Connection, form_id: str) -> int:
    """Let ingest read every submission of a form again; how many there are. Their rows stay until it has."""
    where = (submissions.c.form_id == form_id, submissions.c.parsed_at.is_not(None))
    return connection.execute(update(submissions).where(*where).values(parsed_at=None)).rowcount


def list_by_state(connection: Connection, form_id: str, state: str) -> list[str]:
    """Instance ids of the submissions in that state (`fork` and `held` wait for a person), in order of arrival."""
    query = select(submissions.c.instance_id).where(submissions.c.form_id == form_id, submissions.c.state == state)
    return list(connection.scalars(query.order_by(submissions.c.id)))


def count_submissions(connection: Connection, form_id: str) -> SubmissionCounts:
    """How many submissions of a form there are, by what became of them."""
    waits = submissions.c.parsed_at.is_(None)

    def tally(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    query = select(
        func.count().label("received"),
        tally(submissions.c.state == "current").label("current"),
        tally(submissions.c.state == "superseded").label("superseded"),
        tally(submissions.c.state == "fork").label("forks"),
        tally(submissions.c.state == "held").label("held"),
        tally(and_(waits, _IS_KNOWN)).label("unparsed"),
        tally(and_(waits, ~_IS_KNOWN)).label("unknown_version"),
        tally(submissions.c.parse_error.is_not(None)).label("failed"),
    )
    numbers = connection.execute(query.select_from(submissions).where(submissions.c.form_id == form_id)).one()
    disputed = select(func.count()).select_from(conflicts.join(submissions)).where(submissions.c.form_id == form_id)
    refused = select(func.count()).select_from(quarantine)
    return SubmissionCounts(
        **numbers._mapping,
        conflicts=connection.scalar(disputed) or 0,
        quarantined=connection.scalar(refused) or 0,
    )


def last_received(connection: Connection, form_id: str) -> datetime | None:
    """When the latest submission of a form came, null if there is none."""
    query = select(func.max(submissions.c.received_at)).where(submissions.c.form_id == form_id)
    found: datetime | None = connection.scalar(query)
    return found


def list_instances(connection: Connection, submission_ids: Sequence[int]) -> list[str]:
    """Instance ids of these submissions, in order of arrival."""
    found: list[tuple[int, str]] = []
    for ids in chunks(submission_ids):
        query = select(submissions.c.id, submissions.c.instance_id).where(submissions.c.id.in_(ids))
        found += [(number, instance_id) for number, instance_id in connection.execute(query)]
    return [instance_id for _, instance_id in sorted(found)]
