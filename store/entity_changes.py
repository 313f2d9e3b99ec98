"""What submissions make of entities: created or changed, version by version, in order of arrival.

Rules: docs/methods/entities.md. Versions are only ever added. A change that was based on an older version than the
current one is applied and marked as a conflict: soft if others changed something else meanwhile, hard if the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from schemas.entities import EntityAction, EntityOutcome
from schemas.entity_tables import entities, entity_backlog, entity_versions
from store.entities import EntityRecord, find_entity
from store.inserts import keyed_insert


@dataclass(frozen=True, slots=True)
class Source:
    """The submission that an action came with."""

    form_id: str
    instance_id: str
    at: datetime


def apply_action(connection: Connection, action: EntityAction, source: Source) -> EntityOutcome:
    """Create or change an entity as a submission asks; the same submission again changes nothing.

    Args:
        connection: of `Store.begin()`. The list must be known, see `put_list`.
        action: what is asked.
        source: the submission. Apply them in order of arrival.
    """
    known = find_entity(connection, action.list_name, action.uuid)
    if known is not None and _is_applied(connection, known.id, source):
        return EntityOutcome("unchanged")
    if not _is_uuid(action.uuid):
        return EntityOutcome("refused", "uuid")
    if action.create and (known is None or not action.update):
        return _create(connection, action, source, exists=known is not None)
    return _update(connection, known, action, source)


def _is_applied(connection: Connection, entity_id: int, source: Source) -> bool:
    query = select(entity_versions.c.id).where(
        entity_versions.c.entity_id == entity_id,
        entity_versions.c.form_id == source.form_id,
        entity_versions.c.instance_id == source.instance_id,
    )
    return connection.execute(query).first() is not None


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _create(connection: Connection, action: EntityAction, source: Source, *, exists: bool) -> EntityOutcome:
    if exists:
        return EntityOutcome("refused", "exists")
    if not action.label:
        return EntityOutcome("refused", "label")
    row = {
        "list_name": action.list_name,
        "uuid": action.uuid,
        "label": action.label,
        "data": dict(action.data),
        "version": 1,
        "created_at": source.at,
        "updated_at": source.at,
    }
    number = connection.execute(insert(entities).returning(entities.c.id), row).scalar_one()
    _add_version(connection, number, 1, action.label, action.data, action, source, None)
    _release(connection, action, 1)
    return EntityOutcome("created")


def _update(connection: Connection, known: EntityRecord | None, action: EntityAction, source: Source) -> EntityOutcome:
    if known is None:
        if action.branch_id and action.trunk_version is None:
            return _wait(connection, action, source)  # it was created on that phone
        return EntityOutcome("refused", "unknown")
    base = _base(connection, known.id, action)
    if base is None:
        return _wait(connection, action, source) if _has_predecessor(action) else EntityOutcome("refused", "version")
    conflict = _conflict(known, base, action)
    version = _change(connection, known, action, source, conflict)
    _release(connection, action, version)
    return EntityOutcome("updated", conflict=conflict)


def _has_predecessor(action: EntityAction) -> bool:
    """Whether it continues a branch, so that its base is a change of the same phone that may still come."""
    return bool(action.branch_id) and action.base_version is not None and action.base_version != action.trunk_version


def _base(connection: Connection, entity_id: int, action: EntityAction) -> EntityRecord | None:
    """The version that the phone changed: by number, or as the step before it on the same branch."""
    if action.base_version is None:
        return None
    query = select(entity_versions).where(entity_versions.c.entity_id == entity_id)
    if not _has_predecessor(action):
        return connection.execute(query.where(entity_versions.c.version == action.base_version)).one_or_none()
    if action.trunk_version is None and action.base_version == 1:
        return connection.execute(query.where(entity_versions.c.version == 1)).one_or_none()
    # On a phone without a network versions count on from the trunk, whatever the server numbers them.
    before = query.where(
        entity_versions.c.branch_id == action.branch_id, entity_versions.c.base_version == action.base_version - 1
    )
    return connection.execute(before.order_by(entity_versions.c.version.desc())).first()


def _conflict(known: EntityRecord, base: EntityRecord, action: EntityAction) -> str | None:
    if base.version == known.version:
        return None
    touched = [name for name, value in action.data.items() if known.data.get(name, "") != value]
    is_same = any(known.data.get(name, "") != base.data.get(name, "") for name in touched)
    if action.label and action.label != known.label and known.label != base.label:
        is_same = True
    return "hard" if is_same else "soft"


def _change(
    connection: Connection, known: EntityRecord, action: EntityAction, source: Source, conflict: str | None
) -> int:
    data, label, version = {**known.data, **action.data}, action.label or known.label, known.version + 1
    _add_version(connection, known.id, version, label, data, action, source, conflict)
    worst = "hard" if "hard" in {conflict, known.conflict} else conflict or known.conflict
    values = {"data": data, "label": label, "version": version, "conflict": worst, "updated_at": source.at}
    connection.execute(update(entities).where(entities.c.id == known.id).values(**values))
    return int(version)


def _add_version(
    connection: Connection,
    entity_id: int,
    version: int,
    label: str,
    data: Mapping[str, str],
    action: EntityAction,
    source: Source,
    conflict: str | None,
) -> None:
    row = {
        "entity_id": entity_id,
        "version": version,
        "label": label,
        "data": dict(data),
        "received": dict(action.data),
        "form_id": source.form_id,
        "instance_id": source.instance_id,
        "base_version": action.base_version,
        "trunk_version": action.trunk_version,
        "branch_id": action.branch_id,
        "conflict": conflict,
        "created_at": source.at,
    }
    connection.execute(insert(entity_versions), row)


# ------------------------------------------------------------------------------- changes made without a network


def _wait(connection: Connection, action: EntityAction, source: Source) -> EntityOutcome:
    row = {
        "list_name": action.list_name,
        "uuid": action.uuid,
        "form_id": source.form_id,
        "instance_id": source.instance_id,
        "action": asdict(action),
        "received_at": source.at,
    }
    connection.execute(keyed_insert(connection, entity_backlog).on_conflict_do_nothing(), row)
    return EntityOutcome("waiting")


def _release(connection: Connection, done: EntityAction, version: int) -> None:
    """Apply what waited for this change, in the order of the phone's branch."""
    for row in _waiting(connection, done.list_name, done.uuid):
        action = EntityAction(**row.action)
        known = find_entity(connection, action.list_name, action.uuid)
        if known is not None and action.base_version is not None and _base(connection, known.id, action) is not None:
            connection.execute(delete(entity_backlog).where(entity_backlog.c.id == row.id))
            apply_action(connection, action, Source(row.form_id, row.instance_id, row.received_at))
            return  # which released the rest


def _waiting(connection: Connection, list_name: str, entity_uuid: str | None = None) -> list[EntityRecord]:
    query = select(entity_backlog).where(entity_backlog.c.list_name == list_name)
    if entity_uuid is not None:
        query = query.where(entity_backlog.c.uuid == entity_uuid)
    rows = list(connection.execute(query))
    return sorted(rows, key=lambda row: (row.action["base_version"] or 0, row.id))


def count_waiting(connection: Connection, list_name: str) -> int:
    """How many changes wait for an earlier one of the same phone."""
    return len(_waiting(connection, list_name))


def apply_waiting(connection: Connection, list_name: str, received_before: datetime) -> int:
    """Apply changes whose predecessor didn't come in time, as hard conflicts; how many.

    Those of entities that don't exist stay: there is nothing to change.
    """
    count = 0
    for row in _waiting(connection, list_name):
        known = find_entity(connection, list_name, row.uuid)
        if known is None or row.received_at >= received_before:
            continue
        action, source = EntityAction(**row.action), Source(row.form_id, row.instance_id, row.received_at)
        connection.execute(delete(entity_backlog).where(entity_backlog.c.id == row.id))
        if not _is_applied(connection, known.id, source):
            _release(connection, action, _change(connection, known, action, source, "hard"))
            count += 1
    return count
