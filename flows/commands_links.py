"""`comunal links`: addresses under which people answer a form by themselves, in a browser."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.errors import CommandError

Language = Literal["es", "ht", "en"]


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Links for answering in a browser: make, list, revoke.")
    group.command("make")(make)
    group.command("list")(list_made)
    group.command("revoke")(revoke)
    app.add_typer(group, name="links")


def make(
    form_id: Annotated[str, typer.Argument(help="The form to be answered.")],
    people: Annotated[
        int | None, typer.Option("--people", metavar="N", min=1, help="N links, each for one person and one interview.")
    ] = None,
    for_all: Annotated[
        bool, typer.Option("--open", help="One link for everybody, good for any number of interviews.")
    ] = False,
    language: Annotated[Language, typer.Option("--language", help="Language in which the page opens.")] = "es",
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], metavar="DAY", help="Last day on which they work."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write them as .html to print, with codes, or as .csv: a secret."),
    ] = None,
    url: Annotated[
        str,
        typer.Option("--url", envvar="COMUNAL_PUBLIC_URL", help="Address at which browsers reach the server."),
    ] = "http://127.0.0.1:8390",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Make links and print them, once: only their digests are kept. No name or account is asked of who answers.

    A form that a browser can't show whole is refused, with what it lacks.
    """
    from flows.link_sheets import SheetLink, check_sheet_file, write_sheet
    from flows.registering import load_form
    from openrosa.entities import attached
    from openrosa.web_files import web_files
    from openrosa.web_support import check_form
    from store.forms import get_form_version
    from store.links import add_links

    output = Output(json_lines)
    if (people is None) == (not for_all):
        raise CommandError(
            "CMD-082", "Links are for people or open for all; found both or neither.", "Give --people N, or --open."
        )
    if out is not None:
        check_sheet_file(out)
    expires_at = None
    if until is not None:
        expires_at = datetime.combine(until.date() + timedelta(days=1), time.min).astimezone(UTC)
    with open_data(data) as store:
        compiled = load_form(store, form_id)
        with store.read() as connection:
            row = get_form_version(connection, form_id)
        check_form(form_id, compiled.xform, [file.name for file in row.media], attached(store, row))
        with store.begin() as connection:
            made = add_links(
                connection,
                form_id,
                people or 1,
                is_single=not for_all,
                language=language,
                expires_at=expires_at,
            )
    links = [SheetLink(link.id, f"{url.rstrip('/')}/web/{link.token}") for link in made]
    if out is not None:
        last = None if until is None else until.astimezone()
        title = compiled.specs.design.title or {"default": compiled.form.title}
        write_sheet(out, links, title=title, language=language, is_single=not for_all, until=last)
    for link in links:
        output.record({"id": link.id, "url": link.url}, None if out else f"{link.id}  {link.url}")
    if out is not None:
        output.say(f"{len(links)} links in {out}  (whoever reads it can answer in others' place)")
    if row.media:
        names = ", ".join(file.name for file in row.media)
        output.errors.print(f"Whoever has a link can read the form's files: {names}", markup=False)
    if web_files() is None:
        output.errors.print("CMD-081  ODK Web Forms is not installed here: a server on this machine answers 503.")
        output.errors.print("  Install Node and npm (Debian: apt-get install nodejs npm), then: make web")


def list_made(
    form_id: Annotated[str | None, typer.Argument(help="The form; without it, every form's.")] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List links, their state and how many interviews came by each. Addresses are not shown: nobody has them."""
    from store.links import list_links

    output = Output(json_lines)
    now = datetime.now(UTC)
    with open_data(data) as store, store.read() as connection:
        rows = list_links(connection, form_id)
    table = Table("id", "form", "for", "language", "state", "received", "last used", "until", box=None)
    for row in rows:
        who = "one person" if row.is_single else "everybody"
        end = f"{(row.expires_at - timedelta(seconds=1)).astimezone():%Y-%m-%d}" if row.expires_at else ""
        used = row.used_on.isoformat() if row.used_on else ""
        output.record(
            {
                "id": row.id,
                "form_id": row.form_id,
                "single": row.is_single,
                "language": row.language,
                "state": row.state(now),
                "received": row.received,
                "used_on": row.used_on,
                "expires_at": row.expires_at,
            }
        )
        table.add_row(str(row.id), row.form_id, who, row.language, row.state(now), str(row.received), used, end)
    if not json_lines:
        output.console.print(table)


def revoke(
    ids: Annotated[list[int], typer.Argument(metavar="ID...", help="Numbers as `comunal links list` shows them.")],
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Make links worthless at once. Interviews that came by them stay."""
    from store.links import revoke_links

    output = Output(json_lines)
    with open_data(data) as store, store.begin() as connection:
        revoke_links(connection, ids)
    for number in ids:
        output.record({"id": number, "state": "revoked"}, f"The link {number} no longer works.")
