"""Values of the wrong type where they stand: what no engine can make sense of (FRM-72x)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from expressions.syntax import Binary, Call, Expr, Negation, Number, Text, unparse, walk
from expressions.typing.types import NUMBER_TEXT, Typed, Types

ARITHMETIC: Final = frozenset(("+", "-", "*", "div", "mod"))
ORDERS: Final = frozenset(("<", "<=", ">", ">="))
EQUALITY: Final = frozenset(("=", "!="))
_NUMERIC_FUNCTIONS: Final = frozenset(("round", "int", "abs", "pow", "sqrt", "sum", "min", "max", "number"))
_DAY_FUNCTIONS: Final = frozenset(("format-date", "format-date-time", "decimal-date-time"))
_SHOWN: Final = 60

_NAMES: Final = {"num": "a number", "str": "a text", "bool": "a condition", "date": "a date", "dateTime": "a moment"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something doubtful in an expression.

    Attributes:
        code: stable code.
        message: what was found.
        advice: what to do.
        severity: "warning" or "info".
    """

    code: str
    message: str
    advice: str
    severity: Literal["warning", "info"] = "warning"


def find_faults(tree: Expr, types: Types) -> Iterator[Fault]:
    """Every value of the wrong type in an expression; what stands in predicates isn't looked at."""
    for node in walk(tree):
        match node:
            case Binary(operator=operator) if operator in ARITHMETIC:
                for side in (node.left, node.right):
                    yield from _not_a_number(side, types, f"'{operator}'")
                yield from _days(node, types)
            case Negation():
                yield from _not_a_number(node.operand, types, "'-'")
            case Binary(operator=operator) if operator in ORDERS:
                yield from _order(node, types)
            case Binary(operator=operator) if operator in EQUALITY:
                yield from _equality(node, types)
            case Call():
                yield from _call(node, types)


def shown(expr: Expr) -> str:
    """An expression for a message, shortened."""
    text = " ".join(unparse(expr).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def called(expr: Expr, typed: Typed) -> str:
    """The question's name, else the expression."""
    return f"'{typed.question.name}'" if typed.question is not None else shown(expr)


def _not_a_number(expr: Expr, types: Types, where: str) -> Iterator[Fault]:
    typed = types.of(expr)
    if typed.is_never_number and typed.texts != frozenset({""}):
        what = "its codes are no numbers" if typed.question is not None else "it is no number"
        message = f"{called(expr, typed)} stands where {where} needs a number, and {what}: the result is never one."
        yield Fault("FRM-720", message, "Use a question with a number, or compare the codes with '='.")


def _days(node: Binary, types: Types) -> Iterator[Fault]:
    left, right = types.of(node.left), types.of(node.right)
    is_sum = node.operator == "+" and left.kind == right.kind == "date"
    is_product = node.operator in {"*", "div"} and "date" in {left.kind, right.kind}
    if is_sum or is_product:
        message = f"Dates can't be added, multiplied or divided: {shown(node)}."
        yield Fault("FRM-721", message, "Subtract dates to get days; add days to a date.")


def _order(node: Binary, types: Types) -> Iterator[Fault]:
    for side, other in ((node.left, node.right), (node.right, node.left)):
        typed, against = types.of(side), types.of(other)
        if typed.texts == frozenset({""}) and isinstance(side, Text):
            message = f"{shown(node)} compares with blank, which is no number: it never holds."
            yield Fault("FRM-722", message, "Ask whether there is an answer with = '' or != ''.")
            return
        is_told = isinstance(side, Text) and against.kind in {"date", "dateTime", "num"}  # FRM-126, FRM-127
        if typed.is_never_number and not is_told:
            what = "its codes are no numbers" if typed.question is not None else "it is no number"
            message = f"{called(side, typed)} is compared by '{node.operator}' and {what}: it never holds."
            yield Fault("FRM-723", message, "Compare codes with '=' or selected().")
            return
    yield from _mixed(node, types)


def _equality(node: Binary, types: Types) -> Iterator[Fault]:
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if types.of(side).kind == "bool" and isinstance(other, Text) and types.of(side).question is None:
            message = f"A condition is compared with the text '{other.value}': every text but '' counts as true."
            yield Fault("FRM-724", message, "Use the condition itself, or not(...).")
            return
    yield from _mixed(node, types)


def _mixed(node: Binary, types: Types) -> Iterator[Fault]:
    """A date against a number."""
    left, right = types.of(node.left), types.of(node.right)
    if isinstance(node.left, Text | Number) or isinstance(node.right, Text | Number):
        return  # FRM-126
    for one, two, first, second in ((left, right, node.left, node.right), (right, left, node.right, node.left)):
        if one.kind == "date" and not one.is_computed and two.kind == "num" and two.question is not None:
            message = f"{called(first, one)} is a date and is compared with {called(second, two)}, which is a number."
            yield Fault("FRM-725", message, "Compare dates with dates; (today() - date) div 365.25 is an age.")


def _call(call: Call, types: Types) -> Iterator[Fault]:
    if call.name in _NUMERIC_FUNCTIONS:
        for argument in call.arguments:
            if not isinstance(argument, Text) or not NUMBER_TEXT.fullmatch(argument.value):
                yield from _not_a_number(argument, types, f"{call.name}()")
    first = types.of(call.arguments[0]) if call.arguments else None
    if first is None or first.question is None:
        return
    name, question = f"'{first.question.name}'", first.question
    is_other = question.is_select or first.kind in {"num", "bool"}
    if call.name in _DAY_FUNCTIONS and is_other:
        what = "a question with choices" if question.is_select else _NAMES[first.kind]
        yield Fault("FRM-726", f"{call.name}() needs a date, and {name} is {what}.", "Give it a date question.")
    elif call.name in {"count-selected", "selected-at"} and question.control == "select1":
        is_harmless = call.name == "selected-at" and call.arguments[1:] == (Number(0),)
        message = f"{call.name}() is about several choices, and {name} has one."
        advice = "Use '=' to compare, or make the question a select_multiple."
        yield Fault("FRM-727", message, advice, "info" if is_harmless else "warning")
    elif call.name in {"count-selected", "selected-at"} and first.kind in {"num", "date", "dateTime", "bool"}:
        message = f"{call.name}() needs a question with choices, and {name} is {_NAMES[first.kind]}."
        yield Fault("FRM-727", message, "Give it a select_multiple.")
    elif call.name == "indexed-repeat" and not first.is_many and question.table == "main":
        message = f"indexed-repeat() looks for {name} in a repeat, and it is in none."
        yield Fault("FRM-728", message, "Name a question of the repeat.")
