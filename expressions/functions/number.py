"""Functions of numbers: conversions, rounding, powers, trigonometry, extremes."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal

from expressions.compiled import Compiled, Compiling, as_number
from expressions.operators import divide
from expressions.profiles import Profile
from expressions.registry import SCRIPT, Function, flatten, need_nodes, over_numbers, over_values, spread
from expressions.scope import Frame
from expressions.script_dates import looks_like_date, script_number_of
from expressions.syntax import Call
from expressions.values import INFINITY, LARGEST, NAN, SMALLEST, DayNumber, NodeSet, Value, to_number, unpack

_LONG = 9.223372036854775807e18
_PLACES = 30


def _build_number(compiler: Compiling, call: Call) -> Compiled:
    profile = compiler.profile
    if profile is Profile.JAVAROSA and call.arguments:
        return Compiled(as_number(compiler.compile(call.arguments[0]), profile), "number")
    evaluate = compiler.compile(call.arguments[0]).evaluate if call.arguments else None

    def number(frame: Frame) -> float:
        value = unpack(frame.read(frame.node) if evaluate is None else evaluate(frame), profile)
        found = number_of(value, frame)
        dated = profile is Profile.WEBFORMS and isinstance(value, str) and looks_like_date(value, profile)
        return DayNumber(found) if dated else found

    return Compiled(number, "number")


def number_of(value: Value, frame: Frame) -> float:
    """A value as a number, by the frame's engine."""
    if frame.profile is Profile.JAVAROSA:
        return to_number(value)
    return script_number_of(value, frame.profile, frame.scope.now.tzinfo)


def truncate(value: float) -> float:
    """Towards zero, keeping what is infinite, NaN, or beyond 64 bits."""
    if value != value or abs(value) >= _LONG:
        return value
    return math.copysign(float(int(value)), value)


def round_java(value: float, places: int) -> float:
    """JavaRosa's round: halves go up (-2.5 to -2), on the decimal digits as written."""
    if value != value or math.isinf(value):
        return value
    if abs(places) > _PLACES:
        return NAN
    if places < 0:
        scale = 10.0**-places
        return float(max(-_LONG, min(_LONG, math.trunc(value / scale + 0.5)))) * scale
    method = ROUND_HALF_DOWN if value < 0 else ROUND_HALF_UP
    # Java's BigDecimal has no negative zero.
    return float(_quantize(value, places, method)) + 0.0


def _quantize(value: float, places: int, method: str) -> Decimal:
    exact = Decimal(repr(value))
    _, _, exponent = exact.as_tuple()
    if int(exponent) >= -places:
        return exact
    digits = max(1, exact.adjusted() + places + 2)
    return exact.quantize(Decimal(1).scaleb(-places), method, Context(prec=max(28, digits)))


def round_script(value: float, places: int) -> float:
    """Round of Enketo and Web Forms: halves go away from zero, on the binary number."""
    if value != value or math.isinf(value):
        return value
    scale = 10.0 ** abs(places)
    scaled = abs(value) * scale if places >= 0 else abs(value) / scale
    rounded = math.floor(scaled + 0.5)
    return math.copysign(rounded / scale if places >= 0 else rounded * scale, value) + 0.0


def _round_web_forms(value: float, places: float) -> float:
    """As Web Forms rounds, where places may have a fraction too."""
    if value != value or places != places:
        return NAN
    scale = 10.0 ** max(-300.0, min(300.0, places))
    if math.isinf(value) or math.isinf(value * scale):
        return value
    return math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value) + 0.0


def _build_round(compiler: Compiling, call: Call) -> Compiled:
    numbers = [as_number(compiler.compile(argument), compiler.profile) for argument in call.arguments]
    value = numbers[0]
    digits = numbers[1] if len(numbers) == 2 else None
    if compiler.profile is Profile.WEBFORMS and digits is not None:
        return Compiled(lambda frame: _round_web_forms(value(frame), digits(frame)), "number")
    rounding = round_java if compiler.profile is Profile.JAVAROSA else round_script

    javarosa = compiler.profile is Profile.JAVAROSA

    def rounded(frame: Frame) -> float:
        places = 0.0 if digits is None else digits(frame)
        if places != places and not javarosa:
            return NAN
        return rounding(value(frame), 0 if places != places else int(max(-99.0, min(99.0, places))))

    return Compiled(rounded, "number")


def _build_extreme(pick: Callable[[list[float]], float], floor: float) -> Callable[[Compiling, Call], Compiled]:
    def build(compiler: Compiling, call: Call) -> Compiled:
        closures = [compiler.compile(argument).evaluate for argument in call.arguments]

        def extreme(frame: Frame) -> float:
            values = spread(frame, [closure(frame) for closure in closures])
            if frame.profile is not Profile.JAVAROSA:
                numbers = [number_of(value, frame) for value in values]
                return NAN if not numbers or any(number != number for number in numbers) else pick(numbers)
            numbers = [number for value in values if (number := to_number(value)) == number]
            # JavaRosa starts its maximum at the smallest positive number, so that negatives lose to it.
            found = pick([*numbers, floor]) if numbers else NAN
            # Of two zeros the negative one is the smaller, in Java.
            return -0.0 if found == 0 and any(math.copysign(1, one) < 0 for one in numbers if one == 0) else found

        return Compiled(extreme, "number")

    return build


def _sum(frame: Frame, values: list[Value]) -> float:
    if frame.profile is not Profile.JAVAROSA:
        numbers = [number_of(value, frame) for value in flatten(values)]
        if frame.profile is Profile.WEBFORMS:
            return sum(numbers) if numbers else NAN
        # Enketo adds from the last to the first, which decides the last digit; and takes nodes only.
        need_nodes(values[0], "sum()", 0)
        return float(sum(reversed(numbers)))
    nodes = values[0]
    if not isinstance(nodes, NodeSet):
        need_nodes(nodes, "sum()", 0)
        return NAN
    return sum((number for node in nodes.nodes if (number := to_number(nodes.read(node))) == number), 0.0)


def _guard(apply: Callable[..., float]) -> Callable[..., float]:
    """Python's functions raise where IEEE says NaN or infinite."""

    def guarded(*numbers: float) -> float:
        try:
            return apply(*numbers)
        except OverflowError:
            return INFINITY
        except ValueError:
            return NAN

    return guarded


def power(base: float, exponent: float) -> float:
    """Base to the exponent by IEEE's rules; 0 to a negative power is infinite, -0 to an odd one below zero."""
    if base == 0 and exponent < 0:
        return math.copysign(INFINITY, base) if exponent % 2 == 1 else INFINITY
    return math.pow(base, exponent)


def _log(base: float) -> Callable[[float], float]:
    def logarithm(value: float) -> float:
        if value == 0:
            return -INFINITY
        return math.log10(value) if base == 10 else math.log(value)

    return logarithm


FUNCTIONS = {
    "number": Function(0, 1, _build_number),
    "int": over_numbers(truncate, 1),
    "round": Function(1, 2, _build_round),
    "floor": over_numbers(lambda value: float(math.floor(value)) if math.isfinite(value) else value, 1, SCRIPT),
    "ceiling": over_numbers(lambda value: float(math.ceil(value)) if math.isfinite(value) else value, 1, SCRIPT),
    "abs": over_numbers(abs, 1, moments=True),
    "pow": over_numbers(_guard(power), 2, moments=True),
    "exp": over_numbers(_guard(math.exp), 1, moments=True),
    "exp10": over_numbers(_guard(lambda value: math.pow(10.0, value)), 1, moments=True),
    "log": over_numbers(_guard(_log(math.e)), 1, moments=True),
    "log10": over_numbers(_guard(_log(10)), 1, moments=True),
    "sqrt": over_numbers(_guard(math.sqrt), 1, moments=True),
    "sin": over_numbers(_guard(math.sin), 1, moments=True),
    "cos": over_numbers(_guard(math.cos), 1, moments=True),
    "tan": over_numbers(_guard(math.tan), 1, moments=True),
    "asin": over_numbers(_guard(math.asin), 1, moments=True),
    "acos": over_numbers(_guard(math.acos), 1, moments=True),
    "atan": over_numbers(_guard(math.atan), 1, moments=True),
    "atan2": over_numbers(_guard(math.atan2), 2, moments=True),
    "pi": over_numbers(lambda: math.pi, 0),
    "random": over_values("number", 0, 0, lambda frame, values: frame.scope.random.random()),
    "max": Function(0, None, _build_extreme(max, SMALLEST)),
    "min": Function(0, None, _build_extreme(min, LARGEST)),
    "sum": over_values("number", 1, 1, _sum),
}
__all__ = ["FUNCTIONS", "divide", "power", "round_java", "truncate"]
