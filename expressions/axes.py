"""Walking the tree along an axis, and the test a node must pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from expressions.instance import Element
from expressions.profiles import Profile
from expressions.scope import Frame

NodeTest = Callable[[Element, Frame], bool]


def _self(node: Element) -> Iterator[Element]:
    yield node


def _child(node: Element) -> Iterator[Element]:
    yield from node.nodes()


def _parent(node: Element) -> Iterator[Element]:
    if node.parent is not None:
        yield node.parent


def _ancestor(node: Element) -> Iterator[Element]:
    above = node.parent
    while above is not None:
        yield above
        above = above.parent


def _ancestor_or_self(node: Element) -> Iterator[Element]:
    yield node
    yield from _ancestor(node)


def _descendant(node: Element) -> Iterator[Element]:
    stack = list(reversed(node.nodes()))
    while stack:
        found = stack.pop()
        yield found
        stack.extend(reversed(found.nodes()))


def _descendant_or_self(node: Element) -> Iterator[Element]:
    yield node
    yield from _descendant(node)


def _siblings(node: Element) -> tuple[list[Element], int]:
    if node.parent is None or node.kind == "attribute":
        return [], 0
    siblings = node.parent.nodes()
    for index, sibling in enumerate(siblings):
        if sibling is node:
            return siblings, index
    return [], 0


def _following_sibling(node: Element) -> Iterator[Element]:
    siblings, index = _siblings(node)
    yield from siblings[index + 1 :]


def _preceding_sibling(node: Element) -> Iterator[Element]:
    siblings, index = _siblings(node)
    yield from reversed(siblings[:index])


def _following(node: Element) -> Iterator[Element]:
    if node.kind == "attribute" and node.parent is not None:
        yield from _descendant(node.parent)
        node = node.parent
    for above in _ancestor_or_self(node):
        for sibling in _following_sibling(above):
            yield from _descendant_or_self(sibling)


def _preceding(node: Element) -> Iterator[Element]:
    if node.kind == "attribute" and node.parent is not None:
        node = node.parent
    for above in _ancestor_or_self(node):
        for sibling in _preceding_sibling(above):
            yield from reversed(list(_descendant_or_self(sibling)))


def _attribute(node: Element) -> Iterator[Element]:
    for name in node.attributes:
        found = node.attribute(name)
        if found is not None:
            yield found


def _namespace(node: Element) -> Iterator[Element]:
    # No engine of ODK offers namespace nodes to a form; the axis exists and is empty.
    yield from ()


WALKS: dict[str, Callable[[Element], Iterator[Element]]] = {
    "ancestor": _ancestor,
    "ancestor-or-self": _ancestor_or_self,
    "attribute": _attribute,
    "child": _child,
    "descendant": _descendant,
    "descendant-or-self": _descendant_or_self,
    "following": _following,
    "following-sibling": _following_sibling,
    "namespace": _namespace,
    "parent": _parent,
    "preceding": _preceding,
    "preceding-sibling": _preceding_sibling,
    "self": _self,
}


def compile_test(axis: str, test: str, profile: Profile) -> NodeTest:
    """The test of a step as a function of a node."""
    if test.endswith(")"):
        return _compile_kind(test)
    kind = "attribute" if axis == "attribute" else "element"
    prefix, _, local = test.rpartition(":")
    if not prefix:
        if local == "*":
            return lambda node, frame: node.kind == kind
        if profile is Profile.JAVAROSA or kind == "attribute":
            return lambda node, frame: node.kind == kind and node.name == local
        return lambda node, frame: node.kind == kind and node.name == local and _is_unprefixed(node, frame)
    return lambda node, frame: node.kind == kind and local in ("*", node.name) and _has_prefix(node, prefix, frame)


def _is_unprefixed(node: Element, frame: Frame) -> bool:
    return not node.namespace or node.namespace in (frame.scope.namespaces.get("", ""), "")


def _has_prefix(node: Element, prefix: str, frame: Frame) -> bool:
    namespace = frame.scope.namespaces.get(prefix)
    if namespace is not None and node.namespace:
        return node.namespace == namespace
    return node.prefix == prefix


def _compile_kind(test: str) -> NodeTest:
    name, _, argument = test[:-1].partition("(")
    target = argument[1:-1]
    match name:
        case "node":
            return lambda node, frame: True
        case "text":
            return lambda node, frame: node.kind in {"text", "cdata"}
        case "comment":
            return lambda node, frame: node.kind == "comment"
        case _:
            return lambda node, frame: node.kind == "pi" and target in ("", node.name)


def in_document_order(nodes: list[Element]) -> list[Element]:
    """The nodes without doubles, in document order."""
    unique = {id(node): node for node in nodes}
    if len(unique) < 2:
        return list(unique.values())
    return sorted(unique.values(), key=_place)


def _place(node: Element) -> tuple[int, ...]:
    """Indices from the top down to the node, attributes after their element and before its children."""
    places: list[int] = []
    while node.parent is not None:
        if node.kind == "attribute":
            places.append(list(node.parent.attributes).index(_attribute_key(node)) - 1_000_000)
        else:
            places.append(_siblings(node)[1])
        node = node.parent
    return tuple(reversed(places))


def _attribute_key(node: Element) -> str:
    return f"{node.prefix}:{node.name}" if node.prefix else node.name
