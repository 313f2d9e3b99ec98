"""A phone's settings as a code: in a file of its own, or on a card. For its owner only, because it holds the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import cast

from openrosa.settings_qr import FIELD_WORK, LOCKS, Picture, Setting, draw_code, encode_settings, phone_settings
from schemas.errors import CommandError
from store.folders import make_private
from store.people import NewPerson

PICTURES = (".svg", ".png")
COLOR = "#1f5f8b"
LONGEST_NAME = 40
"""Characters of a project's name on the phone."""

_LOCKED = frozenset({"enumerator", "supervisor"})


def check_code_file(path: Path, suffixes: Sequence[str] = PICTURES) -> None:
    """Refuse a file that can't become a code, before a key is made for it.

    Raises:
        CommandError: CMD-070, none of the suffixes, no such folder, or the file is there already.
    """
    if path.suffix.lower() not in suffixes:
        raise CommandError("CMD-070", f"{path} is neither {' nor '.join(suffixes)}.", "Name a file that ends so.")
    if not path.absolute().parent.is_dir():
        raise CommandError("CMD-070", f"The folder of {path} isn't there.", "Make it first.")
    if path.exists():
        raise CommandError("CMD-070", f"{path} is there already.", "Name another file, or remove it.")


def server_address(url: str, person: NewPerson, *, login: bool = False) -> str:
    """The address that a person's phone has for the server: with the key in it, unless the phone logs in by name."""
    return url.rstrip("/") if login else f"{url.rstrip('/')}/key/{person.key}"


def person_settings(
    url: str, person: NewPerson, survey: str, *, login: bool = False
) -> Mapping[str, Mapping[str, Setting]]:
    """The settings of a person's phone.

    Args:
        url: public address of the server.
        person: with the key.
        survey: title of what they ask, "" if nothing is offered yet; names the project on the phone.
        login: whether the phone logs in by name and password.
    """
    name = survey.strip() or "Comunal"
    return phone_settings(
        server_address(url, person, login=login),
        username=person.login if login else "",
        password=person.key if login else "",
        # What a form's `username` question saves: who interviewed, without any key.
        general={**FIELD_WORK, "metadata_username": person.login},
        admin=LOCKS if person.role in _LOCKED else None,
        project={"name": shorten(name, LONGEST_NAME, placeholder="…"), "icon": name[0], "color": COLOR},
    )


def write_code(path: Path, settings: Mapping[str, Mapping[str, Setting]]) -> None:
    """Write the code that ODK Collect scans."""
    picture = cast(Picture, path.suffix.lower().removeprefix("."))
    make_private(path)
    path.write_bytes(draw_code(encode_settings(settings), picture))
