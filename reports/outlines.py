"""Outlines of places as paths of a drawing: degrees to pixels, and no more points than can be seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

_UNSEEN: Final = 0.7
"""Pixels by which a boundary may stray."""

_SPECK: Final = 6.0
"""Square pixels of an islet that is left out."""

Bounds = tuple[float, float, float, float]
"""West, south, east, north, in degrees."""


class Scale:
    """Degrees to pixels within a box, equirectangular at its own latitude.

    Args:
        bounds: of the box.
        width: in pixels.
        height: at most so many pixels; null for as many as the width asks for.
    """

    def __init__(self, bounds: Bounds, width: float, height: float | None = None) -> None:
        west, south, east, north = bounds
        self._west, self._north = west, north
        narrow = math.cos(math.radians((south + north) / 2))
        down = width / ((east - west) * narrow)
        self._down = down if height is None else min(down, height / (north - south))
        self._across = self._down * narrow
        self.width = round((east - west) * self._across)
        self.height = round((north - south) * self._down)

    @property
    def pixel(self) -> float:
        """Degrees of a pixel."""
        return 1 / self._down

    def point(self, longitude: float, latitude: float) -> tuple[float, float]:
        """The place on the drawing."""
        return (longitude - self._west) * self._across, (self._north - latitude) * self._down

    def path(self, geometry: Any) -> str:  # noqa: ANN401 shapely ships no types
        """A polygon, or several, as the text of a path; "" if nothing of it can be seen."""
        return "".join(self._ring(ring) for part in parts_of(geometry) for ring in (part.exterior, *part.interiors))

    def _ring(self, ring: Any) -> str:  # noqa: ANN401 as above
        points = [tuple(map(round, self.point(x, y))) for x, y, *_ in ring.coords[:-1]]
        kept = [point for at, point in enumerate(points) if point != points[at - 1]]
        if len(kept) < 3 or _area(kept) < 2:
            return ""
        return "M" + "L".join(f"{x} {y}" for x, y in kept) + "Z"


def outline(geometry: Any, frame: Any, scale: Scale) -> Any:  # noqa: ANN401 as above
    """What can be seen of a shape within a frame at a scale: a simpler shape, without islets of a few pixels."""
    import shapely

    parts = shapely.get_parts(geometry)
    areas = shapely.area(parts)
    kept = parts[(areas > _SPECK * scale.pixel**2) | (areas == areas.max())]
    kept = kept[shapely.intersects(shapely.box(*shapely.bounds(kept).T), frame)]
    clipped = shapely.intersection(shapely.simplify(kept, _UNSEEN * scale.pixel), frame)
    polygons = [part for part in shapely.get_parts(clipped) if part.geom_type == "Polygon" and not part.is_empty]
    return shapely.MultiPolygon(polygons)


def parts_of(geometry: Any) -> Iterator[Any]:  # noqa: ANN401 as above
    """The polygons of a shape, the largest first."""
    parts = getattr(geometry, "geoms", [geometry])
    found = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    yield from sorted(found, key=lambda part: -part.area)


def main_bounds(geometry: Any, share: float = 0.9) -> Bounds:  # noqa: ANN401 as above
    """Bounds of the largest polygons that make up this share of a shape: far islets don't count."""
    import shapely

    kept, area = [], 0.0
    for part in parts_of(geometry):
        kept.append(part)
        area += part.area
        if area >= share * geometry.area:
            break
    west, south, east, north = shapely.union_all(kept).bounds
    return west, south, east, north


def _area(points: list[tuple[int, ...]]) -> float:
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True))) / 2
