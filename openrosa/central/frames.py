"""A form's tables as lazy frames, each row with what Central says of its interview: who sent it, when, its review."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from openrosa.central.columns import MOMENT, NUMBER, TEXT, Column, kind_of
from openrosa.central.reading import catch_up
from openrosa.central.shapes import SUBMISSIONS, Entity, Shape
from openrosa.central.values import moment, without_marks
from schemas.fields import INSTANCE_ID, MAIN_TABLE, PARENT_ROW_ID, ROW_ID
from store.interviews import Interview, list_interviews, read_mark
from store.open import Store
from store.reviews import Review, list_reviews
from store.tables import scan_tables

ID = "__id"
SEQUENCE = "__sequence"
SYSTEM = "__system"
UNKNOWN_PERSON = 0
"""Number of whoever sent an interview without a key: imports and rehearsals. Clients need a number."""

SYSTEM_TYPES: dict[str, pl.DataType] = {
    "submissionDate": MOMENT,
    "updatedAt": MOMENT,
    "deletedAt": MOMENT,
    "submitterId": pl.String(),
    "submitterName": pl.String(),
    "attachmentsPresent": pl.Int64(),
    "attachmentsExpected": pl.Int64(),
    "status": pl.String(),
    "reviewState": pl.String(),
    "deviceId": pl.String(),
    "edits": pl.Int64(),
    "formVersion": pl.String(),
}
"""What stands below `__system`, in Central's order."""


def review_state(interview: Interview, review: Review | None) -> str | None:
    """The review state: of whichever came later, the latest edit or the latest review; null for none."""
    edited = interview.updated_at if interview.edits else None
    if review is not None and (edited is None or review.at >= edited):
        return None if review.state == "received" else review.state
    return "edited" if interview.edits else None


def _system_frame(store: Store, form_id: str) -> pl.LazyFrame:
    """One row an interview: its instance id now and as first sent, and the columns of `SYSTEM_TYPES`."""
    with store.read() as connection:
        interviews = list_interviews(connection, form_id)
        reviews = list_reviews(connection, form_id)
    rows = []
    for row in interviews:
        review = reviews.get(row.instance_id)
        changed = max((at for at in (row.updated_at, review.at if review else None) if at), default=None)
        person = str(row.person_id or UNKNOWN_PERSON)
        state = review_state(row, review)
        shown = (row.received_at, changed, None, person, row.person, row.files, 0, None, state, None, row.edits)
        rows.append((row.current_id, row.instance_id, row.submission_id, *shown, row.version))
    schema = {INSTANCE_ID: pl.String(), "__first": pl.String(), SEQUENCE: pl.Int64()}
    schema |= {f"{SYSTEM}/{name}": kind for name, kind in SYSTEM_TYPES.items()}
    return pl.LazyFrame(rows, schema=schema, orient="row")


def _expected(tables: dict[str, pl.LazyFrame], shape: Shape) -> pl.LazyFrame | None:
    """How many files each interview names, null if the form asks for none."""
    parts = []
    for table in shape.form.tables:
        files = [field.column for field in table.fields if field.type == "binary" and field.column]
        if files:
            named = pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int64) for name in files)
            parts.append(tables[table.name].select(INSTANCE_ID, named.alias("__expected")))
    return pl.concat(parts).group_by(INSTANCE_ID).agg(pl.col("__expected").sum()) if parts else None


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a form at one moment.

    Attributes:
        frames: table of the store -> its rows, each with the columns of the interview, `__id` and `SEQUENCE`.
    """

    shape: Shape
    frames: dict[str, pl.LazyFrame]

    def frame(self, entity: Entity) -> pl.LazyFrame:
        """The rows of an entity set, in the order in which interviews arrived and rows stand in them."""
        return self.frames[entity.table]

    def properties(self, entity: Entity) -> dict[str, Column]:
        """What filters and orders may name: property path -> column."""
        schema = self.frame(entity).collect_schema()
        found = {
            path: Column(field.column, kind_of(schema[field.column])) for path, field in self.shape.leaves(entity.root)
        }
        found[ID] = Column(ID, TEXT)
        prefix = "" if entity.is_main else f"$root/{SUBMISSIONS}/"
        for name, kind in SYSTEM_TYPES.items():
            path = f"{SYSTEM}/{name}"
            found[prefix + path] = Column(path, kind_of(kind))
        # Central's are numbers; so may a filter's be.
        found[f"{prefix}{SYSTEM}/submitterId"] = Column("__submitter", NUMBER)
        if not entity.is_main:
            found[entity.parent_key] = Column("__parent", TEXT)
            found[f"$root/{SUBMISSIONS}/{ID}"] = Column("__first", TEXT)
        return found


def _row_key(row: str) -> pl.Expr:
    """Id of a row: the interview's, with the row's place in it for rows of repeats."""
    first, place = pl.col("__first"), pl.col(row)
    return pl.when(place == "").then(first).otherwise(pl.concat_str(first, pl.lit("/"), place))


_KEPT = 8
_kept: dict[tuple[Store, Shape], tuple[object, Tables]] = {}


def open_tables(store: Store, shape: Shape) -> Tables:
    """The tables of a form, up to date; made anew only if something has changed, since clients read page by page."""
    catch_up(store, shape.form.form_id)
    with store.read() as connection:
        mark = read_mark(connection, shape.form.form_id)
    key = (store, shape)
    found = _kept.get(key)
    if found is None or found[0] != mark:
        found = (mark, _make_tables(store, shape))
        while len(_kept) >= _KEPT:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = found
    return found[1]


def _make_tables(store: Store, shape: Shape) -> Tables:
    form = shape.form
    tables = scan_tables(store, form.form_id, form)
    system = _system_frame(store, form.form_id)
    expected = _expected(tables, shape)
    present, wanted = pl.col(f"{SYSTEM}/attachmentsPresent"), pl.col(f"{SYSTEM}/attachmentsExpected")
    if expected is not None:
        system = system.join(expected, on=INSTANCE_ID, how="left")
        system = system.with_columns(pl.col("__expected").fill_null(0).alias(f"{SYSTEM}/attachmentsExpected"))
        system = system.with_columns(pl.min_horizontal(present, wanted).alias(f"{SYSTEM}/attachmentsPresent"))
        missing = pl.when(present < wanted).then(pl.lit("missingAttachments"))
        system = system.with_columns(missing.alias(f"{SYSTEM}/status")).drop("__expected")
    system = system.with_columns(pl.col(f"{SYSTEM}/submitterId").cast(pl.Int64).alias("__submitter"))
    frames = {}
    for table in form.tables:
        schema = tables[table.name].collect_schema()
        texts = [field.column for field in table.fields if schema.get(field.column) == pl.String]
        frame = without_marks(tables[table.name], texts).join(
            system, on=INSTANCE_ID, how="inner", maintain_order="left"
        )
        frame = frame.with_columns(_row_key(ROW_ID).alias(ID))
        if table.name != MAIN_TABLE:
            frame = frame.with_columns(_row_key(PARENT_ROW_ID).alias("__parent"))
        frames[table.name] = frame
    return Tables(shape, frames)


def system_struct(names: list[str]) -> pl.Expr:
    """The value of `__system`, with only these of its properties."""
    parts = []
    for name in names:
        column = pl.col(f"{SYSTEM}/{name}")
        parts.append((moment(column) if isinstance(SYSTEM_TYPES[name], pl.Datetime) else column).alias(name))
    return pl.struct(*parts)
