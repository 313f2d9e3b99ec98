"""Evaluate an expression row by row: instances are rebuilt from the tables, and each row is a context node.

The same meaning as over columns, some hundred times slower; for what has no columnar form (lists, choice filters).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from expressions.clock import CLOCK_FUNCTIONS, refuse_unknown_time
from expressions.instance import Element
from expressions.personal_uses import refuse_personal_uses
from expressions.profiles import Profile
from expressions.rebuilding import InstanceBuilder
from expressions.records import RecordExpr, Scope, compile_record
from expressions.syntax import Call, walk
from expressions.targets import Place
from expressions.values import EPOCH_TIME
from schemas.errors import ExpressionError
from schemas.fields import Field, Form
from schemas.text import pick

RowKind = Literal["boolean", "number", "string"]

_DATA_ERRORS = frozenset(("EXP-023", "EXP-024", "EXP-025"))
"""Errors that a record's answers cause: such a row has no value."""


def evaluate_rowwise(
    text: str,
    form: Form,
    table: str,
    field: Field | None,
    tables: Mapping[str, pl.DataFrame],
    *,
    kind: str = "string",
    zone: str = "UTC",
    profile: Profile = Profile.JAVAROSA,
) -> pl.Series:
    """The expression's value in every row of a table.

    Args:
        kind: "boolean" (never null), "number" (Float64, null for NaN) or "string" ("" for blank).
        zone: time zone in which the day of a moment is told.
        profile: the engine whose meaning it has.

    Raises:
        ExpressionError: EXP-001 to EXP-030, as `compile_record`; EXP-110 for chance; EXP-112 for the time of an
            interview whose form doesn't record it; EXP-120 for personal answers.
    """
    record = compile_record(text, profile)
    _refuse_chance(record)
    refuse_personal_uses(record.tree, Place(form, table, field))
    builder = InstanceBuilder(form, tables, record.tree, field)
    uses_clock = _uses_clock(record, form)
    scope = _make_scope(form, builder.empty_root(), zone)
    # Rows may stand in any order; one without its parent is nobody's, and has no value.
    values: list[bool | float | str | None] = [None] * tables[table].height
    evaluate = _evaluator(record, kind)
    for tree in builder.trees():
        scope.root = tree.root
        unknown_time = tree.now is None and uses_clock
        scope.now = (tree.now or EPOCH_TIME).astimezone(ZoneInfo(zone))
        nodes = builder.context_nodes(tree, table, field)
        for number, node in zip(tree.numbers.get(table, ()), nodes, strict=True):
            values[number] = None if unknown_time else _evaluate(evaluate, node, scope)
    return _as_series(values, kind)


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


def _make_scope(form: Form, root: Element, zone: str) -> Scope:
    fields = list(form.fields())
    references = {field.name: field.path for field in reversed(fields)}
    references |= {table.path.rpartition("/")[2]: table.path for table in form.tables if table.parent is not None}
    return Scope(
        root,
        EPOCH_TIME.replace(tzinfo=UTC),
        instances=_list_trees(form),
        references=references,
        types={field.path: field.type for field in fields},
        labels=choice_labels(form),
        files=media_rows(form),
        version=form.version,
    )


_KEPT = 8
"""Forms whose lists are kept as trees: building them costs more than evaluating most expressions."""

_TREES: OrderedDict[int, tuple[Form, dict[str, Element]]] = OrderedDict()
"""By the form's identity; holding the form, so that no other takes its id."""


def _list_trees(form: Form) -> dict[str, Element]:
    kept = _TREES.get(id(form))
    if kept is None:
        kept = form, {name: _list_tree(instance.items) for name, instance in form.instances.items()}
        _TREES[id(form)] = kept
        while len(_TREES) > _KEPT:
            _TREES.popitem(last=False)
    return kept[1]


def _list_tree(items: tuple[Mapping[str, str], ...]) -> Element:
    root = Element("root")
    for item in items:
        node = root.append(Element("item"))
        for name, text in item.items():
            node.append(Element(name, text))
    return root


def choice_labels(form: Form) -> Callable[[str, str], str]:
    """A function of a select's path (or its name) and a choice's code: the label in the form's first language."""
    labels = {
        (field.path, choice.value): pick(choice.label, form.languages[0])
        for field in form.fields()
        for choice in field.choices
    }
    names = {(path.rpartition("/")[2], value): label for (path, value), label in labels.items()}

    def label(path: str, value: str) -> str:
        return labels.get((path, value)) or names.get((path.rpartition("/")[2].strip(), value), "")

    return label


def media_rows(form: Form) -> dict[str, tuple[Mapping[str, str], ...]]:
    """The rows of the form's CSV files by file name, for `pulldata`."""
    files = {}
    for instance in form.instances.values():
        if instance.src and instance.src.endswith(".csv"):
            files[instance.src.rpartition("/")[2]] = instance.items
    return files
