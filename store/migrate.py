"""Bringing a database to the schema of this program, by the revisions shipped beside this file."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

import schemas.audit_tables  # these for the tables that they add to the schema
import schemas.central_tables
import schemas.commune_tables
import schemas.decision_tables
import schemas.door_tables
import schemas.entity_tables
import schemas.personal_tables
import schemas.quality_tables  # noqa: F401
from schemas.errors import StoreError
from store.folders import make_private

_LOCK_NUMBER = 7_206_201_126  # any number, the same for every Comunal on that server


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this program needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise AssertionError("the wheel was built without its migrations")
    return revision


@contextmanager
def _alone(connection: Connection, data: Path) -> Iterator[None]:
    """Keep two programs that open a new store at the same moment from migrating it twice."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
        yield
        return
    path = data / ".migrating"
    make_private(path)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine, data: Path) -> None:
    """Upgrade the database to `head`, in one transaction; nothing happens if it is there already.

    Raises:
        StoreError: STO-004, the database was made by a newer program.
    """
    wanted = head()
    with engine.begin() as connection:
        if _current(connection) == wanted:
            return
    with engine.begin() as connection, _alone(connection, data):
        current = _current(connection)
        known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
        if current is not None and current not in known:
            raise StoreError(
                "STO-004",
                f"The database has the schema {current}, which this program doesn't know; it knows up to {wanted}.",
                "Install the newer Comunal that made it, or point COMUNAL_DATA to another folder.",
            )
        logging.getLogger("alembic").setLevel(logging.WARNING)
        command.upgrade(_config(connection), "head")
