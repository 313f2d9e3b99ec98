"""The questions that expressions look at, as variables: which one a name or path means, and what it may hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from expressions.syntax import (
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
from expressions.targets import Place, find_path, find_reference
from expressions.typing.domains import Codes, Domain, Numbers, Span, Tokens
from expressions.values import to_string
from schemas.errors import ExpressionError
from schemas.fields import Field

WHOLE: Final = frozenset(("int", "integer", "long"))
NUMERIC: Final = WHOLE | {"decimal"}
TODAY: Final = "today()"
"""Key of the day of the interview."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_MOST_CALCULATED: Final = 60


@dataclass(frozen=True, slots=True)
class Variable:
    """One question whose answer an expression looks at.

    Attributes:
        key: its path.
    """

    key: str
    field: Field

    @property
    def is_number(self) -> bool:
        """Whether answers are numbers."""
        return self.field.type in NUMERIC and not self.field.is_select

    @property
    def is_date(self) -> bool:
        """Whether answers are days."""
        return self.field.type == "date"

    @property
    def is_text(self) -> bool:
        """Whether an answer is one text or code."""
        return self.field.type in {"string", "barcode", ""} and not self.field.is_multiple


def find_variable(leaf: Expr, place: Place) -> Variable | None:
    """The single question that a leaf means; null if it is none, or several answers."""
    try:
        match leaf:
            case Reference():
                target = find_reference(leaf, place)
            case Path(base=Call(name="current"), steps=steps):
                target = find_path(Path(None, False, steps, leaf.position), place)
            case Path(base=None):
                target = find_path(leaf, place)
            case _:
                return None
    except ExpressionError:
        return None
    return Variable(target.field.path, target.field) if target.field is not None and target.is_single else None


def absolute(expr: Expr, place: Place) -> tuple[Expr, dict[str, Variable], bool]:
    """The expression with every question named by its path, whatever way it was named.

    Returns:
        The expression; the questions by path; and whether nothing else was named.
    """
    found: dict[str, Variable] = {}
    clean = True

    def rewrite(node: Expr) -> Expr:
        nonlocal clean
        if isinstance(node, Reference | Path | Filter):
            variable = find_variable(node, place)
            if variable is None:
                clean = False
                return node
            found[variable.key] = variable
            return named(variable.key)
        return rebuild(node, [rewrite(child) for child in _operands(node)])

    return rewrite(expr), found, clean


def named(path: str) -> Expr:
    """The path as an expression."""
    return Path(None, True, tuple(Step("child", name) for name in path.split("/")[1:]))


def _operands(node: Expr) -> tuple[Expr, ...]:
    match node:
        case Call():
            return node.arguments
        case Negation():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Logic():
            return node.operands
        case _:
            return ()


def rebuild(node: Expr, operands: list[Expr]) -> Expr:
    """The node with other operands."""
    match node:
        case Call():
            return replace(node, arguments=tuple(operands))
        case Negation():
            return replace(node, operand=operands[0])
        case Binary():
            return replace(node, left=operands[0], right=operands[1])
        case Logic():
            return replace(node, operands=tuple(operands))
        case _:
            return node


def type_domain(variable: Variable, calculated: Expr | None = None) -> Domain:
    """What a question may hold by its type and list alone.

    Args:
        calculated: the tree of its calculation, where it has one.
    """
    field = variable.field
    codes = frozenset(choice.value for choice in field.choices)
    is_open = not codes or "search(" in field.appearance or bool(field.default or field.set_on_load)
    known = None if is_open else codes
    if field.is_multiple:
        return Domain(True, Tokens(known))
    if variable.is_number:
        return Domain(True, Numbers((_range(field),), field.type in WHOLE))
    if variable.is_date:
        return Domain(True, Numbers((Span(),), True))
    if field.calculation is not None:
        texts = _written(calculated) if calculated is not None else None
        return Domain(True, Codes(frozenset(texts - {""}) if texts is not None else None))
    return Domain(True, Codes(known if field.is_select else None))


def _range(field: Field) -> Span:
    """The ends of a `range` question."""
    low, high = field.parameters.get("start", ""), field.parameters.get("end", "")
    given = _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high) and not (field.default or field.set_on_load)
    if field.control != "range" or not given:
        return Span()
    ends = sorted((float(low), float(high)))
    return Span(ends[0], ends[1])


def _written(tree: Expr) -> frozenset[str] | None:
    """The texts that a calculation can yield, where they stand written in it."""
    match tree:
        case Text():
            return frozenset({tree.value})
        case Number():
            return frozenset({to_string(tree.value)})
        case Call(name="if") if len(tree.arguments) == 3:
            yes, no = (_written(branch) for branch in tree.arguments[1:])
            if yes is None or no is None or len(yes | no) > _MOST_CALCULATED:
                return None
            return yes | no
        case _:
            return None
