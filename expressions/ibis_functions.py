"""Functions inside a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import ibis

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
from expressions.syntax import Call, Expr, Negation, Number, Text
from expressions.targets import fail
from expressions.values import LARGEST, SMALLEST

_DECIMAL = "decimal(38, 12)"
_EXACT_BELOW = 1e15
_MOST_PLACES = 6
_MOST_FACTORS = 4


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


def lower_concat(row: Row, call: Call) -> Lowered:
    """`concat()` of single values."""
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
    near, small = _near(value)
    whole = ibis.ifelse(near < 0, near.ceil(), near.floor()).cast("float64")
    return number(ibis.ifelse(small, whole, value))


def _near(value: Sql) -> tuple[Sql, Sql]:
    """The value where databases can make a whole number of it, else 0; and where that is."""
    small = (value.abs() < _EXACT_BELOW).fill_null(False)
    return ibis.ifelse(small, value, 0.0), small


def _round(row: Row, call: Call) -> Lowered:
    value = _numbers(row, call)[0]
    if len(call.arguments) == 1:
        near, small = _near(value)
        lower = near.floor().cast("float64")
        return number(ibis.ifelse(small, ibis.ifelse(near - lower >= 0.5, lower + 1.0, lower), value))
    places = call.arguments[1]
    if not isinstance(places, Number) or places.value > _MOST_PLACES:
        what = f"round() in SQL takes a number of places up to {_MOST_PLACES}."
        raise fail("EXP-107", places.position, what, "Evaluate the rule over columns.")
    # On decimal digits as written, where databases' own rounding of halves differs.
    scale = 10.0 ** int(places.value)
    near, small = _near(value)
    exact = (near.cast(_DECIMAL).cast("decimal(28, 12)") * int(scale)).cast(_DECIMAL)
    lower = exact.floor()
    rounded = ibis.ifelse(exact - lower >= 0.5, lower + 1, lower).cast("float64") / scale
    return number(ibis.ifelse(small, rounded, value))


def _sqrt(row: Row, call: Call) -> Lowered:
    value = _numbers(row, call)[0]
    return number(ibis.ifelse((value >= 0).fill_null(False), value, ibis.null("float64")).sqrt())


def lower_extreme(row: Row, call: Call) -> Lowered:
    """`min()` and `max()` of single values; what is no number counts as nothing."""
    largest = call.name == "max"
    numbers = _numbers(row, call)
    bound = ibis.literal(SMALLEST if largest else LARGEST, "float64")
    # Databases differ in what the greatest of something and null is; here null is what can't win.
    filled = [ibis.ifelse(one.isnull(), float("-inf") if largest else float("inf"), one) for one in numbers]
    if not filled:
        return number(ibis.null("float64"))
    found = ibis.greatest(*filled, bound) if largest else ibis.least(*filled, bound)
    known = numbers[0].notnull()
    for one in numbers[1:]:
        known = known | one.notnull()
    return number(ibis.ifelse(known, found, ibis.null("float64")))


def _total(terms: list[Sql]) -> Sql:
    total: Sql = ibis.literal(0.0, "float64")
    for term in terms:
        total = total + term
    return total


def _checklist(row: Row, call: Call) -> Lowered:
    low, high = (one.fill_null(0.0) for one in (to_number(row.lower(bound)) for bound in call.arguments[:2]))
    count = _total([ibis.ifelse(to_boolean(row.lower(factor)), 1.0, 0.0) for factor in call.arguments[2:]])
    return boolean(((low < 0) | (count >= low)) & ((high < 0) | (count <= high)))


def _weighted(row: Row, call: Call) -> Lowered:
    low, high = (to_number(row.lower(bound)) for bound in call.arguments[:2])
    pairs = zip(call.arguments[2::2], call.arguments[3::2], strict=False)
    terms = [ibis.ifelse(to_boolean(row.lower(flag)), to_number(row.lower(weight)), 0.0) for flag, weight in pairs]
    total = _total(terms)
    return boolean(((low <= total) & (total <= high)).fill_null(False))


def _written_place(call: Call, index: int) -> int:
    argument = call.arguments[index]
    negative = isinstance(argument, Negation)
    written = argument.operand if isinstance(argument, Negation) else argument
    if not isinstance(written, Number):
        what = f"{call.name}() in SQL takes a place that is written out."
        raise fail("EXP-107", argument.position, what, "Evaluate the rule over columns.")
    return -int(written.value) if negative else int(written.value)


def _selected_at(row: Row, call: Call) -> Lowered:
    place = _written_place(call, 1)
    words = _choices(row, call).re_replace(r"\s+", " ").strip()
    gaps = words.length() - words.replace(" ", "").length()
    found = words.split(" ")[max(place, 0)]
    has = ibis.literal(place >= 0) & (words != "") & (gaps >= place)
    return string(ibis.ifelse(has, found, "").fill_null(""))


def _substr(row: Row, call: Call) -> Lowered:
    start = _written_place(call, 1)
    end = _written_place(call, 2) if len(call.arguments) == 3 else None
    text = to_text(row.lower(call.arguments[0]))
    length = text.length()
    first = ibis.greatest(length + start, 0) if start < 0 else ibis.literal(start)
    last = length if end is None else ibis.greatest(length + end, 0) if end < 0 else ibis.least(length, end)
    size = ibis.greatest(last - first, 0)
    return string(text.substr(first, size))


def _translate(row: Row, call: Call) -> Lowered:
    old, new = call.arguments[1:]
    if not isinstance(old, Text) or not isinstance(new, Text) or len(set(old.value)) != len(old.value):
        what = "translate() in SQL needs different letters in quotes."
        raise fail("EXP-107", call.position, what, "Evaluate the rule over columns.")
    text = to_text(row.lower(call.arguments[0]))
    return string(text.translate(old.value, new.value[: len(old.value)]) if old.value else text)


def _pow(row: Row, call: Call) -> Lowered:
    """A whole power written out is a product; others differ by database in the last digit."""
    exponent = _written_place(call, 1)
    written = call.arguments[1]
    if not 0 <= exponent <= _MOST_FACTORS or (isinstance(written, Number) and not written.value.is_integer()):
        what = f"pow() in SQL takes a whole power up to {_MOST_FACTORS}."
        raise fail("EXP-107", written.position, what, "Evaluate the rule over columns.")
    value = to_number(row.lower(call.arguments[0]))
    if exponent == 0:
        return number(ibis.literal(1.0, "float64"))
    product = value
    for _ in range(exponent - 1):
        product = product * value
    return number(product)


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
    "checklist": _checklist,
    "weighted-checklist": _weighted,
    "selected-at": _selected_at,
    "substr": _substr,
    "translate": _translate,
    "pow": _pow,
    "string": _string,
    "string-length": _length,
    "contains": _contains,
    "starts-with": _contains,
    "ends-with": _contains,
    "normalize-space": _normalize,
    "regex": _regex,
    "boolean-from-string": _from_string,
}
