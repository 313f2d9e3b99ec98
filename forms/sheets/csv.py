"""Sheets as CSV: a folder of text sheets, pyxform's single-file layout, or one plain survey sheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from forms.sheets.cells import (
    MAX_FILE_BYTES,
    MODULE,
    SHEET_ORDER,
    build_sheet,
    cell_text,
    order_sheets,
    read_cells,
    sheet_headers,
    sheet_name,
)
from schemas.errors import FormError
from schemas.workbook import Row, Sheet

csv.field_size_limit(1 << 20)


def read_csv_file(data: bytes, where: str) -> dict[str, Sheet]:
    """Sheets of one CSV: pyxform's layout (sheet names in the first column), or else a plain survey sheet.

    Raises:
        FormError: FRM-008, not UTF-8; FRM-005, no CSV; and those of `build_sheet`.
    """
    lines = list(read_lines(data, where))
    first = next((line for line in lines if any(line)), [])
    if first and sheet_name(first[0]) in SHEET_ORDER and not any(first[1:]):
        return _read_single_file_layout(lines, where)
    return {"survey": build_sheet("survey", lines, where)}


def _read_single_file_layout(lines: Sequence[Sequence[str]], where: str) -> dict[str, Sheet]:
    blocks: dict[str, list[tuple[int, list[str]]]] = {}
    current: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        if line and line[0].strip():
            current = blocks.setdefault(sheet_name(line[0]), [])
        if any(cell.strip() for cell in line[1:]):
            current.append((number, list(line[1:])))
    sheets = {}
    for name, block in blocks.items():
        sheets[name] = _numbered_sheet(name, block, where)
    return order_sheets(sheets)


def _numbered_sheet(name: str, block: list[tuple[int, list[str]]], where: str) -> Sheet:
    """A sheet whose rows keep the line numbers of the file that holds several sheets."""
    if not block:
        return Sheet(name, (), ())
    headers = sheet_headers(block[0][1], f"{where}, sheet '{name}'")
    columns = [(position, header) for position, header in enumerate(headers) if header]
    rows: list[Row] = []
    for number, line in block[1:]:
        cells = read_cells(columns, line, f"{where}, line {number}")
        if cells:
            rows.append(Row(number=len(rows) + 2, cells=cells, line=number))
    return Sheet(name, tuple(header for _, header in columns), tuple(rows))


def read_lines(data: bytes, where: str) -> Iterator[list[str]]:
    """The records of a CSV in UTF-8 (a byte order mark is dropped).

    Raises:
        FormError: FRM-008, not UTF-8; FRM-005, not a CSV (an unclosed quote, a NUL).
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{where} is not UTF-8 (byte {error.start:,})."
        raise FormError("FRM-008", message, "Save it again as CSV UTF-8.") from error
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise FormError("FRM-005", f"{where} can't be read as CSV: {error}.", "Check its quotes.") from error


def read_folder(folder: Path) -> dict[str, Sheet]:
    """Sheets of a folder: one CSV a sheet, or a folder of CSVs a sheet, read in the order of file names.

    Raises:
        FormError: FRM-006, no sheets at all; FRM-007, a row longer than its header; FRM-010, a sheet that is both a
            file and a folder; FRM-011, a column called `module`.
    """
    sheets: dict[str, Sheet] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")) or path.name == "media":
            continue
        files = _sheet_files(path)
        if not files:
            continue
        name = sheet_name(path.stem)
        if name in sheets:
            message = f"{folder.name}: sheet '{name}' stands twice, as a file and as a folder."
            raise FormError("FRM-010", message, "Keep one of them.")
        sheets[name] = _read_files(name, files, folder)
    if not sheets:
        raise FormError("FRM-006", f"{folder.name} holds no CSV sheets.", "Expected survey.csv, or survey/*.csv.")
    return order_sheets(sheets)


def _sheet_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix == ".csv" and not file.name.startswith("."))
    return [path] if path.suffix == ".csv" else []


def _read_files(name: str, files: list[Path], folder: Path) -> Sheet:
    union: dict[str, None] = {}
    rows: list[Row] = []
    layout: dict[str, tuple[str, ...]] = {}
    offset = 0
    for path in files:
        file = path.relative_to(folder).as_posix()
        sheet = _read_file(name, path, file)
        layout[file] = sheet.headers
        union.update(dict.fromkeys(sheet.headers))
        rows.extend(Row(row.number + offset, row.cells, file, row.number) for row in sheet.rows)
        offset += max((row.number for row in sheet.rows), default=1) - 1
    if len(files) > 1 or files[0].parent != folder:
        if MODULE in union:
            message = f"{folder.name}: sheet '{name}' has a column '{MODULE}', which Comunal writes itself."
            raise FormError("FRM-011", message, "Give the column another name.")
        return Sheet(name, tuple(union), tuple(rows), layout)
    return Sheet(name, tuple(union), tuple(rows), {})


def _read_file(name: str, path: Path, file: str) -> Sheet:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise FormError("FRM-003", f"{file} is larger than {MAX_FILE_BYTES:,} bytes.", "Split it.")
    lines = list(read_lines(path.read_bytes(), file))
    width = len(lines[0]) if lines else 0
    for number, line in enumerate(lines, start=1):
        if len(line) > width and any(cell_text(cell) for cell in line[width:]):
            message = f"{file}, row {number}: {len(line)} cells under {width} headers."
            raise FormError("FRM-007", message, "A comma inside a text needs quotes around the whole cell.")
    return build_sheet(name, lines, file)


def write_lines(lines: Sequence[Sequence[str]]) -> bytes:
    """Records as a CSV in UTF-8, each line ended by a line feed; a blank record keeps its place as a line of commas."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(lines)
    return out.getvalue().encode("utf-8")
