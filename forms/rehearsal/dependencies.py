"""Which paths of the instance an expression reads, seen from its text alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from expressions.syntax import Binary, Call, Expr, Filter, Logic, Negation, Path, Reference, Step


@dataclass(frozen=True, slots=True)
class Reads:
    """What an expression reads.

    Attributes:
        paths: absolute paths without predicates, sorted.
        wide: of these, the ones it may read in another row of a repeat than its own (reached by a predicate, by
            `indexed-repeat` or by a step to the repeat itself).
        lists: ids of secondary instances.
    """

    paths: tuple[str, ...]
    wide: frozenset[str]
    lists: frozenset[str]


AGGREGATES = frozenset(("count", "count-non-empty", "indexed-repeat", "join", "max", "min", "sum"))
"""Functions that look at all rows of a repeat."""


def find_reads(expr: Expr, context: str, references: Mapping[str, str], repeats: frozenset[str]) -> Reads:
    """What `expr` reads when its context node is at the absolute path `context`.

    Args:
        references: question name -> absolute path, for `${name}`. Unknown names read nothing.
        repeats: paths of the form's repeats.
    """
    finder = _Finder(context, references, repeats)
    finder.visit(expr, context, False)
    return Reads(tuple(sorted(finder.paths)), frozenset(finder.wide), frozenset(finder.lists))


class _Finder:
    def __init__(self, context: str, references: Mapping[str, str], repeats: frozenset[str]) -> None:
        self.current = context
        self.references = references
        self.repeats = repeats
        self.paths: set[str] = set()
        self.wide: set[str] = set()
        self.lists: set[str] = set()

    def visit(self, expr: Expr, context: str | None, wide: bool) -> None:
        """Collect below `expr`; a null context is a node of a secondary instance."""
        match expr:
            case Reference(name=name):
                self._add(self.references.get(name), wide)
            case Call():
                self._visit_call(expr, context, wide)
            case Negation(operand=operand):
                self.visit(operand, context, wide)
            case Binary(left=left, right=right):
                self.visit(left, context, wide)
                self.visit(right, context, wide)
            case Logic(operands=operands):
                for operand in operands:
                    self.visit(operand, context, wide)
            case Path():
                self._visit_path(expr, context, wide)
            case Filter(base=base, predicates=predicates):
                start = self._start(base, context)
                self.visit(base, context, True)
                for predicate in predicates:
                    self.visit(predicate, start, True)
            case _:
                return

    def _visit_call(self, call: Call, context: str | None, wide: bool) -> None:
        if call.name == "current" and not call.arguments:
            self._add(self.current, wide)
        else:
            for argument in call.arguments:
                self.visit(argument, context, wide or call.name in AGGREGATES)

    def _visit_path(self, path: Path, context: str | None, wide: bool) -> None:
        if path.base is not None:
            at = self._start(path.base, context)
            if not isinstance(path.base, Reference) and not _is_current(path.base):
                self.visit(path.base, context, wide)
        else:
            at = "" if path.absolute else context
        climbed = False
        for step in path.steps:
            climbed = climbed or (step.axis == "parent" and at in self.repeats)
            at = _step(at, step)
            # Out of a row and into the repeat again, or picked by a predicate: may be another row.
            wide = wide or bool(step.predicates) or (climbed and at in self.repeats)
            for predicate in step.predicates:
                self.visit(predicate, at, True)
        self._add(at, wide)

    def _start(self, base: Expr, context: str | None) -> str | None:
        """Path of the nodes that `base` gives, null where they lie outside the main instance."""
        match base:
            case Reference(name=name):
                return self.references.get(name)
            case Call(name="current"):
                return self.current
            case Call(name="instance", arguments=arguments):
                self.lists.update(getattr(argument, "value", "") for argument in arguments)
                return None
            case Path(base=None, absolute=absolute, steps=steps):
                at = "" if absolute else context
                for step in steps:
                    at = _step(at, step)
                return at
            case Path(base=inner) if inner is not None:
                return self._start(inner, context)
            case Filter(base=inner):
                return self._start(inner, context)
            case _:
                return None

    def _add(self, path: str | None, wide: bool) -> None:
        if path:
            self.paths.add(path)
            if wide:
                self.wide.add(path)


def _is_current(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.name == "current"


def _step(at: str | None, step: Step) -> str | None:
    if at is None:
        return None
    if step.axis == "self":
        return at
    if step.axis == "parent":
        return at.rpartition("/")[0]
    if step.axis in {"child", "attribute"}:  # other axes stay where they are: nothing in forms uses them
        # Prefixes are dropped: the form's paths have none.
        return f"{at}/{'@' if step.axis == 'attribute' else ''}{step.test.rpartition(':')[2]}"
    return at
