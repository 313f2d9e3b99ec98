"""The sheets of an export as rows of plain values: .xlsx, one .csv, or a folder of CSVs."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import openpyxl

from schemas.errors import FormError

Cell = str | int | float | bool | date | datetime | time | None
MOST_FIELD = 10_000_000
"""Characters of one CSV cell; Python's own limit of 131,072 is less than some narratives."""


@dataclass(frozen=True, slots=True)
class ExportSheet:
    """One sheet.

    Attributes:
        rows: header -> value, without empty cells; in the sheet's order.
    """

    name: str
    headers: tuple[str, ...]
    rows: tuple[dict[str, Cell], ...]


def read_sheets(path: Path) -> list[ExportSheet]:
    """Every sheet of an export.

    Raises:
        FormError: FRM-601, no such file or of a kind that isn't read; FRM-602, a damaged one.
    """
    if path.is_dir():
        return [_read_csv(each) for each in sorted(path.glob("*.csv"))]
    match path.suffix.lower():
        case ".xlsx" | ".xlsm" if path.is_file():
            return _read_xlsx(path)
        case ".csv" if path.is_file():
            return [_read_csv(path)]
        case _:
            raise FormError(
                "FRM-601",
                f"{path.name} is no export that can be read.",
                "Give an .xlsx or .csv file, a folder of CSV files, or a folder of submissions in XML.",
            )


def _read_xlsx(path: Path) -> list[ExportSheet]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl's, about page headers and styles
        try:
            # Read-only: it doesn't look at drawings, which some exporters name and leave out.
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            message = f"{path.name} is no readable spreadsheet ({type(error).__name__})."
            raise FormError("FRM-602", message, "Export it again, or save it as .xlsx.") from error
        try:
            sheets: list[ExportSheet] = []
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # what the file states may be wrong ("A1" for 385 rows)
                lines = (tuple(map(_cell, line)) for line in sheet.iter_rows(values_only=True))
                sheets.append(_sheet(sheet.title, lines))
            return sheets
        finally:
            book.close()


def _cell(value: object) -> Cell:
    """A spreadsheet's value; rare kinds (durations, rich text) as text."""
    if value is None or isinstance(value, str | int | float | date | time):
        return value
    return str(value)


def _read_csv(path: Path) -> ExportSheet:
    csv.field_size_limit(MOST_FIELD)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path.name} is no readable UTF-8 text ({type(error).__name__})."
        raise FormError("FRM-602", message, "Export it again as UTF-8 CSV.") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return _sheet(path.stem, iter([tuple(line) for line in lines]))
    except csv.Error as error:
        message = f"{path.name} is a damaged CSV file ({error})."
        raise FormError("FRM-602", message, "Export it again as UTF-8 CSV.") from error


def _sheet(name: str, lines: Iterator[tuple[Cell, ...]]) -> ExportSheet:
    headers = tuple("" if cell is None else str(cell).strip() for cell in next(lines, ()))
    rows: list[dict[str, Cell]] = []
    for line in lines:
        row: dict[str, Cell] = {
            header: cell
            for header, cell in zip(headers, line, strict=False)
            if header and cell is not None and cell != ""
        }
        if row:
            rows.append(row)
    return ExportSheet(name, tuple(header for header in headers if header), tuple(rows))
