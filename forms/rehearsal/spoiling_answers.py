"""One error planted in one interview, chosen so that it is one error and no more where the form allows."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from expressions.instance import Element
from expressions.records import Scope
from forms.audit import AUDIT_FILE
from forms.rehearsal import answers
from forms.rehearsal.bounds import bounds_at
from forms.rehearsal.calculation import moment_text
from forms.rehearsal.interviews import RehearsedInterview
from forms.rehearsal.plan import Plan, Question, build_plan
from forms.rehearsal.writing import write_submission
from schemas.errors import ExpressionError
from schemas.fields import Field, walk

if TYPE_CHECKING:
    from forms.compile import CompiledForm

Spoiled = tuple[bytes, tuple[str, ...], str]
"""The submission's bytes, names of the questions involved, and what was done."""

IDENTIFYING = ("document", "phone", "name")
"""Kinds of personal answers that tell who somebody is, the surest first."""

NUMERIC = frozenset(("int", "decimal", "date"))
FAR_OUT = (-1.0, 0.0, 999.0, 99_999.0, 1_000_000.0)
LATE_HOUR = 20
"""A person's second interview begins after this hour, when nobody else is interviewed."""


class Spoiler:
    """Plants errors in interviews of one form."""

    def __init__(self, compiled: CompiledForm, chance: random.Random) -> None:
        self.plan: Plan = build_plan(compiled, 1)
        self._chance = chance
        self._children = {
            node.path: [child.name for child in node.children]
            for node in walk(self.plan.form.root)
            if not isinstance(node, Field)
        }
        fields = [question.field for question in self.plan.questions]
        self.start = next((field for field in fields if field.preload == "timestamp/start"), None)
        self.end = next((field for field in fields if field.preload == "timestamp/end"), None)
        self._identifying = {field.name: field.personal for field in fields if field.personal in IDENTIFYING}

    def allows(self, kind: str) -> bool:
        """Whether the form gives room for that kind at all."""
        match kind:
            case "out_of_range":
                return any(self._can_break(question) for question in self.plan.questions)
            case "skip_rule_broken":
                return any(self._can_skip(question) for question in self.plan.questions)
            case "duplicate_person":
                return bool(self._identifying)
            case "impossible_duration":
                return self.start is not None and self.end is not None
            case "missing_required":
                return any(self._must_answer(question) for question in self.plan.questions)
            case "duplicate_send":
                return True
            case "late_attachment":
                return self.plan.form.audit or any(
                    question.field.control == "upload" for question in self.plan.questions
                )
            case _:
                return any(question.choices is not None for question in self.plan.questions)

    def identity(self, interview: RehearsedInterview) -> int | None:
        """How surely an interview tells who its respondent is (0 is surest), null if it doesn't."""
        root = Element.from_xml(interview.xml)
        kinds = {self._identifying.get(node.name) for node in root.walk() if node.text}
        return next((rank for rank, kind in enumerate(IDENTIFYING) if kind in kinds), None)

    # -- the errors ------------------------------------------------------------------------------------------------
    def out_of_range(self, interview: RehearsedInterview) -> Spoiled | None:
        """A number or date that its constraint refuses; null if the interview has none to spoil."""
        root, scope = self._open(interview)
        for question, node in self._answered(root, self._can_break):
            before = node.text
            for text in self._outside(question, node, scope):
                node.text = text
                if self._breaks(question, node, scope):
                    note = "Its answer breaks the question's own constraint."
                    return self._close(root), (question.field.name,), note
            node.text = before
        return None

    def skip_rule_broken(self, interview: RehearsedInterview) -> Spoiled | None:
        """An answer under a question that wasn't to be asked; null if everything was asked."""
        root, scope = self._open(interview)
        for question in self._shuffled(self._can_skip):
            above, _, name = question.field.path.rpartition("/")
            parents = [node for node in self._nodes(root, above) if node.child(name) is None]
            if not parents:
                continue
            parent = self._chance.choice(parents)
            node = self._place(parent, name)
            text = self._invent(question, node, scope)
            if text and self._is_hidden(question, node, scope):
                node.text = text
                return self._close(root), (name,), "It has an answer though its skip rule says not to ask."
            parent.remove(node)
        return None

    def impossible_duration(self, interview: RehearsedInterview) -> Spoiled | None:
        """An end before the start, or seconds after it."""
        if self.start is None or self.end is None:
            return None
        root, _ = self._open(interview)
        starts, ends = self._nodes(root, self.start.path), self._nodes(root, self.end.path)
        if not starts or not ends or not starts[0].text:
            return None
        begun = datetime.fromisoformat(starts[0].text)
        seconds = self._chance.choice((-4000, -900, -60, 5, 20))
        ends[0].text = moment_text(begun + timedelta(seconds=seconds))
        note = "It ends before it starts." if seconds < 0 else f"It took {seconds} seconds."
        return self._close(root), (), note

    def missing_required(self, interview: RehearsedInterview) -> Spoiled | None:
        """A required answer that is blank; null if there is none to take away."""
        root, _ = self._open(interview)
        for question, node in self._answered(root, self._must_answer):
            node.text = ""
            return self._close(root), (question.field.name,), "It is required and blank."
        return None

    def unlisted_choice(self, interview: RehearsedInterview) -> Spoiled | None:
        """A code that isn't in the question's list; null if no select was answered."""
        root, _ = self._open(interview)
        for question, node in self._answered(root, lambda each: each.choices is not None and _is_free(each)):
            node.text = "not_listed"
            return self._close(root), (question.field.name,), "Its code isn't in the question's list."
        return None

    # -- reading an interview --------------------------------------------------------------------------------------
    def _open(self, interview: RehearsedInterview) -> tuple[Element, Scope]:
        root = Element.from_xml(interview.xml)
        when = self._nodes(root, self.end.path)[0].text if self.end and self._nodes(root, self.end.path) else ""
        scope = Scope(
            root,
            now=datetime.fromisoformat(when) if when else datetime.fromisoformat("2000-01-01T12:00:00+00:00"),
            instances=self.plan.instances,
            references=self.plan.triggers.references,
            types=self.plan.types,
            random=self._chance,
            files=self.plan.tables,
        )
        return root, scope

    def _close(self, root: Element) -> bytes:
        return write_submission(root, self.plan.form.namespace)

    def _nodes(self, root: Element, path: str) -> list[Element]:
        nodes = [root]
        for name in path.strip("/").split("/")[1:]:
            nodes = [child for node in nodes for child in node.by_name.get(name, ())]
        return nodes

    def _answered(self, root: Element, wanted: Callable[[Question], bool]) -> Iterator[tuple[Question, Element]]:
        """Answered nodes of wanted questions in a random order; those that nothing hangs on come first."""
        for question in self._shuffled(wanted):
            nodes = [node for node in self._nodes(root, question.field.path) if node.text]
            if nodes:
                yield question, self._chance.choice(nodes)

    def _shuffled(self, wanted: Callable[[Question], bool]) -> list[Question]:
        found = [question for question in self.plan.questions if wanted(question)]
        self._chance.shuffle(found)
        return sorted(found, key=lambda question: question.field.path in self.plan.triggers.readers)

    def _place(self, parent: Element, name: str) -> Element:
        """A new node in the place that the form's order gives it."""
        order = self._children[parent.path]
        after = set(order[order.index(name) + 1 :])
        index = next((at for at, child in enumerate(parent.children) if child.name in after), len(parent.children))
        node = Element(name)
        parent.insert(index, node)
        return node

    # -- what may be spoiled ---------------------------------------------------------------------------------------
    def _can_break(self, question: Question) -> bool:
        return (
            _is_free(question)
            and question.constraint is not None
            and question.field.type in NUMERIC
            and bool(question.hints.comparisons)
        )

    def _can_skip(self, question: Question) -> bool:
        return _is_free(question) and bool(question.field.relevant) and question.field.control not in {"upload", ""}

    def _must_answer(self, question: Question) -> bool:
        return _is_free(question) and question.required is True and question.field.personal is None

    def _outside(self, question: Question, node: Element, scope: Scope) -> Iterator[str]:
        unit = 0.01 if question.field.type == "decimal" else 1.0
        points = list(bounds_at(question.hints, "", node, scope, unit).points)
        self._chance.shuffle(points)
        for value in (*points, *FAR_OUT):
            yield answers.number_text(question.field, value)

    def _breaks(self, question: Question, node: Element, scope: Scope) -> bool:
        try:
            return question.constraint is not None and not question.constraint.boolean(node, scope)
        except ExpressionError:
            return False

    def _is_hidden(self, question: Question, node: Element, scope: Scope) -> bool:
        found = self.plan.triggers.compiled(question.field.relevant or "true()", question.field.path)
        try:
            return found is not None and not found.boolean(node, scope)
        except ExpressionError:
            return False

    def _invent(self, question: Question, node: Element, scope: Scope) -> str:
        field = question.field
        if question.choices is not None:
            try:
                codes = question.choices.codes(node, scope)
            except ExpressionError:
                return ""
            return self._chance.choice(codes) if codes else ""
        if field.type in NUMERIC:
            bounds = bounds_at(question.hints, "", node, scope, 1.0)
            if field.type == "date":
                return answers.draw_date(field, bounds, scope.now, self._chance)
            return answers.draw_number(field, bounds, self._chance, small=False)
        return "Texto de ensayo" if field.type == "string" and question.constraint is None else ""


def _is_free(question: Question) -> bool:
    """Whether an enumerator answers it, and no number of rows hangs on it."""
    return question.asked and not question.small


def copy_person(original: RehearsedInterview, spoiler: Spoiler, chance: random.Random) -> RehearsedInterview:
    """The same respondent interviewed again that evening, under a new instance id."""
    root = Element.from_xml(original.xml)
    instance_id = f"uuid:{uuid.UUID(int=chance.getrandbits(128), version=4)}"
    shift = _move_to_evening(root, spoiler, chance)
    xml = write_submission(root, spoiler.plan.form.namespace)
    xml = re.sub(re.escape(original.instance_id.encode()), instance_id.encode(), xml)
    return RehearsedInterview(instance_id, xml, shift_events(original.attachments, shift))


def shift_events(attachments: Mapping[str, bytes], shift: timedelta) -> Mapping[str, bytes]:
    """The files of an interview, with all times of its audit file shifted."""
    step = round(shift.total_seconds() * 1000)

    def moved(content: bytes) -> bytes:
        return re.sub(rb"\b\d{13}\b", lambda found: str(int(found[0]) + step).encode(), content)

    return {name: moved(content) if name == AUDIT_FILE else content for name, content in attachments.items()}


def _move_to_evening(root: Element, spoiler: Spoiler, chance: random.Random) -> timedelta:
    """Move start and end to the evening of their day; by how much they moved."""
    if spoiler.start is None or spoiler.end is None:
        return timedelta()
    nodes = [root.child(field.name) for field in (spoiler.start, spoiler.end)]
    begin, end = (node.text if node is not None else "" for node in nodes)
    if not begin or not end:
        return timedelta()
    begun, ended = datetime.fromisoformat(begin), datetime.fromisoformat(end)
    evening = begun.replace(hour=LATE_HOUR, minute=chance.randrange(5, 50), second=chance.randrange(60))
    for node, moment in zip(nodes, (evening, evening + (ended - begun)), strict=True):
        if node is not None:
            node.text = moment_text(moment)
    return evening - begun
