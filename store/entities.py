"""Lists of entities as they are: their properties and versions, the lists that phones get, conflicts settled."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from schemas.entity_tables import entities, entity_lists, entity_properties, entity_versions
from schemas.errors import StoreError
from store.inserts import keyed_insert
from store.submissions import CHUNK

COMMUNE = "commune"
"""Property of a list whose values are CUT codes: phones of people who are bound to communes get theirs."""

EntityRecord = Row[*tuple[Any, ...]]
"""A row of `schemas.entity_tables.entities`."""


@dataclass(frozen=True, slots=True)
class EntityRow:
    """One entity as it is now. Its repr hides label and values.

    Attributes:
        conflict: null, "soft" or "hard" while it waits for `settle_conflict`.
    """

    list_name: str
    uuid: str
    version: int
    conflict: str | None
    is_deleted: bool
    label: str = field(repr=False)
    data: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class EntityVersionRow:
    """One version of an entity; `received` is what was sent, `data` what it was then."""

    version: int
    form_id: str | None
    instance_id: str | None
    base_version: int | None
    conflict: str | None
    person: str | None
    reason: str | None
    created_at: datetime
    label: str = field(repr=False)
    data: Mapping[str, str] = field(repr=False)
    received: Mapping[str, str] = field(repr=False)


def put_list(connection: Connection, list_name: str, properties: Iterable[str], at: datetime) -> None:
    """Make a list known, with the properties that a form saves into it; what is known stays."""
    row = {"name": list_name, "created_at": at}
    connection.execute(keyed_insert(connection, entity_lists).on_conflict_do_nothing(), row)
    rows = [{"list_name": list_name, "name": name} for name in dict.fromkeys(properties)]
    if rows:
        connection.execute(keyed_insert(connection, entity_properties).on_conflict_do_nothing(), rows)


def list_names(connection: Connection) -> list[str]:
    """Names of all lists, sorted."""
    return sorted(connection.scalars(select(entity_lists.c.name)))


def list_properties(connection: Connection, list_name: str) -> list[str]:
    """Properties of a list, in the order in which forms brought them."""
    query = select(entity_properties.c.name).where(entity_properties.c.list_name == list_name)
    return list(connection.scalars(query.order_by(entity_properties.c.id)))


def find_entity(connection: Connection, list_name: str, entity_uuid: str) -> EntityRecord | None:
    """The entity's own row, null if there is none."""
    query = select(entities).where(entities.c.list_name == list_name, entities.c.uuid == entity_uuid)
    return connection.execute(query).one_or_none()


def list_entities(connection: Connection, list_name: str, *, conflicts_only: bool = False) -> list[EntityRow]:
    """Entities of a list in order of creation, those that were deleted too."""
    query = select(entities).where(entities.c.list_name == list_name)
    if conflicts_only:
        query = query.where(entities.c.conflict.is_not(None))
    return [
        EntityRow(
            row.list_name, row.uuid, row.version, row.conflict, row.deleted_at is not None, row.label, dict(row.data)
        )
        for row in connection.execute(query.order_by(entities.c.id))
    ]


def list_versions(connection: Connection, list_name: str, entity_uuid: str) -> list[EntityVersionRow]:
    """Every version of an entity, oldest first.

    Raises:
        StoreError: STO-060, there is no such entity.
    """
    known = _require(connection, list_name, entity_uuid)
    query = select(entity_versions).where(entity_versions.c.entity_id == known.id)
    return [
        EntityVersionRow(
            version=row.version,
            form_id=row.form_id,
            instance_id=row.instance_id,
            base_version=row.base_version,
            conflict=row.conflict,
            person=row.person,
            reason=row.reason,
            created_at=row.created_at,
            label=row.label,
            data=dict(row.data),
            received=dict(row.received),
        )
        for row in connection.execute(query.order_by(entity_versions.c.version))
    ]


def _require(connection: Connection, list_name: str, entity_uuid: str) -> EntityRecord:
    known = find_entity(connection, list_name, entity_uuid)
    if known is None:
        message = f"The list {list_name!r} has no entity {entity_uuid!r}."
        raise StoreError("STO-060", message, "Check the name of the list and the id.")
    return known


def settle_conflict(
    connection: Connection, list_name: str, entity_uuid: str, *, keep: int, person: str, reason: str, at: datetime
) -> int:
    """End a conflict: the entity is as it was in version `keep`; its number is returned.

    The current version needs no new one; an older one is repeated as a new version, under the person's name.

    Raises:
        StoreError: STO-060, there is no such entity; STO-061, no such version.
    """
    known = _require(connection, list_name, entity_uuid)
    where = (entity_versions.c.entity_id == known.id, entity_versions.c.version == keep)
    kept = connection.execute(select(entity_versions).where(*where)).one_or_none()
    if kept is None:
        message = f"The entity {entity_uuid!r} has no version {keep}; the current one is {known.version}."
        raise StoreError("STO-061", message, "Choose one of its versions.")
    version = int(known.version)
    if keep != version:
        version += 1
        row = {"entity_id": known.id, "version": version, "label": kept.label, "data": dict(kept.data), "received": {}}
        row |= {"branch_id": "", "person": person, "reason": reason, "created_at": at}
        connection.execute(insert(entity_versions), row)
    values = {"data": dict(kept.data), "label": kept.label, "version": version, "conflict": None, "updated_at": at}
    connection.execute(update(entities).where(entities.c.id == known.id).values(**values))
    return version


def mark_deleted(connection: Connection, list_name: str, entity_uuid: str, at: datetime) -> None:
    """Take an entity out of the list that phones get; its versions stay.

    Raises:
        StoreError: STO-060, there is no such entity.
    """
    known = _require(connection, list_name, entity_uuid)
    connection.execute(update(entities).where(entities.c.id == known.id).values(deleted_at=at))


def entity_list_csv(connection: Connection, list_name: str, communes: Collection[str] = ()) -> bytes:
    """The list as forms choose from it: `name` (the id), `label`, `__version`, then the properties.

    The same entities give the same bytes.

    Args:
        connection: of `Store.read()`.
        list_name: of the list.
        communes: of whoever gets it, none for all. A list with a property `commune` is then cut to the entities of
            these, and to those that name none.
    """
    properties = list_properties(connection, list_name)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "label", "__version", *properties])
    is_cut = bool(communes) and COMMUNE in properties
    for row in list_entities(connection, list_name):
        if not row.is_deleted and not (is_cut and row.data.get(COMMUNE, "") not in {"", *communes}):
            values = [row.data.get(name, "") for name in properties]
            writer.writerow([row.uuid, row.label, row.version, *values])
    return out.getvalue().encode()


def entity_list_md5(content: bytes) -> str:
    """Lower-case hex digest of a list's bytes, as a manifest tells it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def find_deleted(connection: Connection, list_name: str, uuids: Sequence[str]) -> dict[str, bool]:
    """Id -> whether it was deleted, of those the list has or had."""
    found: dict[str, bool] = {}
    for start in range(0, len(uuids), CHUNK):
        query = select(entities.c.uuid, entities.c.deleted_at).where(
            entities.c.list_name == list_name, entities.c.uuid.in_(uuids[start : start + CHUNK])
        )
        found |= {entity_uuid: deleted_at is not None for entity_uuid, deleted_at in connection.execute(query)}
    return found
