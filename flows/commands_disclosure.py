"""Disclosure control over files of others: `comunal disclosure anonymity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands_research import research_file
from flows.output import JsonOption, Output

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
        Path | None,
        typer.Option("--table", metavar="FILE", exists=True, dir_okay=False, help="Instead: any table, a row a cell."),
    ] = None,
    dims: Annotated[
        str, typer.Option("--dims", metavar="A,B", help="Columns of --table that tell its cells apart.")
    ] = "",
    value: Annotated[str, typer.Option("--value", metavar="COLUMN", help="Column of --table with the numbers.")] = "n",
    total: Annotated[
        list[str] | None, typer.Option("--total", metavar="CODE", help="Code of a sum (default: Total, _T, all ...).")
    ] = None,
    hidden: Annotated[
        list[str] | None, typer.Option("--hidden", metavar="MARK", help="Mark of a hidden cell, beside the usual ones.")
    ] = None,
    tree: Annotated[
        list[str] | None,
        typer.Option("--tree", metavar="DIM=FILE", help="Columns code, parent: which code is part of which."),
    ] = None,
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
    from schemas.errors import CommandError

    output = Output(json_lines)
    if (release is None) == (table is None):
        raise CommandError(
            "CMD-140", "Neither a release nor a table was named, or both.", "Give RELEASE_DIR, or --table and --dims."
        )
    if release is not None:
        narrow, cells = _audit_release(output, release, against or [], threshold, width)
    elif table is not None:
        names = [name.strip() for name in dims.split(",") if name.strip()]
        marks = {"totals": total or [], "hidden": hidden or []}
        narrow, cells = _audit_table(output, table, names, value, marks, tree or [], absent, base, width or 1.0)
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


def _audit_table(
    output: Output,
    file: Path,
    names: list[str],
    value: str,
    marks: dict[str, list[str]],
    trees: list[str],
    absent: bool,
    base: float,
    width: float,
) -> tuple[int, int]:
    from flows.flat_tables import read_flat
    from reports.equations import Contradiction, feasible_intervals
    from reports.plain_tables import HIDDEN, TOTALS, read_plain
    from schemas.errors import CommandError, ReleaseError

    flat = read_flat(file)
    wanted = [*names, value]
    if missing := [name for name in wanted if name not in flat.names] or not names:
        raise CommandError(
            "CMD-141",
            f"{file.name} has no column {missing if names else 'named in --dims'}.",
            f"It has {', '.join(flat.names[:20])}.",
        )
    at = [flat.names.index(name) for name in wanted]
    rows = [(tuple(row[index] for index in at[:-1]), row[at[-1]]) for row in flat.rows()]
    plain = read_plain(
        rows,
        names,
        totals=frozenset(code.lower() for code in marks["totals"]) or TOTALS,
        hidden=HIDDEN | {mark.lower() for mark in marks["hidden"]},
        parents=_read_trees(trees),
        absent_is_hidden=absent,
        base=base,
    )
    try:
        found = feasible_intervals(plain.system, plain.hidden)
    except Contradiction as broken:
        members = {cell for each in broken.equations for cell in plain.system.equations[each].cells}
        cells = [" / ".join(plain.codes[cell]) for cell in sorted(members) if cell < len(plain.codes)]
        raise ReleaseError(
            "REL-054",
            f"{len(broken.equations)} sums of the table contradict each other, around {'; '.join(cells[:5])}.",
            "Is a total missing from --total, were numbers rounded (--base), or is a cell without a row hidden?",
        ) from broken
    narrow = 0
    for cell in plain.hidden:
        interval = found[cell]
        is_narrow = interval.width < width - 1e-6
        narrow += is_narrow
        record = dict(zip(names, plain.codes[cell], strict=True)) | {
            "low": interval.low,
            "high": interval.high,
            "required": width,
            "is_narrow": is_narrow,
        }
        told = " / ".join(plain.codes[cell]) + ("  TOO NARROW" if is_narrow else "")
        output.record(record, f"{_interval(interval.low, interval.high)} {told}")
    return narrow, len(plain.hidden)


def _read_trees(trees: list[str]) -> dict[str, dict[str, str]]:
    from flows.flat_tables import read_flat
    from schemas.errors import CommandError

    found: dict[str, dict[str, str]] = {}
    for each in trees:
        name, _, file = each.partition("=")
        path = Path(file)
        flat = read_flat(path) if file and path.is_file() else None
        if flat is None or not {"code", "parent"} <= set(flat.names):
            raise CommandError(
                "CMD-142", f"--tree {each} names no table with columns code and parent.", "Write --tree DIM=FILE.csv."
            )
        code, parent = flat.names.index("code"), flat.names.index("parent")
        found[name] = {row[code]: row[parent] for row in flat.rows()}
    return found


def _interval(low: float, high: float) -> str:
    return f"[{low:>8g}, {high:>8g}]"


def _verdict(cell: object) -> str:
    if not getattr(cell, "is_narrow"):  # noqa: B009
        return ""
    against = getattr(cell, "against")  # noqa: B009
    return f"  TOO NARROW{f' against {against}' if against else ''}"
