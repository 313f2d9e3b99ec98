"""What another engine is asked about the interviews of a chunk that broke a rule: all of it at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from expressions.columns import ColumnExpr, RowwiseExpr, evaluate_together
from expressions.links import Links
from expressions.rowwise import RowKind, RowRequest, evaluate_rows
from schemas.errors import ExpressionError
from schemas.fields import INSTANCE_ID, ROW_ID, Form
from validation.chunks import Chunk, Numbers
from validation.distinct import Columns
from validation.evaluation import FAILURES
from validation.relevance import Judged, RelevancePlan

Key = tuple[int, RowKind]


class Again:
    """Some interviews of a chunk, as they were judged.

    Args:
        instances: instance ids of those interviews.

    Attributes:
        judged: the chunk.
        blanked: those interviews, what isn't relevant blank.
        whole: their tables; those of which rows were dropped have them again, and nothing blank in them.
    """

    def __init__(self, form: Form, plan: RelevancePlan, judged: Judged, instances: Collection[str]) -> None:
        keys = pl.DataFrame({INSTANCE_ID: sorted(instances)}, schema={INSTANCE_ID: pl.String})
        tables = {name: _of(frame, keys) for name, frame in judged.tables.items()}
        self._form = form
        self.judged = judged
        self.blanked = Judged(Chunk(tables, {}, {}), replace(plan, expressions={}), tables)
        self.whole = {
            name: tables[name] if judged.kept.get(name) is None else _of(frame, keys)
            for name, frame in judged.before.items()
        }
        self._links = Links(form, self.whole)
        self._rows: dict[tuple[str, bool], dict[tuple[str, str], int]] = {}

    def numbers(self, table: str, rows: pl.DataFrame, *, whole: bool = False) -> Numbers:
        """The numbers that rows of a table have here.

        Args:
            rows: with `_instance_id` and `_row_id`.
        """
        key = (table, whole)
        if key not in self._rows:
            frame = (self.whole if whole else self.blanked.tables)[table]
            ids = frame.select(INSTANCE_ID, ROW_ID).iter_rows()
            self._rows[key] = {(instance, row): number for number, (instance, row) in enumerate(ids)}
        known = self._rows[key]
        found = [known[instance, row] for instance, row in rows.select(INSTANCE_ID, ROW_ID).iter_rows()]
        return np.array(found, dtype=np.int64)

    def above(self, table: str, ancestor: str, numbers: Numbers) -> Numbers:
        """For rows of a whole table, those above them; -1 where there is none."""
        return self._links.ancestors(table, ancestor)[numbers]

    def above_in_chunk(self, table: str, ancestor: str, numbers: Numbers) -> Numbers:
        """For rows of the chunk, those above them."""
        at = table
        while at != ancestor:
            numbers = self.judged.chunk.parents[at][numbers]
            at = self._form.table(at).parent or ancestor
        return numbers


class Questions:
    """Values that are wanted of some rows, and then given."""

    def __init__(self, again: Again) -> None:
        self.again = again
        self._wanted: dict[bool, dict[Key, tuple[Columns, list[Numbers]]]] = {False: {}, True: {}}
        self._found: dict[bool, dict[Key, pl.Series | ExpressionError]] = {False: {}, True: {}}

    def ask(self, expr: Columns, kind: RowKind, numbers: Numbers, *, whole: bool = False) -> None:
        """Say that a value is wanted there.

        Args:
            whole: of the whole tables, not of those in which what isn't relevant is blank.
        """
        self._wanted[whole].setdefault((id(expr), kind), (expr, []))[1].append(numbers)

    def answer(self) -> None:
        """Find all values: over columns where that can be, else interview by interview."""
        for whole, wanted in self._wanted.items():
            tables = self.again.whole if whole else self.again.blanked.tables
            requests: dict[Key, RowRequest] = {}
            columns: dict[Key, tuple[ColumnExpr, RowKind]] = {}
            for key, (expr, numbers) in wanted.items():
                if isinstance(expr, RowwiseExpr):
                    rows = np.unique(np.concatenate(numbers))
                    requests[key] = expr.request(key[1], rows[rows >= 0])
                elif isinstance(expr, ColumnExpr):
                    columns[key] = (expr, key[1])
            self._found[whole] |= zip(requests, evaluate_rows(list(requests.values()), tables), strict=True)
            try:
                self._found[whole] |= zip(columns, evaluate_together(list(columns.values()), tables), strict=True)
            except FAILURES:
                continue  # asked for one by one, each fails or not by itself

    def prepared(self, needs: Sequence[tuple[Columns, RowKind]]) -> Judged:
        """The interviews, what isn't relevant blank, with these values at hand.

        Raises:
            ExpressionError: one of them has no value.
        """
        blanked = self.again.blanked
        blanked.ready = {(id(expr), kind): self._value(expr, kind, whole=False) for expr, kind in needs}
        return blanked

    def holds_whole(self, expr: Columns) -> pl.Series:
        """Where a condition holds, in the rows of the whole tables of which it was asked.

        Raises:
            ExpressionError: it has no value.
        """
        return self._value(expr, "boolean", whole=True)

    def _value(self, expr: Columns, kind: RowKind, *, whole: bool) -> pl.Series:
        found = self._found[whole].get((id(expr), kind))
        if isinstance(found, ExpressionError):
            raise found
        if found is None:
            found = getattr(expr, kind)(self.again.whole if whole else self.again.blanked.tables)
            self._found[whole][id(expr), kind] = found
        return found


def _of(frame: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    return frame.join(keys, on=INSTANCE_ID, how="semi", maintain_order="left")
