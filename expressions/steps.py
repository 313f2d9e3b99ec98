"""The steps of a path and their predicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from expressions.axes import WALKS, NodeTest, compile_test, in_document_order
from expressions.compiled import Compiling, as_boolean
from expressions.instance import Element
from expressions.profiles import Profile
from expressions.scope import Evaluator, Frame
from expressions.syntax import REVERSE_AXES, Binary, Call, Expr, Path, Step, walk
from expressions.values import to_boolean

Walk = Callable[[list[Element], Frame], list[Element]]
Predicate = Callable[[list[Element], Frame], list[Element]]

LONG_LIST = 16
"""Children from which a search by equality makes an index."""


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """A step: from nodes to nodes in document order.

    Attributes:
        name: the child's name, where `plain`.
        plain: a child by name or `*`, without predicates.
    """

    walk: Walk
    name: str
    plain: bool


def compile_steps(steps: tuple[Step, ...], compiler: Compiling) -> list[CompiledStep]:
    """The closures of a path's steps."""
    return [_compile_step(step, compiler) for step in steps]


def _compile_step(step: Step, compiler: Compiling) -> CompiledStep:
    test = compile_test(step.axis, step.test, compiler.profile)
    predicates = compile_predicates(step.predicates, compiler)
    named = step.axis == "child" and not step.test.endswith(")") and step.test.rpartition(":")[2] != "*"
    if named:
        candidates = _named_children(step.test, test, compiler.profile)
        lookup = _compile_lookup(step, compiler)
        return CompiledStep(_walk_each(candidates, predicates, lookup, True), step.test, not predicates)
    walk_axis = WALKS[step.axis]

    def found(node: Element, frame: Frame) -> list[Element]:
        return [other for other in walk_axis(node) if test(other, frame)]

    ordered = step.axis in {"child", "self", "attribute"}
    reverse = step.axis in REVERSE_AXES
    any_child = step.axis == "child" and step.test == "*" and not predicates
    return CompiledStep(_walk_each(found, predicates, None, ordered, reverse), step.test, any_child)


def _named_children(name: str, test: NodeTest, profile: Profile) -> Callable[[Element, Frame], list[Element]]:
    prefix, _, local = name.rpartition(":")
    if not prefix and profile is Profile.JAVAROSA:
        return lambda node, frame: node.by_name.get(local, [])
    return lambda node, frame: [child for child in node.by_name.get(local, ()) if test(child, frame)]


def _walk_each(
    candidates: Callable[[Element, Frame], list[Element]],
    predicates: list[Predicate],
    lookup: Callable[[Element, Frame], list[Element] | None] | None,
    ordered: bool,
    reverse: bool = False,
) -> Walk:
    """Apply the step at every node; predicates count positions from each node's own list."""

    def at(node: Element, frame: Frame) -> list[Element]:
        if lookup is not None:
            quick = lookup(node, frame)
            if quick is not None:
                return quick
        found = candidates(node, frame)
        for predicate in predicates:
            found = predicate(found, frame)
        return found

    def walk_all(nodes: list[Element], frame: Frame) -> list[Element]:
        if len(nodes) == 1:
            found = at(nodes[0], frame)
            return found[::-1] if reverse else found
        found = [other for node in nodes for other in at(node, frame)]
        return found if ordered else in_document_order(found)

    return walk_all


# -- predicates --------------------------------------------------------------------------------------------------------
def compile_predicates(predicates: tuple[Expr, ...], compiler: Compiling) -> list[Predicate]:
    """The closures of predicates, each from a list of nodes to those that pass."""
    return [_compile_predicate(predicate, compiler) for predicate in predicates]


def _compile_predicate(expr: Expr, compiler: Compiling) -> Predicate:
    compiled = compiler.compile(expr)
    if compiler.profile is Profile.JAVAROSA and compiled.kind != "boolean":
        # In JavaRosa only a true condition lets a node pass: `person[1]` finds nothing, `person[position() = 1]` does.
        evaluate_any = compiled.evaluate
        return lambda nodes, frame: _passing(nodes, frame, lambda inner: evaluate_any(inner) is True)
    if isinstance(compiled.constant, float):
        place = compiled.constant
        return lambda nodes, frame: [node for index, node in enumerate(nodes) if index + 1 == place]
    if compiled.kind == "boolean":
        test = as_boolean(compiled, compiler.profile)
        return lambda nodes, frame: _passing(nodes, frame, test)
    evaluate, profile = compiled.evaluate, compiler.profile

    def holds(inner: Frame) -> bool:
        value = evaluate(inner)
        if isinstance(value, float):
            return value == inner.position
        return to_boolean(value, profile)

    return lambda nodes, frame: _passing(nodes, frame, holds)


def _passing(nodes: list[Element], frame: Frame, test: Callable[[Frame], bool]) -> list[Element]:
    inner = Frame(frame.node, frame.scope, frame.profile, frame.current)
    inner.size = len(nodes)
    found = []
    for index, node in enumerate(nodes):
        inner.node = node
        inner.position = index + 1
        if test(inner):
            found.append(node)
    return found


def filter_nodes(nodes: list[Element], predicates: list[Predicate], frame: Frame) -> list[Element]:
    """The nodes that pass every predicate in turn."""
    for predicate in predicates:
        nodes = predicate(nodes, frame)
    return nodes


# -- looking up items of a long list by equality -----------------------------------------------------------------------
def _compile_lookup(step: Step, compiler: Compiling) -> Callable[[Element, Frame], list[Element] | None] | None:
    """`item[name = X]` through an index, where X is the same for every item; null where that isn't the shape."""
    if len(step.predicates) != 1 or compiler.profile is not Profile.JAVAROSA or ":" in step.test:
        return None
    shape = _equality_shape(step.predicates[0])
    if shape is None:
        return None
    child, other = shape
    evaluate = _single(other, compiler)
    name = step.test

    def lookup(node: Element, frame: Frame) -> list[Element] | None:
        # The main instance changes under our hands, and its nodes have types; lists do neither.
        if len(node.children) < LONG_LIST or node.top is frame.scope.root.top:
            return None
        wanted = evaluate(frame)
        if not isinstance(wanted, str):
            return None
        if node.index is None:
            node.index = {}
        texts = node.index.get((name, child))
        if texts is None:
            texts = node.index[(name, child)] = _index(node.by_name.get(name, []), child)
        return texts.get(wanted, [])

    return lookup


def _index(items: list[Element], child: str) -> dict[str, list[Element]]:
    texts: dict[str, list[Element]] = {}
    for item in items:
        found = item.by_name.get(child)
        texts.setdefault(found[0].text if found else "", []).append(item)
    return texts


def _single(expr: Expr, compiler: Compiling) -> Evaluator:
    from expressions.compiled import as_single

    return as_single(compiler.compile(expr), compiler.profile)


def _equality_shape(expr: Expr) -> tuple[str, Expr] | None:
    if not isinstance(expr, Binary) or expr.operator != "=":
        return None
    for own, other in ((expr.left, expr.right), (expr.right, expr.left)):
        if _is_child_name(own) and _is_independent(other):
            return own.steps[0].test, other  # type: ignore[union-attr]  # a path, as just tested
    return None


def _is_child_name(expr: Expr) -> bool:
    return (
        isinstance(expr, Path)
        and expr.base is None
        and not expr.absolute
        and len(expr.steps) == 1
        and expr.steps[0].axis == "child"
        and not expr.steps[0].predicates
        and not any(mark in expr.steps[0].test for mark in ":*(")
    )


def _is_independent(expr: Expr) -> bool:
    """Whether the value can't depend on the item: no relative path, no position."""
    for part in walk(expr):
        if isinstance(part, Call) and part.name not in {"current", "string", "concat"}:
            return False
        if isinstance(part, Path):
            if part.base is None and not part.absolute:
                return False
            if any(step.predicates for step in part.steps):
                return False
    return True
