"""Backups of a store while it receives: into a folder, where only what is new is copied, or into one file.

The database comes first, as it is at one moment; then the files it names. Those never change and are never removed
while a backup may want them, so that what arrives meanwhile disturbs nothing: it is in the next backup.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from schemas.errors import StoreError
from store.backup_places import (
    SNAPSHOTS,
    FolderTarget,
    Target,
    TarTarget,
    close_folder,
    private_file,
    remove_old,
    write_alone,
)
from store.complaints import translated
from store.folders import sync_folder
from store.manifests import CONTENTS, DATABASE, FILES, MANIFEST, FileEntry, Manifest
from store.open import Store
from store.sealing import SealingWriter
from store.snapshots import check_database, copy_database, count_rows, list_segments, revision_of, walk_contents

_SKIPPED = {"blobs", "tables", "incoming", "prefect", ".migrating", ".restore"}


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds. `copied` files weren't in the target before; `kept` ones were."""

    place: Path
    submissions: int
    contents: int
    files: int
    copied: int
    kept: int
    bytes_written: int


def is_one_file(place: Path) -> bool:
    """Whether a backup there is one file: its name has an ending, and it is no folder.

    >>> is_one_file(Path("copia.tar.gz")), is_one_file(Path("/media/usb/comunal"))
    (True, False)
    """
    return bool(place.suffix) and not place.is_dir()


def back_up(store: Store, place: Path, key: RSAPublicKey | None = None, keep: int | None = None) -> BackupReport:
    """Make a backup; it is durable and was read back from what it copied when this returns.

    Args:
        store: may be in use by a server.
        place: a folder (made if absent; later backups add to it), or the name of a new file. An ending `.gz`, or
            before another one as in `.tar.gz.sealed`, compresses it.
        key: seals the file for its private half.
        keep: how many backups a folder keeps; older ones are removed. Null keeps all.

    Raises:
        StoreError: STO-080, the place can't be used; STO-081, the store itself is damaged; STO-084, another backup
            writes there; STO-001 to STO-007, the database or a disk refuses.
    """
    if store.data.resolve() in [place.resolve(), *place.resolve().parents]:
        message = "A backup inside the data folder is lost together with it."
        raise StoreError("STO-080", message, "Name a place on another disk.")
    with translated():
        if is_one_file(place):
            return _into_file(store, place, key)
        if key is not None:
            message = "Only a backup into one file can be sealed."
            raise StoreError("STO-080", message, "Name a file, for instance comunal.tar.gz.sealed.")
        return _into_folder(store, place, keep)


def _fill(store: Store, work: Path, target: Target) -> tuple[Manifest, int]:
    """Put every member but the manifest into the target; the manifest, and how many files were copied."""
    made_at = datetime.now(UTC)
    database = copy_database(store, work)
    check_database(database)
    members, named, contents, content_bytes = {}, [], 0, 0
    with private_file(work / CONTENTS) as lines:
        for content in walk_contents(database):
            lines.write(content.line())
            contents, content_bytes = contents + 1, content_bytes + content.size
            if content.is_file:
                path = store.blobs.path(content.sha256).relative_to(store.data)
                named.append(FileEntry(path.as_posix(), content.sha256, content.size))
    for name, digest in list_segments(database).items():
        named.append(FileEntry(name, digest, _size_of(store.data / name)))
    for member in (DATABASE, CONTENTS):
        with (work / member).open("rb") as file:
            members[member] = target.put(member, file, os.fstat(file.fileno()).st_size)
    others, links = _other_files(store.data)
    copied: set[str] = set()
    files: list[FileEntry] = []
    for entry in [*named, *others]:
        files.append(_put_file(store.data, entry, target, copied))
    manifest = Manifest(
        made_at=made_at.isoformat(timespec="seconds"),
        program=version("comunal"),
        revision=revision_of(database),
        database=store.engine.dialect.name,
        tables=count_rows(database),
        contents=contents,
        content_bytes=content_bytes,
        members=members,
        files=tuple(sorted(files, key=lambda file: file.path)),
        links=tuple(links),
    )
    return manifest, len(copied)


def _put_file(data: Path, entry: FileEntry, target: Target, copied: set[str]) -> FileEntry:
    if entry.sha256 in copied or target.has(entry.sha256, entry.size):
        return entry
    with (data / entry.path).open("rb") as file:
        if target.put(f"{FILES}/{entry.sha256}", file, entry.size) != entry.sha256:
            message = f"The file {entry.path} of the data folder isn't what was stored, or changed while it was read."
            raise StoreError(
                "STO-081", message, "Run the backup again; if it repeats, restore the file from an older one."
            )
    copied.add(entry.sha256)
    return entry


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        message = f"The file {path.name} is missing from the data folder."
        raise StoreError("STO-081", message, "Restore it from an older backup, then run this again.") from None


def _other_files(data: Path) -> tuple[list[FileEntry], list[tuple[str, str]]]:
    """What lies in the data folder besides the store's own: releases above all. Files, and symbolic links."""
    files: list[FileEntry] = []
    links: list[tuple[str, str]] = []
    for top in sorted(data.iterdir()):
        if top.name in _SKIPPED or top.name.startswith(DATABASE) or top.suffix == ".log":
            continue
        for path in sorted(top.rglob("*")) if top.is_dir() and not top.is_symlink() else [top]:
            name = path.relative_to(data).as_posix()
            if path.is_symlink():
                links.append((name, str(path.readlink())))
            elif path.is_file():
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                files.append(FileEntry(name, digest, path.stat().st_size))
    return files, [(name, link) for name, link in links if not link.startswith("/")]


def _into_folder(store: Store, place: Path, keep: int | None) -> BackupReport:
    if place.exists() and not place.is_dir():
        raise StoreError("STO-080", f"{place} is a file.", "Name a folder, or another file.")
    if place.is_dir() and any(place.iterdir()) and not (place / SNAPSHOTS).is_dir():
        raise StoreError("STO-080", f"The folder {place} holds other things.", "Name an empty or a new folder.")
    close_folder(place / SNAPSHOTS)
    with write_alone(place):
        for stale in (place / SNAPSHOTS).glob(".*"):
            shutil.rmtree(stale)
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        work = place / SNAPSHOTS / f".{name}"
        close_folder(work)
        try:
            target = FolderTarget(work, place / FILES)
            manifest, copied = _fill(store, work, target)
            target.put(MANIFEST, io.BytesIO(data := manifest.to_bytes()), len(data))
            final = place / SNAPSHOTS / name
            work.replace(final)
            sync_folder(final.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if keep is not None:
            remove_old(place, max(keep, 1))
    return _report(final, manifest, copied, target.written)


def _into_file(store: Store, place: Path, key: RSAPublicKey | None) -> BackupReport:
    if place.exists():
        raise StoreError("STO-080", f"{place} exists.", "Name a new file: an old backup is never written over.")
    if not place.parent.is_dir():
        close_folder(place.parent)
    part = place.with_name(f".{place.name}.part")
    try:
        with contextlib.ExitStack() as stack:
            work = stack.enter_context(tempfile.TemporaryDirectory(dir=place.parent, prefix=".backup-"))
            file = stack.enter_context(private_file(part))
            out: BinaryIO = file
            if key is not None:
                out = cast(BinaryIO, stack.enter_context(SealingWriter(out, key)))
            if ".gz" in place.suffixes or place.suffix == ".tgz":
                zipped = gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=1, mtime=0)
                out = cast(BinaryIO, stack.enter_context(zipped))
            tar = stack.enter_context(tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT))
            target = TarTarget(tar, datetime.now(UTC).timestamp())
            manifest, copied = _fill(store, Path(work), target)
            target.put(MANIFEST, io.BytesIO(data := manifest.to_bytes()), len(data))
        size = part.stat().st_size
        part.replace(place)
        sync_folder(place.parent)
    finally:
        part.unlink(missing_ok=True)
    return _report(place, manifest, copied, size)


def _report(place: Path, manifest: Manifest, copied: int, written: int) -> BackupReport:
    files = len(manifest.digests)
    submissions = manifest.tables.get("submissions", 0)
    return BackupReport(place, submissions, manifest.contents, files, copied, files - copied, written)
