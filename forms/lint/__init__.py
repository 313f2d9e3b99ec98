"""Check a workbook: everything that is wrong with it at once, each defect with sheet, row, column and advice."""

from __future__ import annotations

from collections.abc import Iterator

from forms.compile import convert_workbook
from forms.fields import read_form
from forms.lint.choices import check_choices
from forms.lint.columns import check_columns
from forms.lint.communes import check_communes
from forms.lint.cycles import check_cycles
from forms.lint.encryption import check_encryption
from forms.lint.entities import check_entities
from forms.lint.expressions import check_expressions
from forms.lint.logic import check_logic
from forms.lint.logic_types import check_types
from forms.lint.problems import arrange, problem
from forms.lint.programs import pyxform_problems, validate_problems
from forms.lint.specs import check_specs
from forms.lint.survey import check_survey
from forms.outline import Outline, read_outline
from forms.validate import validate_xform
from schemas.errors import FormError, Problem
from schemas.workbook import Workbook


def check_workbook(workbook: Workbook, with_validate: bool = True) -> list[Problem]:
    """Everything that is wrong with a workbook, in the order of its sheets and rows.

    Own checks, pyxform's errors and warnings and ODK Validate's complaint are put together; of two reports of the
    same defect in the same cell ours is kept. pyxform stops at its first error; ours report the rest.

    Args:
        workbook: the workbook, as read or repaired.
        with_validate: whether to run ODK Validate (Java, about a second) where pyxform accepts the workbook.
    """
    if "survey" not in workbook.sheets:
        found = ", ".join(workbook.sheets) or "none"
        message = f"There is no sheet called 'survey' (found: {found})."
        return [problem(workbook, "error", "FRM-006", "", None, "", message, "Name the sheet with the questions so.")]
    outline = read_outline(workbook)
    problems = list(_own_problems(outline))
    problems += _program_problems(outline, with_validate)
    return arrange(problems)


def _own_problems(outline: Outline) -> Iterator[Problem]:
    yield from check_survey(outline)
    yield from check_choices(outline)
    yield from check_expressions(outline)
    yield from check_cycles(outline)
    yield from check_specs(outline)
    yield from check_communes(outline)
    yield from check_encryption(outline)


def _program_problems(outline: Outline, with_validate: bool) -> Iterator[Problem]:
    """What pyxform says; and, where it makes an XForm, what can be said about that."""
    workbook = outline.workbook
    try:
        xform, _, warnings = convert_workbook(workbook)
        form = read_form(xform, workbook)
    except FormError as error:
        yield from pyxform_problems(outline, error.message, "error", error.advice)
        return
    for warning in warnings:
        yield from pyxform_problems(outline, warning, "warning", "Mend it, or know why it is so.")
    yield from check_columns(outline, form)
    yield from check_entities(outline, form, xform)
    yield from check_logic(outline, form)
    yield from check_types(outline, form)
    if with_validate:
        yield from validate_problems(outline, validate_xform(xform), form.root.name)
