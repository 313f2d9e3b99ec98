"""Sums and differences of answers, and what a comparison of two of them demands.

Only what is exact is read: whole numbers added to whole numbers or days; anything else is left to others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from expressions.dates import parse_moment
from expressions.syntax import Binary, Call, Expr, Negation, Number, Text, unparse
from expressions.typing.cases import Case, Cases, Difference
from expressions.typing.domains import Domain, Numbers, Span
from expressions.typing.questions import TODAY, WHOLE, Variable
from expressions.values import EPOCH, TOLERANCE

_CANONICAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_MOST: Final = 1e12
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}


@dataclass(frozen=True, slots=True)
class Sum:
    """`constant` plus answers.

    Attributes:
        terms: key -> +1 or -1.
        is_whole: whether all of it is whole numbers.
        is_day: whether it is a day.
        is_plain: whether it is one answer or one number as it stands.
        is_text: whether it is a number read from a text.
        keyed: key -> what it may hold by its type, as a number.
    """

    terms: Mapping[str, int]
    constant: float
    is_whole: bool
    is_day: bool = False
    is_plain: bool = True
    is_text: bool = False


def linear(expr: Expr, variables: Mapping[str, Variable]) -> Sum | None:
    """An expression over `absolute` paths as a sum; null if it isn't one."""
    match expr:
        case Number():
            return Sum({}, expr.value, expr.value.is_integer()) if expr.value < _MOST else None
        case Text() if _CANONICAL.fullmatch(expr.value) and abs(float(expr.value)) < _MOST:
            return Sum({}, float(expr.value), float(expr.value).is_integer(), is_text=True)
        case Call(name="today", arguments=()):
            return Sum({TODAY: 1}, 0, True, True)
        case Call(name="date", arguments=(Text() as written,)):
            found = parse_moment(written.value, UTC) if written.value else None
            if found is None or isinstance(found, datetime):
                return None
            return Sum({}, float((found - EPOCH).days), True, True)
        case Negation():
            inner = linear(expr.operand, variables)
            return _minus(Sum({}, 0, True), inner) if inner is not None and not inner.is_day else None
        case Binary(operator="+" | "-"):
            left, right = linear(expr.left, variables), linear(expr.right, variables)
            if left is None or right is None:
                return None
            return _plus(left, right) if expr.operator == "+" else _minus(left, right)
        case _:
            return _answer(variables.get(unparse(expr)))


def _answer(variable: Variable | None) -> Sum | None:
    if variable is None or variable.field.is_multiple:
        return None
    if variable.is_number:
        return Sum({variable.key: 1}, 0, variable.field.type in WHOLE)
    if variable.is_date:
        return Sum({variable.key: 1}, 0, True, True)
    if variable.is_text:
        return Sum({f"#{variable.key}": 1}, 0, False, is_text=True)
    return None


def _plus(left: Sum, right: Sum) -> Sum | None:
    if left.is_day and right.is_day:
        return None
    return _combined(left, right, 1, left.is_day or right.is_day)


def _minus(left: Sum, right: Sum) -> Sum | None:
    if right.is_day and not left.is_day:
        return None
    return _combined(left, right, -1, left.is_day and not right.is_day)


def _combined(left: Sum, right: Sum, sign: int, is_day: bool) -> Sum | None:
    if not (left.is_whole and right.is_whole):
        return None if left.terms or right.terms else Sum({}, left.constant + sign * right.constant, False)
    terms = dict(left.terms)
    for key, factor in right.terms.items():
        if key in terms:
            return None
        terms[key] = sign * factor
    return Sum(terms, left.constant + sign * right.constant, True, is_day, is_plain=not terms)


def numbers_where(operator: str, bound: float, *, is_whole: bool) -> Numbers:
    """The numbers that stand in that relation to a bound."""
    slack = 0.0 if is_whole else TOLERANCE
    spans: tuple[Span, ...]
    match operator:
        case "<":
            spans = (Span(high=bound, high_open=True),)
        case "<=":
            spans = (Span(high=bound),)
        case ">":
            spans = (Span(low=bound, low_open=True),)
        case ">=":
            spans = (Span(low=bound),)
        case "=":
            spans = (Span(bound - slack, bound + slack),)
        case _:
            spans = (Span(high=bound, high_open=True), Span(low=bound, low_open=True))
    return Numbers((Span(),), is_whole).meet(Numbers(spans))


def compare_linear(left: Sum, operator: str, right: Sum, wanted: bool) -> Cases | None:
    """The cases of a comparison of two sums; null if nothing is known of it."""
    if left.is_day != right.is_day:
        return None
    if operator in {"=", "!="} and not _is_numeric_equality(left, right):
        return None
    whole = left.is_whole and right.is_whole
    if not whole and not (left.is_plain and right.is_plain):
        return None
    terms = dict(left.terms)
    for key, factor in right.terms.items():
        if key in terms:
            return None
        terms[key] = -factor
    bound = right.constant - left.constant
    if len(terms) == 1:
        ((key, factor),) = terms.items()
        return _of_one(key, factor, operator, bound, wanted, whole)
    if len(terms) == 2 and sorted(terms.values()) == [-1, 1]:
        first = next(key for key, factor in terms.items() if factor == 1)
        second = next(key for key, factor in terms.items() if factor == -1)
        plain = left.is_plain and right.is_plain
        return _of_two((first, second), operator, bound, wanted, whole, plain)
    return None


def _is_numeric_equality(left: Sum, right: Sum) -> bool:
    """Whether `=` compares as numbers in every engine: texts that look like numbers may be compared as texts."""
    if left.is_text and right.is_text:
        return False
    if left.is_day or right.is_day:
        return left.is_plain and right.is_plain
    return not (left.is_text and left.terms and right.terms) and not (right.is_text and right.terms and left.terms)


_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def _of_one(key: str, factor: int, operator: str, bound: float, wanted: bool, whole: bool) -> Cases:
    if factor < 0:
        operator, bound = _TURNED[operator], -bound
    is_whole = whole and not key.startswith("#")
    meant = operator if wanted else _OPPOSITE[operator]
    # Blank is no number: no comparison with it holds, except that it differs from every number.
    holds_blank = meant == "!=" if operator in {"=", "!="} else not wanted
    return (Case({key: Domain(holds_blank and key != TODAY, numbers_where(meant, bound, is_whole=is_whole))}),)


def _of_two(keys: tuple[str, str], operator: str, bound: float, wanted: bool, whole: bool, plain: bool) -> Cases | None:
    """`first - second OPERATOR bound`."""
    first, second = keys
    answered = {key: _number(key, whole, False) for key in keys}
    if operator in {"=", "!="}:
        if (operator == "=") is not wanted:
            return None
        slack = 0.0 if whole else TOLERANCE
        pair = frozenset(
            {Difference(first, second, bound + slack, False), Difference(second, first, slack - bound, False)}
        )
        same = Case(answered, differences=pair)
        both_blank = Case({key: Domain(True, Numbers((), whole)) for key in keys})
        return (same, both_blank) if plain and TODAY not in keys else (same,)
    meant = operator if wanted else _OPPOSITE[operator]
    case = Case(answered, differences=frozenset({_difference(first, second, meant, bound, whole)}))
    if wanted:
        return (case,)
    return (case, *(Case({key: Domain(True, Numbers((), whole))}) for key in keys if key != TODAY))


def _number(key: str, whole: bool, may_be_blank: bool) -> Domain:
    return Domain(may_be_blank, Numbers((Span(),), whole and not key.startswith("#")))


def _difference(first: str, second: str, operator: str, bound: float, whole: bool) -> Difference:
    if operator in {">", ">="}:
        first, second, bound = second, first, -bound
    strict = operator in {"<", ">"}
    if strict and whole and float(bound).is_integer():
        return Difference(first, second, bound - 1, False)
    return Difference(first, second, bound, strict)
