"""Disclosure control over files of others: `comunal disclosure anonymity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.output import JsonOption, Output

app = typer.Typer(no_args_is_help=True, help="What a table or a file of records gives away about single people.")


def register(parent: typer.Typer) -> None:
    """Adds the command group."""
    parent.add_typer(app, name="disclosure")


@app.command("anonymity")
def anonymity(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="One row a record: .csv or .xlsx.")
    ],
    keys: Annotated[
        str, typer.Option("--keys", metavar="A,B,C", help="Columns by which a person could be recognised.")
    ],
    k: Annotated[int, typer.Option("--k", min=2, help="Fewest records that must look alike.")] = 3,
    sensitive: Annotated[
        str | None, typer.Option("--sensitive", metavar="COLUMN", help="A column whose values must differ in a class.")
    ] = None,
    diversity: Annotated[int, typer.Option("--l", min=2, help="Fewest different values of it.")] = 2,
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="COLUMN", help="How many people each record stands for.")
    ] = None,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing-is-any/--missing-is-a-value", help="A missing key fits every value, or is a value of its own."
        ),
    ] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 if a record violates k or l.")] = False,
    json_lines: JsonOption = False,
) -> None:
    """Count the records that violate k-anonymity on some keys; with weights, the risk in the population too."""
    import polars as pl

    from flows.flat_tables import read_flat
    from reports.anonymity import measure_anonymity

    output = Output(json_lines)
    table = read_flat(file)
    frame = table.frame.with_columns(pl.all().replace(["", "NA"], None))
    columns = dict(zip(reversed(table.names), reversed(table.frame.columns), strict=True))
    frame = frame.select(pl.col(column).alias(name) for name, column in columns.items())
    names = [name.strip() for name in keys.split(",") if name.strip()]
    found = measure_anonymity(
        frame,
        names,
        k,
        sensitive=sensitive,
        diversity=diversity,
        weight=weights,
        missing_is_any=missing,
    )
    share = f" ({found.violating / found.records:.2%})" if found.records else ""
    output.record(
        found, f"{found.violating} of {found.records} records violate {k}-anonymity{share} on {', '.join(names)}."
    )
    output.say(f"  {found.classes} classes, the smallest of {found.smallest}; {found.unique} records are unique.")
    if found.l_violating is not None:
        output.say(f"  {found.l_violating} records are in a class with fewer than {diversity} values of {sensitive}.")
    if found.reidentifications is not None:
        output.say(f"  {found.reidentifications:.2f} re-identifications are expected in the population.")
    if strict and (found.violating or found.l_violating):
        raise typer.Exit(1)
