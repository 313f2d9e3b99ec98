"""Typed columns as OData writes them: times, and positions as GeoJSON or as Well-Known Text. All at once, in Polars."""

from __future__ import annotations

import polars as pl

from schemas.fields import PRESENT, Field

GEOGRAPHIES = {"geopoint": "Point", "geotrace": "LineString", "geoshape": "Polygon"}
EDM = {
    "int": "Edm.Int64",
    "decimal": "Edm.Double",
    "date": "Edm.Date",
    "dateTime": "Edm.DateTimeOffset",
    "geopoint": "Edm.GeographyPoint",
    "geotrace": "Edm.GeographyLineString",
    "geoshape": "Edm.GeographyPolygon",
}
_MOMENT = "%Y-%m-%dT%H:%M:%S%.3fZ"


def edm_type(field: Field) -> str:
    """The type of a question's property."""
    return EDM.get(field.type, "Edm.String")


def _point(text: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr, pl.Expr]:
    """Longitude, latitude, altitude and accuracy of `latitude longitude altitude accuracy`."""
    parts = text.str.strip_chars().str.replace_all(",", " ", literal=True).str.split(" ")
    parts = parts.list.eval(pl.element().filter(pl.element() != ""))
    numbers = parts.list.eval(pl.element().cast(pl.Float64, strict=False))
    get = [numbers.list.get(index, null_on_oob=True) for index in range(4)]
    return get[1], get[0], get[2], get[3]


def position_parts(column: pl.Expr, header: str) -> list[pl.Expr]:
    """A position as Central's CSV has it: four columns."""
    longitude, latitude, altitude, accuracy = _point(column)
    parts = {"Latitude": latitude, "Longitude": longitude, "Altitude": altitude, "Accuracy": accuracy}
    return [part.alias(f"{header}-{name}") for name, part in parts.items()]


def _coordinates(text: pl.Expr) -> pl.Expr:
    """`[longitude, latitude, altitude]`, without the altitude where there is none."""
    longitude, latitude, altitude, _ = _point(text)
    flat = pl.concat_list(longitude, latitude)
    return pl.when(altitude.is_null()).then(flat).otherwise(pl.concat_list(longitude, latitude, altitude))


def _vertices(text: pl.Expr) -> pl.Expr:
    """The points of `point; point; ...`, one text each."""
    pieces = text.str.split(";").list.eval(pl.element().str.strip_chars())
    return pieces.list.eval(pl.element().filter(pl.element() != ""))


def geojson(column: pl.Expr, kind: str) -> pl.Expr:
    """A position as GeoJSON, null where unanswered."""
    if kind == "geopoint":
        _, _, _, accuracy = _point(column)
        shape = pl.struct(
            pl.lit("Point").alias("type"),
            _coordinates(column).alias("coordinates"),
            pl.struct(accuracy.alias("accuracy")).alias("properties"),
        )
    else:
        points = _vertices(column).list.eval(_coordinates(pl.element()))
        if kind == "geoshape":
            # One ring; a bare list of lists would be taken as the list's own items.
            ring = pl.concat_list(pl.struct(points.alias("ring")))
            points = ring.list.eval(pl.element().struct.field("ring"))
        shape = pl.struct(pl.lit(GEOGRAPHIES[kind]).alias("type"), points.alias("coordinates"))
    return pl.when(column.is_not_null()).then(shape)


def _wkt_vertex(text: pl.Expr) -> pl.Expr:
    longitude, latitude, altitude, _ = _point(text)
    flat = pl.concat_str(longitude, pl.lit(" "), latitude)
    high = pl.concat_str(flat, pl.lit(" "), altitude)
    return pl.when(altitude.is_null()).then(flat).otherwise(high)


def wkt(column: pl.Expr, kind: str) -> pl.Expr:
    """A position as Well-Known Text, null where unanswered."""
    if kind == "geopoint":
        return pl.concat_str(pl.lit("POINT ("), _wkt_vertex(column), pl.lit(")"))
    points = _vertices(column).list.eval(_wkt_vertex(pl.element())).list.join(",")
    opening, closing = ("LINESTRING (", ")") if kind == "geotrace" else ("POLYGON ((", "))")
    return pl.concat_str(pl.lit(opening), points, pl.lit(closing))


def moment(column: pl.Expr) -> pl.Expr:
    """A time as Central writes it."""
    return column.dt.strftime(_MOMENT)


def as_odata(field: Field, dtype: pl.DataType, in_wkt: bool) -> pl.Expr:
    """A question's values as JSON will have them."""
    column = pl.col(field.column)
    if isinstance(dtype, pl.Datetime):
        return moment(column)
    if dtype == pl.String and field.type in GEOGRAPHIES:
        return wkt(column, field.type) if in_wkt else geojson(column, field.type)
    return column


def without_marks(frame: pl.LazyFrame, columns: list[str]) -> pl.LazyFrame:
    """The frame, with null in place of every mark of a personal answer: an earlier version may have had them.

    Args:
        frame: a typed table.
        columns: those of its columns that hold texts.
    """
    return frame.with_columns(pl.when(pl.col(name) != PRESENT).then(pl.col(name)).alias(name) for name in columns)
