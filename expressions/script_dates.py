"""Dates as Enketo and Web Forms take them: a text that looks like one is one.

Each has its own idea of such a text. Web Forms takes ISO texts only, and stops at days that don't exist. Enketo takes
whatever begins like a date, and what JavaScript's `Date` can read.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from expressions.dates import midnight, parse_moment
from expressions.javascript_dates import local_moment, parse_javascript_date
from expressions.profiles import Profile
from expressions.values import EPOCH_TIME, NAN, Value, fractional_days, script_parse, to_number
from schemas.errors import ExpressionError

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:T\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?(?P<offset>Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)
_OFFSET = re.compile(r"Z|[+-](?:0\d|1[0-4]):[0-5]\d", re.ASCII)
_LOOSE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_RAW_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


def looks_like_date(text: str, profile: Profile) -> bool:
    """Whether the engine takes a text for a day or moment in arithmetic and comparisons."""
    if not text[:4].isdigit():
        return False
    if profile is Profile.WEBFORMS:
        return _ISO.fullmatch(text) is not None
    return _LOOSE.match(text) is not None and "\n" not in text


def web_forms_moment(text: str, zone: tzinfo | None) -> datetime | None:
    """The moment that an ISO text names in Web Forms, null if it isn't one.

    Raises:
        ExpressionError: EXP-025, for a day or time that doesn't exist, as in '2024-02-30'.
    """
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    offset = found["offset"]
    if offset is not None and _OFFSET.fullmatch(offset) is None:
        return None
    clock = text.partition("T")[2]
    whole = text if len(clock.rstrip("Z")) != 2 else text.replace(clock, f"{clock[:2]}:00{clock[2:]}")
    moment = parse_moment(whole, zone)
    if moment is None and (offset is None or offset == "Z"):
        raise ExpressionError("EXP-025", f"'{text}' names a day or time that doesn't exist.", "Check the date.")
    return moment if isinstance(moment, datetime) or moment is None else midnight(moment, zone)


def enketo_days(text: str, zone: tzinfo | None) -> float:
    """Days since 1970-01-01T00:00Z of a text that looks like a date, by Enketo; days of the month may run over."""
    if "T" in text[1:]:
        found = parse_javascript_date(text, zone)
    else:
        year, month, day = ([script_parse(part) for part in text.split("-")] + [NAN, NAN, NAN])[:3]
        found = local_moment(year, month, day, zone)
    return NAN if found is None else fractional_days(found)


def enketo_moment(text: str, zone: tzinfo | None) -> datetime | None:
    """The moment that Enketo's date functions make of a text, null if none."""
    if _RAW_NUMBER.fullmatch(text):
        return moment_of(float(int(float(text))), zone)
    loose = _LOOSE.match(text)
    if loose is not None:
        year, month, day = (int(part) for part in loose.groups())
        found = parse_moment(f"{year:04d}-{month:02d}-{day:02d}{text[loose.end() :]}", zone)
        if isinstance(found, datetime) or found is None:
            return found or parse_javascript_date(text, zone)
        return midnight(found, zone)
    return parse_javascript_date(text, zone)


def script_number_of(value: Value, profile: Profile, zone: tzinfo | None) -> float:
    """A number in Enketo and Web Forms: dates, and texts that look like them, are days with a fraction."""
    if isinstance(value, str) and looks_like_date(value, profile):
        if profile is Profile.ENKETO:
            return enketo_days(value, zone)
        moment = web_forms_moment(value, zone)
        return NAN if moment is None else fractional_days(moment)
    return to_number(value, profile)


def moment_of(days: float, zone: tzinfo | None) -> datetime | None:
    """The moment so many days after 1970-01-01T00:00Z, null if out of range."""
    try:
        return (EPOCH_TIME + timedelta(days=days)).astimezone(zone or UTC)
    except (OverflowError, ValueError):
        return None


def as_moment(value: date, zone: tzinfo | None) -> datetime:
    """A date as the moment it begins; a moment as it is."""
    return value if isinstance(value, datetime) else midnight(value, zone)
