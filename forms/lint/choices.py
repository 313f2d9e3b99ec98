"""Own checks of the `choices` sheet: codes, labels, lists nobody uses."""

from __future__ import annotations

from collections.abc import Iterator

from forms.headers import bases, cell, read_header, texts
from forms.lint.problems import problem
from forms.outline import Outline, read_type
from forms.specs import YES
from schemas.errors import Problem, ProblemSeverity
from schemas.workbook import Row


def check_choices(outline: Outline) -> Iterator[Problem]:
    """Every problem of `choices`."""
    workbook = outline.workbook
    if "choices" not in workbook.sheets:
        return
    headers = workbook.sheets["choices"].headers
    for needed in ("list_name", "name", "label"):
        if needed not in bases(headers, "choices"):
            message = f"The sheet 'choices' has no column '{needed}'."
            yield problem(workbook, "error", "FRM-201", "choices", None, needed, message, "Add it.")
    settings = workbook.rows("settings")
    tolerant = bool(settings) and cell(settings[0], "allow_choice_duplicates").lower() in YES
    multiple = _lists_of_multiple(outline)
    seen: set[tuple[str, str]] = set()
    for row in workbook.rows("choices"):
        name, code = cell(row, "list_name"), cell(row, "name")
        if not name and not code:
            continue
        yield from _check_code(outline, row, name, code)
        if name in multiple and len(code.split()) > 1:
            message = (
                f"The code '{code}' of the list '{name}' has a space; answers of several choices are divided by spaces."
            )
            yield problem(workbook, "error", "FRM-203", "choices", row, "name", message, "Use '_' in its place.")
        if code and (name, code) in seen and not tolerant:
            first = outline.lists[name][code].number if name in outline.lists else "?"
            message = f"The code '{code}' stands twice in the list '{name}' (first in row {first})."
            advice = "Change one of the two codes, or delete the row."
            yield problem(workbook, "error", "FRM-202", "choices", row, "name", message, advice)
        seen.add((name, code))
        yield from _check_label(outline, row, name, code)


def _check_code(outline: Outline, row: Row, name: str, code: str) -> Iterator[Problem]:
    workbook = outline.workbook
    if not code:
        message = f"A choice of the list '{name}' has no name (code)."
        yield problem(workbook, "error", "FRM-205", "choices", row, "name", message, "Give it a code.")
    if not name:
        message = f"The choice '{code}' belongs to no list."
        yield problem(workbook, "warning", "FRM-208", "choices", row, "list_name", message, "Write its list_name.")


def _check_label(outline: Outline, row: Row, name: str, code: str) -> Iterator[Problem]:
    workbook = outline.workbook
    given = texts(row, "label")
    if not given:
        media = any(texts(row, base) for base in ("image", "audio", "video", "big-image"))
        message = f"The choice '{code}' of the list '{name}' has no label."
        severity: ProblemSeverity = "info" if media else "warning"
        yield problem(workbook, severity, "FRM-206", "choices", row, "label", message, "Write its label.")
        return
    for header in workbook.sheets["choices"].headers:
        parsed = read_header(header)
        if parsed.base == "label" and parsed.language not in given:
            message = (
                f"The choice '{code}' of the list '{name}' has no label in {parsed.language or 'the default language'}."
            )
            yield problem(workbook, "warning", "FRM-207", "choices", row, header, message, "Translate it.")


def _lists_of_multiple(outline: Outline) -> frozenset[str]:
    kinds = (read_type(row.type) for row in outline.rows)
    return frozenset(kind.source for kind in kinds if kind.kind in {"select_multiple", "rank"})
