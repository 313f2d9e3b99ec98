"""Files that are published: durable before the folder that holds them gets its name, and read-only from then."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_READ_ONLY = 0o444


def write_file(path: Path, data: bytes) -> None:
    """Write a file that nobody changes any more, and sync it; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(_READ_ONLY)


def copy_file(source: Path, path: Path) -> None:
    """As `write_file`, with the bytes of another file; they are never held whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as before, path.open("wb") as file:
        shutil.copyfileobj(before, file)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(_READ_ONLY)


def flush_folder(folder: Path) -> None:
    """Sync what a folder holds by name, so that a rename in it is durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
