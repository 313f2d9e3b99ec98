"""Fill one instance in the order of the form, as an enumerator would: what isn't relevant is never asked."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from expressions.instance import Element
from expressions.records import RecordExpr, Scope
from forms.rehearsal.answering import Answerer
from forms.rehearsal.calculation import Calculator
from forms.rehearsal.hands import Hands
from forms.rehearsal.interviews import RehearsalNote
from forms.rehearsal.plan import Plan, Question, Section, SetValue
from forms.rehearsal.preloads import fill_preloads
from forms.rehearsal.times import Visit
from schemas.errors import ExpressionError
from schemas.fields import Field

MOST_ROWS = 60
"""Rows of one repeat that a rehearsal fills, whatever its `jr:count` says."""

FREE_ROWS = (0, 4)
"""Fewest and most rows where the enumerator adds them freely."""

MOST_ROUNDS = 4
"""Times the finished form is gone through again for questions that a later answer changed."""

SECONDS_BETWEEN = 3


class Filler:
    """One interview in the making. Use once: `fill`, then read the attributes.

    Attributes:
        root: the filled instance.
        attachments: uploads by file name.
        asked: node and moment of every question shown, in order.
        notes: what could not be done as asked.
    """

    def __init__(self, plan: Plan, visit: Visit, hands: Hands, chance: random.Random, instance_id: str) -> None:
        self._plan = plan
        self._visit = visit
        self.root = clone(plan.template)
        self.attachments: dict[str, bytes] = {}
        self.asked: list[tuple[str, datetime]] = []
        self._notes: dict[tuple[str, str], RehearsalNote] = {}
        for path, detail in plan.triggers.broken.items():
            self._note("expression", path, detail)
        self._instance_id = instance_id
        self._scope = Scope(
            self.root,
            now=visit.start,
            instances=plan.instances,
            references=plan.triggers.references,
            types=plan.types,
            labels=lambda path, value: plan.labels.get((path.rpartition("/")[2], value), ""),
            random=chance,
            files=plan.tables,
            version=plan.form.version,
        )
        self._calculator = Calculator(plan.triggers, self._scope, self._note)
        self._answerer = Answerer(self._scope, chance, hands, self.attachments, self._note)
        self._chance = chance

    @property
    def notes(self) -> tuple[RehearsalNote, ...]:
        """What could not be done as asked, one note a kind and question."""
        return tuple(self._notes.values())

    def fill(self) -> None:
        """Answer everything, then go back to what later answers changed, then close the form."""
        fill_preloads(self._plan, self.root, self._visit, self._instance_id, self._set)
        self._set_on_load(self._plan.root.on_load, self.root, self._plan.root.path)
        self._fill_children(self._plan.root, self.root)
        self._scope.now = self._visit.end
        self._calculator.bring_up(-1)
        for _ in range(MOST_ROUNDS):
            if not self._go_back():
                break
        self._check_counts(self._plan.root, self.root)
        for value in self._plan.attributes:
            for node in self._calculator.nodes_at(value.path):
                node.attributes[value.attribute] = self._string(value.expression, node, value.path)

    # -- going through the form ------------------------------------------------------------------------------------
    def _fill_children(self, section: Section, element: Element) -> None:
        for child in section.children:
            if isinstance(child, Question):
                node = element.child(child.field.name)
                if node is not None and child.field.control:
                    self._ask(child, node)
            elif child.repeat is not None:
                self._fill_repeat(child, element)
            else:
                node = element.child(child.name)
                if node is not None:
                    self._calculator.bring_up(child.relevance_mask)
                    if node.relevant:
                        self._fill_children(child, node)

    def _fill_repeat(self, section: Section, parent: Element) -> None:
        wanted: int | None = None
        rows = 0
        while wanted is None or rows < wanted:
            row = self._add_row(section, parent)
            self._calculator.bring_up(section.relevance_mask)
            if wanted is None and row.relevant:
                wanted = self._rows_wanted(section, row)
            if not row.relevant or wanted is None or rows >= wanted:
                parent.remove(row)
                self._calculator.moved(row, section.path)
                self._calculator.moved(parent, section.path)
                return
            self._set_on_load(section.on_load, row, section.path)
            self._fill_children(section, row)
            rows += 1

    def _add_row(self, section: Section, parent: Element) -> Element:
        row = clone(section.prototype) if section.prototype is not None else Element(section.name)
        place = next(
            (index for index, child in enumerate(parent.children) if child.name in section.following),
            len(parent.children),
        )
        parent.insert(place, row)
        self._calculator.added(row, section.path)
        return row

    def _rows_wanted(self, section: Section, row: Element) -> int:
        if section.count is not None:
            self._calculator.bring_up(section.mask)
            try:
                count = section.count.number(row, self._scope)
            except ExpressionError as error:
                self._note("expression", section.path, f"{error.code}: its count can't be evaluated.")
                return 0
            if count > MOST_ROWS:
                self._note("repeats_capped", section.path, f"{MOST_ROWS} rows were filled, its count asks for more.")
            return min(max(0, int(count)) if count == count else 0, MOST_ROWS)
        drawn = self._answerer.draw_rows(section, row)
        if drawn is not None:
            return min(drawn, MOST_ROWS)
        fewest, most = FREE_ROWS
        return self._chance.randint(max(fewest, int(section.path in self._plan.listed)), most)

    def _ask(self, question: Question, node: Element) -> None:
        self._calculator.bring_up(question.relevance_mask)
        if not node.relevant:
            return
        self._pass_time(question)
        self._calculator.bring_up(question.mask)
        if not self._is_open(question, node):
            self._answerer.check_blocked(question, node)
            return
        if self._plan.form.audit:
            self.asked.append((audit_node(node, self._plan.triggers.repeats), self._scope.now))
        before = node.text
        self._answerer.answer(question, node, lambda text: self._set(question.field.path, node, text))
        if node.text != before:
            self._changed(question.on_change, node)

    def _is_open(self, question: Question, node: Element) -> bool:
        if not question.asked:
            return False
        if question.readonly is None:
            return True
        try:
            return not question.readonly.boolean(node, self._scope)
        except ExpressionError:
            return True

    def _changed(self, values: Iterable[SetValue], node: Element) -> None:
        """Values that the form sets when a question is answered: in the same row where there is one."""
        for value in values:
            for target in self._calculator.nodes_near(node, value.path):
                text = "0.0 0.0 0.0 5.0" if value.place else self._string(value.expression, target, value.path)
                self._set(value.path, target, text)

    def _pass_time(self, question: Question) -> None:
        length = self._visit.end - self._visit.start
        by_place = self._visit.start + length * question.share
        moment = max(self._scope.now + timedelta(seconds=SECONDS_BETWEEN), by_place)
        self._scope.now = min(moment, self._visit.end)

    # -- going back ------------------------------------------------------------------------------------------------
    def _go_back(self) -> bool:
        """Ask again what a later answer opened or spoiled; whether anything was asked."""
        asked = False
        for question in self._plan.questions:
            if not (question.looks_back and question.asked):
                continue
            for node in self._calculator.nodes_at(question.field.path):
                if node.is_relevant() and self._answerer.is_wrong(question, node):
                    before = node.text
                    self._ask(question, node)
                    asked = asked or node.text != before
        if asked:
            self._calculator.bring_up(-1)
        return asked

    def _check_counts(self, section: Section, element: Element) -> None:
        for child in section.children:
            if isinstance(child, Question):
                continue
            rows = element.by_name.get(child.name, [])
            if child.count is not None and rows and rows[0].is_relevant():
                count = child.count.number(rows[0], self._scope)
                if count == count and int(count) != len(rows) and count <= MOST_ROWS:
                    self._note("repeats_changed", child.path, "A later answer changed the number of its rows.")
            for row in rows:
                self._check_counts(child, row)

    # -- small steps -----------------------------------------------------------------------------------------------
    def _set(self, path: str, node: Element, text: str) -> None:
        self._calculator.set_text(node, path, text)

    def _set_on_load(self, values: Iterable[tuple[Field, RecordExpr]], top: Element, path: str) -> None:
        for field, expression in values:
            node: Element | None = top
            for name in field.path.removeprefix(path).strip("/").split("/"):
                node = node.child(name) if node is not None else None
            if node is not None:
                self._set(field.path, node, self._string(expression, node, field.path))

    def _string(self, expression: RecordExpr | None, node: Element, path: str) -> str:
        if expression is None:
            return ""
        try:
            return expression.string(node, self._scope)
        except ExpressionError as error:
            self._note("expression", path, f"{error.code}: its expression can't be evaluated.")
            return ""

    def _note(self, kind: str, path: str, detail: str) -> None:
        self._notes.setdefault((kind, path), RehearsalNote(kind, path, detail))


def clone(source: Element) -> Element:
    """A copy of an element and everything below."""
    copy = Element(source.name, source.text, source.attributes, prefix=source.prefix, namespace=source.namespace)
    for child in source.children:
        copy.append(clone(child))
    return copy


def audit_node(node: Element, repeats: frozenset[str]) -> str:
    """A node as Collect's audit names it: with positions of rows, `/data/person[2]/age`."""
    parts: list[str] = []
    at: Element | None = node
    while at is not None and at.kind == "element":
        parts.append(f"{at.name}[{at.position}]" if at.path in repeats else at.name)
        at = at.parent
    return "/" + "/".join(reversed(parts))
