"""How a function is declared: its number of arguments, its engines, and the closure it compiles to.

The modules of `expressions.functions` register what they define; the compiler looks it up here. So neither imports the
other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from expressions.compiled import Compiled, Compiling, Kind, as_number, as_string
from expressions.dates import midnight
from expressions.profiles import Profile
from expressions.scope import Evaluator, Frame
from expressions.script_dates import as_moment
from expressions.syntax import Call
from expressions.values import EPOCH, NodeSet, Value, to_number, unpack
from schemas.errors import ExpressionError

EVERYWHERE = frozenset(Profile)
SCRIPT = frozenset((Profile.WEBFORMS, Profile.ENKETO))
JAVA = frozenset((Profile.JAVAROSA,))

Builder = Callable[[Compiling, Call], Compiled]


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        low, high: fewest and most arguments; null `high` is any number.
        build: makes the closure from the call.
        profiles: engines that have it.
    """

    low: int
    high: int | None
    build: Builder
    profiles: frozenset[Profile] = EVERYWHERE

    def expected(self) -> str:
        """The number of arguments in words."""
        if self.high is None:
            return f"at least {self.low}"
        return str(self.low) if self.low == self.high else f"{self.low} to {self.high}"


_KNOWN: dict[str, Function] = {}


def register(functions: Mapping[str, Function]) -> None:
    """Add functions by their names; a name is defined once.

    Raises:
        ValueError: a programming error, when a name is taken.
    """
    taken = _KNOWN.keys() & functions.keys()
    if taken:
        raise ValueError(f"Defined twice: {', '.join(sorted(taken))}.")
    _KNOWN.update(functions)


def find_function(name: str) -> Function | None:
    """The function of that name, null if no engine has one."""
    return _KNOWN.get(name)


def function_names(profile: Profile) -> list[str]:
    """The names of an engine's functions, in order."""
    return sorted(name for name, function in _KNOWN.items() if profile in function.profiles)


def over_values(
    kind: Kind,
    low: int,
    high: int | None,
    apply: Callable[[Frame, list[Value]], Value],
    profiles: frozenset[Profile] = EVERYWHERE,
) -> Function:
    """A function of its arguments' values, node-sets as such."""

    def build(compiler: Compiling, call: Call) -> Compiled:
        closures = [compiler.compile(argument).evaluate for argument in call.arguments]
        if len(closures) == 1:
            (only,) = closures
            return Compiled(lambda frame: apply(frame, [only(frame)]), kind)
        return Compiled(lambda frame: apply(frame, [closure(frame) for closure in closures]), kind)

    return Function(low, high, build, profiles)


def over_numbers(
    apply: Callable[..., float], count: int, profiles: frozenset[Profile] = EVERYWHERE, *, moments: bool = False
) -> Function:
    """A function of `count` numbers that yields a number.

    Args:
        moments: whether JavaRosa takes computed dates with their time of day here (else as whole days).
    """
    read = _as_double if moments else as_number

    def build(compiler: Compiling, call: Call) -> Compiled:
        closures = [read(compiler.compile(argument), compiler.profile) for argument in call.arguments]
        return Compiled(lambda frame: apply(*[closure(frame) for closure in closures]), "number")

    return Function(count, count, build, profiles)


def _as_double(compiled: Compiled, profile: Profile) -> Callable[[Frame], float]:
    """A number; in JavaRosa a computed date is days with a fraction, since 1970 began in its time zone."""
    number = as_number(compiled, profile)
    if profile is not Profile.JAVAROSA or compiled.kind != "any":
        return number
    evaluate = compiled.evaluate

    def double(frame: Frame) -> float:
        value = evaluate(frame)
        if not isinstance(value, date):
            return to_number(value)
        zone = frame.scope.now.tzinfo
        # In UTC, since Python takes moments of one zone apart by their clocks.
        return (as_moment(value, zone).astimezone(UTC) - midnight(EPOCH, zone).astimezone(UTC)) / timedelta(days=1)

    return double


def over_strings(
    kind: Kind, low: int, high: int, apply: Callable[..., Value], profiles: frozenset[Profile] = EVERYWHERE
) -> Function:
    """A function of texts."""

    def build(compiler: Compiling, call: Call) -> Compiled:
        closures = [as_string(compiler.compile(argument), compiler.profile) for argument in call.arguments]
        if len(closures) == 2:
            first, second = closures
            return Compiled(lambda frame: apply(first(frame), second(frame)), kind)
        return Compiled(lambda frame: apply(*[closure(frame) for closure in closures]), kind)

    return Function(low, high, build, profiles)


def flatten(values: list[Value]) -> list[Value]:
    """The values with every node-set replaced by the values of its nodes."""
    flat: list[Value] = []
    for value in values:
        if isinstance(value, NodeSet):
            flat.extend(value.read(node) for node in value.nodes)
        else:
            flat.append(value)
    return flat


def spread(frame: Frame, values: list[Value]) -> list[Value]:
    """Arguments as a list of single values.

    JavaRosa spreads a node-set only where it is the sole argument, and unpacks the others; the rest spread each.
    """
    if frame.profile is not Profile.JAVAROSA or len(values) == 1:
        return flatten(values)
    return [unpack(value, frame.profile) for value in values]


def need_nodes(value: Value, name: str, position: int) -> NodeSet:
    """The node-set, or the error that tells that none was given (EXP-023)."""
    if isinstance(value, NodeSet):
        return value
    raise ExpressionError(
        "EXP-023",
        f"At {position + 1}: {name} needs nodes (a path or ${{name}}), found a single value.",
        "Give it the path of a question or repeat.",
        position,
    )


__all__ = ["EVERYWHERE", "JAVA", "SCRIPT", "Builder", "Evaluator", "Function"]
