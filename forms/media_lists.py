"""External lists of a form (CSV, GeoJSON, XML) -> the items that `instance(...)` reaches."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from forms.xml_bytes import XmlRefusedError, local_name, read_xml
from schemas.fields import Form, SecondaryInstance

MAX_ITEMS: Final = 200_000


def fill_instances(form: Form, media: Mapping[str, bytes]) -> Form:
    """The form with the items of its external instances read from `media`; unreadable files leave them empty."""
    if not media:
        return form
    filled = {name: _fill(instance, media) for name, instance in form.instances.items()}
    return replace(form, instances=filled)


def _fill(instance: SecondaryInstance, media: Mapping[str, bytes]) -> SecondaryInstance:
    name = (instance.src or "").rpartition("/")[2]
    if not name or name not in media or instance.items:
        return instance
    return replace(instance, items=read_items(name, media[name]))


def read_items(name: str, data: bytes) -> tuple[Mapping[str, str], ...]:
    """The items of one list: rows of a CSV, features of a GeoJSON, children of the root of an XML.

    Empty if the file is of another kind or can't be read; at most `MAX_ITEMS`.
    """
    suffix = name.rpartition(".")[2].lower()
    try:
        if suffix == "csv":
            return tuple(_csv_items(data))[:MAX_ITEMS]
        if suffix == "geojson":
            return tuple(_feature(item) for item in json.loads(data)["features"])[:MAX_ITEMS]
        if suffix == "xml":
            root = read_xml(data)
            return tuple({local_name(child): str(child.text or "") for child in item} for item in root)[:MAX_ITEMS]
    except (ValueError, KeyError, TypeError, csv.Error, XmlRefusedError):
        return ()
    return ()


def _csv_items(data: bytes) -> list[Mapping[str, str]]:
    text = data.decode("utf-8-sig")
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip() for name in next(lines, [])]
    return [
        {name: (line[position].strip() if position < len(line) else "") for position, name in enumerate(names) if name}
        for line in lines
        if any(line)
    ]


def _feature(feature: Mapping[str, Any]) -> Mapping[str, str]:
    properties = {str(key): "" if value is None else str(value) for key, value in feature["properties"].items()}
    geometry = feature.get("geometry") or {}
    return {"id": str(feature.get("id", properties.get("id", ""))), **properties, "geometry": _positions(geometry)}


def _positions(geometry: Mapping[str, Any]) -> str:
    """Coordinates as ODK writes them: "latitude longitude altitude accuracy", points separated by ";"."""
    coordinates = geometry.get("coordinates", [])
    kind = geometry.get("type")
    if kind == "Point":
        coordinates = [coordinates]
    elif kind == "Polygon":
        coordinates = coordinates[0] if coordinates else []
    return ";".join(f"{point[1]} {point[0]} 0 0" for point in coordinates)
