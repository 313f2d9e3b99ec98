"""The cases in which a condition holds, or doesn't."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from expressions.syntax import Binary, Call, Expr, Logic, Number, Text, unparse, walk
from expressions.targets import Place
from expressions.typing.cases import ANYTHING, NOTHING, Case, Cases, all_of, any_of
from expressions.typing.domains import Codes, Domain, Numbers, Tokens
from expressions.typing.linear import compare_linear, linear
from expressions.typing.questions import Variable, absolute
from expressions.typing.trials import holding, is_pure

_ORDERS: Final = frozenset(("<", "<=", ">", ">="))
_MIRROR: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
_FICKLE: Final = frozenset(("random", "uuid", "randomize", "once", "now"))
_BOOLEAN: Final = frozenset(
    ("not", "true", "false", "boolean", "selected", "contains", "starts-with", "ends-with", "regex", "checklist")
)
_WHOLE = re.compile(r"\d+", re.ASCII)


@dataclass(slots=True)
class Conditions:
    """Reads conditions at one place.

    Attributes:
        place: where they stand.
        bounds: what each question may hold, by path; filled by whoever knows the form.
        depth: conditions within conditions so far.
    """

    place: Place
    bounds: dict[str, Domain] = field(default_factory=dict)

    def cases(self, expr: Expr, wanted: bool = True) -> Cases:
        """The cases in which the condition's truth is as wanted."""
        match expr:
            case Logic():
                parts = [self.cases(part, wanted) for part in expr.operands]
                return all_of(parts) if (expr.operator == "and") is wanted else any_of(parts)
            case Call(name="not", arguments=(inner,)):
                return self.cases(inner, not wanted)
            case Call(name="boolean", arguments=(inner,)):
                return self.cases(inner, wanted)
            case Call(name="true" | "false", arguments=()):
                return ANYTHING if (expr.name == "true") is wanted else NOTHING
            case Call(name="if", arguments=(test, yes, no)):
                return any_of(
                    (
                        all_of((self.cases(test), self.cases(yes, wanted))),
                        all_of((self.cases(test, False), self.cases(no, wanted))),
                    )
                )
            case Binary(operator="=" | "!=" | "<" | "<=" | ">" | ">="):
                return self._comparison(expr, wanted)
            case _:
                return self._atom(expr, wanted)

    def _comparison(self, expr: Binary, wanted: bool) -> Cases:
        """A comparison: of a choice between values, of a condition with true() or false(), or of values."""
        for side, other, mirrored in ((expr.left, expr.right, False), (expr.right, expr.left, True)):
            if isinstance(side, Call) and side.name == "if" and len(side.arguments) == 3 and _is_small(other):
                test, yes, no = side.arguments
                versions = [
                    Binary(expr.operator, other if mirrored else branch, branch if mirrored else other)
                    for branch in (yes, no)
                ]
                return any_of(
                    (
                        all_of((self.cases(test), self.cases(versions[0], wanted))),
                        all_of((self.cases(test, False), self.cases(versions[1], wanted))),
                    )
                )
            is_truth = isinstance(other, Call) and other.name in {"true", "false"} and not other.arguments
            if is_truth and expr.operator in {"=", "!="} and _is_condition(side):
                assert isinstance(other, Call)  # noqa: S101 - narrows the type
                same = (other.name == "true") is (expr.operator == "=")
                return self.cases(side, wanted is same)
        return self._atom(expr, wanted)

    # -- what isn't and, or, not -----------------------------------------------------------------------------------
    def _atom(self, expr: Expr, wanted: bool) -> Cases:
        tree, variables, clean = absolute(expr, self.place)
        is_fickle = any(isinstance(part, Call) and part.name in _FICKLE for part in walk(tree))
        if is_fickle:
            return ANYTHING
        if clean and len(variables) <= 1 and is_pure(tree):
            found = self._tried(tree, next(iter(variables.values()), None), wanted)
            if found is not None:
                return found
        if isinstance(tree, Binary) and tree.operator in _MIRROR and clean:
            found = self._compared(tree, variables, wanted)
            if found is not None:
                return found
        if isinstance(tree, Call) and tree.name == "selected" and clean and len(variables) == 1:
            found = _selected(tree, next(iter(variables.values())), wanted)
            if found is not None:
                return found
        where = self.place.table if clean else self.place.path
        return (Case(facts=frozenset({(f"{where} {unparse(tree)}", wanted)})),)

    def _tried(self, tree: Expr, variable: Variable | None, wanted: bool) -> Cases | None:
        """By trying every answer that the question may have; null if they are too many or unknown."""
        if variable is None:
            found = holding(tree, "", "", ("",), wanted)
            return None if found is None else (ANYTHING if found else NOTHING)
        domain = self.bounds.get(variable.key)
        values = domain.answers.values() if domain is not None else None
        if domain is None or values is None or variable.is_date:
            return None
        kept = holding(tree, variable.key, variable.field.type, ("", *values), wanted)
        if kept is None:
            return None
        left = Domain("" in kept and domain.may_be_blank, domain.answers.only(kept - {""}))
        return NOTHING if left.is_empty else (Case({variable.key: left}),)

    def _compared(self, tree: Binary, variables: dict[str, Variable], wanted: bool) -> Cases | None:
        for side, other, operator in (
            (tree.left, tree.right, tree.operator),
            (tree.right, tree.left, _MIRROR[tree.operator]),
        ):
            if isinstance(other, Text):
                found = self._against_text(side, other.value, operator, variables, wanted)
                if found is not None:
                    return found
            if isinstance(other, Number) and isinstance(side, Call) and len(side.arguments) == 1:
                found = _measured(side, other.value, operator if wanted else _OPPOSITE[operator], variables)
                if found is not None:
                    return found
        left, right = linear(tree.left, variables), linear(tree.right, variables)
        if left is None or right is None:
            return None
        return compare_linear(left, tree.operator, right, wanted)

    def _against_text(
        self, side: Expr, text: str, operator: str, variables: dict[str, Variable], wanted: bool
    ) -> Cases | None:
        """A question against a written text."""
        variable = variables.get(unparse(side))
        if text == "" and operator in _ORDERS:
            return NOTHING if wanted else ANYTHING  # blank is no number: no comparison with it holds
        if variable is None or operator in _ORDERS:
            return None
        is_equal = (operator == "=") is wanted
        if text == "":
            return _blank(variable, is_equal)
        if not variable.is_text:
            return None
        if is_equal:
            return (Case({variable.key: Domain(False, Codes(frozenset({text})))}),)
        return (Case({variable.key: Domain(True, Codes(None, frozenset({text})))}),)


def _is_small(expr: Expr) -> bool:
    return sum(1 for _ in walk(expr)) <= 4


def _is_condition(expr: Expr) -> bool:
    match expr:
        case Logic():
            return True
        case Binary():
            return expr.operator in _MIRROR
        case Call():
            return expr.name in _BOOLEAN
        case _:
            return False


def _blank(variable: Variable, is_blank: bool) -> Cases | None:
    if variable.field.type not in {"string", "barcode", "", "date", "int", "integer", "long", "decimal"}:
        return None
    top = everything(variable)
    if is_blank:
        nothing = top.answers.meet(Numbers(())) if isinstance(top.answers, Numbers) else top.answers
        if isinstance(nothing, Codes):
            nothing = Codes(frozenset())
        if isinstance(nothing, Tokens):
            nothing = Tokens(frozenset())
        return (Case({variable.key: Domain(True, nothing)}),)
    return (Case({variable.key: top.answered()}),)


def everything(variable: Variable) -> Domain:
    """Anything that a question of that type may hold."""
    if variable.field.is_multiple:
        return Domain(True, Tokens())
    if variable.is_number or variable.is_date:
        return Domain(True, Numbers(is_whole=variable.field.type != "decimal"))
    return Domain(True, Codes())


def _selected(call: Call, variable: Variable, wanted: bool) -> Cases | None:
    """`selected(question, 'code')` of a question with several answers."""
    if len(call.arguments) != 2 or not variable.field.is_multiple:
        return None
    subject, code = call.arguments
    if unparse(subject) != variable.key or not isinstance(code, Text) or len(code.value.split()) != 1:
        return None
    one = frozenset({code.value.strip()})
    if wanted:
        return (Case({variable.key: Domain(False, Tokens(chosen=one))}),)
    return (Case({variable.key: Domain(True, Tokens(left=one))}),)


def _measured(call: Call, bound: float, operator: str, variables: dict[str, Variable]) -> Cases | None:
    """`string-length(text) > 5`, `count-selected(question) <= 2`."""
    variable = variables.get(unparse(call.arguments[0]))
    if variable is None or bound != int(bound):
        return None
    is_count = call.name == "count-selected" and variable.field.is_multiple
    is_length = call.name == "string-length" and variable.is_text and not variable.field.is_select
    if not is_count and not is_length:
        return None
    spans = Numbers(is_whole=True).meet(_satisfying(operator, bound))
    whole = Numbers(is_whole=True).meet(_satisfying(">=", 0)).meet(spans)
    if whole.is_empty:
        return NOTHING
    blank = not whole.meet(_satisfying("=", 0)).is_empty
    low, high = whole.meet(_satisfying(">=", 1)).ends() if not whole.meet(_satisfying(">=", 1)).is_empty else (1, 0)
    answers = Tokens(fewest=low, most=high) if is_count else Codes(shortest=low, longest=high)
    return (Case({variable.key: Domain(blank, answers)}),)


def _satisfying(operator: str, bound: float) -> Numbers:
    from expressions.typing.linear import numbers_where

    return numbers_where(operator, bound, is_whole=True)
