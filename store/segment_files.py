"""Parquet files of typed rows: written whole and durable, named by their content.

Light to import (no database), since worker processes write segments too.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import polars as pl

from store.folders import file_durably, make_private_folder

LONGEST_NAME = 200
"""Characters of a folder's name; file systems allow 255 bytes."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One Parquet file: the rows of one table in one batch. `path` is relative to the data folder."""

    table: str
    path: str
    sha256: str
    rows: int


def folder_name(name: str) -> str:
    """A name that every file system takes, different for different names.

    >>> folder_name("quilicura"), folder_name("../etc"), folder_name("..")
    ('quilicura', '..%2Fetc', '%2E%2E')
    """
    quoted = quote(name, safe="")
    if not quoted.strip("."):
        quoted = quoted.replace(".", "%2E")
    if len(quoted) > LONGEST_NAME:
        quoted = f"{quoted[:100]}~{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    # Quoting never yields a bare per cent sign.
    return quoted or "%"


def write_segment(data: Path, form_id: str, table: str, frame: pl.DataFrame) -> Segment:
    """Write a frame as a durable file named by its content; no row names it yet."""
    folder = data / "tables" / folder_name(form_id) / folder_name(table)
    make_private_folder(folder)
    descriptor, name = tempfile.mkstemp(dir=data / "incoming", suffix=".parquet")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            # Small frames: dictionaries and statistics cost more than they save.
            frame.write_parquet(file, compression="zstd", compression_level=3)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        final = folder / f"{digest}.parquet"
        file_durably(temporary, final, synced=True)
    finally:
        temporary.unlink(missing_ok=True)
    return Segment(table, str(final.relative_to(data)), digest, frame.height)


def write_segments(data: Path, form_id: str, tables: Mapping[str, pl.DataFrame]) -> tuple[Segment, ...]:
    """Write every frame that has rows; nothing is named yet, so that it may be done apart and in any process.

    Raises:
        OSError: whatever the disk complains of.
    """
    return tuple(write_segment(data, form_id, name, frame) for name, frame in tables.items() if frame.height)
