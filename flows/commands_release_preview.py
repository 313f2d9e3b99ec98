"""`comunal release preview|confirm|panel`: what a commune would see published, and panels of several releases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data

if TYPE_CHECKING:
    from flows.previewing import PreviewReport
    from reports.panel import PanelReport

FormId = Annotated[str, typer.Argument(metavar="FORM_ID", help="The form, as `comunal forms list` shows it.")]
GROUP = "release"


def register(app: typer.Typer) -> None:
    """Adds the commands to the group `release`, which is made if it isn't there."""
    group = next((one.typer_instance for one in app.registered_groups if one.name == GROUP), None)
    if group is None:
        group = typer.Typer(no_args_is_help=True, help="Releases: previews by commune, panels.")
        app.add_typer(group, name=GROUP)
    group.command("preview")(show_preview)
    group.command("confirm")(confirm)
    group.command("panel")(make_panel)


def show_preview(
    form_id: FormId,
    commune: Annotated[
        str | None, typer.Option("--commune", metavar="CUT", help="One commune (default: a line for each).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FOLDER", help="Write that commune's tables and site there, marked as a preview."
        ),
    ] = None,
    person: Annotated[
        int | None,
        typer.Option("--person", metavar="NUMBER", help="Look as this person, who sees the own communes alone."),
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Show what a release would publish of each commune, after disclosure control of all of it. Nothing is published.

    What is shown is kept, so that each commune's statistician sees it at the desk and confirms or objects there.
    """
    from flows.previewing import keep_preview, write_commune
    from flows.releasing import draw_up

    output = Output(json_lines)
    if out is not None and commune is None:
        raise typer.BadParameter("--out needs --commune: each commune has a folder of its own.")
    with open_data(data) as store:
        mine = None
        if person is not None:
            from console.acts.confirming import own_communes
            from store.people import get_person

            with store.read() as connection:
                who = get_person(connection, person)
            mine = own_communes(store, who, form_id, commune)
        candidate = draw_up(store, form_id)
        report = keep_preview(store, candidate)
        if out is not None and commune is not None:
            files = write_commune(candidate, commune, out)
            output.say(f"{files} files in {out}; open {out / 'site' / 'index.html'}")
    _tell(output, report, commune, mine)


def _tell(output: Output, report: PreviewReport, commune: str | None, mine: frozenset[str] | None) -> None:
    from flows.previewing import no_such_commune

    rows = [one for one in report.communes if commune in {None, one.commune} and (mine is None or one.commune in mine)]
    if commune is not None and not rows:
        raise no_such_commune(report.release_id, commune)
    output.record(
        {"form_id": report.form_id, "release_id": report.release_id, "communes": rows},
        f"preview {report.form_id}: {report.release_id}; {len(rows)} communes.",
    )
    for one in rows:
        output.say(
            f"  {one.commune} {one.name}: {one.interviews} interviews, {one.figures} figures, "
            f"{one.suppressed} withheld."
        )


def confirm(
    form_id: FormId,
    commune: Annotated[str, typer.Argument(metavar="CUT", help="The commune.")],
    person: Annotated[int, typer.Option("--person", metavar="NUMBER", help="Who answers for it.")],
    object_: Annotated[bool, typer.Option("--object", help="Object instead of confirming.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; an objection needs one.")] = "",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Confirm a commune's figures as the latest preview shows them, or object to them."""
    from console.acts.confirming import answer
    from store.people import get_person

    said = "objected" if object_ else "confirmed"
    with open_data(data) as store:
        with store.read() as connection:
            who = get_person(connection, person)
        answer(store, who, form_id, commune, said, reason)
    Output(json_lines).record(
        {"form_id": form_id, "commune": commune, "answer": said, "person": person},
        f"{who.name} ({person}) has {said} the figures of {commune} of {form_id}.",
    )


def make_panel(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of releases.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the panel goes; must not exist.")],
    json_lines: JsonOption = False,
) -> None:
    """Put the published figures of several releases side by side: communes that each run a survey of their own."""
    from reports.panel import write_panel

    report: PanelReport = write_panel(folders, out)
    output = Output(json_lines)
    output.record(
        report,
        f"panel of {report.releases} releases and {report.communes} communes: {report.indicators} indicators, "
        f"{report.compared} of them in more than one commune; {report.rows} figures in {out}.",
    )
    for name, why in report.differing.items():
        output.say(f"  not comparable: {name}: {why}")
