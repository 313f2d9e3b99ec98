"""Constructs on which ODK's engines disagree, where the types show that they can (FRM-73x, FRM-74x).

JavaRosa is ODK Collect's engine; Enketo and Web Forms run in browsers. Each message tells what each of them does. A
difference is a warning where the phone itself does what few expect, or a constraint is weaker in a browser; else a
note.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final

from expressions.patterns import compile_pattern
from expressions.syntax import Binary, Call, Expr, Filter, Logic, Number, Path, Reference, Text, walk
from expressions.typing.faults import EQUALITY, ORDERS, Fault, called, shown
from expressions.typing.types import NUMBER_TEXT, Typed, Types
from schemas.errors import ExpressionError
from schemas.fields import Field

_LARGEST_INT: Final = 2_147_483_647
_CANONICAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?", re.ASCII)
_SCRIPT_ONLY = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+\s*|\s*\+\d+(?:\.\d+)?\s*|\s*0x[0-9a-fA-F]+\s*")
_COMMA = re.compile(r"\s*-?\d+,\d+\s*", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_JR = "ODK Collect (JavaRosa)"


def find_differences(tree: Expr, types: Types, is_condition: bool) -> Iterator[Fault]:
    """Every construct of an expression that engines may understand differently.

    Args:
        is_condition: whether the whole expression is taken for true or false.
    """
    if is_condition:
        yield from _as_truth(tree, types)
    for node in walk(tree):
        match node:
            case Logic():
                for operand in node.operands:
                    yield from _as_truth(operand, types)
            case Binary(operator=operator) if operator in EQUALITY | ORDERS:
                yield from _comparison(node, types)
            case Binary(operator="+" | "-" | "*" | "div" | "mod"):
                for side in (node.left, node.right):
                    yield from _as_number(side, types)
                    yield from _moment(side, types, f"'{node.operator}'")
            case Call():
                yield from _call(node, types)


def _as_truth(expr: Expr, types: Types) -> Iterator[Fault]:
    """A question in the place of a condition."""
    if isinstance(expr, Reference | Path | Filter) and types.target(expr) is not None:
        message = (
            f"{called(expr, types.of(expr))} stands as a condition: {_JR} takes its value (blank and 0 are false), "
            "Enketo takes a blank one for true because the question is there, Web Forms isn't settled."
        )
        yield Fault("FRM-740", message, "Write what is meant: = 'code', > 0 or != ''.")


# -- numbers and texts -------------------------------------------------------------------------------------------------
def _as_number(expr: Expr, types: Types) -> Iterator[Fault]:
    """A text where a number is needed."""
    typed = types.of(expr)
    if isinstance(expr, Text):
        if _COMMA.fullmatch(expr.value):
            message = (
                f"'{expr.value}' is {expr.value.replace(',', '.')} in {_JR}, and no number in Enketo and Web Forms."
            )
            yield Fault("FRM-734", message, "Write the number with a point, without quotes.")
        elif _SCRIPT_ONLY.fullmatch(expr.value):
            message = f"'{expr.value}' is a number in Enketo and Web Forms, and none in {_JR}."
            yield Fault("FRM-734", message, "Write the number in digits, without quotes.")
        elif _DAY.match(expr.value):
            message = f"'{expr.value}' as a number is the day's number in Enketo and Web Forms, and none in {_JR}."
            yield Fault("FRM-744", message, "Write date('YYYY-MM-DD').")
    elif typed.question is not None and _is_typed_in(typed.question):
        message = (
            f"'{typed.question.name}' is a text and is read as a number: '1,5' is one in {_JR} and none in Enketo and "
            "Web Forms, '1e3' and '+5' the other way round."
        )
        yield Fault("FRM-734", message, "Ask for a decimal or integer.")


def _is_typed_in(question: Field) -> bool:
    """Whether people write a text of their own: not a note, nor what is calculated."""
    is_shown = question.calculation is not None or (question.readonly or "false()") != "false()"
    return question.type == "string" and question.control == "input" and not is_shown


def _comparison(node: Binary, types: Types) -> Iterator[Fault]:
    left, right = types.of(node.left), types.of(node.right)
    if node.operator in ORDERS:
        for side, other in ((node.left, right), (node.right, left)):
            if other.kind == "num" or not isinstance(side, Text):
                yield from _as_number(side, types) if not _is_date_text(side, other) else ()
        for side, other in ((node.left, right), (node.right, left)):
            if types.of(side).kind == "dateTime" and other.kind in {"date", "dateTime", "num"}:
                yield from _moment(side, types, f"'{node.operator}'")
                return
        return
    yield from _equality(node, left, right, types)


def _is_date_text(side: Expr, other: Typed) -> bool:
    return isinstance(side, Text) and other.kind in {"date", "dateTime"}  # FRM-126


def _equality(node: Binary, left: Typed, right: Typed, types: Types) -> Iterator[Fault]:
    for side, other in ((node.left, right), (node.right, left)):
        if isinstance(side, Text) and other.kind == "num" and other.question is not None:
            if NUMBER_TEXT.fullmatch(side.value) and (not _CANONICAL.fullmatch(side.value) or not other.is_whole):
                message = (
                    f"'{other.question.name}' is a number and is compared with the text '{side.value}': {_JR} compares "
                    "them as numbers, Enketo and Web Forms letter by letter ('5' is not '5.0')."
                )
                yield Fault("FRM-739", message, "Write the number without quotes.", "info")
        elif isinstance(side, Number) and other.kind == "str":
            yield from _as_number(node.left if side is node.right else node.right, types)
    fractions = [one for one in (left, right) if one.kind == "num" and one.is_computed and not one.is_whole]
    if fractions and left.kind == right.kind == "num":
        message = (
            f"{shown(node)} asks whether computed decimals are equal: {_JR} allows a difference of 1e-12, Enketo and "
            "Web Forms none (0.1 + 0.2 = 0.3 is false there)."
        )
        yield Fault("FRM-738", message, "Compare round(...) of both, or ask for a small difference.", "info")


def _moment(expr: Expr, types: Types, where: str) -> Iterator[Fault]:
    typed = types.of(expr)
    if typed.kind == "dateTime":
        message = (
            f"{called(expr, typed)} is a moment and {where} needs a number: {_JR} takes the whole day, Enketo and Web "
            "Forms the day with its time as a fraction."
        )
        yield Fault("FRM-742", message, "Use decimal-date-time() for the time, date() for the day.")


# -- functions ---------------------------------------------------------------------------------------------------------
def _call(call: Call, types: Types) -> Iterator[Fault]:
    match call.name:
        case "regex" if len(call.arguments) == 2:
            yield from _regex(call)
        case "sum" | "min" | "max":
            yield from _blanks(call, types)
        case "round" if call.arguments:
            yield from _round(call, types)
        case "string" | "concat" | "join":
            yield from _as_text(call, types)
        case "number" | "int":
            for argument in call.arguments:
                yield from _as_number(argument, types)
        case "not" | "boolean" if call.arguments:
            yield from _as_truth(call.arguments[0], types)
        case "if" if len(call.arguments) == 3:
            yield from _as_truth(call.arguments[0], types)
        case "boolean-from-string" if call.arguments:
            texts = types.of(call.arguments[0]).texts
            if texts is None or any(text.lower() == "true" and text != "true" for text in texts):
                message = f"boolean-from-string('TRUE') is true in {_JR}, and false in Enketo and Web Forms."
                yield Fault("FRM-741", message, "Compare with the code: = 'true'.", "info")


def _regex(call: Call) -> Iterator[Fault]:
    pattern = call.arguments[1]
    if not isinstance(pattern, Text):
        return
    text = pattern.value
    try:
        compile_pattern(text, pattern.position)
    except ExpressionError:
        return  # reported by itself
    starts = text.startswith(("^", ".*"))
    ends = (text.endswith("$") and not text.endswith("\\$")) or (text.endswith(".*") and not text.endswith("\\.*"))
    has_or = "|" in re.sub(r"\(.*\)|\[[^\]]*\]", "", text)
    if not (starts and ends) or has_or:
        message = (
            f"The pattern '{shown(pattern)[1:-1]}' must fit the whole answer in {_JR}; in Enketo and Web Forms it is "
            "enough that a part of the answer fits."
        )
        yield Fault("FRM-730", message, "Write ^(...)$ around it, which means the same everywhere.")


def _blanks(call: Call, types: Types) -> Iterator[Fault]:
    """Blanks among what is added or compared; the bug of JavaRosa's max()."""
    parts = [types.of(argument) for argument in call.arguments]
    blank = next((pair for pair in zip(call.arguments, parts, strict=True) if _may_lack(pair[1])), None)
    if blank is not None:
        name = called(*blank)
        if call.name == "sum":
            message = (
                f"sum() of {name}, which may be blank: {_JR} leaves blanks out, in Enketo and Web Forms one makes "
                "the sum NaN; without rows it is 0, 0 and NaN."
            )
            yield Fault("FRM-731", message, "Sum a calculate with coalesce(${name}, 0).", "info")
        else:
            message = (
                f"{call.name}() of {name}, which may be blank: {_JR} leaves blanks out, in Enketo and Web Forms one "
                "blank makes the result NaN."
            )
            yield Fault("FRM-732", message, "Use coalesce(${name}, ...) for what may be blank.", "info")
    if call.name == "max" and parts and all(_may_be_negative(part) for part in parts):
        message = f"{shown(call)} of negative numbers is 4.9E-324 in {_JR}, by an error of it; elsewhere the greatest."
        yield Fault("FRM-733", message, "Dates before 1970 are negative numbers: compare with if(a > b, a, b).")


def _may_lack(part: Typed) -> bool:
    if part.question is None or not part.may_be_blank:
        return False
    return part.kind in {"num", "date", "dateTime"} or part.question.calculation is not None


def _may_be_negative(part: Typed) -> bool:
    """Whether a number is known to go below zero; of an unbounded one nothing is said."""
    if part.kind == "date":
        return True
    return part.kind == "num" and part.low < 0 and (not math.isinf(part.low) or part.high < 0)


def _round(call: Call, types: Types) -> Iterator[Fault]:
    value = types.of(call.arguments[0])
    if len(call.arguments) == 2:
        message = f"{shown(call)}: 1.005 to two places is 1.01 in {_JR}, and 1 in Enketo and Web Forms."
        yield Fault("FRM-737", message, "It differs in the last digit only; don't compare it with '='.", "info")
    elif _may_be_negative(value) or (value.is_computed and value.low < 0 and _is_difference(call.arguments[0])):
        message = f"{shown(call)} of a negative half: -2.5 becomes -2 in {_JR}, and -3 in Enketo and Web Forms."
        yield Fault("FRM-736", message, "Use int() where halves matter.", "info")


def _is_difference(expr: Expr) -> bool:
    return any(isinstance(node, Binary) and node.operator == "-" for node in walk(expr))


def _as_text(call: Call, types: Types) -> Iterator[Fault]:
    for argument in call.arguments:
        typed = types.of(argument)
        ends = [abs(end) for end in (typed.low, typed.high) if not math.isinf(end)]
        is_large = any(end > (_LARGEST_INT if typed.is_whole else 1e7) for end in ends)
        if typed.kind == "num" and is_large:
            message = (
                f"{called(argument, typed)} may be a large number: 3000000000 as a text is '3.0E9' in {_JR}, and "
                "'3000000000' in Enketo and Web Forms."
            )
            yield Fault("FRM-735", message, "Ask for long codes as texts.")
        elif typed.kind == "dateTime":
            message = (
                f"{called(argument, typed)} is a moment: as a text it is its day alone in {_JR}, and day and time in "
                "Enketo and Web Forms."
            )
            yield Fault("FRM-743", message, "Use format-date-time().")
