"""Operators: comparisons, arithmetic, and/or; by engine."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import date

from expressions.compiled import Compiled, as_boolean, as_number, as_single
from expressions.profiles import Profile
from expressions.scope import Frame
from expressions.script_dates import looks_like_date, script_number_of
from expressions.values import (
    INFINITY,
    NAN,
    TOLERANCE,
    NodeSet,
    Value,
    to_boolean,
    to_number,
    to_string,
)

Order = Callable[[float, float], bool]
_ORDERS: dict[str, Order] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def compile_logic(name: str, operands: list[Compiled], profile: Profile) -> Compiled:
    """`and` or `or`: from the left, stopping at the first operand that decides."""
    tests = [as_boolean(operand, profile) for operand in operands]
    if len(tests) == 2:
        first, second = tests
        if name == "and":
            return Compiled(lambda frame: first(frame) and second(frame), "boolean")
        return Compiled(lambda frame: first(frame) or second(frame), "boolean")
    if name == "and":
        return Compiled(lambda frame: all(test(frame) for test in tests), "boolean")
    return Compiled(lambda frame: any(test(frame) for test in tests), "boolean")


# -- arithmetic --------------------------------------------------------------------------------------------------------
def divide(left: float, right: float) -> float:
    """IEEE division: by zero is infinite, or NaN for 0 div 0."""
    if right != 0:
        return left / right
    if left == 0 or left != left:
        return NAN
    return math.copysign(INFINITY, left) * math.copysign(1.0, right)


def remainder(left: float, right: float) -> float:
    """Remainder with the sign of the left side; NaN where there is none."""
    if right == 0 or math.isinf(left) or left != left or right != right:
        return NAN
    return math.fmod(left, right)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "div": divide,
    "mod": remainder,
}


def compile_arithmetic(name: str, left: Compiled, right: Compiled, profile: Profile) -> Compiled:
    """`+ - * div mod` over numbers."""
    apply = _ARITHMETIC[name]
    first, second = as_number(left, profile), as_number(right, profile)
    return Compiled(lambda frame: apply(first(frame), second(frame)), "number")


def compile_negation(operand: Compiled, profile: Profile) -> Compiled:
    """Unary minus."""
    number = as_number(operand, profile)
    if isinstance(operand.constant, float):
        value = -operand.constant
        return Compiled(lambda frame: value, "number", constant=value)
    return Compiled(lambda frame: -number(frame), "number")


# -- comparison --------------------------------------------------------------------------------------------------------
def compile_comparison(name: str, left: Compiled, right: Compiled, profile: Profile) -> Compiled:
    """`= != < <= > >=`."""
    if profile is not Profile.JAVAROSA:
        return _compile_script_comparison(name, left, right)
    if name in _ORDERS:
        order = _ORDERS[name]
        low, high = as_number(left, profile), as_number(right, profile)
        return Compiled(lambda frame: order(low(frame), high(frame)), "boolean")
    return Compiled(_compile_equality(left, right, name == "!="), "boolean")


def _compile_equality(left: Compiled, right: Compiled, negated: bool) -> Callable[[Frame], bool]:
    """JavaRosa's `=`; the commonest shape, a value against a written text, has a quick way."""
    if isinstance(left.constant, str):
        left, right = right, left
    first, second = as_single(left, Profile.JAVAROSA), as_single(right, Profile.JAVAROSA)
    if not isinstance(right.constant, str):
        return lambda frame: java_equal(first(frame), second(frame)) is not negated
    text = right.constant

    def equals_text(frame: Frame) -> bool:
        value = first(frame)
        if type(value) is str:
            return (value == text) is not negated
        return java_equal(value, text) is not negated

    return equals_text


def java_equal(left: Value, right: Value) -> bool:
    """JavaRosa's equality of two single values: as booleans, else as numbers, else as texts."""
    if isinstance(left, bool) or isinstance(right, bool):
        return to_boolean(left) == to_boolean(right)
    if isinstance(left, float) or isinstance(right, float):
        return abs(to_number(left) - to_number(right)) < TOLERANCE
    return to_string(left) == to_string(right)


def _compile_script_comparison(name: str, left: Compiled, right: Compiled) -> Compiled:
    first, second = left.evaluate, right.evaluate
    if name in _ORDERS:
        return Compiled(lambda frame: _script_order(name, first(frame), second(frame), frame), "boolean")
    negated = name == "!="
    return Compiled(lambda frame: _script_equality(first(frame), second(frame), negated, frame), "boolean")


def _script_equality(left: Value, right: Value, negated: bool, frame: Frame) -> bool:
    """XPath 1.0: with node-sets, whether some pair (un)equals; dates compare as moments."""
    if isinstance(left, bool) or isinstance(right, bool):
        return (to_boolean(left, frame.profile) == to_boolean(right, frame.profile)) is not negated
    return any(
        _script_equal(one, other, frame) is not negated for one in _each(left, frame) for other in _each(right, frame)
    )


def _script_equal(left: Value, right: Value, frame: Frame) -> bool:
    if isinstance(left, float | date) or isinstance(right, float | date):
        return _number(left, frame) == _number(right, frame)
    if frame.profile is Profile.ENKETO and any(looks_like_date(str(side), frame.profile) for side in (left, right)):
        return _number(left, frame) == _number(right, frame)
    return to_string(left, frame.profile) == to_string(right, frame.profile)


def _script_order(name: str, left: Value, right: Value, frame: Frame) -> bool:
    order = _ORDERS[name]
    return any(
        order(_number(one, frame), _number(other, frame)) for one in _each(left, frame) for other in _each(right, frame)
    )


def _each(value: Value, frame: Frame) -> list[Value]:
    if isinstance(value, NodeSet):
        return [value.read(node) for node in value.nodes]
    return [value]


def _number(value: Value, frame: Frame) -> float:
    return script_number_of(value, frame.profile, frame.scope.now.tzinfo)
