"""Cleaning logs: `comunal cleaning apply`; those of a survey in `flows.commands_cleaning_store`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows import commands_cleaning_store, commands_imputation
from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from flows.refused_rows import tell_refused, write_refused
from schemas.errors import CommandError

if TYPE_CHECKING:
    from flows.flat_tables import FlatTable
    from validation.cleaning.log import CleaningRow
    from validation.cleaning.replay import RefusedRow, Replayed

_FIRST_DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
app = typer.Typer(no_args_is_help=True, help="Replay what people decided to change over the data as they came in.")


def register(parent: typer.Typer) -> None:
    """Adds the command group."""
    commands_cleaning_store.register(app)
    app.command("rehearse")(rehearse)
    commands_imputation.register(app)
    parent.add_typer(app, name="cleaning")


@app.command("apply")
def apply_log(
    raw: Annotated[Path, typer.Argument(metavar="RAW", exists=True, dir_okay=False, help="The data: .csv or .xlsx.")],
    log: Annotated[
        Path,
        typer.Argument(
            metavar="LOG",
            exists=True,
            dir_okay=False,
            help="The log: uuid, question, old_value, new_value, change_type (change_response, blank_response, "
            "remove_survey, no_action).",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the cleaned data go.")],
    key: Annotated[str, typer.Option("--id", metavar="COLUMN", help="The column that identifies a record.")] = "uuid",
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Where to list the refused rows, as CSV.")
    ] = None,
    check_types: Annotated[
        bool, typer.Option("--types/--no-types", help="Refuse text in a column that holds numbers or dates only.")
    ] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 if a row was refused.")] = False,
    json_lines: JsonOption = False,
) -> None:
    """Replay a cleaning log over a flat table: columns, their order and the order of rows stay.

    Each row of the log applies once, onto what the rows before it left, or is refused with its reason; the others
    apply all the same. A row whose old value isn't there any more is refused, unless the new value stands there
    already: the same log over its own result changes nothing.
    """
    from flows.flat_cleaning import write_cleaned
    from flows.flat_tables import read_flat
    from validation.cleaning.replay import replay

    output = Output(json_lines)
    data = read_flat(raw, lambda names: key in names)
    if key not in data.names:
        raise CommandError(
            "CMD-132", f"{raw.name} has no column {key}.", f"Name the key with --id; it has {_some(data.names)}."
        )
    rows, broken = read_log(log, key)
    result = replay(data.frame, data.names, key, rows, blank=_blank(data), check_types=check_types)
    refused = tuple(sorted((*result.refused, *broken), key=lambda row: row.number))
    result = replace(result, refused=refused)
    write_cleaned(out, data, result.table, result.changes, result.gone)
    if report is not None:
        write_refused(report, result.refused)
    _tell(output, len(rows) + len(broken), result, out)
    if strict and result.refused:
        raise typer.Exit(1)


def rehearse(
    form_id: Annotated[str, typer.Argument(metavar="FORM_ID", help="The form, as `comunal forms list` shows it.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where RAW.csv, LOG.csv and EXPECTED.csv go.")],
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows of the log.")] = 700,
    interviews: Annotated[int, typer.Option("--interviews", "-n", min=1, help="Interviews of the table.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 1,
    table: Annotated[str, typer.Option("--table", metavar="NAME", help="main, or one of the form's repeats.")] = "main",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Make a table of a registered form with errors in it, the log that mends them, and the table that must come of it.

    Nobody's data: the interviews are rehearsed and answers miskeyed. The log changes and blanks answers, removes
    practice interviews and says of some that nothing is to be done. `comunal cleaning apply` must give EXPECTED.csv.
    """
    from flows.registering import load_form
    from flows.rehearsed_flat import rehearse_flat

    output = Output(json_lines)
    with open_data(data) as store:
        compiled = load_form(store, form_id)
    made = rehearse_flat(compiled, interviews=interviews, rows=rows, seed=seed, start=_FIRST_DAY, table=table)
    raw, log, expected = made.write(out)
    counts = Counter(made.log.frame["change_type"].to_list())
    summary = {
        "raw": str(raw),
        "log": str(log),
        "expected": str(expected),
        "id": made.key,
        "rows": len(made.log.rows()),
    }
    kinds = ", ".join(f"{kind} {times}" for kind, times in sorted(counts.items()))
    output.record(summary | {"change_types": dict(counts)}, f"{log}: {summary['rows']} rows ({kinds}).")
    output.say(f"  comunal cleaning apply {raw} {log} --id {made.key} --out {out / 'CLEAN.csv'}")
    output.say(f"  must give {expected}, byte for byte.")


def read_log(path: Path, key: str = "") -> tuple[list[CleaningRow], list[RefusedRow]]:
    """The rows of a log's file, and those that have more cells than its header.

    Args:
        path: .csv or .xlsx; of a workbook the first sheet with a log's columns.
        key: what the data call the key.

    Raises:
        CommandError: CMD-130, no table; CMD-133, a column is missing.
    """
    from flows.flat_tables import read_lines
    from validation.cleaning.log import list_missing, match_columns, read_rows
    from validation.cleaning.replay import refuse_broken

    names, lines = read_lines(path, lambda header: not list_missing(match_columns(header, key)))
    columns = match_columns(names, key)
    if missing := list_missing(columns):
        raise CommandError(
            "CMD-133",
            f"{path.name} has no column {', '.join(missing)}.",
            f"Name the columns uuid, question, old_value, new_value, change_type; it has {_some(names)}.",
        )
    rows = read_rows(lines, columns)
    # More cells than the header: a separator that wasn't quoted, and nobody knows which cells belong together.
    wide = {at for at, line in enumerate(lines, start=2) if any(cell.strip() for cell in line[len(names) :])}
    return [row for row in rows if row.number not in wide], [refuse_broken(row) for row in rows if row.number in wide]


def _blank(table: FlatTable) -> str:
    """How this table writes a blank: R's NA where it writes no empty cell, else an empty cell."""
    cells = table.frame.unpivot().get_column("value") if table.frame.width else None
    if cells is None or (cells == "").any() or not (cells == "NA").any():
        return ""
    return "NA"


def _tell(output: Output, total: int, result: Replayed, out: Path) -> None:
    from validation.cleaning.log import ChangeType

    refused = Counter(row.reason for row in result.refused)
    summary = {
        "rows": total,
        "applied": {kind.value: result.applied.get(kind, 0) for kind in ChangeType},
        "already": {kind.value: result.already.get(kind, 0) for kind in ChangeType},
        "refused": dict(refused),
        "cells_changed": result.cells,
        "records_removed": result.removed,
        "records": result.table.height,
        "out": str(out),
    }
    output.record(
        summary, f"{total} rows of the log: {total - len(result.refused)} good, {len(result.refused)} refused."
    )
    for kind in ChangeType:
        already = result.already.get(kind, 0)
        told = f" ({already} more stood there already)" if already else ""
        output.say(f"  {kind.value:<16} {result.applied.get(kind, 0)}{told}")
    output.say(
        f"  {result.cells} cells changed, {result.removed} records removed, {result.table.height} written to {out}."
    )
    tell_refused(output, result.refused)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
