"""Defects of a workbook as `Problem`s: how they are made, put in order and freed of repetitions.

Codes by hundreds: FRM-0xx files and XForms (raised), FRM-1xx `survey`, FRM-2xx `choices`, FRM-3xx Comunal's own sheets,
FRM-4xx what pyxform and ODK Validate say, FRM-5xx what the repair changed, FRM-6xx exports, FRM-70x encryption and
entities, FRM-71x what can never or must always hold, FRM-72x types of expressions, FRM-73x and FRM-74x where ODK's
engines differ; EXP-xxx expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from forms.headers import header_of, read_header
from forms.sheets.cells import SHEET_ORDER
from schemas.errors import Problem, ProblemSeverity
from schemas.workbook import Row, Workbook

_SEVERITY_ORDER: Final = {"error": 0, "warning": 1, "info": 2}
REPEATED: Final = "EXP-103"
"""Code of an expression that wants one value and gets many: ODK Collect stops at it."""

PERSONAL: Final = "EXP-120"
"""Code of an expression that looks into a personal answer: nothing that is published may rest on one."""

FOREIGN: Final = ("FRM-401", "FRM-402", "FRM-411", "FRM-412")
"""Codes under which other programs' complaints are passed on."""

_CAUSES: Final = "FRM-12"
"""Beginning of the codes of comparisons that can't mean what was intended: what follows from one is not told again."""

_CONSEQUENCES: Final = "FRM-71"


def problem(
    workbook: Workbook,
    severity: ProblemSeverity,
    code: str,
    sheet: str,
    row: Row | None,
    column: str,
    message: str,
    advice: str,
) -> Problem:
    """A problem at a cell.

    Args:
        workbook: the workbook it is in.
        severity: see `Problem`.
        code: see `Problem`.
        sheet: name of the sheet.
        row: the row, null where none is meant.
        column: canonical name of the column, "" where none is meant; the header as written is put in its place.
        message: what was found and expected.
        advice: what to do.
    """
    headers = workbook.sheets[sheet].headers if sheet in workbook.sheets else ()
    if row is not None and column:
        headers = (*row.cells, *headers)
    file = f"{row.file}:{row.line}" if row is not None and row.file else workbook.name
    shown = column if column in headers else header_of(headers, column) if column else ""
    return Problem(severity, code, sheet, row.number if row else None, shown, message, advice, file)


def arrange(problems: Iterable[Problem]) -> list[Problem]:
    """Problems by sheet and row, worst first within a row, without repetitions.

    What pyxform or ODK Validate say about a cell that our own check complains of is left out; so is an error of
    theirs about a row in which ours found an error.
    """
    unique = list(dict.fromkeys(problems))
    own = [item for item in unique if not _is_second(item)]
    cells = {_cell(item) for item in own}
    rows = {(item.sheet, item.row) for item in own if item.severity == "error"}
    kept = [item for item in unique if not _is_second(item) or not _is_covered(item, cells, rows, own)]
    causes = {_cell(item) for item in unique if item.code.startswith(_CAUSES)}
    kept = [item for item in kept if not item.code.startswith(_CONSEQUENCES) or _cell(item) not in causes]
    return sorted(kept, key=_place)


def _cell(item: Problem) -> tuple[str, int | None, str]:
    return item.sheet, item.row, read_header(item.column).base


def _is_second(item: Problem) -> bool:
    """Whether a problem gives way to another about the same cell: what others say, and what has no columns."""
    return item.code in FOREIGN or (item.code.startswith("EXP-1") and item.code != REPEATED)


def _is_covered(
    item: Problem, cells: set[tuple[str, int | None, str]], rows: set[tuple[str, int | None]], own: list[Problem]
) -> bool:
    if item.row is None:
        # Messages without a place: covered if one of ours is an error and names the same thing.
        return item.severity == "error" and any(
            found.severity == "error" and _named(item.message) & _named(found.message) for found in own
        )
    if item.column:
        return _cell(item) in cells
    return item.severity == "error" and (item.sheet, item.row) in rows


def _named(message: str) -> frozenset[str]:
    """What a message puts in single quotes or brackets."""
    return frozenset({*message.split("'")[1::2], *re.findall(r"\[([^\[\]]+)\]", message)}) - {""}


def _place(item: Problem) -> tuple[int, str, int, int, str]:
    order = SHEET_ORDER.index(item.sheet) if item.sheet in SHEET_ORDER else len(SHEET_ORDER)
    return (order, item.sheet, item.row or 0, _SEVERITY_ORDER[item.severity], item.code)
