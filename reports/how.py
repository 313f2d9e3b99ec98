"""How a figure was computed, in one language: each step as a sentence and as the expression that was evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from expressions.sentences import condition_sentence, value_sentence
from expressions.targets import Place
from reports.figure_tables import tell_reason
from reports.results import Result, readable_calculation
from reports.tables import plain_text
from reports.wording import Wording
from schemas.errors import ComunalError
from schemas.fields import Field, Form
from schemas.workbook import Design

_MOST_CHOICES = 40
"""Choices of a question that are printed; codes.csv has all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the explanation: what it is, a sentence, and the expression behind it ("" for none)."""

    term: str
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a figure rests on.

    Attributes:
        text: as it was asked; calculation: of one that the form computes, "" otherwise.
        choices: (code, text) of what could be answered.
        more: how many choices aren't printed, "" if all are.
    """

    name: str
    text: str
    calculation: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    more: str = ""


def explain(result: Result, form: Form, design: Design, wording: Wording) -> tuple[Step, ...]:
    """The steps from answers to the figure of everybody."""
    return tuple(_steps(result, form, design, wording))


def _steps(result: Result, form: Form, design: Design, wording: Wording) -> Iterator[Step]:
    indicator, place = result.indicator, Place(form, result.indicator.table, None)
    yield Step(wording.text("how.kind"), wording.maybe(f"kind.{indicator.kind}", indicator.kind))
    if indicator.universe is None:
        yield Step(wording.text("how.universe"), wording.text("how.everyone", table=indicator.table))
    else:
        yield _condition("how.universe", indicator.universe, place, wording)
    if indicator.kind == "ratio":
        for column, text in (("denominator", indicator.denominator), ("numerator", indicator.numerator)):
            if text:
                yield _value(f"how.{column}_ratio", text, place, wording)
        if indicator.scale != 1:
            yield Step(wording.text("how.scale"), wording.number(indicator.scale))
    else:
        for column, text in (("denominator", indicator.denominator), ("numerator", indicator.numerator)):
            if text:
                yield _condition(f"how.{column}", text, place, wording)
    if indicator.value:
        yield _value("how.value", indicator.value, place, wording)
    yield from _cases(result, wording)
    yield _weights(design, place, wording)
    if indicator.source:
        yield Step(wording.text("how.source"), indicator.source)
    yield Step(wording.text("how.code"), "", indicator.name)


def _cases(result: Result, wording: Wording) -> Iterator[Step]:
    total = result.total
    if total.suppressed:
        yield Step(wording.text("how.cases"), tell_reason(total, wording))
        return
    if total.n is not None:
        yield Step(wording.text("how.cases"), wording.text("how.cases_text", n=wording.number(total.n)))
    if total.unknown_rate is not None:
        yield Step(wording.text("how.unknown"), wording.percent(100 * total.unknown_rate))


def _weights(design: Design, place: Place, wording: Wording) -> Step:
    if design.weight is None:
        told = "method.weighted_steps" if design.is_weighted else "method.no_weights"
        return Step(wording.text("how.weights"), wording.text(told))
    return _value("how.weights", design.weight, place, wording)


def list_questions(result: Result, wording: Wording) -> tuple[Question, ...]:
    """The questions of a result as they were asked, with what could be answered."""
    return tuple(_question(field, wording) for field in result.questions)


def _question(field: Field, wording: Wording) -> Question:
    label = plain_text(wording.pick(field.label))
    if not label and field.calculation:
        return Question(field.name, wording.text("how.calculated"), readable_calculation(field.calculation))
    choices = tuple((choice.value, plain_text(wording.pick(choice.label))) for choice in field.choices[:_MOST_CHOICES])
    hidden = len(field.choices) - len(choices)
    more = wording.text("how.more_choices", n=wording.number(hidden)) if hidden else ""
    return Question(field.name, label, "", choices, more)


def _condition(key: str, text: str, place: Place, wording: Wording) -> Step:
    try:
        sentence = condition_sentence(text, place, wording.language)
    except ComunalError:
        sentence = ""  # the expression stands beside it; a sentence is only for those who don't read it
    return Step(wording.text(key), sentence, text)


def _value(key: str, text: str, place: Place, wording: Wording) -> Step:
    try:
        sentence = value_sentence(text, place, wording.language)
    except ComunalError:
        sentence = ""  # as above
    return Step(wording.text(key), sentence, text)
