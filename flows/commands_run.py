"""`comunal run`: ingest, check, release, as Prefect flows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands_keys import PrivateKeyOption, passphrase
from flows.output import DataOption, JsonOption, Output
from flows.places import data_folder, open_data
from schemas.errors import CommandError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from flows.checking import CheckReport
    from flows.ingesting import IngestReport
    from flows.releasing import ReleaseReport

FormOption = Annotated[
    str | None,
    typer.Option("--form", metavar="FORM_ID", help="The form (default: every registered form with submissions)."),
]
PlainOption = Annotated[
    bool, typer.Option("--plain", help="Without Prefect: a plain function call, quicker, leaving no run in its page.")
]


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Run a flow: ingest, check, release. Uses the Prefect server of `comunal up` if it runs, else a "
        "temporary one (which takes some 20 seconds to start).",
    )
    group.command("ingest")(run_ingest)
    group.command("check")(run_check)
    group.command("release")(run_release)
    app.add_typer(group, name="run")


def run_ingest(
    form: FormOption = None,
    private_key: PrivateKeyOption = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Read what was read already once more, as it was received; needs --form. Decisions stay."
        ),
    ] = False,
    plain: PlainOption = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Read the submissions that wait into typed tables, one per repeat. A second run changes nothing.

    With --again every submission of a form is read anew from the bytes that were received: for tables that an earlier
    version of Comunal read wrongly. Rows stay until they are replaced; one that is cut off goes on without --again.
    """
    output = Output(json_lines)
    if again and form is None:
        raise CommandError("CMD-129", "--again without --form would read every survey anew.", "Name one with --form.")
    key = None
    if private_key is not None:
        from flows.keys import load_private_key

        key = load_private_key(private_key, passphrase)
    for form_id in chosen_forms(data, form):
        if again:
            from flows.ingesting import read_again

            with open_data(data) as store:
                number = read_again(store, form_id, has_key=key is not None)
            output.say(f"{number} submissions of {form_id} are read again.")
        show_ingest(output, _ingest(data, form_id, plain, output, key))
        if again:
            output.say(f"Findings follow from what was read: comunal run check --form {form_id}")


def run_check(
    form: FormOption = None,
    expectations: Annotated[
        bool, typer.Option("--expectations/--no-expectations", help="Run the Great Expectations suite too.")
    ] = True,
    plain: PlainOption = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Judge every rule of the form, of its `checks` sheet and of field work, and keep the findings."""
    output = Output(json_lines)
    for form_id in chosen_forms(data, form):
        if plain:
            from flows.checking import check

            with open_data(data) as store, output.progress("judging the rules") as advance:
                report = check(store, form_id, expectations=expectations, progress=advance)
        else:
            _prefect(data, output)
            from flows.prefect_flows import check_flow

            report = check_flow(form_id, expectations)
        show_check(output, report)


def run_release(
    form: FormOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where releases are kept (default: DATA/releases).")
    ] = None,
    plain: PlainOption = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Estimate the indicators over the accepted interviews, protect small cells, write an immutable release."""
    output = Output(json_lines)
    for form_id in chosen_forms(data, form):
        if plain:
            from flows.releasing import release

            with open_data(data) as store:
                report = release(store, form_id, out or data_folder(data) / "releases")
        else:
            _prefect(data, output)
            from flows.prefect_flows import release_flow

            report = release_flow(form_id, str(out.resolve()) if out else "")
        show_release(output, report)


def chosen_forms(data: Path | None, form: str | None) -> list[str]:
    """The form asked for, else every registered form that has submissions."""
    from flows.registering import list_registered, load_form

    with open_data(data) as store:
        if form is not None:
            load_form(store, form)
            return [form]
        return sorted({row.form_id for row in list_registered(store) if row.submissions})


def _ingest(
    data: Path | None, form_id: str, plain: bool, output: Output, private_key: RSAPrivateKey | None = None
) -> IngestReport:
    # A private key is nothing for Prefect, which keeps what its runs are given.
    if plain or private_key is not None:
        from flows.followed_up import ingest_survey

        with open_data(data) as store, output.progress("reading submissions") as advance:
            return ingest_survey(store, form_id, advance, private_key)
    _prefect(data, output)
    from flows.prefect_flows import ingest_flow

    report: IngestReport = ingest_flow(form_id)
    return report


def _prefect(data: Path | None, output: Output) -> None:
    """Settles Prefect's environment: the running server, or a temporary one."""
    from flows.prefect_server import configure_prefect, running_server

    folder = data_folder(data)
    url = running_server(folder)
    if url is None:
        output.say("No Prefect server is running (comunal up): a temporary one is started, some 20 seconds.")
    configure_prefect(folder, url)


def show_ingest(output: Output, report: IngestReport) -> None:
    """What ingest did, in two lines."""
    rows = ", ".join(f"{count} {name}" for name, count in report.rows.items()) or "none"
    output.record(
        report,
        f"ingest {report.form_id}: {report.read} submissions read, {report.failed} unreadable, "
        f"{report.findings} findings while reading. New rows: {rows}."
        + (f" {report.waiting} encrypted submissions wait for their key or files." if report.waiting else ""),
    )


def show_check(output: Output, report: CheckReport) -> None:
    """What check found, and which rules it could not judge."""
    unchecked = [row.rule for row in report.summaries if row.rule.not_checked]
    output.record(
        {
            "form_id": report.form_id,
            "interviews": report.interviews,
            "rules": len(report.summaries),
            "findings": report.findings,
            "opened": report.opened,
            "closed": report.closed,
            "set_aside": report.set_aside,
            "not_checked": [{"rule_id": rule.rule_id, "reason": rule.not_checked} for rule in unchecked],
            "expectations": report.suite,
        },
        f"check {report.form_id}: {report.interviews} interviews against {len(report.summaries)} rules; "
        f"{report.findings} open findings ({report.opened} new, {report.closed} closed); "
        f"{report.set_aside} interviews set aside; {len(unchecked)} rules not checked.",
    )
    for rule in unchecked:
        output.say(f"  not checked: {rule.rule_id}: {rule.not_checked}")
    for problem in report.suite.problems if report.suite else ():
        output.say(f"  not checked: {problem}")


def show_release(output: Output, report: ReleaseReport) -> None:
    """Where the release is."""
    output.record(
        report,
        f"release {report.form_id}: {report.interviews} accepted interviews, {report.figures} figures, "
        f"{report.suppressed} suppressed.\n  folder {report.folder}\n  site   {report.site}",
    )
