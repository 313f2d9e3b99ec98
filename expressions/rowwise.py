"""Evaluate expressions row by row: instances are rebuilt from the tables, and each row is a context node.

The same meaning as over columns, some hundred times slower; for what has no columnar form (lists, choice filters), and
for the meaning that other engines give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from expressions.clock import CLOCK_FUNCTIONS, day_columns, moment_columns, refuse_unknown_time
from expressions.groups import Indices
from expressions.instance import Element
from expressions.personal_uses import refuse_personal_uses
from expressions.profiles import Profile
from expressions.rebuilding import InstanceBuilder, Tree, needed_names
from expressions.records import RecordExpr, Scope, compile_record
from expressions.syntax import Call, walk
from expressions.targets import Place
from expressions.values import EPOCH_TIME
from expressions.worlds import make_scope
from schemas.errors import ExpressionError
from schemas.fields import MAIN_TABLE, Field, Form

RowKind = Literal["boolean", "number", "string"]

_DATA_ERRORS = frozenset(("EXP-023", "EXP-024", "EXP-025"))
"""Errors that a record's answers cause: such a row has no value."""


@dataclass(frozen=True, slots=True)
class RowRequest:
    """An expression whose value is wanted in rows of a table.

    Attributes:
        kind: "boolean" (never null), "number" (Float64, null for NaN) or "string" ("" for blank).
        zone: time zone in which the day of a moment is told.
        profile: the engine whose meaning it has.
        rows: numbers of the rows, null for all; elsewhere the value is false, null or "".
    """

    text: str
    form: Form
    table: str
    field: Field | None
    kind: RowKind
    zone: str
    profile: Profile
    rows: Indices | None = None


def evaluate_rowwise(
    text: str,
    form: Form,
    table: str,
    field: Field | None,
    tables: Mapping[str, pl.DataFrame],
    *,
    kind: RowKind = "string",
    zone: str = "UTC",
    profile: Profile = Profile.JAVAROSA,
) -> pl.Series:
    """The expression's value in every row of a table; arguments as in `RowRequest`.

    Raises:
        ExpressionError: EXP-001 to EXP-030, as `compile_record`; EXP-110 for chance; EXP-112 for the time of an
            interview whose form doesn't record it; EXP-120 for personal answers.
    """
    (found,) = evaluate_rows([RowRequest(text, form, table, field, kind, zone, profile)], tables)
    if isinstance(found, ExpressionError):
        raise found
    return found


def evaluate_rows(
    requests: Sequence[RowRequest], tables: Mapping[str, pl.DataFrame]
) -> list[pl.Series | ExpressionError]:
    """The values of many expressions over tables of one form, or why one has none: each instance is built once.

    Args:
        requests: their forms may differ in what is personal and in types, but not in questions.
    """
    outcome: list[pl.Series | ExpressionError | None] = [None] * len(requests)
    running: dict[int, _Running] = {}
    for at, request in enumerate(requests):
        try:
            running[at] = _Running(request, tables)
        except ExpressionError as error:
            outcome[at] = error
    for together in _by_clock(running):
        for at, failure in _run(together, tables).items():
            outcome[at] = failure
    return [running[at].series() if found is None else found for at, found in enumerate(outcome)]


class _Running:
    """A request under evaluation."""

    def __init__(self, request: RowRequest, tables: Mapping[str, pl.DataFrame]) -> None:
        record = compile_record(request.text, request.profile)
        _refuse_chance(record)
        refuse_personal_uses(record.tree, Place(request.form, request.table, request.field))
        self.request = request
        self.needed = needed_names(record.tree, request.field)
        self.uses_clock = _uses_clock(record, request.form)
        self.evaluate = _evaluator(record, request.kind)
        self.wanted = None if request.rows is None else frozenset(request.rows.tolist())
        # Rows may stand in any order; one without its parent is nobody's, and has no value.
        self.values: list[bool | float | str | None] = [None] * tables[request.table].height

    def judge(self, builder: InstanceBuilder, tree: Tree, scope: Scope) -> None:
        """Fill in the values of one submission's rows."""
        request, unknown_time = self.request, tree.now is None and self.uses_clock
        nodes = builder.context_nodes(tree, request.table, request.field)
        for number, node in zip(tree.numbers.get(request.table, ()), nodes, strict=True):
            if self.wanted is None or number in self.wanted:
                self.values[number] = None if unknown_time else _evaluate(self.evaluate, node, scope)

    def series(self) -> pl.Series:
        """The values found."""
        return _as_series(self.values, self.request.kind)


def _by_clock(running: dict[int, _Running]) -> Iterable[dict[int, _Running]]:
    """The requests whose forms tell the moment of an interview alike: it is told once for each instance."""
    groups: dict[tuple[str, ...], dict[int, _Running]] = {}
    for at, one in running.items():
        form = one.request.form
        groups.setdefault((*moment_columns(form), "", *day_columns(form)), {})[at] = one
    return groups.values()


def _run(running: dict[int, _Running], tables: Mapping[str, pl.DataFrame]) -> dict[int, ExpressionError]:
    """Go through the submissions in which something is wanted; what failed, and why."""
    names: frozenset[str] | None = frozenset()
    for one in running.values():
        names = None if names is None or one.needed is None else names | one.needed
    builder = InstanceBuilder(next(iter(running.values())).request.form, tables, names)
    visits = _visits(running, builder)
    scopes: dict[tuple[int, str], Scope] = {}
    failed: dict[int, ExpressionError] = {}
    for tree in builder.trees(sorted(visits)):
        for at in visits[tree.numbers[MAIN_TABLE][0]]:
            if at in failed:
                continue
            request = running[at].request
            key = (id(request.form), request.zone)
            if key not in scopes:
                scopes[key] = make_scope(request.form, builder.empty_root(), request.zone)
            scope = scopes[key]
            scope.root = tree.root
            scope.now = (tree.now or EPOCH_TIME).astimezone(ZoneInfo(request.zone))
            try:
                running[at].judge(builder, tree, scope)
            except ExpressionError as error:
                failed[at] = error
    return failed


def _visits(running: dict[int, _Running], builder: InstanceBuilder) -> dict[int, list[int]]:
    """Row of the main table -> the requests that want something of that submission."""
    visits: dict[int, list[int]] = {}
    for at, one in running.items():
        rows = one.request.rows
        if rows is None:
            owners = range(builder.links.height(MAIN_TABLE))
        else:
            owners = np.unique(builder.links.ancestors(one.request.table, MAIN_TABLE)[rows]).tolist()
        for owner in owners:
            if owner >= 0:
                visits.setdefault(owner, []).append(at)
    return visits


def _evaluator(record: RecordExpr, kind: str) -> Callable[[Element, Scope], bool | float | str]:
    match kind:
        case "boolean":
            return record.boolean
        case "number":
            return record.number
        case _:
            return record.string


def _evaluate(
    evaluate: Callable[[Element, Scope], bool | float | str], node: Element, scope: Scope
) -> bool | float | str | None:
    try:
        value = evaluate(node, scope)
    except ExpressionError as error:
        if error.code in _DATA_ERRORS:
            return None
        raise
    return None if value != value else value


def _as_series(values: list[bool | float | str | None], kind: str) -> pl.Series:
    match kind:
        case "boolean":
            return pl.Series(values, dtype=pl.Boolean).fill_null(False)
        case "number":
            return pl.Series(values, dtype=pl.Float64)
        case _:
            return pl.Series(values, dtype=pl.String).fill_null("")


def _refuse_chance(record: RecordExpr) -> None:
    for part in walk(record.tree):
        if isinstance(part, Call) and part.name in {"random", "uuid", "randomize"}:
            raise ExpressionError(
                "EXP-110",
                f"At {part.position + 1}: {part.name}() differs each time.",
                "Refer to the stored answer.",
                part.position,
            )


def _uses_clock(record: RecordExpr, form: Form) -> bool:
    """Whether the expression asks for the time of the interview, which its form must record then."""
    calls = [part for part in walk(record.tree) if isinstance(part, Call) and part.name in CLOCK_FUNCTIONS]
    for call in calls:
        refuse_unknown_time(form, call.name, call.position)
    return bool(calls)
