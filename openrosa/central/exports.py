"""Exports: CSV with a file a repeat in a zip, and GeoJSON of the main table's first position that isn't personal."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

import polars as pl
from starlette.responses import Response

from openrosa.central.answers import HEADERS
from openrosa.central.calls import Call, Endpoint
from openrosa.central.columns import compile_filter
from openrosa.central.filters import parse_filter
from openrosa.central.forms import disposition
from openrosa.central.frames import ID, SYSTEM, Tables
from openrosa.central.odata import shape_of
from openrosa.central.shapes import Entity
from openrosa.central.tables import open_tables
from openrosa.central.values import GEOGRAPHIES, as_odata, moment, position_parts
from schemas.fields import Field

_TAIL = {
    "SubmitterID": "submitterId",
    "SubmitterName": "submitterName",
    "AttachmentsPresent": "attachmentsPresent",
    "AttachmentsExpected": "attachmentsExpected",
    "Status": "status",
    "ReviewState": "reviewState",
    "DeviceID": "deviceId",
    "Edits": "edits",
    "FormVersion": "formVersion",
}


def _rows(call: Call, tables: Tables, entity: Entity) -> pl.LazyFrame:
    """The rows of a table that belong to interviews which fit the filter, latest interviews first."""
    frame = tables.frame(entity)
    if "$filter" not in call.query:
        return frame
    main = tables.shape.entities[0]
    properties = tables.properties(main)
    wanted = compile_filter(parse_filter(call.query["$filter"]), properties, datetime.now(UTC))
    return frame.join(
        tables.frame(main).filter(wanted).select("__first"), on="__first", how="semi", maintain_order="left"
    )


def _cells(field: Field, header: str, dtype: pl.DataType, split: bool) -> Iterator[pl.Expr]:
    if field.type == "geopoint" and dtype == pl.String:
        yield from position_parts(pl.col(field.column), header)
        return
    if isinstance(dtype, pl.Datetime):
        yield moment(pl.col(field.column)).alias(header)
        return
    yield pl.col(field.column).alias(header)
    if split and field.is_multiple:
        chosen = pl.col(field.column).str.split(" ")
        for choice in field.choices:
            yield chosen.list.contains(choice.value).cast(pl.Int8).alias(f"{header}/{choice.value}")


def _columns(call: Call, tables: Tables, entity: Entity) -> Iterator[pl.Expr]:
    schema = tables.schema(entity)
    with_groups = call.query.get("groupPaths", "true").lower() != "false"
    split = call.flag("splitSelectMultiples")
    if entity.is_main:
        yield moment(pl.col(f"{SYSTEM}/submissionDate")).alias("SubmissionDate")
    taken: set[str] = set()
    for path, field in tables.shape.leaves(entity.root):
        short = path.rpartition("/")[2]
        header = short if not with_groups and short not in taken else path.replace("/", "-")
        taken.add(header)
        yield from _cells(field, header, schema[field.column], split)
    if not entity.is_main:
        yield pl.col("__parent").alias("PARENT_KEY")
    yield pl.col(ID).alias("KEY")
    for repeat in tables.shape.repeats(entity.root):
        yield pl.concat_str(pl.col(ID), pl.lit(f"/{repeat.name}")).alias(f"SET-OF-{repeat.name}")
    if entity.is_main:
        for header, name in _TAIL.items():
            yield pl.col(f"{SYSTEM}/{name}").alias(header)


def csv_zip(call: Call) -> object:
    """GET submissions.csv.zip: `F.csv`, and `F-person.csv` for each repeat."""
    tables = open_tables(call.store, shape_of(call))
    form_id = call.path["form"]
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for entity in tables.shape.entities:
            name = "-".join((form_id, *entity.path[-1:])) if not entity.is_main else form_id
            frame = _rows(call, tables, entity).select(*_columns(call, tables, entity)).collect()
            archive.writestr(f"{name.replace('/', '_')}.csv", frame.write_csv())
    call.record("export.csv", "form", form_id, f"{len(tables.shape.entities)} tables")
    headers = HEADERS | disposition(f"{form_id}.zip")
    return Response(packed.getvalue(), headers=headers, media_type="application/zip")


def csv_main(call: Call) -> object:
    """GET submissions.csv: the main table alone."""
    tables = open_tables(call.store, shape_of(call))
    main = tables.shape.entities[0]
    frame = _rows(call, tables, main).select(*_columns(call, tables, main)).collect()
    call.record("export.csv", "form", call.path["form"], "main table")
    headers = HEADERS | disposition(f"{call.path['form']}.csv")
    return Response(frame.write_csv(), headers=headers, media_type="text/csv; charset=utf-8")


def geojson(call: Call) -> object:
    """GET submissions.geojson: one feature an interview with a position; the form's first that isn't personal."""
    tables = open_tables(call.store, shape_of(call))
    main = tables.shape.entities[0]
    positions = [(path, field) for path, field in tables.shape.leaves(main.root) if field.type in GEOGRAPHIES]
    features = "[]"
    if positions:
        path, field = positions[0]
        kind = tables.schema(main)[field.column]
        known = _rows(call, tables, main).filter(pl.col(field.column).is_not_null())
        feature = (
            pl.lit("Feature").alias("type"),
            pl.col(ID).alias("id"),
            pl.struct(pl.lit(path).alias("fieldpath")).alias("properties"),
            as_odata(field, kind, False).alias("geometry"),
        )
        features = known.select(*feature).collect().write_json()
    call.record("export.geojson", "form", call.path["form"])
    body = json.dumps({"type": "FeatureCollection"})[:-1] + f', "features": {features}}}'
    return Response(body, headers=HEADERS, media_type="application/geo+json")


_FORM = "/projects/{project}/forms/{form}"
_TAG = "Exports"
_QUERY = {
    "$filter": "OData filter on the main table.",
    "groupPaths": "false leaves the names of groups out of headers.",
    "splitSelectMultiples": "true adds a column for each choice.",
}
ENDPOINTS = (
    Endpoint(
        "GET",
        f"{_FORM}/submissions.csv.zip",
        csv_zip,
        "All tables as CSV.",
        _TAG,
        query=_QUERY,
        gives="application/zip",
    ),
    Endpoint("POST", f"{_FORM}/submissions.csv.zip", csv_zip, "The same.", _TAG, query=_QUERY, gives="application/zip"),
    Endpoint("GET", f"{_FORM}/submissions.csv", csv_main, "The main table.", _TAG, query=_QUERY, gives="text/csv"),
    Endpoint("POST", f"{_FORM}/submissions.csv", csv_main, "The same.", _TAG, query=_QUERY, gives="text/csv"),
    Endpoint(
        "GET",
        f"{_FORM}/submissions.geojson",
        geojson,
        "Positions that aren't personal.",
        _TAG,
        query={"$filter": _QUERY["$filter"]},
        gives="application/geo+json",
    ),
)
