"""A workbook as Markdown tables, the layout of pyxform's own tests: handy in tests, documents and mail.

| survey |         |      |       |
|        | type    | name | label |
|        | integer | age  | Age   |
"""

from __future__ import annotations

import re

from forms.sheets.cells import build_sheet, order_sheets, sheet_name
from schemas.errors import FormError
from schemas.workbook import Workbook

_PIPE = re.compile(r"(?<!\\)\|")
_SEPARATOR = re.compile(r"^[\s|:\-]+$")


def workbook_from_markdown(text: str, name: str = "form") -> Workbook:
    r"""The workbook that Markdown tables draw: a sheet's name stands in the first column, its header follows.

    Row numbers are those of the spreadsheet that the table stands for (header 1). Lines without pipes, lines of
    dashes and lines that start with "#" are skipped; "\\|" is a pipe, "\\n" a line break.

    Raises:
        FormError: FRM-006, the text has no table; and those of `forms.sheets.cells.build_sheet`.

    >>> book = workbook_from_markdown("| survey |\n| | type | name |\n| | int | age |")
    >>> book.rows("survey")[0].cells
    {'type': 'int', 'name': 'age'}
    """
    tables: dict[str, list[list[str]]] = {}
    lines: list[list[str]] | None = None
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped.startswith("|") or (_SEPARATOR.match(stripped) and "-" in stripped):
            continue
        cells = [_cell(cell) for cell in _PIPE.split(stripped)[1:]]
        if stripped.endswith("|") and not stripped.endswith("\\|"):
            cells.pop()
        if cells and cells[0]:
            lines = tables.setdefault(sheet_name(cells[0]), [])
        if lines is not None and any(cells[1:]):
            lines.append(cells[1:])
    if not tables:
        raise FormError("FRM-006", f"{name} holds no Markdown table.", "Expected a line such as '| survey |'.")
    return Workbook(name, order_sheets({key: build_sheet(key, table, name) for key, table in tables.items()}))


def _cell(text: str) -> str:
    return text.strip().replace("\\|", "|").replace("\\n", "\n")
