"""Which column, row or rows a path or `${name}` means, seen from a row of a table.

A target is named by three tables: where the looking row stands (`T`), the row above it (or itself) under which the
search begins (`base`), and the table of the rows found (`table`). If base and table are the same and no predicate
stands between, it is one value per row; else a set of rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from expressions.links import chain
from expressions.nearest import did_you_mean
from expressions.syntax import Expr, Filter, Path, Reference, Step
from schemas.errors import ExpressionError
from schemas.fields import Field, Form, Table


@dataclass(frozen=True, slots=True)
class Target:
    """What a path means.

    Attributes:
        base: name of the table above (or the own one) whose row bounds the search.
        table: name of the table of the rows found.
        field: the question, null if the rows themselves are meant.
        predicates: (table, question or null, expression) of each predicate, outermost first.
        position: place in the expression.
        name: how the expression calls it, for messages.
    """

    base: str
    table: str
    field: Field | None
    predicates: tuple[tuple[str, Field | None, Expr], ...]
    position: int
    name: str

    @property
    def is_single(self) -> bool:
        """Whether it is one node per row."""
        return self.base == self.table and not self.predicates


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands: a table's row, or a question in it."""

    form: Form
    table: str
    field: Field | None

    @property
    def path(self) -> str:
        """Absolute path of the context node."""
        return self.field.path if self.field is not None else self.form.table(self.table).path


def fail(code: str, position: int, message: str, advice: str) -> ExpressionError:
    """An error of compiling for columns."""
    return ExpressionError(code, f"At {position + 1}: {message}", advice, position)


# -- ${name} -----------------------------------------------------------------------------------------------------------
def find_reference(reference: Reference, place: Place) -> Target:
    """The nearest question or repeat of that name: here, then above, then below, then anywhere.

    Raises:
        ExpressionError: EXP-101, when the form has no such question or repeat; EXP-108 for `last-saved`.
    """
    name = reference.name
    if reference.last_saved:
        raise fail("EXP-108", reference.position, "last-saved answers aren't in the tables.", "Use a plain ${name}.")
    own_chain = chain(place.form, place.table)
    near = [place.form.table(table) for table in own_chain]
    below = [table for table in place.form.tables if place.table in chain(place.form, table.name)]
    for table in (*near, *below, *place.form.tables):
        for field in table.fields:
            if field.name == name:
                return _bound(place, table.name, field, reference.position, name)
        if table.parent is not None and table.path.rpartition("/")[2] == name:
            return _repeat(place, table, reference.position, name)
    raise fail(
        "EXP-101",
        reference.position,
        f"the form has no question or repeat '{name}'.",
        did_you_mean(
            name,
            _names((*near, *below)),
            _names(place.form.tables),
            form="${{{}}}",
            otherwise="Check the name in the column 'name' of the sheet survey.",
        ),
    )


def _names(tables: Iterable[Table]) -> list[str]:
    """Names of the questions of some tables, and of the tables' own repeats."""
    found: list[str] = []
    for table in tables:
        found += [field.name for field in table.fields]
        found += [table.path.rpartition("/")[2]] if table.parent is not None else []
    return found


def _bound(place: Place, table: str, field: Field | None, position: int, name: str) -> Target:
    """Every repeat that encloses both is the same occurrence."""
    base = _common(place.form, place.table, table)
    return Target(base, table, field, (), position, name)


def _repeat(place: Place, table: Table, position: int, name: str) -> Target:
    """All rows of a repeat within the occurrence around it, the own row's siblings too."""
    above = table.parent or ""
    return Target(_common(place.form, place.table, above), table.name, None, (), position, name)


def _common(form: Form, one: str, other: str) -> str:
    others = set(chain(form, other))
    return next(table for table in chain(form, one) if table in others)


# -- paths -------------------------------------------------------------------------------------------------------------
def find_path(path: Path, place: Place) -> Target:
    """What a path means.

    Raises:
        ExpressionError: EXP-102 the form has no such path; EXP-107 a path with other steps than names, `.` and `..`;
            EXP-108 a path into a list.
    """
    if path.base is not None:
        return _find_below(path, place)
    steps = list(path.steps)
    if path.absolute:
        return _walk("", steps, place, bind=True, path=path)
    start = place.path
    while steps and steps[0].axis in {"self", "parent"} and steps[0].test == "node()" and not steps[0].predicates:
        if steps.pop(0).axis == "parent":
            start = start.rpartition("/")[0]
    return _walk(start, steps, place, bind=False, path=path)


def is_below_question(path: Path, place: Place) -> bool:
    """Whether a path names a node within a question, where there never is one: `${unit}/null`, or a bare `null`."""
    if path.base is not None or any(step.axis != "child" or step.predicates for step in path.steps):
        return False
    if not path.absolute:
        return place.field is not None and any(
            field.path == place.path for table in place.form.tables for field in table.fields
        )
    above = "".join(f"/{step.test}" for step in path.steps[:-1])
    return any(field.path == above for table in place.form.tables for field in table.fields)


def _find_below(path: Path, place: Place) -> Target:
    """`${repeat}[...]/question`: rows by reference, then a question in them."""
    base = path.base.base if isinstance(path.base, Filter) else path.base
    predicates = path.base.predicates if isinstance(path.base, Filter) else ()
    if not isinstance(base, Reference):
        raise fail(
            "EXP-108", path.position, "paths into lists and current() have no form over columns.", "Use ${name}."
        )
    target = find_reference(base, place)
    if target.field is not None:
        raise fail("EXP-102", path.position, f"'{base.name}' has nothing below it.", "Use the repeat's name.")
    found = tuple((target.table, None, predicate) for predicate in predicates)
    inner = Place(place.form, target.table, None)
    below = _walk(inner.path, list(path.steps), inner, bind=False, path=path)
    return Target(target.base, below.table, below.field, found + below.predicates, path.position, base.name)


def _walk(start: str, steps: list[Step], place: Place, *, bind: bool, path: Path) -> Target:
    """Follow child names; note the table at which the search stops being bound, and every predicate."""
    current = start
    predicates: list[tuple[str, Field | None, Expr]] = []
    tables = {table.path: table.name for table in place.form.tables}
    fields = {field.path: field for table in place.form.tables for field in table.fields}
    own = {place.form.table(table).path: table for table in chain(place.form, place.table)}
    base = _table_at(start, tables, place) if start else place.form.tables[0].name
    for step in steps:
        _check_step(step, path)
        current = f"{current}/{step.test}"
        if predicates and path.absolute and current in own and not step.predicates:
            raise fail(
                "EXP-107",
                step.position,
                "a step into an own repeat after a predicate has no form over columns.",
                "Write ${repeat}[...]/question.",
            )
        if bind and step.predicates:
            bind = False
        if bind and current in own:
            base = own[current]
        table = _table_at(current, tables, place)
        for predicate in step.predicates:
            if current not in tables and current not in fields:
                raise fail("EXP-107", step.position, "a predicate on a group has no form over columns.", "Remove it.")
            predicates.append((table, fields.get(current), predicate))
    if current not in tables and current not in fields:
        raise fail(
            "EXP-102",
            path.position,
            f"the form has no question or repeat at {current or '/'}.",
            did_you_mean(current, fields, tables, otherwise="Check the path, or write ${name}."),
        )
    table = _table_at(current, tables, place)
    return Target(base, table, fields.get(current), tuple(predicates), path.position, current)


def _check_step(step: Step, path: Path) -> None:
    if step.axis != "child" or step.test.endswith(")") or step.test == "*":
        raise fail(
            "EXP-107",
            step.position,
            f"the step '{step.axis}::{step.test}' has no form over columns.",
            "Use names, and '..' at the beginning only.",
        )


def _table_at(path: str, tables: dict[str, str], place: Place) -> str:
    """Name of the table whose rows hold the node at a path."""
    current = path
    while current:
        if current in tables:
            return tables[current]
        current = current.rpartition("/")[0]
    return place.form.tables[0].name
