"""lxml trees to `Element` trees, without recursion."""

from __future__ import annotations

from lxml import etree

from expressions.instance import Element


def copy_tree(source: etree._Element, mixed: bool) -> Element:
    """A copy of `source` and everything below; with `mixed` every node and a document above the root."""
    root = _copy_element(source, mixed)
    if mixed:
        _copy_document(source, root)
    stack = [(source, root)]
    while stack:
        original, copy = stack.pop()
        for child in original:
            if isinstance(child.tag, str):
                node = copy.append(_copy_element(child, mixed))
                stack.append((child, node))
            elif mixed:
                _append_node(copy, _copy_other(child))
            if mixed and child.tail:
                _append_node(copy, Element("#text", child.tail, kind="text"))
    return root


def _copy_element(source: etree._Element, mixed: bool) -> Element:
    namespace, _, local = str(source.tag).rpartition("}")
    by_uri = {uri: prefix for prefix, uri in source.nsmap.items()}
    attributes = {}
    for key, value in source.attrib.items():
        uri, _, name = str(key).rpartition("}")
        prefix = by_uri.get(uri[1:]) if uri else None
        attributes[f"{prefix}:{name}" if prefix else name] = str(value)
    text = source.text or ""
    has_children = len(source) > 0
    copy = Element(local, "" if has_children else text, attributes, prefix=source.prefix or "", namespace=namespace[1:])
    if mixed:
        copy.content = []
        if text:
            _append_node(copy, Element("#text", text, kind="text"))
    return copy


def _append_node(parent: Element, node: Element) -> None:
    node.parent = parent
    if parent.content is not None:
        parent.content.append(node)


def _copy_other(source: etree._Element) -> Element:
    if source.tag is etree.ProcessingInstruction:
        return Element(str(source.target), source.text or "", kind="pi")  # type: ignore[attr-defined]  # lxml-stubs
    return Element("#comment", source.text or "", kind="comment")


def _copy_document(source: etree._Element, root: Element) -> None:
    document = Element("#document", kind="document")
    document.content = []
    before = []
    sibling = source.getprevious()
    while sibling is not None:
        before.append(sibling)
        sibling = sibling.getprevious()
    for node in reversed(before):
        _append_node(document, _copy_other(node))
    document.append(root)
    sibling = source.getnext()
    while sibling is not None:
        _append_node(document, _copy_other(sibling))
        sibling = sibling.getnext()
