"""Flat tables of text, in and out, as Excel, R and Kobo write them: nothing in a cell is interpreted.

CSV with any of the usual separators, UTF-8 or the Windows encoding of a Spanish Excel; .xlsx, first sheet.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from schemas.errors import CommandError

_SEPARATORS = ",;\t|"


@dataclass(frozen=True, slots=True)
class FlatTable:
    """A table of text.

    Attributes:
        names: the header as written, in order; a name may stand twice.
        frame: one row a line below the header, columns `column_1` ...; a blank is "".
        separator: of the CSV file; "" for a workbook.
        encoding: of the CSV file.
    """

    names: tuple[str, ...]
    frame: pl.DataFrame
    separator: str = ","
    encoding: str = "utf-8"

    def rows(self) -> list[tuple[str, ...]]:
        """The lines below the header."""
        return self.frame.rows()


def read_flat(path: Path) -> FlatTable:
    """Reads a .csv, .tsv, .txt or .xlsx file.

    Raises:
        CommandError: CMD-130, no table can be read from it; CMD-131, a line has more cells than the header.
    """
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _read_workbook(path)
    data = path.read_bytes()
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        text = data.decode(encoding, errors="replace")
    first = text.splitlines()[0] if text.strip() else ""
    if not first:
        raise CommandError("CMD-130", f"{path.name} is empty.", "Give a table with a header row.")
    separator = max(_SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark))))
    try:
        frame = pl.read_csv(
            io.BytesIO(text.encode()),
            has_header=False,
            separator=separator,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:
        raise CommandError(
            "CMD-131",
            f"{path.name} can't be read as a table separated by {separator!r}: a line has other cells than the header.",
            "Open it in a spreadsheet, mend the line and save it as CSV again.",
        ) from error
    frame = frame.fill_null("")
    return FlatTable(tuple(frame.row(0)), frame.slice(1), separator, encoding)


def _read_workbook(path: Path) -> FlatTable:
    from openpyxl import load_workbook

    try:
        sheet = load_workbook(path, read_only=True, data_only=True).worksheets[0]
        lines = [[_text(cell) for cell in line] for line in sheet.iter_rows(values_only=True)]
    except Exception as error:  # openpyxl raises whatever its parsers raise
        raise CommandError(
            "CMD-130", f"{path.name} can't be read as a workbook.", "Save it as .xlsx or CSV and try again."
        ) from error
    while lines and not any(lines[-1]):
        lines.pop()
    if not lines:
        raise CommandError("CMD-130", f"{path.name} is empty.", "Give a table with a header row.")
    width = max(len(line) for line in lines)
    padded = [line + [""] * (width - len(line)) for line in lines]
    columns = {f"column_{index + 1}": [line[index] for line in padded[1:]] for index in range(width)}
    return FlatTable(tuple(padded[0]), pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)), "")


def _text(value: object) -> str:
    """A cell of a workbook as its CSV would show it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and (value.hour, value.minute, value.second) == (0, 0, 0):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def write_flat(path: Path, table: FlatTable) -> None:
    """Writes a table as CSV the way it was read, or as .xlsx where the name says so; in place in one step."""
    partial = path.with_name(f".{path.name}.part")
    if path.suffix.lower() == ".xlsx":
        _write_workbook(partial, table)
    else:
        header = io.StringIO()
        csv.writer(header, delimiter=table.separator or ",", lineterminator="\n").writerow(table.names)
        blanks = table.frame.with_columns(pl.all().replace("", None))  # an empty text would be written as ""
        body = blanks.write_csv(include_header=False, separator=table.separator or ",")
        encoded = (header.getvalue() + body).encode(table.encoding, errors="xmlcharrefreplace")
        partial.write_bytes(encoded)
    partial.replace(path)


def _write_workbook(path: Path, table: FlatTable) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        sheet = workbook.add_worksheet("data")
        sheet.freeze_panes(1, 0)
        for number, line in enumerate([table.names, *table.rows()]):
            sheet.write_row(number, 0, [str(cell) for cell in line])
