"""Functions about truth and choice: if, coalesce, once, not, true, false, boolean, checklists."""

from __future__ import annotations

from expressions.compiled import Compiled, Compiling, as_boolean, as_single
from expressions.profiles import Profile
from expressions.registry import Function, flatten, over_values
from expressions.scope import Frame
from expressions.syntax import Call
from expressions.values import NodeSet, Value, to_boolean, to_number, to_string, unpack


def _build_if(compiler: Compiling, call: Call) -> Compiled:
    condition, then, otherwise = (compiler.compile(argument) for argument in call.arguments)
    test = as_boolean(condition, compiler.profile)
    yes, no = as_single(then, compiler.profile), as_single(otherwise, compiler.profile)
    kind = then.kind if then.kind == otherwise.kind else "any"
    if "nodes" not in (then.kind, otherwise.kind):
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
    first, second = (as_single(compiler.compile(argument), compiler.profile) for argument in call.arguments)

    def coalesce(frame: Frame) -> Value:
        value = first(frame)
        return second(frame) if _is_blank(value) else value

    return Compiled(coalesce)


def _build_once(compiler: Compiling, call: Call) -> Compiled:
    value = as_single(compiler.compile(call.arguments[0]), compiler.profile)

    def once(frame: Frame) -> Value:
        stored = frame.read(frame.current)
        if to_string(stored, frame.profile) != "":
            return stored
        found = value(frame)
        # A calculation that isn't ready yet must not be kept as "NaN".
        return "" if found != found and frame.profile is Profile.WEBFORMS else found

    return Compiled(once)


def _build_not(compiler: Compiling, call: Call) -> Compiled:
    test = as_boolean(compiler.compile(call.arguments[0]), compiler.profile)
    return Compiled(lambda frame: not test(frame), "boolean")


def _build_boolean(compiler: Compiling, call: Call) -> Compiled:
    return Compiled(as_boolean(compiler.compile(call.arguments[0]), compiler.profile), "boolean")


def _from_string(frame: Frame, values: list[Value]) -> bool:
    text = to_string(values[0], frame.profile)
    if frame.profile is Profile.JAVAROSA:
        return text == "1" or text.lower() == "true"
    return text in {"1", "true"}


def _checklist(frame: Frame, values: list[Value]) -> bool:
    low, high = (to_number(value, frame.profile) for value in values[:2])
    factors = values[2:]
    if frame.profile is not Profile.JAVAROSA or (len(factors) == 1 and isinstance(factors[0], NodeSet)):
        factors = flatten(factors)
    count = sum(_holds(factor, frame) for factor in factors)
    return (low < 0 or count >= int(low)) and (high < 0 or count <= int(high))


def _weighted(frame: Frame, values: list[Value]) -> bool:
    low, high = (to_number(value, frame.profile) for value in values[:2])
    flags, weights = values[2::2], values[3::2]
    if len(flags) == 1:
        flags, weights = flatten(flags), flatten(weights)
    pairs = zip(flags, weights, strict=False)
    total = sum(to_number(weight, frame.profile) for flag, weight in pairs if _holds(flag, frame))
    return low <= total and (total <= high or (high < 0 and frame.profile is Profile.WEBFORMS))


def _holds(value: Value, frame: Frame) -> bool:
    return to_boolean(unpack(value, frame.profile), frame.profile)


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
