"""indexed-repeat: the answer of a given occurrence of a repeat."""

from __future__ import annotations

from collections.abc import Callable

from expressions.compiled import Compiled, Compiling, as_number
from expressions.instance import Element
from expressions.profiles import Profile
from expressions.registry import Function
from expressions.scope import Frame
from expressions.syntax import Call, Expr, Path, Reference
from expressions.values import NodeSet, Value
from schemas.errors import ExpressionError


def _build_indexed_repeat(compiler: Compiling, call: Call) -> Compiled:
    """`indexed-repeat(question, repeat, index, inner repeat, index, ...)`."""
    if len(call.arguments) % 2 == 0:
        raise ExpressionError(
            "EXP-021",
            f"At {call.position + 1}: indexed-repeat() needs a question, then pairs of a repeat and an index.",
            "Write indexed-repeat(${question}, ${repeat}, index).",
            call.position,
        )
    for argument in (call.arguments[0], *call.arguments[1::2]):
        if not isinstance(argument, Path | Reference):
            raise ExpressionError(
                "EXP-023",
                f"At {argument.position + 1}: indexed-repeat() needs the path of a question or repeat here.",
                "Give a path or ${name}.",
                argument.position,
            )
    target = _paths_below(call.arguments[0], compiler)
    repeats = [_paths_below(argument, compiler) for argument in call.arguments[1::2]]
    indices = [as_number(compiler.compile(argument), compiler.profile) for argument in call.arguments[2::2]]

    def nodes(frame: Frame) -> Value:
        chosen: dict[tuple[str, ...], int] = {}
        for repeat, index in zip(repeats, indices, strict=True):
            number = index(frame)
            chosen[repeat(frame)] = _index(number, frame.profile)
        found = _descend(frame.scope.root, target(frame), chosen, frame)
        return NodeSet([node for node in found if node.is_relevant()], frame.read)

    return Compiled(nodes, "nodes")


def _index(number: float, profile: Profile) -> int:
    whole = 0 if number != number else int(max(-1e9, min(1e9, number)))
    # JavaRosa takes an index that isn't known yet (a new repeat) as the first.
    return 1 if whole < 1 and profile is Profile.JAVAROSA else whole


def _descend(root: Element, names: tuple[str, ...], chosen: dict[tuple[str, ...], int], frame: Frame) -> list[Element]:
    found = [root] if names and root.name == names[0] else []
    for depth in range(1, len(names)):
        path = names[: depth + 1]
        children = [child for node in found for child in node.by_name.get(names[depth], ())]
        if path in chosen:
            children = [child for child in children if child.position == chosen[path]]
        elif len(children) > 1 and depth < len(names) - 1:
            children = [child for child in children if _holds(child, frame.node)] or children
        found = children
    return found


def _holds(ancestor: Element, node: Element) -> bool:
    above: Element | None = node
    while above is not None:
        if above is ancestor:
            return True
        above = above.parent
    return False


def _paths_below(expr: Expr, compiler: Compiling) -> Callable[[Frame], tuple[str, ...]]:
    """The absolute path of a question or repeat as names, without positions; found at evaluation."""
    if isinstance(expr, Reference):
        name = expr.name
        return lambda frame: tuple(frame.scope.references.get(name, "/").split("/")[1:])
    if not isinstance(expr, Path) or expr.base is not None:
        raise ExpressionError("EXP-023", f"At {expr.position + 1}: indexed-repeat() needs a plain path.", "", 0)
    names = tuple(step.test for step in expr.steps if step.axis == "child")
    if expr.absolute:
        return lambda frame: names
    ups = sum(step.axis == "parent" for step in expr.steps)

    def anchored(frame: Frame) -> tuple[str, ...]:
        above: list[str] = []
        node: Element | None = frame.node
        while node is not None:
            above.append(node.name)
            node = None if node is frame.scope.root else node.parent
        above.reverse()
        return (*above[: len(above) - ups], *names)

    return anchored


FUNCTIONS = {"indexed-repeat": Function(3, 11, _build_indexed_repeat)}
