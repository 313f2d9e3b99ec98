"""Lists of entities as people and programs change them by hand, without any submission."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from schemas.entities import EntityAction, EntityOutcome
from schemas.entity_tables import entities, entity_lists, entity_versions
from store.entity_changes import Source, apply_action


@dataclass(frozen=True, slots=True)
class EntityList:
    """A list, and when it was made known."""

    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EntityRecord:
    """One entity as it is now, with who made it and who changed it last. Its repr hides label and values.

    Attributes:
        creator, editor: names of the people; null where a submission did it.
        base_version: of the latest change, null for a creation.
    """

    uuid: str
    version: int
    conflict: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    creator: str | None
    editor: str | None
    base_version: int | None
    label: str = field(repr=False)
    data: Mapping[str, str] = field(repr=False)


def get_lists(connection: Connection) -> list[EntityList]:
    """Every list, in order of name."""
    query = select(entity_lists.c.name, entity_lists.c.created_at).order_by(entity_lists.c.name)
    return [EntityList(*row) for row in connection.execute(query)]


def get_entities(connection: Connection, list_name: str, entity_uuid: str | None = None) -> list[EntityRecord]:
    """The entities of a list in order of creation, deleted ones too; or only the one of that id."""
    first, last = entity_versions.alias("first"), entity_versions.alias("last")
    joined = entities.join(first, (first.c.entity_id == entities.c.id) & (first.c.version == 1)).join(
        last, (last.c.entity_id == entities.c.id) & (last.c.version == entities.c.version)
    )
    columns: list[ColumnElement[Any]] = [
        entities.c[name] for name in ("uuid", "version", "conflict", "created_at", "updated_at", "deleted_at")
    ]
    columns += [first.c.person.label("creator"), last.c.person.label("editor"), last.c.base_version]
    query = select(*columns, entities.c.label, entities.c.data).select_from(joined)
    query = query.where(entities.c.list_name == list_name).order_by(entities.c.id)
    if entity_uuid is not None:
        query = query.where(entities.c.uuid == entity_uuid)
    return [EntityRecord(**row._mapping) for row in connection.execute(query)]


def edit_entity(
    connection: Connection, action: EntityAction, *, person: str, reason: str, at: datetime
) -> EntityOutcome:
    """Create or change an entity under a person's name; see `store.entity_changes.apply_action`.

    Args:
        connection: of `Store.begin()`.
        action: what is asked.
        person: who asks it.
        reason: why, or by what means.
        at: when.
    """
    # Submissions tell their versions apart by form and instance; an edit by hand has neither.
    source = Source("", f"edit:{uuid.uuid4()}", at)
    outcome = apply_action(connection, action, source)
    where = (entity_versions.c.form_id == "", entity_versions.c.instance_id == source.instance_id)
    connection.execute(update(entity_versions).where(*where).values(person=person, reason=reason))
    return outcome
