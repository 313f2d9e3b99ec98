"""Documents with all their nodes: texts, CDATA sections, comments, processing instructions, the doctype.

Submissions never need this (`Element.from_xml` does for them); conformance cases and whole XForms do.
"""

from __future__ import annotations

from xml.parsers import expat

from expressions.instance import Element
from schemas.errors import ExpressionError

MAX_DEPTH = 2000


def read_mixed(xml: bytes) -> Element:
    """The document node of an XML text, with every node below it.

    Raises:
        ExpressionError: EXP-040, when it isn't well-formed XML, is nested too deep, or declares entities.
    """
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartCdataSectionHandler = builder.start_cdata
    parser.EndCdataSectionHandler = builder.end_cdata
    parser.CommentHandler = builder.comment
    parser.ProcessingInstructionHandler = builder.instruction
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.EntityDeclHandler = builder.entity
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise _broken(f"Line {error.lineno}: not well-formed XML.") from None
    return builder.document


def _broken(message: str) -> ExpressionError:
    return ExpressionError("EXP-040", message, "Send the file as it was.")


class _Builder:
    """Builds the tree from the parser's events."""

    def __init__(self) -> None:
        self.document = Element("#document", kind="document")
        self.document.content = []
        self.node = self.document
        self.scopes: list[dict[str, str]] = [{"xml": "http://www.w3.org/XML/1998/namespace"}]
        self.in_cdata = False

    def add(self, node: Element) -> None:
        node.parent = self.node
        if self.node.content is not None:
            self.node.content.append(node)

    def start(self, name: str, pairs: list[str]) -> None:
        if len(self.scopes) > MAX_DEPTH:
            raise _broken(f"More than {MAX_DEPTH} elements within one another.")
        attributes = dict(zip(pairs[::2], pairs[1::2], strict=True))
        scope = dict(self.scopes[-1])
        for key in [key for key in attributes if key == "xmlns" or key.startswith("xmlns:")]:
            scope[key.partition(":")[2]] = attributes.pop(key)
        self.scopes.append(scope)
        prefix, _, local = name.rpartition(":")
        element = Element(local, "", attributes, prefix=prefix, namespace=scope.get(prefix, ""))
        element.content = []
        self.node = self.node.append(element)

    def end(self, name: str) -> None:
        self.scopes.pop()
        if not self.node.children:
            self.node.text = self.node.string_value()
        self.node = self.node.parent or self.document

    def characters(self, text: str) -> None:
        if self.in_cdata:
            last = self.node.content[-1] if self.node.content else None
            if last is not None and last.kind == "cdata":
                last.text += text
        elif self.node is not self.document:
            self.add(Element("#text", text, kind="text"))

    def start_cdata(self) -> None:
        self.in_cdata = True
        self.add(Element("#cdata", kind="cdata"))

    def end_cdata(self) -> None:
        self.in_cdata = False

    def comment(self, text: str) -> None:
        self.add(Element("#comment", text, kind="comment"))

    def instruction(self, target: str, text: str) -> None:
        self.add(Element(target, text, kind="pi"))

    def doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        self.add(Element(name, kind="doctype"))

    def entity(self, *declaration: object) -> None:
        raise _broken("It declares entities.")
