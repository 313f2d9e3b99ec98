"""Conditions tried on each answer that a question may have, in every engine."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from expressions.instance import Element
from expressions.profiles import Profile
from expressions.records import Scope, compile_record
from expressions.syntax import Call, Expr, unparse, walk
from schemas.errors import ExpressionError

_PURE: Final = frozenset(
    (
        *("if", "not", "true", "false", "boolean", "boolean-from-string", "coalesce", "checklist"),
        *("selected", "count-selected", "selected-at", "regex", "number", "int", "round", "pow", "abs", "sqrt"),
        *("string", "string-length", "concat", "contains", "starts-with", "ends-with", "substr", "translate"),
        *("substring-before", "substring-after", "normalize-space"),
    )
)
"""Functions that depend on their arguments' values alone."""

_ANY_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)


def is_pure(tree: Expr) -> bool:
    """Whether the expression's value depends on the answers it names alone."""
    return all(part.name in _PURE for part in walk(tree) if isinstance(part, Call))


def holding(tree: Expr, path: str, bind_type: str, values: tuple[str, ...], wanted: bool) -> frozenset[str] | None:
    """The answers with which the condition is as wanted in some engine; null if an engine refuses it.

    Args:
        path: absolute path of the one question named, "" if there is none.
        bind_type: its type.
        values: the answers, "" for blank.
    """
    return _holding(unparse(tree), path, bind_type, values, wanted)


@lru_cache(maxsize=8192)
def _holding(text: str, path: str, bind_type: str, values: tuple[str, ...], wanted: bool) -> frozenset[str] | None:
    root = Element(path.split("/")[1] if path else "data")
    node = root
    for name in path.split("/")[2:]:
        node = node.append(Element(name))
    scope = Scope(root, _ANY_TIME, types={path: bind_type} if path else {})
    found: set[str] = set()
    try:
        compiled = [compile_record(text, profile) for profile in Profile]
        for value in values:
            node.text = value
            if any(one.boolean(root, scope) is wanted for one in compiled):
                found.add(value)
    except ExpressionError:
        return None
    return frozenset(found)
