"""The checks of a survey as a suite: `comunal checks show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.text import pick

app = typer.Typer(no_args_is_help=True, help="The suite of checks that a survey must pass: show, docs.")


def register(parent: typer.Typer) -> None:
    """Adds the command group."""
    parent.add_typer(app, name="checks")


@app.command("show")
def show(
    form: Annotated[
        str, typer.Argument(metavar="FORM", help="A registered form's id, or a workbook (file or folder).")
    ],
    language: Annotated[Literal["es", "ht", "en"], typer.Option("--language", help="Of the sentences.")] = "es",
    table: Annotated[str | None, typer.Option("--table", metavar="NAME", help="Only one table's checks.")] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Show the suite that Great Expectations runs: every check with its table, severity and sentence.

    The suite is made from the workbook: its tables, each rule of the form, the sheet `checks`, the checks of field
    work, and the expectations that an analyst added in the sheet `expectations`. A check that can't be evaluated is
    listed with the reason.
    """
    from flows.checking import rules_of
    from flows.registering import load_form
    from forms.compile import compile_workbook
    from forms.sheets import read_workbook
    from validation.suite import describe_suite

    output = Output(json_lines)
    if Path(form).exists():
        compiled = compile_workbook(read_workbook(Path(form)))
    else:
        with open_data(data) as store:
            compiled = load_form(store, form)
    entries = describe_suite(compiled.form, rules_of(compiled), compiled.specs.expectations)
    places = [each.name for each in compiled.form.tables]
    entries.sort(key=lambda entry: places.index(entry.table) if entry.table in places else len(places))
    heading = ""
    for entry in entries:
        if table is not None and entry.table != table:
            continue
        if entry.table != heading and not json_lines:
            heading = entry.table
            output.say(f"\n{heading}")
        why = f"  NOT CHECKED: {entry.not_checked}" if entry.not_checked else ""
        output.record(entry, f"  {entry.severity:<8} {entry.rule_id}\n           {pick(entry.sentence, language)}{why}")
    unchecked = sum(bool(entry.not_checked) for entry in entries)
    output.say(f"\n{len(entries)} expectations, {unchecked} of them not checked.")


@app.command("docs")
def docs(
    form: Annotated[str, typer.Argument(metavar="FORM", help="Id of a registered form.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write into; made if it isn't there.")],
    language: Annotated[Literal["es", "ht", "en"], typer.Option("--language", help="Of the sentences.")] = "es",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Write Great Expectations' Data Docs of the last check: counts of each expectation, and no answer of anybody.

    The pages ask no other host for anything, so that they open offline.
    """
    from flows.quality_files import DOCS, docs_pages
    from flows.registering import load_form
    from store.findings import list_rule_runs

    output = Output(json_lines)
    with open_data(data) as store:
        compiled = load_form(store, form)
        with store.read() as connection:
            runs = list_rule_runs(connection, form)
        pages = docs_pages(store, compiled.form, runs, language)
    for path, page in pages.items():
        file = out / path.removeprefix(f"{DOCS}/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(page)
    output.record({"out": str(out), "pages": len(pages)}, f"{len(pages)} pages: open {out / 'index.html'}")
