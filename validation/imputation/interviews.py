"""The interviews to be mended, and which answers of each one every edit rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, PARENT_ROW_ID, ROW_ID
from validation.chunks import Chunk, Flags, split_by_submission
from validation.cleaning.cells import Typed
from validation.imputation.edits import Edits, cells_read, rows_of
from validation.imputation.plan import Column

Cell = tuple[str, str, str]
"""Table, row id and column of an answer of one interview."""
Place = tuple[int, str]
"""Number of an edit, and the row in which it holds or doesn't."""

_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class Structure:
    """What interviews with the same rows share.

    Attributes:
        cells: edit and row -> the answers it rests on, those that can't be changed among them.
        touching: answer -> the edits that rest on it.
    """

    cells: Mapping[Place, frozenset[Cell]]
    touching: Mapping[Cell, tuple[Place, ...]]


class Interviews:
    """Some interviews of one form version that one engine made.

    Args:
        tables: with their rows alone, the main table in the order in which they are gone through.

    Attributes:
        names: instance ids, by number.
        chunk: their tables, the rows of repeats in the order of the interviews.
    """

    def __init__(self, edits: Edits, tables: Mapping[str, pl.DataFrame]) -> None:
        self.edits = edits
        self.chunk: Chunk = next(split_by_submission(edits.form, tables, _MOST))
        self.names: list[str] = self.chunk.tables[MAIN_TABLE][INSTANCE_ID].to_list()
        size = len(self.names)
        self.starts = {
            table: np.searchsorted(owners, np.arange(size + 1)) for table, owners in self.chunk.owners.items()
        }
        self._ids = {table: frame[ROW_ID].to_list() for table, frame in self.chunk.tables.items()}
        self._above = {
            table: frame[PARENT_ROW_ID].to_list() for table, frame in self.chunk.tables.items() if table != MAIN_TABLE
        }
        self._columns: dict[Column, list[Typed]] = {}
        self._structures: dict[tuple[object, ...], Structure] = {}
        self._numbers: list[dict[tuple[str, str], int]] = []
        self._asked: dict[Column, Flags | None] = {}

    def __len__(self) -> int:
        return len(self.names)

    def row(self, number: int, table: str, row_id: str) -> int:
        """Number of a row of an interview in its table."""
        if not self._numbers:
            self._numbers = [{} for _ in self.names]
            for name, starts in self.starts.items():
                ids = self._ids[name]
                for owner in range(len(self.names)):
                    for at in range(starts[owner], starts[owner + 1]):
                        self._numbers[owner][name, ids[at]] = at
        return self._numbers[number][table, row_id]

    def value(self, number: int, cell: Cell) -> Typed:
        """The answer as it is."""
        table, row_id, column = cell
        values = self._columns.get((table, column))
        if values is None:
            frame = self.chunk.tables[table]
            values = frame[column].to_list() if column in frame.columns else [None] * frame.height
            self._columns[table, column] = values
        return values[self.row(number, table, row_id)]

    def structure(self, number: int) -> Structure:
        """What its edits rest on."""
        parts = tuple(
            (
                table,
                tuple(self._ids[table][starts[number] : starts[number + 1]]),
                tuple(self._above[table][starts[number] : starts[number + 1]]) if table in self._above else (),
            )
            for table, starts in self.starts.items()
        )
        if parts not in self._structures:
            rows = {table: ids for table, ids, _ in parts}
            parents = {table: dict(zip(ids, above, strict=True)) for table, ids, above in parts if table in self._above}
            self._structures[parts] = _build(self.edits, rows, parents)
        return self._structures[parts]


@dataclass(slots=True)
class _Building:
    cells: dict[Place, frozenset[Cell]] = field(default_factory=dict)
    touching: dict[Cell, list[Place]] = field(default_factory=dict)


def _build(edits: Edits, rows: Mapping[str, tuple[str, ...]], parents: Mapping[str, Mapping[str, str]]) -> Structure:
    built = _Building()
    for number, edit in edits.all.items():
        for row_id in rows.get(edit.table, ()):
            cells = frozenset(cells_read(edit, row_id, rows, rows_of(edit.table, row_id, parents, edits.form)))
            built.cells[number, row_id] = cells
            for cell in cells:
                built.touching.setdefault(cell, []).append((number, row_id))
    return Structure(built.cells, {cell: tuple(places) for cell, places in built.touching.items()})
