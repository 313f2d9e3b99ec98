"""Which rows of which segments count now, and one frame made of segments of several form versions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, select

from schemas.errors import StoreError
from schemas.fields import (
    INSTANCE_ID,
    MAIN_KEYS,
    MAIN_TABLE,
    POSITION,
    RECEIVED_AT,
    REPEAT_KEYS,
    Form,
    Table,
)
from schemas.tables import form_versions, submissions, table_segments
from store.open import Store

BATCH, RANK = "__batch", "__rank"
_KEY_TYPES: Mapping[str, pl.DataType] = {RECEIVED_AT: pl.Datetime("ms", "UTC"), POSITION: pl.Int64()}
_FIELD_TYPES: Mapping[str, pl.DataType] = {
    "int": pl.Int64(),
    "decimal": pl.Float64(),
    "date": pl.Date(),
    "dateTime": pl.Datetime("ms", "UTC"),
}


def table_schema(table: Table) -> dict[str, pl.DataType]:
    """Column -> dtype of a form's table, in the form's order, key columns first."""
    keys = MAIN_KEYS if table.name == MAIN_TABLE else REPEAT_KEYS
    schema = {key: _KEY_TYPES.get(key, pl.String()) for key in keys}
    # A personal question's column only tells whether it was answered.
    return schema | {
        field.column: pl.String() if field.personal else _FIELD_TYPES.get(field.type, pl.String())
        for field in table.fields
    }


def common_type(types: Sequence[pl.DataType]) -> pl.DataType:
    """The dtype that holds the values of all versions of a column.

    >>> common_type([pl.Int64(), pl.Float64()]), common_type([pl.Int64(), pl.Date()])
    (Float64, String)
    """
    told = {kind for kind in types if kind != pl.Null()}
    if not told:
        return pl.String()
    if len(told) == 1:
        return told.pop()
    return pl.Float64() if told == {pl.Int64(), pl.Float64()} else pl.String()


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One Parquet file: the rows of a table in a batch. `path` is below the data folder."""

    batch: int
    table: str
    path: str
    rows: int


def _members(store: Store, form_id: str) -> tuple[pl.DataFrame, list[SegmentRow]]:
    """Rank of each submission that counts, and the segments that hold their rows."""
    where = (submissions.c.form_id == form_id, submissions.c.state == "current", submissions.c.batch_id.is_not(None))
    is_version = (form_versions.c.form_id == submissions.c.form_id) & (form_versions.c.version == submissions.c.version)
    members = (
        select(submissions.c.instance_id, submissions.c.batch_id)
        .select_from(submissions.join(form_versions, is_version))
        .where(*where)
        .order_by(form_versions.c.id, submissions.c.id)
    )
    with store.read() as connection:
        rows = [tuple(row) for row in connection.execute(members)]
        segments = list_segments(connection, form_id)
    schema = {INSTANCE_ID: pl.String, BATCH: pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index(RANK), segments


def open_segments(store: Store, parts: Sequence[tuple[int, str]]) -> list[pl.LazyFrame]:
    """The segments (batch, path) with the batch's number in a column `BATCH`.

    Raises:
        StoreError: STO-015, one is missing.
    """
    frames = []
    for batch, path in parts:
        file = store.data / path
        if not file.is_file():
            message = f"The table segment {path} is missing from the data folder."
            raise StoreError("STO-015", message, "Restore it from a backup, or have every submission parsed again.")
        frames.append(pl.scan_parquet(file).with_columns(pl.lit(batch, dtype=pl.Int64).alias(BATCH)))
    return frames


def concatenate(frames: Sequence[pl.LazyFrame], expected: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """One frame with the columns of all; `expected` ones first and present even if no segment has them."""
    schemas = [frame.collect_schema() for frame in frames]
    types: dict[str, list[pl.DataType]] = {name: [kind] for name, kind in expected.items()}
    for schema in schemas:
        for name, kind in schema.items():
            types.setdefault(name, []).append(kind)
    wanted = {name: common_type(kinds) for name, kinds in types.items()}
    aligned = [
        frame.select(
            pl.col(name).cast(kind).alias(name) if name in schema else pl.lit(None, dtype=kind).alias(name)
            for name, kind in wanted.items()
        )
        for frame, schema in zip(frames, schemas, strict=True)
    ]
    return pl.concat(aligned, how="vertical")


def list_segments(connection: Connection, form_id: str, batches: Collection[int] | None = None) -> list[SegmentRow]:
    """The segments that hold the rows of a form's current submissions, by batch; of these batches alone, if given."""
    where = [submissions.c.form_id == form_id, submissions.c.state == "current", submissions.c.batch_id.is_not(None)]
    if batches is not None:
        where.append(submissions.c.batch_id.in_(batches))
    query = (
        select(*(table_segments.c[name] for name in ("batch_id", "table_name", "path", "rows")))
        .where(table_segments.c.batch_id.in_(select(submissions.c.batch_id).where(*where)))
        .order_by(table_segments.c.batch_id, table_segments.c.table_name)
    )
    return [SegmentRow(*row) for row in connection.execute(query)]


def scan_members(
    store: Store, segments: Sequence[SegmentRow], members: pl.LazyFrame, form: Form | None
) -> dict[str, pl.LazyFrame]:
    """Table name -> the rows of some submissions, each with their columns, batch by batch.

    Args:
        store: where from.
        segments: which hold the rows, and others.
        members: the submissions, by `INSTANCE_ID` and `BATCH`.
        form: as in `store.tables.read_tables`.

    Raises:
        StoreError: STO-015, a segment is missing.
    """
    parts: dict[str, list[tuple[int, str]]] = {}
    for part in segments:
        parts.setdefault(part.table, []).append((part.batch, part.path))
    schemas = {table.name: table_schema(table) for table in form.tables} if form is not None else {}
    frames: dict[str, pl.LazyFrame] = {}
    for name in dict.fromkeys([*schemas, *sorted(parts, key=lambda table: (table != MAIN_TABLE, table))]):
        expected = schemas.get(name, {})
        if name in parts:
            together = concatenate(open_segments(store, parts[name]), expected)
        else:
            together = pl.LazyFrame(schema=expected | {INSTANCE_ID: pl.String(), BATCH: pl.Int64()})
        frames[name] = together.join(members, on=[INSTANCE_ID, BATCH], how="inner", maintain_order="left")
    return frames


def scan_current(store: Store, form_id: str, form: Form | None) -> dict[str, pl.LazyFrame]:
    """Table name -> lazy frame of the rows that count; what `store.tables` offers.

    Raises:
        StoreError: STO-015, a segment is missing.
    """
    members, segments = _members(store, form_id)
    frames = scan_members(store, segments, members.lazy(), form)
    return {name: frame.sort(RANK, maintain_order=True).drop(BATCH, RANK) for name, frame in frames.items()}
