"""Rows that a set-based statement needs, in a temporary table of the transaction: streamed in, never held at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, MetaData, Table, Text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

CHUNK = 10_000
_TYPES: dict[type, TypeEngine[Any]] = {int: BigInteger().with_variant(Integer, "sqlite"), str: Text(), bool: Boolean()}


@contextmanager
def temporary(connection: Connection, name: str, columns: dict[str, type], key: Sequence[str] = ()) -> Iterator[Table]:
    """A temporary table, gone at the end of the block or of the transaction.

    Args:
        columns: name -> int, str or bool.
        key: columns of the primary key, if it has one. On SQLite the rows are kept in its order, without another index.
    """
    postgresql = connection.dialect.name == "postgresql"
    table = Table(
        name,
        MetaData(),
        *(
            Column(column, _TYPES[kind], primary_key=column in key, nullable=False, autoincrement=False)
            for column, kind in columns.items()
        ),
        prefixes=["TEMPORARY"],
        sqlite_with_rowid=not key,
        postgresql_on_commit="DROP" if postgresql else None,
    )
    # Where a block failed and its transaction went on all the same, the table may be there still.
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
    connection.execute(CreateTable(table))
    yield table
    connection.exec_driver_sql(f"DROP TABLE {name}")


def fill(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Stream rows into a temporary table; on SQLite a key that is there already keeps its first row."""
    names = ", ".join(column.name for column in table.columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table.name} ({names}) FROM STDIN", rows)
        # Nobody analyses temporary tables by themselves, and without that the planner takes them for small.
        connection.exec_driver_sql(f"ANALYZE {table.name}")
        return
    marks = ", ".join("?" * len(table.columns))
    statement = f"INSERT OR IGNORE INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - names of ours
    waiting = iter(rows)
    while some := list(islice(waiting, CHUNK)):
        connection.exec_driver_sql(statement, some)


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    refused: Any = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except refused as error:
        # As SQLAlchemy does it, so that `store.complaints` can tell what is wrong.
        raise DBAPIError(statement, None, error) from None
