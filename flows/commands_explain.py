"""`comunal forms explain`: every rule of a form as a sentence, for those who review it and don't read XPath."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from schemas.errors import CommandError

LANGUAGES = ("es", "ht", "en")


def explain(
    file: Annotated[
        Path,
        typer.Argument(metavar="FORM", exists=True, help="An XLSForm or a folder of text sheets."),
    ],
    language: Annotated[
        str, typer.Option("--language", metavar="LANG", help="Language of the sentences: es, ht or en.")
    ] = "es",
    expressions: Annotated[
        bool, typer.Option("--expressions", help="Print each expression beside its sentence.")
    ] = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Print every rule of a form as a sentence: when a question is asked, what it accepts, how figures are counted.

    Questions and choices are called by their labels, so that a statistician can read the form's logic against the
    questionnaire without reading XPath. Stores nothing.
    """
    from expressions.sentences.rules import explain_form
    from forms.compile import compile_workbook
    from forms.sheets import read_workbook

    if language not in LANGUAGES:
        raise CommandError("CMD-140", f"There are no sentences in '{language}'.", "Choose es, ht or en.")
    output = Output(json_lines)
    compiled = compile_workbook(read_workbook(file))
    place = ("", 0)
    for rule in explain_form(compiled.form, compiled.specs, language):
        here = (rule.name, rule.row or 0)
        heading = "" if here == place else f"\n{rule.sheet} {rule.row or ''}  {rule.name}: {rule.label}\n"
        shown = f"\n      {' '.join(rule.expression.split())}" if expressions else ""
        output.record(rule, f"{heading}    {rule.sentence}{shown}")
        place = here
