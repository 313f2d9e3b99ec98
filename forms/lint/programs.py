"""What pyxform and ODK Validate say about a workbook, taken back to the cells that they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from forms.fields.rows import rows_by_path
from forms.headers import header_of
from forms.lint.problems import problem
from forms.outline import Outline
from forms.validate import INSTALL, TIMEOUT_SECONDS, Verdict
from schemas.errors import Problem, ProblemSeverity
from schemas.workbook import Row, Workbook

_ROW = re.compile(r"\[row : (\d+)\]\s*")
_CELL = re.compile(r"On the '([^']+)' sheet, the '([^']+)' value")
_SHEET = re.compile(r"(?:sheet: |the |On the |On )'?(survey|choices|settings|entities|external_choices|osm)'?")
_NAMES = re.compile(r"\$\{([^}]+)\}|'([^']+)'|\"([^\"]+)\"")
_PATH = re.compile(r"/[A-Za-z_][\w.\-]*(?:\[\d+\])?(?:/[A-Za-z_][\w.\-]*(?:\[\d+\])?)*")
_POSITION = re.compile(r"\[\d+\]")
_COLUMNS: Final[Mapping[str, str]] = {
    "display condition": "relevant",
    "Condition expression": "relevant",
    "relevan": "relevant",
    "calculat": "calculation",
    "Calculat": "calculation",
    "constraint": "constraint",
    "required": "required",
    "readonly": "read_only",
    "itemset": "choice_filter",
    "label": "label",
}


def pyxform_problems(outline: Outline, message: str, severity: ProblemSeverity, advice: str) -> Iterator[Problem]:
    """The problems in one message of pyxform, which may hold several sentences with a row each."""
    code = "FRM-401" if severity == "error" else "FRM-402"
    if "There should be a choices sheet" in message:
        return  # our own check says so at every question that needs a list
    parts = re.split(r"(?=\[row : \d+\])", message)
    for part in parts if parts[0].strip() else parts[1:]:
        text = " ".join(_ROW.sub("", part).replace("Learn more: ", "").split())
        found = _ROW.search(part)
        cell = _CELL.search(part)
        named = _SHEET.search(part)
        sheet = cell.group(1) if cell else named.group(1) if named else "survey" if found else ""
        row = _row_at(outline.workbook, sheet, int(found.group(1))) if found else None
        column = cell.group(2) if cell else ""
        if row is None:
            sheet, row = _row_named(outline, sheet, text)
        yield problem(outline.workbook, severity, code, sheet, row, column, text, advice)


def _row_at(workbook: Workbook, sheet: str, number: int) -> Row | None:
    return next((row for row in workbook.rows(sheet) if row.number == number), None)


def _row_named(outline: Outline, sheet: str, text: str) -> tuple[str, Row | None]:
    """The row of the one question that the message names, if there is one."""
    for match in _NAMES.finditer(text):
        name = next(group for group in match.groups() if group)
        rows = outline.by_name.get(name, ())
        if rows and sheet in {"", "survey"}:
            return "survey", rows[0].row
        typed = [row.row for row in outline.rows if row.type == name]
        if typed and sheet in {"", "survey"}:
            return "survey", typed[0]
    return sheet, None


def validate_problems(outline: Outline, verdict: Verdict, root: str) -> Iterator[Problem]:
    """ODK Validate's complaint at the rows of the paths that it names; `root` is the instance's root."""
    workbook = outline.workbook
    if verdict.status == "no_java":
        message = "ODK Validate was not run: there is no Java."
        yield problem(workbook, "info", "FRM-413", "", None, "", message, INSTALL)
    elif verdict.status == "timeout":
        message = f"ODK Validate did not finish within {TIMEOUT_SECONDS} seconds."
        yield problem(workbook, "warning", "FRM-414", "", None, "", message, "Run it again on a quieter machine.")
    elif verdict.message:
        yield _complaint(outline, verdict, root)


def _complaint(outline: Outline, verdict: Verdict, root: str) -> Problem:
    """An error if the form can't be read; a warning if only evaluating it fails.

    Our own checks judge functions and references themselves, and what is left may be a limit of the engine that ODK
    Validate carries.
    """
    workbook = outline.workbook
    is_refused = verdict.status == "invalid" or "This field is repeated" in verdict.message
    severity: ProblemSeverity = "error" if is_refused else "warning"
    code = "FRM-411" if severity == "error" else "FRM-412"
    rows = rows_by_path(workbook, root)
    paths = dict.fromkeys(_POSITION.sub("", path).rstrip(".") for path in _PATH.findall(verdict.message))
    first = next((rows[path].row for path in paths if path in rows), None)
    column = next((name for word, name in _COLUMNS.items() if word in verdict.message), "")
    sheet = "survey" if first is not None else ""
    entity = next((path for path in paths if path.startswith(f"/{root}/meta/entity")), None)
    if first is None and entity and workbook.rows("entities"):
        sheet, first, column = "entities", workbook.rows("entities")[0], entity.rpartition("/")[2]
    if first is not None and header_of(tuple(first.cells), column) not in first.cells:
        column = ""
    advice = "Mend the expression: ODK Collect may not open the form."
    return problem(workbook, severity, code, sheet, first, column, f"ODK Validate: {verdict.message}", advice)
