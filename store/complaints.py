"""What a database or a disk complains of, as a `StoreError` that says what to do.

    STO-001 unreachable database     STO-005 database busy for too long
    STO-002 disk full                STO-006 damaged database
    STO-003 read-only, no permission STO-007 any other complaint
    STO-004 newer schema (in `migrate.py`)

The database's own words are left out where they could repeat a row: drivers print parameters and keys.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from schemas.errors import StoreError

_FULL = ("The disk is full: nothing was stored.", "Free space in the data folder, then try again.")
_REFUSED = ("The disk refused to write.", "Look for a full or failing disk.")
_READ_ONLY = (
    "The store can't be written: it is read-only or belongs to another user.",
    "Give the user who runs Comunal the right to write into the data folder (or the database).",
)
_UNREACHABLE = (
    "The database can't be reached.",
    "Check that it runs, and the address, name and password in COMUNAL_DATABASE_URL.",
)
_BUSY = ("The database was busy for too long.", "Try again; stop other programs that keep the database open.")
_DAMAGED = (
    "The database is damaged, or the file is no database of Comunal.",
    "Stop Comunal, keep a copy of the data folder, and restore the last backup.",
)

_SQLITE = {
    sqlite3.SQLITE_FULL: ("STO-002", *_FULL),
    sqlite3.SQLITE_IOERR: ("STO-002", *_REFUSED),
    sqlite3.SQLITE_READONLY: ("STO-003", *_READ_ONLY),
    sqlite3.SQLITE_PERM: ("STO-003", *_READ_ONLY),
    sqlite3.SQLITE_CANTOPEN: ("STO-003", *_READ_ONLY),
    sqlite3.SQLITE_BUSY: ("STO-005", *_BUSY),
    sqlite3.SQLITE_LOCKED: ("STO-005", *_BUSY),
    sqlite3.SQLITE_CORRUPT: ("STO-006", *_DAMAGED),
    sqlite3.SQLITE_NOTADB: ("STO-006", *_DAMAGED),
}
# SQLSTATE of PostgreSQL: the first two characters are a class.
_POSTGRESQL = {
    "53100": ("STO-002", *_FULL),
    "25006": ("STO-003", *_READ_ONLY),
    "42501": ("STO-003", *_READ_ONLY),
    "40001": ("STO-005", *_BUSY),
    "40P01": ("STO-005", *_BUSY),
    "55P03": ("STO-005", *_BUSY),
    "08": ("STO-001", *_UNREACHABLE),
    "28": ("STO-001", *_UNREACHABLE),
    "3D": ("STO-001", *_UNREACHABLE),
    "53": ("STO-001", "The database has no room for another connection.", "Raise its limits or stop other clients."),
    "57": ("STO-001", *_UNREACHABLE),
    "XX": ("STO-006", *_DAMAGED),
}
WHOLE_STORE = frozenset({"STO-001", "STO-002", "STO-003", "STO-004", "STO-006"})
"""Codes that tell of the store as a whole: trying the next row at once is useless."""


def _of_database(error: DBAPIError) -> StoreError:
    original = error.orig
    if isinstance(original, sqlite3.Error):
        # The low byte is the primary code; the extended ones refine it.
        code = getattr(original, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _SQLITE:
            return StoreError(*_SQLITE[code])
        detail = getattr(original, "sqlite_errorname", type(original).__name__)
    else:
        state = getattr(original, "sqlstate", None)
        # psycopg has no state where no server ever answered.
        if state is None and (error.connection_invalidated or type(original).__name__ == "OperationalError"):
            return StoreError("STO-001", *_UNREACHABLE)
        for key in (state or "", (state or "")[:2]):
            if key in _POSTGRESQL:
                return StoreError(*_POSTGRESQL[key])
        detail = f"{type(original).__name__} {state or ''}".strip()
    return StoreError("STO-007", f"The database refused: {detail}.", "Report this with the steps that led to it.")


def _of_disk(error: OSError) -> StoreError | None:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return StoreError("STO-002", *_FULL)
    if error.errno in {errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE}:
        return StoreError("STO-002", *_REFUSED)
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return StoreError("STO-003", *_READ_ONLY)
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Raise a `StoreError` for what the database or the disk complains of inside the block.

    The driver's exception isn't chained: its text may hold a row.
    """
    try:
        yield
    except DBAPIError as error:
        raise _of_database(error) from None
    except SQLAlchemyError as error:
        advice = "Report this with the steps that led to it."
        raise StoreError("STO-007", f"The database refused: {type(error).__name__}.", advice) from None
    except OSError as error:
        complaint = _of_disk(error)
        if complaint is None:
            raise
        raise complaint from None
