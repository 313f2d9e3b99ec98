"""Areas and distances on the earth, as the engines compute them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from expressions.registry import JAVA, Function, flatten, over_values
from expressions.scope import Frame
from expressions.values import NAN, Value, to_string

if TYPE_CHECKING:
    from collections.abc import Iterable

RADIUS = 6_378_100.0
"""Radius of the earth in metres that every engine of ODK uses."""

Point = tuple[float, float]


def read_points(texts: Iterable[str]) -> list[Point] | None:
    """Latitude and longitude of each point of geopoints, traces and shapes; null if a text is no position."""
    points: list[Point] = []
    for text in texts:
        for part in text.split(";"):
            words = part.split()
            if not words:
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
    """Metres along the great circle."""
    latitude1, longitude1 = map(math.radians, start)
    latitude2, longitude2 = map(math.radians, end)
    half_latitude = math.sin((latitude2 - latitude1) / 2)
    half_longitude = math.sin((longitude2 - longitude1) / 2)
    share = half_latitude**2 + half_longitude**2 * math.cos(latitude1) * math.cos(latitude2)
    return 2 * RADIUS * math.asin(math.sqrt(min(1.0, share)))


def length_of(points: list[Point]) -> float:
    """Metres along a trace."""
    return sum(distance_between(start, end) for start, end in zip(points, points[1:], strict=False))


def area_of(points: list[Point]) -> float:
    """Square metres within a shape; it is closed if its last point isn't its first."""
    if len(points) < 3:
        return 0.0
    closed = points if points[0] == points[-1] else [*points, points[0]]
    total = 0.0
    for (latitude1, longitude1), (latitude2, longitude2) in zip(closed, closed[1:], strict=False):
        total += math.radians(longitude2 - longitude1) * (
            2 + math.sin(math.radians(latitude1)) + math.sin(math.radians(latitude2))
        )
    return abs(total * RADIUS * RADIUS / 2)


def _points(frame: Frame, values: list[Value]) -> list[Point] | None:
    texts = [to_string(value, frame.profile) for value in flatten(values)]
    return read_points(texts)


def _area(frame: Frame, values: list[Value]) -> float:
    points = _points(frame, values)
    return NAN if points is None else area_of(points)


def _distance(frame: Frame, values: list[Value]) -> float:
    points = _points(frame, values)
    if points is None:
        return NAN
    return length_of(points)


FUNCTIONS: dict[str, Function] = {
    "area": over_values("number", 1, 1, _area),
    "enclosed-area": over_values("number", 1, 1, _area, JAVA),
    "distance": over_values("number", 1, None, _distance),
}
