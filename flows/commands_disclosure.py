"""Disclosure control over releases and over files of others: `comunal disclosure audit` and `anonymity`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands_research import research_file
from flows.output import JsonOption, Output

if TYPE_CHECKING:
    from flows.auditing_tables import TableQuestion

app = typer.Typer(no_args_is_help=True, help="What a table or a file of records gives away about single people.")


def register(parent: typer.Typer) -> None:
    """Adds the command group."""
    app.command("research-file")(research_file)
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


@app.command("audit")
def audit(
    release: Annotated[
        Path | None,
        typer.Argument(metavar="[RELEASE_DIR]", exists=True, file_okay=False, help="Folder of a release."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", metavar="EARLIER_DIR", exists=True, file_okay=False, help="A release that is out."),
    ] = None,
    table: Annotated[
        list[Path] | None,
        typer.Option(
            "--table", metavar="FILE", exists=True, dir_okay=False, help="Instead: any table, a row a cell; or several."
        ),
    ] = None,
    dims: Annotated[
        list[str] | None,
        typer.Option("--dims", metavar="A,B", help="Columns of --table that tell its cells apart; once, or a table."),
    ] = None,
    value: Annotated[
        list[str] | None, typer.Option("--value", metavar="COLUMN", help="Column with the numbers (default: n).")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="COLUMN", help="Column with status codes of tau-argus or sdcTable."),
    ] = None,
    total: Annotated[
        list[str] | None, typer.Option("--total", metavar="CODE", help="Code of a sum (default: Total, _T, all ...).")
    ] = None,
    hidden: Annotated[
        list[str] | None, typer.Option("--hidden", metavar="MARK", help="Mark of a hidden cell, beside the usual ones.")
    ] = None,
    tree: Annotated[
        list[str] | None,
        typer.Option("--tree", metavar="DIM=FILE", help="Which code is part of which: columns code, parent; or .hrc."),
    ] = None,
    columns: Annotated[
        str, typer.Option("--columns", metavar="A,B,...", help="Names of the columns of a file without a header.")
    ] = "",
    decimal: Annotated[
        str, typer.Option("--decimal", metavar="MARK", help="Decimal mark: a point or a comma (default: found out).")
    ] = "",
    absent: Annotated[
        bool, typer.Option("--absent-is-hidden", help="A cell without a row is hidden, not empty.")
    ] = False,
    base: Annotated[float, typer.Option("--base", min=0, help="What the numbers of --table were rounded to.")] = 0,
    width: Annotated[
        float | None,
        typer.Option("--width", min=0, help="Shortest interval of a hidden cell (of the release, else 1)."),
    ] = None,
    threshold: Annotated[
        int | None,
        typer.Option("--threshold", min=0, help="Rows below which a group is small (of the release, else 10)."),
    ] = None,
    json_lines: JsonOption = False,
) -> None:
    """Where each hidden cell must be, for whoever has all files. Exit status 1 if one is too narrow."""
    from flows.auditing_tables import TableQuestion
    from schemas.errors import CommandError

    output = Output(json_lines)
    if (release is None) == (not table):
        raise CommandError(
            "CMD-140", "Neither a release nor a table was named, or both.", "Give RELEASE_DIR, or --table and --dims."
        )
    if release is not None:
        narrow, cells = _audit_release(output, release, against or [], threshold, width)
    else:
        question = TableQuestion(
            files=table or [],
            dims=dims or [""],
            values=value or ["n"],
            status=status or [],
            totals=total or [],
            hidden=hidden or [],
            trees=tree or [],
            columns=columns,
            decimal=decimal,
            absent_is_hidden=absent,
            base=base,
            width=1.0 if width is None else width,
        )
        narrow, cells = _audit_tables(output, question)
    output.say(f"{cells} hidden cells, {narrow} too narrow." if narrow else f"{cells} hidden cells, all wide enough.")
    if narrow:
        raise typer.Exit(1)


def _audit_release(
    output: Output, folder: Path, against: list[Path], threshold: int | None, width: float | None
) -> tuple[int, int]:
    from reports.intruder import audit_release
    from reports.published import read_published

    earlier = [read_published(each) for each in against]
    found = audit_release(read_published(folder), earlier, threshold=threshold, width=width)
    for cell in found:
        place = " ".join(part for part in (cell.indicator, cell.domain, cell.category) if part)
        output.record(cell, f"{_interval(cell.low, cell.high)} {cell.what:6} {place}{_verdict(cell)}")
    return sum(cell.is_narrow for cell in found), sum(cell.what != "change" for cell in found)


def _audit_tables(output: Output, question: TableQuestion) -> tuple[int, int]:
    from flows.auditing_tables import audit_tables

    found = audit_tables(question)
    several = len(question.files) > 1
    for cell in found:
        record = ({"table": cell.table} if several else {}) | cell.codes
        record |= {name: getattr(cell, name) for name in ("low", "high", "required", "is_exact", "is_narrow")}
        place = " / ".join(([cell.table] if several else []) + list(cell.codes.values()))
        output.record(record, f"{_interval(cell.low, cell.high)} {place}{'  TOO NARROW' if cell.is_narrow else ''}")
    return sum(cell.is_narrow for cell in found), len(found)


def _interval(low: float, high: float) -> str:
    return f"[{low:>8g}, {high:>8g}]"


def _verdict(cell: object) -> str:
    if not getattr(cell, "is_narrow"):  # noqa: B009
        return ""
    against = getattr(cell, "against")  # noqa: B009
    return f"  TOO NARROW{f' against {against}' if against else ''}"
