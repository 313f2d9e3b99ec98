"""Which texts are values of which type, told by Python's own rules: for the slow reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime

UNTYPED = frozenset({"string", "binary", "barcode", ""})
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT")


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]+", text) is not None and not is_large(text)


def is_large(text: str) -> bool:
    """A whole number that the standard doesn't allow: it is told, and kept."""
    return re.fullmatch(r"[+-]?[0-9]+", text) is not None and not -(2**31) <= int(text) < 2**31


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        return abs(float(text)) < float("inf")
    return False


def _is_day(text: str) -> bool:
    with suppress(ValueError):
        return len(text) == 10 and bool(date.fromisoformat(text))
    return False


def _is_moment(text: str) -> bool:
    with suppress(ValueError):
        return "T" in text and bool(datetime.fromisoformat(text))
    return False


def _is_time(text: str) -> bool:
    return _is_moment(f"2026-01-01T{text}")


def _is_point(text: str) -> bool:
    parts = text.replace(",", " ").split()
    with suppress(ValueError):
        numbers = [float(part) for part in parts]
        return 2 <= len(numbers) <= 4 and abs(numbers[0]) <= 90 and abs(numbers[1]) <= 180
    return False


def _is_line(text: str) -> bool:
    return all(_is_point(part.strip()) for part in text.rstrip().removesuffix(";").split(";"))


READABLE: Mapping[str, Callable[[str], bool]] = {
    "int": _is_integer,
    "decimal": _is_number,
    "date": _is_day,
    "dateTime": _is_moment,
    "time": _is_time,
    "geopoint": _is_point,
    "geotrace": _is_line,
    "geoshape": _is_line,
    "boolean": {"true", "false", "1", "0"}.__contains__,
}
