"""Flat tables of text, in and out, as Excel, R and Kobo write them: nothing in a cell is interpreted.

CSV with any of the usual separators, UTF-8 or the Windows encoding of a Spanish Excel; .xlsx, first sheet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl

from schemas.errors import CommandError

_SEPARATORS = ",;\t|"
Suits = Callable[[Sequence[str]], bool]


@dataclass(frozen=True, slots=True)
class FlatTable:
    """A table of text.

    Attributes:
        names: the header as written, in order; a name may stand twice.
        frame: one row a line below the header, columns `column_1` ...; a blank is "".
        separator: of the CSV file; "" for a workbook.
        encoding: of the CSV file.
        source: bytes of the file that it was read from, b"" if it was made.
        sheet: of the workbook that was read.
    """

    names: tuple[str, ...]
    frame: pl.DataFrame
    separator: str = ","
    encoding: str = "utf-8"
    source: bytes = field(default=b"", repr=False)
    sheet: str = ""

    def rows(self) -> list[tuple[str, ...]]:
        """The lines below the header."""
        return self.frame.rows()


def read_flat(path: Path, suits: Suits | None = None) -> FlatTable:
    """Reads a .csv, .tsv, .txt or .xlsx file.

    Args:
        path: the file.
        suits: whether a header is the one looked for: of a workbook the first such sheet is read, else the first sheet.

    Raises:
        CommandError: CMD-130, no table can be read from it; CMD-131, a line has more cells than the header.
    """
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _read_workbook(path, suits)
    data = path.read_bytes()
    text, encoding = _decode(data)
    separator = _find_separator(path, text)
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
    return FlatTable(tuple(frame.row(0)), frame.slice(1), separator, encoding, data)


def read_lines(path: Path, suits: Suits | None = None) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The header and lines of a file that people wrote by hand: a line may have fewer or more cells than the header.

    Raises:
        CommandError: CMD-130, no table can be read from it.
    """
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        table = _read_workbook(path, suits)
        return table.names, table.rows()
    text, _ = _decode(path.read_bytes())
    separator = _find_separator(path, text)
    lines = [tuple(line) for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    return lines[0], lines[1:]


def _decode(data: bytes) -> tuple[str, str]:
    """The text, and the encoding that writes it again."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16"), "utf-16"
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "cp1252"


def _find_separator(path: Path, text: str) -> str:
    first = text.splitlines()[0] if text.strip() else ""
    if not first:
        raise CommandError("CMD-130", f"{path.name} is empty.", "Give a table with a header row.")
    return max(_SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark))))


def _read_workbook(path: Path, suits: Suits | None) -> FlatTable:
    from openpyxl import load_workbook

    try:
        content = path.read_bytes()
        sheets = load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets
        heads = [[_text(cell) for cell in next(sheet.iter_rows(values_only=True), ())] for sheet in sheets]
        chosen = next((at for at, head in enumerate(heads) if suits is not None and suits(head)), 0)
        lines = [[_text(cell) for cell in line] for line in sheets[chosen].iter_rows(values_only=True)]
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
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return FlatTable(tuple(padded[0]), frame, "", source=content, sheet=sheets[chosen].title)


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
