"""From the tree of an expression to closures, for one engine."""

from __future__ import annotations

from expressions.compiled import Compiled, constant
from expressions.operators import compile_arithmetic, compile_comparison, compile_logic, compile_negation
from expressions.paths import compile_filter, compile_path, compile_reference, compile_union
from expressions.profiles import Profile
from expressions.registry_names import known_function
from expressions.scope import Frame
from expressions.syntax import Binary, Call, Expr, Filter, Logic, Negation, Number, Path, Reference, Text
from expressions.values import Value
from schemas.errors import ExpressionError

_COMPARISONS = frozenset(("=", "!=", "<", "<=", ">", ">="))


class Compiler:
    """Compiles trees for one engine; functions get it as the means to compile their arguments.

    Args:
        lazy: a wrong call is an error only when it is evaluated.
    """

    def __init__(self, profile: Profile, lazy: bool = False) -> None:
        self.profile = profile
        self.lazy = lazy

    def compile(self, expr: Expr) -> Compiled:
        """The closure of a tree.

        Raises:
            ExpressionError: EXP-020 an unknown function, EXP-021 a wrong number of arguments.
        """
        match expr:
            case Number():
                return constant(expr.value)
            case Text():
                return constant(expr.value)
            case Reference():
                return compile_reference(expr, self.profile)
            case Path():
                return compile_path(expr, self)
            case Filter():
                return compile_filter(expr, self)
            case Call():
                return self.call_lazily(expr) if self.lazy else self.call(expr)
            case Negation():
                return compile_negation(self.compile(expr.operand), self.profile)
            case Logic():
                return compile_logic(expr.operator, [self.compile(part) for part in expr.operands], self.profile)
            case Binary():
                return self.binary(expr)

    def binary(self, expr: Binary) -> Compiled:
        """An operator with two sides."""
        left, right = self.compile(expr.left), self.compile(expr.right)
        if expr.operator == "|":
            return compile_union(left, right, expr, self.profile)
        if expr.operator in _COMPARISONS:
            return compile_comparison(expr.operator, left, right, self.profile)
        return compile_arithmetic(expr.operator, left, right, self.profile)

    def call_lazily(self, call: Call) -> Compiled:
        """A function call; if it is wrong, a closure that says so."""
        try:
            return self.call(call)
        except ExpressionError as error:
            wrong = error

            def fail(frame: Frame) -> Value:
                raise wrong

            return Compiled(fail)

    def call(self, call: Call) -> Compiled:
        """A function call."""
        return known_function(call, self.profile).build(self, call)
