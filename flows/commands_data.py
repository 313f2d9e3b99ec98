"""Data in and out: `comunal import`, `rehearse`, `tables`, `findings`, `score`."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import data_folder, open_data
from schemas.text import LANGUAGES, pick

FormId = Annotated[str, typer.Argument(metavar="FORM_ID", help="The form, as `comunal forms list` shows it.")]
CommuneOption = Annotated[
    str | None,
    typer.Option("--commune", metavar="CUT", help="Only interviews of this commune, in a survey of many communes."),
]
Language = Annotated[Literal["es", "ht", "en"], typer.Option("--language", help="Language of the sentences.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("import")(import_export)
    app.command("rehearse")(rehearse)
    app.command("tables")(write_tables)
    app.command("findings")(list_findings)
    app.command("score")(score)


def import_export(
    form_id: FormId,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", exists=True, help="An .xlsx or .csv export, a folder of .csv, or of submission XML."
        ),
    ],
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Take answers collected elsewhere in as submissions of a registered form.

    One sheet or file a repeat, as KoboToolbox and ODK Central export them. Each row becomes a submission, stored like
    one from a phone; the same file again adds nothing. Columns that the form doesn't have are listed, never dropped
    silently.
    """
    from flows.importing import import_source

    output = Output(json_lines)
    with open_data(data) as store, output.progress("importing") as advance:
        report = import_source(store, form_id, source, advance)
    output.record(
        report,
        f"import {form_id}: {report.added} submissions added, {report.known} known before, {report.refused} refused.",
    )
    for name in report.unknown_columns:
        output.say(f"  not in the form: {name}")
    for name in report.unknown_sheets:
        output.say(f"  no repeat of the form: {name}")
    for name in report.unreadable:
        output.say(f"  unreadable: {name}")
    if report.refused or report.unreadable:
        raise typer.Exit(1)


def rehearse(
    form_id: FormId,
    url: Annotated[
        str, typer.Option("--url", metavar="SERVER_URL", help="The server_url that `comunal people add` printed.")
    ],
    interviews: Annotated[int, typer.Option("--interviews", "-n", min=1, help="Interviews with clean content.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same interviews.")] = 1,
    spoil: Annotated[
        float, typer.Option("--spoil", min=0.0, max=1.0, help="Share of spoiled acts in addition, e.g. 0.05.")
    ] = 0.0,
    truth: Annotated[
        Path | None, typer.Option("--truth", metavar="FILE", help="Where to write what was spoiled (JSON lines).")
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Fill a registered form without a phone, by its own logic, and send the interviews as ODK Collect does.

    Answers follow the `rehearsal` sheet where the workbook has one. Use it before field work to try dashboards and
    reports, with --spoil to see what the checks catch (then: comunal score). A server that refuses everything ends it
    soon; the same command then goes on where it stopped.
    """
    from flows.rehearsing import kept_file, rehearse_over_http

    output = Output(json_lines)
    kept = kept_file(data_folder(data), form_id, interviews, seed, spoil, url)
    if kept.exists():
        output.say("Going on with the rehearsal that was given up.")
    with open_data(data) as store, output.progress("rehearsing", interviews) as advance:
        report = rehearse_over_http(
            form_id,
            interviews=interviews,
            seed=seed,
            spoil=spoil,
            server_url=url,
            truth_path=truth,
            store=store,
            progress=advance,
            kept=kept,
        )
    output.record(report, f"rehearse {form_id}: {report}")
    for message, times in report.messages.items():
        output.say(f"  refused {times} times: {message}")
    if report.refused:
        raise typer.Exit(1)


def write_tables(
    form_id: FormId,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write; one file a repeat.")],
    file_format: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="csv or parquet.")] = "csv",
    raw: Annotated[
        bool, typer.Option("--raw", help="As received, before anybody's decisions, excluded interviews too.")
    ] = False,
    commune: CommuneOption = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Write the typed tables of a form: main (one row a submission) and one file a repeat.

    As people's decisions left them: corrections made, excluded interviews left out; with --raw as received. Personal
    answers are not in them: a mark says that one was given.
    """
    from flows.exporting import export_tables
    from store.submissions import count_submissions

    output = Output(json_lines)
    with open_data(data) as store:
        exported = export_tables(store, form_id, out, file_format, raw=raw, commune=commune)
        for written in exported.tables:
            output.record(written, f"{written.path}: {written.rows} rows, {written.columns} columns")
        with store.read() as connection:
            waiting = count_submissions(connection, form_id).unparsed
    if exported.cells or exported.excluded or exported.stale:
        output.say(
            f"Decisions changed {exported.cells} answers and left {exported.excluded} interviews out; "
            f"{exported.stale} corrections no longer apply. As received: --raw."
        )
    if waiting:
        output.say(f"{waiting} interviews wait and are not in them: comunal run ingest --form {form_id}, then again.")


def list_findings(
    form_id: Annotated[
        str | None, typer.Option("--form", metavar="FORM_ID", help="Only this form (default: every form).")
    ] = None,
    file_format: Annotated[
        Literal["text", "csv", "json"], typer.Option("--format", help="text, csv or json.")
    ] = "text",
    language: Language = "es",
    commune: CommuneOption = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List the open findings: one row a broken rule and record. They name questions, never answers."""
    from flows.exporting import open_findings

    output = Output(json_lines or file_format == "json")
    with open_data(data) as store:
        rows = open_findings(store, form_id, commune)
    header = ("form_id", "instance_id", "row_id", "rule_id", "kind", "severity", "path", "variables", "message")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        message = pick(row.message, language, LANGUAGES)
        if file_format == "csv" and not json_lines:
            writer.writerow(
                (
                    *(row.form_id, row.instance_id, row.row_id, row.rule_id, row.kind, row.severity, row.path),
                    *(" ".join(row.variables), message),
                )
            )
        else:
            place = f"{row.instance_id} {row.row_id}".rstrip()
            output.record(row, f"{row.severity:7} {row.rule_id}  {place}\n        {message}")
    if file_format == "csv" and not json_lines:
        sys.stdout.write(buffer.getvalue())
    elif not rows:
        output.say("No open findings.")


def score(
    form_id: FormId,
    truth: Annotated[
        Path, typer.Option("--truth", exists=True, dir_okay=False, help="What `comunal rehearse --truth` wrote.")
    ],
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Score the checks against what a rehearsal spoiled: found and missed by kind, false alarms, and why each miss.

    Recall is the share of the planted errors that were found. Precision is the share of spoiled interviews among those
    in which the rules that found them say something. Run `comunal run ingest` and `comunal run check` first.
    """
    from flows.scoring import score_rehearsal

    output = Output(json_lines)
    with open_data(data) as store:
        scored = score_rehearsal(store, form_id, truth)
    result = scored.score
    for kind in result.kinds:
        precision = "  -" if kind.precision is None else f"{kind.precision:4.0%}"
        figures = f"planted {kind.planted:4}  found {kind.found:4}  noticed {kind.noticed:4}"
        shares = {"recall": kind.recall, "precision": kind.precision}
        output.record(
            asdict(kind) | shares, f"{kind.kind:22} {figures}  recall {kind.recall:4.0%}  precision {precision}"
        )
    for act in result.harmless:
        figures = f"planted {act.planted:4}  kept once {act.kept:4}  alarmed {act.alarmed:4}"
        output.record(act, f"{act.kind:22} {figures}  nothing is to be found")
    for unit in result.units:
        told = ", ".join(f"{rule} {times}" for rule, times in unit.rules.items()) or "no finding"
        told += f"; these rules name {unit.others} others" if unit.rules else ""
        output.record(unit, f"  {unit.kind}, {unit.planted} of {unit.unit}: named by {told}.")
    alarms = ", ".join(f"{rule} {times}" for rule, times in result.false_alarms.items())
    output.record(
        {"planted": result.planted, "found": result.found, "clean": result.clean, "alarmed": result.alarmed}
        | {"false_alarms": result.false_alarms, "rules_judged": scored.checked},
        f"{result.found} of {result.planted} found; {result.alarmed} of {result.clean} clean interviews alarmed"
        + (f": {alarms}." if alarms else "."),
    )
    if not scored.checked:
        output.say("No rule was judged yet: comunal run ingest and comunal run check first.")
    for miss in scored.misses:
        about = f" {', '.join(miss.questions)}" if miss.questions else ""
        output.record(miss, f"  missed, {miss.kind}{about} ({miss.instance_id}): {miss.reason}")
