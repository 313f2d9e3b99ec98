"""Values in words: questions, numbers, days, and what functions make of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from expressions.dates import parse_moment
from expressions.sentences.glossary import Glossary
from expressions.sentences.phrases import day_text, listed, number_text, phrase, quoted
from expressions.syntax import Binary, Call, Expr, Filter, Logic, Negation, Number, Path, Reference, Text, unparse

_SIGNS: Final = {"+": "+", "-": "−", "*": "×", "div": "÷", "|": "|"}
CONDITIONS: Final = frozenset(
    (
        *("not", "true", "false", "boolean", "boolean-from-string", "selected", "is-selected", "regex"),
        *("contains", "starts-with", "ends-with"),
    )
)
"""Functions that say whether something holds."""

COMPARISONS: Final = frozenset(("=", "!=", "<", "<=", ">", ">="))


def is_condition(expr: Expr) -> bool:
    """Whether an expression is true or false."""
    match expr:
        case Logic():
            return True
        case Binary():
            return expr.operator in COMPARISONS
        case Call():
            return expr.name in CONDITIONS
        case _:
            return False


def term(expr: Expr, words: Glossary) -> str:
    """A value as a noun phrase. Every expression has one."""
    if is_condition(expr):
        from expressions.sentences.clauses import clause

        return phrase("truth", words.language, clause(expr, words))
    match expr:
        case Number():
            return number_text(expr.value, words.language)
        case Text():
            return quoted(expr.value, words.language) if expr.value else phrase("empty", words.language)
        case Reference():
            return _reference(expr, words)
        case Path() | Filter():
            return _path(expr, words)
        case Negation(operand=Number(value=value)):
            return number_text(-value, words.language).replace("-", "−")
        case Negation():
            return phrase("minus", words.language, _operand(expr.operand, words))
        case Binary():
            return _arithmetic(expr, words)
        case Call():
            return _call(expr, words)
        case _:  # pragma: no cover - Logic is a condition
            return unparse(expr)


def code_term(expr: Expr, other: Expr, words: Glossary) -> str:
    """A value beside which `other` stands: a written code is its choice's label."""
    field = words.field(other)
    if isinstance(expr, Text | Number) and field is not None:
        code = expr.value if isinstance(expr, Text) else number_text(expr.value, "en")
        if field.choices:
            return words.choice(field, code)
        if field.type in {"int", "decimal"} and isinstance(expr, Text):
            return code if words.language == "en" else code.replace(".", ",")
    return term(expr, words)


def _operand(expr: Expr, words: Glossary) -> str:
    text = term(expr, words)
    is_number = isinstance(expr, Negation) and isinstance(expr.operand, Number)
    compound = (isinstance(expr, Binary | Negation | Logic) and not is_number) or (
        isinstance(expr, Call) and expr.name in {"if", "coalesce"}
    )
    return f"({text})" if compound else text


def _reference(expr: Reference, words: Glossary) -> str:
    found = words.target(expr)
    text = words.name(found) if found is not None else quoted(expr.name, words.language)
    return phrase("last_saved", words.language, text) if expr.last_saved else text


def _path(expr: Path | Filter, words: Glossary) -> str:
    found = words.target(expr)
    if found is None:
        return _other_path(expr, words)
    text = words.name(found)
    conditions = [_predicate(condition, words.at(table, field)) for table, field, condition in found.predicates]
    if conditions:
        text = phrase("where", words.language, text, listed(conditions, "and", words.language))
    return text


def _predicate(condition: Expr, words: Glossary) -> str:
    """A condition on rows; a bare number is a row's place."""
    from expressions.sentences.clauses import clause

    if is_condition(condition):
        return clause(condition, words)
    place = phrase("position", words.language)
    return f"{place} {phrase('is', words.language)} {term(condition, words)}"


def _other_path(expr: Path | Filter, words: Glossary) -> str:
    """Lists, and what the form doesn't have: as written, with its conditions in words."""
    base = expr.base
    if isinstance(expr, Path):
        conditions = [one for step in expr.steps for one in step.predicates]
        if isinstance(base, Call) and base.name == "instance" and len(base.arguments) == 1:
            name = base.arguments[0].value if isinstance(base.arguments[0], Text) else unparse(base.arguments[0])
            text = _list(name, expr, words)
        else:
            bare = "/".join(step.test if step.axis == "child" else f"{step.axis}::{step.test}" for step in expr.steps)
            text = quoted(_shown(expr, bare, words), words.language)
    else:
        conditions = list(expr.predicates)
        text = term(expr.base, words)
    if not conditions:
        return text
    said = [_predicate(one, words) for one in conditions]
    return phrase("where", words.language, text, listed(said, "and", words.language))


def _shown(expr: Path, bare: str, words: Glossary) -> str:
    if [(step.axis, step.test) for step in expr.steps] == [("self", "node()")]:
        return "."
    if expr.base is not None:
        return f"{term(expr.base, words)}/{bare}"
    return f"/{bare}" if expr.absolute else bare.replace("parent::node()", "..").replace("self::node()", ".")


def _list(name: str, expr: Path, words: Glossary) -> str:
    last = expr.steps[-1].test if expr.steps else ""
    listing = quoted(name, words.language)
    if last in {"", "item", "root"}:
        return phrase("list", words.language, listing)
    return phrase("list_column", words.language, quoted(last, words.language), listing)


def _arithmetic(expr: Binary, words: Glossary) -> str:
    if expr.operator == "-" and _is_today(expr.left) and not isinstance(expr.right, Number):
        return phrase("days", words.language, _operand(expr.right, words))
    left, right = _operand(expr.left, words), _operand(expr.right, words)
    if expr.operator == "mod":
        return phrase("remainder", words.language, left, right)
    return f"{left} {_SIGNS[expr.operator]} {right}"


def _is_today(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.name in {"today", "now"} and not expr.arguments


# -- functions ---------------------------------------------------------------------------------------------------------
Say = Callable[[Call, Glossary], str]


def _call(call: Call, words: Glossary) -> str:
    known = _FUNCTIONS.get(call.name)
    if known is not None:
        low, high, say = known
        if low <= len(call.arguments) <= high:
            return say(call, words)
    arguments = "; ".join(term(argument, words) for argument in call.arguments)
    return phrase("function", words.language, call.name, arguments)


def _simple(key: str) -> Say:
    return lambda call, words: phrase(key, words.language, *(_operand(one, words) for one in call.arguments))


def _several(key: str) -> Say:
    def say(call: Call, words: Glossary) -> str:
        return phrase(
            key, words.language, listed([_operand(one, words) for one in call.arguments], "and", words.language)
        )

    return say


def _count(call: Call, words: Glossary) -> str:
    (rows,) = call.arguments
    found = words.target(rows)
    text = term(rows, words)
    if found is not None and found.field is None:
        text = phrase("entries", words.language, text)
    return phrase("count", words.language, text)


def _itself(call: Call, words: Glossary) -> str:
    return term(call.arguments[0], words)


def _whole(call: Call, words: Glossary) -> str:
    """`int((today() - born) div 365.25)` is an age."""
    inner = call.arguments[0]
    if isinstance(inner, Binary) and inner.operator == "div" and isinstance(inner.right, Number):
        since = inner.left
        if (
            365 <= inner.right.value <= 366
            and isinstance(since, Binary)
            and since.operator == "-"
            and _is_today(since.left)
        ):
            return phrase("years", words.language, _operand(since.right, words))
    return phrase("whole", words.language, _operand(inner, words))


def _date(call: Call, words: Glossary) -> str:
    (argument,) = call.arguments
    if isinstance(argument, Text):
        found = parse_moment(argument.value, UTC) if argument.value else None
        if found is not None:
            day = found.date() if isinstance(found, datetime) else found
            return day_text(day, words.language)
    return term(argument, words)


def _if(call: Call, words: Glossary) -> str:
    from expressions.sentences.clauses import clause

    test, yes, no = call.arguments
    return phrase("if", words.language, _operand(yes, words), clause(test, words), _operand(no, words))


def _marked(call: Call, words: Glossary) -> str:
    return phrase("option", words.language, _plus_one(call.arguments[1], words), _operand(call.arguments[0], words))


def _plus_one(expr: Expr, words: Glossary) -> str:
    return number_text(expr.value + 1, words.language) if isinstance(expr, Number) else f"{_operand(expr, words)} + 1"


def _position(call: Call, words: Glossary) -> str:
    where = "".join(f" ({term(one, words)})" for one in call.arguments if unparse(one) not in {"..", "."})
    return phrase("position", words.language) + where


def _nth(call: Call, words: Glossary) -> str:
    question, repeat, place = (_operand(one, words) for one in call.arguments)
    return phrase("nth", words.language, question, place, repeat)


def _label_of(call: Call, words: Glossary) -> str:
    text = phrase("label_of", words.language, term(call.arguments[0], words))
    second = call.arguments[1] if len(call.arguments) > 1 else None
    plain = second is None or (isinstance(second, Text) and unparse(call.arguments[0]) in second.value)
    return text if plain or second is None else f"{text} ({term(second, words)})"


def _lookup(call: Call, words: Glossary) -> str:
    file, column, key, value = (term(one, words) for one in call.arguments)
    return phrase("lookup", words.language, column, file, key, value)


def _written(call: Call, words: Glossary) -> str:
    value = call.arguments[0]
    return phrase("written", words.language, _operand(value, words), term(call.arguments[1], words))


def _join(call: Call, words: Glossary) -> str:
    said = listed([_operand(one, words) for one in call.arguments[1:]], "with", words.language)
    return phrase("all_joined", words.language, said, term(call.arguments[0], words))


def _concat(call: Call, words: Glossary) -> str:
    text = _operand(call.arguments[0], words)
    for one in call.arguments[1:]:
        text = phrase("joined", words.language, text, _operand(one, words))
    return text


_ANY: Final = 1_000
_FUNCTIONS: Final[dict[str, tuple[int, int, Say]]] = {
    "today": (0, 0, _simple("today")),
    "now": (0, 0, _simple("now")),
    "random": (0, 0, _simple("chance")),
    "count": (1, 1, _count),
    "count-non-empty": (1, 1, _simple("count_filled")),
    "sum": (1, _ANY, _several("sum")),
    "min": (1, _ANY, _several("least")),
    "max": (1, _ANY, _several("greatest")),
    "int": (1, 1, _whole),
    "round": (1, 1, _simple("rounded")),
    "string-length": (1, 1, _simple("length")),
    "count-selected": (1, 1, _simple("marked")),
    "selected-at": (2, 2, _marked),
    "if": (3, 3, _if),
    "coalesce": (2, 2, _simple("coalesce")),
    "concat": (2, _ANY, _concat),
    "join": (2, _ANY, _join),
    "position": (0, 1, _position),
    "indexed-repeat": (3, 3, _nth),
    "jr:choice-name": (1, 2, _label_of),
    "pulldata": (4, 4, _lookup),
    "format-date": (2, 2, _written),
    "format-date-time": (2, 2, _written),
    "date": (1, 1, _date),
    "date-time": (1, 1, _date),
    "number": (1, 1, _itself),
    "string": (1, 1, _itself),
    "once": (1, 1, _simple("once")),
}
