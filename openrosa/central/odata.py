"""Tables as OData 4.0: `.svc`, `$metadata`, `Submissions` and a table a repeat, with paging that the server drives."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import polars as pl
from starlette.responses import Response

from openrosa.central.answers import HEADERS, NOT_OFFERED, UNEXPECTED, UNKNOWN, Refused, as_json
from openrosa.central.calls import PROJECT, Call, Endpoint
from openrosa.central.columns import compile_filter, compile_orders
from openrosa.central.definitions import definition
from openrosa.central.filters import parse_filter, parse_orders
from openrosa.central.frames import ID, SEQUENCE, Tables, open_tables
from openrosa.central.metadata import write_metadata
from openrosa.central.properties import Selection, expand_repeats, row_values
from openrosa.central.shapes import Entity, Shape, read_shape

ODATA = HEADERS | {"OData-Version": "4.0"}
JSON = "application/json; odata.metadata=minimal; charset=utf-8"
_KNOWN = {"$skip", "$top", "$count", "$filter", "$select", "$expand", "$orderby", "$wkt", "$skiptoken", "$format"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks of a table; numbers that it doesn't give are null."""

    entity: Entity
    key: str | None
    selection: Selection
    top: int | None
    skip: int
    after: str | None
    count: bool
    expand: bool
    page: int | None


def shape_of(call: Call) -> Shape:
    """The tables of the form in the address."""
    return read_shape(definition(call.store, call.path["form"]))


def _service(call: Call) -> str:
    return f"{call.base}/v1/projects/{PROJECT}/forms/{quote(call.path['form'], safe='')}.svc"


def service_document(call: Call) -> object:
    """GET forms/F.svc: the tables."""
    sets = [{"name": entity.name, "kind": "EntitySet", "url": entity.name} for entity in shape_of(call).entities]
    return as_json({"@odata.context": f"{_service(call)}/$metadata", "value": sets}, headers={"OData-Version": "4.0"})


def metadata_document(call: Call) -> object:
    """GET forms/F.svc/$metadata."""
    return Response(write_metadata(shape_of(call)), headers=ODATA, media_type="application/xml")


def _number(call: Call, name: str) -> int | None:
    text = call.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise Refused(UNEXPECTED, f"{name}: expected a whole number from 0.")
    return int(text)


def _page_size(call: Call) -> int | None:
    """The page size that a client prefers, null if none."""
    for part in call.headers.get("prefer", "").replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() in {"odata.maxpagesize", "maxpagesize"} and value.isdecimal() and int(value) > 0:
            return int(value)
    return None


def write_token(row_id: str) -> str:
    """A token for the page after a row."""
    return base64.urlsafe_b64encode(json.dumps({"after": row_id}).encode()).decode()


def _read_token(text: str) -> str:
    try:
        value = json.loads(base64.urlsafe_b64decode(text.encode()))
        return str(value["after"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise Refused(UNEXPECTED, "$skiptoken: this is no token of ours.") from None


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


def _wanted(call: Call, shape: Shape) -> Wanted:
    strange = sorted(name for name in call.query if name.startswith("$") and name not in _KNOWN)
    if strange:
        raise Refused(NOT_OFFERED, f"{', '.join(strange)} isn't offered.", {"expected": sorted(_KNOWN)})
    if call.query.get("$expand", "*") != "*":
        raise Refused(NOT_OFFERED, "Only $expand=* is offered: all repeats.")
    if call.query.get("$format", "json").lower() not in {"json", "application/json"}:
        raise Refused(NOT_OFFERED, "Only $format=json is offered.")
    entity, key = _address(shape, call.path["table"])
    token = call.query.get("$skiptoken")
    return Wanted(
        entity,
        key,
        Selection.read(shape, entity, call.query.get("$select", ""), call.flag("$wkt")),
        _number(call, "$top"),
        _number(call, "$skip") or 0,
        None if token is None else _read_token(token),
        call.flag("$count"),
        "$expand" in call.query,
        _page_size(call),
    )


def _ordered(call: Call, tables: Tables, wanted: Wanted) -> pl.DataFrame:
    """Ids of the rows that fit, in order: latest interviews first, their rows as they stand in them."""
    frame = tables.frame(wanted.entity)
    properties = tables.properties(wanted.entity)
    if wanted.key is not None:
        frame = frame.filter(pl.col(ID if wanted.entity.is_main else "__parent") == wanted.key)
    if "$filter" in call.query:
        frame = frame.filter(compile_filter(parse_filter(call.query["$filter"]), properties, datetime.now(UTC)))
    names: list[str] = []
    descending: list[bool] = []
    if "$orderby" in call.query:
        names, descending = compile_orders(parse_orders(call.query["$orderby"]), properties)
    # OData: null is lower than any value.
    keys = [*dict.fromkeys([*names, SEQUENCE])]
    falling = [*descending, True][: len(keys)]
    return frame.sort(keys, descending=falling, nulls_last=falling, maintain_order=True).select(ID).collect()


def _slice(ids: pl.DataFrame, wanted: Wanted) -> tuple[pl.DataFrame, bool]:
    """The page's ids, and whether others come after it."""
    start = wanted.skip
    if wanted.after is not None:
        at = ids.get_column(ID).index_of(wanted.after)
        if at is None:
            raise Refused(UNEXPECTED, "$skiptoken: the row after which the page begins is no longer there.")
        start = at + 1
    sizes = [size for size in (wanted.top, wanted.page) if size is not None]
    length = min(sizes) if sizes else None
    page = ids.slice(start, length)
    return page, bool(page.height) and start + page.height < ids.height


def _next_link(call: Call, page: pl.DataFrame) -> str:
    kept = {name: value for name, value in call.query.items() if name not in {"$skip", "$skiptoken"}}
    kept["$skiptoken"] = write_token(page.item(page.height - 1, ID))
    return f"{_service(call)}/{quote(call.path['table'], safe='.()')}?{urlencode(kept, safe='$*', quote_via=quote)}"


def read_table(call: Call) -> object:
    """GET forms/F.svc/TABLE."""
    shape = shape_of(call)
    wanted = _wanted(call, shape)
    tables = open_tables(call.store, shape)
    ids = _ordered(call, tables, wanted)
    if wanted.key is not None and wanted.entity.is_main and not ids.height:
        raise Refused(UNKNOWN, "There is no such interview in this table.")
    page, has_more = _slice(ids, wanted)
    rows = tables.frame(wanted.entity).join(page.lazy().with_row_index("__place"), on=ID, how="inner").sort("__place")
    if wanted.expand:
        rows = expand_repeats(tables, wanted.entity, rows, wanted.selection)
    values = rows.select(row_values(tables, wanted.entity, wanted.selection, wanted.expand)).collect()
    head: dict[str, object] = {"@odata.context": f"{_service(call)}/$metadata#{wanted.entity.name}"}
    if wanted.count:
        head["@odata.count"] = ids.height
    if has_more:
        head["@odata.nextLink"] = _next_link(call, page)
    body = json.dumps(head, ensure_ascii=False)[:-1] + ', "value": ' + values.write_json() + "}"
    headers = ODATA | ({"Preference-Applied": f"odata.maxpagesize={wanted.page}"} if wanted.page else {})
    return Response(body, headers=headers, media_type=JSON)


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
