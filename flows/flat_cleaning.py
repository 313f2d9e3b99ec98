"""Writes a flat table that a cleaning log changed: what the log doesn't name stays as it was, to the byte.

Of a CSV file only the changed cells are written anew, so that quotes, line ends, a byte-order mark and the letters of
an old encoding stay; of a workbook cells keep their formats and other sheets stay.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from flows.flat_tables import FlatTable, write_flat
from validation.cleaning.log import is_blank

Changes = Mapping[tuple[int, int], str]
"""(row below the header, column), from 0 -> what the cell holds now."""
_QUOTE, _NEWLINE = b'"', b"\n"


def write_cleaned(path: Path, table: FlatTable, cleaned: pl.DataFrame, changes: Changes, gone: Collection[int]) -> None:
    """Writes the table with its changes.

    Args:
        path: where; its name tells whether a workbook or a CSV file is written.
        table: as it was read.
        cleaned: the frame with the changes, without the rows that are gone: written as it is where the source can't
            be kept (another kind of file, lines that can't be told apart).
        changes, gone: see `validation.cleaning.replay.Replayed`.
    """
    is_workbook = path.suffix.lower() in (".xlsx", ".xlsm")
    if table.source and is_workbook and not table.separator:
        _write_workbook(path, table, changes, gone)
        return
    text = None if not table.source or is_workbook or not table.separator else _edit(table, changes, gone)
    if text is None:
        write_flat(path, replace(table, frame=cleaned))
        return
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(text)
    partial.replace(path)


def _edit(table: FlatTable, changes: Changes, gone: Collection[int]) -> bytes | None:
    """The file with its changes; null if its lines can't be told apart."""
    wide = table.encoding == "utf-16"
    data = table.source.decode("utf-16").encode() if wide else table.source
    ends = _line_ends(data)
    if ends.size != table.frame.height + 1:
        return None
    starts = np.concatenate([[0], ends[:-1]])
    by_row: dict[int, dict[int, str]] = {}
    for (row, column), value in changes.items():
        by_row.setdefault(row, {})[column] = value
    # Whether texts are quoted that needn't be, as R does it: then the header is.
    quotes = data[: int(ends[0])].removeprefix(b"\xef\xbb\xbf").startswith(_QUOTE)
    parts, copied = [], 0
    for row in sorted({*by_row, *gone}):
        start, end = int(starts[row + 1]), int(ends[row + 1])
        parts.append(data[copied:start])
        if row not in gone:
            encoding = "utf-8" if wide or table.encoding == "utf-8-sig" else table.encoding
            parts.append(_edit_line(data[start:end], by_row[row], table.separator, encoding, quotes))
        copied = end
    parts.append(data[copied:])
    edited = b"".join(parts)
    return edited.decode().encode("utf-16") if wide else edited


def _line_ends(data: bytes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where each line ends, behind its line break; a break within quotes is part of a cell."""
    octets = np.frombuffer(data, dtype=np.uint8)
    breaks = np.flatnonzero(octets == _NEWLINE[0])
    quotes = np.flatnonzero(octets == _QUOTE[0])
    ends = breaks[np.searchsorted(quotes, breaks) % 2 == 0] + 1 if quotes.size else breaks + 1
    if ends.size == 0 or ends[-1] < len(data):
        ends = np.append(ends, len(data))
    return ends.astype(np.int64)


def _edit_line(line: bytes, values: Mapping[int, str], separator: str, encoding: str, quotes: bool) -> bytes:
    body = line.rstrip(b"\r\n")
    cells = _split(body, separator.encode())
    cells += [b""] * (max(values) + 1 - len(cells))
    for column, value in values.items():
        # R quotes texts and never NA.
        quoted = cells[column].startswith(_QUOTE) and quotes and not (value and is_blank(value))
        cells[column] = _cell(value, separator, quoted).encode(encoding, "xmlcharrefreplace")
    return separator.encode().join(cells) + line[len(body) :]


def _split(body: bytes, separator: bytes) -> list[bytes]:
    """The cells of a line, as they are written."""
    if _QUOTE not in body:
        return body.split(separator)
    cells: list[bytes] = []
    for part in body.split(separator):
        # A part that follows an odd number of quotes is the rest of the cell before.
        if cells and cells[-1].count(_QUOTE) % 2:
            cells[-1] += separator + part
        else:
            cells.append(part)
    return cells


def _cell(value: str, separator: str, quoted: bool) -> str:
    buffer = io.StringIO()
    if quoted:
        return '"' + value.replace('"', '""') + '"'
    # A single blank cell would be written as "" by itself; beside another it isn't.
    csv.writer(buffer, delimiter=separator, lineterminator="").writerow([value, "x"])
    return buffer.getvalue().removesuffix(f"{separator}x")


def _write_workbook(path: Path, table: FlatTable, changes: Changes, gone: Collection[int]) -> None:
    from openpyxl import load_workbook

    workbook = load_workbook(io.BytesIO(table.source))
    sheet = workbook[table.sheet] if table.sheet in workbook.sheetnames else workbook.worksheets[0]
    for (row, column), value in changes.items():
        cell = sheet.cell(row + 2, column + 1)
        cell.value = _typed(value, cell.value)
    for row in sorted(gone, reverse=True):
        sheet.delete_rows(row + 2)
    partial = path.with_name(f".{path.name}.part")
    workbook.save(partial)
    partial.replace(path)


def _typed(value: str, before: object) -> str | int | float | datetime | None:
    """A new value as the cell held it: a number in the place of a number, a day in that of a day."""
    if value == "":
        return None
    if isinstance(before, bool) or before is None or isinstance(before, str):
        return value
    try:
        if isinstance(before, datetime):
            return datetime.fromisoformat(value)
        number = float(value)
    except ValueError:
        return value
    return int(number) if number.is_integer() else number
