"""Days and moments: reading ISO texts, and writing dates by ODK's format letters."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

_DATE = r"(\d{1,9})-(\d{1,9})-(\d{1,9})"
_TIME = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?"
_ZONE = r"(Z|[+-]\d{1,2}(?::?\d{2})?)?"
_MOMENT = re.compile(rf"{_DATE}(?:T{_TIME}{_ZONE})?", re.ASCII)
_CLOCK = re.compile(rf"{_TIME}{_ZONE}", re.ASCII)


def parse_moment(text: str, zone: tzinfo | None) -> date | datetime | None:
    """The day or moment that an ISO text names, null if it names none.

    >>> parse_moment("2026-04-01", timezone.utc)
    datetime.date(2026, 4, 1)
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        day_found = date(int(year), int(month), int(day))
        if hour is None:
            return day_found
        clock = _clock(hour, minute, second, fraction)
        moment = datetime.combine(day_found, clock, tzinfo=_zone(offset) or zone)
        return moment.astimezone(zone)
    except (ValueError, OverflowError):
        return None


def parse_time(text: str, now: datetime) -> datetime | None:
    """The moment of today at which a time of day falls, null if the text is no time."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute, second, fraction, offset = found.groups()
    try:
        clock = _clock(hour, minute, second, fraction)
        return datetime.combine(now.date(), clock, tzinfo=_zone(offset) or now.tzinfo).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        return None


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """The moment a day begins."""
    return datetime.combine(day, time(), tzinfo=zone)


def _clock(hour: str, minute: str, second: str | None, fraction: str | None) -> time:
    micro = int(((fraction or "") + "000000")[:6])
    return time(int(hour), int(minute), int(second or 0), micro)


def _zone(offset: str | None) -> timezone | None:
    if offset is None:
        return None
    if offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    delta = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-delta if offset[0] == "-" else delta)


MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


JAVA_LETTERS = frozenset("%YymnbdeHhMS3aW")
"""What JavaRosa knows after a `%`."""

ENKETO_LETTERS = JAVA_LETTERS - {"W"}


def format_moment(moment: datetime, pattern: str, letters: frozenset[str] = JAVA_LETTERS) -> str | None:
    """A moment by ODK's letters (`%Y-%m-%d %H:%M`), null if the pattern has an unknown letter.

    Names of months and days are English.

    >>> format_moment(datetime(2026, 4, 1, 9, 5), "%e %b %Y, %H:%M")
    '1 Apr 2026, 09:05'
    """
    written: list[str] = []
    index = 0
    while index < len(pattern):
        if pattern[index] != "%":
            written.append(pattern[index])
            index += 1
            continue
        letter = pattern[index + 1 : index + 2]
        part = _format_letter(moment, letter) if letter in letters else None
        if part is None:
            return None
        written.append(part)
        index += 2
    return "".join(written)


def _format_letter(moment: datetime, letter: str) -> str | None:
    weekday = moment.isoweekday() % 7
    parts = {
        "%": "%",
        "Y": f"{moment.year:04d}",
        "y": f"{moment.year % 100:02d}",
        "m": f"{moment.month:02d}",
        "n": str(moment.month),
        "b": MONTHS[moment.month - 1][:3],
        "d": f"{moment.day:02d}",
        "e": str(moment.day),
        "H": f"{moment.hour:02d}",
        "h": str(moment.hour),
        "M": f"{moment.minute:02d}",
        "S": f"{moment.second:02d}",
        "3": f"{moment.microsecond // 1000:03d}",
        "a": DAYS[weekday][:3],
        "W": str(_week(moment)),
    }
    return parts.get(letter)


def _week(moment: datetime) -> int:
    """The week of the year as an English-language device counts: from Sundays, the first is that of 1 January."""
    saturday = moment.date() + timedelta(days=6 - moment.isoweekday() % 7)
    return (saturday.timetuple().tm_yday - 1) // 7 + 1


def format_web_forms(moment: datetime, pattern: str) -> str:
    """A moment as Web Forms formats it: unknown letters stay as they are, and Sunday has no name.

    >>> format_web_forms(datetime(2026, 4, 1, 9, 5), "%e %b %A")
    '1 Apr %A'
    """

    def write(found: re.Match[str]) -> str:
        if found.group(1) == "a" and moment.isoweekday() == 7:
            return ""
        return _format_letter(moment, found.group(1)) or ""

    return re.sub("%([YymnbdeaHhMS3])", write, pattern)
