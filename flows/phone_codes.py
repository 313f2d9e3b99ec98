"""The picture of a phone's settings in a file: for its owner only, because it holds the key."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from openrosa.settings_qr import Picture, draw_code, encode_settings, phone_settings
from schemas.errors import CommandError
from store.folders import make_private

PICTURES = (".svg", ".png")


def check_code_file(path: Path) -> None:
    """Refuse a file that can't become a code, before a key is made for it.

    Raises:
        CommandError: CMD-070, neither .svg nor .png, no such folder, or the file is there already.
    """
    if path.suffix.lower() not in PICTURES:
        raise CommandError("CMD-070", f"{path} is neither .svg nor .png.", "Name a file that ends so.")
    if not path.absolute().parent.is_dir():
        raise CommandError("CMD-070", f"The folder of {path} isn't there.", "Make it first.")
    if path.exists():
        raise CommandError("CMD-070", f"{path} is there already.", "Name another file, or remove it.")


def write_code(path: Path, server_url: str, username: str = "", password: str = "") -> None:
    """Write the code that ODK Collect scans."""
    settings = phone_settings(server_url, username=username, password=password)
    picture = cast(Picture, path.suffix.lower().removeprefix("."))
    make_private(path)
    path.write_bytes(draw_code(encode_settings(settings), picture))
