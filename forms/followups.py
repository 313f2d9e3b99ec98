"""The follow-up form of a survey: interviews sent back, with the reason, and the questions to be asked again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from schemas.fields import Field, Form
from schemas.text import LANGUAGES, Text, pick
from schemas.workbook import Row, Sheet, Workbook

PROPERTIES = ("instance_id", "row", "questions", "reason", "why_es", "why_ht", "why_en", "enumerator", "status")
"""Properties of an interview that was sent back; `status` is "open" or "answered"."""

INTERVIEW, SOURCE, ROW = "returned_interview", "returned_instance", "returned_row"
TOLD, REMARK, STATUS = "returned_told", "returned_remark", "returned_status"
OWN = "returned_"
"""How the names of the follow-up form's own questions begin."""

_HEADERS = {"es": "Español (es)", "ht": "Kreyòl ayisyen (ht)", "en": "English (en)"}
_TYPES = {"int": "integer", "decimal": "decimal", "date": "date", "string": "text", "": "text"}
_REFERENCE = re.compile(r"\$\{[^}]*\}|<output[^>]*>")
_MOST_CHOICES = 500
_TEXTS: dict[str, Text] = {
    INTERVIEW: {"es": "¿Qué encuesta corrige?", "ht": "Ki ankèt w ap korije?", "en": "Which interview do you correct?"},
    TOLD: {
        "es": "Por corregir: ${returned_reason} ${returned_why_es}",
        "ht": "Pou korije: ${returned_reason} ${returned_why_ht}",
        "en": "To correct: ${returned_reason} ${returned_why_en}",
    },
    REMARK: {
        "es": "Algo que decir sobre esta corrección",
        "ht": "Yon bagay pou di sou koreksyon sa a",
        "en": "Anything to say about this correction",
    },
}
_TITLE: Text = {"es": "Por corregir", "ht": "Pou korije", "en": "To correct"}


def followup_id(form_id: str) -> str:
    """Form id of a survey's follow-up form."""
    return f"{form_id}_devuelta"


def list_id(form_id: str) -> str:
    """Name of the list of a survey's interviews that were sent back."""
    return f"{re.sub(r'[^A-Za-z0-9_]', '_', form_id)}_devueltas"


def can_ask_again(field: Field) -> bool:
    """Whether a follow-up form can ask a question: not personal, and of a kind that a phone asks plainly."""
    if field.personal or field.calculation or not field.control or field.name.startswith(OWN):
        return False
    if field.is_select:
        return field.control in {"select1", "select"} and 0 < len(field.choices) <= _MOST_CHOICES
    return field.type in _TYPES and field.control == "input"


def make_followup(form: Form, questions: Iterable[str], version: str) -> Workbook:
    """The workbook of a follow-up form.

    Args:
        form: the survey's form.
        questions: columns of the questions that it must be able to ask; those that it can't are left out.
        version: of the follow-up form.
    """
    wanted = set(questions)
    asked = [field for field in form.fields() if field.column in wanted and can_ask_again(field)]
    place = f"instance('{list_id(form.form_id)}')/root/item[name=${{{INTERVIEW}}}]"
    shown = "status != 'answered' and (enumerator = '' or ${returned_me} = '' or enumerator = ${returned_me})"
    rows: list[dict[str, str]] = [
        {"type": "username", "name": "returned_me"},
        {
            "type": f"select_one_from_file {list_id(form.form_id)}.csv",
            "name": INTERVIEW,
            "choice_filter": shown,
            "required": "yes",
            **_labels(_TEXTS[INTERVIEW]),
        },
        _calculate(SOURCE, f"{place}/instance_id"),
        _calculate(ROW, f"{place}/row"),
        _calculate("returned_questions", f"{place}/questions"),
        _calculate("returned_reason", f"{place}/reason"),
        *(_calculate(f"returned_why_{language}", f"{place}/why_{language}") for language in _HEADERS),
        {"type": "note", "name": TOLD, **_labels(_TEXTS[TOLD])},
    ]
    for field in asked:
        rows.append(
            {
                "type": _type(field),
                "name": field.column,
                "relevant": f"selected(${{returned_questions}}, '{field.column}')",
                **_labels(_plain(field.label, field.name)),
            }
        )
    rows.append({"type": "text", "name": REMARK, **_labels(_TEXTS[REMARK])})
    rows.append(_calculate(STATUS, "'answered'") | {"save_to": "status"})
    choices = [
        {"list_name": f"l_{field.column}", "name": choice.value, **_labels(_plain(choice.label, choice.value))}
        for field in asked
        if field.is_select
        for choice in field.choices
    ]
    title = f"{pick(_TITLE, 'es', LANGUAGES)}: {form.title or form.form_id}"
    sheets = [
        _sheet("survey", rows),
        _sheet("choices", choices),
        _sheet("entities", [{"list_name": list_id(form.form_id), "entity_id": f"${{{INTERVIEW}}}"}]),
        _sheet(
            "settings",
            [
                {
                    "form_id": followup_id(form.form_id),
                    "form_title": title,
                    "version": version,
                    "default_language": _HEADERS["es"],
                }
            ],
        ),
    ]
    return Workbook(followup_id(form.form_id), {sheet.name: sheet for sheet in sheets if sheet.rows})


def _calculate(name: str, expression: str) -> dict[str, str]:
    return {"type": "calculate", "name": name, "calculation": expression}


def _type(field: Field) -> str:
    if field.is_select:
        return f"{'select_multiple' if field.is_multiple else 'select_one'} l_{field.column}"
    return _TYPES[field.type]


def _labels(text: Text) -> dict[str, str]:
    return {f"label::{header}": pick(text, language, LANGUAGES) for language, header in _HEADERS.items()}


def _plain(text: Text, fallback: str) -> Text:
    """A label without references to other questions, which the follow-up form hasn't."""
    found = {language: _REFERENCE.sub("…", label) for language, label in text.items() if label.strip()}
    return found or {"es": fallback}


def _sheet(name: str, rows: Sequence[dict[str, str]]) -> Sheet:
    headers = tuple(dict.fromkeys(header for row in rows for header in row))
    numbered = tuple(Row(number, cells, "", number) for number, cells in enumerate(rows, start=2))
    return Sheet(name, headers, numbered)
