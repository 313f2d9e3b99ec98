"""Functions about truth and choice: if, coalesce, once, not, true, false, boolean, checklists."""

from __future__ import annotations

from expressions.compiled import Compiled, Compiling, as_boolean, as_single, as_string
from expressions.functions.number import number_of
from expressions.profiles import Profile
from expressions.registry import Function, flatten, over_values
from expressions.scope import Evaluator, Frame
from expressions.syntax import Call
from expressions.values import NodeSet, Value, to_boolean, to_string, unpack
from schemas.errors import ExpressionError


def _build_if(compiler: Compiling, call: Call) -> Compiled:
    condition, then, otherwise = (compiler.compile(argument) for argument in call.arguments)
    test = as_boolean(condition, compiler.profile)
    yes, no = as_single(then, compiler.profile), as_single(otherwise, compiler.profile)
    kind = then.kind if then.kind == otherwise.kind else "any"
    if not {"nodes", "any"} & {then.kind, otherwise.kind}:
        return Compiled(lambda frame: yes(frame) if test(frame) else no(frame), kind)
    raw_yes, raw_no = then.evaluate, otherwise.evaluate
    return Compiled(
        lambda frame: raw_yes(frame) if test(frame) else raw_no(frame),
        kind,
        lambda frame: yes(frame) if test(frame) else no(frame),
    )


def _is_blank(value: Value) -> bool:
    return value == "" or value != value


def _build_coalesce(compiler: Compiling, call: Call) -> Compiled:
    if compiler.profile is not Profile.JAVAROSA:
        return _build_text_coalesce(compiler, call)
    one, other = (compiler.compile(argument) for argument in call.arguments)
    first, second = as_single(one, compiler.profile), as_single(other, compiler.profile)
    first_nodes, nodes = one.evaluate, other.evaluate

    def coalesce(frame: Frame) -> Value:
        value = first(frame)
        return second(frame) if _is_blank(value) else value

    def coalesce_nodes(frame: Frame) -> Value:
        return nodes(frame) if _is_blank(first(frame)) else first_nodes(frame)

    return Compiled(coalesce_nodes, single=coalesce)


def _build_text_coalesce(compiler: Compiling, call: Call) -> Compiled:
    """Enketo and Web Forms compare and return texts."""
    one, other = (as_string(compiler.compile(argument), compiler.profile) for argument in call.arguments)
    return Compiled(lambda frame: one(frame) or other(frame), "string")


def _build_once(compiler: Compiling, call: Call) -> Compiled:
    argument = compiler.compile(call.arguments[0])
    value = as_single(argument, compiler.profile)
    if compiler.profile is Profile.JAVAROSA:
        return Compiled(_java_once(argument.evaluate), single=_java_once(argument.evaluate, compiler.profile))

    def once(frame: Frame) -> Value:
        stored = frame.read(frame.current)
        if to_string(stored, frame.profile) != "":
            return stored
        return to_string(value(frame), frame.profile)

    return Compiled(once)


def _java_once(value: Evaluator, single: Profile | None = None) -> Evaluator:
    """JavaRosa computes the new value even where it keeps the old one, and looks at the context node of the call."""

    def once(frame: Frame) -> Value:
        found = value(frame)
        stored = frame.read(frame.node)
        if stored != "":
            return stored
        return found if single is None else unpack(found, single)

    return once


def _build_not(compiler: Compiling, call: Call) -> Compiled:
    test = as_boolean(compiler.compile(call.arguments[0]), compiler.profile)
    return Compiled(lambda frame: not test(frame), "boolean")


def _build_boolean(compiler: Compiling, call: Call) -> Compiled:
    return Compiled(as_boolean(compiler.compile(call.arguments[0]), compiler.profile), "boolean")


def _from_string(frame: Frame, values: list[Value]) -> bool:
    value = values[0]
    if frame.profile is Profile.ENKETO and isinstance(value, float) and value > 0 and value.is_integer():
        return True
    text = to_string(value, frame.profile)
    if frame.profile is Profile.JAVAROSA:
        return text == "1" or text.lower() == "true"
    return text in {"1", "true"}


def _checklist(frame: Frame, values: list[Value]) -> bool:
    low, high = (number_of(value, frame) for value in values[:2])
    factors = values[2:]
    if frame.profile is not Profile.JAVAROSA or (len(factors) == 1 and isinstance(factors[0], NodeSet)):
        factors = flatten(factors)
    count = sum(_holds(factor, frame) for factor in factors)
    if frame.profile is Profile.JAVAROSA:
        low, high = _java_int(low), _java_int(high)
    return _within(count, low, high, frame.profile)


def _within(total: float, low: float, high: float, profile: Profile) -> bool:
    """Whether a total is within bounds; a negative one is none."""
    if profile is not Profile.WEBFORMS:
        return (low < 0 or total >= low) and (high < 0 or total <= high)
    if high == -1:
        return low < 1 or total >= low
    return low <= total <= high


def _java_int(value: float) -> float:
    return 0.0 if value != value else float(int(max(-2e9, min(2e9, value))))


def _weighted(frame: Frame, values: list[Value]) -> bool:
    low, high = (number_of(value, frame) for value in values[:2])
    flags, weights = values[2::2], values[3::2]
    javarosa = frame.profile is Profile.JAVAROSA
    if len(flags) != len(weights) or (javarosa and not flags):
        raise ExpressionError(
            "EXP-021", "weighted-checklist() needs pairs of a condition and its weight.", "Add the missing weight."
        )
    if len(flags) == 1 or not javarosa:
        flags, weights = flatten(flags), flatten(weights)
    pairs = zip(flags, weights, strict=False)
    # Every weight is read, also where its condition doesn't hold: one that is no single value stops JavaRosa.
    total = sum(
        weight for flag, weight in [(_holds(flag, frame), number_of(weight, frame)) for flag, weight in pairs] if flag
    )
    return low <= total <= high if javarosa else _within(total, low, high, frame.profile)


def _holds(value: Value, frame: Frame) -> bool:
    found = unpack(value, frame.profile)
    if isinstance(found, str) and frame.profile is not Profile.JAVAROSA:
        return found.strip() != ""
    return to_boolean(found, frame.profile)


FUNCTIONS = {
    "if": Function(3, 3, _build_if),
    "coalesce": Function(2, 2, _build_coalesce),
    "once": Function(1, 1, _build_once),
    "not": Function(1, 1, _build_not),
    "boolean": Function(1, 1, _build_boolean),
    "true": over_values("boolean", 0, 0, lambda frame, values: True),
    "false": over_values("boolean", 0, 0, lambda frame, values: False),
    "boolean-from-string": over_values("boolean", 1, 1, _from_string),
    "checklist": over_values("boolean", 2, None, _checklist),
    "weighted-checklist": over_values("boolean", 2, None, _weighted),
}
