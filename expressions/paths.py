"""Paths, `${name}`, predicates and unions as closures.

JavaRosa reads an absolute path from within a repeat as the node of the same occurrence: from `/data/person[2]/sex`,
`/data/person/age` is `/data/person[2]/age`, and `count(/data/person)` is 1. A step with a predicate doesn't bind.
A relative path binds nothing: `count(../../person)` counts them all. `${person}` binds all steps but the last, as the
relative path does that pyxform writes for it: `${age}` is the own person's, `count(${person})` counts all.
"""

from __future__ import annotations

from collections.abc import Callable

from expressions.axes import in_document_order
from expressions.compiled import Compiled, Compiling
from expressions.instance import Element
from expressions.nearest import did_you_mean
from expressions.profiles import Profile
from expressions.scope import Evaluator, Frame
from expressions.steps import CompiledStep, compile_predicates, compile_steps, filter_nodes
from expressions.syntax import Binary, Call, Filter, Path, Reference, Text
from expressions.values import NodeSet, Value, unpack
from schemas.errors import ExpressionError

Found = Element | list[Element] | None


# -- plain paths: names only -------------------------------------------------------------------------------------------
def descend(start: Element, names: tuple[str, ...], context: Element | None, bind_last: bool = True) -> Found:
    """The node(s) below `start` by child names: one, several, or null.

    Args:
        context: the node whose own occurrence of a repeat is meant; null binds nothing.
        bind_last: whether the last name means the own occurrence too.
    """
    node = start
    last = len(names) if bind_last else len(names) - 1
    for index, name in enumerate(names):
        same = node.by_name.get(name)
        if same is None:
            return None
        if len(same) == 1:
            node = same[0]
            continue
        bound = own_occurrence(node, name, context) if context is not None and index < last else None
        if bound is None:
            return _descend_all(same, names[index + 1 :])
        node = bound
    return node


def own_occurrence(parent: Element, name: str, context: Element | None) -> Element | None:
    """The child of `parent` that holds `context`, if it has that name."""
    node = context
    while node is not None:
        if node.parent is parent:
            return node if name in (node.name, "*") else None
        node = node.parent
    return None


def _descend_all(nodes: list[Element], names: tuple[str, ...]) -> list[Element]:
    for name in names:
        nodes = [child for node in nodes for child in node.by_name.get(name, ())]
    return list(nodes)


def _plain_names(path: Path) -> tuple[int, tuple[str, ...]] | None:
    """Number of leading `..` and the child names after it, null if the path has anything else."""
    ups = 0
    names: list[str] = []
    for step in path.steps:
        if step.predicates or ":" in step.test or step.test == "*":
            return None
        if step.axis == "parent" and step.test == "node()" and not names:
            ups += 1
        elif step.axis == "child" and not step.test.endswith(")"):
            names.append(step.test)
        elif step.axis != "self" or step.test != "node()":
            return None
    return ups, tuple(names)


def _as_compiled(find: Callable[[Frame], Found], profile: Profile) -> Compiled:
    """A closure over nodes, and the quick one for a single value, from a finder."""
    if profile is Profile.JAVAROSA:

        def nodes(frame: Frame) -> Value:
            found = find(frame)
            listed = found if isinstance(found, list) else [] if found is None else [found]
            return NodeSet([node for node in listed if node.is_relevant()], frame.read)

    else:

        def nodes(frame: Frame) -> Value:
            found = find(frame)
            return NodeSet(found if isinstance(found, list) else [] if found is None else [found], frame.read)

    def single(frame: Frame) -> Value:
        found = find(frame)
        if found is None:
            return ""
        if isinstance(found, list):
            return unpack(nodes(frame), profile)
        return frame.read(found)

    return Compiled(nodes, "nodes", single)


def _compile_plain_absolute(names: tuple[str, ...], profile: Profile) -> Compiled:
    root_name, below = names[0], names[1:]
    bind = profile is Profile.JAVAROSA

    def find(frame: Frame) -> Found:
        root = frame.scope.root
        if root.name != root_name:
            return None
        return descend(root, below, frame.node if bind else None)

    return _as_compiled(find, profile)


def _compile_plain_relative(ups: int, names: tuple[str, ...], profile: Profile) -> Compiled:
    def find(frame: Frame) -> Found:
        node: Element | None = frame.node
        for _ in range(ups):
            if node is None:
                return None
            node = node.parent
        return None if node is None else descend(node, names, None)

    return _as_compiled(find, profile)


# -- ${name} -----------------------------------------------------------------------------------------------------------
def compile_reference(reference: Reference, profile: Profile) -> Compiled:
    """`${name}`: the node of that name, of the same occurrence of every repeat around the context node."""
    name = reference.name
    known: list[object] = [None, ()]  # the mapping last seen, and the names of the path it gave

    def find(frame: Frame) -> Found:
        references = frame.scope.references
        if known[0] is not references:
            path = references.get(name)
            if path is None:
                raise ExpressionError(
                    "EXP-022",
                    f"At {reference.position + 1}: the form has no question '{name}'.",
                    did_you_mean(
                        name,
                        references,
                        form="${{{}}}",
                        otherwise="Check the name in the column 'name' of the sheet survey.",
                    ),
                    reference.position,
                )
            known[0], known[1] = references, tuple(part.rpartition(":")[2] for part in path.split("/")[1:])
        names: tuple[str, ...] = known[1]  # type: ignore[assignment]  # set just above
        root = frame.scope.last_saved if reference.last_saved else frame.scope.root
        if root is None or root.name != names[0]:
            return None
        # Among the items of a list, the occurrence meant is that of the question the expression belongs to.
        context = frame.node if frame.node.top is root.top else frame.current
        return descend(root, names[1:], context, bind_last=False)

    return _as_compiled(find, profile)


# -- paths in general --------------------------------------------------------------------------------------------------
def compile_path(path: Path, compiler: Compiling) -> Compiled:
    """A path of any shape."""
    profile = compiler.profile
    plain = _plain_names(path) if path.base is None else None
    if plain is not None:
        ups, names = plain
        if not path.absolute:
            if not names and ups <= 1:
                return _compile_near(ups, profile)
            # Names may be prefixed elsewhere than in JavaRosa, where a bare name is no prefixed one.
            if profile is Profile.JAVAROSA:
                return _compile_plain_relative(ups, names, profile)
        elif names and not ups and profile is Profile.JAVAROSA:
            return _compile_plain_absolute(names, profile)
    if profile is Profile.JAVAROSA:
        _refuse_other_steps(path)
    steps = compile_steps(path.steps, compiler)
    start = _compile_start(path, compiler)
    bind = profile is Profile.JAVAROSA and (path.absolute or _is_list(path))
    return _compile_steps(start, steps, bind, profile)


def _refuse_other_steps(path: Path) -> None:
    """JavaRosa knows names, `*`, `.`, `..` and attributes as steps, and nothing else."""
    for step in path.steps:
        known = step.axis in {"child", "attribute"} and not step.test.endswith(")")
        if not known and not (step.axis in {"self", "parent"} and step.test == "node()"):
            raise ExpressionError(
                "EXP-030",
                f"At {step.position + 1}: ODK Collect doesn't know the step '{step.axis}::{step.test}'.",
                "Use names, '*', '.', '..' and '@name' only, separated by single '/'.",
                step.position,
            )


def _compile_near(ups: int, profile: Profile) -> Compiled:
    def find(frame: Frame) -> Found:
        return frame.node.parent if ups else frame.node

    return _as_compiled(find, profile)


def _compile_start(path: Path, compiler: Compiling) -> Callable[[Frame], list[Element]]:
    if path.base is None:
        if path.absolute:
            return lambda frame: [frame.scope.document()]
        return lambda frame: [frame.node]
    base = compiler.compile(path.base)
    if base.kind != "nodes":
        raise ExpressionError(
            "EXP-023",
            f"At {path.position + 1}: the steps after '/' need nodes before them.",
            "Begin the path with a path, ${name}, instance() or current().",
            path.position,
        )
    return _nodes_of(base.evaluate)


def _nodes_of(evaluate: Evaluator) -> Callable[[Frame], list[Element]]:
    def nodes(frame: Frame) -> list[Element]:
        value = evaluate(frame)
        return value.nodes if isinstance(value, NodeSet) else []

    return nodes


def _compile_steps(
    start: Callable[[Frame], list[Element]], steps: list[CompiledStep], bind: bool, profile: Profile
) -> Compiled:
    javarosa = profile is Profile.JAVAROSA

    def nodes(frame: Frame) -> Value:
        found = start(frame)
        around = _around(frame.node, found[0]) if bind and found else []
        for depth, step in enumerate(steps):
            own = around[depth] if depth < len(around) and step.name in (around[depth].name, "*") else None
            if own is None:
                around = []
            found = _same_place(found, own) if own is not None and step.plain else step.walk(found, frame)
        if javarosa:
            found = [node for node in found if node.is_relevant()]
        return NodeSet(found, frame.read)

    return Compiled(nodes, "nodes")


def _is_list(path: Path) -> bool:
    """Whether it begins at a list: within a condition on items of the same list, it means the item itself."""
    return isinstance(path.base, Call) and path.base.name == "instance"


def _around(node: Element, start: Element) -> list[Element]:
    """The nodes from below `start` down to the node; none if it stands elsewhere."""
    found: list[Element] = []
    above: Element | None = node
    while above is not None and above is not start:
        found.append(above)
        above = above.parent
    found.reverse()
    # A root may not know of the document above it.
    return found if above is start or found[:1] == start.children[:1] else []


def _same_place(parents: list[Element], own: Element) -> list[Element]:
    """The children at the place of `own` among its namesakes.

    JavaRosa binds by place, in other occurrences too: from the second child of the first person,
    `/data/person[position() = 2]/child` is the second child of the second person.
    """
    place = own.position
    return [same[place - 1] for parent in parents if len(same := parent.by_name.get(own.name, ())) >= place]


def compile_filter(expr: Filter, compiler: Compiling) -> Compiled:
    """Nodes with predicates: `${person}[${age} > 5]`."""
    base = compiler.compile(expr.base)
    if base.kind != "nodes":
        raise ExpressionError(
            "EXP-023",
            f"At {expr.position + 1}: a predicate in brackets needs nodes before it.",
            "Put the brackets after a path or ${name}.",
            expr.position,
        )
    nodes = _nodes_of(base.evaluate)
    predicates = compile_predicates(expr.predicates, compiler)
    return Compiled(lambda frame: NodeSet(filter_nodes(nodes(frame), predicates, frame), frame.read), "nodes")


def compile_union(left: Compiled, right: Compiled, expr: Binary, profile: Profile) -> Compiled:
    """`a | b`: the nodes of both, each once, in document order."""
    if profile is Profile.JAVAROSA:
        raise ExpressionError(
            "EXP-030", f"At {expr.position + 1}: ODK Collect doesn't know '|'.", "Use 'or'.", expr.position
        )
    if left.kind != "nodes" or right.kind != "nodes":
        raise ExpressionError(
            "EXP-023",
            f"At {expr.position + 1}: '|' joins nodes, found a single value beside it.",
            "Use 'or' between conditions.",
            expr.position,
        )
    first, second = _nodes_of(left.evaluate), _nodes_of(right.evaluate)
    return Compiled(lambda frame: NodeSet(in_document_order(first(frame) + second(frame)), frame.read), "nodes")


def compile_instance(compiler: Compiling, call: Call) -> Compiled:
    """`instance('id')`: the document of a secondary instance."""
    (argument,) = call.arguments
    if not isinstance(argument, Text):
        raise ExpressionError(
            "EXP-026",
            f"At {call.position + 1}: instance() needs the list's id in quotes.",
            "Write instance('id').",
            call.position,
        )
    instance_id = argument.value

    def nodes(frame: Frame) -> Value:
        holder = frame.scope.holder(instance_id)
        if holder is None and compiler.profile is Profile.WEBFORMS:
            return NodeSet([], frame.read)
        if holder is None:
            raise ExpressionError(
                "EXP-026",
                f"At {call.position + 1}: the form has no list '{instance_id}'.",
                did_you_mean(
                    instance_id,
                    frame.scope.instances,
                    otherwise="Check the list's name in the sheet choices, or the file it comes from.",
                ),
                call.position,
            )
        return NodeSet([holder], frame.read)

    return Compiled(nodes, "nodes")
