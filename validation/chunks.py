"""Typed tables cut into runs of whole submissions, so that memory is bounded and no rule sees half an interview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, PARENT_ROW_ID, ROW_ID, Form

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

_OWNER = "_owner"
_PARENT = "_parent"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of submissions with all their rows.

    Attributes:
        tables: table name -> frame, in form order of the tables.
        owners: table name -> for each row, the number of its submission in the whole main table, rising.
        parents: repeat's table name -> for each row, the number of its parent's row in this chunk.
    """

    tables: Mapping[str, pl.DataFrame]
    owners: Mapping[str, Numbers]
    parents: Mapping[str, Numbers]


def split_by_submission(form: Form, tables: Mapping[str, pl.DataFrame], chunk_rows: int) -> Iterator[Chunk]:
    """Cut the tables after every `chunk_rows` submissions.

    Rows of repeats whose submission or parent row isn't there belong to nobody and are left out (key integrity is
    judged by `validation.expectations`). A repeat whose frame is missing counts as empty.
    """
    main = tables[MAIN_TABLE]
    numbers = main.select(INSTANCE_ID).with_row_index(_OWNER).unique(INSTANCE_ID, keep="first")
    sorted_tables: dict[str, tuple[pl.DataFrame, Numbers]] = {
        MAIN_TABLE: (main, np.arange(main.height, dtype=np.int64))
    }
    for table in form.tables[1:]:
        if table.name in tables:
            sorted_tables[table.name] = _sort_rows(tables[table.name], numbers)
    for start in range(0, main.height, chunk_rows):
        yield _take(form, sorted_tables, start, min(start + chunk_rows, main.height))


def _sort_rows(frame: pl.DataFrame, numbers: pl.DataFrame) -> tuple[pl.DataFrame, Numbers]:
    """The rows in the order of their submissions, and each row's submission; orphans left out."""
    owners = frame.select(INSTANCE_ID).join(numbers, on=INSTANCE_ID, how="left", maintain_order="left")[_OWNER]
    if owners.null_count():
        frame, owners = frame.filter(owners.is_not_null()), owners.drop_nulls()
    found: Numbers = owners.to_numpy().astype(np.int64)
    if found.size and (np.diff(found) < 0).any():
        order = np.argsort(found, kind="stable")
        frame, found = frame[order], found[order]
    return frame, found


def _take(form: Form, tables: Mapping[str, tuple[pl.DataFrame, Numbers]], start: int, stop: int) -> Chunk:
    frames: dict[str, pl.DataFrame] = {}
    owners: dict[str, Numbers] = {}
    parents: dict[str, Numbers] = {}
    for table in form.tables:
        if table.name not in tables:
            continue
        frame, found = tables[table.name]
        low, high = (int(at) for at in np.searchsorted(found, (start, stop)))
        frame, found = frame.slice(low, high - low), found[low:high]
        if table.parent is not None:
            above = _parent_rows(frame, frames[table.parent])
            if (above < 0).any():
                frame, found, above = frame.filter(above >= 0), found[above >= 0], above[above >= 0]
            parents[table.name] = above
        frames[table.name], owners[table.name] = frame, found
    return Chunk(frames, owners, parents)


def _parent_rows(frame: pl.DataFrame, parent: pl.DataFrame) -> Numbers:
    """For each row the number of its parent's row, -1 if there is none."""
    keys = parent.select(INSTANCE_ID, pl.col(ROW_ID).alias(PARENT_ROW_ID)).with_row_index(_PARENT)
    keys = keys.unique([INSTANCE_ID, PARENT_ROW_ID], keep="first")
    joined = frame.select(INSTANCE_ID, PARENT_ROW_ID).join(
        keys, on=[INSTANCE_ID, PARENT_ROW_ID], how="left", maintain_order="left"
    )
    found: Numbers = joined[_PARENT].cast(pl.Int64).fill_null(-1).to_numpy()
    return found
