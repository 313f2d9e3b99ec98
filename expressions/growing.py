"""Whether a condition can only come to hold as today() grows: what doesn't hold on the latest possible day never did.

. <= today()                          grows
. <= today() and . >= '2020-01-01'    grows
. >= today()                          doesn't
. = today()                           doesn't
"""

from __future__ import annotations

from typing import Final

from expressions.clock import CLOCK_FUNCTIONS
from expressions.grammar import parse
from expressions.syntax import Binary, Call, Expr, Logic, Negation, Number, walk
from schemas.errors import ExpressionError

_KEEPS_ORDER: Final = frozenset(("date", "number", "int", "decimal-date-time"))
"""Functions of one argument that grow, or stay, where it grows."""

_FLIPPED: Final = {"<": True, "<=": True, ">": False, ">=": False}


def grows_with_today(text: str) -> bool:
    """Whether a condition names today() or now(), and a later day never makes it false."""
    try:
        tree = parse(text)
    except ExpressionError:
        return False
    return _names_clock(tree) and _grows(tree, upwards=True)


def _names_clock(expr: Expr) -> bool:
    return any(isinstance(part, Call) and part.name in CLOCK_FUNCTIONS for part in walk(expr))


def _grows(expr: Expr, *, upwards: bool) -> bool:
    """Whether a condition or number never falls as the day grows; with `upwards` false, whether it never rises."""
    if not _names_clock(expr):
        return True
    match expr:
        case Logic():
            return all(_grows(part, upwards=upwards) for part in expr.operands)
        case Call(name="not", arguments=(inner,)) | Negation(operand=inner):
            return _grows(inner, upwards=not upwards)
        case Call(name=name, arguments=()) if name in CLOCK_FUNCTIONS:
            return upwards
        case Call(name=name, arguments=(inner,)) if name in _KEEPS_ORDER:
            return _grows(inner, upwards=upwards)
        case Binary(operator=operator) if operator in _FLIPPED:
            # a <= b grows where b does and a falls.
            left, right = (upwards, not upwards) if not _FLIPPED[operator] else (not upwards, upwards)
            return _grows(expr.left, upwards=left) and _grows(expr.right, upwards=right)
        case Binary(operator="+"):
            return _grows(expr.left, upwards=upwards) and _grows(expr.right, upwards=upwards)
        case Binary(operator="-"):
            return _grows(expr.left, upwards=upwards) and _grows(expr.right, upwards=not upwards)
        case Binary(operator="*" | "div", right=Number(value=value)) if value > 0:
            return _grows(expr.left, upwards=upwards)
        case _:
            return False
