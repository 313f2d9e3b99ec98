"""Parse ODK XPath: a recursive-descent parser with positions and messages in plain words.

    >>> parse("${age} >= 15 and selected(${work}, 'yes')").operator
    'and'

Reads the whole dialect of ODK: `${name}` and `${last-saved#name}`, absolute and relative paths with predicates on every
axis, functions with prefixes, and the operators of XPath 1.0. What a function means, and whether it exists, is
decided later, by the compilers.
"""

from __future__ import annotations

from functools import lru_cache

from expressions.lexer import Token, read_tokens
from expressions.syntax import (
    AXES,
    KIND_TESTS,
    Binary,
    Call,
    Expr,
    Filter,
    Logic,
    Negation,
    Number,
    Path,
    Reference,
    Step,
    Text,
)
from schemas.errors import ExpressionError

MAX_DEPTH = 80
"""Deepest nesting (parentheses, arguments, predicates): far beyond real forms, well within Python's own limit."""

MAX_CHAIN = 120
"""Longest chain of arithmetic or comparison operators without parentheses; `and` and `or` have no limit."""

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("or",),
    ("and",),
    ("=", "!="),
    ("<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "div", "mod"),
)
_RANK = {operator: rank for rank, level in enumerate(_LEVELS) for operator in level}


@lru_cache(maxsize=4096)
def parse(text: str, exponents: bool = False) -> Expr:
    """The tree of an expression. Equal texts share one (immutable) tree.

    Args:
        exponents: whether numbers may be written as `1.5e-3`, which only Enketo reads.

    Raises:
        ExpressionError: with the offset in `position`. EXP-001 nothing there; EXP-002 a character without meaning;
            EXP-003 an open quote; EXP-004 an operand is missing; EXP-005 a bracket or comma is missing; EXP-006 a
            broken `${}`; EXP-007 no such axis; EXP-008 two operands without operator; EXP-009 too deep or too long;
            EXP-010 a step without a name.
    """
    tokens = read_tokens(text, exponents)
    if tokens[0].kind == "end":
        raise ExpressionError("EXP-001", "The expression is empty.", "Write one, or leave the cell out.", 0)
    parser = _Parser(tokens)
    tree = parser.expression()
    parser.expect_end()
    return tree


def _describe(token: Token) -> str:
    match token.kind:
        case "end":
            return "the end of the expression"
        case "text":
            return f"the text {token.value!r}"
        case "reference":
            return f"${{{token.value}}}"
        case _:
            return f"'{token.value}'"


class _Parser:
    """Position in the tokens, and one method per construct."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.index = 0
        self.depth = 0

    # -- tokens ----------------------------------------------------------------------------------------------------
    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def ahead(self, offset: int = 1) -> Token:
        return self.tokens[min(self.index + offset, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.tokens[self.index]
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def at(self, value: str) -> bool:
        token = self.token
        return token.value == value and token.kind in {"symbol", "operator"}

    def expect(self, value: str, opened: Token) -> None:
        if not self.at(value):
            raise ExpressionError(
                "EXP-005",
                f"At {self.token.position + 1}: found {_describe(self.token)}, expected '{value}' for the "
                f"'{opened.value}' at {opened.position + 1}.",
                "Balance the brackets, and separate arguments by commas.",
                self.token.position,
            )
        self.take()

    def expect_end(self) -> None:
        token = self.token
        if token.kind == "end":
            return
        if token.value in {")", "]"} and token.kind == "symbol":
            raise ExpressionError(
                "EXP-005",
                f"At {token.position + 1}: '{token.value}' closes nothing.",
                "Remove it, or add the opening bracket.",
                token.position,
            )
        raise ExpressionError(
            "EXP-008",
            f"At {token.position + 1}: found {_describe(token)}, expected an operator or the end.",
            "Join the two parts by an operator (and, or, =, +, ...).",
            token.position,
        )

    def missing_operand(self) -> ExpressionError:
        token = self.token
        advice = "Add what is missing."
        if token.kind == "operator" and token.value == "=" and self.index and self.tokens[self.index - 1].value == "=":
            advice = "Equality is written with one '='."
        return ExpressionError(
            "EXP-004",
            f"At {token.position + 1}: found {_describe(token)}, expected a value, a path, ${{name}} or a function.",
            advice,
            token.position,
        )

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.too_large(f"nested more than {MAX_DEPTH} deep")

    def too_large(self, what: str) -> ExpressionError:
        position = self.token.position
        return ExpressionError(
            "EXP-009",
            f"At {position + 1}: the expression is {what}.",
            "Split it over several calculations.",
            position,
        )

    # -- operators -------------------------------------------------------------------------------------------------
    def expression(self) -> Expr:
        self.enter()
        tree = self.binary(0)
        self.depth -= 1
        return tree

    def binary(self, rank: int) -> Expr:
        """Precedence climbing over `_LEVELS`; operators of one level bind from the left."""
        left = self.negation()
        chain = 0
        while self.token.kind == "operator" and _RANK.get(self.token.value, -1) >= rank:
            operator = self.token
            own = _RANK[operator.value]
            if operator.value in {"and", "or"}:
                left = self.logic(left, operator, own)
                continue
            self.take()
            chain += 1
            if chain > MAX_CHAIN:
                raise self.too_large(f"a chain of more than {MAX_CHAIN} operators")
            left = Binary(operator.value, left, self.binary(own + 1), operator.position)
        return left

    def logic(self, first: Expr, operator: Token, rank: int) -> Logic:
        operands = [first]
        while self.token.kind == "operator" and self.token.value == operator.value:
            self.take()
            operands.append(self.binary(rank + 1))
        return Logic(operator.value, tuple(operands), operator.position)

    def negation(self) -> Expr:
        if self.token.kind == "operator" and self.token.value == "-":
            minus = self.take()
            self.enter()
            operand = self.negation()
            self.depth -= 1
            return Negation(operand, minus.position)
        return self.union()

    def union(self) -> Expr:
        left = self.path()
        chain = 0
        while self.token.kind == "operator" and self.token.value == "|":
            bar = self.take()
            chain += 1
            if chain > MAX_CHAIN:
                raise self.too_large(f"a union of more than {MAX_CHAIN} parts")
            left = Binary("|", left, self.path(), bar.position)
        return left

    # -- paths -----------------------------------------------------------------------------------------------------
    def path(self) -> Expr:
        start = self.token
        if self.at("/") or self.at("//"):
            return self.absolute_path(start)
        if self.begins_primary():
            base = self.primary()
            predicates = self.predicates()
            if predicates:
                base = Filter(base, predicates, start.position)
            if self.at("/") or self.at("//"):
                return Path(base, False, tuple(self.more_steps()), start.position)
            return base
        if not self.begins_step():
            raise self.missing_operand()
        first = self.step()
        return Path(None, False, (first, *self.more_steps()), start.position)

    def absolute_path(self, start: Token) -> Path:
        steps: list[Step] = []
        if self.at("/"):
            self.take()
            if not self.begins_step():
                return Path(None, True, (), start.position)
            steps.append(self.step())
        steps.extend(self.more_steps())
        return Path(None, True, tuple(steps), start.position)

    def more_steps(self) -> list[Step]:
        steps: list[Step] = []
        while self.at("/") or self.at("//"):
            slash = self.take()
            if slash.value == "//":
                steps.append(Step("descendant-or-self", "node()", (), slash.position))
            steps.append(self.step())
        return steps

    def begins_primary(self) -> bool:
        token = self.token
        if token.kind in {"number", "text", "reference"} or self.at("("):
            return True
        after = self.ahead()
        return token.kind == "name" and after.value == "(" and after.kind == "symbol" and token.value not in KIND_TESTS

    def begins_step(self) -> bool:
        return self.token.kind == "name" or any(self.at(symbol) for symbol in (".", "..", "@", "*"))

    def step(self) -> Step:
        token = self.token
        if self.at(".") or self.at(".."):
            self.take()
            axis = "self" if token.value == "." else "parent"
            return Step(axis, "node()", self.predicates(), token.position)
        axis = "child"
        if self.at("@"):
            self.take()
            axis = "attribute"
        elif token.kind == "name" and self.ahead().value == "::" and self.ahead().kind == "symbol":
            axis = self.axis()
        return Step(axis, self.node_test(), self.predicates(), token.position)

    def axis(self) -> str:
        token = self.take()
        self.take()
        if token.value not in AXES:
            raise ExpressionError(
                "EXP-007",
                f"At {token.position + 1}: there is no axis '{token.value}::'.",
                f"The axes are {', '.join(sorted(AXES))}.",
                token.position,
            )
        return token.value

    def node_test(self) -> str:
        token = self.token
        if self.at("*"):
            self.take()
            return "*"
        if token.kind != "name":
            raise ExpressionError(
                "EXP-010",
                f"At {token.position + 1}: found {_describe(token)}, expected the name of a node.",
                "A path is names separated by '/'; it doesn't end in '/'.",
                token.position,
            )
        self.take()
        if not self.at("("):
            return token.value
        if token.value not in KIND_TESTS:
            raise ExpressionError(
                "EXP-010",
                f"At {token.position + 1}: the function '{token.value}' can't be a step of a path.",
                "Put the path inside the function's brackets.",
                token.position,
            )
        return self.kind_test(token)

    def kind_test(self, name: Token) -> str:
        opened = self.take()
        argument = ""
        if name.value == "processing-instruction" and self.token.kind == "text":
            value = self.take().value
            quote = '"' if "'" in value else "'"
            argument = f"{quote}{value}{quote}"
        self.expect(")", opened)
        return f"{name.value}({argument})"

    def predicates(self) -> tuple[Expr, ...]:
        found: list[Expr] = []
        while self.at("["):
            opened = self.take()
            found.append(self.expression())
            self.expect("]", opened)
        return tuple(found)

    # -- primaries -------------------------------------------------------------------------------------------------
    def primary(self) -> Expr:
        token = self.take()
        match token.kind:
            case "number":
                return self.number(token)
            case "text":
                return Text(token.value, token.position)
            case "reference":
                name = token.value.removeprefix("last-saved#")
                return Reference(name, name != token.value, token.position)
            case "name":
                return self.call(token)
            case _:
                inner = self.expression()
                self.expect(")", token)
                return inner

    def number(self, token: Token) -> Number:
        value = float(token.value)
        if value == float("inf"):
            raise self.too_large("a number that is too large")
        return Number(value, token.position)

    def call(self, name: Token) -> Call:
        opened = self.take()
        arguments: list[Expr] = []
        if not self.at(")"):
            arguments.append(self.expression())
            while self.at(","):
                self.take()
                arguments.append(self.expression())
        self.expect(")", opened)
        return Call(name.value, tuple(arguments), name.position)
