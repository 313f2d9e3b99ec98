"""Entity lists: made, read, filled and changed by scripts; phones get them with the forms that choose from them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from openrosa.central.answers import CONFLICT, HEADERS, MISSING, TAKEN, UNEXPECTED, UNKNOWN, Refused, iso
from openrosa.central.calls import PROJECT, Call, Endpoint
from openrosa.central.forms import disposition
from openrosa.central.frames import UNKNOWN_PERSON
from schemas.entities import EntityAction, EntityOutcome
from store.audit import record
from store.entities import entity_list_csv, list_properties, mark_deleted, put_list
from store.entity_edits import EntityList, EntityRecord, edit_entity, get_entities, get_lists
from store.people import list_people

STALE = 409.15
"""Central's code for a change that is based on an older version."""

MOST = 10_000
_RESERVED = frozenset({"name", "label"})


def _list_json(row: EntityList) -> dict[str, object]:
    return {
        "name": row.name,
        "projectId": PROJECT,
        "createdAt": iso(row.created_at),
        "approvalRequired": False,
        "ownerOnly": False,
    }


def list_lists(call: Call) -> object:
    """GET datasets."""
    with call.store.read() as connection:
        return [_list_json(row) for row in get_lists(connection)]


def find_list(call: Call) -> EntityList:
    """The list of the address.

    Raises:
        Refused: 404.1, there is none.
    """
    with call.store.read() as connection:
        found = next((row for row in get_lists(connection) if row.name == call.path["list"]), None)
    if found is None:
        raise Refused(UNKNOWN, "There is no such entity list.")
    return found


def show_list(call: Call) -> object:
    """GET datasets/L: with its properties."""
    row = find_list(call)
    with call.store.read() as connection:
        properties = list_properties(connection, row.name)
    told: list[dict[str, object]] = [
        {"name": name, "odataName": name, "publishedAt": iso(row.created_at), "forms": []} for name in properties
    ]
    return {**_list_json(row), "properties": told, "linkedForms": [], "sourceForms": []}


def _checked_name(name: str) -> str:
    """A name that an XForm can use.

    Raises:
        Refused: 400.8, it can't.
    """
    starts = name[:1].isalpha() or name.startswith("_")
    if not starts or name.startswith("__") or not all(letter.isalnum() or letter in "_-." for letter in name):
        raise Refused(UNEXPECTED, "name: expected a letter, then letters, digits, hyphens, dots or underscores.")
    return name


def make_list(call: Call) -> object:
    """POST datasets: `{"name": ..., "approvalRequired": false}`."""
    name = _checked_name(call.text("name"))
    if call.json().get("approvalRequired"):
        raise Refused(UNEXPECTED, "approvalRequired: entities are made here as soon as a submission is read.")
    at = datetime.now(UTC)
    with call.store.begin() as connection:
        if any(row.name == name for row in get_lists(connection)):
            raise Refused(TAKEN, "An entity list of that name exists.", {"fields": ["name"]})
        put_list(connection, name, [], at)
        record(connection, "list.add", "list", name, at=at)
    return _list_json(EntityList(name, at))


def make_property(call: Call) -> object:
    """POST datasets/L/properties: `{"name": ...}`."""
    row, name = find_list(call), _checked_name(call.text("name"))
    if name in _RESERVED:
        raise Refused(UNEXPECTED, "name: 'name' and 'label' are every entity's own.")
    with call.store.begin() as connection:
        if name in list_properties(connection, row.name):
            raise Refused(TAKEN, "The list has a property of that name.", {"fields": ["name"]})
        put_list(connection, row.name, [name], datetime.now(UTC))
        record(connection, "list.property", "list", row.name, note=name)
    return {"success": True}


def people_numbers(call: Call) -> dict[str, int]:
    """Name of each person -> number: entities keep names."""
    with call.store.read() as connection:
        return {person.name: person.id for person in list_people(connection)}


def entity_json(row: EntityRecord, people: Mapping[str, int], with_data: bool = True) -> dict[str, object]:
    """An entity as Central's."""
    current: dict[str, object] = {
        "label": row.label,
        "current": True,
        "createdAt": iso(row.updated_at),
        "creatorId": people.get(row.editor or "", UNKNOWN_PERSON),
        "userAgent": "api" if row.editor else "submission",
        "version": row.version,
        "baseVersion": row.base_version,
        "conflictingProperties": None,
    }
    if with_data:
        current["data"] = dict(row.data)
    return {
        "uuid": row.uuid,
        "creatorId": people.get(row.creator or "", UNKNOWN_PERSON),
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at) if row.version > 1 else None,
        "deletedAt": iso(row.deleted_at),
        "conflict": row.conflict,
        "currentVersion": current,
    }


def list_entities(call: Call) -> object:
    """GET entities: in order of creation."""
    row, people = find_list(call), people_numbers(call)
    with call.store.read() as connection:
        found = get_entities(connection, row.name)
    return [entity_json(entity, people, False) for entity in found if entity.deleted_at is None]


def find_entity(call: Call, entity_uuid: str | None = None) -> EntityRecord:
    """The entity of the address, or of an id.

    Raises:
        Refused: 404.1, there is none, or it was deleted.
    """
    with call.store.read() as connection:
        found = get_entities(connection, find_list(call).name, entity_uuid or call.path["entity"])
    if not found or found[0].deleted_at is not None:
        raise Refused(UNKNOWN, "There is no such entity.")
    return found[0]


def show_entity(call: Call) -> object:
    """GET entities/U."""
    return entity_json(find_entity(call), people_numbers(call))


def _texts(value: object, properties: list[str]) -> dict[str, str]:
    """Values of an entity, each a text.

    Raises:
        Refused: 400.8, no object of texts, or a property that the list hasn't.
    """
    if not isinstance(value, dict):
        raise Refused(UNEXPECTED, "data: expected an object of texts.")
    if strange := sorted(name for name in value if name not in properties):
        raise Refused(UNEXPECTED, f"data: the list has no property {', '.join(map(repr, strange))}.")
    if any(item is not None and not isinstance(item, str) for item in value.values()):
        raise Refused(UNEXPECTED, "data: expected texts.")
    return {name: item or "" for name, item in value.items()}


def _creation(list_name: str, value: Any, properties: list[str]) -> EntityAction:  # noqa: ANN401  JSON of the client
    if not isinstance(value, dict):
        raise Refused(UNEXPECTED, "entities: expected objects.")
    label = value.get("label")
    if not isinstance(label, str) or not label.strip():
        raise Refused(MISSING, "label: expected a text that isn't blank.")
    data = _texts(value.get("data") or {}, properties)
    given = value.get("uuid") or str(uuid.uuid4())
    return EntityAction(list_name, str(given).removeprefix("uuid:"), create=True, label=label, data=data)


def _done(outcome: EntityOutcome) -> None:
    if outcome.status in {"created", "updated", "unchanged"}:
        return
    if outcome.reason == "exists":
        raise Refused(TAKEN, "An entity of that uuid exists.", {"fields": ["uuid"]})
    raise Refused(
        UNEXPECTED, "uuid: expected a UUID." if outcome.reason == "uuid" else "The entity can't be changed so."
    )


def make_entities(call: Call) -> object:
    """POST entities: one (`{uuid, label, data}`), or many at once (`{entities, source}`): all of them or none."""
    row, body = find_list(call), call.json()
    many = body.get("entities")
    if many is not None and (not isinstance(many, list) or len(many) > MOST):
        raise Refused(UNEXPECTED, f"entities: expected a list of at most {MOST}.")
    source = body.get("source")
    name = str(source.get("name") or "") if isinstance(source, dict) else ""
    with call.store.begin() as connection:
        properties = list_properties(connection, row.name)
        actions = [_creation(row.name, value, properties) for value in (many if many is not None else [body])]
        for action in actions:
            reason = f"api {name}".strip()
            _done(edit_entity(connection, action, person=call.person.name, reason=reason, at=datetime.now(UTC)))
        record(connection, "entity.add", "list", row.name, note=f"{len(actions)} entities")
    if many is not None:
        return {"success": True}
    return entity_json(find_entity(call, actions[0].uuid), people_numbers(call))


def _base(call: Call, entity: EntityRecord) -> int:
    """The version that a change is based on.

    Raises:
        Refused: 400.2, neither baseVersion nor force; 409.15, an older version than the current one.
    """
    if call.flag("force"):
        return entity.version
    given = call.query.get("baseVersion") or call.headers.get("if-match", "").strip('"')
    if not given:
        raise Refused(MISSING, "Required: baseVersion, or force=true.", {"expected": ["baseVersion", "force"]})
    if given != str(entity.version):
        message = f"The entity is at version {entity.version} now: read it again, or use force=true."
        raise Refused(STALE, message, {"current": entity.version, "provided": given})
    return entity.version


def change_entity(call: Call) -> object:
    """PATCH entities/U?baseVersion=N or ?force=true: `{label, data}`, either alone too."""
    row, entity, body = find_list(call), find_entity(call), call.json()
    label = body.get("label") or ""
    if not isinstance(label, str):
        raise Refused(UNEXPECTED, "label: expected a text.")
    base = _base(call, entity)
    with call.store.begin() as connection:
        data = _texts(body.get("data") or {}, list_properties(connection, row.name))
        action = EntityAction(row.name, entity.uuid, update=True, label=label, data=data, base_version=base)
        outcome = edit_entity(connection, action, person=call.person.name, reason="api", at=datetime.now(UTC))
        if outcome.conflict is not None:
            # Somebody was faster between our look and our change: nothing of it stays.
            raise Refused(CONFLICT, "The entity changed at this moment: read it again.")
        _done(outcome)
        record(connection, "entity.change", "entity", entity.uuid, note=f"list {row.name}")
    return show_entity(call)


def delete_entity(call: Call) -> object:
    """DELETE entities/U: phones get it no more; its versions stay."""
    row, entity = find_list(call), find_entity(call)
    with call.store.begin() as connection:
        mark_deleted(connection, row.name, entity.uuid, datetime.now(UTC))
        record(connection, "entity.delete", "entity", entity.uuid, note=f"list {row.name}")
    return {"success": True}


def list_csv(call: Call) -> object:
    """GET datasets/L/entities.csv: as forms choose from it."""
    row = find_list(call)
    with call.store.read() as connection:
        body = entity_list_csv(connection, row.name)
    return Response(body, headers=HEADERS | disposition(f"{row.name}.csv"), media_type="text/csv; charset=utf-8")


_LISTS = "/projects/{project}/datasets"
_LIST = f"{_LISTS}/{{list}}"
_ONE = f"{_LIST}/entities/{{entity}}"
_JSON = "application/json"
_TAG = "Entities"
_BASE = {"baseVersion": "The version that the change is based on.", "force": "true: whatever the version is."}
ENDPOINTS = (
    Endpoint("GET", _LISTS, list_lists, "The entity lists.", _TAG),
    Endpoint("POST", _LISTS, make_list, "Make one.", _TAG, "edit_entities", takes=_JSON),
    Endpoint("POST", f"{_LIST}/properties", make_property, "Give it a property.", _TAG, "edit_entities", takes=_JSON),
    Endpoint("GET", f"{_LIST}/entities.csv", list_csv, "The list as forms get it.", _TAG, gives="text/csv"),
    Endpoint("GET", f"{_LIST}/entities", list_entities, "Its entities.", _TAG),
    Endpoint(
        "POST", f"{_LIST}/entities", make_entities, "Make one, or many at once.", _TAG, "edit_entities", takes=_JSON
    ),
    Endpoint("GET", _ONE, show_entity, "One entity.", _TAG),
    Endpoint("PATCH", _ONE, change_entity, "Change it.", _TAG, "edit_entities", query=_BASE, takes=_JSON),
    Endpoint("DELETE", _ONE, delete_entity, "Delete it.", _TAG, "edit_entities"),
    Endpoint("GET", _LIST, show_list, "One list, with its properties.", _TAG),
)
