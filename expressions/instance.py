"""A light, mutable tree of nodes: the instance that expressions look at.

    >>> root = Element.from_xml(b"<data><age>31</age><person><age>5</age></person><person/></data>")
    >>> root.child("age").text, [person.position for person in root.by_name["person"]]
    ('31', [1, 2])
    >>> root.append(Element("sex", text="2")).path
    '/data/sex'

`children` and `by_name` are kept in step by `append`, `insert` and `remove`; change them through these only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from schemas.errors import ExpressionError


class Element:
    """One node.

    Attributes:
        name: local name; "#document", "#text", "#comment" for such nodes, the target for processing instructions.
        parent: null at the top.
        children: child elements in document order.
        by_name: local name -> child elements of that name, in order: the quick way down.
        text: own text (a leaf's answer); "" if none.
        attributes: name -> value; names keep the prefix they were written with.
        relevant: false hides the node and everything below: its value reads as blank.
        kind: element, document, text, cdata, comment, pi, doctype or attribute.
        prefix, namespace: as in the XML; "" if none.
        content: every child node, texts and comments too, if read by `mixed_reading`; else null.
        index: (child, grandchild) names -> text -> children, made when a long list is searched; null until then.
    """

    __slots__ = (
        "_attribute_nodes",
        "_path",
        "attributes",
        "by_name",
        "children",
        "content",
        "index",
        "kind",
        "name",
        "namespace",
        "parent",
        "prefix",
        "relevant",
        "text",
    )

    def __init__(
        self,
        name: str,
        text: str = "",
        attributes: Mapping[str, str] | None = None,
        *,
        kind: str = "element",
        prefix: str = "",
        namespace: str = "",
    ) -> None:
        self.name = name
        self.parent: Element | None = None
        self.children: list[Element] = []
        self.by_name: dict[str, list[Element]] = {}
        self.text = text
        self.attributes: dict[str, str] = dict(attributes) if attributes else {}
        self.relevant = True
        self.kind = kind
        self.prefix = prefix
        self.namespace = namespace
        self.content: list[Element] | None = None
        self.index: dict[tuple[str, str], dict[str, list[Element]]] | None = None
        self._path: str | None = None
        self._attribute_nodes: dict[str, Element] | None = None

    def __repr__(self) -> str:
        # Never the text: it may be a respondent's answer.
        return f"<Element {self.path} with {len(self.children)} children>"

    # -- shape -----------------------------------------------------------------------------------------------------
    def append(self, child: Element) -> Element:
        """Put `child` last; returns it."""
        child.parent = self
        child._path = None
        self.index = None
        self.children.append(child)
        self.by_name.setdefault(child.name, []).append(child)
        if self.content is not None:
            self.content.append(child)
        return child

    def insert(self, index: int, child: Element) -> Element:
        """Put `child` before the child element at `index`; returns it."""
        child.parent = self
        child._path = None
        self.index = None
        self.children.insert(index, child)
        self.by_name[child.name] = [node for node in self.children if node.name == child.name]
        if self.content is not None:
            following = self.children[index + 1 : index + 2]
            place = self.content.index(following[0]) if following else len(self.content)
            self.content.insert(place, child)
        return child

    def remove(self, child: Element) -> None:
        """Take `child` out; ValueError if it isn't a child."""
        self.children.remove(child)
        same = self.by_name[child.name]
        same.remove(child)
        if not same:
            del self.by_name[child.name]
        if self.content is not None:
            self.content.remove(child)
        child.parent = None
        child._path = None
        self.index = None

    def child(self, name: str) -> Element | None:
        """The first child of that local name, null if there is none."""
        found = self.by_name.get(name)
        return found[0] if found else None

    def walk(self) -> Iterator[Element]:
        """This element and every element below, in document order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    # -- place -----------------------------------------------------------------------------------------------------
    @property
    def path(self) -> str:
        """Absolute path without positions, `/data/person/age`. Kept once computed."""
        if self._path is None:
            above = "" if self.parent is None or self.parent.kind == "document" else self.parent.path
            name = f"{self.prefix}:{self.name}" if self.prefix else self.name
            self._path = f"{above}/{'@' if self.kind == 'attribute' else ''}{name}"
        return self._path

    @property
    def position(self) -> int:
        """Place among the siblings of the same name, from 1."""
        if self.parent is None:
            return 1
        same = self.parent.by_name.get(self.name, [])
        for index, node in enumerate(same):
            if node is self:
                return index + 1
        return 1

    @property
    def top(self) -> Element:
        """The topmost node of its tree."""
        node = self
        while node.parent is not None:
            node = node.parent
        return node

    def is_relevant(self) -> bool:
        """Whether it and everything above it is relevant."""
        node: Element | None = self
        while node is not None:
            if not node.relevant:
                return False
            node = node.parent
        return True

    # -- contents --------------------------------------------------------------------------------------------------
    def nodes(self) -> list[Element]:
        """Child nodes of every kind; a leaf's text counts as one text node."""
        if self.content is not None:
            return self.content
        if self.children or not self.text or self.kind != "element":
            return self.children
        self.content = []
        text = Element("#text", self.text, kind="text")
        text.parent = self
        return [text]

    def attribute(self, name: str) -> Element | None:
        """The attribute as a node, null if it isn't there."""
        if name not in self.attributes:
            return None
        if self._attribute_nodes is None:
            self._attribute_nodes = {}
        node = self._attribute_nodes.get(name)
        if node is None or node.text != self.attributes[name]:
            prefix, _, local = name.rpartition(":")
            node = Element(local, self.attributes[name], kind="attribute", prefix=prefix)
            node.parent = self
            self._attribute_nodes[name] = node
        return node

    def string_value(self) -> str:
        """Its text and that of everything below, in document order (XPath's string-value)."""
        if self.kind not in {"element", "document"} or (self.content is None and not self.children):
            return self.text
        parts: list[str] = []
        stack = [self]
        while stack:
            node = stack.pop()
            if node.kind in {"text", "cdata"} or (
                node.kind == "element" and node.content is None and not node.children
            ):
                parts.append(node.text)
            else:
                below = node.content if node.content is not None else node.children
                stack.extend(child for child in reversed(below) if child.kind not in {"comment", "pi", "doctype"})
        return "".join(parts)

    # -- reading ---------------------------------------------------------------------------------------------------
    @staticmethod
    def from_xml(xml: bytes) -> Element:
        """The root element of a document. No entity is expanded and nothing is fetched.

        Raises:
            ExpressionError: EXP-040, when the bytes aren't well-formed XML.
        """
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.fromstring(xml, parser)
        except etree.XMLSyntaxError as error:
            line = error.lineno or 0
            raise ExpressionError("EXP-040", f"Line {line}: not well-formed XML.", "Send the file as it was.") from None
        return Element.from_lxml(root)

    @staticmethod
    def from_lxml(source: etree._Element) -> Element:
        """A copy of an lxml element and everything below. Comments are left out."""
        from expressions.reading import copy_tree

        return copy_tree(source)
