"""Opening the store: the folder, the engine, the schema, and the two kinds of transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from schemas.errors import StoreError
from store.blobs import Blobs
from store.complaints import translated
from store.folders import make_private, make_private_folder
from store.migrate import migrate

DATABASE_FILE = "comunal.db"
BUSY_SECONDS = 30
_READING = "comunal_reading"


@dataclass(frozen=True, slots=True)
class Store:
    """An open store.

    Attributes:
        data: the data folder.
        engine: for the few who need it (migrations, tests); queries go through `begin` and `read`.
        blobs: contents by digest.
    """

    data: Path
    engine: Engine
    blobs: Blobs

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: all of it is durable at the end, or nothing of it. Keep it short.

        On SQLite it takes the one write lock at once, so that it never fails halfway for another writer's sake.
        """
        with translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot for reading; it blocks nobody, however long it lasts."""
        with translated(), self.engine.connect() as connection:
            connection = connection.execution_options(**self._reading())
            with connection.begin():
                yield connection

    def _reading(self) -> dict[str, object]:
        if self.engine.dialect.name == "postgresql":
            return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return {_READING: True}

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # Transactions are begun by `_begin_sqlite`, not by the driver's guesses, which break savepoints.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    _switch_to_wal(cursor)
    for pragma in (
        # FULL is one fdatasync a commit: what was acknowledged survives a power cut. NORMAL would not.
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -32768",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """A new database that two programs switch at once refuses one of them at once: SQLite doesn't wait here."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READING)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _prepare_postgresql(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # It packs contents: by LZ4, where it was built with it, in a fraction of the time that its own way takes.
    cursor = connection.cursor()
    cursor.execute(
        "SELECT set_config(name, 'lz4', false) FROM pg_settings"
        " WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
    )
    cursor.close()
    connection.commit()


def make_engine(data: Path, url: str | None) -> Engine:
    """An engine for SQLite in `data`, or for the PostgreSQL of `url`.

    Raises:
        StoreError: STO-001, an address that isn't one or is of another database.
    """
    if url is None:
        engine = create_engine(f"sqlite:///{data / DATABASE_FILE}")
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    advice = "Write it as postgresql://user:password@host:5432/database."
    try:
        address = make_url(url)
    except ArgumentError:
        raise StoreError("STO-001", "The database address can't be read.", advice) from None
    if address.get_backend_name() != "postgresql":
        message = f"The database address is for {address.get_backend_name()}; expected PostgreSQL."
        raise StoreError("STO-001", message, advice)
    engine = create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"connect_timeout": 10, "application_name": "comunal"},
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _make_folders(data: Path) -> None:
    try:
        for folder in (data, data / "blobs", data / "incoming", data / "tables"):
            make_private_folder(folder)
    except (FileExistsError, NotADirectoryError):
        message = f"The data folder {data} can't be made: a file is in its way."
        raise StoreError("STO-003", message, "Choose another folder, or move the file.") from None


def open_store(data: Path, url: str | None = None) -> Store:
    """Open the store in `data`, making or migrating what is missing.

    Args:
        data: folder of the database file, the blobs and the tables; made if absent, for its owner only.
        url: address of a PostgreSQL database; null is SQLite in `data`.

    Raises:
        StoreError: STO-001 unreachable, STO-002 disk full, STO-003 not writable, STO-004 made by a newer Comunal,
            STO-006 no database.
    """
    with translated():
        _make_folders(data)
        engine = make_engine(data, url)
        try:
            if url is None:
                make_private(data / DATABASE_FILE)
            migrate(engine, data)
        except BaseException:
            engine.dispose()
            raise
    return Store(data=data, engine=engine, blobs=Blobs(data))
