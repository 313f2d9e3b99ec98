"""Expressions of the workbook as columns of the table whose rows are counted.

A column compiled over an enclosing table (a grouping of the interview, the weight of a household) is handed down to
the rows of a repeat through their keys. Each expression is evaluated once however many indicators use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import polars as pl

from schemas.errors import EstimationError
from schemas.fields import INSTANCE_ID, MAIN_TABLE, PARENT_ROW_ID, ROW_ID, Form

Kind = Literal["boolean", "number", "string"]


class CompiledColumn(Protocol):
    """What `expressions.columns.compile_columns` returns, as far as estimation uses it."""

    def boolean(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        """One truth value a row of the table it was compiled for."""
        ...

    def number(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        """One number a row, null or NaN where there is none."""
        ...

    def string(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        """One text a row, null or "" where there is none."""
        ...


Compile = Callable[[str, Form, str], CompiledColumn]


class Columns:
    """The columns of one form's tables, evaluated when first asked for.

    Args:
        form: the form whose names the expressions use.
        tables: table name -> typed frame, as in `ParsedBatch.tables`.
        compile_columns: compiler of expressions; `expressions.columns.compile_columns`.
    """

    def __init__(self, form: Form, tables: Mapping[str, pl.DataFrame], compile_columns: Compile) -> None:
        self.form = form
        self.tables = tables
        self._compile = compile_columns
        self._known: dict[tuple[str, str, Kind], pl.Series] = {}
        self._handed_down: dict[tuple[str, str], pl.Series] = {}

    def height(self, table: str) -> int:
        """How many rows the table has.

        Raises:
            EstimationError: EST-001, when the form has no such table.
        """
        if table not in self.tables:
            names = ", ".join(sorted(self.tables))
            raise EstimationError(
                "EST-001", f"The form has no table «{table}»; it has {names}.", "Write one of these names."
            )
        return self.tables[table].height

    def holds(self, text: str, table: str, source: str | None = None) -> pl.Series:
        """Whether `text` holds, one Boolean a row of `table`, never null: what isn't known doesn't hold.

        Args:
            text: expression over `${name}`.
            table: table whose rows the result has.
            source: enclosing table over which `text` is written, null for `table` itself.
        """
        return self._column(text, table, source, "boolean").fill_null(False).cast(pl.Boolean)

    def numbers(self, text: str, table: str, source: str | None = None) -> pl.Series:
        """The value of `text`, one Float64 a row of `table`, null where there is no number."""
        return self._column(text, table, source, "number").cast(pl.Float64).fill_nan(None)

    def codes(self, text: str, table: str, source: str | None = None) -> pl.Series:
        """The value of `text`, one String a row of `table`, null where it is blank."""
        column = self._column(text, table, source, "string").cast(pl.String).str.strip_chars()
        return pl.select(pl.when(column != "").then(column)).to_series()

    def _column(self, text: str, table: str, source: str | None, kind: Kind) -> pl.Series:
        origin = source or table
        self.height(table)
        key = (text, origin, kind)
        if key not in self._known:
            self.height(origin)
            compiled = self._compile(text, self.form, origin)
            evaluated: pl.Series = getattr(compiled, kind)(self.tables)
            self._known[key] = evaluated
        found = self._known[key]
        return found if origin == table else found.gather(self.rows_of(origin, table))

    def rows_of(self, origin: str, table: str) -> pl.Series:
        """Row number in `origin` of the row that encloses each row of `table`.

        Raises:
            EstimationError: EST-002, when `origin` does not enclose `table`.
        """
        if origin == table:
            return pl.int_range(self.height(table), dtype=pl.UInt32, eager=True)
        if (origin, table) not in self._handed_down:
            parent = self.form.table(table).parent
            if parent is None:
                raise EstimationError(
                    "EST-002",
                    f"Rows of «{origin}» can't group the rows of «{table}», which they don't enclose.",
                    "Write the expression over the same table or over one that encloses it.",
                )
            step = self._parent_rows(table, parent)
            self._handed_down[origin, table] = step if parent == origin else self.rows_of(origin, parent).gather(step)
        return self._handed_down[origin, table]

    def _parent_rows(self, table: str, parent: str) -> pl.Series:
        frame, above = self.tables[table], self.tables[parent]
        if parent == MAIN_TABLE:
            numbered = above.select(INSTANCE_ID).with_row_index("_row")
            joined = frame.select(INSTANCE_ID).join(numbered, on=INSTANCE_ID, how="left", maintain_order="left")
        else:
            numbered = above.select(INSTANCE_ID, ROW_ID).with_row_index("_row")
            joined = frame.select(INSTANCE_ID, PARENT_ROW_ID).join(
                numbered,
                left_on=[INSTANCE_ID, PARENT_ROW_ID],
                right_on=[INSTANCE_ID, ROW_ID],
                how="left",
                maintain_order="left",
            )
        rows = joined.get_column("_row")
        if rows.len() != frame.height or rows.null_count():
            raise EstimationError(
                "EST-003",
                f"Rows of «{table}» have no row of «{parent}» that encloses them.",
                "Read the submissions again: the tables of one batch belong together.",
            )
        return rows
