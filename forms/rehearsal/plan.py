"""A compiled form made ready for being filled many times."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lxml import etree

from expressions.instance import Element
from expressions.records import RecordExpr, compile_record
from expressions.syntax import Expr, Path
from forms.fields.model import plain_path, read_model
from forms.rehearsal.bounds import Hints, find_hints
from forms.rehearsal.choices import ChoiceSource, build_instances, read_tables
from forms.rehearsal.dependencies import Reads, find_reads
from forms.rehearsal.quotas import Quota, plan_quotas
from forms.rehearsal.triggers import Triggers
from forms.xml_bytes import local_name, read_xml
from schemas.fields import Field, Form, Group, Node, Repeat, walk

if TYPE_CHECKING:
    from forms.compile import CompiledForm

ALWAYS = "true()"


@dataclass(frozen=True, slots=True)
class SetValue:
    """A value that the form gives to another node when a question is answered, or to an attribute."""

    path: str
    attribute: str
    expression: RecordExpr | None
    place: bool = False


@dataclass(slots=True)
class Question:
    """A field made ready.

    Attributes:
        mask: computations to do before its constraint, filter and so on are looked at.
        relevance_mask: computations that decide whether it is asked.
        required: true, false, or an expression.
        asked: whether an enumerator can answer it at all.
        looks_back: whether a later answer may change what is right here.
        share: its place in the form, 0 to 1.
        small: whether rows of a repeat hang on its answer.
        on_change: what is set when it is answered.
    """

    field: Field
    mask: int
    relevance_mask: int
    constraint: RecordExpr | None
    hints: Hints
    required: bool | RecordExpr
    readonly: RecordExpr | None
    asked: bool
    choices: ChoiceSource | None
    quotas: tuple[tuple[Quota, RecordExpr | None], ...]
    looks_back: bool
    share: float
    small: bool
    on_change: tuple[SetValue, ...] = ()


@dataclass(slots=True)
class Section:
    """A group or repeat made ready; `repeat` is null for a group."""

    path: str
    name: str
    relevance_mask: int
    children: list[Section | Question]
    repeat: Repeat | None = None
    count: RecordExpr | None = None
    mask: int = 0
    prototype: Element | None = None
    following: frozenset[str] = frozenset()
    on_load: tuple[tuple[Field, RecordExpr], ...] = ()
    quotas: tuple[tuple[Quota, RecordExpr | None], ...] = ()


@dataclass(slots=True)
class Plan:
    """Everything that filling needs and that is the same for all interviews.

    Attributes:
        types: path -> bind type.
        labels: (name of a select, code) -> label, for `jr:choice-name`.
        listed: repeats that must have a row, for their rows are the choices of a required question.
    """

    form: Form
    triggers: Triggers
    template: Element
    root: Section
    instances: Mapping[str, Element]
    tables: Mapping[str, Sequence[Mapping[str, str]]]
    types: Mapping[str, str]
    labels: Mapping[tuple[str, str], str]
    listed: frozenset[str]
    preloads: tuple[Field, ...]
    attributes: tuple[SetValue, ...] = ()
    questions: list[Question] = field(default_factory=list)


def build_plan(compiled: CompiledForm, interviews: int) -> Plan:
    """Read a compiled form once for filling it `interviews` times.

    Raises:
        ExpressionError: an expression of the form or of its rehearsal sheet can't be read.
    """
    return _Builder(compiled, interviews).build()


class _Builder:
    def __init__(self, compiled: CompiledForm, interviews: int) -> None:
        self.form = compiled.form
        self.media = compiled.media
        self.html = read_xml(compiled.xform)
        self.triggers = Triggers(self.form)
        self.quotas = plan_quotas(compiled.specs.rehearsal, interviews)
        self.template = Element.from_lxml(read_model(self.html).root)
        self.order = {node.path: index for index, node in enumerate(walk(self.form.root))}
        self.counted = self._counted()
        self.on_change, self.attributes = self._set_values()
        self.questions: list[Question] = []

    def build(self) -> Plan:
        root = self._section(self.form.root, self.template)
        root.on_load = self._on_load(self.form.root)
        fields = list(self.form.fields())
        return Plan(
            form=self.form,
            triggers=self.triggers,
            template=self.template,
            root=root,
            instances=build_instances(self.form),
            tables=read_tables(self.media),
            types={field.path: field.type for field in fields},
            labels={
                (field.name, choice.value): next(iter(choice.label.values()), "")
                for field in fields
                for choice in field.choices
            },
            listed=self._listed(),
            preloads=tuple(field for field in fields if field.preload),
            attributes=self.attributes,
            questions=self.questions,
        )

    def _section(self, node: Group | Repeat, element: Element | None) -> Section:
        """The section of a group; prototypes of repeats are cut out of `element`, innermost first."""
        section = Section(node.path, node.name, self.triggers.needs((), node.path), [])
        names = [child.name for child in node.children]
        for index, child in enumerate(node.children):
            below = element.child(child.name) if element is not None else None
            if isinstance(child, Field):
                question = self._question(child)
                self.questions.append(question)
                section.children.append(question)
            elif isinstance(child, Group):
                section.children.append(self._section(child, below))
            else:
                section.children.append(self._repeat(child, element, frozenset(names[index + 1 :])))
        return section

    def _repeat(self, node: Repeat, parent: Element | None, following: frozenset[str]) -> Section:
        prototype: Element | None = None
        if parent is not None:
            for each in list(parent.by_name.get(node.name, ())):
                prototype = prototype or each
                parent.remove(each)
        section = self._section(node, prototype)
        section.repeat = node
        section.prototype = prototype
        section.following = following
        section.quotas = self._quotas_of(node.name)
        section.on_load = self._on_load(node)
        if node.count and (count := self.triggers.compiled(node.count, node.path)) is not None:
            section.count = count
            section.mask = self.triggers.needs((self.triggers.reads(node.count, node.path),), node.path)
        return section

    def _on_load(self, node: Group | Repeat) -> tuple[tuple[Field, RecordExpr], ...]:
        return tuple(
            (field, expression)
            for field in _own_fields(node)
            if field.set_on_load and (expression := self.triggers.compiled(field.set_on_load, field.path)) is not None
        )

    def _question(self, field: Field) -> Question:
        reads: list[Reads] = []

        def ready(text: str | None) -> RecordExpr | None:
            expression = self.triggers.compiled(text, field.path) if text else None
            if expression is not None:
                reads.append(self.triggers.reads(expression.text, field.path))
            return expression

        constraint = ready(field.constraint if field.constraint != ALWAYS else None)
        required = field.required == ALWAYS or ready(None if field.required in {None, "false()"} else field.required)
        readonly = ready(None if field.readonly in {None, "false()"} else field.readonly)
        choices = None
        if field.is_select:
            itemset = ready(field.itemset)
            choices = ChoiceSource(field, itemset, reads[-1] if itemset is not None else None)
        quotas = self._quotas_of(field.name)
        reads += [self.triggers.reads(quota.when, field.path) for quota, _ in quotas if quota.when]
        hints = find_hints(constraint.tree, self._is_self(field)) if constraint is not None else Hints()
        return Question(
            field=field,
            mask=self.triggers.needs(reads, field.path),
            relevance_mask=self.triggers.needs((), field.path),
            constraint=constraint,
            hints=hints,
            required=required or False,
            readonly=readonly,
            asked=bool(field.control) and field.readonly != ALWAYS and not field.preload,
            choices=choices,
            quotas=quotas,
            looks_back=self._looks_back(field, reads),
            share=self.order[field.path] / len(self.order),
            small=field.path in self.counted,
            on_change=self.on_change.get(field.path, ()),
        )

    def _quotas_of(self, name: str) -> tuple[tuple[Quota, RecordExpr | None], ...]:
        return tuple((quota, compile_record(quota.when) if quota.when else None) for quota in self.quotas.get(name, ()))

    def _is_self(self, field: Field) -> Callable[[Expr], bool]:
        def is_self(expr: Expr) -> bool:
            if not isinstance(expr, Path) or any(step.predicates for step in expr.steps):
                return False
            found = find_reads(expr, field.path, self.triggers.references, self.triggers.repeats)
            return found.paths == (field.path,)

        return is_self

    def _looks_back(self, field: Field, reads: Sequence[Reads]) -> bool:
        """Whether what decides about the field reads, at any remove, something that comes after it."""
        mask = self.triggers.needs(reads, field.path)
        own = self.order[field.path]
        paths = {path for each in reads for path in each.paths}
        for index, trigger in enumerate(self.triggers.ordered):
            if mask >> index & 1:
                paths.update(trigger.reads.paths)
        return any(self.order.get(path, -1) > own for path in paths)

    def _counted(self) -> set[str]:
        """Fields on which the number of rows of a repeat hangs, at any remove."""
        found: set[str] = set()
        for node in walk(self.form.root):
            if not isinstance(node, Repeat) or not node.count:
                continue
            reads = self.triggers.reads(node.count, node.path)
            found.update(reads.paths)
            mask = self.triggers.needs((reads,), node.path)
            for index, trigger in enumerate(self.triggers.ordered):
                if mask >> index & 1 and not trigger.relevant:
                    found.update(trigger.reads.paths)
        return found

    def _listed(self) -> frozenset[str]:
        """Repeats whose rows are the choices of a required question."""
        paths = {
            path
            for field in self.form.fields()
            if field.itemset and field.required and self.triggers.compiled(field.itemset, field.path) is not None
            for path in self.triggers.reads(field.itemset, field.path).paths
        }
        return frozenset(paths & self.triggers.repeats)

    def _set_values(self) -> tuple[dict[str, tuple[SetValue, ...]], tuple[SetValue, ...]]:
        """Values set when a question is answered, by that question; and attributes that binds or setvalues fill."""
        changes: dict[str, list[SetValue]] = defaultdict(list)
        attributes: list[SetValue] = []
        for element in self.html.iter():
            name = local_name(element)
            if name not in {"setvalue", "setgeopoint", "bind"}:
                continue
            path = plain_path(element.get("ref", element.get("nodeset", "")))
            node, at, attribute = path.partition("/@")
            text = element.get("calculate" if name == "bind" else "value") or ""
            if name != "bind" and not text and element.text:
                text = f"'{element.text}'"
            value = SetValue(
                node, attribute, self.triggers.compiled(text, node) if text else None, name == "setgeopoint"
            )
            if at and text:
                attributes.append(value)
            elif name != "bind" and "xforms-value-changed" in element.get("event", ""):
                changes[_control_path(element)].append(value)
        return {path: tuple(values) for path, values in changes.items()}, tuple(attributes)


def _control_path(element: etree._Element) -> str:
    parent = element.getparent()
    return plain_path(parent.get("ref", "")) if parent is not None else ""


def _own_fields(node: Group | Repeat) -> list[Field]:
    """Fields of a group or repeat, without those of repeats within."""
    found: list[Field] = []
    child: Node
    for child in node.children:
        if isinstance(child, Field):
            found.append(child)
        elif isinstance(child, Group):
            found.extend(_own_fields(child))
    return found


def fresh_chance(seed: int, form_id: str, index: int) -> random.Random:
    """The source of chance of one interview: the same whatever process fills it."""
    return random.Random(f"{seed}/{form_id}/{index}")  # noqa: S311 - a rehearsal, not a secret
