"""Own checks of the `rehearsal` sheet: questions that exist, answers that they can have."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterator

from forms.headers import cell
from forms.lint.expressions import Place, check_expression
from forms.lint.problems import problem
from forms.outline import Outline, QuestionType
from schemas.errors import Problem
from schemas.workbook import Row

RANGE = ".."
"""What stands between the ends of a uniform range."""


def check_rehearsal(outline: Outline) -> Iterator[Problem]:
    """Every problem of `rehearsal`."""
    workbook = outline.workbook
    for row in workbook.rows("rehearsal"):
        name = cell(row, "question").strip("${}")
        if name not in outline.by_name:
            close = difflib.get_close_matches(name, outline.by_name, 1, 0.7)
            advice = f"Did you mean '{close[0]}'?" if close else "Correct the name."
            message = f"There is no question '{name}'."
            yield problem(workbook, "error", "FRM-311", "rehearsal", row, "question", message, advice)
        else:
            yield from _check_value(outline, row, name)
        if (text := cell(row, "weight")) and not _is_weight(text):
            message = f"'{text}' is no number from 0."
            yield problem(workbook, "error", "FRM-301", "rehearsal", row, "weight", message, "Write digits.")
        if when := cell(row, "when"):
            question = outline.by_name[name][0] if name in outline.by_name else None
            yield from check_expression(outline, Place("rehearsal", row, "when", question), when)


def _is_weight(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False


def _check_value(outline: Outline, row: Row, name: str) -> Iterator[Problem]:
    value, kind = cell(row, "value"), outline.type_of(name)
    if not value:
        return
    if kind.is_select and kind.source in outline.lists:
        known = {*outline.lists[kind.source], *(("other",) if kind.has_other else ())}
        codes = [value] if kind.kind == "select_one" else value.split()
        for code in codes:
            if code not in known:
                message = f"The answer '{code}' isn't in the list '{kind.source}' of '{name}'."
                yield problem(outline.workbook, "error", "FRM-312", "rehearsal", row, "value", message, "Correct it.")
    elif kind.value in {"int", "decimal", "date"} and not all(_fits(end, kind) for end in value.split(RANGE, 1)):
        expected = {"int": "a whole number", "decimal": "a number", "date": "a date (YYYY-MM-DD)"}[kind.value]
        message = f"'{value}' is not {expected}, nor a range of two with '..' between."
        yield problem(outline.workbook, "error", "FRM-312", "rehearsal", row, "value", message, "Correct it.")


def _fits(text: str, kind: QuestionType) -> bool:
    try:
        if kind.value == "date":
            datetime.date.fromisoformat(text.strip())
        elif kind.value == "int":
            int(text)
        else:
            float(text)
    except ValueError:
        return False
    return True
