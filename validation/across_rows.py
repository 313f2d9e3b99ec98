"""Which answers of its own repeat an expression reads in other rows than its own: sums, neighbours, counted rows."""

from __future__ import annotations

from collections.abc import Iterator

from expressions.grammar import parse
from expressions.syntax import Call, Expr, Filter, Path, Reference, children, walk
from expressions.targets import Place, Target, find_path, find_reference
from schemas.errors import ExpressionError
from schemas.fields import Field


def read_across_rows(text: str, place: Place) -> frozenset[str]:
    """Paths of the questions that an expression reads in several rows, or in one that isn't its own or above it."""
    try:
        tree = parse(text)
    except ExpressionError:
        return frozenset()
    return frozenset(_read(tree, place))


def _read(expr: Expr, place: Place) -> Iterator[str]:
    match expr:
        case Reference() | Path() | Filter():
            target = _target(expr, place)
            if target is None:
                # A list, or current(): its parts may still read answers.
                for part in children(expr):
                    yield from _read(part, place)
            elif not target.is_single:
                yield from _paths(expr, target, place)
        case Call(name="indexed-repeat", arguments=(wanted, *others)):
            target = _target(wanted, place)
            if target is not None and target.field is not None:
                yield target.field.path
            for other in others:
                if not isinstance(other, Path | Reference) or _is_question(other, place):
                    yield from _read(other, place)
        case _:
            for part in children(expr):
                yield from _read(part, place)


def _paths(expr: Expr, target: Target, place: Place) -> Iterator[str]:
    """The question at the end of a path, and those that its predicates ask about in each row."""
    if target.field is not None:
        yield target.field.path
    for table, field, predicate in target.predicates:
        inner = Place(place.form, table, field)
        for part in walk(predicate):
            if isinstance(part, Reference | Path):
                found = _target(part, inner)
                if found is not None and found.field is not None:
                    yield found.field.path


def _is_question(expr: Expr, place: Place) -> bool:
    target = _target(expr, place)
    return target is not None and isinstance(target.field, Field)


def _target(expr: Expr, place: Place) -> Target | None:
    """What a name or path means in the form; null if it is nothing there."""
    try:
        if isinstance(expr, Reference):
            return find_reference(expr, place)
        if isinstance(expr, Path):
            return find_path(expr, place)
        if isinstance(expr, Filter) and isinstance(expr.base, Reference | Path):
            base = _target(expr.base, place)
            if base is None:
                return None
            more = tuple((base.table, base.field, predicate) for predicate in expr.predicates)
            return Target(base.base, base.table, base.field, base.predicates + more, base.position, base.name)
    except ExpressionError:
        return None
    return None
