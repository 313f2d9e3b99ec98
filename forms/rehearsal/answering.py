"""One answer: dealt from a quota or drawn by type, tried against the constraint, and tried again within limits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from expressions.instance import Element
from expressions.records import Scope
from forms.rehearsal import answers
from forms.rehearsal.bounds import (
    LENGTH,
    SELECTED,
    Bounds,
    bounds_at,
    compared_texts,
    matching_text,
)
from forms.rehearsal.calculation import Report
from forms.rehearsal.files import make_upload
from forms.rehearsal.hands import Hands
from forms.rehearsal.plan import Question, Section
from forms.rehearsal.quotas import Hand
from schemas.errors import ExpressionError
from schemas.fields import Field

TRIES = 60
"""Answers tried before a question is given up."""

SPAN_TRIES = 8
"""Draws from one range of a quota row before the next row is tried."""

SKIPPED, SKIPPED_UPLOAD = 0.08, 0.7
"""Shares of optional questions, and of optional uploads, that are left blank."""

ANYTHING = "*"
"""A value of the `rehearsal` sheet: some made-up answer that the question accepts, a fresh one each time."""

NO_BOUNDS = Bounds()
SetText = Callable[[str], None]


class Answerer:
    """Answers questions of one interview."""

    def __init__(
        self, scope: Scope, chance: random.Random, hands: Hands, attachments: dict[str, bytes], report: Report
    ) -> None:
        self._scope = scope
        self._chance = chance
        self._hands = hands
        self._attachments = attachments
        self._report = report

    def answer(self, question: Question, node: Element, set_text: SetText) -> None:
        """Answer a question that is asked at `node`, or leave it blank where nothing is accepted."""
        codes = self._codes(question, node)
        if question.field.control == "upload":
            self._upload(question, node, set_text)
            return
        hand = self._hands.find(question.quotas, node, self._scope)
        if hand is not None and self._deal(question, node, hand, codes, set_text):
            return
        required = self._is_required(question, node)
        if question.choices is not None and not codes:
            set_text("")
            if required:
                self._report("no_choices", question.field.path, "It is required, and its list is empty at this place.")
            return
        if not required and hand is None and self._chance.random() < SKIPPED:
            set_text("")
            return
        for text in self._drafts(question, node, codes):
            if self._accepts(question, node, text, set_text):
                return
        set_text("")
        if required:
            detail = f"None of {TRIES} answers satisfied its constraint."
            self._report("unanswered", question.field.path, detail)

    def check_blocked(self, question: Question, node: Element) -> None:
        """Tell of a required question that nobody can answer: authors stop contradictions by such notes."""
        if not node.text and question.field.control and self._is_required(question, node):
            self._report("unanswered", question.field.path, "It is required and read-only: the form blocks here.")

    def is_wrong(self, question: Question, node: Element) -> bool:
        """Whether the answer at `node` isn't what the form now accepts, or is missing."""
        if not node.text:
            return self._is_required(question, node) and not self._has_no_answer(question, node)
        if question.choices is not None:
            codes = self._codes(question, node) or ()
            if not set(_selected(question.field, node.text)) <= set(codes):
                return True
        return not self._holds(question, node)

    def draw_rows(self, section: Section, row: Element) -> int | None:
        """The number of rows that a quota on the repeat's own name gives, null without one."""
        hand = self._hands.find(section.quotas, row, self._scope)
        if hand is None:
            return None
        index = next(hand.offers())
        self._hands.give(hand, index)
        text = answers.draw_span(hand.values[index], self._chance)
        return int(text) if text.isdecimal() else 0

    # -- quotas ----------------------------------------------------------------------------------------------------
    def _deal(
        self, question: Question, node: Element, hand: Hand, codes: tuple[str, ...] | None, set_text: SetText
    ) -> bool:
        refused = False
        for index in hand.offers():
            for text in self._texts(question, node, hand.values[index], codes):
                if self._deals(question, node, text, codes, set_text):
                    self._hands.give(hand, index)
                    if refused:
                        self._report("quota_redrawn", question.field.path, "The form refuses an answer of its quota.")
                    return True
            refused = True
        self._report("quota_refused", question.field.path, "The form refuses every answer of its quota.")
        return False

    def _texts(self, question: Question, node: Element, value: str, codes: tuple[str, ...] | None) -> Iterator[str]:
        """What to try for one row of the sheet: the answer itself, draws from its range, or anything that fits."""
        if value == ANYTHING:
            yield from self._drafts(question, node, codes)
            return
        for _ in range(SPAN_TRIES if ".." in value else 1):
            yield answers.draw_quota(question.field, value, self._chance)

    def _deals(
        self, question: Question, node: Element, text: str, codes: tuple[str, ...] | None, set_text: SetText
    ) -> bool:
        if not text:
            if self._is_required(question, node):
                return False
            set_text("")
            return True
        if codes is not None and not set(_selected(question.field, text)) <= set(codes):
            return False
        return self._accepts(question, node, text, set_text)

    # -- drawing ---------------------------------------------------------------------------------------------------
    def _drafts(self, question: Question, node: Element, codes: tuple[str, ...] | None) -> Iterator[str]:
        """Answers to try, the likeliest first, at most `TRIES`."""
        field = question.field
        if field.control == "trigger":
            yield "OK"
            return
        hints = question.hints
        numeric = field.type in {"int", "decimal", "date", "dateTime"}
        unit = 0.01 if field.type == "decimal" else 1.0
        bounds = bounds_at(hints, "", node, self._scope, unit) if hints.comparisons else NO_BOUNDS
        lengths = bounds_at(hints, LENGTH, node, self._scope, 1.0) if hints.comparisons else NO_BOUNDS
        chosen = bounds_at(hints, SELECTED, node, self._scope, 1.0) if hints.comparisons else NO_BOUNDS
        texts = compared_texts(hints, node, self._scope)
        for attempt in range(TRIES):
            if codes:
                yield answers.draw_codes(field, codes, chosen, self._chance, attempt)
            elif attempt % 2 and bounds.points and (numeric or attempt % 4 == 1):
                yield answers.number_text(field, self._chance.choice(bounds.points))
            elif attempt % 3 == 2 and texts and not numeric:
                yield self._chance.choice(texts)
            elif hints.patterns and not numeric and attempt % 4 != 3:
                yield matching_text(hints.patterns, self._chance)
            else:
                yield self._draw(question, bounds, lengths)

    def _draw(self, question: Question, bounds: Bounds, lengths: Bounds) -> str:
        field = question.field
        if field.control == "range":
            return answers.draw_range(field, self._chance)
        match field.type:
            case "int" | "decimal":
                return answers.draw_number(field, bounds, self._chance, question.small)
            case "date" | "dateTime":
                return answers.draw_date(field, bounds, self._scope.now, self._chance)
            case "time":
                return answers.draw_time(self._scope.now, self._chance)
            case "geopoint" | "geotrace" | "geoshape":
                return answers.draw_place(field, self._chance)
            case "boolean":
                return self._chance.choice(("true", "false"))
            case "barcode":
                return str(self._chance.randrange(10**12, 10**13))
            case _:
                if bounds.low is not None or bounds.high is not None or question.small:
                    return answers.draw_number(field, bounds, self._chance, question.small)
                return answers.draw_text(field, lengths, self._chance)

    def _upload(self, question: Question, node: Element, set_text: SetText) -> None:
        hand = self._hands.find(question.quotas, node, self._scope)
        skipped = self._chance.random() < SKIPPED_UPLOAD and not self._is_required(question, node)
        if hand is not None:
            index = next(hand.offers())
            self._hands.give(hand, index)
            skipped = not hand.values[index]
        if skipped:
            set_text("")
            return
        name, content = make_upload(question.field.media_type or "image/*", self._chance)
        self._attachments.pop(node.text, None)
        self._attachments[name] = content
        set_text(name)

    # -- judging ---------------------------------------------------------------------------------------------------
    def _accepts(self, question: Question, node: Element, text: str, set_text: SetText) -> bool:
        """Give the answer and see whether the form accepts it; taken back by the next one if not."""
        if not text:
            return False
        set_text(text)
        return self._holds(question, node)

    def _holds(self, question: Question, node: Element) -> bool:
        if question.constraint is None:
            return True
        try:
            return question.constraint.boolean(node, self._scope)
        except ExpressionError as error:
            self._report("expression", question.field.path, f"{error.code}: its constraint can't be evaluated.")
            return False

    def _is_required(self, question: Question, node: Element) -> bool:
        if isinstance(question.required, bool):
            return question.required
        try:
            return question.required.boolean(node, self._scope)
        except ExpressionError as error:
            self._report("expression", question.field.path, f"{error.code}: `required` can't be evaluated.")
            return False

    def _has_no_answer(self, question: Question, node: Element) -> bool:
        return question.choices is not None and not self._codes(question, node)

    def _codes(self, question: Question, node: Element) -> tuple[str, ...] | None:
        """The codes on offer, null for a question that isn't a select."""
        if question.choices is None:
            return None
        try:
            return question.choices.codes(node, self._scope)
        except ExpressionError as error:
            self._report("expression", question.field.path, f"{error.code}: its list can't be evaluated.")
            return ()


def _selected(field: Field, text: str) -> list[str]:
    return text.split() if field.is_multiple else [text]
