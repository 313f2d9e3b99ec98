"""SQL that SQLAlchemy spells by dialect (`ON CONFLICT`), or that must be fast: statements for the driver itself."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite


def keyed_insert(connection: Connection, table: Table) -> postgresql.Insert:
    """An insert into `table` whose `on_conflict_do_nothing` and `on_conflict_do_update` this database understands."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    # Both classes offer the same two methods with the same arguments.
    return sqlite.insert(table)  # type: ignore[return-value]


def among(connection: Connection, column: str, values: Sequence[str | int]) -> tuple[str, tuple[object, ...]]:
    """A condition as this driver takes it, that a column has one of these values, and what to give the driver.

    >>> from sqlalchemy import create_engine
    >>> with create_engine("sqlite://").connect() as connection:
    ...     among(connection, "form_id", ["a", "b"])
    ('form_id IN (?,?)', ('a', 'b'))
    """
    if connection.dialect.name == "postgresql":
        # One statement whatever the count, so that it is planned once.
        return f"{column} = ANY(%s)", (list(values),)
    return f"{column} IN ({','.join('?' * len(values))})", tuple(values)


def mark(dialect: Dialect) -> str:
    """What stands for a value in a statement for this driver."""
    return "%s" if dialect.name == "postgresql" else "?"


def insert_rows(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Sequence[object]],
    ending: str = "ON CONFLICT DO NOTHING",
) -> CursorResult[*tuple[Any, ...]]:
    """Insert rows by one statement that goes straight to the driver.

    One statement for all rows takes a third of the time of one a row, and lets go of the interpreter once and not
    once a row.

    Args:
        connection: of `Store.begin()`.
        table: its columns' types translate the values, as they always do.
        columns: names, in the order of the values.
        rows: at least one, at most some hundreds.
        ending: what follows the rows: of our own making, never from outside.
    """
    translate = _translations(connection.dialect, table, columns)
    values: list[object] = []
    for row in rows:
        values += row
    width = len(columns)
    for place, translation in translate:
        values[place::width] = map(translation, values[place::width])
    statement = _statement(mark(connection.dialect), table.name, columns, len(rows), ending)
    return connection.exec_driver_sql(statement, tuple(values))


@functools.lru_cache(maxsize=2048)
def _statement(mark: str, table: str, columns: tuple[str, ...], count: int, ending: str) -> str:
    row = f"({','.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {','.join([row] * count)} {ending}"  # noqa: S608


@functools.lru_cache(maxsize=64)
def _translations(
    dialect: Dialect, table: Table, columns: tuple[str, ...]
) -> tuple[tuple[int, Callable[[object], object]], ...]:
    """Place of a column and how its type gives values to the driver, for those whose type does anything."""
    found = ((place, table.c[name].type.dialect_impl(dialect)) for place, name in enumerate(columns))
    made = ((place, kind.bind_processor(dialect)) for place, kind in found)
    return tuple((place, translation) for place, translation in made if translation is not None)
