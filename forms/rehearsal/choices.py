"""The codes that a select offers at its place: lists of the form and of its media, filtered as the form says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from expressions.instance import Element
from expressions.records import RecordExpr
from expressions.scope import Scope
from expressions.values import NodeSet
from forms.media_lists import read_items
from forms.rehearsal.dependencies import Reads
from schemas.errors import ExpressionError
from schemas.fields import Field, Form, SecondaryInstance

MOST_CACHED = 5000


def read_tables(media: Mapping[str, bytes]) -> dict[str, Sequence[Mapping[str, str]]]:
    """The CSV files among media: file name -> rows, for `pulldata`."""
    return {name: read_items(name, content) for name, content in media.items() if name.lower().endswith(".csv")}


def build_instances(form: Form) -> dict[str, Element]:
    """Id -> root element of every secondary instance."""
    return {name: _build(instance) for name, instance in form.instances.items()}


def _build(instance: SecondaryInstance) -> Element:
    root = Element("root")
    for item in instance.items:
        element = root.append(Element("item"))
        for name, text in item.items():
            element.append(Element(name, text))
    return root


class ChoiceSource:
    """The codes of one select."""

    def __init__(self, field: Field, itemset: RecordExpr | None, reads: Reads | None) -> None:
        self._fixed = None if field.itemset else tuple(choice.value for choice in field.choices)
        self._itemset = itemset
        self._value = field.value_ref
        # A list of the form depends on the answers that its filter reads only; a list made of a repeat's rows doesn't.
        self._reads = reads
        self._path = field.path
        self._cached = bool(reads and reads.lists and not reads.wide and "randomize" not in (field.itemset or ""))
        self._kept: dict[tuple[str, ...], tuple[str, ...]] = {}

    def codes(self, node: Element, scope: Scope) -> tuple[str, ...]:
        """The codes offered at `node`; none if the list is empty there.

        Raises:
            ExpressionError: the filter can't be evaluated.
        """
        if self._fixed is not None:
            return self._fixed
        key = self._key(node) if self._cached else None
        if key is not None and key in self._kept:
            return self._kept[key]
        found = self._evaluate(node, scope)
        if key is not None and len(self._kept) < MOST_CACHED:
            self._kept[key] = found
        return found

    def _evaluate(self, node: Element, scope: Scope) -> tuple[str, ...]:
        if self._itemset is None:
            return ()
        value = self._itemset.evaluate(node, scope)
        if not isinstance(value, NodeSet):
            raise ExpressionError("EXP-046", f"The itemset of {self._path} gives no nodes.", "Mend its choice filter.")
        codes: list[str] = []
        for item in value.nodes:
            child = item.child(self._value)
            if child is not None and child.text and child.is_relevant():
                codes.append(child.text)
        return tuple(dict.fromkeys(codes))

    def _key(self, node: Element) -> tuple[str, ...] | None:
        """The answers that the filter reads, null where one can't be found in one step."""
        answers: list[str] = []
        for path in self._reads.paths if self._reads else ():
            found = nearest(node, path)
            if found is None:
                return None
            answers.append(found.text if found.is_relevant() else "")
        return tuple(answers)


def nearest(node: Element, path: str) -> Element | None:
    """The node at an absolute path within the rows that `node` stands in, null if there is none or several."""
    steps = path.strip("/").split("/")
    chain: list[Element] = []
    at: Element | None = node
    while at is not None and at.kind == "element":
        chain.append(at)
        at = at.parent
    chain.reverse()
    found = chain[0]
    if found.name != steps[0]:
        return None
    for depth, name in enumerate(steps[1:], start=1):
        if depth < len(chain) and chain[depth].name == name and chain[depth - 1] is found:
            found = chain[depth]
            continue
        same = found.by_name.get(name, ())
        if len(same) != 1:
            return None
        found = same[0]
    return found
