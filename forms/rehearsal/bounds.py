"""Hints from a constraint's own text: where its answers may lie, so that few draws are wasted."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import rstr

from expressions.instance import Element
from expressions.profiles import Profile
from expressions.records import RecordExpr, compile_record, to_number, to_string
from expressions.scope import Scope
from expressions.syntax import Binary, Call, Expr, Logic, Path, Text, unparse, walk
from schemas.errors import ExpressionError

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_TRANSPARENT = frozenset(("number", "int", "date", "string", "round", "decimal-date-time", "normalize-space"))
LENGTH, SELECTED = "string-length", "count-selected"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer (or its length, or its number of choices) against something.

    Attributes:
        measure: "" for the answer itself, else "string-length" or "count-selected".
        binding: whether the constraint can't hold unless it does.
    """

    measure: str
    operator: str
    other: RecordExpr
    binding: bool


@dataclass(frozen=True, slots=True)
class Hints:
    """What a constraint tells of its answers.

    Attributes:
        patterns: regular expressions that the answer is matched against.
        texts: codes and texts that it is compared with.
    """

    comparisons: tuple[Comparison, ...] = ()
    patterns: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Hints at one place of one instance, as numbers (dates as days since 1970-01-01).

    Attributes:
        low, high: what binds, null where nothing does. Both may be answers themselves.
        points: values just at and beside what the constraint compares with.
    """

    low: float | None = None
    high: float | None = None
    points: tuple[float, ...] = ()


def find_hints(expr: Expr, is_self: Callable[[Expr], bool]) -> Hints:
    """Hints in a constraint.

    Args:
        is_self: whether a path means the answer itself.
    """
    binding = _binding(expr)
    comparisons: list[Comparison] = []
    patterns: list[str] = []
    texts: list[str] = []
    for part in walk(expr):
        match part:
            case Binary(operator=operator, left=left, right=right) if operator in _MIRRORED:
                for side, other, sign in ((left, right, operator), (right, left, _MIRRORED[operator])):
                    measure = _measure(side, is_self)
                    if measure is not None and _measure(other, is_self) is None:
                        comparisons.append(
                            Comparison(measure, sign, compile_record(unparse(other)), id(part) in binding)
                        )
                        if isinstance(other, Text) and not measure:
                            texts.append(other.value)
            case Call(name="regex", arguments=(subject, Text(value=pattern))) if _measure(subject, is_self) == "":
                patterns.append(pattern)
            case Call(name="selected", arguments=(subject, Text(value=code))) if _measure(subject, is_self) == "":
                texts.append(code)
            case _:
                continue
    return Hints(tuple(comparisons), tuple(dict.fromkeys(patterns)), tuple(dict.fromkeys(texts)))


def _binding(expr: Expr) -> set[int]:
    """Identities of the parts that must hold if the whole does."""
    if isinstance(expr, Logic) and expr.operator == "and":
        return {found for operand in expr.operands for found in _binding(operand)}
    return {id(expr)}


def _measure(expr: Expr, is_self: Callable[[Expr], bool]) -> str | None:
    if isinstance(expr, Path):
        return "" if is_self(expr) else None
    if isinstance(expr, Call) and expr.arguments:
        inner = _measure(expr.arguments[0], is_self)
        if inner == "" and expr.name in {LENGTH, SELECTED}:
            return expr.name
        return inner if expr.name in _TRANSPARENT else None
    return None


def bounds_at(hints: Hints, measure: str, node: Element, scope: Scope, unit: float) -> Bounds:
    """The bounds of a measure at `node`.

    Args:
        unit: the smallest step: 1 for whole numbers and days, less for decimals.
    """
    low: float | None = None
    high: float | None = None
    points: list[float] = []
    for comparison in hints.comparisons:
        if comparison.measure != measure:
            continue
        try:
            value = to_number(comparison.other.evaluate(node, scope), Profile.JAVAROSA)
        except ExpressionError:
            continue
        if value != value or abs(value) > 1e15:
            continue
        points.extend((value - unit, value, value + unit))
        if not comparison.binding:
            continue
        if comparison.operator in {">", ">=", "="}:
            edge = value + (unit if comparison.operator == ">" else 0)
            low = edge if low is None else max(low, edge)
        if comparison.operator in {"<", "<=", "="}:
            edge = value - (unit if comparison.operator == "<" else 0)
            high = edge if high is None else min(high, edge)
    return Bounds(low, high, tuple(dict.fromkeys(points)))


def compared_texts(hints: Hints, node: Element, scope: Scope) -> list[str]:
    """Texts that the answer is compared with, those of other answers included."""
    texts = list(hints.texts)
    for comparison in hints.comparisons:
        if not comparison.measure and comparison.operator == "=":
            try:
                texts.append(to_string(comparison.other.evaluate(node, scope), Profile.JAVAROSA))
            except ExpressionError:
                continue
    return [text for text in texts if text]


def matching_text(patterns: Sequence[str], chance: random.Random) -> str:
    """A text that matches one of the patterns, "" if none can be made."""
    pattern = patterns[0] if len(patterns) == 1 else chance.choice(list(patterns))
    try:
        text = str(rstr.Rstr(chance).xeger(_bounded(pattern)))
    except Exception:  # patterns are the author's; whatever they break, another way is tried
        return ""
    return text if _LEGAL.fullmatch(text) else ""


def _bounded(pattern: str) -> str:
    """The pattern with open repetitions closed, so that `.*` gives words and not pages."""
    closed = re.sub(r"(?<!\\)\*(?!\?)", "{0,8}", pattern)
    closed = re.sub(r"(?<=[\])\w.])\+(?![?+])", "{1,8}", closed)
    return re.sub(r"\{(\d+),\}", lambda found: f"{{{found[1]},{int(found[1]) + 8}}}", closed)
