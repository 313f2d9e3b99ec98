"""Typed rows as immutable Parquet segments, registered in SQL by the transaction that marks what they came from.

    tables/<form id>/<table>/<digest>.parquet      written and durable first, named by its content
    table_batches, table_segments                  which files belong together
    submissions.batch_id                           where each submission's rows are now

A reader takes a row only from the batch that its submission points to, and only if the submission is current. So a
second parse, an edit or a late attachment never rewrites a file: it moves the pointer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from sqlalchemy import Connection, select

from schemas.fields import Form
from schemas.submissions import ParsedBatch
from schemas.tables import table_batches, table_segments
from store import segment_files
from store.communes import put_communes
from store.complaints import translated
from store.findings import put_parse_findings
from store.inserts import keyed_insert
from store.open import Store
from store.personal import put_personal
from store.segment_files import Segment
from store.segments import scan_current
from store.submissions import list_instances, mark_failed, mark_parsed


def batch_digest(form_id: str, version: str, ids: Sequence[int], segments: Sequence[Segment]) -> str:
    """What makes a batch the same batch: its submissions and its rows."""
    digest = hashlib.sha256(repr((form_id, version, list(ids))).encode())
    for segment in segments:
        digest.update(f"\0{segment.table}\0{segment.sha256}".encode())
    return digest.hexdigest()


def register_batch(
    connection: Connection, form_id: str, version: str, digest: str, segments: Sequence[Segment], at: datetime
) -> int:
    """Name the segments of a batch; its number. The same batch again is the same number."""
    row = {"form_id": form_id, "version": version, "content_sha256": digest, "created_at": at}
    connection.execute(keyed_insert(connection, table_batches).on_conflict_do_nothing(), row)
    query = select(table_batches.c.id).where(table_batches.c.content_sha256 == digest)
    batch_id = connection.execute(query).scalar_one()
    rows = [
        {"batch_id": batch_id, "table_name": part.table, "path": part.path, "sha256": part.sha256, "rows": part.rows}
        for part in segments
    ]
    if rows:
        connection.execute(keyed_insert(connection, table_segments).on_conflict_do_nothing(), rows)
    return int(batch_id)


def write_segment(data: Path, form_id: str, table: str, frame: pl.DataFrame) -> Segment:
    """As `segment_files.write_segment`, what the disk complains of translated.

    Raises:
        StoreError: STO-002 disk full, STO-003 not writable.
    """
    with translated():
        return segment_files.write_segment(data, form_id, table, frame)


def write_segments(data: Path, form_id: str, tables: Mapping[str, pl.DataFrame]) -> tuple[Segment, ...]:
    """As `segment_files.write_segments`, what the disk complains of translated.

    Raises:
        StoreError: STO-002 disk full, STO-003 not writable.
    """
    with translated():
        return segment_files.write_segments(data, form_id, tables)


def write_tables(
    store: Store,
    form_id: str,
    version: str,
    batch: ParsedBatch,
    submission_ids: Sequence[int],
    at: datetime | None = None,
) -> int:
    """Store what reading some submissions yielded, all of it or nothing; the same again changes nothing.

    In one transaction: the segments, the personal answers and the findings of reading replace what earlier readings
    of the same submissions left, and the submissions are marked as parsed (or failed).

    Args:
        store: where to.
        form_id: form of all of them.
        version: version of all of them.
        batch: its findings are stored here, with the origin `parse`; don't put them again.
        submission_ids: every submission that was read, those in `batch.failed` too.
        at: when, null for now.

    Returns:
        Number of the batch.

    Raises:
        StoreError: STO-002 disk full, STO-003 not writable.
    """
    segments = write_segments(store.data, form_id, batch.tables)
    return register_tables(store, form_id, version, segments, batch, submission_ids, at)


def register_tables(
    store: Store,
    form_id: str,
    version: str,
    segments: Sequence[Segment],
    batch: ParsedBatch,
    submission_ids: Sequence[int],
    at: datetime | None = None,
    instance_ids: Sequence[str] | None = None,
    communes: Mapping[str, str] | None = None,
) -> int:
    """As `write_tables`, of a batch whose tables are written already: `segments` stand for `batch.tables`.

    Args:
        instance_ids: theirs, if they are known.
        communes: instance id -> CUT, "" where it isn't known, in a survey of many communes; null in any other.
    """
    at = at or datetime.now(UTC)
    digest = batch_digest(form_id, version, sorted(submission_ids), segments)
    with store.begin() as connection:
        batch_id = register_batch(connection, form_id, version, digest, segments, at)
        instances = instance_ids or list_instances(connection, submission_ids)
        put_personal(connection, form_id, instances, batch.personal)
        if communes is not None:
            put_communes(connection, form_id, communes.items())
        put_parse_findings(connection, form_id, instances, batch.findings, at)
        mark_parsed(connection, [number for number in submission_ids if number not in batch.failed], batch_id, at)
        mark_failed(connection, batch.failed, at)
    return batch_id


def scan_tables(store: Store, form_id: str, form: Form | None = None) -> dict[str, pl.LazyFrame]:
    """The typed tables of a form, lazily: see `read_tables`."""
    return scan_current(store, form_id, form)


def read_tables(store: Store, form_id: str, form: Form | None = None) -> dict[str, pl.DataFrame]:
    """The typed tables of a form, of all its versions, current submissions only.

    Args:
        store: where from.
        form_id: whose tables.
        form: gives the tables, the order of columns and the dtypes, also of empty tables. Columns that only other
            versions have come last. A column whose type another version changed is text if its values need it.

    Returns:
        Table name -> frame, in the order of versions, then of arrival, then of position: the rows of a repeat stand
        in the order of their parents.

    Raises:
        StoreError: STO-015, a segment is missing.
    """
    lazy = scan_current(store, form_id, form)
    return dict(zip(lazy, pl.collect_all(list(lazy.values())), strict=True))
