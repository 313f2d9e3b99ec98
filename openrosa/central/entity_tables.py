"""An entity list as OData, as pyODK merges with it and Power BI reads it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

import polars as pl
from starlette.responses import Response

from openrosa.central.answers import UNEXPECTED, UNKNOWN, Refused, as_json
from openrosa.central.calls import PROJECT, Call, Endpoint
from openrosa.central.columns import MOMENT, NUMBER, TEXT, TIME, Column, compile_filter, compile_orders, kind_of
from openrosa.central.entities import find_list, people_numbers
from openrosa.central.filters import parse_filter, parse_orders
from openrosa.central.frames import ID, UNKNOWN_PERSON
from openrosa.central.metadata import write_flat_metadata
from openrosa.central.odata import JSON, ODATA
from openrosa.central.paging import applied, cut, next_link
from openrosa.central.shapes import identifier
from openrosa.central.values import moment
from store.entities import list_properties
from store.entity_edits import get_entities

ENTITIES = "Entities"
_EDM = {TIME: "Edm.DateTimeOffset", NUMBER: "Edm.Int64", TEXT: "Edm.String"}
_SYSTEM: dict[str, pl.DataType] = {
    "createdAt": MOMENT,
    "creatorId": pl.String(),
    "creatorName": pl.String(),
    "updates": pl.Int64(),
    "updatedAt": MOMENT,
    "version": pl.Int64(),
    "conflict": pl.String(),
}


def _frame(call: Call, list_name: str, properties: list[str]) -> pl.DataFrame:
    """One row an entity that isn't deleted, in order of creation, latest first."""
    people = people_numbers(call)
    with call.store.read() as connection:
        found = [row for row in get_entities(connection, list_name) if row.deleted_at is None]
    rows = []
    for row in reversed(found):
        who = str(people.get(row.creator or "", UNKNOWN_PERSON))
        changed = row.updated_at if row.version > 1 else None
        system = (row.created_at, who, row.creator, row.version - 1, changed, row.version, row.conflict)
        rows.append((row.uuid, row.label, *system, *(row.data.get(name) for name in properties)))
    schema: dict[str, pl.DataType] = {ID: pl.String(), "label": pl.String()}
    schema |= {f"__system/{name}": kind for name, kind in _SYSTEM.items()}
    schema |= {identifier(name): pl.String() for name in properties}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _values(properties: list[str], asked: frozenset[str]) -> list[pl.Expr]:
    system = [
        (moment(pl.col(f"__system/{name}")) if kind == MOMENT else pl.col(f"__system/{name}")).alias(name)
        for name, kind in _SYSTEM.items()
    ]
    found = {ID: pl.col(ID), "label": pl.col("label"), "__system": pl.struct(*system).alias("__system")}
    found |= {identifier(name): pl.col(identifier(name)) for name in properties}
    if strange := asked - set(found):
        raise Refused(UNEXPECTED, f"$select: there is no property {min(strange)!r}.")
    return [value for name, value in found.items() if not asked or name in asked]


def _service(call: Call) -> str:
    return f"{call.base}/v1/projects/{PROJECT}/datasets/{quote(call.path['list'], safe='')}.svc"


def service_document(call: Call) -> object:
    """GET datasets/L.svc."""
    find_list(call)
    sets = [{"name": ENTITIES, "kind": "EntitySet", "url": ENTITIES}]
    return as_json({"@odata.context": f"{_service(call)}/$metadata", "value": sets}, headers={"OData-Version": "4.0"})


def metadata_document(call: Call) -> object:
    """GET datasets/L.svc/$metadata."""
    row = find_list(call)
    with call.store.read() as connection:
        properties = list_properties(connection, row.name)
    types = {name: _EDM[kind_of(kind)] for name, kind in _SYSTEM.items()}
    body = write_flat_metadata(row.name, ENTITIES, types, ["label", *map(identifier, properties)])
    return Response(body, headers=ODATA, media_type="application/xml")


def read_table(call: Call) -> object:
    """GET datasets/L.svc/Entities."""
    row = find_list(call)
    if call.path["table"] != ENTITIES:
        raise Refused(UNKNOWN, "There is no such table in this entity list.", {"expected": [ENTITIES]})
    with call.store.read() as connection:
        properties = list_properties(connection, row.name)
    frame = _frame(call, row.name, properties)
    columns = {name: Column(name, kind_of(kind)) for name, kind in frame.schema.items()}
    if "$filter" in call.query:
        frame = frame.filter(compile_filter(parse_filter(call.query["$filter"]), columns, datetime.now(UTC)))
    if "$orderby" in call.query:
        names, falling = compile_orders(parse_orders(call.query["$orderby"]), columns)
        frame = frame.sort(names, descending=falling, nulls_last=falling, maintain_order=True)
    page, has_more = cut(call, frame, ID)
    asked = frozenset(
        name.strip() for name in call.query.get("$select", "").split(",") if name.strip() not in {"", "*"}
    )
    head: dict[str, object] = {"@odata.context": f"{_service(call)}/$metadata#{ENTITIES}"}
    if call.flag("$count"):
        head["@odata.count"] = frame.height
    if has_more:
        head["@odata.nextLink"] = next_link(call, _service(call), page.item(page.height - 1, ID))
    body = json.dumps(head)[:-1] + ', "value": ' + page.select(_values(properties, asked)).write_json() + "}"
    return Response(body, headers=ODATA | applied(call), media_type=JSON)


_LIST = "/projects/{project}/datasets/{list}"
_TAG = "Entities"
_QUERY = {
    "$top": "At most so many rows.",
    "$skip": "Leave out so many rows.",
    "$count": "Tell how many rows there are in all.",
    "$filter": "OData filter on any property.",
    "$select": "Only these properties.",
    "$orderby": "Properties to sort by.",
}
ENDPOINTS = (
    Endpoint("GET", f"{_LIST}.svc", service_document, "The list's only table.", _TAG),
    Endpoint("GET", f"{_LIST}.svc/$metadata", metadata_document, "Its types.", _TAG, gives="application/xml"),
    Endpoint("GET", f"{_LIST}.svc/{{table:path}}", read_table, "Its rows.", _TAG, query=_QUERY),
)
