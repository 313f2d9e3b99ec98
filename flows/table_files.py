"""Files of someone else's making, read as text cells: CSV with any usual separator and encoding, or Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import polars as pl

from schemas.errors import CommandError

SEPARATORS: Final = (",", ";", "\t", "|")
PARQUET: Final = (".parquet", ".pq")


def read_columns(path: Path, names: Iterable[str] | None = None) -> pl.DataFrame:
    """Read a file's columns; those asked for that it hasn't are left out.

    The separator is the one that the header has most of. Bytes that aren't UTF-8 are read as Windows-1252.

    Args:
        names: columns wanted, null for all. A file of 800 columns is read several times faster for ten of them.

    Raises:
        CommandError: CMD-170, when the file is no table; CMD-176, when a line has more cells than the header.
    """
    wanted = None if names is None else set(names)
    try:
        if path.suffix.lower() in PARQUET:
            there = pl.read_parquet_schema(path)
            return pl.read_parquet(path, columns=[name for name in there if wanted is None or name in wanted])
        return _read_csv(path, wanted)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise CommandError(
            "CMD-170",
            f"{path.name} can't be read as a table: {str(error).splitlines()[0][:200]}",
            "Give a CSV file with a header row and the same number of cells in each row, or a Parquet file.",
        ) from error


def read_header(path: Path) -> list[str]:
    """Names of a file's columns.

    Raises:
        CommandError: CMD-170.
    """
    if path.suffix.lower() in PARQUET:
        return list(pl.read_parquet_schema(path))
    return read_columns(path, ()).columns or _header(path)[0]


def _read_csv(path: Path, wanted: set[str] | None) -> pl.DataFrame:
    header, separator = _header(path)
    columns = [name for name in header if wanted is None or name in wanted]
    if not columns:
        return pl.DataFrame()
    _refuse_long_lines(path, len(header), separator)
    source: Path | io.BytesIO = path
    if not _is_utf8(path):
        source = io.BytesIO(path.read_bytes().decode("cp1252", "replace").encode())
    # The frame comes without a byte-order mark and with every cell as it stands.
    return (
        pl.scan_csv(source, separator=separator, infer_schema=False, truncate_ragged_lines=False, quote_char='"')
        .rename(lambda name: name.strip().lstrip("\ufeff"))
        .select(columns)
        .collect()
    )


def _refuse_long_lines(path: Path, cells: int, separator: str) -> None:
    """Where only some columns are read, a line with a cell too many would pass, its cells shifted."""
    mark, quote = separator.encode(), b'"'
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.count(mark) >= cells and quote not in line:
                raise CommandError(
                    "CMD-176",
                    f"{path.name}, line {number}: {line.count(mark) + 1} cells, the header has {cells}.",
                    "Put quotes around a cell that holds the separator, or write the file again from its source.",
                )


def _header(path: Path) -> tuple[list[str], str]:
    with path.open("rb") as file:
        line = file.readline()
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = line.decode("cp1252", "replace")
    separator = max(SEPARATORS, key=text.count)
    try:
        frame = pl.read_csv(io.BytesIO(text.encode()), separator=separator, infer_schema=False, n_rows=0)
    except pl.exceptions.NoDataError:
        return [], separator
    return [name.strip() for name in frame.columns], separator


def _is_utf8(path: Path) -> bool:
    with path.open("rb") as file:
        rest = b""
        while block := file.read(1 << 20):
            try:
                (rest + block).decode()
                rest = b""
            except UnicodeDecodeError as error:
                if error.end < len(rest + block) or error.reason != "unexpected end of data":
                    return False
                rest = (rest + block)[error.start :]
    return not rest
