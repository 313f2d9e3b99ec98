"""`INSERT ... ON CONFLICT`, which SQLite and PostgreSQL both know and SQLAlchemy spells by dialect."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def keyed_insert(connection: Connection, table: Table) -> postgresql.Insert:
    """An insert into `table` whose `on_conflict_do_nothing` and `on_conflict_do_update` this database understands."""
    return keyed_insert_for(connection.dialect.name, table)


def keyed_insert_for(dialect: str, table: Table) -> postgresql.Insert:
    """The same by the name of the dialect, for statements that are made once."""
    if dialect == "postgresql":
        return postgresql.insert(table)
    # Both classes offer the same two methods with the same arguments.
    return sqlite.insert(table)  # type: ignore[return-value]
