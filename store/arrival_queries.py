"""The SQL that runs for every group of arriving submissions, straight to the driver.

For SQLAlchemy to write such a statement down takes several times as long as it takes to run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a group before it is stored.

    Attributes:
        versions: form id -> version -> state.
        revoked: numbers of the senders whose keys are no longer good. The door remembers a key for some seconds; what
            is asked here, in the transaction that stores, is the truth.
        stored: key -> submission id and digest, for those that are stored.
        is_awaited: whether a stored edit waits for any of them; few groups have one.
    """

    versions: Mapping[str, Mapping[str, str]]
    revoked: frozenset[int]
    stored: Mapping[Key, tuple[int, str]]
    is_awaited: bool


def look_up(connection: Connection, keys: Collection[Key], person_ids: Collection[int]) -> Known:
    """All that is to be known of a group, by one statement: asking takes longer than looking.

    Args:
        connection: of `Store.begin()`.
        keys: at least one.
        person_ids: who sent them.
    """
    forms, form_ids = among(connection, "form_id", sorted({form_id for form_id, _ in keys}))
    names = sorted({instance_id for _, instance_id in keys})
    instances, instance_ids = among(connection, "instance_id", names)
    originals, _ = among(connection, "deprecated_id", names)
    query = (
        f"SELECT 'version', form_id, version, state, 0 FROM form_versions WHERE {forms}"  # noqa: S608
        f" UNION ALL SELECT 'stored', form_id, instance_id, sha256, id FROM submissions WHERE {forms} AND {instances}"
        f" UNION ALL SELECT 'awaited', '', '', '', 0 FROM submissions"
        f" WHERE {forms} AND {originals} AND state = 'held' AND deprecated_id IS NOT NULL"
    )
    values = (*form_ids, *form_ids, *instance_ids, *form_ids, *instance_ids)
    if person_ids:
        people, numbers = among(connection, "id", sorted(person_ids))
        query += f" UNION ALL SELECT 'revoked', '', '', '', id FROM people WHERE {people} AND revoked_at IS NOT NULL"  # noqa: S608
        values = (*values, *numbers)
    versions: dict[str, dict[str, str]] = {}
    stored: dict[Key, tuple[int, str]] = {}
    revoked: set[int] = set()
    is_awaited = False
    for kind, form_id, name, word, number in connection.exec_driver_sql(query, values):
        if kind == "version":
            versions.setdefault(form_id, {})[name] = word
        elif kind == "stored":
            stored[form_id, name] = (number, word)
        elif kind == "revoked":
            revoked.add(number)
        else:
            is_awaited = True
    return Known(versions, frozenset(revoked), stored, is_awaited)


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
