"""Workbooks in and out: .xlsx, .xls, .csv, .md or a folder of text sheets; an .xlsx or such a folder written.

The folder is what is kept under version control; the .xlsx is compiled from it for people and comes back without
loss. See `schemas.workbook` for what a workbook holds.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from forms.sheets.cells import MAX_FILE_BYTES, MODULE, SHEET_ORDER
from forms.sheets.csv import read_csv_file, read_folder, write_lines
from forms.sheets.excel import read_xls, read_xlsx, write_xlsx
from forms.sheets.markdown import workbook_from_markdown
from schemas.errors import FormError
from schemas.workbook import Row, Sheet, Workbook

__all__ = ["read_workbook", "read_workbook_bytes", "workbook_from_markdown", "write_folder", "write_xlsx"]

WORKBOOK_SUFFIXES: Final = (".xlsx", ".xlsm", ".xls", ".csv", ".md")
MEDIA_SUFFIXES: Final = frozenset(
    (
        *(".csv", ".xml", ".geojson", ".jpg", ".jpeg", ".png", ".gif", ".svg", ".webp"),
        *(".mp3", ".m4a", ".wav", ".ogg", ".mp4", ".3gp", ".pdf"),
    )
)
_SAFE_STEM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


def read_workbook(path: Path) -> Workbook:
    """Read a workbook, whatever form it has.

    Args:
        path: a file with one of `WORKBOOK_SUFFIXES`, or a folder of text sheets.

    Returns:
        Its sheets and its media: the files of `media/` in the folder, or, for a file, those of `media/` or
        `<stem>-media/` beside it and the files beside it that a cell names.

    Raises:
        FormError: FRM-001, no such file; FRM-002, another format; FRM-003 or FRM-004, too large; FRM-005, damaged;
            FRM-006, no sheets; FRM-007 to FRM-011, text sheets that can't be put together.
    """
    if path.is_dir():
        return Workbook(path.resolve().name, read_folder(path), _folder_media(path / "media"))
    if not path.is_file():
        raise FormError("FRM-001", f"There is no workbook at {path}.", "Check the path.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise FormError("FRM-003", f"{path.name} is larger than {MAX_FILE_BYTES:,} bytes.", "Split it.")
    workbook = read_workbook_bytes(path.name, path.read_bytes())
    media = _folder_media(path.parent / "media") | _folder_media(path.parent / f"{path.stem}-media")
    return replace(workbook, media=_named_media(path, workbook) | media)


def read_workbook_bytes(name: str, data: bytes) -> Workbook:
    """Read a workbook from the bytes of a file called `name`, without media.

    Raises:
        FormError: see `read_workbook`.
    """
    suffix, stem = Path(name).suffix.lower(), Path(name).stem
    if len(data) > MAX_FILE_BYTES:
        raise FormError("FRM-003", f"{name} is larger than {MAX_FILE_BYTES:,} bytes.", "Split it.")
    if suffix in {".xlsx", ".xlsm", ".xls"}:
        # Spreadsheets are often saved under the other one's suffix: go by the first bytes.
        reader = read_xlsx if data.startswith(b"PK") else read_xls
        sheets = reader(data, name)
    elif suffix == ".csv":
        sheets = read_csv_file(data, name)
    elif suffix == ".md":
        sheets = dict(workbook_from_markdown(_utf8(data, name), stem).sheets)
    else:
        raise FormError("FRM-002", f"{name} is no workbook.", f"Expected one of {', '.join(WORKBOOK_SUFFIXES)}.")
    if len(sheets) == 1 and not sheets.keys() & set(SHEET_ORDER):  # as pyxform does: a single sheet is the survey
        sheets = {"survey": replace(next(iter(sheets.values())), name="survey")}
    return Workbook(stem, sheets)


def _utf8(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormError("FRM-008", f"{name} is not UTF-8.", "Save it again as UTF-8.") from error


def _folder_media(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        return {}
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    return {file.name: _media_bytes(file) for file in files}


def _named_media(path: Path, workbook: Workbook) -> dict[str, bytes]:
    """Files beside the workbook that one of its cells names, by name or as pulldata's table."""
    candidates = [
        file
        for file in sorted(path.parent.iterdir())
        if file != path and file.suffix.lower() in MEDIA_SUFFIXES and file.is_file()
    ]
    if not candidates:
        return {}
    cells = (text for sheet in workbook.sheets.values() for row in sheet.rows for text in row.cells.values())
    text = "\n".join(cells)
    tables = set(re.findall(r"pulldata\(\s*['\"]([^'\"]+)['\"]", text))
    return {file.name: _media_bytes(file) for file in candidates if file.name in text or file.stem in tables}


def _media_bytes(file: Path) -> bytes:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise FormError("FRM-003", f"{file.name} is larger than {MAX_FILE_BYTES:,} bytes.", "Make it smaller.")
    return file.read_bytes()


def write_folder(workbook: Workbook, folder: Path) -> None:
    """Write the workbook as text sheets and media; sheets' files of an earlier state are removed.

    A sheet with the column `module` (or whose rows stand in files) is written as one CSV a module, else as one CSV.
    A row without a module belongs to that of the row above.

    Raises:
        FormError: FRM-012, the rows of a module are not together, or modules aren't in the order of their names;
            FRM-014, a sheet's or file's name that would lead out of the folder.
    """
    contents: dict[str, bytes] = {}
    for sheet in workbook.sheets.values():
        contents |= _sheet_files(sheet)
    contents |= {f"media/{name}": data for name, data in workbook.media.items()}
    for name in contents:  # names come from files of others
        if len(parts := Path(name).parts) > 2 or ".." in parts or "\\" in name or Path(name).is_absolute():
            message = f"'{name}' can't be the name of a file in the folder."
            raise FormError("FRM-014", message, "Give the sheet or file a name without '/' and '..'.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        if not target.is_file() or target.read_bytes() != data:
            target.write_bytes(data)
    for name in {*SHEET_ORDER, *workbook.sheets}:  # never touch what isn't a sheet's
        for stale in [folder / f"{name}.csv", *(folder / name).glob("*.csv")]:
            if stale.is_file() and stale.relative_to(folder).as_posix() not in contents:
                stale.unlink()


def _sheet_files(sheet: Sheet) -> dict[str, bytes]:
    modules = _modules(sheet)
    if modules is None:
        return {f"{sheet.name}.csv": write_lines(_lines(sheet.headers, sheet.rows, first=2))}
    headers = tuple(header for header in sheet.headers if header != MODULE)
    files: dict[str, bytes] = {}
    names = sorted(set(modules) | set(sheet.files))
    for name in names:
        rows, first = modules.get(name, ((), 2))
        used = {header for row in rows for header in row.cells}
        known = sheet.files.get(name, ())
        own = tuple(header for header in known if header in headers)
        own += tuple(header for header in headers if header in used and header not in own)
        files[name] = write_lines(_lines(own or headers, rows, first))
    return files


def _modules(sheet: Sheet) -> dict[str, tuple[tuple[Row, ...], int]] | None:
    """File -> its rows and the spreadsheet row after the file before it; null if the sheet is one file."""
    if not sheet.files and MODULE not in sheet.headers and not any("/" in row.file for row in sheet.rows):
        return None
    modules: dict[str, tuple[list[Row], int]] = {}
    current, last = "", 1
    for row in sheet.rows:
        module = row.cells.get(MODULE, "") if MODULE in sheet.headers else ""
        if module and not _SAFE_STEM.fullmatch(module):
            return None  # an author's own column of that name
        file = row.file or (f"{sheet.name}/{module}.csv" if module else current or f"{sheet.name}/00.csv")
        if file != current and (file in modules or file < current):
            message = f"Sheet '{sheet.name}', row {row.number}: module '{Path(file).stem}' is out of its place."
            raise FormError("FRM-012", message, "Keep a module's rows together, and modules in the order of names.")
        modules.setdefault(file, ([], last + 1))[0].append(row)
        current, last = file, row.number
    return {file: (tuple(rows), first) for file, (rows, first) in modules.items()}


def _lines(headers: tuple[str, ...], rows: tuple[Row, ...], first: int) -> list[tuple[str, ...]]:
    """Header and rows; blank rows keep their place relative to the file's first row, spreadsheet row `first`."""
    lines = [headers]
    for row in rows:
        lines.extend(("",) * len(headers) for _ in range(len(lines), row.number - first + 1))
        lines.append(tuple(row.cells.get(header, "") for header in headers))
    return lines
