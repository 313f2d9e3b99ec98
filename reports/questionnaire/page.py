"""The questionnaire as one page that needs no other file: to read in a browser, and to print."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files

import jinja2
from markupsafe import Markup

from reports.questionnaire.labels import print_label
from reports.questionnaire.model import count_questions, draw_up
from reports.wording import Wording
from schemas.communes import find_commune
from schemas.fields import Choice, Form
from schemas.workbook import Specs

_FOLDER = files("reports.questionnaire")
_BOXES = {"number": 4, "decimal": 4, "time": 4, "year": 4, "month": 6, "date": 8}
_ROW, _COLUMN = 70, 36
"""Characters of choices that fit in one line, and of one choice that fit in half of it."""


class QuestionnaireWording(Wording):
    """The texts of the questionnaire, beside those of the site."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        self._texts = {**self._texts, **_read_texts()}

    def q(self, key: str, **values: object) -> str:
        """A text of the questionnaire."""
        return self.text(f"questionnaire.{key}", **values)


def questionnaire_page(form: Form, specs: Specs, language: str, rehearsal: bool = False) -> str:
    """The questionnaire in one language, as HTML with its style inside, for A4.

    Args:
        form: the questionnaire.
        specs: title and commune of the survey.
        language: "es", "ht" or "en"; texts that the form lacks in it stand in the nearest language that it has.
        rehearsal: whether to say that nobody was really asked.
    """
    wording = QuestionnaireWording(language)
    drawn = draw_up(form, language)
    label = partial(print_label, language=language, numbers=drawn.numbers)
    commune = find_commune(specs.design.commune)
    return (
        _environment()
        .get_template("questionnaire.html")
        .render(
            t=wording,
            lang=language,
            title=wording.pick(specs.design.title) or form.title,
            commune=commune.name if commune else "",
            form=form,
            drawn=drawn,
            questions=wording.counted("questionnaire.count", count_questions(drawn.items)),
            foreign=language not in form.languages,
            label=label,
            boxes=_BOXES,
            spread=partial(_spread, wording=wording),
            rehearsal=rehearsal,
            style=Markup(_FOLDER.joinpath("static", "questionnaire.css").read_text(encoding="utf-8")),  # noqa: S704 ours
        )
    )


def _spread(choices: tuple[Choice, ...], wording: Wording) -> str:
    """How choices stand: "row" beside each other, "two" in two columns, "" one a line."""
    lengths = [len(wording.pick(choice.label) or choice.value) for choice in choices]
    if sum(lengths) + 8 * len(lengths) <= _ROW:
        return "row"
    return "two" if len(choices) > 3 and max(lengths) <= _COLUMN else ""


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("reports.questionnaire", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _read_texts() -> Mapping[str, Mapping[str, str]]:
    text = _FOLDER.joinpath("texts.csv").read_text(encoding="utf-8")
    return {row.pop("key"): row for row in csv.DictReader(text.splitlines())}
