"""Text of an expression to tokens, each with its position."""

from __future__ import annotations

import re
from typing import NamedTuple

from schemas.errors import ExpressionError

_START = r"[^\W\d]"
_NCNAME = rf"{_START}[\w.\-·]*"
_TOKEN = re.compile(
    rf"""
    (?P<space>[ \t\r\n\f\v\u00a0\u2009\u202f\u200b\ufeff]+)
  | (?P<number>\d+(?:\.(?!\.)\d*)?|\.\d+)
  | (?P<text>'[^']*'|"[^"]*")
  | (?P<reference>\$\{{[^{{}}]*\}})
  | (?P<name>{_NCNAME}(?::(?:{_NCNAME}|\*)(?!:))?)
  | (?P<symbol>!=|<=|>=|::|//|\.\.|[=<>+\-*/|()\[\],.@])
    """,
    re.VERBOSE,
)
_EXPONENT = re.compile(r"(?P<number>\d+(?:\.\d*)?[eE][+-]?\d+)", re.ASCII)
_REFERENCE = re.compile(rf"\$\{{\s*(?P<saved>last-saved\#)?\s*(?P<name>{_NCNAME}(?::{_NCNAME})?)\s*\}}")
_WORD_OPERATOR = re.compile(r"(?P<operator>and|or|div|mod)(?![^\W\d])")
# After one of these (or at the start) an operand must follow, so that `*` and `div` there are names.
_BEFORE_OPERAND = frozenset(("@", "::", "(", "[", ",", "/", "//"))

OPERATORS = frozenset(("and", "or", "div", "mod", "=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "|"))


class Token(NamedTuple):
    """One token.

    Attributes:
        kind: number, text, reference, name, symbol, operator or end.
        value: the text without quotes, the name inside `${}` (with `last-saved#` if it stands there), or as written.
        position: offset of its first character.
    """

    kind: str
    value: str
    position: int


def read_tokens(text: str, exponents: bool = False) -> list[Token]:
    """The tokens of `text`, an `end` token last.

    Args:
        exponents: whether numbers may be written as `1.5e-3`, which only Enketo reads.

    Raises:
        ExpressionError: EXP-002 a character that begins nothing, EXP-003 a quote that isn't closed,
            EXP-006 a `${` without a name and `}`.
    """
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        # Where only an operator can stand, `1and1` is read as `1 and 1`, as the engines do.
        found = (_WORD_OPERATOR.match(text, offset) if _follows_operand(tokens) else None) or _TOKEN.match(text, offset)
        if exponents and text[offset].isdigit():
            found = _EXPONENT.match(text, offset) or found
        if found is None:
            raise _unreadable(text, offset)
        kind = found.lastgroup or ""
        if kind != "space":
            tokens.append(_make_token(kind, found.group(), offset, tokens))
        offset = found.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _make_token(kind: str, value: str, offset: int, before: list[Token]) -> Token:
    if kind == "text":
        return Token(kind, value[1:-1], offset)
    if kind == "reference":
        return Token(kind, _reference_name(value, offset), offset)
    if kind == "symbol" and value in OPERATORS and value != "*":
        return Token("operator", value, offset)
    if kind == "operator" or (value == "*" and _follows_operand(before)):
        return Token("operator", value, offset)
    return Token(kind, value, offset)


def _follows_operand(before: list[Token]) -> bool:
    if not before:
        return False
    last = before[-1]
    return last.kind != "operator" and not (last.kind == "symbol" and last.value in _BEFORE_OPERAND)


def _reference_name(value: str, offset: int) -> str:
    found = _REFERENCE.fullmatch(value)
    if found is None:
        raise ExpressionError(
            "EXP-006",
            f"At {offset + 1}: {value!r} doesn't hold the name of a question.",
            "Write ${name}, with the name as in the column 'name' of the sheet survey.",
            offset,
        )
    return ("last-saved#" if found["saved"] else "") + found["name"]


def _unreadable(text: str, offset: int) -> ExpressionError:
    character = text[offset]
    where = f"At {offset + 1}:"
    if character in "'\"":
        return ExpressionError(
            "EXP-003", f"{where} the text that begins here has no closing {character}.", "Add the quote.", offset
        )
    if character == "$":
        return ExpressionError(
            "EXP-006", f"{where} '$' begins a reference, but no ${{name}} follows.", "Write ${name}.", offset
        )
    advice = "Remove it."
    if character in "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb`´":
        advice = "Use straight quotes: ' or \"."
    elif character == "!":
        advice = "'Not equal' is written !=, and negation not(...)."
    elif character == "&":
        advice = "Write 'and', or concat(a, b) to join texts."
    elif character in "{}":
        advice = "A reference is written ${name}."
    elif character == ";":
        advice = "Arguments are separated by commas."
    elif character == "%":
        advice = "The remainder is written 'mod'."
    return ExpressionError("EXP-002", f"{where} the character {character!r} has no meaning here.", advice, offset)
