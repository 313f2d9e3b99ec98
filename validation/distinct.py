"""Expressions evaluated row by row, but once only for rows that have the same answers in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
import polars as pl

from expressions.grammar import parse
from expressions.syntax import Call, walk
from schemas.fields import INSTANCE_ID, MAIN_TABLE, PARENT_ROW_ID, ROW_ID, Field, Form


class Columns(Protocol):
    """An expression over the rows of a table, however it is evaluated: see `expressions.columns.ColumnExpr`."""

    names: frozenset[str]

    def boolean(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        """Boolean without nulls, one value per row."""

    def number(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        """Float64; null where the value is blank or no number."""

    def string(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        """String without nulls; "" where the value is blank."""


LOOKING_AROUND = frozenset(
    (
        *("position", "count", "count-non-empty", "sum", "min", "max", "join", "indexed-repeat"),
        *("today", "now", "once", "random", "randomize", "uuid", "version", "area", "distance", "geofence", "current"),
    )
)
"""Functions whose value may depend on more than the named answers of the row and the rows above it."""

_GROUP = "_group"
_PARENT_KEY = "_parent_key"


def depends_on_named_answers(text: str) -> bool:
    """Whether an expression's value follows from the answers it names, in the row and the rows above it."""
    return not any(isinstance(part, Call) and part.name in LOOKING_AROUND for part in walk(parse(text)))


class DistinctExpr:
    """An expression that is evaluated once for each combination of the answers it names.

    Args:
        inner: the expression; its value must follow from its named answers.
        fields: those answers, all of the expression's table or of tables above it.
    """

    def __init__(self, inner: Columns, form: Form, table: str, fields: tuple[Field, ...]) -> None:
        self._inner = inner
        self._form = form
        self._table = table
        self._fields = fields
        self.names = inner.names

    def boolean(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        """Boolean without nulls, one value per row."""
        groups, firsts = self._group(tables)
        return self._inner.boolean(self._only(tables, firsts))[groups]

    def number(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        """Float64; null where the value is blank or no number."""
        groups, firsts = self._group(tables)
        return self._inner.number(self._only(tables, firsts))[groups]

    def string(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        """String without nulls; "" where the value is blank."""
        groups, firsts = self._group(tables)
        return self._inner.string(self._only(tables, firsts))[groups]

    def _group(self, tables: Mapping[str, pl.DataFrame]) -> tuple[pl.Series, pl.Series]:
        """For each row the number of its combination; for each combination the number of its first row."""
        keys = self._keys(tables)
        firsts = keys.with_row_index(_GROUP).group_by(keys.columns, maintain_order=True).agg(pl.col(_GROUP).first())
        numbered = firsts.select(keys.columns).with_row_index(_GROUP)
        groups = keys.join(numbered, on=keys.columns, how="left", nulls_equal=True, maintain_order="left")
        return groups[_GROUP], firsts[_GROUP]

    def _keys(self, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """The named answers beside each row of the table; a column of the frame's height even if none is named."""
        frame = tables[self._table]
        columns = [pl.Series("k", np.zeros(frame.height, dtype=np.int8))]
        rows = frame.select(INSTANCE_ID, *([PARENT_ROW_ID] if PARENT_ROW_ID in frame.columns else []))
        for name in self._chain():
            here = tables[name] if name != self._table else frame
            wanted = [field.column for field in self._fields if field.table == name and field.column in here.columns]
            if name == self._table:
                columns += [frame[column].alias(f"{name}/{column}") for column in wanted]
                continue
            # Go up one table: the row above has the instance and the id that the row names as its parent's.
            more = [PARENT_ROW_ID] if PARENT_ROW_ID in here.columns else []
            above = here.select(INSTANCE_ID, pl.col(ROW_ID).alias(_PARENT_KEY), *more, *wanted)
            rows = rows.rename({PARENT_ROW_ID: _PARENT_KEY}).join(
                above, on=[INSTANCE_ID, _PARENT_KEY], how="left", maintain_order="left"
            )
            columns += [rows[column].alias(f"{name}/{column}") for column in wanted]
            rows = rows.select(INSTANCE_ID, *more)
        return pl.DataFrame(columns)

    def _only(self, tables: Mapping[str, pl.DataFrame], rows: pl.Series) -> dict[str, pl.DataFrame]:
        """The tables with those rows of the expression's table, the rows above them and no others."""
        chosen = tables[self._table][rows]
        chain = set(self._chain())
        only = {}
        for name, frame in tables.items():
            if name == self._table:
                only[name] = chosen
            elif name in chain:
                only[name] = frame.join(chosen.select(INSTANCE_ID), on=INSTANCE_ID, how="semi", maintain_order="left")
            else:
                only[name] = frame.clear()
        return only

    def _chain(self) -> Iterator[str]:
        """The expression's table and those above it."""
        name: str | None = self._table
        while name is not None:
            yield name
            name = self._form.table(name).parent


def named_answers(names: frozenset[str], form: Form, table: str) -> tuple[Field, ...] | None:
    """The fields that the names mean; null if some name means another table's, or several fields."""
    chain = {MAIN_TABLE}
    at: str | None = table
    while at is not None:
        chain.add(at)
        at = form.table(at).parent
    found = [field for field in form.fields() if field.name in names]
    if len(found) != len(names) or any(field.table not in chain for field in found):
        return None
    return tuple(found)
