"""`comunal backup` and `comunal restore`: one command each, while the server runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands_keys import passphrase
from flows.output import DataOption, JsonOption, Output
from flows.places import data_folder, open_data
from schemas.settings import read_settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--private-key",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Opens a sealed backup. The passphrase is asked for, or taken from COMUNAL_KEY_PASSPHRASE.",
    ),
]
Snapshot = Annotated[
    str | None, typer.Option("--snapshot", metavar="NAME", help="Which backup of a folder (default: the newest).")
]


def register(app: typer.Typer) -> None:
    """Adds the two commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|FILE",
            help="A folder, to which later backups add only what is new; or a new file (comunal.tar, comunal.tar.gz).",
        ),
    ],
    check: Annotated[bool, typer.Option("--check", help="Make none: read the backup that is there, and verify it.")] = (
        False
    ),
    public_key: Annotated[
        str | None,
        typer.Option(
            "--public-key",
            metavar="FILE",
            help="Seal the file so that only the private key opens it (both are from `comunal keys make`).",
        ),
    ] = None,
    private_key: KeyFile = None,
    snapshot: Snapshot = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, metavar="N", help="Keep so many backups in a folder (default: all).")
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Copy everything that is stored, while the server goes on receiving: database, files, tables, releases.

    It shows one moment; what arrives meanwhile is in the next backup. Every content is compared with its digest while
    it is copied. A backup holds personal data: its files are for their owner only; seal one that leaves the house.
    It works the same with SQLite and PostgreSQL, and restores into either.
    """
    output = Output(json_lines)
    if check:
        from store.checking import check_backup

        found = check_backup(place, _asker(private_key), snapshot)
        output.record(
            found,
            f"{found.place} is whole: {found.submissions} submissions, {found.contents} contents and {found.files} "
            f"files of {found.made_at}, each with the bytes its digest says.",
        )
        return
    from store.audit import record
    from store.backup import back_up

    with open_data(data) as store:
        made = back_up(store, place, _public(public_key), keep)
        with store.begin() as connection:
            record(connection, "backup", note=f"{made.submissions} submissions, {made.contents} contents")
    output.record(
        made,
        f"{made.place}: {made.submissions} submissions, {made.contents} contents, {made.files} files "
        f"({made.copied} copied, {made.kept} there already).\n"
        f"  verify it:   comunal backup --check {place}\n  bring it back: comunal restore {place} --data NEW_FOLDER",
    )


def restore(
    place: Annotated[Path, typer.Argument(metavar="FOLDER|FILE", help="What `comunal backup` made.", exists=True)],
    private_key: KeyFile = None,
    snapshot: Snapshot = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Bring a backup back into an empty data folder, or (COMUNAL_DATABASE_URL) an empty PostgreSQL with it.

    Every byte is read and compared with its digest before and after it is put in place; only then it says that it is
    done. Nothing is ever written over: a folder or a database that isn't empty is refused.
    """
    from store.restore import restore_backup

    settings = read_settings(os.environ, data=data)
    output = Output(json_lines)
    done = restore_backup(place, settings.data, settings.database_url, _asker(private_key), snapshot)
    output.record(
        done,
        f"Restored into {data_folder(data)}: {done.submissions} submissions, {done.contents} contents, {done.files} "
        f"files of {done.made_at}; every digest compared.\n  start it:  comunal serve --data {data_folder(data)}",
    )


def _public(text: str | None) -> RSAPublicKey | None:
    if text is None:
        return None
    from flows.keys import read_public_key_option
    from forms.encryption.keys import read_public_key

    return read_public_key(read_public_key_option(text))


def _asker(file: Path | None) -> Callable[[], RSAPrivateKey] | None:
    if file is None:
        return None
    from flows.keys import load_private_key

    return lambda: load_private_key(file, passphrase)
