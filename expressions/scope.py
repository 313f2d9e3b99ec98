"""What an expression is evaluated in: the instance, lists, clock and chance, all given from outside."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from expressions.dates import parse_moment, parse_time
from expressions.instance import Element
from expressions.profiles import Profile
from expressions.values import Value


def _no_label(path: str, value: str) -> str:
    return ""


def _no_text(text_id: str) -> str:
    return ""


@dataclass(slots=True)
class Scope:
    """The world of one submission.

        scope = Scope(root, references={"age": "/data/age"}, types={"/data/age": "int"}, now=datetime.now(UTC))
        compile_record("${age} >= 15").evaluate(root, scope)

    Attributes:
        root: the root element of the main instance (`/data`).
        now: the moment of `now()`; its time zone is the one in which days begin. Must have a time zone.
        instances: id -> root element of a secondary instance (the `root` in `instance('x')/root/item`).
        references: question name -> absolute path, for `${name}`.
        types: absolute path -> bind type (int, decimal, date, dateTime, time, boolean, ...). What is absent is text.
        labels: (path of the select question, choice value) -> label, for `jr:choice-name`.
        itext: text id -> text in the form's language, for `jr:itext`.
        random: source of chance for `random()`, `uuid()` and `randomize()`.
        files: file name with or without ".csv" -> rows, for `pulldata`.
        namespaces: prefix -> namespace of the form, where prefixes matter.
        properties: device properties, for `property()`.
        version: the form's version, for `version()`.
        last_saved: root element of the last saved submission, for `${last-saved#name}`; null if there is none.
    """

    root: Element
    now: datetime
    instances: Mapping[str, Element] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    labels: Callable[[str, str], str] = _no_label
    itext: Callable[[str], str] = _no_text
    random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - not for secrets
    files: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    namespaces: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    last_saved: Element | None = None
    _holders: dict[str, Element] = field(default_factory=dict, repr=False)

    def holder(self, instance_id: str) -> Element | None:
        """A document node above the root of a secondary instance, null if there is no such instance."""
        found = self._holders.get(instance_id)
        if found is None and instance_id in self.instances:
            found = self._holders[instance_id] = document_over(self.instances[instance_id])
        return found

    def document(self) -> Element:
        """The node above the root of the main instance."""
        found = self._holders.get("")
        if found is None or found.children[0] is not self.root:
            found = self._holders[""] = document_over(self.root)
        return found


def document_over(root: Element) -> Element:
    """The document node above `root` (in an XForm its `instance`); made without touching `root` if it has none."""
    if root.kind == "document":
        return root
    if root.parent is not None and (root.parent.kind == "document" or root.parent.name == "instance"):
        return root.parent
    holder = Element("#document", kind="document")
    holder.children.append(root)
    holder.by_name[root.name] = [root]
    return holder


class Frame:
    """Where an evaluation stands: a context node in a scope, and its place in the predicate's list.

    Attributes:
        node: the context node.
        current: what `current()` means: the node of the whole expression.
        position, size: of the context node in the list that a predicate filters; 0 outside predicates.
    """

    __slots__ = ("current", "node", "position", "profile", "scope", "size")

    def __init__(self, node: Element, scope: Scope, profile: Profile, current: Element) -> None:
        self.node = node
        self.scope = scope
        self.profile = profile
        self.current = current
        self.position = 0
        self.size = 0

    def read(self, node: Element) -> Value:
        """The value of a node: typed by its bind in JavaRosa, its text elsewhere."""
        if self.profile is not Profile.JAVAROSA:
            return node.string_value()
        return read_typed(node, self.scope)


def read_typed(node: Element, scope: Scope) -> Value:
    """A node's value by its bind type; "" if it is blank, not relevant, or no leaf."""
    text = node.text
    if not text or not node.is_relevant():
        return ""
    bind_type = scope.types.get(node.path)
    if bind_type is None:
        return text
    return cast_text(text, bind_type, scope)


def cast_text(text: str, bind_type: str, scope: Scope) -> Value:
    """An answer by its bind type, as JavaRosa holds it; text that doesn't fit stays text."""
    match bind_type:
        case "int" | "integer" | "decimal" | "long" | "calculated number":
            try:
                return float(text)
            except ValueError:
                return text
        case "date" | "dateTime" | "calculated moment":
            return parse_moment(text, scope.now.tzinfo) or text
        case "calculated day":
            # The day as it is written: midnight in the phone's own zone is another day's evening elsewhere.
            return parse_moment(text[:10], scope.now.tzinfo) or text
        case "time":
            return parse_time(text, scope.now) or text
        case "boolean":
            return {"true": True, "1": True, "false": False, "0": False}.get(text, text)
        case _:
            return text


Evaluator = Callable[[Frame], Value]
