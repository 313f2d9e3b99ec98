"""Types of a form's expressions, and where ODK's engines would understand them differently (FRM-72x to FRM-74x)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from expressions.syntax import Call, Expr, Number, Path, Text, walk
from expressions.targets import Place
from expressions.typing.differences import find_differences
from expressions.typing.domains import Domain
from expressions.typing.faults import Fault, find_faults
from expressions.typing.reasoner import Reasoner, read, stand_in
from expressions.typing.types import Types
from forms.headers import cell
from forms.lint.problems import problem
from forms.outline import Outline
from schemas.errors import Problem
from schemas.fields import MAIN_TABLE, Field, Form, Node, Repeat
from schemas.workbook import Row

_SPECS: Final = (
    ("checks", ("expression",)),
    ("indicators", ("universe", "denominator", "numerator", "value")),
    ("breakdowns", ("value",)),
)
_CONDITIONS: Final = frozenset(("relevant", "constraint", "required"))


def check_types(outline: Outline, form: Form) -> Iterator[Problem]:
    """Every fault of type, and every difference between engines, each once a cell."""
    reasoner = Reasoner(form)
    domains = {field.path: reasoner.domain(field) for field in form.fields()}
    always = _always_answered(form, reasoner, domains)
    rows = {row.row.number: row.row for row in outline.rows}
    for column, node, tree in _expressions(form, form.root, MAIN_TABLE):
        row = rows.get(node.row or 0)
        if row is None or cell(row, "name") != node.name:
            continue
        types = Types(Place(form, node.table, node), domains, always)
        found = [*find_faults(tree, types)]
        if column in _CONDITIONS:
            found += _no_condition(tree, types, column)
        found += find_differences(tree, types, column in _CONDITIONS or column == "choice_filter")
        yield from _told(outline, "survey", row, column, found)
    yield from _check_sheets(outline, form, domains, always)
    yield from _selected_of_one(outline, form, rows)


def _always_answered(form: Form, reasoner: Reasoner, domains: Mapping[str, Domain]) -> frozenset[str]:
    """Paths of questions that have an answer in every row: required, or calculated from such, and always asked."""
    found: set[str] = set()
    for field in form.fields():
        within = f"{form.table(field.table).path}/"
        conditions = (demand.place.path for demand in reasoner.relevance.get(field.path, ()))
        if any(path.startswith(within) for path in conditions):
            continue
        tree = read(field.calculation)
        if tree is not None:
            types = Types(Place(form, field.table, field), domains, frozenset(found))
            if not types.of(tree).may_be_blank:
                found.add(field.path)
        elif (field.required or "").strip() == "true()" and field.control not in {"", "trigger"}:
            found.add(field.path)
    return frozenset(found)


def _expressions(form: Form, node: Node, table: str) -> Iterator[tuple[str, Field, Expr]]:
    """(column, question or its stand-in, tree) of every expression of the form."""
    own = node.table if isinstance(node, Field | Repeat) else table
    at = stand_in(node, own) if isinstance(node, Field) else Field(node.name, node.path, table=own, row=node.row)
    texts = [("relevant", node.relevant)]
    if isinstance(node, Field) and node.column:
        texts += [("constraint", node.constraint), ("required", node.required), ("calculation", node.calculation)]
    if isinstance(node, Repeat):
        texts.append(("repeat_count", node.count))
    for column, text in texts:
        tree = read(text)
        if tree is not None:
            yield column, at, tree
    if isinstance(node, Field):
        filtered = read(node.itemset)
        if isinstance(filtered, Path) and isinstance(filtered.base, Call):
            for step in filtered.steps:
                yield from (("choice_filter", at, predicate) for predicate in step.predicates)
        return
    for child in node.children:
        yield from _expressions(form, child, own)


def _told(outline: Outline, sheet: str, row: Row, column: str, found: list[Fault]) -> Iterator[Problem]:
    seen: set[str] = set()
    for fault in found:
        if fault.code not in seen:
            seen.add(fault.code)
            yield problem(outline.workbook, fault.severity, fault.code, sheet, row, column, fault.message, fault.advice)


def _no_condition(tree: Expr, types: Types, column: str) -> list[Fault]:
    """A value in the place of a condition; questions are told of as a difference between engines."""
    typed = types.of(tree)
    if typed.kind in {"bool", "any"} or typed.question is not None:
        return []
    if isinstance(tree, Number | Text):
        message = f"The {column} is the same for every interview."
    else:
        message = f"The {column} is no condition but a value: it holds unless that is blank or 0."
    return [Fault("FRM-729", message, "Write a comparison.")]


def _check_sheets(
    outline: Outline, form: Form, domains: Mapping[str, Domain], always: frozenset[str]
) -> Iterator[Problem]:
    tables = {table.name for table in form.tables}
    for sheet, columns in _SPECS:
        for row in outline.workbook.rows(sheet):
            table = cell(row, "table") or MAIN_TABLE
            for column in columns if table in tables else ():
                tree = read(cell(row, column))
                if tree is not None:
                    found = [*find_faults(tree, Types(Place(form, table, None), domains, always))]
                    yield from _told(outline, sheet, row, column, found)


def _selected_of_one(outline: Outline, form: Form, rows: dict[int, Row]) -> Iterator[Problem]:
    """One note a form: selected() of questions with one answer."""
    first: tuple[Row, str] | None = None
    count = 0
    for column, node, tree in _expressions(form, form.root, MAIN_TABLE):
        types = Types(Place(form, node.table, node), {})
        for part in walk(tree):
            if isinstance(part, Call) and part.name == "selected" and len(part.arguments) == 2:
                question = types.of(part.arguments[0]).question
                row = rows.get(node.row or 0)
                if question is not None and question.control == "select1" and row is not None:
                    count += 1
                    first = first or (row, column)
    if first is not None:
        message = f"selected() of a select_one: '=' says the same and is read sooner ({count} times in this form)."
        advice = "Nothing breaks; use '=' when you change the form."
        yield problem(outline.workbook, "info", "FRM-745", "survey", first[0], first[1], message, advice)
