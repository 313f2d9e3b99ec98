"""`comunal disclosure research-file`: records for research, on request only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output


def research_file(
    form_id: Annotated[str, typer.Argument(metavar="FORM_ID", help="The form whose accepted interviews are meant.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The CSV; a statement is written beside it.")],
    keys: Annotated[
        str | None,
        typer.Option("--keys", metavar="A,B,C", help="Columns by which a person could be recognised."),
    ] = None,
    table: Annotated[str, typer.Option("--table", metavar="TABLE", help="Typed table: a row a record.")] = "main",
    k: Annotated[int | None, typer.Option("--k", min=2, help="Fewest records that must look alike (5).")] = None,
    band: Annotated[
        list[str] | None, typer.Option("--band", metavar="KEY=0,15,30", help="Lower ends of the bands of a number.")
    ] = None,
    sensitive: Annotated[
        str | None, typer.Option("--sensitive", metavar="COLUMN", help="A column whose values must differ in a class.")
    ] = None,
    diversity: Annotated[int | None, typer.Option("--l", min=2, help="Fewest different values of it (2).")] = None,
    enforce: Annotated[
        bool | None,
        typer.Option("--enforce-l/--report-l", help="Take answers out until they differ, or only report them."),
    ] = None,
    only: Annotated[
        str, typer.Option("--columns", metavar="A,B", help="Besides the keys only these of the columns that may stand.")
    ] = "",
    person: Annotated[
        int | None, typer.Option("--person", metavar="ID", help="Who asks for it, if not the operator.")
    ] = None,
    data: DataOption = None,
    json_lines: JsonOption = False,
) -> None:
    """Write the accepted interviews for researchers: no personal answer, place or free text, k records alike each.

    What isn't said here is taken from the rows research_keys, research_k, research_bands, research_sensitive and
    research_diversity of the design sheet. Each file that is written stands in the audit log.
    """
    from console.acts.researching import write_research
    from flows.places import open_data
    from flows.registering import load_form
    from reports.research import ResearchRules
    from schemas.errors import CommandError
    from store.people import get_person

    output = Output(json_lines)
    with open_data(data) as store:
        rules = ResearchRules.read(load_form(store, form_id).specs.design)
        rules = replace(
            rules,
            keys=_names(keys) if keys is not None else rules.keys,
            k=k or rules.k,
            bands={**rules.bands, **_read_bands(band or [])},
            sensitive=rules.sensitive if sensitive is None else sensitive,
            diversity=diversity or rules.diversity,
            enforce=rules.enforce if enforce is None else enforce,
        )
        if not rules.keys:
            raise CommandError(
                "CMD-157", "No key was named.", "Give --keys, or a row research_keys in the design sheet."
            )
        asker = None
        if person is not None:
            with store.read() as connection:
                asker = get_person(connection, person)
        made = write_research(store, form_id, rules, table=table, person=asker, columns=_names(only))
    out.write_text(made.frame.write_csv(), encoding="utf-8")
    statement = out.with_suffix(".statement.txt")
    statement.write_text("\n\n".join(made.statement[code] for code in ("es", "ht", "en")) + "\n", encoding="utf-8")
    record = {"out": out, "statement": statement, "records": made.frame.height, "dropped": made.dropped}
    record |= {"suppressed": dict(made.suppressed), "shares": dict(made.shares)}
    record |= {"before": made.before, "after": made.after}
    output.record(record, f"{made.frame.height} records in {out}.\n  {made.statement['en']}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _read_bands(given: list[str]) -> dict[str, list[float]]:
    from schemas.errors import CommandError

    bands: dict[str, list[float]] = {}
    for each in given:
        name, _, ends = each.partition("=")
        try:
            bands[name.strip()] = [float(end) for end in ends.split(",")]
        except ValueError:
            raise CommandError(
                "CMD-143", f"--band {each} can't be read.", "Write --band age=0,15,30,45,65: the lower ends."
            ) from None
    return bands
