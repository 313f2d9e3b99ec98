"""A form's tables, made once and kept: what arrives later is added to them, since clients read page by page.

Kept tables are in memory whole, up to `MOST_CELLS`; larger ones are read from their files at each request. A change
that only concerns some interviews (they arrived, were read again, reviewed, got a file) replaces their rows. Edits have
the tables made anew, and so has any doubt: the numbers of `store.interviews.Mark` must come out as the change says.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from openrosa.central.frames import ID, SEQUENCE, SYSTEM, SYSTEM_TYPES, UNKNOWN_PERSON, Tables
from openrosa.central.reading import catch_up
from openrosa.central.shapes import Shape
from openrosa.central.values import without_marks
from schemas.fields import INSTANCE_ID, MAIN_TABLE, PARENT_ROW_ID, ROW_ID
from store.interview_frames import EXACT, FIRST, SUBMISSION, Snapshot, read_snapshot
from store.interviews import Mark
from store.open import Store
from store.reviews import Review
from store.segments import BATCH, SegmentRow, scan_members

MOST_CELLS = 30_000_000
"""Rows times columns of the tables that are kept in memory; about 8 bytes each."""
MOST_CHANGED = 2_000
"""More interviews than this are not worth being told apart."""
_KEPT = 8
_MOST_CHUNKS = 32


@dataclass(frozen=True, slots=True)
class _Made:
    """Tables and what they were made of.

    Attributes:
        interviews: one row an interview: as `store.interview_frames` has them.
        frames: table of the store -> its rows; null if they are too many to be kept.
    """

    mark: Mark
    interviews: pl.DataFrame
    frames: dict[str, pl.DataFrame] | None
    tables: Tables

    @property
    def cells(self) -> int:
        return sum(frame.height * frame.width for frame in (self.frames or {}).values())


_made: dict[tuple[Store, Shape], _Made] = {}
_alone = threading.Lock()


def open_tables(store: Store, shape: Shape) -> Tables:
    """The tables of a form, up to date."""
    catch_up(store, shape.form.form_id)
    key = (store, shape)
    with _alone:
        found = _up_to_date(store, shape, _made.pop(key, None))
        while _made and (len(_made) >= _KEPT or sum(made.cells for made in _made.values()) + found.cells > MOST_CELLS):
            _made.pop(next(iter(_made)))
        _made[key] = found
        return found.tables


def _up_to_date(store: Store, shape: Shape, found: _Made | None) -> _Made:
    if found is not None:
        snapshot = read_snapshot(store, shape.form.form_id, found.mark, MOST_CHANGED)
        if snapshot is None:
            return found
        made = _advance(store, found, snapshot) if snapshot.changed is not None else _make(store, shape, snapshot)
        if made is not None:
            return made
    snapshot = read_snapshot(store, shape.form.form_id)
    assert snapshot is not None  # noqa: S101  there is always something to tell whoever has nothing
    return _make(store, shape, snapshot)


def review_state(edited_at: datetime | None, review: Review | None) -> str | None:
    """The review state: of whichever came later, the latest edit or the latest review; null for none."""
    if review is not None and (edited_at is None or review.at >= edited_at):
        return None if review.state == "received" else review.state
    return "edited" if edited_at is not None else None


def _reviewed(interviews: pl.DataFrame, reviews: Mapping[str, Review]) -> pl.DataFrame:
    """The interviews with their state of review and when they last changed. Few have either."""
    touched = interviews.filter(pl.col(FIRST).is_in(list(reviews)) | pl.col("updated_at").is_not_null())
    rows = []
    for number, first, edited in touched.select(SUBMISSION, FIRST, "updated_at").iter_rows():
        review = reviews.get(first)
        changed = max(at for at in (edited, review.at if review else None) if at is not None)
        rows.append((number, review_state(edited, review), changed))
    schema = {SUBMISSION: pl.Int64(), "review": pl.String(), "changed": EXACT}
    found = pl.DataFrame(rows, schema=schema, orient="row")
    return interviews.join(found, on=SUBMISSION, how="left", maintain_order="left")


def _members(interviews: pl.DataFrame) -> pl.LazyFrame:
    """What every row of an interview carries: the columns of `SYSTEM_TYPES`, and what ids are made of."""
    number = pl.col("person_id").fill_null(UNKNOWN_PERSON)
    values = {
        "submissionDate": pl.col("received_at"),
        "updatedAt": pl.col("changed"),
        "submitterId": number.cast(pl.String),
        "submitterName": pl.col("person"),
        "attachmentsPresent": pl.col("files"),
        "attachmentsExpected": pl.lit(0),
        "reviewState": pl.col("review"),
        "edits": pl.col("edits"),
        "formVersion": pl.col("version"),
    }
    system = (
        values.get(name, pl.lit(None)).cast(kind).alias(f"{SYSTEM}/{name}") for name, kind in SYSTEM_TYPES.items()
    )
    keys = (pl.col(INSTANCE_ID), pl.col(BATCH), pl.col(FIRST).alias("__first"), pl.col(SUBMISSION).alias(SEQUENCE))
    return interviews.lazy().select(*keys, *system, number.alias("__submitter"))


def _expected(tables: Mapping[str, pl.LazyFrame], shape: Shape) -> pl.LazyFrame | None:
    """How many files each interview names, null if the form asks for none."""
    parts = []
    for table in shape.form.tables:
        files = [field.column for field in table.fields if field.type == "binary" and field.column]
        if files:
            named = pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int64) for name in files)
            parts.append(tables[table.name].select(SEQUENCE, named.alias("__expected")))
    return pl.concat(parts).group_by(SEQUENCE).agg(pl.col("__expected").sum()) if parts else None


def _with_expected(frame: pl.LazyFrame, expected: pl.LazyFrame) -> pl.LazyFrame:
    present, wanted = pl.col(f"{SYSTEM}/attachmentsPresent"), pl.col(f"{SYSTEM}/attachmentsExpected")
    frame = frame.join(expected, on=SEQUENCE, how="left", maintain_order="left")
    frame = frame.with_columns(pl.col("__expected").fill_null(0).alias(f"{SYSTEM}/attachmentsExpected"))
    frame = frame.with_columns(pl.min_horizontal(present, wanted).alias(f"{SYSTEM}/attachmentsPresent"))
    missing = pl.when(present < wanted).then(pl.lit("missingAttachments"))
    return frame.with_columns(missing.alias(f"{SYSTEM}/status")).drop("__expected")


def _row_key(row: str) -> pl.Expr:
    """Id of a row: the interview's, with the row's place in it for rows of repeats."""
    first, place = pl.col("__first"), pl.col(row)
    return pl.when(place == "").then(first).otherwise(pl.concat_str(first, pl.lit("/"), place))


def _rows(
    store: Store, shape: Shape, interviews: pl.DataFrame, segments: Collection[SegmentRow]
) -> dict[str, pl.LazyFrame]:
    """The rows of some interviews, table by table, latest interviews first."""
    form = shape.form
    scanned = scan_members(store, list(segments), _members(interviews), form)
    expected = _expected(scanned, shape)
    frames = {}
    for table in form.tables:
        frame = scanned[table.name].drop(BATCH)
        schema = frame.collect_schema()
        texts = [field.column for field in table.fields if schema.get(field.column) == pl.String]
        frame = without_marks(frame, texts)
        if expected is not None:
            frame = _with_expected(frame, expected)
        frame = frame.with_columns(_row_key(ROW_ID).alias(ID))
        if table.name != MAIN_TABLE:
            frame = frame.with_columns(_row_key(PARENT_ROW_ID).alias("__parent"))
        frames[table.name] = frame.sort(SEQUENCE, descending=True, maintain_order=True)
    return frames


def _collect(frames: Mapping[str, pl.LazyFrame]) -> dict[str, pl.DataFrame]:
    return dict(zip(frames, pl.collect_all(list(frames.values())), strict=True))


def _kept(shape: Shape, mark: Mark, interviews: pl.DataFrame, frames: dict[str, pl.DataFrame]) -> _Made:
    lazy = {name: frame.lazy() for name, frame in frames.items()}
    return _Made(
        mark, interviews, frames, Tables(shape, lazy, {name: frame.schema for name, frame in frames.items()}, True)
    )


def _make(store: Store, shape: Shape, snapshot: Snapshot) -> _Made:
    interviews, segments = _reviewed(snapshot.interviews, snapshot.reviews), snapshot.segments
    frames = _rows(store, shape, interviews, segments)
    schemas = {name: frame.collect_schema() for name, frame in frames.items()}
    if sum(part.rows * len(schemas.get(part.table, ())) for part in segments) > MOST_CELLS:
        return _Made(snapshot.mark, interviews, None, Tables(shape, frames, schemas, False))
    return _kept(shape, snapshot.mark, interviews, _collect(frames))


def _advance(store: Store, old: _Made, snapshot: Snapshot) -> _Made | None:
    """The tables with what changed since, null if they must be made anew."""
    ids, before, mark, shape = snapshot.changed or [], old.mark, snapshot.mark, old.tables.shape
    if old.frames is None:
        return None
    new = _reviewed(snapshot.interviews, snapshot.reviews)
    is_changed = pl.col(SUBMISSION).is_in(ids)
    gone = old.interviews.filter(is_changed)
    if gone.get_column("edits").sum():
        return None
    come, left = new.get_column(BATCH), gone.get_column(BATCH)
    expected = (before.with_rows + len(come) - len(left), before.batch_sum + int(come.sum()) - int(left.sum()))
    if expected != (mark.with_rows, mark.batch_sum):
        return None
    frames = old.frames
    if ids:
        added = _collect(_rows(store, shape, new, snapshot.segments))
        if any(added[name].schema != frame.schema for name, frame in frames.items()):
            return None
        frames = {name: _replace(frame, added[name], gone.get_column(SUBMISSION)) for name, frame in frames.items()}
    interviews = pl.concat([old.interviews.filter(~is_changed), new])
    made = _kept(shape, mark, interviews, frames)
    return made if made.cells <= MOST_CELLS else None


def _replace(frame: pl.DataFrame, added: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
    """The rows with `added` ones, without those of the interviews that are gone, latest interviews first."""
    if len(gone):
        frame = frame.filter(~pl.col(SEQUENCE).is_in(gone.implode()))
    if not added.height:
        return frame
    frame = added.vstack(frame)
    if not frame.get_column(SEQUENCE).is_sorted(descending=True):
        frame = frame.sort(SEQUENCE, descending=True, maintain_order=True)
    return frame.rechunk() if frame.n_chunks() > _MOST_CHUNKS else frame
