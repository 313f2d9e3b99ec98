"""Judges one interview at a time on its tree, as a client does: an oracle for the evaluation over columns.

It shares the language (`expressions.records`) with the evaluation and nothing else: answers are read from the XML by
rules of its own, relevance is settled by trying until nothing changes, and each rule is asked at each place where its
question stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo

from readable_texts import MOMENT, READABLE, UNTYPED, is_large

from expressions.grammar import parse
from expressions.instance import Element
from expressions.profiles import Profile
from expressions.records import NodeSet, Scope, compile_record
from expressions.stored import store_text
from expressions.syntax import Call, Expr, Path, Reference, unparse, walk
from expressions.values import unpack
from forms.compile import CompiledForm
from schemas.errors import ExpressionError
from schemas.fields import Field, Node, Repeat
from schemas.fields import walk as walk_form

Broken = tuple[str, str]
"""Rule id and row id."""


class SlowReader:
    """One interview.

    Args:
        now: what `now()` means where the form records no time.
        zone: where days begin.
    """

    def __init__(self, compiled: CompiledForm, xml: bytes, *, now: datetime, zone: tzinfo = UTC) -> None:
        self.compiled = compiled
        self.form = compiled.form
        self.root = Element.from_xml(xml)
        fields = list(self.form.fields())
        self.fields = {field.path: field for field in fields}
        lists = {}
        for name, instance in self.form.instances.items():
            lists[name] = Element("root")
            for item in instance.items:
                lists[name].append(Element("item"))
                for key, value in item.items():
                    lists[name].children[-1].append(Element(key, text=value))
        self.unreadable: list[tuple[Field, str, Element]] = []
        self.answers: dict[int, str] = {}
        self.types = {field.path: field.type for field in fields}
        self._read()
        self.zone = zone
        self.scope = Scope(
            self.root,
            now=self._held(now).astimezone(zone),
            instances=lists,
            references={node.name: node.path for node in reversed(list(walk_form(self.form.root)))},
            types=self.types,
            version=self.form.version,
            labels=self._label,
        )
        self._rests: dict[str, frozenset[str]] = {}

    def _label(self, path: str, value: str) -> str:
        """The label of a choice of the question at a path, which may be told from anywhere."""
        name = path.rpartition("/")[2].strip()
        listed = (choice for field in self.fields.values() if field.name == name for choice in field.choices)
        return next((choice.label.get(self.form.languages[0], "") for choice in listed if choice.value == value), "")

    # -- reading ---------------------------------------------------------------------------------------------------
    def _read(self) -> None:
        """Drop outer blanks, blank what is no value of its type, and remember what was there."""
        for node, place, row in self.places():
            if isinstance(node, Field):
                text = place.text.strip()
                if node.column and text and node.type not in UNTYPED and not READABLE[node.type](text):
                    self.unreadable.append((node, row, place))
                    text = text if node.type == "int" and is_large(text) else ""
                place.text = text
                self.answers[id(place)] = text

    def _held(self, otherwise: datetime) -> datetime:
        """When the interview ended, or began."""
        times = {
            node.preload or node.name: place.text
            for node, place, _ in self.places()
            if isinstance(node, Field) and place.text and (node.preload or node.name in {"start", "end"})
        }
        for key in ("timestamp/end", "timestamp/start", "end", "start"):
            if key in times:
                return datetime.fromisoformat(times[key])
        if "date/today" in times:
            return datetime.fromisoformat(f"{times['date/today']}T12:00:00+00:00")
        return otherwise

    def places(self) -> Iterator[tuple[Node, Element, str]]:
        """Every node of the form at every place where it stands, and the id of its row."""

        def visit(node: Node, place: Element, row: str) -> Iterator[tuple[Node, Element, str]]:
            yield node, place, row
            for child in () if isinstance(node, Field) else node.children:
                found = list(place.by_name.get(child.name, ()))
                if not found and not isinstance(child, Repeat):
                    found = [place.append(Element(child.name))]  # what a client leaves out is blank
                for at, below in enumerate(found if isinstance(child, Repeat) else found[:1], 1):
                    step = f"{child.name}[{at}]"
                    inner = (f"{row}/{step}" if row else step) if isinstance(child, Repeat) else row
                    yield from visit(child, below, inner)

        yield from visit(self.form.root, self.root, "")

    # -- judging ---------------------------------------------------------------------------------------------------
    def broken(self) -> set[Broken]:
        """Every rule that the interview breaks, and in which row."""
        self._settle_relevance()
        found: set[Broken] = set()
        for node, place, row in self.places():
            if isinstance(node, Field):
                found |= {(f"{kind}:{node.path}", row) for kind in self._judge(node, place)}
            found |= {(f"repeat:{path}", row) for path in self._miscounted(node, place)}
        for check in self.compiled.specs.checks:
            path = self.form.table(check.table).path
            for node, place, row in self.places():
                judged = node.path == path and place.is_relevant()
                if judged and not compile_record(check.expression).boolean(place, self.scope):
                    found.add((f"check:{check.name}", row))
        kept = {item for item in found if not self._rests_on_unreadable(*item)}
        return kept | {(f"type:{field.path}", row) for field, row, _ in self.unreadable}

    def _settle_relevance(self) -> None:
        """Evaluate every relevance again and again until nothing changes, and see what calculations give."""
        for _ in range(60):
            changed = False
            for node, place, _row in self.places():
                if isinstance(node, Field) and node.calculation and node.type in {"string", ""} and not node.is_select:
                    changed |= self._hold(node, place)
                relevant = not node.relevant or compile_record(node.relevant).boolean(place, self.scope)
                changed |= relevant != place.relevant
                place.relevant = relevant
            if not changed:
                return
        raise AssertionError("relevance did not settle")

    def _hold(self, node: Field, place: Element) -> bool:
        """JavaRosa holds a calculation as the value it gave, whatever its form says; true if that is news."""
        try:
            value = compile_record(node.calculation or "").evaluate(place, self.scope)
        except ExpressionError:
            return False
        if isinstance(value, NodeSet):
            value = unpack(value, Profile.JAVAROSA)
        kinds = ((bool, "boolean"), (float, "decimal"), (datetime, "calculated day"), (date, "calculated day"))
        kind = next((kind for type_, kind in kinds if isinstance(value, type_)), self.types[node.path])
        if value != value or self.types[node.path] != node.type or kind == node.type:
            return False
        self.types[node.path] = kind
        return True

    def _judge(self, node: Field, place: Element) -> Iterator[str]:
        text = self.answers.get(id(place), "")
        if not node.column:
            return
        if not place.is_relevant():
            if text:
                yield "relevant"
            return
        asked = node.control not in {"", "group"} and node.readonly != "true()"
        if not text and asked and node.required and compile_record(node.required).boolean(place, self.scope):
            yield "required"
        if text and node.constraint and not compile_record(node.constraint).boolean(place, self.scope):
            yield "constraint"
        if text and node.is_select:
            yield from self._unlisted(node, place, text.split() if node.is_multiple else [text])
        if node.calculation and node.type not in {"dateTime", "time"} and not self._is_calculated(node, place, text):
            yield "calculation"

    def _unlisted(self, node: Field, place: Element, codes: list[str]) -> Iterator[str]:
        whole = re.split(r"[\[,]", (node.itemset or "").removeprefix("randomize("))[0].rstrip(") ")
        whole += ")" if whole.count("(") > whole.count(")") else ""
        known = self._offered(whole, node, place) if node.itemset else None
        known = {choice.value for choice in node.choices} if known is None else known
        if not known.issuperset(codes):
            yield "choice"
        elif node.itemset and "[" in node.itemset and not self._offered(node.itemset, node, place).issuperset(codes):
            yield "choice_filter"

    def _offered(self, nodeset: str, node: Field, place: Element) -> set[str]:
        items = compile_record(nodeset).evaluate(place, self.scope)
        assert isinstance(items, NodeSet)
        return {child.text for item in items.nodes for child in item.by_name.get(node.value_ref, ())}

    def _is_calculated(self, node: Field, place: Element, stored: str) -> bool:
        value = compile_record(node.calculation or "").evaluate(place, self.scope)
        computed = store_text(value, node.type, self.zone).strip()
        if computed == stored or {computed, stored} in ({"1", "true"}, {"0", "false"}):
            return True
        if not computed or computed == "NaN":
            # A client reckons with the day it has just calculated; as text in the record nothing can be.
            holders = self._named(node.calculation or "") - {node.path}
            moments = (MOMENT.match(other.text) for field, other, _ in self.places() if field.path in holders)
            return not stored or any(moments)
        with suppress(ValueError):
            one, other = float(computed), float(stored)
            return abs(one - other) <= 1e-9 * max(abs(one), abs(other))
        return computed.partition("T00:00:00")[0] == stored.partition("T00:00:00")[0]

    def _miscounted(self, node: Node, place: Element) -> Iterator[str]:
        """Paths of the repeats below a relevant node that have another number of rows than their count."""
        for child in () if isinstance(node, Field) or not place.is_relevant() else node.children:
            if isinstance(child, Repeat) and child.count:
                shown = not child.relevant or compile_record(child.relevant).boolean(place, self.scope)
                declared = compile_record(child.count).number(place, self.scope)
                rows = len(place.by_name.get(child.name, ()))
                if shown and rows != (0 if declared != declared else max(int(declared), 0)):
                    yield child.path

    # -- what rests on what can't be read ----------------------------------------------------------------------------
    def _rests_on_unreadable(self, rule_id: str, row: str) -> bool:
        for field, place, element in self.unreadable:
            # In rows of the same repeat an unreadable answer spoils its own row and those that look at it, elsewhere
            # the whole interview.
            if field.path not in self._needed(rule_id):
                continue
            if field.table != self._table(rule_id) or place == row or id(element) in self._looked_at(rule_id, row):
                return True
        return False

    def _looked_at(self, rule_id: str, row: str) -> set[int]:
        """Every element that the rule looks at from its row, and that decides whether those count."""
        kind, _, path = rule_id.partition(":")
        check = next((check for check in self.compiled.specs.checks if check.name == path), None)
        at = self.form.table(check.table).path if check and kind == "check" else path
        start = next(place for node, place, here in self.places() if node.path == at and here == row)
        field = self.fields.get(path)
        texts = [check.expression] if check else []
        if field:
            own = {"required": field.required, "constraint": field.constraint, "calculation": field.calculation}
            texts = [{**own, "choice_filter": field.itemset}.get(kind) or ""]
        asked = {node.path: node.relevant for node in walk_form(self.form.root) if node.relevant}
        waiting = [(text, start) for text in texts] + self._deciding(start, asked)
        seen: set[int] = set()
        while waiting:
            text, place = waiting.pop()
            for element in self._looks_at(text, place):
                if id(element) not in seen:
                    seen.add(id(element))
                    waiting += self._deciding(element, asked)
        return seen

    def _deciding(self, element: Element, asked: Mapping[str, str]) -> list[tuple[str, Element]]:
        """The conditions of an element and of all around it, with their places."""
        found = []
        at: Element | None = element
        while at is not None:
            if at.path in asked:
                found.append((asked[at.path], at))
            at = at.parent
        return found

    def _looks_at(self, text: str, place: Element) -> Iterator[Element]:
        """Elements with an answer below any that a name or path of the expression finds, whatever its predicates."""
        if not text:
            return
        tree = parse(text)
        inner = {id(part) for path in walk(tree) if isinstance(path, Path) for part in self._in_predicates(path)}
        for part in walk(tree):
            if isinstance(part, Call) and part.name == "indexed-repeat" and isinstance(part.arguments[0], Path):
                wanted = "".join(f"/{step.test}" for step in part.arguments[0].steps)
                yield from (element for _, element, _ in self.places() if element.path == wanted)
            elif isinstance(part, Reference | Path) and id(part) not in inner:
                plain: Expr = part
                if isinstance(part, Path):
                    # A step with a predicate looks at all rows, one without stays in its own.
                    steps = (
                        replace(step, predicates=(Call("true"),) if step.predicates else ()) for step in part.steps
                    )
                    plain = replace(part, steps=tuple(steps))
                with suppress(ExpressionError):
                    nodes = compile_record(unparse(plain)).evaluate(place, self.scope)
                    for node in nodes.nodes if isinstance(nodes, NodeSet) else ():
                        yield from node.walk()

    def _in_predicates(self, path: Path) -> Iterator[Expr]:
        for step in path.steps:
            for predicate in step.predicates:
                yield from walk(predicate)

    def _table(self, rule_id: str) -> str:
        kind, _, path = rule_id.partition(":")
        if kind == "check":
            return next(check.table for check in self.compiled.specs.checks if check.name == path)
        if path in self.fields:
            return self.fields[path].table
        above = path.rpartition("/")[0]
        tables = {table.path: table.name for table in self.form.tables}
        while above not in tables:
            above = above.rpartition("/")[0]
        return tables[above]

    def _needed(self, rule_id: str) -> frozenset[str]:
        """Paths of all answers that the rule's verdict rests on: what it names, and what decides that those count."""
        if rule_id not in self._rests:
            kind, _, path = rule_id.partition(":")
            check = next((check for check in self.compiled.specs.checks if check.name == path), None)
            waiting = set(self._named(check.expression)) if check and kind == "check" else {path}
            if path in self.fields:
                field = self.fields[path]
                own = {
                    "required": field.required,
                    "constraint": field.constraint,
                    "calculation": field.calculation,
                    "choice_filter": field.itemset,
                }
                waiting |= self._named(own.get(kind) or "")
            else:
                for node in walk_form(self.form.root):
                    if isinstance(node, Repeat) and node.path == path and kind == "repeat":
                        waiting |= self._named(node.count or "")
            done: set[str] = set()
            while waiting:
                at = waiting.pop()
                done.add(at)
                for text in self._conditions(at):
                    waiting |= self._named(text) - done
            self._rests[rule_id] = frozenset(done)
        return self._rests[rule_id]

    def _conditions(self, path: str) -> Iterator[str]:
        """The relevance of a node and of all above it."""
        for node in walk_form(self.form.root):
            if node.relevant and (path == node.path or path.startswith(f"{node.path}/")):
                yield node.relevant

    def _named(self, text: str) -> set[str]:
        """Paths of the questions that an expression may look at."""
        if not text:
            return set()
        names: set[str] = set()
        for part in walk(parse(text)):
            if isinstance(part, Reference):
                names.add(part.name)
            elif isinstance(part, Path):
                names |= {step.test for step in part.steps}
        return {node.path for node in walk_form(self.form.root) if node.name in names}
