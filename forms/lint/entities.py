"""Check what a form saves into lists of entities: lists go to every phone, so personal answers don't belong there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from expressions.grammar import parse
from expressions.personal_uses import questions_named
from forms.entities import read_entity_plans
from forms.headers import cell
from forms.lint.problems import problem
from forms.outline import Outline
from forms.specs import YES
from schemas.errors import ExpressionError, Problem
from schemas.fields import Field, Form
from schemas.workbook import Row

SETTING: Final = "entities_personal"
_ADVICE: Final = (
    "Save a code instead; or, if every phone with this form may know it, write 'entities_personal' with value 'yes' "
    "into the sheet 'design'."
)


def check_entities(outline: Outline, form: Form, xform: bytes) -> Iterator[Problem]:
    """FRM-703, a personal answer in a list; FRM-704, an encrypted form that means to fill lists."""
    plans = read_entity_plans(xform)
    if not plans:
        return
    if form.public_key:
        message = "The form is encrypted: what it declares in 'entities' is not saved, since lists go to every phone."
        advice = "Leave out the sheet 'entities', or the public key."
        yield problem(outline.workbook, "warning", "FRM-704", "entities", None, "", message, advice)
        return
    if _allows_personal(outline):
        return
    shows = _showing_personal(form)
    fields = {field.path: field for field in form.fields()}
    for plan in plans:
        for path, name in plan.properties:
            field = fields.get(path)
            if field is not None and path in shows:
                message = f"'{field.name}' tells of a person and is saved into the list '{plan.list_name}' as '{name}'."
                row = _row(outline, "survey", field.row)
                yield problem(outline.workbook, "error", "FRM-703", "survey", row, "save_to", message, _ADVICE)
        if plan.label_path in shows:
            message = f"The label of the list '{plan.list_name}' shows a personal answer."
            row = next((row for row in outline.workbook.rows("entities") if plan.list_name in row.cells.values()), None)
            yield problem(outline.workbook, "error", "FRM-703", "entities", row, "label", message, _ADVICE)


def _allows_personal(outline: Outline) -> bool:
    return any(
        cell(row, "setting") == SETTING and cell(row, "value").lower() in YES for row in outline.workbook.rows("design")
    )


def _row(outline: Outline, sheet: str, number: int | None) -> Row | None:
    return next((row for row in outline.workbook.rows(sheet) if row.number == number), None)


def _showing_personal(form: Form) -> frozenset[str]:
    """Paths of personal questions, and of all that is calculated from them, however many steps away."""
    fields = list(form.fields())
    shows = {field.path for field in fields if field.personal}
    named = {field.path: _named(field, form) for field in fields}
    while True:
        names = {field.name for field in fields if field.path in shows}
        more = {path for path, used in named.items() if used & names} - shows
        if not more:
            return frozenset(shows)
        shows |= more


def _named(field: Field, form: Form) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for text in (field.calculation, field.set_on_load):
        if text:
            try:
                found |= questions_named(parse(text), form, field)
            except ExpressionError:
                continue  # said elsewhere
    return found
