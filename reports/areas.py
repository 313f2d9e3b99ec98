"""Many communes on one map, coloured by an indicator: a panel a region, drawn once and coloured in each language.

Boundaries are those of `maps`. A panel shows whole regions to their own scale: Chile on one sheet would be a line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Final

from markupsafe import Markup

from reports.charts import hatching
from reports.maps import find_boundary
from reports.outlines import Scale, outline, parts_of
from reports.places import Place
from schemas.communes import read_communes

_WIDE: Final = 440
_HIGH: Final = 440
_PANEL: Final = 210
"""Width and height that a panel has at most, alone and among others."""

_FAR: Final = 4.0
"""Degrees from the middle of its region at which a commune isn't drawn: islands would shrink all others to dots."""

_HIDDEN: Final = "a-hidden"
_WEAK: Final = "a-weak"


@dataclass(frozen=True, slots=True)
class Area:
    """One commune: its code, its name and its outline."""

    cut: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One region to its own scale; `north` is its northern end in degrees."""

    region: str
    north: float
    width: int
    height: int
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class AreaMap:
    """A map without colours; `undrawn` are the names of communes too far away."""

    panels: tuple[Panel, ...]
    undrawn: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Colour:
    """How a commune is filled.

    Attributes:
        step: class from 0, -1 without a figure.
        text: its figure, for those who point at it.
        is_hidden: hatched, withheld.
        is_weak: dotted, weakly reliable or not.
    """

    step: int
    text: str
    is_hidden: bool = False
    is_weak: bool = False


def draw_areas(places: Sequence[Place]) -> AreaMap | None:
    """The map of these communes within their regions, null if no boundary is known."""
    regions = dict.fromkeys(place.region_code for place in places if place.region_code)
    found = [_panel(region, len(regions) > 1) for region in regions]
    panels = tuple(sorted((panel for panel, _ in found if panel.areas), key=lambda panel: -panel.north))
    asked = {place.cut for place in places}
    far = tuple(name for _, undrawn in found for cut, name in undrawn if cut in asked)
    return AreaMap(panels, far) if panels else None


def colour_areas(found: AreaMap, colours: Mapping[str, Colour], description: str) -> Markup:
    """The map in one language.

    Args:
        found: the map.
        colours: CUT code -> how it is filled; a commune that isn't named stays grey.
        description: for those who can't see it.
    """
    several = len(found.panels) > 1
    pictures = []
    for at, panel in enumerate(found.panels):
        patterns = f"{hatching(_HIDDEN)}{_dots()}" if at == 0 else ""
        shapes = "".join(_shape(area, colours.get(area.cut)) for area in panel.areas)
        head = f"<span>{escape(panel.region)}</span>" if several else ""
        pictures.append(
            f'<div class="panel">{head}<svg viewBox="0 0 {panel.width} {panel.height}" width="{panel.width}" '
            f'height="{panel.height}" aria-hidden="true">{patterns}{shapes}</svg></div>'
        )
    kind = "areas several" if several else "areas"
    return Markup(  # noqa: S704 every text is escaped
        f'<div class="{kind}" role="img" aria-label="{escape(description)}">{"".join(pictures)}</div>'
    )


def _shape(area: Area, colour: Colour | None) -> str:
    if colour is None:
        return f'<path class="a-none" d="{area.path}"><title>{escape(area.name)}</title></path>'
    title = f"<title>{escape(area.name)}: {escape(colour.text)}</title>"
    if colour.is_hidden:
        return f'<path class="a-void" fill="url(#{_HIDDEN})" d="{area.path}">{title}</path>'
    if colour.step < 0:
        return f'<path class="a-none" d="{area.path}">{title}</path>'
    shape = f'<path class="a-{colour.step}" d="{area.path}">{title}</path>'
    return f'{shape}<path class="a-over" fill="url(#{_WEAK})" d="{area.path}"/>' if colour.is_weak else shape


def _dots() -> str:
    return (
        f'<pattern id="{_WEAK}" width="5" height="5" patternUnits="userSpaceOnUse">'
        '<circle class="a-dot" cx="1.5" cy="1.5" r="1"/></pattern>'
    )


def _panel(region: str, is_one_of_several: bool) -> tuple[Panel, list[tuple[str, str]]]:
    """A region's communes, and (code, name) of those that aren't drawn."""
    import shapely

    communes = [commune for commune in read_communes().values() if commune.region_code == region]
    known = [(each, boundary) for each in communes if (boundary := find_boundary(each.cut)) is not None]
    largest = {each.cut: next(parts_of(boundary)) for each, boundary in known}
    middle = [median(point) for point in zip(*(area.centroid.coords[0] for area in largest.values()), strict=True)]
    near = [
        (each, boundary)
        for each, boundary in known
        if all(abs(one - other) < _FAR for one, other in zip(largest[each.cut].centroid.coords[0], middle, strict=True))
    ]
    far = [(each.cut, each.name) for each, _ in known if each.cut not in {one.cut for one, _ in near}]
    name = communes[0].region
    if not near:
        return Panel(name, 0.0, 0, 0, ()), far
    frame = shapely.box(*shapely.union_all([largest[each.cut] for each, _ in near]).bounds)
    scale = Scale(frame.bounds, _PANEL if is_one_of_several else _WIDE, _PANEL if is_one_of_several else _HIGH)
    areas = tuple(
        Area(each.cut, each.name, path)
        for each, boundary in near
        if (path := scale.path(outline(boundary, frame, scale)))
    )
    return Panel(name, frame.bounds[3], scale.width, scale.height, areas), far
