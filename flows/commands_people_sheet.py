"""`comunal people sheet`: new keys on cards to be handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.errors import CommandError
from schemas.rights import Role

UrlOption = Annotated[
    str,
    typer.Option("--url", envvar="COMUNAL_PUBLIC_URL", help="Address at which phones reach the collection server."),
]
LoginOption = Annotated[
    bool,
    typer.Option("--login", help="The phone logs in with user name and password instead of a key in its address."),
]
_HERE = ("http://127.0.0.1", "http://localhost", "http://[::1]")


def register(group: typer.Typer) -> None:
    """Adds the command to the group."""
    group.command("sheet")(sheet)


def warn_of_url(output: Output, url: str) -> None:
    """Tell whoever hands out an address that no phone can reach, or that anybody on the way can read."""
    if url.startswith(_HERE):
        text = f"  {url} is this machine only: give --url (or COMUNAL_PUBLIC_URL) before phones are to reach it."
    elif url.startswith("http://"):
        text = f"  {url} isn't encrypted: keys and interviews can be read on the way. Use https."
    else:
        return
    if not output.json_lines:
        output.errors.print(text, markup=False)


def sheet(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The sheet, .html or .pdf: a new file, a secret.")],
    people: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", help="Whose cards (default: everybody of --role).")
    ] = None,
    role: Annotated[Role, typer.Option("--role", help="Everybody in force with this role.")] = "enumerator",
    new_keys: Annotated[
        bool, typer.Option("--new-keys", help="Yes, make new keys: phones that were set up with the old ones stop.")
    ] = False,
    url: UrlOption = "http://127.0.0.1:8390",
    login: LoginOption = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Print cards with new keys, one a person: name, steps in Spanish and Kreyòl, and the code that ODK Collect scans.

    Nobody can see a key again, so a card always means a new key, and the old one goes out of force when the sheet is
    written. Interviews on a phone aren't lost by that: once it scans its new card, it sends them with the new key.
    People added by `comunal people add --sheet` get their first card at once.
    """
    from flows.handing_out import check_sheet_file, renew_keys

    if not new_keys:
        message = "Keys are kept as digests: a card can only be printed with a new key, and the old one then stops."
        advice = "Add --new-keys if that is meant; name the people by their ids if not all of them are."
        raise CommandError("CMD-075", message, advice)
    check_sheet_file(out)
    output = Output(json_lines)
    with open_data(data) as store:
        made = renew_keys(store, people or [], role, url, out, login=login)
    for person in made:
        output.record({"id": person.id, "name": person.name, "sheet": str(out)})
    output.say(
        f"{len(made)} cards in {out}: hand each over and delete the file. The keys before them are out of force."
    )
    warn_of_url(output, url)
