"""One instance kept in step with its answers: relevance and calculations, done when somebody looks."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo

from expressions.instance import Element
from expressions.profiles import Profile
from expressions.records import to_number, to_string
from expressions.scope import Scope
from expressions.values import Value, java_double, unpack
from forms.rehearsal.triggers import ROOT, Trigger, Triggers
from schemas.errors import ExpressionError

MOST_PASSES = 8
"""Passes after which calculations that feed each other are taken to never come to rest."""

_EPOCH = date(1970, 1, 1)
Report = Callable[[str, str, str], None]
"""Called with kind, path and detail of something that went wrong."""


class Calculator:
    """Computations that are due in one instance, and the doing of them.

    Every change is told by `set_text` or `moved`; `bring_up` then does those of the due computations that are asked
    for, each over just the part of the tree that the change concerns.
    """

    def __init__(self, triggers: Triggers, scope: Scope, report: Report) -> None:
        self._triggers = triggers
        self._scope = scope
        self._report = report
        self._root = scope.root
        self._types = dict(scope.types)
        scope.types = self._types
        self._due: list[dict[Element, None]] = [{} for _ in triggers.ordered]
        self._mask = 0
        for index in range(len(triggers.ordered)):
            self._add(index, self._root)

    def set_text(self, node: Element, path: str, text: str) -> None:
        """Give a node an answer or a calculated value."""
        if node.text == text:
            return
        node.text = text
        for index, levels in self._triggers.readers.get(path, ()):
            self._add(index, self._climb(node, levels))

    def moved(self, node: Element, path: str) -> None:
        """Tell that a row was added or goes, or that a node became relevant or ceased to be."""
        for index, levels in self._triggers.affected(path):
            self._add(index, self._climb(node, levels))

    def added(self, row: Element, path: str) -> None:
        """Tell that a new row stands in the tree: everything in it is due."""
        below = path + "/"
        for index, trigger in enumerate(self._triggers.ordered):
            if trigger.path == path or trigger.path.startswith(below):
                self._add(index, row)
        self.moved(row, path)

    def bring_up(self, mask: int) -> None:
        """Do the due ones of `mask` (-1: all). Those below something not relevant stay due."""
        if not self._mask & mask:
            return
        for _ in range(MOST_PASSES):
            if not self._pass(mask):
                return
        self._report("unstable", self._root.path, f"Calculations don't come to rest in {MOST_PASSES} passes.")

    def nodes_at(self, path: str) -> list[Element]:
        """Every node at an absolute path, in document order."""
        return self._below(self._root, path)

    def nodes_near(self, node: Element, path: str) -> list[Element]:
        """The nodes at `path` in the rows that `node` stands in."""
        levels = self._triggers.levels(node.path, path)
        return self._below(self._climb(node, levels), path)

    def _below(self, part: Element, path: str) -> list[Element]:
        nodes = [part]
        for name in path.strip("/").split("/")[1 + _depth(part) :]:
            nodes = [child for node in nodes for child in node.by_name.get(name, ())]
        return nodes

    def _pass(self, mask: int) -> bool:
        """One pass in order; whether something done in it came due again."""
        done = 0
        again = False
        while due := self._mask & mask & ~done:
            bit = due & -due
            done |= bit
            index = bit.bit_length() - 1
            parts = self._due[index]
            self._due[index] = {}
            self._mask &= ~bit
            before = self._mask
            self._do(index, self._triggers.ordered[index], parts)
            again = again or bool(self._mask & ~before & done & mask & ~bit)
        return again

    def _do(self, index: int, trigger: Trigger, parts: dict[Element, None]) -> None:
        seen: set[int] = set()
        for part in parts:
            for node in self._nodes(trigger, part):
                if id(node) in seen:
                    continue
                seen.add(id(node))
                if node.parent is not None and not node.parent.is_relevant():
                    self._add(index, node)
                    continue
                self._compute(trigger, node)

    def _compute(self, trigger: Trigger, node: Element) -> None:
        try:
            if trigger.relevant:
                relevant = trigger.expression.boolean(node, self._scope)
                if relevant != node.relevant:
                    node.relevant = relevant
                    self.moved(node, trigger.path)
            else:
                self._calculate(trigger, node)
        except ExpressionError as error:
            self._report("expression", trigger.path, f"{error.code}: its expression can't be evaluated.")

    def _calculate(self, trigger: Trigger, node: Element) -> None:
        value = unpack(trigger.expression.evaluate(node, self._scope), Profile.JAVAROSA)
        if trigger.type == "string":
            # JavaRosa keeps what the expression gave though the bind says text, so that others can reckon with it.
            self._types[trigger.path] = _held_type(value)
        self.set_text(node, trigger.path, typed_text(value, trigger.type, self._scope.now.tzinfo))

    def _nodes(self, trigger: Trigger, part: Element) -> list[Element]:
        """The nodes of the computation in that part of the tree: rows above it, or the node itself."""
        depth = _depth(part)
        nodes = [part]
        for name in trigger.steps[depth:]:
            nodes = [child for node in nodes for child in node.by_name.get(name, ())]
        return nodes

    def _climb(self, node: Element, levels: int) -> Element:
        if levels == ROOT:
            return self._root
        for _ in range(levels):
            if node.parent is not None:
                node = node.parent
        return node

    def _add(self, index: int, part: Element) -> None:
        self._due[index][part] = None
        self._mask |= 1 << index


def _depth(node: Element) -> int:
    depth = 0
    while node.parent is not None and node.parent.kind == "element":
        node = node.parent
        depth += 1
    return depth


def _held_type(value: Value) -> str:
    match value:
        case bool():
            return "boolean"
        case float():
            return "decimal"
        case date():
            return "dateTime"
        case _:
            return "string"


def typed_text(value: Value, bind_type: str, zone: tzinfo | None = None) -> str:
    """The text that JavaRosa stores for a calculated value under a bind's type; "" for NaN and blank.

    A day under a bind that isn't a date becomes its first moment in `zone`, a truth 1 or 0.

    >>> typed_text(12.7, "int"), typed_text(0.5, "decimal"), typed_text(19737.0, "date"), typed_text(math.nan, "int")
    ('12', '0.5', '2024-01-15', '')
    """
    if value == "":
        return ""
    match bind_type:
        case "int":
            number = to_number(value, Profile.JAVAROSA)
            return str(int(number)) if math.isfinite(number) else ""
        case "decimal":
            number = to_number(value, Profile.JAVAROSA)
            return decimal_text(number) if math.isfinite(number) else ""
        case "date" if isinstance(value, float | int) and not isinstance(value, bool):
            return (_EPOCH + timedelta(days=int(value))).isoformat() if math.isfinite(value) else ""
        case "date":
            return value.date().isoformat() if isinstance(value, datetime) else str(value)[:10]
        case _:
            if isinstance(value, bool):
                return "1" if value else "0"
            if isinstance(value, float) and math.isnan(value):
                return ""
            if isinstance(value, date):
                moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
                return moment_text(moment if moment.tzinfo else moment.replace(tzinfo=zone))
            return to_string(value, Profile.JAVAROSA)


def decimal_text(number: float) -> str:
    """A decimal as JavaRosa writes it, with its point."""
    return java_double(number) if number else "0.0"


def moment_text(moment: datetime) -> str:
    """A moment as Collect writes it: milliseconds and the offset.

    >>> from datetime import UTC
    >>> moment_text(datetime(2026, 3, 1, 9, 5, 7, 250000, tzinfo=UTC))
    '2026-03-01T09:05:07.250Z'
    """
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
