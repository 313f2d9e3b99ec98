"""A compiled expression: a Python closure, and what is known about its value beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from expressions.profiles import Profile
from expressions.scope import Evaluator, Frame
from expressions.script_dates import script_number_of
from expressions.syntax import Expr
from expressions.values import Value, to_boolean, to_number, to_string, unpack

Kind = Literal["boolean", "number", "string", "nodes", "any"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A closure and its promise.

    Attributes:
        evaluate: the closure.
        kind: type of its value if known; "any" is everything but a node-set, unless `single` is given.
        single: closure for the one value in a scalar place; quicker than unpacking a node-set. Null: `evaluate` does.
        constant: the value, where it is the same everywhere; else null.
    """

    evaluate: Evaluator
    kind: Kind = "any"
    single: Evaluator | None = None
    constant: Value | None = None


class Compiling(Protocol):
    """What compiles the arguments of a function or the parts of a path: `expressions.compiler.Compiler`."""

    @property
    def profile(self) -> Profile:
        """The engine whose meaning is compiled."""

    def compile(self, expr: Expr) -> Compiled:
        """The closure of a tree."""


def constant(value: Value) -> Compiled:
    """A value written in the text."""
    kind: Kind = "number" if isinstance(value, float) else "string" if isinstance(value, str) else "boolean"
    return Compiled(lambda frame: value, kind, constant=value)


def as_single(compiled: Compiled, profile: Profile) -> Evaluator:
    """A closure for the one value; node-sets are unpacked."""
    if compiled.single is not None:
        return compiled.single
    evaluate = compiled.evaluate
    if compiled.kind != "nodes":
        return evaluate
    return lambda frame: unpack(evaluate(frame), profile)


def as_boolean(compiled: Compiled, profile: Profile) -> Callable[[Frame], bool]:
    """A closure for the value as true or false."""
    if compiled.kind == "boolean":
        return compiled.evaluate  # type: ignore[return-value]  # its kind says so
    evaluate = as_single(compiled, profile) if profile is Profile.JAVAROSA else compiled.evaluate
    return lambda frame: to_boolean(evaluate(frame), profile)


def as_number(compiled: Compiled, profile: Profile) -> Callable[[Frame], float]:
    """A closure for the value as a number."""
    if compiled.kind == "number":
        return compiled.evaluate  # type: ignore[return-value]  # its kind says so
    evaluate = as_single(compiled, profile)
    if profile is not Profile.JAVAROSA:
        return lambda frame: script_number_of(evaluate(frame), profile, frame.scope.now.tzinfo)

    def number(frame: Frame) -> float:
        value = evaluate(frame)
        return value if type(value) is float else to_number(value, profile)

    return number


def as_string(compiled: Compiled, profile: Profile) -> Callable[[Frame], str]:
    """A closure for the value as text."""
    if compiled.kind == "string":
        return compiled.evaluate  # type: ignore[return-value]  # its kind says so
    evaluate = as_single(compiled, profile)

    def string(frame: Frame) -> str:
        value = evaluate(frame)
        return value if type(value) is str else to_string(value, profile)

    return string
