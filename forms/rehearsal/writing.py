"""An instance as the bytes that Collect submits: nothing that isn't relevant, no trace of templates."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from expressions.instance import Element

PREFIXES = {
    "jr": "http://openrosa.org/javarosa",
    "orx": "http://openrosa.org/xforms",
    "entities": "http://www.opendatakit.org/xforms/entities",
}
_TEMPLATE = frozenset(("jr:template", "template"))


def write_submission(root: Element, namespace: str) -> bytes:
    """The submission's XML.

    Args:
        root: the instance's root; nodes that aren't relevant are left out with all below them.
        namespace: of the root, "" if it has none.
    """
    parts = ["<?xml version='1.0' encoding='UTF-8' ?><", _tag(root)]
    used = sorted({node.prefix for node in root.walk() if node.prefix})
    if namespace:
        parts.append(f" xmlns={quoteattr(namespace)}")
    for prefix in used:
        uri = next((node.namespace for node in root.walk() if node.prefix == prefix), "")
        parts.append(f" xmlns:{prefix}={quoteattr(uri or PREFIXES.get(prefix, prefix))}")
    _attributes(root, parts)
    parts.append(">")
    for child in root.children:
        if child.relevant:
            _write(child, parts)
    parts.append(f"</{_tag(root)}>")
    return "".join(parts).encode()


def _write(node: Element, parts: list[str]) -> None:
    tag = f"{node.prefix}:{node.name}" if node.prefix else node.name
    parts.append(f"<{tag}")
    if node.attributes:
        _attributes(node, parts)
    if node.children:
        parts.append(">")
        for child in node.children:
            if child.relevant:
                _write(child, parts)
        parts.append(f"</{tag}>")
    elif node.text:
        text = node.text
        if "&" in text or "<" in text or ">" in text:
            text = escape(text)
        parts.append(f">{text}</{tag}>")
    else:
        parts.append("/>")


def _tag(node: Element) -> str:
    return f"{node.prefix}:{node.name}" if node.prefix else node.name


def _attributes(node: Element, parts: list[str]) -> None:
    for name, value in node.attributes.items():
        if name not in _TEMPLATE and not name.startswith(("xmlns", "{")):
            parts.append(f" {name}={quoteattr(value)}")
