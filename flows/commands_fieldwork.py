"""`comunal fieldwork`: how the work in the field stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from flows.commands_data import FormId, Language
from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.text import LANGUAGES, pick

if TYPE_CHECKING:
    import polars as pl

    from flows.fieldwork import FieldworkReport


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("fieldwork")(fieldwork)


def fieldwork(
    form_id: FormId, language: Language = "es", json_lines: JsonOption = False, data: DataOption = None
) -> None:
    """Show how field work stands: progress against sample, quota and day, each enumerator, exceptions first.

    What is planned, and every check's limits, are rows of the sheet monitoring (docs/methods/fieldwork.md). Exceptions
    are those of the last `comunal run check`.
    """
    from flows.fieldwork import read_fieldwork

    output = Output(json_lines)
    with open_data(data) as store:
        report = read_fieldwork(store, form_id)
    for finding in report.exceptions:
        message = pick(finding.message, language, LANGUAGES)
        output.record({"table": "exceptions"} | _plain(finding), f"{finding.severity:7} {finding.rule_id}  {message}")
    for rule_id, count in report.interviews.items():
        output.record({"table": "interviews", "rule_id": rule_id, "findings": count}, f"{count:7} × {rule_id}")
    _print_tables(output, report)


def _print_tables(output: Output, report: FieldworkReport) -> None:
    for name, frame in (
        ("progress", report.progress),
        ("enumerators", report.enumerators),
        ("responses", report.responses),
    ):
        if frame is None or not frame.height:
            continue
        output.say(f"\n{name}")
        output.say(_columns(frame, frame.columns))
        for row in frame.iter_rows(named=True):
            output.record({"table": name} | row, _columns(frame, [_cell(value) for value in row.values()]))


def _columns(frame: pl.DataFrame, cells: list[str]) -> str:
    """Cells under their headers; every column is as wide as its header, and a name at least twelve."""
    widths = [max(len(name), 12 if name in {"name", "enumerator"} else 7) for name in frame.columns]
    return "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(finding: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(finding)  # type: ignore[call-overload,no-any-return]
