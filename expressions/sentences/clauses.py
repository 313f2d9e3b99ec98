"""Conditions in words: comparisons, ranges, choices, and what is joined by and, or, not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from expressions.sentences.glossary import Glossary
from expressions.sentences.phrases import listed, phrase, quoted
from expressions.sentences.terms import COMPARISONS, code_term, is_condition, term
from expressions.syntax import Binary, Call, Expr, Logic, Negation, Number, Text

_MIRROR: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_DAYS: Final = {">": "later", ">=": "since", "<": "earlier", "<=": "until"}
_DIGITS = re.compile(r"\^?(?:\[0-9\]|\\d)\{(\d+)\}\$?")


def clause(expr: Expr, words: Glossary, negated: bool = False) -> str:
    """A condition as a clause, or its contrary. Every expression has one."""
    match expr:
        case Logic():
            return _logic(expr, words, negated)
        case Call(name="not", arguments=(inner,)):
            return clause(inner, words, not negated)
        case Call(name="boolean", arguments=(inner,)):
            return clause(inner, words, negated)
        case Call(name="true" | "false", arguments=()):
            return phrase("always" if (expr.name == "true") is not negated else "never", words.language)
        case Call(name="if", arguments=(test, yes, no)):
            said = phrase("if_clause", words.language, clause(test, words), clause(yes, words), clause(no, words))
            return _denied(said, words) if negated else said
        case Call():
            return _call(expr, words, negated)
        case Binary() if expr.operator in COMPARISONS:
            return _comparison(_oriented(expr), words, negated)
        case _:
            return _as_truth(expr, words, negated)


def _denied(said: str, words: Glossary) -> str:
    return phrase("not_true", words.language, f"({said})")


def _as_truth(expr: Expr, words: Glossary, negated: bool) -> str:
    """A value that stands as a condition: an answer holds if there is one, a number if it isn't zero."""
    field = words.field(expr)
    is_number = isinstance(expr, Number | Binary) or (field is not None and field.type in {"int", "decimal"})
    key = ("is_zero" if negated else "not_zero") if is_number else ("blank" if negated else "answered")
    return phrase(key, words.language, term(expr, words))


# -- and, or -----------------------------------------------------------------------------------------------------------
def _logic(expr: Logic, words: Glossary, negated: bool) -> str:
    parts = _gathered(expr, words)
    joined = listed([_bracketed(part, one) for part, one in parts], expr.operator, words.language)
    return _denied(joined, words) if negated else joined


def _bracketed(source: Expr | None, said: str) -> str:
    inner = source.arguments[0] if isinstance(source, Call) and source.name in {"boolean"} else source
    is_compound = isinstance(inner, Logic) or (isinstance(inner, Call) and inner.name == "if")
    return f"({said})" if is_compound else said


def _gathered(expr: Logic, words: Glossary) -> list[tuple[Expr | None, str]]:
    """The operands in words, those about the same value put together; null in place of what was put together."""
    rest = [_oriented(one) if isinstance(one, Binary) and one.operator in COMPARISONS else one for one in expr.operands]
    said: list[tuple[Expr | None, str]] = []
    while rest:
        first = rest.pop(0)
        partners = _partners(first, rest, expr.operator)
        if partners:
            for partner in partners:
                rest.remove(partner)
            said.append((None, _together(first, partners, words)))
        else:
            said.append((first, clause(first, words)))
    return said


def _partners(first: Expr, rest: Sequence[Expr], operator: str) -> list[Expr]:
    """Operands that go into one clause with the first."""
    if operator == "and":
        if isinstance(first, Binary) and first.operator in {">=", "<="}:
            other = "<=" if first.operator == ">=" else ">="
            return [one for one in rest if _is_about(one, first, other)][:1]
        if isinstance(first, Binary) and first.operator == "!=" and not _is_blank(first.right):
            return [one for one in rest if _is_about(one, first, "!=")]
        return []
    if isinstance(first, Binary) and first.operator == "=" and not _is_blank(first.right):
        return [one for one in rest if _is_about(one, first, "=")]
    if _is_selected(first):
        return [one for one in rest if _is_selected(one) and _subject(one) == _subject(first)]
    return []


def _is_about(one: Expr, first: Binary, operator: str) -> bool:
    return (
        isinstance(one, Binary)
        and one.operator == operator
        and one.left == first.left
        and not _is_blank(one.right)
        and not is_condition(one.right)
        and not is_condition(first.right)
    )


def _is_blank(expr: Expr) -> bool:
    return isinstance(expr, Text) and not expr.value


def _is_selected(expr: Expr) -> bool:
    return (
        isinstance(expr, Call)
        and expr.name in {"selected", "is-selected"}
        and len(expr.arguments) == 2
        and not isinstance(expr.arguments[0], Text)
    )


def _subject(expr: Expr) -> Expr | None:
    return expr.arguments[0] if isinstance(expr, Call) else None


def _together(first: Expr, partners: Sequence[Expr], words: Glossary) -> str:
    language = words.language
    if isinstance(first, Binary) and first.operator in {">=", "<="}:
        (partner,) = partners
        assert isinstance(partner, Binary)  # noqa: S101 - narrows the type
        low, high = (first, partner) if first.operator == ">=" else (partner, first)
        ends = [code_term(one.right, first.left, words) for one in (low, high)]
        return phrase("between", language, term(first.left, words), *ends)
    if isinstance(first, Binary):
        values = [code_term(one.right, first.left, words) for one in (first, *partners) if isinstance(one, Binary)]
        return _among(term(first.left, words), values, words, first.operator == "!=")
    calls = [one for one in (first, *partners) if isinstance(one, Call)]
    return _chosen(calls[0].arguments[0], [one.arguments[1] for one in calls], words, False)


def _among(subject: str, values: Sequence[str], words: Glossary, negated: bool) -> str:
    """That a value is one of several, or none of them."""
    if negated and len(values) > 1:
        return phrase("neither", words.language, subject, listed(values, "nor", words.language))
    return f"{subject} {phrase('is_not' if negated else 'is', words.language)} {listed(values, 'or', words.language)}"


# -- comparisons -------------------------------------------------------------------------------------------------------
def _oriented(expr: Binary) -> Binary:
    """With what is written out on the right."""
    if _is_written(expr.left) and not _is_written(expr.right):
        return Binary(_MIRROR[expr.operator], expr.right, expr.left, expr.position)
    return expr


def _is_written(expr: Expr) -> bool:
    """Whether an expression is a text, number or day written out."""
    match expr:
        case Text() | Number() | Negation(operand=Number()) | Call(name="today", arguments=()):
            return True
        case Call(name="date", arguments=(Text(),)):
            return True
        case _:
            return False


def _comparison(expr: Binary, words: Glossary, negated: bool) -> str:
    language = words.language
    left, right, operator = expr.left, expr.right, expr.operator
    if _is_length(left) and right == Number(0) and operator in {"=", "!=", ">"}:
        assert isinstance(left, Call)  # noqa: S101 - narrows the type
        return phrase(
            "blank" if (operator == "=") is not negated else "answered", language, term(left.arguments[0], words)
        )
    if operator in {"=", "!="}:
        is_equal = (operator == "=") is not negated
        if _is_blank(right):
            return phrase("blank" if is_equal else "answered", language, term(left, words))
        truth = isinstance(right, Call) and right.name in {"true", "false"} and not right.arguments
        if truth and is_condition(left):
            assert isinstance(right, Call)  # noqa: S101 - narrows the type
            return clause(left, words, (right.name == "true") is not is_equal)
        value = code_term(right, left, words)
        if not _is_written(right):
            value = phrase("same", language, value)
        return f"{code_term(left, right, words)} {phrase('is' if is_equal else 'is_not', language)} {value}"
    key = _DAYS[operator] if _is_day(left, words) or _is_day(right, words) else operator
    verb = phrase("is_not_order" if negated else "is_order", language)
    said = (code_term(left, right, words), verb, phrase(key, language, code_term(right, left, words)))
    return " ".join(part for part in said if part)


def _is_length(expr: Expr) -> bool:
    """The usual way to ask whether there is an answer, if it is compared with 0."""
    return isinstance(expr, Call) and expr.name == "string-length" and len(expr.arguments) == 1


def _is_day(expr: Expr, words: Glossary) -> bool:
    if isinstance(expr, Call):
        return expr.name in {"today", "now", "date", "date-time"}
    if isinstance(expr, Binary):
        return expr.operator in {"+", "-"} and _is_day(expr.left, words) and not _is_day(expr.right, words)
    field = words.field(expr)
    return field is not None and field.type in {"date", "dateTime"}


# -- functions ---------------------------------------------------------------------------------------------------------
_TESTS: Final = {"contains": "contains", "starts-with": "starts", "ends-with": "ends"}


def _call(call: Call, words: Glossary, negated: bool) -> str:
    language = words.language
    suffix = "_not" if negated else ""
    if len(call.arguments) == 2:
        first, second = call.arguments
        if call.name in {"selected", "is-selected"}:
            return _selected(first, second, words, negated)
        if call.name == "regex":
            return _regex(first, second, words, suffix)
        if call.name in _TESTS:
            return phrase(_TESTS[call.name] + suffix, language, term(first, words), term(second, words))
    return _as_truth(call, words, negated) if not is_condition(call) else _unknown(call, words, negated)


def _unknown(call: Call, words: Glossary, negated: bool) -> str:
    """A condition that isn't put in other words."""
    arguments = "; ".join(term(argument, words) for argument in call.arguments)
    said = phrase("function", words.language, call.name, arguments)
    return _denied(said, words) if negated else said


def _selected(first: Expr, second: Expr, words: Glossary, negated: bool) -> str:
    """`selected(question, 'code')`; and, the other way round, `selected('code code', question)`."""
    if isinstance(first, Text) and not isinstance(second, Text):
        codes = [code_term(Text(code), second, words) for code in first.value.split()]
        if codes:
            return _among(term(second, words), codes, words, negated)
    return _chosen(first, [second], words, negated)


def _chosen(subject: Expr, codes: Sequence[Expr], words: Glossary, negated: bool) -> str:
    field = words.field(subject)
    values = [code_term(_stripped(code), subject, words) for code in codes]
    said = listed(values, "or", words.language)
    if field is not None and field.control == "select1":
        return _among(term(subject, words), values, words, negated)
    return phrase("includes_not" if negated else "includes", words.language, term(subject, words), said)


def _stripped(code: Expr) -> Expr:
    return Text(code.value.strip(), code.position) if isinstance(code, Text) else code


def _regex(subject: Expr, pattern: Expr, words: Glossary, suffix: str) -> str:
    value = term(subject, words)
    if isinstance(pattern, Text):
        if found := _DIGITS.fullmatch(pattern.value):
            return phrase("digits" + suffix, words.language, value, found.group(1))
        return phrase("format" + suffix, words.language, value, quoted(pattern.value, words.language))
    return phrase("format" + suffix, words.language, value, term(pattern, words))
