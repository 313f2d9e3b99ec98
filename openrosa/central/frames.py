"""A form's tables, each row with what Central says of its interview: who sent it, when, its review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from openrosa.central.columns import MOMENT, NUMBER, TEXT, Column, kind_of
from openrosa.central.shapes import SUBMISSIONS, Entity, Shape
from openrosa.central.values import moment

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


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a form at one moment.

    Attributes:
        frames: table of the store -> its rows, each with the columns of the interview, `__id` and `SEQUENCE`.
        schemas: table of the store -> the types of these columns.
        in_memory: whether the rows are there already, and needn't be read from files.
    """

    shape: Shape
    frames: Mapping[str, pl.LazyFrame]
    schemas: Mapping[str, pl.Schema]
    in_memory: bool

    def frame(self, entity: Entity) -> pl.LazyFrame:
        """The rows of an entity set, latest interviews first and rows as they stand in them."""
        return self.frames[entity.table]

    def rows(self, entity: Entity, places: pl.Series) -> pl.LazyFrame:
        """Some rows of an entity set, in this order, by their places in it, from 0."""
        frame = self.frames[entity.table]
        if len(places) and places.is_sorted() and places[-1] - places[0] + 1 == len(places):
            return frame.slice(places[0], len(places))
        if self.in_memory:
            return frame.collect()[places].lazy()
        wanted = pl.LazyFrame({"__place": places.cast(pl.UInt32)})
        return frame.with_row_index("__place").join(wanted, on="__place", maintain_order="right").drop("__place")

    def schema(self, entity: Entity) -> pl.Schema:
        """The types of an entity set's columns."""
        return self.schemas[entity.table]

    def properties(self, entity: Entity) -> dict[str, Column]:
        """What filters and orders may name: property path -> column."""
        schema = self.schema(entity)
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


def system_struct(names: list[str]) -> pl.Expr:
    """The value of `__system`, with only these of its properties."""
    parts = []
    for name in names:
        column = pl.col(f"{SYSTEM}/{name}")
        parts.append((moment(column) if isinstance(SYSTEM_TYPES[name], pl.Datetime) else column).alias(name))
    return pl.struct(*parts)
