"""How the rows of a form's tables belong together: each row's parent, its rows above. Plain numpy, no joins twice.

Frames are as `schemas.submissions.ParsedBatch` promises: sorted by submission and position, parents in the order of
their own table. Rows that aren't are put in order first.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from expressions.answers import Answers
from expressions.groups import Groups, Indices
from schemas.fields import INSTANCE_ID, MAIN_TABLE, PARENT_ROW_ID, ROW_ID, Form


def chain(form: Form, table: str) -> list[str]:
    """The table and those above it, itself first, main last."""
    found = [table]
    parent = form.table(table).parent
    while parent is not None:
        found.append(parent)
        parent = form.table(parent).parent
    return found


@dataclass(slots=True)
class Links:
    """The tables of one evaluation and the parents of their rows, found when asked for.

    Attributes:
        answers: (table, column) -> what `selected()` has found out of its texts.
    """

    form: Form
    tables: Mapping[str, pl.DataFrame]
    answers: dict[tuple[str, str], Answers] = field(default_factory=dict)
    _parents: dict[str, Indices] = field(default_factory=dict)
    _ancestors: dict[tuple[str, str], Indices] = field(default_factory=dict)
    _groups: dict[tuple[str, str], Groups] = field(default_factory=dict)

    def height(self, table: str) -> int:
        """Number of rows."""
        return self.tables[table].height

    def parents(self, table: str) -> Indices:
        """For each row of a repeat's table, the index of its parent's row; -1 if the parent isn't there."""
        if table not in self._parents:
            above = self.form.table(table).parent or MAIN_TABLE
            self._parents[table] = _known_parents(self.tables[table], self.tables[above], above)
        return self._parents[table]

    def ancestors(self, table: str, ancestor: str) -> Indices:
        """For each row, the index of its row in a table above (or in the same table)."""
        key = (table, ancestor)
        if key not in self._ancestors:
            self._ancestors[key] = self._find_ancestors(table, ancestor)
        return self._ancestors[key]

    def groups(self, table: str, ancestor: str) -> Groups:
        """The rows of a table by their rows in a table above."""
        key = (table, ancestor)
        if key not in self._groups:
            self._groups[key] = Groups(self.ancestors(table, ancestor), self.height(ancestor))
        return self._groups[key]

    def _find_ancestors(self, table: str, ancestor: str) -> Indices:
        found: Indices | None = None
        for level in chain(self.form, table):
            if level == ancestor:
                break
            parents = self.parents(level)
            if found is None:
                found = parents
            elif len(parents):
                found = np.where(found >= 0, parents[found], -1)
        return np.arange(self.height(table), dtype=np.int64) if found is None else found


_KNOWN: dict[tuple[int, int], Indices] = {}
"""Parents found before, by the identities of the two frames; an entry goes when one of its frames does."""


def _known_parents(frame: pl.DataFrame, above: pl.DataFrame, name: str) -> Indices:
    """As `_find_parents`, once per pair of frames: hundreds of rules are evaluated over the same tables."""
    key = (id(frame), id(above))
    found = _KNOWN.get(key)
    if found is None:
        found = _KNOWN[key] = _find_parents(frame, above, name)
        for one in (frame, above):
            weakref.finalize(one, _KNOWN.pop, key, None)
    return found


def _find_parents(frame: pl.DataFrame, above: pl.DataFrame, name: str) -> Indices:
    keys = [INSTANCE_ID] if name == MAIN_TABLE else [INSTANCE_ID, ROW_ID]
    wanted = frame.select(pl.col(INSTANCE_ID), pl.col(PARENT_ROW_ID).alias(ROW_ID)).select(keys)
    if name == MAIN_TABLE and above.height:
        quick = _by_runs(wanted.get_column(INSTANCE_ID), above.get_column(INSTANCE_ID))
        if quick is not None:
            return quick
    listed = above.select(keys).with_row_index("_index").unique(keys, keep="first")
    found = wanted.join(listed, on=keys, how="left", maintain_order="left").get_column("_index")
    return found.cast(pl.Int64).fill_null(-1).to_numpy()


def _by_runs(wanted: pl.Series, above: pl.Series) -> Indices | None:
    """Parents where every parent has children in its own order: one pass, no hashing; null if it isn't so."""
    if not len(wanted):
        return np.empty(0, dtype=np.int64)
    starts = (wanted != wanted.shift(1)).fill_null(True)
    runs = wanted.filter(starts)
    if len(runs) != len(above) or not bool((runs == above).all()):
        return None
    return starts.cast(pl.Int64).cum_sum().to_numpy() - 1


def spread(values: pl.Series, indices: Indices) -> pl.Series:
    """Values of the rows above, one per row below; null where there is none above."""
    wanted = pl.Series(indices, dtype=pl.Int64)
    return values.gather(wanted.set(wanted < 0, None) if len(wanted) and wanted.min() < 0 else wanted)  # type: ignore[operator]
