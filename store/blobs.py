"""Contents by digest: small ones in the database (one sync a group of submissions), large ones as files.

A file is whole and durable under its digest before a row names it, so that a row never points to nothing. A file
without a row (a crash in between) is harmless: the next content of that digest takes its place.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import Connection, select

from schemas.errors import StoreError
from schemas.tables import blobs
from store.complaints import translated
from store.folders import file_durably
from store.inserts import insert_rows

ROW_BYTES = 256 * 1024
"""Contents up to this size live in the database."""


STATEMENT_BYTES = 1024 * 1024
"""Contents of one statement: drivers copy all of its values at once."""

_COLUMNS = ("sha256", "size", "bytes", "created_at")
_Row = tuple[str, int, bytes | None, datetime]


def _pieces(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """The rows in order, together as long as they hold no more than `STATEMENT_BYTES`."""
    piece: list[_Row] = []
    size = 0
    for row in rows:
        length = len(row[2] or b"")
        if piece and size + length > STATEMENT_BYTES:
            yield piece
            piece, size = [], 0
        piece.append(row)
        size += length
    if piece:
        yield piece


@dataclass(frozen=True, slots=True)
class Content:
    """A content ready to be stored.

    Attributes:
        data: null if it is already a durable file of the blob folder.
    """

    sha256: str
    size: int
    data: bytes | None = field(repr=False)


class ContentWriter:
    """Takes a content in pieces and never holds more than `memory` bytes of it.

    Args:
        blobs: whose content it will be.
        memory: bytes kept in memory before the rest goes to a temporary file.
    """

    def __init__(self, blobs: Blobs, memory: int = ROW_BYTES) -> None:
        self._blobs = blobs
        self._memory = memory
        self._buffer = bytearray()
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def is_large(self) -> bool:
        """Whether it has outgrown memory, so that `write` and `finish` touch the disk."""
        return self._file is not None

    def write(self, piece: bytes | bytearray) -> None:
        """Take the next piece.

        Raises:
            StoreError: STO-002 disk full, STO-003 not writable.
        """
        self.size += len(piece)
        self._digest.update(piece)
        with translated():
            if self._file is None and len(self._buffer) + len(piece) > self._memory:
                descriptor, name = tempfile.mkstemp(dir=self._blobs.incoming)
                self._path, self._file = Path(name), cast(BinaryIO, os.fdopen(descriptor, "wb"))
                self._file.write(self._buffer)
                self._buffer = bytearray()
            if self._file is None:
                self._buffer += piece
            else:
                self._file.write(piece)

    def finish(self) -> Content:
        """The content; a large one is durable under its digest.

        Raises:
            StoreError: as `write`.
        """
        digest = self._digest.hexdigest()
        if self._file is None or self._path is None:
            return Content(digest, self.size, bytes(self._buffer))
        with translated():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            file_durably(self._path, self._blobs.path(digest), synced=True)
        self._path = None
        return Content(digest, self.size, None)

    def discard(self) -> None:
        """Forget what was written; after `finish` it does nothing."""
        if self._file is not None:
            # Closing flushes, and may meet the full disk that led here.
            with suppress(OSError):
                self._file.close()
        if self._path is not None:
            # A disk that fails may refuse this, too; `Blobs.sweep` comes after it.
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            self._path = None


class Blobs:
    """The contents of one store.

    Args:
        data: the data folder.
    """

    def __init__(self, data: Path) -> None:
        self._folder = data / "blobs"
        self.incoming = data / "incoming"

    def path(self, sha256: str) -> Path:
        """Where the file of that digest is, if it is one."""
        return self._folder / sha256[:2] / sha256[2:4] / sha256

    def sweep(self, older_than_seconds: float = 86_400.0, now: float | None = None) -> int:
        """Remove temporary files that a crash left behind; how many. Younger ones may be another program's."""
        oldest = (time.time() if now is None else now) - older_than_seconds
        count = 0
        for path in self.incoming.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    count += 1
        return count

    def hold(self, data: bytes) -> Content:
        """A content made of `data`; a large one is filed at once, so call it outside a transaction.

        Raises:
            StoreError: STO-002 disk full, STO-003 not writable.
        """
        if len(data) <= ROW_BYTES:
            return Content(hashlib.sha256(data).hexdigest(), len(data), data)
        writer = ContentWriter(self)
        try:
            writer.write(data)
            return writer.finish()
        finally:
            writer.discard()

    def put(self, connection: Connection, contents: Sequence[Content], at: datetime | None = None) -> None:
        """Store contents; those already stored change nothing."""
        if not contents:
            return
        at = at or datetime.now(UTC)
        unique = {content.sha256: content for content in contents}
        # In order of key, so that two writers never wait for each other crosswise.
        rows = [(digest, unique[digest].size, unique[digest].data, at) for digest in sorted(unique)]
        for some in _pieces(rows):
            insert_rows(connection, blobs, _COLUMNS, some)

    def read(self, connection: Connection, sha256: str) -> bytes:
        """The content of that digest, checked against it.

        Raises:
            StoreError: STO-012, the content is missing or was changed.
        """
        return self.read_many(connection, [sha256])[sha256]

    def read_many(self, connection: Connection, digests: Sequence[str]) -> dict[str, bytes]:
        """Contents by digest, each checked against it.

        Raises:
            StoreError: STO-012, a content is missing or was changed.
        """
        found: dict[str, bytes | None] = {}
        wanted = sorted(set(digests))
        for start in range(0, len(wanted), 500):
            query = select(blobs.c.sha256, blobs.c.bytes).where(blobs.c.sha256.in_(wanted[start : start + 500]))
            for digest, data in connection.execute(query):
                found[digest] = data
        return {digest: self.check(digest, found.get(digest)) for digest in wanted}

    def check(self, sha256: str, data: bytes | None) -> bytes:
        """The content that a row has (null: it is a file), checked against its digest.

        Raises:
            StoreError: STO-012, the content is missing or was changed.
        """
        content = self._read_file(sha256) if data is None else bytes(data)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _damaged(sha256)
        return content

    def _read_file(self, sha256: str) -> bytes:
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise _damaged(sha256) from None


def _damaged(sha256: str) -> StoreError:
    return StoreError(
        "STO-012",
        f"The content {sha256} is missing or isn't what was stored.",
        "Restore the data folder from a backup that has it.",
    )
