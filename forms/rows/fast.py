"""A short way for submissions as clients write them: one regular expression a form instead of an XML tree.

Collect, Web Forms and our own rehearsal write the nodes in the form's order, without space, attributes or comments
between. A document that the expression matches from end to end is well-formed by construction (what it opens it
closes; texts have no "<", "]]>", carriage return or control character, and no reference but XML's own five), and its
groups are the answers. Anything else, however small the difference, goes the long way of `forms.rows.walk`, which also
judges it; a test holds that both ways read the same.

Every quantifier is possessive: a match takes time in proportion to the document, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final
from xml.sax.saxutils import unescape

from lxml import etree

from forms.xml_bytes import new_parser
from schemas.fields import Field, Form, Node, Repeat

_TEXT: Final = r"[^<\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]*+"
_PROLOG: Final = r"\ufeff?+(?:<\?xml version=[\"']1\.0[\"'](?: encoding=[\"'](?:UTF|utf)-8[\"'])?+ ?+\?>\s*+)?+"
_OTHER_REFERENCE: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)")
_OPENROSA: Final = "http://openrosa.org/xforms"
_QUOTES: Final = {"&quot;": '"', "&apos;": "'"}
_MAX_ROOTS: Final = 500
"""Different start tags of the root that are remembered: their number is up to the sender."""

Texts = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class FastTable:
    """What reads the rows of one table.

    Attributes:
        index: index of the table in the form.
        name: node name of its repeat.
        pattern: matches one row (for main: the document).
        cells: groups of a match -> the row's cells in the order of the table's fields.
        children: position among the groups of the text with all their rows, and the table, of the repeats below.
        instance_id: position among the groups of `meta/instanceID`, null if the form has none.
    """

    index: int
    name: str
    pattern: re.Pattern[str]
    cells: Callable[[Texts], Texts]
    children: tuple[tuple[int, FastTable], ...]
    instance_id: int | None


@dataclass(frozen=True, slots=True)
class FastMatch:
    """A document that was read the short way.

    Attributes:
        version: the root's version attribute, "" if absent.
        groups: what `table.cells` takes.
        has_references: whether cells may hold `&amp;` and the like, so that they have to go through `resolve`.
    """

    table: FastTable
    version: str
    groups: Texts
    has_references: bool

    def has_instance_id(self) -> bool:
        """Whether `meta/instanceID` is filled."""
        place = self.table.instance_id
        return place is not None and bool((self.groups[place] or "").strip())


@dataclass(slots=True)
class _Builder:
    """The expression of one table's nodes while it is put together; positions count groups from 0."""

    prefix: str
    slots: Mapping[str, int]
    places: dict[int, int] = field(default_factory=dict)
    repeats: list[tuple[int, Repeat]] = field(default_factory=list)
    instance_id: int | None = None
    groups: int = 1

    def content(self, nodes: Sequence[Node], capture: bool = True) -> str:
        """The expression of sibling nodes, each of which may be absent."""
        return "".join(self._node(node, capture) for node in nodes)

    def _node(self, node: Node, capture: bool) -> str:
        in_meta = node.path.count("/") == 3 and node.path.split("/")[2] == "meta"
        is_meta = node.path.count("/") == 2 and node.name == "meta"
        tag = re.escape((self.prefix if in_meta or is_meta else "") + node.name)
        if isinstance(node, Field):
            return rf"(?:<{tag}(?: ?+/>|>{self._text(node, capture)}</{tag}>))?+"
        if isinstance(node, Repeat):
            if capture:
                self.repeats.append((self.groups, node))
                self.groups += 1
            # Its rows are captured one by one later, by an expression of their own.
            row = rf"<{tag}(?: ?+/>|>{self.content(node.children, capture=False)}</{tag}>)"
            return rf"({'' if capture else '?:'}(?:{row})*+)"
        opening = rf"{tag} xmlns:orx=\"{re.escape(_OPENROSA)}\"" if is_meta and self.prefix else tag
        return rf"(?:<{opening}(?: ?+/>|>{self.content(node.children, capture)}</{tag}>))?+"

    def _text(self, node: Field, capture: bool) -> str:
        if not capture:
            return _TEXT
        if node.path in self.slots:
            self.places[self.slots[node.path]] = self.groups
        elif node.name == "instanceID":
            self.instance_id = self.groups
        self.groups += 1
        return f"({_TEXT})"


class FastReader:
    """Reads documents of one form the short way, where that is possible."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._roots: dict[str, str | None] = {}
        self._tables = {prefix: _root_table(form, prefix) for prefix in ("", "orx:")}

    def match(self, xml: bytes) -> FastMatch | None:
        """The document's answers, or null if it has to be read the long way."""
        try:
            text = xml.decode("utf-8")
        except UnicodeDecodeError:
            return None
        has_references = "&" in text
        if "\r" in text or "]]>" in text or (has_references and _OTHER_REFERENCE.search(text)):
            return None
        table = self._tables["orx:" if "<orx:meta " in text else ""]
        found = table.pattern.fullmatch(text)
        if found is None:
            return None
        groups = found.groups()
        version = self._version(groups[0])
        return None if version is None else FastMatch(table, version, groups, has_references)

    def _version(self, attributes: str) -> str | None:
        """Version that the root's attributes state, null if they aren't those of a submission of this form."""
        if attributes not in self._roots:
            if len(self._roots) >= _MAX_ROOTS:
                return None
            self._roots[attributes] = self._read_root(attributes)
        return self._roots[attributes]

    def _read_root(self, attributes: str) -> str | None:
        try:
            root = etree.fromstring(f"<{self._form.root.name}{attributes}/>".encode(), new_parser())
        except etree.XMLSyntaxError:
            return None
        if root.get("id") != self._form.form_id or root.get("encrypted") == "yes":
            return None
        return root.get("version", "")


def resolve(cells: Texts) -> Texts:
    """Cells with XML's own five references replaced."""
    return [unescape(text, _QUOTES) if text and "&" in text else text for text in cells]


def _root_table(form: Form, prefix: str) -> FastTable:
    slots = {question.path: slot for table in form.tables for slot, question in enumerate(table.fields)}
    indices = {table.name: index for index, table in enumerate(form.tables)}
    builder = _Builder(prefix, slots)
    name = re.escape(form.root.name)
    pattern = rf"{_PROLOG}<{name}((?:\s[^<>&]*+)?+)>{builder.content(form.root.children)}</{name}>\s*+"
    return _table(0, form.root.name, pattern, builder, indices)


def _table(index: int, name: str, pattern: str, builder: _Builder, indices: Mapping[str, int]) -> FastTable:
    children = []
    for place, repeat in builder.repeats:
        inner = _Builder(builder.prefix, builder.slots)
        tag = re.escape(repeat.name)
        # The empty first group is where the root has its attributes.
        row = rf"()<{tag}(?: ?+/>|>{inner.content(repeat.children)}</{tag}>)"
        children.append((place, _table(indices[repeat.table], repeat.name, row, inner, indices)))
    order = [builder.places[slot] for slot in range(len(builder.places))]
    return FastTable(index, name, re.compile(pattern), _picker(order), tuple(children), builder.instance_id)


def _picker(order: Sequence[int]) -> Callable[[Texts], Texts]:
    """Groups -> those at these positions."""
    if len(order) > 1:
        return itemgetter(*order)
    return lambda groups: [groups[place] for place in order]
