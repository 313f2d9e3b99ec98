"""`comunal people role|communes|password`: what a person may do, where, and how they log in."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.rights import Role

PersonId = Annotated[int, typer.Argument(metavar="ID", help="The person's id, as `comunal people list` shows it.")]


def register(group: typer.Typer) -> None:
    """Adds the commands to the group."""
    group.command("role")(role)
    group.command("communes")(communes)
    group.command("password")(password)


def role(
    person: PersonId,
    new: Annotated[Role, typer.Argument(metavar="ROLE", help="What the person may do from now on.")],
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Give a person another role, from the next request on; sessions are ended."""
    from store.people import get_person, set_role

    with open_data(data) as store, store.begin() as connection:
        set_role(connection, person, new)
        name = get_person(connection, person).name
    Output(json_lines).record({"id": person, "role": new}, f"{name} ({person}) is {new} from now on.")


def communes(
    person: PersonId,
    codes: Annotated[
        list[str] | None, typer.Argument(metavar="[CUT]...", help="Codes of the communes in which the role counts.")
    ] = None,
    everywhere: Annotated[bool, typer.Option("--all", help="The role counts everywhere.")] = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Bind a person to communes and no others; their phone is offered the forms of these, and they see only these."""
    from store.people import get_person, set_communes

    if bool(codes) == everywhere:
        raise typer.BadParameter("Give the codes of communes, or --all.")
    with open_data(data) as store, store.begin() as connection:
        set_communes(connection, person, codes or [])
        name = get_person(connection, person).name
    where = ", ".join(sorted(set(codes or []))) or "everywhere"
    Output(json_lines).record({"id": person, "communes": sorted(set(codes or []))}, f"{name} ({person}): {where}.")


def password(
    person: PersonId,
    generate: Annotated[bool, typer.Option("--generate", help="Have one made, and print it this once.")] = False,
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Take the first line of standard input.")] = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Give a person a password for the desk and the Central API: asked for twice, never an argument.

    For supervisors, statisticians, reviewers and administrators; at least 12 characters. Open sessions are ended.
    They log in with the name in `comunal people list`, column login.
    """
    from store.passwords import check_strength, generate_password, set_password
    from store.people import get_person

    output = Output(json_lines)
    with open_data(data) as store:
        with store.read() as connection:
            known = get_person(connection, person)
        secret = generate_password() if generate else _read(from_stdin)
        check_strength(secret, known)
        with store.begin() as connection:
            set_password(connection, person, secret)
    told: dict[str, object] = {"id": person, "login": known.login}
    lines = f"{known.name} logs in as {known.login} with the new password."
    if generate:
        told["password"] = secret
        lines = f"{known.name}\n  login     {known.login}\n  password  {secret}\nIt is shown this once."
    output.record(told, lines)


def _read(from_stdin: bool) -> str:
    if from_stdin or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt(
        "New password (12 characters or more)", hide_input=True, confirmation_prompt=True, err=True
    )
    return asked
