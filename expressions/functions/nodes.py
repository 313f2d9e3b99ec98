"""Functions of nodes: counting, places, names, lists, the current node."""

from __future__ import annotations

from expressions.axes import in_document_order
from expressions.chance import read_seed, seeded, shuffle
from expressions.compiled import Compiled, Compiling, as_single
from expressions.instance import Element
from expressions.paths import compile_instance
from expressions.profiles import Profile
from expressions.registry import SCRIPT, Function, need_nodes, over_values
from expressions.scope import Frame
from expressions.syntax import Call
from expressions.values import NAN, NodeSet, Value, to_string
from schemas.errors import ExpressionError


def _build_count(compiler: Compiling, call: Call) -> Compiled:
    nodes = compiler.compile(call.arguments[0]).evaluate
    return Compiled(
        lambda frame: float(len(need_nodes(nodes(frame), "count()", call.position).nodes)),
        "number",
    )


def _build_count_non_empty(compiler: Compiling, call: Call) -> Compiled:
    nodes = compiler.compile(call.arguments[0]).evaluate

    def count(frame: Frame) -> float:
        found = need_nodes(nodes(frame), "count-non-empty()", call.position)
        if frame.profile is Profile.JAVAROSA:
            return float(sum(bool(node.children) or to_string(found.read(node)) != "" for node in found.nodes))
        return float(sum(node.string_value() != "" for node in found.nodes))

    return Compiled(count, "number")


def _build_position(compiler: Compiling, call: Call) -> Compiled:
    if not call.arguments:
        return Compiled(lambda frame: float(frame.position or frame.node.position), "number")
    nodes = compiler.compile(call.arguments[0]).evaluate

    def position(frame: Frame) -> float:
        found = need_nodes(nodes(frame), "position()", call.position).nodes
        if frame.profile is Profile.JAVAROSA:
            return float(found[0].position) if found else 0.0
        if (not found and frame.profile is Profile.ENKETO) or (len(found) > 1 and frame.profile is Profile.WEBFORMS):
            raise need_one(len(found), call.position)
        return float(found[0].position) if found else NAN

    return Compiled(position, "number")


def need_one(count: int, position: int) -> ExpressionError:
    """The refusal of no node, or of several, where one is needed."""
    return ExpressionError(
        "EXP-024",
        f"At {position + 1}: position() needs one node, found {count}.",
        "Say which one, as in position(..).",
        position,
    )


def _last(frame: Frame, values: list[Value]) -> float:
    return float(frame.size or 1)


def _build_current(compiler: Compiling, call: Call) -> Compiled:
    def single(frame: Frame) -> Value:
        return frame.read(frame.current)

    return Compiled(lambda frame: NodeSet([frame.current], frame.read), "nodes", single)


def _build_randomize(compiler: Compiling, call: Call) -> Compiled:
    nodes = compiler.compile(call.arguments[0]).evaluate
    seed = as_single(compiler.compile(call.arguments[1]), compiler.profile) if len(call.arguments) == 2 else None

    def randomize(frame: Frame) -> Value:
        found = need_nodes(nodes(frame), "randomize()", call.position)
        chance = frame.scope.random.random if seed is None else seeded(read_seed(seed(frame), frame.profile))
        return NodeSet(shuffle(found.nodes, chance), found.read)

    return Compiled(randomize, "nodes")


def _named_node(frame: Frame, values: list[Value]) -> Element | None:
    if not values:
        return frame.node
    nodes = need_nodes(values[0], "name()", 0).nodes
    return nodes[0] if nodes else None


def _name(frame: Frame, values: list[Value]) -> str:
    node = _named_node(frame, values)
    if node is None or node.kind not in {"element", "attribute", "pi"}:
        return ""
    return f"{node.prefix}:{node.name}" if node.prefix else node.name


def _local_name(frame: Frame, values: list[Value]) -> str:
    return _name(frame, values).rpartition(":")[2]


def _namespace_uri(frame: Frame, values: list[Value]) -> str:
    node = _named_node(frame, values)
    if node is None:
        return ""
    if node.kind == "attribute" and node.prefix:
        return frame.scope.namespaces.get(node.prefix, "")
    return node.namespace if node.kind == "element" else ""


def _build_id(compiler: Compiling, call: Call) -> Compiled:
    ids = compiler.compile(call.arguments[0]).evaluate

    def find(frame: Frame) -> Value:
        value = ids(frame)
        texts = [node.string_value() for node in value.nodes] if isinstance(value, NodeSet) else [to_string(value)]
        wanted = {word for text in texts for word in text.split()}
        seen: set[str] = set()
        found = []
        for node in frame.node.top.walk():
            node_id = node.attributes.get("id")
            if node_id in wanted and node_id not in seen:
                seen.add(node_id)
                found.append(node)
        return NodeSet(in_document_order(found), frame.read)

    return Compiled(find, "nodes")


def _lang(frame: Frame, values: list[Value]) -> bool:
    wanted = to_string(values[0], frame.profile).lower()
    node: Element | None = frame.node
    while node is not None:
        found = node.attributes.get("xml:lang", "").lower()
        if found:
            return found == wanted or found.startswith(f"{wanted}-")
        node = node.parent
    return False


FUNCTIONS = {
    "count": Function(1, 1, _build_count),
    "count-non-empty": Function(1, 1, _build_count_non_empty),
    "position": Function(0, 1, _build_position),
    "last": over_values("number", 0, 0, _last, SCRIPT),
    "current": Function(0, 0, _build_current),
    "instance": Function(1, 1, compile_instance),
    "randomize": Function(1, 2, _build_randomize),
    "name": over_values("string", 0, 1, _name, SCRIPT),
    "local-name": over_values("string", 0, 1, _local_name, SCRIPT),
    "namespace-uri": over_values("string", 0, 1, _namespace_uri, SCRIPT),
    "id": Function(1, 1, _build_id, SCRIPT),
    "lang": over_values("boolean", 1, 1, _lang, SCRIPT),
}
