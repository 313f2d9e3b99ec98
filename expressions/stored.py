"""The text that JavaRosa stores for the value of a calculation, by the bind type of its node."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, tzinfo

from expressions.dates import midnight, parse_moment
from expressions.profiles import Profile
from expressions.values import NodeSet, Value, java_double, to_boolean, unpack

_INT_MAX, _INT_MIN = 2_147_483_647, -2_147_483_648
_LONG_MAX = 9_223_372_036_854_775_807


def store_text(value: Value, bind_type: str, zone: tzinfo | None = UTC) -> str:
    """The stored text; "" for blank and NaN.

    Texts are stored as they are, whatever the type (in dateTime, as the moment they name); a day or moment with its
    time, unless the type is date or time; a truth as 1 or 0; a whole number without decimals.

    Args:
        value: what the expression gave.
        bind_type: the node's type, "" if it has none.
        zone: where days begin.

    >>> store_text(3.7, "int"), store_text(3.0, "decimal"), store_text(True, "string"), store_text(math.nan, "int")
    ('3', '3', '1', '')
    """
    if isinstance(value, NodeSet):
        value = unpack(value, Profile.JAVAROSA)
    if value == "" or value != value:
        return ""
    if bind_type == "boolean":
        return "1" if to_boolean(value) else "0"
    match value:
        case bool():
            return "1" if value else "0"
        case float():
            return _store_number(value, bind_type)
        case date():
            return _store_moment(value, bind_type, zone)
        case _:
            return _store_string(str(value), bind_type, zone)


def _store_string(text: str, bind_type: str, zone: tzinfo | None) -> str:
    moment = parse_moment(text, zone) if bind_type == "dateTime" else None
    return iso_moment(moment) if isinstance(moment, datetime) else text


def _store_number(value: float, bind_type: str) -> str:
    if bind_type in {"int", "integer"}:
        return str(int(max(_INT_MIN, min(_INT_MAX, value))))
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) <= _LONG_MAX:
        return str(int(value))
    return java_double(value)


def _store_moment(value: date, bind_type: str, zone: tzinfo | None) -> str:
    if bind_type == "date":
        return value.date().isoformat() if isinstance(value, datetime) else value.isoformat()
    text = iso_moment(value if isinstance(value, datetime) else midnight(value, zone))
    return text.partition("T")[2] if bind_type == "time" else text


def iso_moment(moment: datetime) -> str:
    """A moment as JavaRosa writes it: milliseconds and offset, `Z` in UTC."""
    text = moment.isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
