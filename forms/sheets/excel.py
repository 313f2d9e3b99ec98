"""Sheets as spreadsheets: .xlsx and .xlsm through openpyxl, .xls through xlrd, and the compiled .xlsx written."""

from __future__ import annotations

import csv
import datetime
import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import openpyxl
import xlrd
import xlsxwriter

from forms.sheets.cells import MAX_CELL, MAX_UNPACKED_BYTES, MODULE, build_sheet, order_sheets, sheet_name
from schemas.errors import FormError
from schemas.workbook import Row, Sheet, Workbook

FILES_SHEET: Final = "_files"
"""Hidden sheet of a compiled workbook: which text sheets it was made from, and their headers."""

_EPOCH: Final = datetime.datetime(2000, 1, 1)
_DAMAGED: Final = "Open it in a spreadsheet program and save it again."


def read_xlsx(data: bytes, where: str) -> dict[str, Sheet]:
    """Sheets of an .xlsx or .xlsm; formulas give the value that was last computed.

    Raises:
        FormError: FRM-004, it would unpack beyond the bound; FRM-005, damaged; and those of `build_sheet`.
    """
    _check_archive(data, where)
    sheets: dict[str, Sheet] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of headers, footers and styles, which don't matter here
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            for worksheet in book.worksheets:
                worksheet.reset_dimensions()  # some writers state a wrong size
                name = sheet_name(worksheet.title)
                sheets[name] = build_sheet(name, worksheet.iter_rows(values_only=True), where)
            book.close()
    except FormError:
        raise
    except Exception as error:  # openpyxl lets many kinds through on damaged files
        message = f"{where} can't be read as .xlsx ({type(error).__name__})."
        raise FormError("FRM-005", message, _DAMAGED) from error
    return order_sheets(_take_layout(sheets))


def _check_archive(data: bytes, where: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise FormError("FRM-005", f"{where} can't be read as .xlsx.", _DAMAGED) from error
    if size > MAX_UNPACKED_BYTES:
        message = f"{where} unpacks to {size:,} bytes, more than {MAX_UNPACKED_BYTES:,}."
        raise FormError("FRM-004", message, "Remove images and sheets that aren't part of the questionnaire.")
    if "xl/workbook.xml" not in names:
        raise FormError("FRM-005", f"{where} is no spreadsheet.", _DAMAGED)


def _take_layout(sheets: dict[str, Sheet]) -> dict[str, Sheet]:
    """Move what the hidden sheet says into `Sheet.files`."""
    layout = sheets.pop(FILES_SHEET, None)
    for row in layout.rows if layout else ():
        name, file, headers = (row.cells.get(header, "") for header in ("sheet", "file", "headers"))
        if name in sheets:
            parsed = tuple(next(csv.reader([headers]), []))
            sheets[name] = replace(sheets[name], files={**sheets[name].files, file: parsed})
    return sheets


def read_xls(data: bytes, where: str) -> dict[str, Sheet]:
    """Sheets of an .xls (Excel 97 to 2003).

    Raises:
        FormError: FRM-005, damaged; and those of `build_sheet`.
    """
    try:
        book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO())
        return order_sheets(
            {sheet_name(sheet.name): build_sheet(sheet_name(sheet.name), _xls_lines(sheet), where) for sheet in book}
        )
    except FormError:
        raise
    except Exception as error:  # xlrd lets struct, index, assertion and compound-document errors through
        message = f"{where} can't be read as .xls ({type(error).__name__})."
        raise FormError("FRM-005", message, _DAMAGED) from error


def _xls_lines(sheet: Any) -> Iterator[list[object]]:  # noqa: ANN401 - xlrd has no types
    for cells in sheet.get_rows():
        yield [_xls_value(cell, sheet.book.datemode) for cell in cells]


def _xls_value(cell: Any, datemode: int) -> object:  # noqa: ANN401 - xlrd has no types
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return None
    if cell.ctype == xlrd.XL_CELL_DATE:
        parts = xlrd.xldate_as_tuple(cell.value, datemode)
        return datetime.time(*parts[3:]) if parts[:3] == (0, 0, 0) else datetime.datetime(*parts)
    return cell.value


def write_xlsx(workbook: Workbook) -> bytes:
    """The workbook as an .xlsx: the same bytes for the same workbook, every cell a text, headers frozen.

    A sheet that came from a folder of text sheets gets the column `module`, and a hidden sheet remembers their
    headers, so that `write_folder` makes the same files again.

    Raises:
        FormError: FRM-013, a cell that is too long or a sheet name that spreadsheets refuse.
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"created": _EPOCH, "author": "", "title": workbook.name})
        formats = {
            "header": book.add_format({"bold": True, "bg_color": "#E8EEF4", "valign": "top"}),
            "cell": book.add_format({"valign": "top", "text_wrap": True, "num_format": "@"}),
        }
        layout: list[tuple[str, ...]] = [("sheet", "file", "headers")]
        for sheet in workbook.sheets.values():
            _write_sheet(book, formats, sheet.name, _sheet_lines(sheet))
            layout += [(sheet.name, file, _csv_line(headers)) for file, headers in sheet.files.items()]
        if len(layout) > 1:
            _write_sheet(book, formats, FILES_SHEET, layout).hide()
    return out.getvalue()


def _csv_line(cells: Sequence[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


def _sheet_lines(sheet: Sheet) -> list[tuple[str, ...]]:
    """Header and rows as they stand in the spreadsheet; blank rows keep their place."""
    by_module = any(row.file.count("/") for row in sheet.rows) and MODULE not in sheet.headers
    headers = ((MODULE,) if by_module else ()) + sheet.headers
    lines: list[tuple[str, ...]] = [headers]
    for row in sheet.rows:
        lines.extend(() for _ in range(len(lines), row.number - 1))
        cells = tuple(row.cells.get(header, "") for header in sheet.headers)
        lines.append(((_stem(row),) if by_module else ()) + cells)
    return lines


def _stem(row: Row) -> str:
    return row.file.rsplit("/", 1)[-1].removesuffix(".csv")


def _write_sheet(book: Any, formats: dict[str, Any], name: str, lines: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401
    try:
        sheet = book.add_worksheet(name)
    except xlsxwriter.exceptions.XlsxWriterException as error:
        advice = "A sheet's name has at most 31 characters and none of [ ] : * ? / \\."
        raise FormError("FRM-013", f"Sheet '{name}' can't be written: {error}.", advice) from error
    sheet.freeze_panes(1, 0)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576", "formula_differs": "A1:XFD1048576"})
    for position, width in enumerate(_widths(lines)):
        sheet.set_column(position, position, width)
    for number, line in enumerate(lines):
        for position, text in enumerate(line):
            if len(text) > MAX_CELL:
                message = f"Sheet '{name}', row {number + 1}: {len(text):,} characters in a cell."
                raise FormError("FRM-013", message, f"At most {MAX_CELL:,} fit.")
            if text:
                sheet.write_string(number, position, text, formats["cell" if number else "header"])
    return sheet


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    widths = [0] * max((len(line) for line in lines), default=0)
    for line in lines:
        for position, text in enumerate(line):
            longest = max((len(part) for part in text.split("\n")), default=0)
            widths[position] = max(widths[position], min(longest + 2, 50))
    return [max(width, 8) for width in widths]
