"""Values and their conversions to text, number and boolean, by engine.

A value is a text, a number, a boolean, a date (a day without time), a datetime (always with a time zone), or a
`NodeSet`. There is no null: blank is the text "".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from expressions.instance import Element
from expressions.profiles import Profile
from schemas.errors import ExpressionError

NAN = math.nan
INFINITY = math.inf
EPOCH = date(1970, 1, 1)
EPOCH_TIME = datetime(1970, 1, 1, tzinfo=UTC)
DAY_SECONDS = 86_400.0
TOLERANCE = 1e-12
SMALLEST = 5e-324
LARGEST = 1.7976931348623157e308
"""Java's Double.MIN_VALUE and MAX_VALUE: where JavaRosa's max() and min() begin, so that they never go beyond."""
_INT_MAX = 2_147_483_647


@dataclass(frozen=True, slots=True)
class NodeSet:
    """Nodes in document order, and how to read one's value (by its bind type, in JavaRosa)."""

    nodes: list[Element]
    read: Callable[[Element], Value]


class InvalidDate(str):
    """What Enketo and Web Forms make of a text that is no date: false, NaN, and written "Invalid Date"."""

    __slots__ = ()


INVALID_DATE = InvalidDate("Invalid Date")


class DayNumber(float):
    """Days that Web Forms' number() made of a date: written without their fraction, and always true."""

    __slots__ = ()


Value = str | float | bool | date | datetime | NodeSet


def unpack(value: Value, profile: Profile) -> Value:
    """The single value of a node-set: "" if it is empty, the first node's elsewhere than in JavaRosa.

    Raises:
        ExpressionError: EXP-024, in JavaRosa, if there are several nodes.
    """
    if not isinstance(value, NodeSet):
        return value
    nodes = value.nodes
    if not nodes:
        return ""
    if len(nodes) > 1 and profile is Profile.JAVAROSA:
        raise ExpressionError(
            "EXP-024",
            f"{nodes[0].path} is repeated: {len(nodes)} nodes stand where one value is needed.",
            "Say which one: by a predicate, indexed-repeat(), or a function over all (sum, count, max, join).",
        )
    return value.read(nodes[0])


def to_string(value: Value, profile: Profile = Profile.JAVAROSA) -> str:
    """The value as text.

    >>> to_string(3.0), to_string(True), to_string(date(2026, 4, 1)), to_string(3e9), to_string(3e9, Profile.ENKETO)
    ('3', 'true', '2026-04-01', '3.0E9', '3000000000')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        if profile is Profile.JAVAROSA:
            return java_number(value)
        if profile is Profile.WEBFORMS and (value != value or isinstance(value, DayNumber)):
            return "" if value != value else str(math.floor(value))
        return script_number(value)
    if isinstance(value, datetime) and profile is not Profile.JAVAROSA:
        return script_datetime(value, profile)
    if isinstance(value, date):
        # JavaRosa doesn't fill up a year of less than four digits.
        return value.strftime("%Y-%m-%d").lstrip("0") if value.year < 1000 else f"{value:%Y-%m-%d}"
    return to_string(unpack(value, profile), profile)


def to_number(value: Value, profile: Profile = Profile.JAVAROSA) -> float:
    """The value as a number; NaN for blank and for text that isn't a number. Dates are days since 1970-01-01.

    >>> to_number("1,5"), to_number(True), to_number(date(1970, 1, 3)), to_number("1e3", Profile.ENKETO)
    (1.5, 1.0, 2.0, 1000.0)
    """
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    if isinstance(value, float | int):
        return float(value)
    if isinstance(value, str):
        return java_parse(value) if profile is Profile.JAVAROSA else script_parse(value)
    if isinstance(value, datetime):
        if profile is Profile.JAVAROSA:
            return float((value.date() - EPOCH).days)
        return fractional_days(value)
    if isinstance(value, date):
        return float((value - EPOCH).days)
    return to_number(unpack(value, profile), profile)


def to_boolean(value: Value, profile: Profile = Profile.JAVAROSA) -> bool:
    """The value as true or false: a text holds if it isn't empty, a number if it is neither 0 nor NaN.

    A node-set holds by its value in JavaRosa, and by having nodes in the other engines.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value != "" and not isinstance(value, InvalidDate)
    if isinstance(value, float | int):
        if profile is Profile.JAVAROSA:
            return abs(value) > TOLERANCE
        return (value != 0 and value == value) or isinstance(value, DayNumber)
    if isinstance(value, NodeSet):
        if profile is Profile.JAVAROSA:
            return to_boolean(unpack(value, profile), profile)
        return bool(value.nodes)
    return True


def fractional_days(value: datetime) -> float:
    """Days since 1970-01-01T00:00Z, with the time as a fraction."""
    return (value - EPOCH_TIME) / timedelta(days=1)


# -- numbers -----------------------------------------------------------------------------------------------------------
_JAVA = re.compile(r"-?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_SCRIPT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)", re.ASCII)
_JAVA_SPACE = "".join(chr(code) for code in range(33))


def java_parse(text: str) -> float:
    """A number as JavaRosa reads it: a comma may be the decimal mark; no exponent, no plus sign."""
    if text.isdecimal() and text.isascii():
        return float(text)
    stripped = text.replace(",", ".").strip(_JAVA_SPACE)
    return float(stripped) if _JAVA.fullmatch(stripped) else NAN


def script_parse(text: str) -> float:
    """A number as JavaScript's `Number()` reads it, but blank is NaN."""
    stripped = text.strip()
    if _SCRIPT.fullmatch(stripped):
        return float(stripped)
    if _RADIX.fullmatch(stripped):
        return float(int(stripped, 0))
    return {"Infinity": INFINITY, "+Infinity": INFINITY, "-Infinity": -INFINITY}.get(stripped, NAN)


def java_number(value: float) -> str:
    """A number as JavaRosa writes it: whole numbers within 32 bits plain, the rest as Java's `Double.toString`."""
    if value != value:
        return "NaN"
    if abs(value) < TOLERANCE:
        return "0"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if abs(value) <= _INT_MAX + 1:
        whole = int(value)
        if abs(value - whole) < TOLERANCE and -_INT_MAX - 1 <= whole <= _INT_MAX:
            return str(whole)
    return java_double(value)


def java_double(value: float) -> str:
    """Java's `Double.toString` of a finite number: plain between 0.001 and 10,000,000, else with an exponent."""
    if 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        return text if "e" not in text else f"{Decimal(text):f}"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    if abs(value) == SMALLEST:
        return "4.9E-324" if value > 0 else "-4.9E-324"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    shown = "".join(str(digit) for digit in digits).rstrip("0") or "0"
    power = len(digits) - 1 + int(exponent)
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{power}"


def script_number(value: float) -> str:
    """A number as JavaScript writes it."""
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if abs(value) < 1e21 and value == int(value):
        return str(int(value)) if abs(value) < 2**53 else f"{Decimal(repr(value)):f}".removesuffix(".0")
    text = repr(value)
    if 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(text):f}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}" if exponent else text


def script_datetime(value: datetime, profile: Profile = Profile.ENKETO) -> str:
    """A moment as Enketo and Web Forms write it: a bare day at local midnight, else with time and offset.

    Web Forms writes only as many digits of a second's fraction as there are, and three zeros for none.
    """
    if (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0):
        return value.date().isoformat()
    text = value.isoformat(timespec="milliseconds")
    if profile is Profile.WEBFORMS and text[20:23] != "000":
        return f"{text[:20]}{text[20:23].rstrip('0')}{text[23:]}"
    return text
