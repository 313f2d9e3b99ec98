"""Dates as Enketo and Web Forms take them: a text that looks like one is one."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo

from expressions.dates import midnight, parse_moment
from expressions.values import EPOCH_TIME, NAN, fractional_days

_LOOKS = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)


def looks_like_date(text: str) -> bool:
    """Whether a text has the shape of an ISO day or moment."""
    return _LOOKS.fullmatch(text) is not None


def script_moment(text: str, zone: tzinfo | None) -> datetime | None:
    """The moment an ISO text names (a day begins at local midnight), null if it names none."""
    found = parse_moment(text, zone)
    if isinstance(found, datetime) or found is None:
        return found
    return midnight(found, zone)


def script_days(text: str, zone: tzinfo | None) -> float:
    """Days since 1970-01-01T00:00Z of an ISO text, NaN if it names no day."""
    found = script_moment(text, zone)
    return NAN if found is None else fractional_days(found)


def moment_of(days: float, zone: tzinfo | None) -> datetime | None:
    """The moment so many days after 1970-01-01T00:00Z, null if out of range."""
    try:
        return (EPOCH_TIME + timedelta(days=days)).astimezone(zone)
    except (OverflowError, ValueError):
        return None


def as_moment(value: date, zone: tzinfo | None) -> datetime:
    """A date as the moment it begins; a moment as it is."""
    return value if isinstance(value, datetime) else midnight(value, zone)
