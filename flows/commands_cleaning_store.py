"""The cleaning log of a survey: `comunal cleaning export` and `comunal cleaning import`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from flows.refused_rows import SHOWN, tell_refused, write_refused
from schemas.errors import CommandError

if TYPE_CHECKING:
    from console.acts.importing import Imported, LogRow
    from flows.flat_tables import FlatTable

_EXTRA = {
    "table": ("table", "sheet"),
    "row": ("row", "row_id"),
    "reason": ("reason", "issue", "feedback", "comment"),
    "finding": ("finding", "rule", "check_id"),
}
FormId = Annotated[str, typer.Argument(metavar="FORM_ID", help="The form, as `comunal forms list` shows it.")]
PersonOption = Annotated[
    int, typer.Option("--person", metavar="NUMBER", help="Who decides, as `comunal people list` shows them.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the group."""
    app.command("export")(export)
    app.command("import")(import_log)


def export(
    form_id: FormId,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it goes: .csv or .xlsx.")],
    person: Annotated[
        int | None,
        typer.Option(
            "--person", metavar="NUMBER", help="With corrections of personal answers, for whoever may see them."
        ),
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Write what was decided about a survey in the sector's shape: uuid, question, old_value, new_value, change_type.

    One row an answer that differs from the one received, with table and row of repeats, reason, who, when and finding.
    What was taken back isn't in it. `comunal cleaning import` reads it again, and `comunal cleaning apply` too.
    """
    import polars as pl

    from console.acts.exporting_log import COLUMNS, export_log
    from flows.flat_tables import FlatTable, write_flat
    from store.people import get_person

    output = Output(json_lines)
    with open_data(data) as store:
        whom = None
        if person is not None:
            with store.read() as connection:
                whom = get_person(connection, person)
        log = export_log(store, form_id, person=whom)
    frame = pl.DataFrame(log.rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    write_flat(out, FlatTable(COLUMNS, frame))
    told = f"{len(log.rows)} rows written to {out}."
    if log.personal:
        told += (
            f" {log.personal} corrections of personal answers left out: --person NUMBER, of someone who may see them."
        )
    output.record({"rows": len(log.rows), "left_out": log.personal, "out": str(out)}, told)


def import_log(
    form_id: FormId,
    log: Annotated[
        Path,
        typer.Argument(
            metavar="LOG", exists=True, dir_okay=False, help="uuid, question, old_value, new_value, change_type."
        ),
    ],
    person: PersonOption,
    second: Annotated[
        int | None,
        typer.Option("--second", metavar="NUMBER", help="Another person, who confirms the exclusions at once."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take changes that open an error too.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Where to list the refused rows, as CSV.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 if a row was refused.")] = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Take a cleaning log in the sector's shape into a survey: each row applies once, or is refused with its reason.

    Every change runs the form's logic again: calculations follow, and an interview in which an error would open keeps
    its answers. Exclusions count once a second person confirms them. The same log again changes nothing.
    """
    from console.acts.importing import import_log as take
    from flows.flat_tables import read_flat
    from store.people import get_person

    output = Output(json_lines)
    from validation.cleaning.log import list_missing, match_columns

    rows = read_log_rows(read_flat(log, lambda names: not list_missing(match_columns(names))), log.name)
    with open_data(data) as store:
        with store.read() as connection:
            who = get_person(connection, person)
            other = None if second is None else get_person(connection, second)
        result = take(store, who, form_id, rows, second=other, force=force)
    if report is not None:
        write_refused(report, result.refused)
    _tell(output, len(rows), result)
    if strict and result.refused:
        raise typer.Exit(1)


def read_log_rows(table: FlatTable, name: str) -> list[LogRow]:
    """The rows of a log's file.

    Raises:
        CommandError: CMD-133, a column is missing.
    """
    from console.acts.importing import LogRow
    from validation.cleaning.log import list_missing, match_columns, read_rows

    columns = match_columns(table.names)
    if missing := list_missing(columns):
        raise CommandError(
            "CMD-133",
            f"{name} has no column {', '.join(missing)}.",
            f"The columns are uuid, question, old_value, new_value, change_type; it has {', '.join(table.names[:12])}.",
        )
    header = {column.strip().lower(): place for place, column in reversed(list(enumerate(table.names)))}
    extra = {
        thing: next((header[one] for one in names if one in header and header[one] not in columns.values()), None)
        for thing, names in _EXTRA.items()
    }
    lines = table.rows()

    def cell(number: int, thing: str) -> str:
        place = extra[thing]
        return "" if place is None else lines[number - 2][place].strip()

    return [
        LogRow(
            row,
            table=cell(row.number, "table"),
            row_id=cell(row.number, "row") or None,
            reason=cell(row.number, "reason"),
            finding=cell(row.number, "finding"),
        )
        for row in read_rows(lines, columns)
    ]


def _tell(output: Output, total: int, result: Imported) -> None:
    from validation.cleaning.log import ChangeType

    refused = Counter(row.reason for row in result.refused)
    summary = {
        "rows": total,
        "applied": {kind.value: result.applied.get(kind, 0) for kind in ChangeType},
        "already": {kind.value: result.already.get(kind, 0) for kind in ChangeType},
        "refused": dict(refused),
        "derived": result.derived,
        "pending": list(result.pending),
    }
    output.record(
        summary, f"{total} rows of the log: {total - len(result.refused)} good, {len(result.refused)} refused."
    )
    for kind in ChangeType:
        already = result.already.get(kind, 0)
        told = f" ({already} more stood there already)" if already else ""
        output.say(f"  {kind.value:<16} {result.applied.get(kind, 0)}{told}")
    output.say(f"  {result.derived} answers follow from them: calculations, and questions no longer asked.")
    if result.pending:
        numbers = " ".join(map(str, result.pending[:SHOWN]))
        output.say(f"  {len(result.pending)} exclusions wait for a second person: comunal decide second ... {numbers}")
    tell_refused(output, result.refused)
