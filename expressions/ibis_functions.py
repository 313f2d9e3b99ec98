"""Functions inside a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import ibis

from expressions.dates import parse_moment
from expressions.ibis_patterns import translate_pattern
from expressions.ibis_values import (
    Either,
    Lowered,
    Sql,
    Value,
    boolean,
    choose,
    is_blank_or_nan,
    number,
    string,
    to_boolean,
    to_number,
    to_string,
    to_text,
)
from expressions.syntax import Call, Expr, Number, Text
from expressions.targets import fail

_DECIMAL = "decimal(38, 12)"
_EXACT_BELOW = 1e15
_MOST_PLACES = 6


class Row(Protocol):
    """What lowers an argument."""

    def lower(self, expr: Expr) -> Lowered:
        """The value of an expression at the row."""


Lower = Callable[[Any, Call], Lowered]


def _numbers(row: Row, call: Call) -> list[Sql]:
    return [to_number(row.lower(argument)) for argument in call.arguments]


def _texts(row: Row, call: Call) -> list[Sql]:
    return [to_text(row.lower(argument)) for argument in call.arguments]


def _if(row: Row, call: Call) -> Lowered:
    condition, yes, no = (row.lower(argument) for argument in call.arguments)
    return choose(to_boolean(condition), yes, no)


def _coalesce(row: Row, call: Call) -> Lowered:
    first, second = (row.lower(argument) for argument in call.arguments)
    return choose(is_blank_or_nan(first), second, first)


def _need_argument(call: Call) -> None:
    if not call.arguments:
        raise fail("EXP-107", call.position, f"{call.name}() needs an argument.", "Write it with '.'.")


def _choices(row: Row, call: Call) -> Sql:
    answer = row.lower(call.arguments[0])
    if isinstance(answer, Either) or answer.kind not in {"string", "personal"}:
        what = f"{call.name}() needs the answer to a select."
        raise fail("EXP-023", call.arguments[0].position, what, "Give it a select question.")
    return to_text(answer)


def _selected(row: Row, call: Call) -> Lowered:
    choice = row.lower(call.arguments[1])
    if isinstance(choice, Value) and choice.kind in {"number", "boolean"}:
        what = "the choice in selected() must be a text in quotes."
        raise fail("EXP-023", call.arguments[1].position, what, "Write it as in selected(${question}, '1').")
    wanted = ibis.literal(" ") + to_text(choice).strip() + ibis.literal(" ")
    return boolean((ibis.literal(" ") + _choices(row, call) + ibis.literal(" ")).contains(wanted))


def _count_selected(row: Row, call: Call) -> Lowered:
    words = _choices(row, call).re_replace(r"\s+", " ").strip()
    gaps = words.length() - words.replace(" ", "").length()
    return number(ibis.ifelse(words == "", 0, gaps + 1).cast("float64"), whole=True)


def _concat(row: Row, call: Call) -> Lowered:
    joined: Sql = ibis.literal("")
    for text in _texts(row, call):
        joined = joined + text
    return string(joined)


def _string(row: Row, call: Call) -> Lowered:
    _need_argument(call)
    return string(to_string(row.lower(call.arguments[0])))


def _length(row: Row, call: Call) -> Lowered:
    _need_argument(call)
    return number(_texts(row, call)[0].length().cast("float64"), whole=True)


def _normalize(row: Row, call: Call) -> Lowered:
    _need_argument(call)
    return string(_texts(row, call)[0].re_replace(r"\s+", " ").strip())


def _regex(row: Row, call: Call) -> Lowered:
    pattern = call.arguments[1]
    if not isinstance(pattern, Text):
        raise fail("EXP-109", pattern.position, "the pattern of regex() must be a text.", "Write it in quotes.")
    text = to_text(row.lower(call.arguments[0]))
    return boolean(text.re_search(translate_pattern(pattern.value, call.position)))


def _contains(row: Row, call: Call) -> Lowered:
    text, part = _texts(row, call)
    # Databases differ in where an empty text begins; here it begins everywhere.
    empty = part == ""
    match call.name:
        case "starts-with":
            return boolean(empty | (text.left(part.length()) == part))
        case "ends-with":
            return boolean(empty | ((text.length() >= part.length()) & (text.right(part.length()) == part)))
        case _:
            return boolean(empty | text.contains(part))


def _from_string(row: Row, call: Call) -> Lowered:
    return boolean(_texts(row, call)[0].lower().isin(["true", "1"]))


def _int(row: Row, call: Call) -> Lowered:
    value = _numbers(row, call)[0]
    return number(ibis.ifelse(value < 0, value.ceil(), value.floor()).cast("float64"))


def _round(row: Row, call: Call) -> Lowered:
    value = _numbers(row, call)[0]
    if len(call.arguments) == 1:
        lower = value.floor().cast("float64")
        return number(ibis.ifelse(value - lower >= 0.5, lower + 1.0, lower))
    places = call.arguments[1]
    if not isinstance(places, Number) or places.value > _MOST_PLACES:
        what = f"round() in SQL takes a number of places up to {_MOST_PLACES}."
        raise fail("EXP-107", places.position, what, "Evaluate the rule over columns.")
    # On decimal digits as written, where databases' own rounding of halves differs.
    scale = 10.0 ** int(places.value)
    small = (value.abs() < _EXACT_BELOW).fill_null(False)
    exact = (ibis.ifelse(small, value, 0.0).cast(_DECIMAL).cast("decimal(28, 12)") * int(scale)).cast(_DECIMAL)
    lower = exact.floor()
    rounded = ibis.ifelse(exact - lower >= 0.5, lower + 1, lower).cast("float64") / scale
    return number(ibis.ifelse(small, rounded, value))


def _sqrt(row: Row, call: Call) -> Lowered:
    value = _numbers(row, call)[0]
    return number(ibis.ifelse((value >= 0).fill_null(False), value, ibis.null("float64")).sqrt())


def _date(row: Row, call: Call) -> Lowered:
    argument = call.arguments[0]
    if isinstance(argument, Text):
        if argument.value == "":
            return Value("string", ibis.literal(""), text="")
        from datetime import UTC, datetime

        found = parse_moment(argument.value, UTC)
        if found is None:
            raise fail("EXP-025", argument.position, f"'{argument.value}' is no date.", "Write it as '2026-04-01'.")
        if not isinstance(found, datetime):
            return Value("date", ibis.date(found.isoformat()))
    elif isinstance(value := row.lower(argument), Value) and value.kind == "date":
        return value
    raise fail("EXP-107", call.position, "date() of such a value has no form in SQL.", "Evaluate it over columns.")


FUNCTIONS: dict[str, Lower] = {
    "if": _if,
    "coalesce": _coalesce,
    "true": lambda row, call: boolean(ibis.literal(True)),
    "false": lambda row, call: boolean(ibis.literal(False)),
    "not": lambda row, call: boolean(~to_boolean(row.lower(call.arguments[0]))),
    "boolean": lambda row, call: boolean(to_boolean(row.lower(call.arguments[0]))),
    "number": lambda row, call: number(_numbers(row, call)[0]),
    "int": _int,
    "round": _round,
    "abs": lambda row, call: number(_numbers(row, call)[0].abs()),
    "sqrt": _sqrt,
    "selected": _selected,
    "count-selected": _count_selected,
    "concat": _concat,
    "string": _string,
    "string-length": _length,
    "contains": _contains,
    "starts-with": _contains,
    "ends-with": _contains,
    "normalize-space": _normalize,
    "regex": _regex,
    "boolean-from-string": _from_string,
    "date": _date,
}
