"""Areas and distances on the earth, as the engines compute them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from expressions.functions.number import round_script
from expressions.profiles import Profile
from expressions.registry import JAVA, Function, flatten, over_values
from expressions.scope import Frame
from expressions.values import NAN, Value, to_string
from schemas.errors import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Iterable

RADIUS = 6_378_100.0
"""Radius of the earth in metres that every engine of ODK uses."""

Point = tuple[float, float]


def read_points(texts: Iterable[str], blank: bool = True) -> list[Point] | None:
    """Latitude and longitude of each point of geopoints, traces and shapes; null if a text is no position.

    Args:
        blank: whether nothing between two semicolons is passed over (else it is no position).
    """
    points: list[Point] = []
    for text in texts:
        for part in text.split(";"):
            words = part.split()
            if not words and blank:
                continue
            try:
                latitude, longitude = float(words[0]), float(words[1])
            except (ValueError, IndexError):
                return None
            if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
                return None
            points.append((latitude, longitude))
    return points


def distance_between(start: Point, end: Point) -> float:
    """Metres along the great circle, by the law of cosines, as every engine has it."""
    latitude1, longitude1 = map(math.radians, start)
    latitude2, longitude2 = map(math.radians, end)
    share = math.sin(latitude1) * math.sin(latitude2)
    share += math.cos(latitude1) * math.cos(latitude2) * math.cos(longitude1 - longitude2)
    return math.acos(max(-1.0, min(1.0, share))) * RADIUS


def area_of(points: list[Point]) -> float:
    """Square metres within a shape, by spherical excess (Enketo, Web Forms)."""
    total = 0.0
    for (latitude1, longitude1), (latitude2, longitude2) in pairwise([*points, points[0]]):
        sines = 2 + math.sin(math.radians(latitude1)) + math.sin(math.radians(latitude2))
        total += math.radians(longitude2 - longitude1) * sines
    return abs(total * RADIUS * RADIUS / 2)


def java_area_of(points: list[Point]) -> float:
    """Square metres within a shape, on a plane through its first point (JavaRosa)."""
    circumference = 2 * math.pi * RADIUS
    latitude0, longitude0 = points[0]
    placed = [
        (
            (longitude - longitude0) * circumference * math.cos(math.radians(latitude)) / 360,
            (latitude - latitude0) * circumference / 360,
        )
        for latitude, longitude in points
    ]
    return abs(math.fsum((y1 * x2 - x1 * y2) / 2 for (x1, y1), (x2, y2) in pairwise(placed)))


def holds_point(points: list[Point], point: Point) -> bool:
    """Whether a closed shape holds a point, by counting the edges that a ray from it crosses."""
    if len(points) < 4 or points[0] != points[-1]:
        return False
    latitude, longitude = point
    inside = False
    for (latitude1, longitude1), (latitude2, longitude2) in pairwise(points):
        if (longitude1 > longitude) != (longitude2 > longitude):
            slope = (latitude2 - latitude1) / (longitude2 - longitude1)
            if latitude < slope * (longitude - longitude1) + latitude1:
                inside = not inside
    return inside


def _points(frame: Frame, values: list[Value]) -> list[Point] | None:
    enketo = frame.profile is Profile.ENKETO
    texts = [to_string(value, frame.profile) for value in flatten(values[:1] if enketo else values)]
    return read_points(texts, blank=not enketo) if texts else None if enketo else []


def _area(frame: Frame, values: list[Value]) -> float:
    points = _points(frame, values)
    if points is None and frame.profile is Profile.ENKETO:
        return NAN
    if points is None or len(points) < 3:
        return 0.0
    if frame.profile is Profile.JAVAROSA:
        return java_area_of(points)
    return round_script(area_of(points), 2)


def _distance(frame: Frame, values: list[Value]) -> float:
    points = _points(frame, values)
    if points is None and frame.profile is Profile.ENKETO:
        return NAN
    if points is None or (len(points) < 2 and frame.profile is Profile.WEBFORMS):
        raise ExpressionError("EXP-023", "distance() got what is no position.", "Give it points, lines or shapes.")
    if frame.profile is Profile.JAVAROSA:
        return sum((distance_between(start, end) for start, end in pairwise(points)), 0.0)
    return round_script(sum((distance_between(start, end) for start, end in pairwise(points)), 0.0), 2)


def _geofence(frame: Frame, values: list[Value]) -> bool:
    point, shape = _points(frame, values[:1]), _points(frame, values[1:])
    return point is not None and len(point) > 0 and shape is not None and holds_point(shape, point[0])


FUNCTIONS: dict[str, Function] = {
    "area": over_values("number", 1, 1, _area),
    "enclosed-area": over_values("number", 1, 1, _area, JAVA),
    "distance": over_values("number", 1, None, _distance),
    "geofence": over_values("boolean", 2, 2, _geofence, frozenset((Profile.JAVAROSA, Profile.WEBFORMS))),
}
