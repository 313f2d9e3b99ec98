"""`comunal keys`: the key pair of a survey whose interviews are encrypted on the phone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output

PrivateKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--private-key",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Open encrypted interviews with this private key (in memory; runs without Prefect). The passphrase is "
        "asked for, or taken from COMUNAL_KEY_PASSPHRASE.",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Encrypted interviews: make the key pair of a survey.")
    group.callback()(_keys)
    group.command("make")(make)
    app.add_typer(group, name="keys")


def _keys() -> None:
    """Encrypted interviews: make the key pair of a survey."""


def make(
    survey: Annotated[str, typer.Argument(metavar="SURVEY", help="Short name of the survey, for the files' names.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where to write: a medium that stays off the server.")
    ],
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Make an RSA key pair: phones encrypt with the public key, only the private key opens what they send.

    The private key file is locked by a passphrase of at least 12 characters, asked for twice or taken from
    COMUNAL_KEY_PASSPHRASE. Keep file and passphrase off the server, each in two places: without them the interviews
    are lost.
    """
    from flows.keys import make_keys

    output = Output(json_lines)
    made = make_keys(survey, out, passphrase(is_new=True))
    output.record(
        made,
        f"Private key (keep off the server): {made.private_file}\nPublic key: {made.public_file}\n"
        f"  put it into the form:  comunal forms add FORM --public-key {made.public_file}\n"
        f"  read what was sent:    comunal run ingest --private-key {made.private_file}",
    )


def passphrase(is_new: bool = False) -> str:
    """The passphrase of a private key file: of the environment, else asked for, never shown."""
    from flows.keys import PASSPHRASE

    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE]
    asked: str = typer.prompt(
        "Passphrase of the private key",
        hide_input=True,
        confirmation_prompt=is_new,
        default="",
        show_default=False,
        err=True,
    )
    return asked
