"""Texts that JavaScript's `Date` reads: ISO in its shorter forms, and the older ones with names of months."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_ISO_TIME = re.compile(
    r"(?P<day>\d{4}-\d{1,2}-\d{1,2})[T ](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<part>\d+))?)?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?\b", re.ASCII)
_ZONE = re.compile(r"(?:GMT|UTC|\bZ\b)\s*([+-]\d{2}:?\d{2})?|(?<=[\d ])([+-]\d{2}:?\d{2})$", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SLASHED = re.compile(r"(\d{1,4})[/-](\d{1,2})[/-](\d{1,4})", re.ASCII)


def parse_javascript_date(text: str, zone: tzinfo | None) -> datetime | None:
    """The moment in `zone` that a text names for JavaScript, null if it names none.

    Days without time are in UTC if written as ISO, else local.

    >>> parse_javascript_date("Mon Nov 23 2026 20:21:13 GMT-0700 (Mountain Standard Time)", UTC).isoformat()
    '2026-11-24T03:21:13+00:00'
    """
    stripped = text.strip()
    iso = _ISO.fullmatch(stripped)
    if iso is not None:
        year, month, day = iso.groups()
        if not _is_near(int(month or 1), int(day or 1)):
            return None
        found = local_moment(float(year), float(month or 1), float(day or 1), UTC)
        return found.astimezone(zone) if found is not None else None
    timed = _ISO_TIME.fullmatch(stripped)
    if timed is not None:
        return _timed(timed, zone)
    return _older(re.sub(r"\([^)]*\)", " ", stripped), zone)


def local_moment(year: float, month: float, day: float, zone: tzinfo | None) -> datetime | None:
    """The beginning of a day in `zone`; a day or month beyond the last runs over, as in JavaScript."""
    if any(part != part for part in (year, month, day)):
        return None
    months = int(year) * 12 + int(month) - 1
    try:
        first = datetime(months // 12, months % 12 + 1, 1)
        return (first + timedelta(days=int(day) - 1)).replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def _is_near(month: int, day: int) -> bool:
    """Whether a day may run over into the next month, as 30 February; a 13th month never does."""
    return 1 <= month <= 12 and 1 <= day <= 31


def _timed(found: re.Match[str], zone: tzinfo | None) -> datetime | None:
    year, month, day = (float(part) for part in found["day"].split("-"))
    if not _is_near(int(month), int(day)):
        return None
    own = _zone(found["zone"]) if found["zone"] else zone
    start = local_moment(year, month, day, own)
    if start is None or int(found["hour"]) > 24 or int(found["minute"]) > 59 or int(found["second"] or 0) > 59:
        return None
    part = int(((found["part"] or "") + "000000")[:6])
    clock = timedelta(hours=int(found["hour"]), minutes=int(found["minute"]), seconds=int(found["second"] or 0))
    return (start + clock + timedelta(microseconds=part)).astimezone(zone)


def _zone(text: str) -> tzinfo:
    digits = text.strip("Z").replace(":", "")
    if not digits:
        return UTC
    delta = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return timezone(-delta if digits[0] == "-" else delta)


def _older(text: str, zone: tzinfo | None) -> datetime | None:
    """`Nov 23 2026 20:21:13 GMT-0700`, `23 November 2026`, `11/23/2026 8:21 PM`."""
    zoned = _ZONE.search(text)
    own = _zone(zoned.group(1) or zoned.group(2) or "") if zoned else zone
    rest = text.replace(zoned.group(), " ") if zoned else text
    clock = _CLOCK.search(rest)
    rest = rest.replace(clock.group(), " ") if clock else rest
    start = _day(rest, own)
    if start is None:
        return None
    if clock is not None:
        hour = int(clock.group(1)) % 12 if clock.group(4) else int(clock.group(1))
        hour += 12 if (clock.group(4) or "").lower() == "pm" else 0
        if hour > 24 or int(clock.group(2)) > 59 or int(clock.group(3) or 0) > 59:
            return None
        start += timedelta(hours=hour, minutes=int(clock.group(2)), seconds=int(clock.group(3) or 0))
    return start.astimezone(zone)


def _day(text: str, zone: tzinfo | None) -> datetime | None:
    slashed = _SLASHED.fullmatch(text.strip())
    if slashed is not None:
        one, two, three = (float(part) for part in slashed.groups())
        year, month, day = (one, two, three) if one > 31 else (three, one, two)
        return local_moment(year, month, day, zone) if _is_near(int(month), int(day)) else None
    words = re.findall(r"[A-Za-z]+|\d+", text)
    months = [_MONTHS.index(word[:3].lower()) + 1 for word in words if word[:3].lower() in _MONTHS]
    numbers = [int(word) for word in words if word.isdigit()]
    if len(months) != 1 or len(numbers) not in {1, 2}:
        return None
    day, year = (numbers[0], numbers[1]) if len(numbers) == 2 else (numbers[0], 2001)
    if day > 31:
        day, year = year, day
    if day > 31:
        return None
    return local_moment(float(year), float(months[0]), float(day), zone)
