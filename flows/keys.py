"""Key pairs of surveys: made as files, put into a workbook, read for ingest."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from forms.encryption.keys import make_private_key, public_text, read_private_key, read_public_key, write_private_key
from forms.headers import header_of
from schemas.errors import CommandError
from schemas.workbook import Row, Sheet, Workbook

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from schemas.fields import Form

PASSPHRASE = "COMUNAL_KEY_PASSPHRASE"  # noqa: S105  # the name of a variable


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """A key pair as files; `public_key` is the text of the settings sheet's cell."""

    private_file: Path
    public_file: Path
    public_key: str


def make_keys(survey: str, folder: Path, passphrase: str) -> KeyFiles:
    """Makes a key pair and writes `SURVEY-private.pem` (locked, for its owner only) and `SURVEY-public.txt`.

    Raises:
        CommandError: CMD-121, a short passphrase; CMD-124, a file of that name exists; CMD-125, no name of a file.
    """
    if not survey or survey.startswith(".") or not all(sign.isalnum() or sign in "._-" for sign in survey):
        message = f"{survey!r} can't be part of a file's name."
        raise CommandError("CMD-125", message, "Use the survey's short name: letters, digits, '_' and '-'.")
    key = make_private_key()
    locked = write_private_key(key, passphrase)
    folder.mkdir(parents=True, exist_ok=True)
    files = KeyFiles(folder / f"{survey}-private.pem", folder / f"{survey}-public.txt", public_text(key))
    for path in (files.private_file, files.public_file):
        if path.exists():
            message = f"{path} exists: a private key that is written over is lost, and every interview with it."
            raise CommandError("CMD-124", message, "Choose another folder or another name.")
    _write_new(files.private_file, locked, 0o600)
    _write_new(files.public_file, f"{files.public_key}\n".encode(), 0o644)
    return files


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def load_private_key(path: Path, ask: Callable[[], str]) -> RSAPrivateKey:
    """The key of a file.

    Args:
        path: a PEM file.
        ask: gives the passphrase; only called for a file that is locked.

    Raises:
        CommandError: CMD-122, no private key; CMD-123, a wrong passphrase.
    """
    pem = path.read_bytes()
    return read_private_key(pem, ask() if b"ENCRYPTED" in pem else "")


def require_fitting(key: RSAPrivateKey, forms: list[Form]) -> None:
    """Refuses a key that belongs to none of the keys of a form's versions. Forms without any have nothing to open.

    Raises:
        CommandError: CMD-126, all versions that are encrypted are so for other keys.
    """
    keys = {form.public_key for form in forms if form.public_key}
    if keys and public_text(key) not in {public_text(read_public_key(text)) for text in keys}:
        message = "The private key belongs to none of the form's public keys."
        advice = "Take the private key file made with the form's public key, and name the form: --form FORM_ID."
        raise CommandError("CMD-126", message, advice)


def read_public_key_option(text: str) -> str:
    """The public key that an option gives: a file that holds it, or the text itself.

    Raises:
        FormError: FRM-701, FRM-702.
    """
    path = Path(text)
    is_file = len(text) < 1_000 and path.is_file()
    return public_text(read_public_key(path.read_text(encoding="utf-8") if is_file else text))


def with_public_key(workbook: Workbook, public_key: str) -> Workbook:
    """The workbook with that key in the `public_key` cell of its settings sheet."""
    sheet = workbook.sheets.get("settings") or Sheet("settings", (), ())
    header = header_of(sheet.headers, "public_key")
    first = sheet.rows[0] if sheet.rows else Row(2, {}, line=2)
    row = replace(first, cells={**first.cells, header: public_key})
    headers = sheet.headers if header in sheet.headers else (*sheet.headers, header)
    files = {
        name: (*columns, header) if name == row.file and header not in columns else columns
        for name, columns in sheet.files.items()
    }
    settings = Sheet(sheet.name, headers, (row, *sheet.rows[1:]), files)
    return replace(workbook, sheets={**workbook.sheets, "settings": settings})
