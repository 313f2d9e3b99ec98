"""Evaluate an expression at one node of one submission.

    >>> from datetime import datetime, timezone
    >>> from expressions.instance import Element
    >>> root = Element.from_xml(b"<data><age>31</age><work>yes</work></data>")
    >>> scope = Scope(root, now=datetime.now(timezone.utc), references={"age": "/data/age"}, types={"/data/age": "int"})
    >>> compile_record("${age} >= 15 and /data/work = 'yes'").evaluate(root, scope)
    True

An expression is compiled once into Python closures (and kept); evaluating it then costs microseconds.
"""

from __future__ import annotations

from functools import lru_cache

from expressions.compiled import as_boolean, as_number, as_string
from expressions.compiler import Compiler
from expressions.grammar import parse
from expressions.instance import Element
from expressions.profiles import Profile
from expressions.scope import Frame, Scope
from expressions.syntax import Expr
from expressions.values import NodeSet, Value, to_boolean, to_number, to_string

__all__ = [
    "NodeSet",
    "RecordExpr",
    "Scope",
    "Value",
    "compile_lazily",
    "compile_record",
    "to_boolean",
    "to_number",
    "to_string",
]


class RecordExpr:
    """A compiled expression. Immutable, and safe to share between threads.

    Attributes:
        text, profile: what it was compiled from.
        tree: its syntax tree.
    """

    __slots__ = ("_boolean", "_evaluate", "_number", "_string", "profile", "text", "tree")

    def __init__(self, text: str, profile: Profile, lazy: bool = False) -> None:
        self.text = text
        self.profile = profile
        self.tree: Expr = parse(text, profile is Profile.ENKETO)
        compiled = Compiler(profile, lazy).compile(self.tree)
        self._evaluate = compiled.evaluate
        self._boolean = as_boolean(compiled, profile)
        self._number = as_number(compiled, profile)
        self._string = as_string(compiled, profile)

    def evaluate(self, node: Element, scope: Scope) -> Value:
        """Its value at `node`; a `NodeSet` if the expression is a path.

        Raises:
            ExpressionError: EXP-022 an unknown question, EXP-023 a value where nodes are needed, EXP-024 several nodes
                where one value is needed, EXP-025 no date, EXP-026 no such list, EXP-027 a broken regular expression.
        """
        return self._evaluate(Frame(node, scope, self.profile, node))

    def boolean(self, node: Element, scope: Scope) -> bool:
        """Its value as true or false (for relevant, constraint, required)."""
        return self._boolean(Frame(node, scope, self.profile, node))

    def number(self, node: Element, scope: Scope) -> float:
        """Its value as a number, NaN for blank."""
        return self._number(Frame(node, scope, self.profile, node))

    def string(self, node: Element, scope: Scope) -> str:
        """Its value as text (for calculations)."""
        return self._string(Frame(node, scope, self.profile, node))


@lru_cache(maxsize=8192)
def compile_record(text: str, profile: Profile = Profile.JAVAROSA) -> RecordExpr:
    """The compiled expression; equal texts share one.

    Raises:
        ExpressionError: EXP-001 to EXP-010 from `grammar.parse`; EXP-020 an unknown function; EXP-021 a wrong number of
            arguments; EXP-023 a path that doesn't begin with nodes.
    """
    return RecordExpr(text, profile)


@lru_cache(maxsize=4096)
def compile_lazily(text: str, profile: Profile = Profile.JAVAROSA) -> RecordExpr:
    """As `compile_record`, but an unknown function or a wrong call is an error only when it is reached.

    That is how the engines behave: `false() and nonsense()` is false.

    Raises:
        ExpressionError: EXP-001 to EXP-010 from `grammar.parse`.
    """
    return RecordExpr(text, profile, lazy=True)
