"""The tree that `grammar.parse` makes of an expression, and how to write it back as text.

Every node knows its `position` (offset of its first character, from 0); positions don't count in comparisons, so that
two texts that differ in spacing only give equal trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

AXES = frozenset(
    (
        "ancestor",
        "ancestor-or-self",
        "attribute",
        "child",
        "descendant",
        "descendant-or-self",
        "following",
        "following-sibling",
        "namespace",
        "parent",
        "preceding",
        "preceding-sibling",
        "self",
    )
)

REVERSE_AXES = frozenset(("ancestor", "ancestor-or-self", "parent", "preceding", "preceding-sibling"))

KIND_TESTS = ("node", "text", "comment", "processing-instruction")


def _position() -> int:
    return field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number written in the text; always finite and not negative."""

    value: float
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text. It never holds both kinds of quotes, since there is no way to write that."""

    value: str
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Reference:
    """`${name}`, or `${last-saved#name}`: a question by its name."""

    name: str
    last_saved: bool = False
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `name` may have a prefix (`jr:choice-name`)."""

    name: str
    arguments: tuple[Expr, ...] = ()
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Negation:
    """Unary minus."""

    operand: Expr
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator with two sides: `= != < <= > >= + - * div mod |`."""

    operator: str
    left: Expr
    right: Expr
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or` over two or more operands (`a or b or c` is one node, however long)."""

    operator: str
    operands: tuple[Expr, ...]
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path.

    Attributes:
        axis: full name of the axis; `.` is self, `..` is parent, `@` is attribute.
        test: a name (`age`, `orx:meta`), `*`, `prefix:*`, or a kind (`node()`, `text()`, `comment()`,
            `processing-instruction('x')`).
        predicates: conditions in brackets.
    """

    axis: str
    test: str
    predicates: tuple[Expr, ...] = ()
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Path:
    """A location path.

    Attributes:
        base: what it starts from (`instance('x')`, `${person}`, `current()`), null for a plain path.
        absolute: whether it starts at the root (only without base).
        steps: its steps; none for `/` alone.
    """

    base: Expr | None
    absolute: bool
    steps: tuple[Step, ...]
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Filter:
    """An expression with predicates that isn't a step: `${person}[${age} > 5]`, `(a | b)[1]`."""

    base: Expr
    predicates: tuple[Expr, ...]
    position: int = _position()


Expr = Number | Text | Reference | Call | Negation | Binary | Logic | Path | Filter

_RANK = {
    "or": 1,
    "and": 2,
    "=": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "div": 6,
    "mod": 6,
    "|": 8,
}
_NEGATION_RANK = 7
_PATH_RANK = 9


def children(expr: Expr) -> Iterator[Expr]:
    """The expressions directly below `expr`, predicates included, from left to right."""
    match expr:
        case Call():
            yield from expr.arguments
        case Negation():
            yield expr.operand
        case Binary():
            yield from (expr.left, expr.right)
        case Logic():
            yield from expr.operands
        case Path():
            if expr.base is not None:
                yield expr.base
            for step in expr.steps:
                yield from step.predicates
        case Filter():
            yield expr.base
            yield from expr.predicates
        case _:
            return


def walk(expr: Expr) -> Iterator[Expr]:
    """`expr` and everything below it, parents first."""
    stack = [expr]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(reversed(tuple(children(found))))


def unparse(expr: Expr) -> str:
    """The expression as text that parses to an equal tree.

    >>> from expressions.grammar import parse
    >>> unparse(parse("${a}='x'and(b+1)*2>3"))
    "${a} = 'x' and (b + 1) * 2 > 3"
    """
    return _write(expr, 0)


def _write(expr: Expr, rank: int) -> str:
    match expr:
        case Number():
            return _number(expr.value)
        case Text():
            quote = '"' if "'" in expr.value else "'"
            return f"{quote}{expr.value}{quote}"
        case Reference():
            return f"${{{'last-saved#' if expr.last_saved else ''}{expr.name}}}"
        case Call():
            return f"{expr.name}({', '.join(_write(argument, 0) for argument in expr.arguments)})"
        case Negation():
            return _wrap(f"-{_write(expr.operand, _NEGATION_RANK)}", _NEGATION_RANK, rank)
        case Binary():
            own = _RANK[expr.operator]
            text = f"{_write(expr.left, own)} {expr.operator} {_write(expr.right, own + 1)}"
            return _wrap(text, own, rank)
        case Logic():
            own = _RANK[expr.operator]
            text = f" {expr.operator} ".join(_write(operand, own + 1) for operand in expr.operands)
            return _wrap(text, own, rank)
        case Path():
            # A bare `/` before an operator would take the operator's `*` or name for a step.
            return _wrap(_write_path(expr), _PATH_RANK if expr.steps or rank == 0 else 0, rank)
        case Filter():
            return _write_base(expr.base) + _write_predicates(expr.predicates)


def _wrap(text: str, own: int, rank: int) -> str:
    return f"({text})" if own < rank else text


def _number(value: float) -> str:
    text = repr(value)
    if "e" in text:
        text = f"{value:.400f}".rstrip("0")
    return text.removesuffix(".0").removesuffix(".")


def _write_base(base: Expr) -> str:
    # A plain path in this place was in parentheses: `(a/b)[1]` isn't `a/b[1]`.
    if isinstance(base, Path | Filter | Negation | Binary | Logic):
        return f"({_write(base, 0)})"
    return _write(base, _PATH_RANK)


def _write_path(path: Path) -> str:
    steps = "/".join(_write_step(step) for step in path.steps)
    if path.base is not None:
        base = _write(path.base, _PATH_RANK) if isinstance(path.base, Filter) else _write_base(path.base)
        return f"{base}/{steps}"
    return f"/{steps}" if path.absolute else steps


def _write_step(step: Step) -> str:
    if step.test == "node()" and not step.predicates and step.axis in {"self", "parent"}:
        return "." if step.axis == "self" else ".."
    prefix = {"child": "", "attribute": "@"}.get(step.axis, f"{step.axis}::")
    return f"{prefix}{step.test}{_write_predicates(step.predicates)}"


def _write_predicates(predicates: tuple[Expr, ...]) -> str:
    return "".join(f"[{_write(predicate, 0)}]" for predicate in predicates)
