"""`comunal disclosure research-file`: records for research, on request only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output


def research_file(
    form_id: Annotated[str, typer.Argument(metavar="FORM_ID", help="The form whose accepted interviews are meant.")],
    keys: Annotated[
        str, typer.Option("--keys", metavar="A,B,C", help="Columns by which a person could be recognised.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The CSV; a statement is written beside it.")],
    table: Annotated[str, typer.Option("--table", metavar="TABLE", help="Typed table: a row a record.")] = "main",
    k: Annotated[int, typer.Option("--k", min=2, help="Fewest records that must look alike.")] = 5,
    band: Annotated[
        list[str] | None, typer.Option("--band", metavar="KEY=0,15,30", help="Lower ends of the bands of a number.")
    ] = None,
    sensitive: Annotated[
        str | None, typer.Option("--sensitive", metavar="COLUMN", help="A column whose diversity is reported.")
    ] = None,
    data: DataOption = None,
    json_lines: JsonOption = False,
) -> None:
    """Write the accepted interviews for researchers: no personal answer, place or free text, k records alike each."""
    from console.acts.edited import edit_survey
    from console.acts.imputed import accept
    from flows.places import open_data
    from flows.registering import load_form
    from reports.research import make_research_file, safe_columns
    from schemas.errors import CommandError
    from store.findings import blocked_instances
    from store.tables import read_tables

    output = Output(json_lines)
    bands: dict[str, list[float]] = {}
    for each in band or []:
        name, _, ends = each.partition("=")
        try:
            bands[name.strip()] = [float(end) for end in ends.split(",")]
        except ValueError:
            raise CommandError(
                "CMD-143", f"--band {each} can't be read.", "Write --band age=0,15,30,45,65: the lower ends."
            ) from None
    with open_data(data) as store:
        form = load_form(store, form_id).form
        with store.read() as connection:
            blocked = set(blocked_instances(connection, form_id))
        received = read_tables(store, form_id, form)
        frames = accept(edit_survey(store, form, received, reader="comunal disclosure").tables, blocked)
    found = next((each for each in form.tables if each.name == table), None)
    if found is None:
        raise CommandError(
            "CMD-144",
            f"The form has no table {table}.",
            f"It has {', '.join(each.name for each in form.tables)}.",
        )
    names = [name.strip() for name in keys.split(",") if name.strip()]
    columns = [name for name in safe_columns(found, names) if name in frames[table].columns]
    made = make_research_file(frames[table].select(columns), names, k, bands=bands, sensitive=sensitive)
    out.write_text(made.frame.write_csv(), encoding="utf-8")
    statement = out.with_suffix(".statement.txt")
    statement.write_text("\n\n".join(made.statement[code] for code in ("es", "ht", "en")) + "\n", encoding="utf-8")
    record = {"out": out, "statement": statement, "records": made.frame.height, "dropped": made.dropped}
    record |= {"suppressed": dict(made.suppressed), "before": made.before, "after": made.after}
    output.record(record, f"{made.frame.height} records in {out}.\n  {made.statement['en']}")
