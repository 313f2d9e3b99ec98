"""`comunal forms`: check, build, add, list, sheets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from flows.commands_drafts import try_form
from flows.commands_explain import explain
from flows.commands_forms_print import print_form
from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.errors import FormError, Problem

FormFile = Annotated[
    Path,
    typer.Argument(
        metavar="FORM",
        exists=True,
        help="An XLSForm (.xlsx, .xls, .csv, .md) or a folder of text sheets (one CSV a sheet or module).",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(
        no_args_is_help=True, help="Questionnaire workbooks: check, explain, print, build, try, add, list, sheets."
    )
    group.command("check")(check)
    group.command("build")(build)
    group.command("add")(add)
    group.command("explain")(explain)
    group.command("print")(print_form)
    group.command("list")(list_forms)
    group.command("sheets")(sheets)
    group.command("try")(try_form)
    app.add_typer(group, name="forms")


def check(file: FormFile, json_lines: JsonOption = False, data: DataOption = None) -> None:
    """Tell every problem of a workbook: file, sheet, row, column, and what to do.

    Runs our own reading of every sheet and expression, pyxform, and ODK Validate (which needs Java).
    Exits with 1 if any problem is an error. Stores nothing.
    """
    from forms.lint import check_workbook
    from forms.sheets import read_workbook

    output = Output(json_lines)
    try:
        problems = check_workbook(read_workbook(file))
    except FormError as error:  # not even a workbook: that is a problem of the file like any other
        problems = [Problem("error", error.code, "", None, "", error.message, error.advice, file.name)]
    show_problems(output, problems)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


def build(
    file: FormFile,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write (default: DATA/build/FORM).")
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Compile text sheets to the workbook (.xlsx) and the XForm (.xml) that ODK Collect shows.

    Writes FORM.xlsx, FORM.xml and the media the form uses. Fails if the workbook has errors.
    """
    from flows.registering import build_form

    output = Output(json_lines)
    built = build_form(file, out, data)
    output.record(built, f"Built {built.form_id} version {built.version}: {built.workbook} and {built.xform}")


def add(
    file: FormFile,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended safely first, and tell each change.")
    ] = False,
    public_key: Annotated[
        str | None,
        typer.Option(
            "--public-key", metavar="FILE", help="Have phones encrypt for this public key (see: comunal keys make)."
        ),
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Register an immutable version of a form; from then on `comunal serve` offers it to ODK Collect.

    Any XLSForm will do, also one that Comunal did not write. The same bytes again change nothing; other bytes under
    the same version are refused. Problems of severity "error" stop the registration with exit status 1.
    """
    from flows.keys import read_public_key_option
    from flows.registering import add_form

    output = Output(json_lines)
    key = read_public_key_option(public_key) if public_key is not None else None
    with open_data(data) as store:
        added = add_form(store, file, repair=repair, public_key=key)
    show_problems(output, added.problems, quiet=added.version is not None)
    if added.version is None:
        output.say(
            "Not registered. Mend the errors above"
            + ("." if repair else ", or try --repair, which mends common damage and tells each change.")
        )
        raise typer.Exit(1)
    state = "registered" if added.new else "was registered before, unchanged"
    output.record(
        {
            "form_id": added.form_id,
            "version": added.version,
            "title": added.title,
            "new": added.new,
            "questions": added.questions,
            "tables": list(added.tables),
        },
        f"{added.title} ({added.form_id}, version {added.version or 'none'}) {state}: "
        f"{added.questions} questions, tables {', '.join(added.tables)}.",
    )


def list_forms(json_lines: JsonOption = False, data: DataOption = None) -> None:
    """List the registered forms and versions, with their submissions."""
    from flows.registering import list_registered

    output = Output(json_lines)
    with open_data(data) as store:
        rows = list_registered(store)
    if not rows:
        output.say("No form is registered yet: comunal forms add FORM")
    table = Table("form_id", "version", "title", "registered", "submissions", box=None)
    for row in rows:
        output.record(row)
        table.add_row(
            row.form_id, row.version, row.title, row.registered_at.strftime("%Y-%m-%d %H:%M"), str(row.submissions)
        )
    if rows and not json_lines:
        output.console.print(table)


def sheets(
    file: Annotated[Path, typer.Argument(metavar="WORKBOOK", exists=True, help="An edited .xlsx or .xls workbook.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="The survey's folder of text sheets.")],
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Take an edited workbook back into its text sheets, without loss.

    Rows return to the module they came from (column `module`); rows without one go where the row above them went.
    """
    from forms.sheets import read_workbook, write_folder

    output = Output(json_lines)
    workbook = read_workbook(file)
    write_folder(workbook, into)
    output.record(
        {"folder": str(into), "sheets": sorted(workbook.sheets)},
        f"Wrote the sheets {', '.join(workbook.sheets)} into {into}. Review the change with: git diff {into}",
    )


def show_problems(output: Output, problems: list[Problem] | tuple[Problem, ...], quiet: bool = False) -> None:
    """One object a problem for machines; for people a paragraph each and a closing count.

    Args:
        quiet: whether notes of severity "info" are counted and not told (for people only).
    """
    marks = {"error": "ERROR  ", "warning": "WARNING", "info": "note   "}
    for problem in problems:
        place = ", ".join(
            part
            for part in (
                problem.file or problem.sheet,
                f"sheet {problem.sheet}" if problem.sheet and problem.file else "",
                f"row {problem.row}" if problem.row else "",
                f"column {problem.column}" if problem.column else "",
            )
            if part
        )
        text = (
            f"{marks[problem.severity]} {problem.code}  {place}\n    {problem.message}\n    {problem.advice}".rstrip()
        )
        hidden = quiet and problem.severity == "info"
        output.record(problem, None if hidden else text)
    counts = Counter(problem.severity for problem in problems)
    output.say(f"{counts['error']} errors, {counts['warning']} warnings, {counts['info']} notes.")
