"""Many small segments into few: the same rows, read faster. Nothing a reader holds disappears under its feet."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import Connection, delete, exists, func, select, update

from schemas.fields import INSTANCE_ID
from schemas.tables import submissions, table_batches, table_segments
from store.open import Store
from store.segments import BATCH, RANK, concatenate, open_segments
from store.submissions import chunks
from store.tables import batch_digest, register_batch, write_segment

ENOUGH_ROWS = 50_000
"""A batch with so many rows in its largest table is left as it is."""


def _small_batches(connection: Connection, form_id: str) -> dict[str, list[tuple[int, int]]]:
    """Version -> (number, rows of the largest table) of its small batches that are in use, oldest first."""
    rows = func.coalesce(func.max(table_segments.c.rows), 0)
    query = (
        select(table_batches.c.version, table_batches.c.id, rows)
        .outerjoin(table_segments, table_segments.c.batch_id == table_batches.c.id)
        .where(table_batches.c.form_id == form_id, exists().where(submissions.c.batch_id == table_batches.c.id))
        .group_by(table_batches.c.version, table_batches.c.id)
        .having(rows < ENOUGH_ROWS)
        .order_by(table_batches.c.id)
    )
    found: dict[str, list[tuple[int, int]]] = {}
    for version, batch_id, count in connection.execute(query):
        found.setdefault(version, []).append((batch_id, count))
    return found


def compact_tables(store: Store, form_id: str, at_least: int = 64) -> int:
    """Join a form's small batches, version by version; how many batches were joined.

    Args:
        store: where they are.
        form_id: whose.
        at_least: versions with fewer small batches are left alone.

    Raises:
        StoreError: STO-002 disk full, STO-015 a segment is missing.
    """
    with store.read() as connection:
        small = _small_batches(connection, form_id)
    joined = 0
    for version, batches in small.items():
        for group in fill_groups(batches) if len(batches) >= at_least else []:
            _join(store, form_id, version, group)
            joined += len(group)
    return joined


def fill_groups(batches: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Neighbouring batches (number, rows) in groups of about `ENOUGH_ROWS` rows; one alone isn't worth the work."""
    groups: list[list[int]] = [[]]
    filled = 0
    for batch, rows in batches:
        if filled >= ENOUGH_ROWS:
            groups.append([])
            filled = 0
        groups[-1].append(batch)
        filled += rows
    return [group for group in groups if len(group) > 1]


def _join(store: Store, form_id: str, version: str, batches: list[int]) -> None:
    where = submissions.c.batch_id.in_(batches)
    parts_query = select(table_segments.c.table_name, table_segments.c.batch_id, table_segments.c.path)
    with store.read() as connection:
        members = [
            (number, instance, batch)
            for number, instance, batch in connection.execute(
                select(submissions.c.id, submissions.c.instance_id, submissions.c.batch_id)
                .where(where)
                .order_by(submissions.c.id)
            )
        ]
        parts: dict[str, list[tuple[int, str]]] = {}
        query = parts_query.where(table_segments.c.batch_id.in_(batches)).order_by(table_segments.c.batch_id)
        for table, batch, path in connection.execute(query):
            parts.setdefault(table, []).append((batch, path))
    ranks = pl.DataFrame(
        [(instance, batch) for _, instance, batch in members],
        schema={INSTANCE_ID: pl.String, BATCH: pl.Int64},
        orient="row",
    ).with_row_index(RANK)
    segments = []
    for table, some in parts.items():
        together = concatenate(open_segments(store, some), {}).join(
            ranks.lazy(), on=[INSTANCE_ID, BATCH], how="inner", maintain_order="left"
        )
        frame = together.sort(RANK, maintain_order=True).drop(BATCH, RANK).collect()
        if frame.height:
            segments.append(write_segment(store.data, form_id, table, frame))
    digest = batch_digest(form_id, version, [number for number, _, _ in members], segments)
    with store.begin() as connection:
        new = register_batch(connection, form_id, version, digest, segments, datetime.now(UTC))
        # A submission that was read again meanwhile points elsewhere by now, and stays there.
        for ids in chunks([number for number, _, _ in members]):
            connection.execute(update(submissions).where(submissions.c.id.in_(ids), where).values(batch_id=new))
        in_use = set(connection.scalars(select(submissions.c.batch_id).where(where)))
        unused = [batch for batch in batches if batch not in in_use]
        connection.execute(delete(table_segments).where(table_segments.c.batch_id.in_(unused)))
        connection.execute(delete(table_batches).where(table_batches.c.id.in_(unused)))


def sweep_segments(store: Store, older_than_seconds: float = 86_400.0) -> int:
    """Remove segment files that nothing names any more; how many. Young ones may be in use or about to be named."""
    oldest = time.time() - older_than_seconds
    with store.read() as connection:
        named = set(connection.scalars(select(table_segments.c.path)))
    count = 0
    for path in (store.data / "tables").rglob("*.parquet"):
        if str(path.relative_to(store.data)) not in named and path.stat().st_mtime < oldest:
            path.unlink()
            count += 1
    return count
