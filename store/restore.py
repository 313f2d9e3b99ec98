"""The way back from a backup: everything is compared again in its place before it is said to be restored."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from sqlalchemy import Connection, select

from schemas.errors import StoreError
from schemas.tables import blobs
from store.backup_places import copy_hashed, private_file
from store.checking import AskKey, CheckReport, hash_all, stage
from store.complaints import translated
from store.folders import make_private_folder, sync_folder
from store.manifests import DATABASE, FILES, FileEntry, Manifest
from store.open import Store, open_store
from store.snapshots import damaged, fill_database, store_counts

MARK = ".restore"
"""Folder of a restore that isn't done: it holds what was read so far."""


def restore_backup(
    place: Path, data: Path, url: str | None = None, ask_key: AskKey | None = None, snapshot: str | None = None
) -> CheckReport:
    """Put a backup into an empty data folder (and an empty PostgreSQL), and compare every digest again there.

    Args:
        place: a file, or a folder of backups.
        data: made if absent.
        url: address of a PostgreSQL without rows; null is SQLite. A backup of the one goes into the other, too.
        ask_key: as for `check_backup`; so is `snapshot`.

    Raises:
        StoreError: as `check_backup`; STO-085, the folder or the database isn't empty; STO-004, the backup is of a
            newer program. The folder is then as empty as before.
    """
    with translated():
        if data.exists() and (not data.is_dir() or any(data.iterdir())):
            raise _not_empty(f"The folder {data}")
        make_private_folder(data)
        try:
            staging = data / MARK
            make_private_folder(staging)
            manifest, report = stage(place, staging, ask_key, snapshot, keep_files=True)
            _place(staging, data, manifest, url)
            with open_store(data, url) as store:
                if url is not None:
                    _fill(store, staging / DATABASE)
                _compare(store, manifest)
            shutil.rmtree(staging)
            sync_folder(data)
        except BaseException:
            for path in data.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            raise
    return report


def _not_empty(what: str) -> StoreError:
    advice = "Restore into a new folder (and a new database): nothing is ever written over."
    return StoreError("STO-085", f"{what} isn't empty.", advice)


def _place(staging: Path, data: Path, manifest: Manifest, url: str | None) -> None:
    """Give every staged file its place; the database last."""
    last = {file.sha256: file.path for file in manifest.files}
    for file in manifest.files:
        final = data / file.path
        make_private_folder(final.parent)
        staged = staging / FILES / file.sha256
        if last[file.sha256] == file.path:
            staged.replace(final)
        else:
            with staged.open("rb") as source, private_file(final) as copy:
                copy_hashed(source, copy)
    for path, target in manifest.links:
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).symlink_to(target)
    for folder in {(data / file.path).parent for file in manifest.files}:
        sync_folder(folder)
    if url is None:
        (staging / DATABASE).replace(data / DATABASE)
        sync_folder(data)


def _fill(store: Store, database: Path) -> None:
    with store.read() as connection:
        full = [name for name, rows in store_counts(connection).items() if rows]
    if "submissions" in full or "people" in full or "blobs" in full:
        raise _not_empty("The database")
    fill_database(database, store)


def _compare(store: Store, manifest: Manifest) -> None:
    """See that the restored store has every row and every byte.

    Raises:
        StoreError: STO-081, it hasn't.
    """
    with store.read() as connection:
        counts = store_counts(connection)
        for table, rows in manifest.tables.items():
            # A newer program's migrations may have dropped one.
            if counts.get(table, rows) != rows:
                raise damaged(f"table {table} has {counts[table]} rows after the restore; expected {rows}")
        _compare_rows(connection)
    for file in manifest.files:
        _compare_file(store.data, file)


def _compare_rows(connection: Connection) -> None:
    """Hash every content that is a row, a few at a time."""
    query = select(blobs.c.sha256, blobs.c.bytes).where(blobs.c.bytes.is_not(None)).order_by(blobs.c.sha256).limit(100)
    last = ""
    while rows := connection.execute(query.where(blobs.c.sha256 > last)).all():
        for sha256, data in rows:
            if hashlib.sha256(data).hexdigest() != sha256:
                raise damaged(f"the content {sha256} has other bytes after the restore")
        last = rows[-1].sha256


def _compare_file(data: Path, file: FileEntry) -> None:
    with (data / file.path).open("rb") as restored:
        if hash_all(restored) != (file.sha256, file.size):
            raise damaged(f"the file {file.path} has other bytes after the restore")
