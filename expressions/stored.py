"""The text that JavaRosa stores for the value of a calculation, by the bind type of its node."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo

from expressions.dates import midnight, parse_moment
from expressions.profiles import Profile
from expressions.values import NodeSet, Value, java_double, to_boolean, to_number, to_string, unpack


def store_text(value: Value, bind_type: str, zone: tzinfo | None = UTC) -> str:
    """The stored text; "" for blank and NaN.

    Args:
        value: what the expression gave.
        bind_type: int, decimal, boolean, date, dateTime, time, or anything else for text.
        zone: where days begin.

    >>> store_text(3.7, "int"), store_text(3.0, "decimal"), store_text(True, "string"), store_text(float("nan"), "int")
    ('3', '3.0', 'true', '')
    """
    if isinstance(value, NodeSet):
        value = unpack(value, Profile.JAVAROSA)
    if value == "" or value != value:
        return ""
    match bind_type:
        case "int" | "integer" | "long":
            number = to_number(value)
            return str(int(number)) if abs(number) < float("inf") else ""
        case "decimal":
            number = to_number(value)
            return "" if number != number else java_double(number)
        case "boolean":
            return "1" if to_boolean(value) else "0"
        case "date" | "dateTime" | "time":
            return _store_moment(value, bind_type, zone)
        case _:
            return _store_any(value, zone)


def _store_any(value: Value, zone: tzinfo | None) -> str:
    if isinstance(value, datetime):
        return iso_moment(value)
    return to_string(value)


def _store_moment(value: Value, bind_type: str, zone: tzinfo | None) -> str:
    found = parse_moment(value, zone) if isinstance(value, str) else value
    if not isinstance(found, date):
        return to_string(value)
    if bind_type == "date":
        return found.date().isoformat() if isinstance(found, datetime) else found.isoformat()
    moment = found if isinstance(found, datetime) else midnight(found, zone)
    text = iso_moment(moment)
    return text if bind_type == "dateTime" else text.partition("T")[2]


def iso_moment(moment: datetime) -> str:
    """A moment as JavaRosa writes it: milliseconds and offset, `Z` in UTC."""
    text = moment.isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
