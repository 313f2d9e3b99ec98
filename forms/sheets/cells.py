"""Cells as text: what every reader of sheets shares, whatever the file's format.

Outer white space is dropped, line ends are single, numbers are written as XLSForm has them ("15", not "15.0"), booleans
as TRUE and FALSE, dates as ISO 8601. Everything else is kept as it stands.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Final

from schemas.errors import FormError
from schemas.workbook import OWN_SHEETS, Row, Sheet

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 512 * 1024 * 1024
MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 2_000
MAX_CELL: Final = 32_767
"""The longest text that a spreadsheet cell can hold."""

MODULE: Final = "module"
"""Column of a compiled spreadsheet that says which text sheet (its stem) a row comes from."""

XLSFORM_SHEETS: Final = ("survey", "choices", "settings", "entities", "external_choices", "osm")
SHEET_ORDER: Final = (*XLSFORM_SHEETS, *OWN_SHEETS)
MAX_EMPTY_ROWS: Final = 1_000
"""After so many empty rows a sheet is taken to have ended (spreadsheets often claim a million rows)."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_OUTER = "".join(chr(code) for code in range(0x10000) if chr(code).isspace()) + "\u200b\ufeff"


def cell_text(value: object) -> str:
    """A cell's value as text.

    >>> cell_text(15.0), cell_text(True), cell_text(None), cell_text(0.1), cell_text(" a ")
    ('15', 'TRUE', '', '0.1', 'a')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time.min else value.isoformat(sep=" ")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    text = str(value)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip(_OUTER)


def sheet_name(name: str) -> str:
    """The name under which a sheet is kept: lower case for those that XLSForm or Comunal know, else as written."""
    lower = name.strip().lower()
    return lower if lower in SHEET_ORDER else name.strip()


def sheet_headers(cells: Iterable[object], where: str) -> list[str]:
    """Headers of a sheet by position, "" for a column without one.

    A header that stands twice gets " #2" (" #3"...) the second time, so that the check can name it.

    Raises:
        FormError: FRM-003, over the bound of columns.
    """
    headers: list[str] = []
    seen: dict[str, int] = {}
    for cell in cells:
        header = re.sub(r"[ \u00a0]+", " ", cell_text(cell))
        if header:
            seen[header] = seen.get(header, 0) + 1
            if seen[header] > 1:
                header = f"{header} #{seen[header]}"
        headers.append(header)
        if len(headers) > MAX_COLUMNS:
            raise FormError("FRM-003", f"{where} has more than {MAX_COLUMNS:,} columns.", "Remove what isn't used.")
    while headers and not headers[-1]:
        headers.pop()
    return headers


def build_sheet(name: str, lines: Iterable[Sequence[object]], where: str) -> Sheet:
    """A sheet from the lines of a spreadsheet: the first is the header, row numbers count from there.

    Raises:
        FormError: FRM-003, too many rows or columns or too long a cell; FRM-009, a control character.
    """
    iterator = iter(lines)
    headers = sheet_headers(next(iterator, ()), f"{where}, sheet '{name}'")
    columns = [(position, header) for position, header in enumerate(headers) if header]
    rows: list[Row] = []
    empty = 0
    for number, line in enumerate(iterator, start=2):
        cells = read_cells(columns, line, f"{where}, sheet '{name}', row {number}")
        if not cells:
            empty += 1
            if empty > MAX_EMPTY_ROWS:
                break
            continue
        empty = 0
        if len(rows) >= MAX_ROWS:
            message = f"{where}, sheet '{name}' has more than {MAX_ROWS:,} rows."
            raise FormError("FRM-003", message, "Put a long list into a CSV and use select_one_from_file.")
        rows.append(Row(number=number, cells=cells, line=number))
    return Sheet(name=name, headers=tuple(header for _, header in columns), rows=tuple(rows))


def read_cells(columns: Sequence[tuple[int, str]], line: Sequence[object], where: str) -> dict[str, str]:
    """The non-empty cells of one line, header -> text.

    Raises:
        FormError: FRM-003, a cell is too long; FRM-009, it has a control character.
    """
    cells: dict[str, str] = {}
    width = len(line)
    for position, header in columns:
        if position >= width:
            break
        text = cell_text(line[position])
        if not text:
            continue
        if len(text) > MAX_CELL:
            message = f"{where}, column '{header}': {len(text):,} characters, at most {MAX_CELL:,} fit in a cell."
            raise FormError("FRM-003", message, "Shorten the text.")
        if found := _CONTROL.search(text):
            message = f"{where}, column '{header}' has the control character U+{ord(found.group()):04X}."
            raise FormError("FRM-009", message, "Delete it: it can't be written in XML.")
        cells[header] = text
    return cells


def order_sheets(sheets: dict[str, Sheet]) -> dict[str, Sheet]:
    """The sheets with XLSForm's first, then Comunal's, then others by name."""
    known = {name: sheets[name] for name in SHEET_ORDER if name in sheets}
    return known | {name: sheets[name] for name in sorted(sheets) if name not in known}
