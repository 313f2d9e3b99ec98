"""Files and folders that only their owner can read, and that are on the disk when we say so."""

from __future__ import annotations

import os
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def make_private_folder(folder: Path) -> None:
    """Make the folder and those missing above it, for their owner only; an old one is closed to others."""
    # mkdir's own `parents` would make the upper ones with the mode of the umask.
    for missing in reversed([above for above in folder.parents if not above.exists()]):
        missing.mkdir(mode=FOLDER_MODE, exist_ok=True)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(FOLDER_MODE)


def make_private(path: Path) -> None:
    """Make an empty file for its owner only, or close an old one to others.

    SQLite gives its `-wal` and `-shm` files the mode of the database file.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE))
    if path.stat().st_mode & 0o077:
        path.chmod(FILE_MODE)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a renamed file isn't there after a power cut without it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_durably(temporary: Path, final: Path, *, synced: bool = False) -> None:
    """Give a finished temporary file of the same disk its name, durably: all of it is there, or nothing.

    Args:
        temporary: a closed file; it is gone afterwards.
        final: replaced if it exists (the names are digests: the content is the same).
        synced: whether the writer has called fsync already.
    """
    if not synced:
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    missing = [folder for folder in final.parents if not folder.exists()]
    make_private_folder(final.parent)
    temporary.chmod(FILE_MODE)
    temporary.replace(final)
    for folder in [final.parent, *(folder.parent for folder in missing)]:
        sync_folder(folder)
