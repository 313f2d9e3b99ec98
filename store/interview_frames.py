"""Interviews in columns, for tables of tens of thousands: the same facts as `store.interviews` has one by one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import ColumnElement, Connection, String, func, or_, select, type_coerce

from schemas.central_tables import reviews
from schemas.decision_tables import decisions
from schemas.fields import INSTANCE_ID
from schemas.tables import attachments, people, submissions
from store.interviews import Mark, list_firsts, read_mark
from store.open import Store
from store.reviews import Review, list_reviews
from store.segments import BATCH, SegmentRow, list_segments
from store.submissions import chunks

FIRST, SUBMISSION = "first_id", "submission_id"
EXACT = pl.Datetime("us", "UTC")
_SCHEMA: Mapping[str, pl.DataType] = {
    SUBMISSION: pl.Int64(),
    INSTANCE_ID: pl.String(),
    "version": pl.String(),
    "received_at": EXACT,
    "person_id": pl.Int64(),
    "person": pl.String(),
    "state": pl.String(),
    BATCH: pl.Int64(),
    "deprecated_id": pl.String(),
}
_SQLITE_TIME = "%Y-%m-%d %H:%M:%S%.f"


def _fetch(connection: Connection, *where: ColumnElement[bool]) -> pl.DataFrame:
    """Submissions in order of arrival, with the columns of `_SCHEMA`."""
    # SQLite keeps times as texts; Polars reads all of them in the time in which Python reads a tenth.
    is_text = connection.dialect.name == "sqlite"
    received: ColumnElement[object] = submissions.c.received_at
    if is_text:
        received = type_coerce(submissions.c.received_at, String)
    mine = [submissions.c[name] for name in ("id", "instance_id", "version")]
    query = select(*mine, received, submissions.c.person_id, people.c.name, submissions.c.state)
    query = query.add_columns(submissions.c.batch_id, submissions.c.deprecated_id)
    query = query.select_from(submissions.outerjoin(people, people.c.id == submissions.c.person_id))
    rows = connection.execute(query.where(*where).order_by(submissions.c.id)).all()
    columns = dict(zip(_SCHEMA, zip(*rows, strict=True), strict=True)) if rows else {}
    if is_text:
        frame = pl.DataFrame(columns, schema=dict(_SCHEMA) | {"received_at": pl.String()})
        return frame.with_columns(pl.col("received_at").str.to_datetime(_SQLITE_TIME, time_unit="us", time_zone="UTC"))
    return pl.DataFrame(columns, schema=dict(_SCHEMA))


def _with_edits(frame: pl.DataFrame, firsts: Mapping[str, str]) -> pl.DataFrame:
    """The submissions with what edits change of their interviews: who sent the first of them, and when."""
    frame = frame.with_columns(
        pl.col(INSTANCE_ID).alias(FIRST),
        pl.lit(0, dtype=pl.Int64).alias("edits"),
        pl.lit(None, dtype=EXACT).alias("updated_at"),
    )
    if not firsts:
        return frame
    frame = frame.with_columns(pl.col(INSTANCE_ID).replace(firsts).alias(FIRST))
    whole = frame.filter(pl.col(FIRST).is_in(list(set(firsts.values())))).group_by(FIRST, maintain_order=True)
    facts = whole.agg(
        pl.col("received_at", "person_id", "person").first(),
        (pl.len().cast(pl.Int64) - 1).alias("edits"),
        pl.when(pl.len() > 1).then(pl.col("received_at").last()).alias("updated_at"),
    )
    # Whoever sent the first may be unknown, so nulls are facts too.
    edited = frame.drop("received_at", "person_id", "person", "edits", "updated_at").join(facts, on=FIRST)
    others = frame.join(facts, on=FIRST, how="anti")
    return pl.concat([others, edited.select(others.columns)]).sort(SUBMISSION)


def _with_files(connection: Connection, frame: pl.DataFrame, ids: Sequence[int] | None, form_id: str) -> pl.DataFrame:
    count = func.count(attachments.c.name.distinct())
    query = select(attachments.c.submission_id, count).group_by(attachments.c.submission_id)
    rows: list[tuple[int, int]] = []
    if ids is None:
        found = query.select_from(attachments.join(submissions)).where(submissions.c.form_id == form_id)
        rows += [(owner, files) for owner, files in connection.execute(found)]
    else:
        for some in chunks(ids):
            found = query.where(attachments.c.submission_id.in_(some))
            rows += [(owner, files) for owner, files in connection.execute(found)]
    files = pl.DataFrame(rows, schema={SUBMISSION: pl.Int64, "files": pl.Int64}, orient="row")
    return frame.join(files, on=SUBMISSION, how="left", maintain_order="left").with_columns(
        pl.col("files").fill_null(0)
    )


def _with_rows(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("state") == "current", pl.col(BATCH).is_not_null())


def interview_frame(connection: Connection, form_id: str) -> pl.DataFrame:
    """The interviews of a form whose current submission is read into tables, in order of arrival.

    Returns:
        One row an interview: the id of its current submission, `SUBMISSION`, that one's instance id and version, the
        batch that holds its rows, `BATCH`, and its files; the instance id as first sent, `FIRST`, who sent that and
        when; how many edits came, and when the latest did, null without one. Times in UTC.
    """
    frame = _with_edits(_fetch(connection, submissions.c.form_id == form_id), list_firsts(connection, form_id))
    return _with_files(connection, _with_rows(frame), None, form_id)


def _changed(connection: Connection, form_id: str, since: Mark, most: int) -> list[int] | None:
    """The submissions that arrived, were read, reviewed or got files since; null if more than `most` did."""
    mine = submissions.c.form_id == form_id
    moved = or_(submissions.c.id > since.newest, submissions.c.batch_id > since.batches)
    found = set(connection.scalars(select(submissions.c.id).where(mine, moved).limit(most + 1)))
    said = select(reviews.c.instance_id).where(reviews.c.form_id == form_id, reviews.c.id > since.reviews)
    reviewed = select(submissions.c.id).where(mine, submissions.c.instance_id.in_(said))
    found |= set(connection.scalars(reviewed.limit(most + 1)))
    files = select(attachments.c.submission_id).distinct().select_from(attachments.join(submissions))
    found |= set(connection.scalars(files.where(mine, attachments.c.id > since.files).limit(most + 1)))
    return None if len(found) > most else sorted(found)


def _is_settled(connection: Connection, form_id: str, since: Mark) -> bool:
    """Whether decisions since a mark may have settled which edit counts; most of them are about answers."""
    query = select(decisions.c.instance_id).where(decisions.c.form_id == form_id, decisions.c.id > since.decisions)
    named = set(connection.scalars(query))
    firsts = list_firsts(connection, form_id) if named else {}
    return not named.isdisjoint({*firsts, *firsts.values()})


def _some(connection: Connection, form_id: str, ids: Collection[int]) -> pl.DataFrame | None:
    """As `interview_frame`, of these submissions alone; null if one of them is an edit or doesn't count."""
    parts = [_fetch(connection, submissions.c.id.in_(some)) for some in chunks(sorted(ids))]
    frame = pl.concat(parts) if parts else pl.DataFrame(schema=dict(_SCHEMA))
    if frame.get_column("deprecated_id").count() or (frame.get_column("state") != "current").any():
        return None
    return _with_files(connection, _with_rows(_with_edits(frame, {})), sorted(ids), form_id)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a form's tables are made of, at one moment.

    Attributes:
        interviews: as `interview_frame`; only those that changed, if `changed` tells which submissions did.
        segments: which hold their rows, and others.
        reviews: theirs, by instance id as first sent.
        changed: ids of the submissions that arrived, were read, reviewed or got files; null if all interviews are here.
    """

    mark: Mark
    interviews: pl.DataFrame
    segments: list[SegmentRow]
    reviews: Mapping[str, Review]
    changed: list[int] | None


def read_snapshot(store: Store, form_id: str, since: Mark | None = None, most: int = 0) -> Snapshot | None:
    """The interviews of a form, or what changed since a mark; null if nothing did.

    Args:
        store: where they are.
        form_id: whose.
        since: what the caller has; null for all of them.
        most: so many changes may be told apart. All interviews are given if there are more, or if edits came or were
            settled.
    """
    with store.read() as connection:
        mark = read_mark(connection, form_id)
        if mark == since:
            return None
        if since is not None and not _is_settled(connection, form_id, since):
            changed = _changed(connection, form_id, since, most)
            some = _some(connection, form_id, changed) if changed is not None else None
            if some is not None:
                segments = list_segments(connection, form_id, some.get_column(BATCH).unique().to_list())
                reviewed = list_reviews(connection, form_id, some.get_column(FIRST).to_list())
                return Snapshot(mark, some, segments, reviewed, changed)
        interviews, segments = interview_frame(connection, form_id), list_segments(connection, form_id)
        return Snapshot(mark, interviews, segments, list_reviews(connection, form_id), None)
