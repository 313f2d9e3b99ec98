"""`comunal people`: who may send, decide and review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from flows import commands_people_log, commands_people_rights, commands_people_sheet
from flows.commands_people_sheet import LoginOption, UrlOption, warn_of_url
from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.communes import find_commune
from schemas.rights import Role

if TYPE_CHECKING:
    from store.people import NewPerson

PersonId = Annotated[int, typer.Argument(metavar="ID", help="The person's id, as `comunal people list` shows it.")]

_LISTED = ("id", "name", "role", "communes", "login", "key", "password")


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="People, keys and passwords: add, list, revoke, role, communes, password, sheet, log.",
    )
    group.command("add")(add)
    group.command("list")(list_people)
    group.command("key")(key)
    group.command("assign")(assign)
    group.command("revoke")(revoke)
    commands_people_rights.register(group)
    commands_people_sheet.register(group)
    commands_people_log.register(group)
    app.add_typer(group, name="people")


def add(
    name: Annotated[str | None, typer.Option("--name", help="How the person is called in lists.")] = None,
    role: Annotated[Role, typer.Option("--role", help="What the person may do.")] = "enumerator",
    communes: Annotated[
        list[str] | None,
        typer.Option("--commune", metavar="CUT", help="Where the role counts; may be repeated (default: everywhere)."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Add everybody of a CSV file: columns name, role, communes."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Write the cards to hand out, .html or .pdf: secrets."),
    ] = None,
    url: UrlOption = "http://127.0.0.1:8390",
    login: LoginOption = False,
    qr: Annotated[
        Path | None,
        typer.Option("--qr", metavar="FILE", help="Write one person's code alone, as .svg or .png: a secret."),
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Add a person, or everybody of a list, and print each key, once: only its digest is kept.

    For an enumerator, `server_url` is what to enter in ODK Collect as the server's address; it needs no password.
    With `--login` the phone asks for `username` and `password`; then the store keeps what it needs to check them.
    """
    from flows.handing_out import Newcomer, add_newcomers, check_sheet_file, make_sheet, read_newcomers, survey_of
    from flows.phone_codes import check_code_file, person_settings, write_code

    if (name is None) == (source is None):
        raise typer.BadParameter("Give --name for one person, or --from for a list.")
    if source is not None and qr is not None:
        raise typer.BadParameter("--qr is for one person; a list gets a --sheet.")
    if qr is not None:
        check_code_file(qr)
    if sheet is not None:
        check_sheet_file(sheet)
    output = Output(json_lines)
    newcomers = [Newcomer(name or "", role, tuple(communes or ()))] if source is None else read_newcomers(source)
    with open_data(data) as store:
        made = add_newcomers(store, newcomers, login=login)
        if sheet is not None:
            make_sheet(store, made, url, sheet, login=login)
        if qr is not None:
            write_code(qr, person_settings(url, made[0], survey_of(store, made[0]), login=login))
    for person in made:
        record, lines = _told(person, url, login)
        if qr is not None:
            record["qr"] = str(qr)
            lines += f"\n  qr          {qr}  (whoever scans it has the key)"
        output.record(record | ({} if sheet is None else {"sheet": str(sheet)}), None if sheet else lines)
    if sheet is not None:
        output.say(f"{len(made)} added; their cards are in {sheet}. Whoever has a card has its key: hand each over.")
    output.say("Keys are shown this once. If one is lost: comunal people sheet --new-keys, or comunal people key.")
    warn_of_url(output, url)


def _told(person: NewPerson, url: str, login: bool) -> tuple[dict[str, object], str]:
    """What is told of a key just made: for machines, and for people."""
    from flows.phone_codes import server_address

    server_url = server_address(url, person, login=login)
    record: dict[str, object] = {"id": person.id, "name": person.name, "role": person.role, "key": person.key}
    record |= {"communes": sorted(person.communes), "server_url": server_url}
    lines = f"{person.name} ({person.role}, id {person.id})\n  key         {person.key}\n  server_url  {server_url}"
    if login:
        record |= {"username": person.login, "password": person.key}
        lines += f"\n  username    {person.login}\n  password    the key"
    return record, lines


def list_people(json_lines: JsonOption = False, data: DataOption = None) -> None:
    """List people, roles, communes, and whether their keys are in force. Keys are not shown: nobody has them."""
    from store.people import list_people as read_people

    output = Output(json_lines)
    with open_data(data) as store, store.read() as connection:
        rows = read_people(connection)
    table = Table(*(Column(name, overflow="fold") for name in _LISTED), box=None)
    for row in rows:
        state = "revoked" if row.revoked_at else "in force"
        cuts = sorted(row.communes)
        password = "yes" if row.has_password else "no"
        record: dict[str, object] = {"id": row.id, "name": row.name, "role": row.role, "key": state}
        output.record(record | {"communes": cuts, "login": row.login, "has_password": row.has_password})
        names = ", ".join(f"{found.name} ({cut})" for cut in cuts if (found := find_commune(cut)) is not None)
        cells = (str(row.id), row.name, row.role, names or "all", row.login, state, password)
        table.add_row(*map(escape, cells))
    if not json_lines:
        output.console.print(table)


def key(
    person: PersonId,
    url: UrlOption = "http://127.0.0.1:8390",
    login: LoginOption = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Give a person another key and print it, once; the old one is out of force. For phones: `comunal people sheet`."""
    from store.people import renew_key

    output = Output(json_lines)
    with open_data(data) as store, store.begin() as connection:
        made = renew_key(connection, person, login=login)
    output.record(*_told(made, url, login))
    warn_of_url(output, url)


def assign(
    person: PersonId,
    form_id: Annotated[str, typer.Argument(help="The form that the person is to fill.")],
    undo: Annotated[bool, typer.Option("--undo", help="Take the assignment back.")] = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Offer a person this form, and no longer every form. Whoever has no assignment is offered all of them."""
    from store.assignments import add_assignment, list_assigned, remove_assignment
    from store.forms import get_form_version
    from store.people import get_person

    output = Output(json_lines)
    with open_data(data) as store, store.begin() as connection:
        name = get_person(connection, person).name
        if undo:
            remove_assignment(connection, person, form_id)
        else:
            get_form_version(connection, form_id)
            add_assignment(connection, person, form_id)
        forms = sorted(list_assigned(connection, person))
    output.record({"id": person, "forms": forms}, f"{name} is offered {', '.join(forms) or 'every form'}.")


def revoke(person: PersonId, json_lines: JsonOption = False, data: DataOption = None) -> None:
    """Take a person's key, password and sessions out of force, at once. What the person sent stays."""
    from store.people import get_person, revoke_person

    output = Output(json_lines)
    with open_data(data) as store, store.begin() as connection:
        revoke_person(connection, person)
        name = get_person(connection, person).name
    output.record({"id": person, "key": "revoked"}, f"{name} ({person}) has no key, password or session any more.")
