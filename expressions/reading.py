"""lxml trees to `Element` trees, without recursion."""

from __future__ import annotations

from lxml import etree

from expressions.instance import Element


def copy_tree(source: etree._Element) -> Element:
    """A copy of `source` and everything below; comments and the spaces between elements are left out."""
    root = _copy_element(source)
    stack = [(source, root)]
    while stack:
        original, copy = stack.pop()
        for child in original.iterchildren("*"):
            stack.append((child, copy.append(_copy_element(child))))
    return root


def _copy_element(source: etree._Element) -> Element:
    namespace, _, local = str(source.tag).rpartition("}")
    prefixes = {uri: prefix for prefix, uri in source.nsmap.items()}
    attributes = {}
    for key, value in source.attrib.items():
        uri, _, name = str(key).rpartition("}")
        prefix = prefixes.get(uri[1:]) if uri else None
        attributes[f"{prefix}:{name}" if prefix else name] = str(value)
    return Element(local, _own_text(source), attributes, prefix=source.prefix or "", namespace=namespace[1:])


def _own_text(source: etree._Element) -> str:
    """A leaf's text, also where a comment stands in it; "" if there are elements below."""
    if not len(source):
        return source.text or ""
    if next(source.iterchildren("*"), None) is not None:
        return ""
    return (source.text or "") + "".join(child.tail or "" for child in source)
