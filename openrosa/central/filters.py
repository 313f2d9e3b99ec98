"""OData's `$filter` and `$orderby`: texts -> trees, with the position of whatever is wrong.

or = and ("or" and)* ; and = not ("and" not)* ; not = "not" not | comparison
comparison = sum (("eq"|"ne"|"neq"|"lt"|"le"|"gt"|"ge") sum | "in" "(" sum ("," sum)* ")")?
sum = product (("add"|"sub") product)* ; product = unary (("mul"|"div"|"mod") unary)* ; unary = "-" unary | primary
primary = "(" or ")" | literal | name "(" (or ("," or)*)? ")" | name ("/" name)*
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from openrosa.central.answers import Refused

LONGEST = 4_000
DEEPEST = 60
MOST_OPERATORS = 150
COMPARISONS = {"eq": "eq", "ne": "ne", "neq": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge"}
_SUMS, _PRODUCTS = ("add", "sub"), ("mul", "div", "divby", "mod")


class FilterRefused(Refused):
    """A filter that can't be read or used; `details` tells the position, from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(400.18, f"The OData filter can't be used: {message}, at character {position + 1}.")
        self.details = {"reason": message, "position": position}


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; null is None."""

    value: str | int | float | bool | date | datetime | None
    position: int


@dataclass(frozen=True, slots=True)
class Name:
    """A property by its path, such as `__system/submissionDate`."""

    path: str
    position: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or function with its operands. `kind`: an operator's word, "neg", "in", or a function's name."""

    kind: str
    operands: tuple[Node, ...]
    position: int


Node = Literal | Name | Operation


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text. kind: word, text, number, time, sign, end."""

    kind: str
    text: str
    position: int


def _is_name(character: str) -> bool:
    return character.isalnum() or character in "_$@-."


def _read_text(text: str, start: int) -> tuple[str, int]:
    """A quoted text from its first quote; two quotes within are one. Its value and where it ends."""
    pieces = []
    position = start + 1
    while True:
        end = text.find("'", position)
        if end < 0:
            raise FilterRefused("a text begins here and never ends", start)
        pieces.append(text[position:end])
        if text[end + 1 : end + 2] != "'":
            return "'".join(pieces), end + 1
        position = end + 2


def _read_run(text: str, start: int) -> int:
    """Where a number, time or name that starts here ends. A time may hold colons and a sign."""
    end = start
    while end < len(text):
        character = text[end]
        is_time = text[start].isdigit() and (character == ":" or (character == "+" and "T" in text[start:end]))
        if not (_is_name(character) or is_time):
            break
        end += 1
    return end


def tokenize(text: str) -> list[Token]:
    """The pieces of a filter, the last of them the end.

    Raises:
        FilterRefused: a text that never ends, a sign that means nothing, too long.
    """
    if len(text) > LONGEST:
        raise FilterRefused(f"it is longer than {LONGEST} characters", LONGEST)
    tokens = []
    position = 0
    while position < len(text):
        character = text[position]
        if character.isspace():
            position += 1
        elif character == "'":
            value, end = _read_text(text, position)
            tokens.append(Token("text", value, position))
            position = end
        elif character in "(),/-":
            tokens.append(Token("sign", character, position))
            position += 1
        elif _is_name(character):
            end = _read_run(text, position)
            kind = "number" if character.isdigit() else "word"
            tokens.append(Token(kind, text[position:end], position))
            position = end
        else:
            raise FilterRefused(f"{character!r} means nothing here", position)
    return [*tokens, Token("end", "", len(text))]


def _constant(token: Token) -> Literal:
    """A number, date or time."""
    text = token.text
    readers: tuple[Callable[[str], int | float | date | datetime], ...] = (int, float, date.fromisoformat, _time)
    for reader in readers:
        # Python alone would also read 1_000 and 20260101T0000.
        if "_" in text or (reader is date.fromisoformat and len(text) != 10):
            continue
        try:
            return Literal(reader(text), token.position)
        except ValueError:
            continue
    raise FilterRefused(f"{text!r} is no number, date or time", token.position)


def _time(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(text)
    return value


class _Reader:
    """Descends the grammar once, from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.index = 0
        self.depth = 0
        self.operators = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        token = self.next
        self.index += token.kind != "end"
        return token

    def is_word(self, *words: str) -> bool:
        return self.next.kind == "word" and self.next.text in words

    def is_sign(self, sign: str) -> bool:
        return self.next.kind == "sign" and self.next.text == sign

    def expect(self, sign: str) -> None:
        if not self.is_sign(sign):
            raise self.refuse(f"expected '{sign}'")
        self.take()

    def refuse(self, expected: str) -> FilterRefused:
        found = "the end" if self.next.kind == "end" else repr(self.next.text)
        return FilterRefused(f"{expected}, found {found}", self.next.position)

    def chain(self, words: tuple[str, ...], operand: Callable[[], Node]) -> Node:
        found = operand()
        while self.is_word(*words):
            token = self.take()
            self.operators += 1
            if self.operators > MOST_OPERATORS:
                raise FilterRefused(f"it has more than {MOST_OPERATORS} operators", token.position)
            found = Operation(token.text, (found, operand()), token.position)
        return found

    def either(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FilterRefused("it is nested too deeply", self.next.position)
        found = self.chain(("or",), lambda: self.chain(("and",), self.negation))
        self.depth -= 1
        return found

    def negation(self) -> Node:
        negations = []
        while self.is_word("not"):
            negations.append(self.take().position)
        found = self.comparison()
        for position in reversed(negations):
            found = Operation("not", (found,), position)
        return found

    def comparison(self) -> Node:
        left = self.sum()
        if self.is_word(*COMPARISONS):
            token = self.take()
            return Operation(COMPARISONS[token.text], (left, self.sum()), token.position)
        if self.is_word("in"):
            position = self.take().position
            self.expect("(")
            return Operation("in", (left, *self.operands()), position)
        return left

    def sum(self) -> Node:
        return self.chain(_SUMS, lambda: self.chain(_PRODUCTS, self.unary))

    def unary(self) -> Node:
        signs = []
        while self.is_sign("-"):
            signs.append(self.take().position)
        found = self.primary()
        for position in reversed(signs):
            found = Operation("neg", (found,), position)
        return found

    def operands(self) -> tuple[Node, ...]:
        """What stands between an open parenthesis and its end."""
        found: list[Node] = []
        if self.is_sign(")"):
            self.take()
            return ()
        while True:
            found.append(self.either())
            if self.is_sign(")"):
                self.take()
                return tuple(found)
            self.expect(",")

    def primary(self) -> Node:
        if self.is_sign("("):
            self.take()
            found = self.either()
            self.expect(")")
            return found
        token = self.next
        if token.kind == "text":
            self.take()
            return Literal(token.text, token.position)
        if token.kind == "number":
            return _constant(self.take())
        if token.kind != "word":
            raise self.refuse("expected a property, a constant or '('")
        self.take()
        constants = {"null": None, "true": True, "false": False}
        if token.text in constants:
            return Literal(constants[token.text], token.position)
        if self.is_sign("("):
            self.take()
            return Operation(token.text, self.operands(), token.position)
        return Name(self.path(token), token.position)

    def path(self, first: Token) -> str:
        steps = [first.text]
        while self.is_sign("/"):
            self.take()
            if self.next.kind not in {"word", "number"}:
                raise self.refuse("expected a name after '/'")
            steps.append(self.take().text)
        return "/".join(steps)


def parse_filter(text: str) -> Node:
    """The tree of a `$filter`.

    Raises:
        FilterRefused: it can't be read; with the position.

    >>> parse_filter("age ge 18").kind
    'ge'
    """
    reader = _Reader(text)
    found = reader.either()
    if reader.next.kind != "end":
        raise reader.refuse("expected an operator or the end")
    return found


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an `$orderby`."""

    name: Name
    descending: bool


def parse_orders(text: str) -> tuple[Order, ...]:
    """The keys of an `$orderby`, the first the most important.

    Raises:
        FilterRefused: it can't be read; with the position.
    """
    reader = _Reader(text)
    orders: list[Order] = []
    while True:
        token = reader.take()
        if token.kind != "word":
            raise FilterRefused("expected a property", token.position)
        name = Name(reader.path(token), token.position)
        descending = reader.take().text == "desc" if reader.is_word("asc", "desc") else False
        orders.append(Order(name, descending))
        if reader.next.kind == "end":
            return tuple(orders)
        reader.expect(",")
