"""Where a backup's members go: a folder that keeps every file once for all its backups, or one tar file."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from schemas.errors import StoreError
from store.folders import FILE_MODE, make_private_folder, sync_folder
from store.manifests import FILES, MANIFEST, read_manifest

SNAPSHOTS = "snapshots"
PIECE = 1024 * 1024


class Target(Protocol):
    """Where members go."""

    def has(self, sha256: str, size: int) -> bool:
        """Whether that file is there from an earlier backup."""

    def put(self, member: str, file: BinaryIO, size: int) -> str:
        """Keep a member; the digest of what was read."""


@dataclass
class FolderTarget:
    """Files go to `pool`, under their digests; the other members to `snapshot`."""

    snapshot: Path
    pool: Path
    written: int = 0

    def has(self, sha256: str, size: int) -> bool:
        """Whether an earlier backup brought it."""
        path = pool_path(self.pool, sha256)
        return path.is_file() and path.stat().st_size == size

    def put(self, member: str, file: BinaryIO, size: int) -> str:
        """Keep it durably; its digest."""
        is_file = member.startswith(f"{FILES}/")
        final = pool_path(self.pool, member.removeprefix(f"{FILES}/")) if is_file else self.snapshot / member
        if not is_file and final.exists():
            return _synced_digest(final)  # it was made in its place
        close_folder(final.parent)
        part = final.with_name(f"{final.name}.part")
        with private_file(part) as copy:
            digest = copy_hashed(file, copy)
        part.replace(final)
        sync_folder(final.parent)
        self.written += size
        return digest


def _synced_digest(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def pool_path(pool: Path, sha256: str) -> Path:
    """Where a backup folder keeps the file of that digest."""
    return pool / sha256[:2] / sha256


def list_snapshots(folder: Path) -> list[Path]:
    """The backups in a folder, oldest first."""
    found = (folder / SNAPSHOTS).glob("*/" + MANIFEST)
    return sorted(path.parent for path in found if not path.parent.name.startswith("."))


@contextlib.contextmanager
def write_alone(place: Path) -> Iterator[None]:
    """Keep two backups from writing into one folder.

    Raises:
        StoreError: STO-084, another one does.
    """
    with private_file(place / ".lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError("STO-084", f"Another backup writes into {place}.", "Wait until it is done.") from None
        yield


def remove_old(place: Path, keep: int) -> None:
    """Remove all backups but the newest, and files that no other one names."""
    snapshots = list_snapshots(place)
    for old in snapshots[:-keep]:
        (old / MANIFEST).unlink()  # first: what has no manifest is no backup
        shutil.rmtree(old)
    named: set[str] = set()
    for kept in snapshots[-keep:]:
        named |= read_manifest((kept / MANIFEST).read_bytes()).digests
    for path in (place / FILES).glob("*/*"):
        if path.name not in named:
            path.unlink()


@dataclass
class TarTarget:
    """All members go into one stream."""

    tar: tarfile.TarFile
    made_at: float

    def has(self, sha256: str, size: int) -> bool:
        """No: a file stands for itself."""
        return False

    def put(self, member: str, file: BinaryIO, size: int) -> str:
        """Append it; its digest."""
        info = tarfile.TarInfo(member)
        info.size, info.mode, info.mtime = size, FILE_MODE, int(self.made_at)
        hashing = _HashingReader(file)
        self.tar.addfile(info, cast(BinaryIO, hashing))
        return hashing.digest.hexdigest()


class _HashingReader:
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._file.read(size)
        self.digest.update(data)
        return data


def close_folder(folder: Path) -> None:
    """Make a folder for its owner only, as far as the disk knows owners: the file systems of sticks don't."""
    try:
        make_private_folder(folder)
    except PermissionError:
        if not folder.is_dir():
            raise


@contextlib.contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """A new or emptied file that only its owner reads; durable at the end."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def copy_hashed(source: BinaryIO, target: BinaryIO) -> str:
    """Copy all that is left; its digest."""
    digest = hashlib.sha256()
    while piece := source.read(PIECE):
        digest.update(piece)
        target.write(piece)
    return digest.hexdigest()
