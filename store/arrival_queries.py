"""The SQL that runs for every group of arriving submissions, straight to the driver.

For SQLAlchemy to write such a statement down takes several times as long as it takes to run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection

from schemas.tables import submissions
from store.edits import by_form
from store.inserts import among, insert_rows, mark

Key = tuple[str, str]
"""Form id and instance id."""

COLUMNS = (
    "form_id",
    "version",
    "instance_id",
    "deprecated_id",
    "sha256",
    "received_at",
    "client",
    "person_id",
    "state",
)
"""What `add_rows` is given of each submission."""


def form_versions_of(connection: Connection, form_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Form id -> version -> state."""
    where, values = among(connection, "form_id", sorted(form_ids))
    query = f"SELECT form_id, version, state FROM form_versions WHERE {where}"  # noqa: S608
    found: dict[str, dict[str, str]] = {}
    for form_id, version, state in connection.exec_driver_sql(query, values):
        found.setdefault(form_id, {})[version] = state
    return found


def revoked_among(connection: Connection, person_ids: Collection[int]) -> frozenset[int]:
    """Those of these people whose keys are no longer good.

    The door remembers a key for some seconds; what is asked here, in the transaction that stores, is the truth.
    """
    if not person_ids:
        return frozenset()
    where, values = among(connection, "id", sorted(person_ids))
    query = f"SELECT id FROM people WHERE {where} AND revoked_at IS NOT NULL"  # noqa: S608
    return frozenset(row[0] for row in connection.exec_driver_sql(query, values))


def stored_among(connection: Connection, keys: Iterable[Key]) -> dict[Key, tuple[int, str]]:
    """Key -> submission id and digest, for those that are stored."""
    found: dict[Key, tuple[int, str]] = {}
    for form_id, instance_ids in by_form(keys).items():
        where, values = among(connection, "instance_id", instance_ids)
        where = f"form_id = {mark(connection.dialect)} AND {where}"
        query = f"SELECT instance_id, id, sha256 FROM submissions WHERE {where}"  # noqa: S608
        for instance_id, number, sha256 in connection.exec_driver_sql(query, (form_id, *values)):
            found[form_id, instance_id] = (number, sha256)
    return found


def add_rows(connection: Connection, rows: Sequence[tuple[object, ...]]) -> dict[Key, int]:
    """Insert rows of `COLUMNS` that `stored_among` didn't find; key -> number of those that nobody else added.

    Args:
        connection: of `Store.begin()`, in which `stored_among` was asked.
        rows: each with a key of its own.
    """
    if connection.dialect.name == "sqlite":
        # Nobody else writes meanwhile, so all are new and numbered in a row. Asking for the numbers would be a call
        # into the database for each.
        result = insert_rows(connection, submissions, COLUMNS, rows, ending="")
        first = result.lastrowid - len(rows) + 1
        return {(str(row[0]), str(row[2])): first + place for place, row in enumerate(rows)}
    ending = "ON CONFLICT (form_id, instance_id) DO NOTHING RETURNING form_id, instance_id, id"
    result = insert_rows(connection, submissions, COLUMNS, rows, ending)
    return {(form_id, instance_id): number for form_id, instance_id, number in result}
