"""Sets of answers that a question may still have: blank or not, and of the answers numbers, texts or chosen codes.

Every set here may be larger than the truth and never smaller: what is empty is impossible for certain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

_MOST_SPANS: Final = 64
_MOST_VALUES: Final = 400
"""Answers up to which a set is looked through one by one."""


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers between two ends, each of which may be left out."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no number is in it."""
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def meet(self, other: Span) -> Span:
        """The numbers in both."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, high_closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Span(low, high, low_open, not high_closed)

    def whole(self) -> Span:
        """The same whole numbers, with ends that belong to it."""
        low = self.low if math.isinf(self.low) else float(math.ceil(self.low))
        high = self.high if math.isinf(self.high) else float(math.floor(self.high))
        low += 1 if self.low_open and low == self.low else 0
        high -= 1 if self.high_open and high == self.high else 0
        return Span(low, high)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of some spans.

    Attributes:
        is_whole: whether only whole numbers are meant (days of dates too).
    """

    spans: tuple[Span, ...] = (Span(),)
    is_whole: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is none."""
        return not self.spans

    def meet(self, other: Numbers) -> Numbers:
        """The numbers in both."""
        return _numbers([one.meet(two) for one in self.spans for two in other.spans], self.is_whole or other.is_whole)

    def join(self, other: Numbers) -> Numbers:
        """The numbers in either."""
        return _numbers([*self.spans, *other.spans], self.is_whole and other.is_whole)

    def ends(self) -> tuple[float, float]:
        """The lowest and the highest."""
        return min(span.low for span in self.spans), max(span.high for span in self.spans)

    def values(self) -> tuple[str, ...] | None:
        """The numbers one by one as texts, null if they are too many."""
        if not self.is_whole or any(math.isinf(span.low) or math.isinf(span.high) for span in self.spans):
            return None
        if sum(span.high - span.low + 1 for span in self.spans) > _MOST_VALUES:
            return None
        found = {number for span in self.spans for number in range(int(span.low), int(span.high) + 1)}
        return tuple(str(number) for number in sorted(found))

    def only(self, values: frozenset[str]) -> Numbers:
        """Those of the given ones."""
        return _numbers([Span(float(value), float(value)) for value in sorted(values)], self.is_whole)


def _numbers(spans: list[Span], is_whole: bool) -> Numbers:
    """Spans without the empty ones, neighbours put together."""
    ready = [span.whole() if is_whole else span for span in spans]
    ordered = sorted((span for span in ready if not span.is_empty), key=lambda span: (span.low, span.low_open))
    found: list[Span] = []
    for span in ordered:
        last = found[-1] if found else None
        if last is not None and _touch(last, span, is_whole):
            high, high_closed = max((last.high, not last.high_open), (span.high, not span.high_open))
            found[-1] = Span(last.low, high, last.low_open, not high_closed)
        else:
            found.append(span)
    if len(found) > _MOST_SPANS:
        found = [Span(found[0].low, max(span.high for span in found))]
    return Numbers(tuple(found), is_whole)


def _touch(one: Span, two: Span, is_whole: bool) -> bool:
    gap = 1 if is_whole else 0
    return two.low < one.high + gap or (
        two.low == one.high + gap and (is_whole or not (one.high_open and two.low_open))
    )


@dataclass(frozen=True, slots=True)
class Codes:
    """Texts that aren't blank.

    Attributes:
        known: the texts that are possible; null for any.
        excluded: texts that are not; only where any is possible.
        shortest, longest: bounds of their length in characters.
    """

    known: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    shortest: float = 1
    longest: float = math.inf

    @property
    def is_empty(self) -> bool:
        """Whether there is none."""
        return self.shortest > self.longest if self.known is None else not self.known

    def meet(self, other: Codes) -> Codes:
        """The texts in both."""
        shortest, longest = max(self.shortest, other.shortest), min(self.longest, other.longest)
        excluded = self.excluded | other.excluded
        if self.known is None and other.known is None:
            return Codes(None, excluded, shortest, longest)
        known = (
            other.known if self.known is None else self.known if other.known is None else self.known & other.known
        ) or frozenset()
        return Codes(frozenset(text for text in known - excluded if shortest <= len(text) <= longest))

    def join(self, other: Codes) -> Codes:
        """The texts in either."""
        if self.known is not None and other.known is not None:
            return Codes(self.known | other.known)
        if self.known is not None or other.known is not None:
            some, rest = (self, other) if self.known is not None else (other, self)
            lengths = [len(text) for text in some.known or ()]
            return Codes(
                None,
                rest.excluded - (some.known or frozenset()),
                min([rest.shortest, *lengths]),
                max([rest.longest, *lengths]),
            )
        return Codes(
            None,
            self.excluded & other.excluded,
            min(self.shortest, other.shortest),
            max(self.longest, other.longest),
        )

    def values(self) -> tuple[str, ...] | None:
        """The texts one by one, null if they aren't known or too many."""
        return tuple(sorted(self.known)) if self.known is not None and len(self.known) <= _MOST_VALUES else None

    def only(self, values: frozenset[str]) -> Codes:
        """Those of the given ones."""
        return Codes(values)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Answers of one or more codes.

    Attributes:
        known: the codes of the list, null if they aren't known.
        chosen: codes that are in the answer.
        left: codes that are not.
        fewest, most: bounds of the number of codes.
    """

    known: frozenset[str] | None = None
    chosen: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    fewest: float = 1
    most: float = math.inf

    @property
    def is_empty(self) -> bool:
        """Whether there is no such answer."""
        most = self.most if self.known is None else min(self.most, len(self.known - self.left))
        unknown = self.known is not None and not self.chosen <= self.known
        return unknown or bool(self.chosen & self.left) or max(self.fewest, len(self.chosen)) > most

    def meet(self, other: Tokens) -> Tokens:
        """The answers in both."""
        known = other.known if self.known is None else self.known if other.known is None else self.known & other.known
        return Tokens(
            known,
            self.chosen | other.chosen,
            self.left | other.left,
            max(self.fewest, other.fewest),
            min(self.most, other.most),
        )

    def join(self, other: Tokens) -> Tokens:
        """The answers in either, and perhaps more."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        known = None if self.known is None or other.known is None else self.known | other.known
        return Tokens(
            known,
            self.chosen & other.chosen,
            self.left & other.left,
            min(self.fewest, other.fewest),
            max(self.most, other.most),
        )

    def values(self) -> tuple[str, ...] | None:
        """Never looked through one by one: they are too many."""
        return None

    def only(self, values: frozenset[str]) -> Tokens:
        """None, if none is given; else the same set."""
        return self if values else Tokens(frozenset())


Answers = Numbers | Codes | Tokens


@dataclass(frozen=True, slots=True)
class Domain:
    """What a question may hold: nothing, or one of some answers."""

    may_be_blank: bool
    answers: Answers

    @property
    def is_empty(self) -> bool:
        """Whether it can't hold anything, not even nothing."""
        return not self.may_be_blank and self.answers.is_empty

    def meet(self, other: Domain) -> Domain:
        """What is in both."""
        return Domain(self.may_be_blank and other.may_be_blank, _meet(self.answers, other.answers))

    def join(self, other: Domain) -> Domain:
        """What is in either."""
        return Domain(self.may_be_blank or other.may_be_blank, _join(self.answers, other.answers))

    def answered(self) -> Domain:
        """The same without blank."""
        return replace(self, may_be_blank=False)


def _meet(one: Answers, two: Answers) -> Answers:
    match one, two:
        case Numbers(), Numbers():
            return one.meet(two)
        case Codes(), Codes():
            return one.meet(two)
        case Tokens(), Tokens():
            return one.meet(two)
        case _:
            return one


def _join(one: Answers, two: Answers) -> Answers:
    match one, two:
        case Numbers(), Numbers():
            return one.join(two)
        case Codes(), Codes():
            return one.join(two)
        case Tokens(), Tokens():
            return one.join(two)
        case _:
            return one if two.is_empty else two
