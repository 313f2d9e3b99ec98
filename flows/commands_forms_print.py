"""`comunal forms print`: the questionnaire on paper, for training, review and publication."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands_explain import LANGUAGES
from flows.output import DataOption, JsonOption, Output
from schemas.errors import CommandError


def print_form(
    file: Annotated[
        Path,
        typer.Argument(metavar="FORM", exists=True, help="An XLSForm or a folder of text sheets."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it, as .pdf or .html.")],
    language: Annotated[
        str, typer.Option("--language", metavar="LANG", help="Language of the questionnaire: es, ht or en.")
    ] = "es",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Print the questionnaire: each question with its choices, when it is asked and what it accepts, in words.

    Made from the workbook and nothing else, so that the paper says what the phones do. A PDF needs Chromium or Chrome;
    an .html can be printed with any browser. Stores nothing.
    """
    from flows.printing import print_pdf
    from forms.compile import compile_workbook
    from forms.sheets import read_workbook
    from reports.questionnaire.page import questionnaire_page

    if language not in LANGUAGES:
        raise CommandError("CMD-140", f"There are no sentences in '{language}'.", "Choose es, ht or en.")
    if out.suffix.lower() not in {".pdf", ".html"}:
        raise CommandError("CMD-149", f"'{out.name}' is neither .pdf nor .html.", "Name the file by what it is to be.")
    compiled = compile_workbook(read_workbook(file))
    page = questionnaire_page(compiled.form, compiled.specs, language)
    written = print_pdf(page) if out.suffix.lower() == ".pdf" else page.encode()
    out.write_bytes(written)
    told = {"form_id": compiled.form.form_id, "language": language, "file": str(out), "bytes": len(written)}
    Output(json_lines).record(told, f"{compiled.form.title}: {out}")
