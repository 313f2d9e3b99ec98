"""Nodes by paths with positions (`/html[1]/body[1]/div[2]/@id`), as the conformance cases name them."""

from __future__ import annotations

import re

from expressions.instance import Element
from expressions.profiles import Profile
from schemas.errors import ExpressionError

_PART = re.compile(r"(?P<name>@?[^\[\]]+)(?:\[(?P<place>\d+)\])?")


def find_node(top: Element, path: str | None, root: Element) -> Element:
    """The node at a path; `root` if the path is null.

    Raises:
        ExpressionError: EXP-042, when the document has no such node.
    """
    if path is None:
        return root
    node = _document(top)
    for part in path.strip("/").split("/") if path != "/" else []:
        found = _find_part(node, part)
        if found is None:
            raise ExpressionError("EXP-042", f"The document has no node '{path}'.", "Mend the case's context_node.")
        node = found
    return node


def _document(top: Element) -> Element:
    from expressions.scope import document_over

    return document_over(top)


def _find_part(node: Element, part: str) -> Element | None:
    found = _PART.fullmatch(part)
    if found is None:
        return None
    name, place = found["name"], int(found["place"] or 1)
    if name.startswith("@"):
        return node.attribute(name[1:])
    same = [child for child in _contents(node) if name in _names(child)]
    return same[place - 1] if place <= len(same) else None


def _contents(node: Element) -> list[Element]:
    return node.nodes() if node.kind != "document" or node.content is not None else node.children


def _names(node: Element) -> tuple[str, ...]:
    """The names under which a case may count a node."""
    match node.kind:
        case "element":
            return (f"{node.prefix}:{node.name}" if node.prefix else node.name,)
        case "text":
            return ("text()",)
        case "comment":
            return ("comment()", "node()")
        case _:
            return ("node()",)


def name_node(node: Element, profile: Profile) -> str:
    """The path of a node with positions; "/" for the document."""
    parts: list[str] = []
    while node.parent is not None:
        parts.append(_name_part(node, profile))
        node = node.parent
    if node.kind == "element":
        parts.append(_name_part(node, profile))
    return "/" + "/".join(reversed(parts))


def _name_part(node: Element, profile: Profile) -> str:
    if node.kind == "attribute":
        return f"@{node.prefix}:{node.name}" if node.prefix else f"@{node.name}"
    names = _names(node)
    name = names[-1] if profile is Profile.ENKETO else names[0]
    siblings = _contents(node.parent) if node.parent is not None else [node]
    same = [sibling for sibling in siblings if sibling.kind == node.kind and name in _names(sibling)]
    return f"{name}[{next(place for place, sibling in enumerate(same, 1) if sibling is node)}]"
