"""Tables as OData 4.0: `.svc`, `$metadata`, `Submissions` and a table a repeat, with paging that the server drives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from urllib.parse import quote

import polars as pl
from starlette.responses import Response, StreamingResponse

from openrosa.central.answers import HEADERS, NOT_OFFERED, UNKNOWN, Refused, as_json
from openrosa.central.calls import PROJECT, Call, Endpoint
from openrosa.central.columns import compile_filter, compile_orders
from openrosa.central.definitions import definition, version_row
from openrosa.central.filters import parse_filter, parse_orders
from openrosa.central.frames import ID, Tables
from openrosa.central.metadata import write_metadata
from openrosa.central.paging import applied, cut, next_link
from openrosa.central.properties import Selection, expand_repeats, row_values
from openrosa.central.shapes import Entity, Shape, read_shape
from openrosa.central.tables import open_tables
from store.open import Store

ODATA = HEADERS | {"OData-Version": "4.0"}
JSON = "application/json; odata.metadata=minimal; charset=utf-8"
COUNT = "/$count"
PLACE = "__place"
PIECE = 4_000
"""Rows that are written at once."""
_KNOWN = {"$skip", "$top", "$count", "$filter", "$select", "$expand", "$orderby", "$wkt", "$skiptoken", "$format"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks of a table."""

    entity: Entity
    key: str | None
    selection: Selection
    count: bool
    expand: bool


def shape_of(call: Call) -> Shape:
    """The tables of the form in the address."""
    return _shape(call.store, version_row(call.store, call.path["form"]).id, call.path["form"])


@lru_cache(maxsize=32)
def _shape(store: Store, number: int, form_id: str) -> Shape:
    """The shape of a version; `number` is there to tell versions apart."""
    return read_shape(definition(store, form_id))


def _service(call: Call) -> str:
    return f"{call.base}/v1/projects/{PROJECT}/forms/{quote(call.path['form'], safe='')}.svc"


def service_document(call: Call) -> object:
    """GET forms/F.svc: the tables."""
    sets = [{"name": entity.name, "kind": "EntitySet", "url": entity.name} for entity in shape_of(call).entities]
    return as_json({"@odata.context": f"{_service(call)}/$metadata", "value": sets}, headers={"OData-Version": "4.0"})


def metadata_document(call: Call) -> object:
    """GET forms/F.svc/$metadata."""
    return Response(write_metadata(shape_of(call)), headers=ODATA, media_type="application/xml")


def _address(shape: Shape, text: str) -> tuple[Entity, str | None]:
    """The entity set of an address, and the id of the interview or row that it is narrowed to.

    `Submissions`, `Submissions.roster.person`, `Submissions('uuid:1')`, `Submissions('uuid:1')/roster/person`.
    """
    name, bracket, rest = text.partition("('")
    if not bracket:
        return shape.entity(name), None
    key, closed, path = rest.rpartition("')")
    if not closed:
        raise Refused(UNKNOWN, "There is no such table in this form.")
    steps = [step for step in path.split("/") if step]
    return shape.entity(".".join((shape.entity(name).name, *steps))), key.replace("''", "'")


def _wanted(call: Call, shape: Shape, address: str) -> Wanted:
    strange = sorted(name for name in call.query if name.startswith("$") and name not in _KNOWN)
    if strange:
        raise Refused(NOT_OFFERED, f"{', '.join(strange)} isn't offered.", {"expected": sorted(_KNOWN)})
    if call.query.get("$expand", "*") != "*":
        raise Refused(NOT_OFFERED, "Only $expand=* is offered: all repeats.")
    if call.query.get("$format", "json").lower() not in {"json", "application/json"}:
        raise Refused(NOT_OFFERED, "Only $format=json is offered.")
    entity, key = _address(shape, address)
    return Wanted(
        entity,
        key,
        Selection.read(shape, entity, call.query.get("$select", ""), call.flag("$wkt")),
        call.flag("$count"),
        "$expand" in call.query,
    )


def _ordered(call: Call, tables: Tables, wanted: Wanted) -> pl.DataFrame:
    """Ids of the rows that fit and their places, in order: latest interviews first, each as it stands."""
    frame = tables.frame(wanted.entity).with_row_index(PLACE)
    if wanted.key is not None:
        frame = frame.filter(pl.col(ID if wanted.entity.is_main else "__parent") == wanted.key)
    if not {"$filter", "$orderby"} & set(call.query):
        return frame.select(PLACE, ID).collect()
    properties = tables.properties(wanted.entity)
    if "$filter" in call.query:
        frame = frame.filter(compile_filter(parse_filter(call.query["$filter"]), properties, datetime.now(UTC)))
    if "$orderby" in call.query:
        names, descending = compile_orders(parse_orders(call.query["$orderby"]), properties)
        # OData: null is lower than any value.
        frame = frame.sort(names, descending=descending, nulls_last=descending, maintain_order=True)
    return frame.select(PLACE, ID).collect()


def _pieces(tables: Tables, wanted: Wanted, page: pl.DataFrame) -> Iterator[bytes]:
    """The rows of a page as JSON, commas between them, some thousands at a time: a whole table is long."""
    comma = ""
    for start in range(0, page.height, PIECE):
        places = page.get_column(PLACE).slice(start, PIECE)
        rows = tables.rows(wanted.entity, places)
        if wanted.expand:
            rows = expand_repeats(tables, wanted.entity, rows, wanted.selection)
        values = rows.select(row_values(tables, wanted.entity, wanted.selection, wanted.expand)).collect()
        yield (comma + values.write_json()[1:-1]).encode()
        comma = ","


def read_table(call: Call) -> object:
    """GET forms/F.svc/TABLE, or TABLE/$count for the number of its rows alone."""
    shape = shape_of(call)
    only_count = call.path["table"].endswith(COUNT)
    wanted = _wanted(call, shape, call.path["table"].removesuffix(COUNT))
    tables = open_tables(call.store, shape)
    ids = _ordered(call, tables, wanted)
    if only_count:
        return Response(str(ids.height), headers=ODATA, media_type="text/plain; charset=utf-8")
    if wanted.key is not None and wanted.entity.is_main and not ids.height:
        raise Refused(UNKNOWN, "There is no such interview in this table.")
    page, has_more = cut(call, ids, ID)
    head: dict[str, object] = {"@odata.context": f"{_service(call)}/$metadata#{wanted.entity.name}"}
    if wanted.count:
        head["@odata.count"] = ids.height
    if has_more:
        head["@odata.nextLink"] = next_link(call, _service(call), page.item(page.height - 1, ID))
    if not {"$skip", "$skiptoken"} & set(call.query):
        # Once a table, not once a page of it.
        call.record("export.odata", "form", call.path["form"], wanted.entity.name)
    begin = (json.dumps(head, ensure_ascii=False)[:-1] + ', "value": [').encode()
    pieces = _pieces(tables, wanted, page)
    # Made before the answer begins, so that what fails is told by its status.
    first = begin + next(pieces, b"")
    headers = ODATA | applied(call)
    if page.height <= PIECE:
        return Response(first + b"]}", headers=headers, media_type=JSON)
    return StreamingResponse(chain((first,), pieces, (b"]}",)), headers=headers, media_type=JSON)


_FORM = "/projects/{project}/forms/{form}"
_QUERY = {
    "$top": "At most so many rows.",
    "$skip": "Leave out so many rows.",
    "$count": "Tell how many rows there are in all.",
    "$filter": "OData filter on any property of the table, questions too.",
    "$select": "Only these properties, separated by commas.",
    "$expand": "`*`: rows of repeats within their interview.",
    "$orderby": "Properties to sort by, each with asc or desc.",
    "$wkt": "Positions as Well-Known Text instead of GeoJSON.",
    "$skiptoken": "From @odata.nextLink.",
}
ENDPOINTS = (
    Endpoint("GET", f"{_FORM}.svc", service_document, "The tables of a form.", "Tables (OData)"),
    Endpoint("GET", f"{_FORM}.svc/", service_document, "The same.", "Tables (OData)"),
    Endpoint(
        "GET", f"{_FORM}.svc/$metadata", metadata_document, "Their types.", "Tables (OData)", gives="application/xml"
    ),
    Endpoint("GET", f"{_FORM}.svc/{{table:path}}", read_table, "Rows of a table.", "Tables (OData)", query=_QUERY),
)
