"""One consistent copy of the whole database as an SQLite file, whatever database it came from, and the way back.

A server goes on receiving meanwhile: SQLite's online backup and PostgreSQL's REPEATABLE READ both show one moment.
Because the copy is always SQLite, a backup of one database can be restored into the other.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, delete, func, insert, select, text

from schemas.errors import StoreError
from schemas.tables import metadata
from store.complaints import translated
from store.folders import make_private
from store.migrate import migrate
from store.open import DATABASE_FILE, Store, make_engine

REVISION_TABLE = "alembic_version"
ROWS = 200
"""Rows in memory at once while rows are copied: contents in rows have up to 256 KiB each."""


@dataclass(frozen=True, slots=True)
class StoredContent:
    """One row of `blobs`. `is_file`: its bytes are a file of the blob folder."""

    sha256: str
    size: int
    is_file: bool

    def line(self) -> bytes:
        """As the list of contents has it."""
        return f"{self.sha256}  {self.size}  {'file' if self.is_file else 'row'}\n".encode()


@contextmanager
def open_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy, for reading only.

    Raises:
        StoreError: STO-081, no database.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise damaged(f"its database can't be read ({type(error).__name__})") from None


def damaged(what: str) -> StoreError:
    """STO-081 about a backup."""
    return StoreError("STO-081", f"The backup is damaged: {what}.", "Take another copy of it, or an older backup.")


def copy_database(store: Store, folder: Path) -> Path:
    """Write the copy into an empty folder; its path. It is durable and needs no file beside it.

    Raises:
        StoreError: STO-001 to STO-007.
    """
    path = folder / DATABASE_FILE
    with translated():
        make_private(path)
        if store.engine.dialect.name == "sqlite":
            with closing(sqlite3.connect(store.data / DATABASE_FILE)) as source, closing(sqlite3.connect(path)) as copy:
                # In one step: a copy in several begins anew whenever somebody writes between them.
                source.backup(copy, pages=-1)
        else:
            _export_rows(store, folder)
        with closing(sqlite3.connect(path)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")
    return path


def _export_rows(store: Store, folder: Path) -> None:
    engine = make_engine(folder, None)
    try:
        migrate(engine, folder)
        with store.read() as source, engine.begin() as target:
            _copy_rows(source, target)
    finally:
        engine.dispose()
        (folder / ".migrating").unlink(missing_ok=True)


def _copy_rows(source: Connection, target: Connection) -> None:
    tables = metadata.sorted_tables
    for table in reversed(tables):
        target.execute(delete(table))  # what the migrations themselves put in
    for table in tables:
        query = select(table).order_by(*table.primary_key.columns)
        for rows in source.execution_options(yield_per=ROWS).execute(query).mappings().partitions():
            target.execute(insert(table), [dict(row) for row in rows])


def fill_database(path: Path, store: Store) -> None:
    """Put every row of a copy into the empty PostgreSQL of a store, in one transaction.

    Args:
        path: a copy of its own: it is brought to this program's schema.
        store: whose tables have no rows.

    Raises:
        StoreError: STO-001 to STO-007.
    """
    engine = make_engine(path.parent, None)
    try:
        migrate(engine, path.parent)
        with engine.connect() as source, store.begin() as target:
            _copy_rows(source, target)
            for table in metadata.sorted_tables:
                if "id" in table.columns and table.columns["id"].autoincrement is True:
                    _continue_numbers(target, table)
    finally:
        engine.dispose()
        (path.parent / ".migrating").unlink(missing_ok=True)


def _continue_numbers(target: Connection, table: Table) -> None:
    """Let the next row's number follow the highest that was copied."""
    sequence = text("SELECT pg_get_serial_sequence(:name, 'id')")
    name = target.scalar(sequence, {"name": table.name})
    highest = target.scalar(select(func.max(table.columns["id"])))
    if name is not None and highest is not None:
        target.execute(text("SELECT setval(:sequence, :number)"), {"sequence": name, "number": highest})


def check_database(path: Path) -> None:
    """See that a copy is sound: its pages, and that no row points to one that isn't there.

    Raises:
        StoreError: STO-081, it isn't.
    """
    with open_copy(path) as copy:
        if copy.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise damaged("its database has broken pages")
        if copy.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise damaged("its database has rows without the ones that they belong to")


def count_rows(path: Path) -> dict[str, int]:
    """Table -> rows, of a copy."""
    with open_copy(path) as copy:
        names = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        counts: dict[str, int] = {}
        for (name,) in sorted(names):
            (counts[name],) = copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608
        return counts


def store_counts(connection: Connection) -> dict[str, int]:
    """Table -> rows, of a store."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }


def revision_of(path: Path) -> str:
    """The schema of a copy."""
    with open_copy(path) as copy:
        row = copy.execute(f"SELECT version_num FROM {REVISION_TABLE}").fetchone()  # noqa: S608
        return str(row[0]) if row else ""


def walk_contents(path: Path) -> Iterator[StoredContent]:
    """Every content of a copy; those in rows are read and compared with their digests.

    Raises:
        StoreError: STO-081, one isn't what its digest says.
    """
    with open_copy(path) as copy:
        for sha256, size, data in copy.execute("SELECT sha256, size, bytes FROM blobs"):
            if data is not None and (len(data) != size or hashlib.sha256(data).hexdigest() != sha256):
                raise damaged(f"the content {sha256} isn't what was stored")
            yield StoredContent(sha256, size, data is None)


def list_segments(path: Path) -> Mapping[str, str]:
    """Path below the data folder -> digest, of the table segments that a copy names."""
    with open_copy(path) as copy:
        return dict(copy.execute("SELECT path, sha256 FROM table_segments").fetchall())
