"""The type of every expression: number, text, truth, day or moment; whether it may be blank; and how large it gets.

Types are those of JavaRosa, which holds answers by their bind type. What isn't known is "any", and nothing is said
against it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from expressions.syntax import Binary, Call, Expr, Filter, Logic, Negation, Number, Path, Reference, Text
from expressions.targets import Place, Target, find_path, find_reference
from expressions.typing.domains import Codes, Domain, Numbers, Tokens
from expressions.typing.questions import NUMERIC, WHOLE
from schemas.errors import ExpressionError
from schemas.fields import Field

Kind = Literal["num", "str", "bool", "date", "dateTime", "any"]
NUMBER_TEXT: Final = re.compile(r"\s*-?(?:\d+\.?\d*|\.\d+)\s*", re.ASCII)

_NUMBERS: Final = frozenset(
    (
        *("number", "int", "round", "abs", "pow", "sqrt", "exp", "exp10", "log", "log10", "sin", "cos", "tan", "pi"),
        *("asin", "acos", "atan", "atan2", "count", "count-non-empty", "sum", "string-length", "count-selected"),
        *("position", "random", "decimal-date-time", "decimal-time", "area", "distance", "checksum"),
    )
)
_TEXTS: Final = frozenset(
    (
        *("string", "concat", "join", "substr", "substring-before", "substring-after", "translate", "uuid", "digest"),
        *(
            "normalize-space",
            "format-date",
            "format-date-time",
            "selected-at",
            "jr:choice-name",
            "jr:itext",
            "property",
        ),
        *("pulldata", "version", "base64-decode", "substring"),
    )
)
_TRUTHS: Final = frozenset(
    (
        *("not", "true", "false", "boolean", "boolean-from-string", "selected", "is-selected", "regex", "contains"),
        *("starts-with", "ends-with", "checklist", "weighted-checklist", "geofence"),
    )
)
_ORDERS: Final = frozenset(("=", "!=", "<", "<=", ">", ">="))


@dataclass(frozen=True, slots=True)
class Typed:
    """What is known of a value.

    Attributes:
        kind: its type.
        may_be_blank: whether it can be the empty text (or NaN, for a number).
        low, high: bounds of a number, infinite where none is known.
        is_whole: whether a number is whole.
        texts: the texts or codes that it can be, null if they aren't known.
        question: the question whose answer it is as it stands, null for anything else.
        is_many: whether it is a set of nodes.
        is_computed: whether arithmetic made it.
    """

    kind: Kind = "any"
    may_be_blank: bool = True
    low: float = -math.inf
    high: float = math.inf
    is_whole: bool = False
    texts: frozenset[str] | None = None
    question: Field | None = None
    is_many: bool = False
    is_computed: bool = False

    @property
    def is_never_number(self) -> bool:
        """Whether it can't be read as a number, whatever it is."""
        return self.kind == "str" and self.texts is not None and not any(map(NUMBER_TEXT.fullmatch, self.texts))


ANY: Final = Typed()
TRUTH: Final = Typed("bool", False)


@dataclass(slots=True)
class Types:
    """Finds types at one place of a form.

    Attributes:
        place: where the expressions stand.
        domain_of: what a question may hold, by its path.
        asked_always: paths of questions that have an answer in every row.
    """

    place: Place
    domain_of: Mapping[str, Domain]
    asked_always: frozenset[str] = frozenset()
    _known: dict[int, tuple[Expr, Typed]] = field(default_factory=dict)

    def of(self, expr: Expr) -> Typed:
        """The type of an expression."""
        found = self._known.get(id(expr))
        if found is None:
            found = self._known[id(expr)] = (expr, self._find(expr))  # holding the tree keeps its id
        return found[1]

    def _find(self, expr: Expr) -> Typed:
        match expr:
            case Number():
                value = expr.value
                return Typed("num", False, value, value, value.is_integer())
            case Text():
                return Typed("str", expr.value == "", texts=frozenset({expr.value}))
            case Logic():
                return TRUTH
            case Negation():
                inner = self.of(expr.operand)
                return Typed("num", inner.may_be_blank, -inner.high, -inner.low, inner.is_whole, is_computed=True)
            case Binary():
                return TRUTH if expr.operator in _ORDERS else self._arithmetic(expr)
            case Call():
                return self._call(expr)
            case Reference() | Path() | Filter():
                return self._nodes(expr)

    def _nodes(self, expr: Reference | Path | Filter) -> Typed:
        target = self.target(expr)
        if target is None or target.field is None:
            return ANY if target is None else replace(ANY, is_many=True)
        found = answer_type(target.field, self.domain_of.get(target.field.path))
        is_sure = target.field.path in self.asked_always and not target.predicates
        return replace(found, is_many=not target.is_single, may_be_blank=not is_sure)

    def target(self, expr: Expr) -> Target | None:
        """The question or repeat that a name or path means; null if none."""
        try:
            match expr:
                case Reference(last_saved=False):
                    return find_reference(expr, self.place)
                case Path(base=Call(name="current"), steps=steps):
                    return find_path(Path(None, False, steps, expr.position), self.place)
                case Path():
                    return find_path(expr, self.place)
                case _:
                    return None
        except ExpressionError:
            return None

    def _arithmetic(self, expr: Binary) -> Typed:
        if expr.operator == "|":
            return replace(ANY, is_many=True)
        left, right = self.of(expr.left), self.of(expr.right)
        blank = left.may_be_blank or right.may_be_blank or expr.operator in {"div", "mod"}
        low, high = _bounds(expr.operator, left, right)
        whole = left.is_whole and right.is_whole and expr.operator != "div"
        is_day = left.kind == "date" and right.kind in {"num", "any"} and expr.operator in {"+", "-"}
        return Typed("date" if is_day else "num", blank, low, high, whole, is_computed=True)

    def _call(self, call: Call) -> Typed:
        name, arguments = call.name, call.arguments
        if name in _TRUTHS:
            return TRUTH
        if name == "if" and len(arguments) == 3:
            return joined(self.of(arguments[1]), self.of(arguments[2]))
        if name == "coalesce" and len(arguments) == 2:
            first, second = (self.of(argument) for argument in arguments)
            return replace(joined(first, second), may_be_blank=first.may_be_blank and second.may_be_blank)
        if name == "once" and arguments:
            return replace(self.of(arguments[0]), question=None, may_be_blank=True)
        if name in {"min", "max"} and arguments:
            return self._extreme(name, arguments)
        if name == "indexed-repeat" and arguments:
            return replace(self.of(arguments[0]), is_many=False, may_be_blank=True)
        if name in {"today", "date"}:
            return Typed("date", name == "date")
        if name in {"now", "date-time"}:
            return Typed("dateTime", name == "date-time")
        if name in _TEXTS:
            return Typed("str")
        return self._number_call(name, arguments) if name in _NUMBERS else ANY

    def _extreme(self, name: str, arguments: tuple[Expr, ...]) -> Typed:
        parts = [self.of(argument) for argument in arguments]
        ends = (
            max(part.low for part in parts) if name == "max" else min(part.low for part in parts),
            max(part.high for part in parts) if name == "max" else min(part.high for part in parts),
        )
        return Typed("num", True, *ends, all(part.is_whole for part in parts))

    def _number_call(self, name: str, arguments: tuple[Expr, ...]) -> Typed:
        if name in {"count", "count-non-empty", "string-length", "count-selected", "position"}:
            return Typed("num", False, 0, math.inf, True)
        inner = self.of(arguments[0]) if arguments else ANY
        blank = inner.may_be_blank
        if name in {"number", "round", "int"} and inner.kind == "num":
            return replace(
                inner,
                question=None,
                is_many=False,
                is_whole=inner.is_whole or (name != "number" and len(arguments) == 1),
            )
        if name in {"int", "round"} and len(arguments) == 1:
            return Typed("num", blank, is_whole=True)
        if name == "sum":
            low = 0.0 if inner.low >= 0 else -math.inf
            return Typed("num", False, low, math.inf, inner.is_whole)
        return Typed("num", blank, 0 if name in {"abs", "sqrt", "random", "area", "distance"} else -math.inf)


def answer_type(question: Field, domain: Domain | None) -> Typed:
    """The type of a question's answer."""
    if question.is_select or question.type in {"string", "barcode", ""}:
        answers = domain.answers if domain is not None else None
        texts = answers.known if isinstance(answers, Codes | Tokens) else None
        return Typed("str", texts=texts, question=question)
    if question.type in NUMERIC:
        numbers = domain.answers if domain is not None and isinstance(domain.answers, Numbers) else Numbers()
        low, high = (-math.inf, math.inf) if numbers.is_empty else numbers.ends()
        return Typed("num", True, low, high, question.type in WHOLE, question=question)
    kinds: dict[str, Kind] = {"date": "date", "dateTime": "dateTime", "boolean": "bool"}
    return Typed(kinds.get(question.type, "any"), question=question)


def joined(one: Typed, two: Typed) -> Typed:
    """What is one or the other."""
    kind: Kind = one.kind if one.kind == two.kind else "any"
    for blank, other in ((one, two), (two, one)):
        if blank.texts == frozenset({""}):
            return replace(other, may_be_blank=True, question=None)
    texts = one.texts | two.texts if one.texts is not None and two.texts is not None else None
    return Typed(
        kind,
        one.may_be_blank or two.may_be_blank,
        min(one.low, two.low),
        max(one.high, two.high),
        one.is_whole and two.is_whole,
        texts,
        is_computed=one.is_computed or two.is_computed,
    )


def _bounds(operator: str, left: Typed, right: Typed) -> tuple[float, float]:
    with_nan: list[float]
    match operator:
        case "+":
            with_nan = [left.low + right.low, left.high + right.high]
        case "-":
            with_nan = [left.low - right.high, left.high - right.low]
        case "*":
            ends = [one * two for one in (left.low, left.high) for two in (right.low, right.high)]
            with_nan = [-math.inf, math.inf] if any(math.isnan(end) for end in ends) else [min(ends), max(ends)]
            if left.low >= 0 and right.low >= 0:
                with_nan[0] = max(0.0, with_nan[0])
        case "div" if left.low >= 0 and right.low >= 0:
            with_nan = [0.0, math.inf]
        case "mod" if left.low >= 0:
            with_nan = [0.0, math.inf]
        case _:
            with_nan = [-math.inf, math.inf]
    low, high = with_nan
    return (-math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high)
