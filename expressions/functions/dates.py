"""Functions of days and moments."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta

from expressions.compiled import Compiled, Compiling, as_single
from expressions.dates import (
    ENKETO_LETTERS,
    JAVA_LETTERS,
    format_moment,
    format_web_forms,
    midnight,
    parse_moment,
    parse_time,
)
from expressions.profiles import Profile
from expressions.registry import Function, over_values
from expressions.scope import Frame
from expressions.script_dates import as_moment, enketo_days, enketo_moment, moment_of, web_forms_moment
from expressions.syntax import Call
from expressions.values import (
    DAY_SECONDS,
    EPOCH,
    EPOCH_TIME,
    INVALID_DATE,
    NAN,
    NodeSet,
    Value,
    fractional_days,
    to_number,
    to_string,
    unpack,
)
from schemas.errors import ExpressionError

_INT_MAX = 2_147_483_647


def _no_date(call: Call) -> ExpressionError:
    return ExpressionError(
        "EXP-025",
        f"At {call.position + 1}: {call.name}() got a value that is no date.",
        "Dates are written as in '2026-04-01', moments as in '2026-04-01T09:30:00'.",
        call.position,
    )


def java_date(value: Value, keep_time: bool, frame: Frame, call: Call) -> Value:
    """JavaRosa's conversion to a date: blank and NaN stay as they are; what is no date is an error (EXP-025)."""
    zone = frame.scope.now.tzinfo
    if isinstance(value, bool):
        raise _no_date(call)
    if isinstance(value, float):
        if value != value:
            return value
        if abs(value) > _INT_MAX:
            raise _no_date(call)
        # Java's dates have milliseconds.
        found = moment_of(math.trunc(value * 864e5) / 864e5, zone) if keep_time else _day_number(math.trunc(value))
    elif isinstance(value, str):
        if not value:
            return value
        found = parse_moment(value, zone)
    elif isinstance(value, datetime):
        return value if keep_time else value.date()
    else:
        return value
    if found is None:
        raise _no_date(call)
    return found


def _day_number(days: int) -> date | None:
    try:
        return EPOCH + timedelta(days=days)
    except OverflowError:
        return None


def script_date(value: Value, frame: Frame) -> datetime | None:
    """Enketo's and Web Forms' conversion: numbers are days since 1970 (UTC); null if it is no date."""
    zone = frame.scope.now.tzinfo
    if isinstance(value, NodeSet):
        value = unpack(value, frame.profile)
    if isinstance(value, date):
        return as_moment(value, zone)
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return enketo_moment(value, zone) if frame.profile is Profile.ENKETO else web_forms_moment(value, zone)
    number = to_number(value, frame.profile)
    return None if number != number else moment_of(number, zone)


_UNPADDED = re.compile(r"(\d{4})-([1-9]|\d{2})-([1-9]|\d{2})(T.*)?", re.ASCII)


def _pad(text: str) -> str:
    """A text for Web Forms' date(), which takes months and days of one digit."""
    found = _UNPADDED.fullmatch(text)
    if found is None:
        return text
    year, month, day, clock = found.groups()
    return f"{year}-{month:0>2}-{day:0>2}{clock or ''}"


def _build_date(compiler: Compiling, call: Call) -> Compiled:
    single = as_single(compiler.compile(call.arguments[0]), compiler.profile)
    keep_time = call.name == "date-time"

    def to_date(frame: Frame) -> Value:
        value = single(frame)
        if frame.profile is Profile.JAVAROSA:
            return java_date(value, keep_time, frame, call)
        if value == "" or (isinstance(value, bool) and frame.profile is Profile.WEBFORMS):
            return ""
        if isinstance(value, str) and frame.profile is Profile.WEBFORMS:
            value = _pad(value)
        return script_date(value, frame) or INVALID_DATE

    return Compiled(to_date)


def _today(frame: Frame, values: list[Value]) -> Value:
    today = frame.scope.now.date()
    return today if frame.profile is Profile.JAVAROSA else midnight(today, frame.scope.now.tzinfo)


def _build_format(compiler: Compiling, call: Call) -> Compiled:
    value, pattern = (as_single(compiler.compile(argument), compiler.profile) for argument in call.arguments)

    def write(frame: Frame) -> str:
        moment = _moment_to_format(value(frame), frame, call)
        if moment is None:
            return ""
        written = to_string(pattern(frame), frame.profile)
        if frame.profile is Profile.WEBFORMS:
            return format_web_forms(moment, written)
        letters = JAVA_LETTERS if frame.profile is Profile.JAVAROSA else ENKETO_LETTERS
        text = format_moment(moment, written, letters)
        if text is None:
            raise ExpressionError(
                "EXP-029",
                f"At {call.position + 1}: {call.name}() has a pattern with an unknown letter after '%'.",
                "The letters that ODK Collect knows are Y y m n b d e H h M S 3 a W.",
                call.position,
            )
        return text

    return Compiled(write, "string")


def _moment_to_format(value: Value, frame: Frame, call: Call) -> datetime | None:
    if frame.profile is Profile.JAVAROSA:
        found = java_date(value, True, frame, call)
        return as_moment(found, frame.scope.now.tzinfo) if isinstance(found, date) else None
    if frame.profile is Profile.WEBFORMS and isinstance(value, float):
        # Web Forms formats the number's text, which is no date.
        return None
    return None if value == "" else script_date(value, frame)


def _decimal_date_time(frame: Frame, values: list[Value], call: Call) -> Value:
    value = values[0]
    if frame.profile is not Profile.JAVAROSA:
        if isinstance(value, str) and frame.profile is Profile.ENKETO:
            return enketo_days(value, frame.scope.now.tzinfo)
        moment = script_date(value, frame)
        return NAN if moment is None else fractional_days(moment)
    if isinstance(value, float):
        return value
    found = java_date(value, True, frame, call)
    if not isinstance(found, date):
        return found
    return fractional_days(as_moment(found, frame.scope.now.tzinfo))


_CLOCKS = {
    Profile.ENKETO: re.compile(r"\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?[+-]\d{2}:\d{2}", re.ASCII),
    Profile.WEBFORMS: re.compile(r"\d{2}:\d{2}(?::[0-5]\d(?:\.\d+)?)?(?:[+-]\d{2}:\d{2})?", re.ASCII),
}


def _decimal_time(frame: Frame, values: list[Value], call: Call) -> Value:
    value = values[0]
    zone = frame.scope.now.tzinfo
    clock = _CLOCKS.get(frame.profile)
    if clock is not None:
        text = to_string(value, frame.profile)
        moment = parse_time(text, frame.scope.now) if clock.fullmatch(text) else None
        return NAN if moment is None else _day_share(moment)
    if isinstance(value, float):
        return value - math.floor(value) if value == value else value
    found = java_date(value, True, frame, call)
    return _java_day_share(as_moment(found, zone), frame) if isinstance(found, date) else found


def _java_day_share(moment: datetime, frame: Frame) -> float:
    """The share of the day, told by the offset from UTC that holds now, whatever held then."""
    offset = frame.scope.now.utcoffset() or timedelta()
    days = (moment - EPOCH_TIME + offset) / timedelta(days=1)
    return days - math.floor(days)


def _day_share(moment: datetime) -> float:
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    return seconds / DAY_SECONDS


def _build_decimal(compiler: Compiling, call: Call) -> Compiled:
    single = as_single(compiler.compile(call.arguments[0]), compiler.profile)
    apply = _decimal_date_time if call.name == "decimal-date-time" else _decimal_time
    return Compiled(lambda frame: apply(frame, [single(frame)], call))


FUNCTIONS = {
    "today": over_values("any", 0, 0, _today),
    "now": over_values("any", 0, 0, lambda frame, values: frame.scope.now),
    "date": Function(1, 1, _build_date),
    "date-time": Function(1, 1, _build_date),
    "format-date": Function(2, 2, _build_format),
    "format-date-time": Function(2, 2, _build_format),
    "decimal-date-time": Function(1, 1, _build_decimal),
    "decimal-time": Function(1, 1, _build_decimal),
}
