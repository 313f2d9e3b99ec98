"""Made-up answers by type. Everything is drawn from the given source of chance, and plainly invented."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from forms.rehearsal.bounds import Bounds
from forms.rehearsal.calculation import decimal_text, moment_text
from schemas.fields import Field

EPOCH = date(1970, 1, 1)
MOST_INT = 2**31 - 1
FAR = 20.0
"""How far beyond a one-sided bound numbers are drawn."""

SYLLABLES = ("ba", "de", "lo", "mi", "na", "ro", "sa", "ti", "ve", "yu")
SENTENCES = ("Respuesta de ensayo", "Texto inventado", "Sin comentario", "Dicho en el ensayo")
NOWHERE = (1.0, 1.0)
"""Positions are scattered around this place in the sea, unless the rehearsal sheet gives a range."""


def draw_number(field: Field, bounds: Bounds, chance: random.Random, small: bool) -> str:
    """A whole number or decimal within what binds.

    Args:
        small: whether rows of a repeat hang on it, so that without bounds it stays within 0 to 4.
    """
    low, high = bounds.low, bounds.high
    top = 4.0 if small else FAR
    if low is None and high is None:
        low, high = 0.0, top
    elif low is None and high is not None:
        low = 0.0 if high >= 0 else high - FAR
    elif high is None and low is not None:
        high = low + top
    low, high = float(low or 0.0), float(high or 0.0)
    if small:
        high = min(high, max(low, 4.0))
    if field.type == "decimal":
        return decimal_text(min(max(round(chance.uniform(low, high), 2), low), high))
    first, last = math.ceil(max(low, -MOST_INT)), math.floor(min(high, MOST_INT))
    return str(chance.randint(first, max(first, last)))


def draw_range(field: Field, chance: random.Random) -> str:
    """A step of a `range` control's scale."""
    scale = {name: float(field.parameters.get(name, default)) for name, default in _SCALE.items()}
    step = abs(scale["step"]) or 1.0
    low, high = sorted((scale["start"], scale["end"]))
    value = low + step * chance.randint(0, max(0, int((high - low) / step + 1e-9)))
    return decimal_text(round(value, 9)) if field.type == "decimal" else str(int(value))


_SCALE = {"start": "1", "end": "10", "step": "1"}


def number_text(field: Field, value: float) -> str:
    """A number as an answer of that field; dates are days since 1970-01-01."""
    match field.type:
        case "date":
            return _day(value)
        case "dateTime":
            return f"{_day(value)}T12:00:00.000Z"
        case "decimal":
            return decimal_text(round(value, 9))
        case _:
            return str(int(value))


def _day(value: float) -> str:
    return (EPOCH + timedelta(days=min(max(int(value), -700_000), 2_900_000))).isoformat()


def draw_date(field: Field, bounds: Bounds, now: datetime, chance: random.Random) -> str:
    """A day (or a moment of one) within what binds; without bounds, of the last thirty years."""
    today = float((now.date() - EPOCH).days)
    low, high = bounds.low, bounds.high
    if high is None:
        high = today if low is None or low <= today else low + 365
    if low is None:
        low = high - 30 * 365
    day = EPOCH + timedelta(days=chance.randint(int(low), max(int(low), int(high))))
    if field.type == "date":
        return day.isoformat()
    minute = chance.randrange(7 * 60, 21 * 60)
    moment = now.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    return moment_text(moment.replace(year=day.year, month=day.month, day=day.day))


def draw_time(now: datetime, chance: random.Random) -> str:
    """A time of day with the offset of `now`."""
    moment = now.replace(hour=chance.randrange(24), minute=chance.randrange(60), second=0, microsecond=0)
    return moment.timetz().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def draw_place(field: Field, chance: random.Random) -> str:
    """A position, a line or a closed area: latitude, longitude, altitude, accuracy."""
    latitude = NOWHERE[0] + chance.gauss(0, 0.01)
    longitude = NOWHERE[1] + chance.gauss(0, 0.01)
    corners = [(0.0, 0.0), (0.001, 0.0), (0.001, 0.001), (0.0, 0.001)]
    if field.type == "geopoint":
        corners = corners[:1]
    elif field.type == "geoshape":
        corners = [*corners, corners[0]]
    accuracy = round(3 + chance.random() * 9, 1)
    points = (
        f"{decimal_text(round(latitude + north, 6))} {decimal_text(round(longitude + east, 6))} 480.0 {accuracy}"
        for north, east in corners
    )
    return "; ".join(points)


def draw_text(field: Field, bounds: Bounds, chance: random.Random) -> str:
    """A text: a name, number or sentence by the kind of personal data or the appearance, as long as it must be."""
    if "numbers" in field.appearance:
        text = str(chance.randrange(10**6))
    else:
        match field.personal:
            case "name":
                text = f"{_word(chance)} {_word(chance)}"
            case "document" | "phone":
                text = str(chance.randrange(10**8, 10**9))
            case "address":
                text = f"Calle {_word(chance)} {chance.randrange(1, 9999)}"
            case _:
                text = f"{chance.choice(SENTENCES)} {chance.randrange(10_000)}"
    low, high = bounds.low, bounds.high
    if low is not None and len(text) < low:
        text = text.ljust(int(low), "x") if not text.isdecimal() else text.ljust(int(low), "7")
    return text[: max(int(high), 0)] if high is not None else text


def _word(chance: random.Random) -> str:
    return "".join(chance.choice(SYLLABLES) for _ in range(3)).capitalize()


def draw_codes(field: Field, codes: Sequence[str], bounds: Bounds, chance: random.Random, attempt: int) -> str:
    """Chosen codes of a list that isn't empty: one, some in the list's order, or all in the order of a rank."""
    if field.control == "select1":
        return chance.choice(codes)
    if field.control == "rank":
        return " ".join(chance.sample(codes, len(codes)))
    least = max(1, int(bounds.low or 1))
    most = min(len(codes), int(bounds.high) if bounds.high is not None else max(least, 3))
    # After a refusal single codes are tried first: "none of these" may not stand with others.
    size = least if attempt % 3 == 1 else chance.randint(min(least, len(codes)), max(least, most))
    chosen = set(chance.sample(range(len(codes)), min(size, len(codes))))
    return " ".join(code for index, code in enumerate(codes) if index in chosen)


def draw_quota(field: Field, text: str, chance: random.Random) -> str:
    """An answer of a quota row for that field; "a..b c..d" is an area to draw a position from."""
    if field.type == "geopoint" and ".." in text:
        numbers = [draw_span(part, chance, 6) for part in text.split()]
        return " ".join([*numbers, "0.0", "5.0"][:4])
    if field.type == "decimal" and ".." in text and "." not in text.replace("..", ""):
        first, _, last = text.partition("..")
        return draw_span(f"{first.strip()}.0..{last.strip()}.0", chance)
    return draw_span(text, chance)


def draw_span(text: str, chance: random.Random, digits: int = 2) -> str:
    """An answer of a quota row: "a..b" is drawn uniformly from the range, anything else stands as written.

    >>> draw_span("7", random.Random(1)), draw_span("2020-01-01..2020-01-01", random.Random(1))
    ('7', '2020-01-01')
    """
    first, dots, last = text.partition("..")
    if not dots:
        return text
    first, last = first.strip(), last.strip()
    try:
        if "-" in first[1:]:
            start, end = date.fromisoformat(first), date.fromisoformat(last)
            return (start + timedelta(days=chance.randint(0, (end - start).days))).isoformat()
        if "." in first or "." in last:
            return decimal_text(round(chance.uniform(float(first), float(last)), digits))
        return str(chance.randint(int(first), int(last)))
    except ValueError:
        return text
