"""A table of someone else's making: its columns as codes and as numbers, read when first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

import polars as pl

from schemas.errors import EstimationError
from schemas.fields import MAIN_TABLE, Field, Form, Group, Table

MISSING: Final = ("", "NA", "NaN", "nan", "NULL", "null", ".", "#N/A", "#NULL!")
"""Texts that stand for a missing value in the files of R, Stata, SAS, SPSS and Excel."""

GROUPED: Final = r"^[+-]?[0-9]{1,3}([.][0-9]{3})+(,[0-9]*)?$"
"""A number with points between thousands."""

ROOT: Final = "/data"


class Microdata:
    """The columns of one table.

    Args:
        frame: one row a respondent; texts as in the file, or typed columns.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self._codes: dict[str, pl.Series] = {}
        self._numbers: dict[str, pl.Series] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._frame.columns)

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self._frame.height

    def __contains__(self, name: object) -> bool:
        return name in self._frame.columns

    def select(self, names: Sequence[str]) -> Microdata:
        """Some of the columns."""
        return Microdata(self._frame.select(names))

    def rename(self, old: str, new: str) -> Microdata:
        """The same with another name for a column."""
        return Microdata(self._frame.rename({old: new}))

    def filter(self, kept: pl.Series) -> Microdata:
        """The rows that are kept."""
        return Microdata(self._frame.filter(kept))

    def codes(self, name: str) -> pl.Series:
        """A column as text without surrounding blanks; null where the value is missing; 1.0 reads as 1.

        Raises:
            EstimationError: EST-020, when there is no such column.
        """
        if name not in self._codes:
            column = self._column(name)
            if column.dtype.is_float():
                whole = column.is_null().all() or (column.drop_nulls() % 1 == 0).all()
                column = column.cast(pl.Int64).cast(pl.String) if whole else column.cast(pl.String)
            elif column.dtype == pl.Boolean:
                column = column.cast(pl.Int8).cast(pl.String)
            elif column.dtype == pl.String:
                kept = pl.col(name).str.strip_chars()
                known = pl.when(~kept.is_in(MISSING)).then(kept)
                column = column.to_frame(name).select(known.str.replace(r"^(-?\d+)\.0+$", "$1"))[name]
            else:
                column = column.cast(pl.String)
            self._codes[name] = column
        return self._codes[name]

    def numbers(self, name: str) -> pl.Series:
        """A column as Float64, null where it is missing.

        A decimal comma is read where no value has a point, or where every point separates thousands ("1.234,5").

        Raises:
            EstimationError: EST-020; EST-017, when a value is no number.
        """
        if name not in self._numbers:
            column = self._column(name)
            if column.dtype == pl.String:
                column = self._read_numbers(name)
            self._numbers[name] = column.cast(pl.Float64).fill_nan(None)
        return self._numbers[name]

    def form(self) -> tuple[Form, dict[str, pl.DataFrame]]:
        """The table as a form's, so that an expression can be written over the names of its columns.

        A column whose every value is a number is one, unless a code among them starts with a zero ("05").
        """
        fields: list[Field] = []
        columns: dict[str, pl.Series] = {}
        for name in self.names:
            kind, columns[name] = self._typed(name)
            fields.append(Field(name, f"{ROOT}/{name}", kind, "input", MAIN_TABLE, name))
        tree = Group("data", ROOT, children=tuple(fields))
        table = Table(MAIN_TABLE, ROOT, None, tuple(fields))
        return Form("table", "1", "table", tree, (table,)), {MAIN_TABLE: pl.DataFrame(columns)}

    def _typed(self, name: str) -> tuple[str, pl.Series]:
        codes = self.codes(name)
        numbers = codes.cast(pl.Float64, strict=False)
        padded = codes.str.contains(r"^-?0\d").any()
        if padded or numbers.null_count() > codes.null_count():
            return "string", codes
        if (numbers.drop_nulls() % 1 == 0).all():
            return "int", numbers.cast(pl.Int64)
        return "decimal", numbers

    def _read_numbers(self, name: str) -> pl.Series:
        codes = self.codes(name)
        numbers = codes.cast(pl.Float64, strict=False)
        if numbers.null_count() > codes.null_count():
            pointed = codes.filter(codes.str.contains(".", literal=True))
            # 1.0 reads as the code 1, so that 2.000 among "1.234,5" is seen in the file's own text.
            if pointed.str.contains(GROUPED).all():
                plain = self._column(name).str.strip_chars().str.replace_all(".", "", literal=True)
                commas = codes if pointed.is_empty() else plain
                numbers = commas.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        bad = codes.is_not_null() & numbers.is_null()
        if bad.any():
            raise EstimationError(
                "EST-017",
                f"{bad.sum()} of {codes.len()} values of «{name}» are no numbers, the first in row {bad.arg_max()} of "
                "the data (from 0).",
                "A mean, total, ratio or quantile needs numbers; the categories of a text are told by --share.",
            )
        return numbers

    def _column(self, name: str) -> pl.Series:
        if name not in self._frame.columns:
            raise missing_column(name, self._frame.columns)
        return self._frame[name]


def missing_column(name: str, there: Sequence[str]) -> EstimationError:
    """EST-020: the table has no such column; the nearest of those that it has is named.

    >>> missing_column("Weight", ["weight", "age"]).advice
    'Did you mean «weight»?'
    """
    near = [other for other in there if other.lower() == name.lower()] or get_close_matches(name, there, 1)
    advice = f"Did you mean «{near[0]}»?" if near else f"It has {', '.join(there[:12])}; capitals and accents count."
    return EstimationError("EST-020", f"The table has no column «{name}».", advice)


def clean_code(value: object) -> str:
    """A category as `Microdata.codes` writes it."""
    text = str(value if value is not None else "").strip()
    return (
        text.split(".")[0]
        if text.replace(".", "", 1).lstrip("-").isdigit() and set(text.partition(".")[2]) <= {"0"}
        else text
    )
