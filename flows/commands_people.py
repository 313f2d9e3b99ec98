"""`comunal people`: who may send, decide and review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data

Role = Literal["enumerator", "statistician", "reviewer"]


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="People and their keys: add, list, assign, revoke.")
    group.command("add")(add)
    group.command("list")(list_people)
    group.command("assign")(assign)
    group.command("revoke")(revoke)
    app.add_typer(group, name="people")


def add(
    name: Annotated[str, typer.Option("--name", help="How the person is called in lists.")],
    role: Annotated[Role, typer.Option("--role", help="What the person may do.")],
    url: Annotated[
        str,
        typer.Option("--url", envvar="COMUNAL_PUBLIC_URL", help="Address at which phones reach the collection server."),
    ] = "http://127.0.0.1:8390",
    login: Annotated[
        bool,
        typer.Option("--login", help="The phone logs in with user name and password instead of a key in its address."),
    ] = False,
    qr: Annotated[
        Path | None,
        typer.Option("--qr", metavar="FILE", help="Write the code that ODK Collect scans, as .svg or .png: a secret."),
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Add a person and print the key, once: only its digest is kept.

    For an enumerator, `server_url` is what to enter in ODK Collect as the server's address; it needs no password.
    With `--login` the phone asks for `username` and `password`; then the store keeps what it needs to check them.
    """
    from flows.phone_codes import check_code_file, write_code
    from store.people import add_person

    output = Output(json_lines)
    if qr is not None:
        check_code_file(qr)
    with open_data(data) as store, store.begin() as connection:
        person = add_person(connection, name, role, login=login)
    server_url = url.rstrip("/") if login else f"{url.rstrip('/')}/key/{person.key}"
    record: dict[str, object] = {"id": person.id, "name": person.name, "role": person.role, "key": person.key}
    record["server_url"] = server_url
    lines = f"{person.name} ({person.role})\n  key         {person.key}\n  server_url  {server_url}\n"
    if login:
        record |= {"username": person.login, "password": person.key}
        lines += f"  username    {person.login}\n  password    the key\n"
    if qr is not None:
        write_code(qr, server_url, *((person.login, person.key) if login else ("", "")))
        record["qr"] = str(qr)
        lines += f"  qr          {qr}  (whoever scans it has the key)\n"
    output.record(
        record,
        lines + "The key is shown this once. If it is lost: comunal people revoke, and add the person again.",
    )


def list_people(json_lines: JsonOption = False, data: DataOption = None) -> None:
    """List people, roles and whether their keys are in force. Keys are not shown: nobody has them."""
    from store.people import list_people as read_people

    output = Output(json_lines)
    with open_data(data) as store, store.read() as connection:
        rows = read_people(connection)
    table = Table("id", "name", "role", "key", box=None)
    for row in rows:
        state = "revoked" if row.revoked_at else "in force"
        output.record({"id": row.id, "name": row.name, "role": row.role, "key": state})
        table.add_row(str(row.id), row.name, row.role, state)
    if not json_lines:
        output.console.print(table)


def assign(
    person: Annotated[int, typer.Argument(metavar="ID", help="The person's id, as `comunal people list` shows it.")],
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


def revoke(
    person: Annotated[int, typer.Argument(metavar="ID", help="The person's id, as `comunal people list` shows it.")],
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Take a key out of force, at once. What the person sent stays."""
    from store.people import revoke_person

    output = Output(json_lines)
    with open_data(data) as store, store.begin() as connection:
        revoke_person(connection, person)
    output.record({"id": person, "key": "revoked"}, f"The key of person {person} is out of force.")
