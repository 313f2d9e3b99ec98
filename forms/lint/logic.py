"""Questions that can never be asked, constraints that never or always hold, choices that are never shown (FRM-71x).

Each is proved from types, lists, constraints and relevance (`expressions.typing`): nothing is claimed that some
interview could refute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from expressions.syntax import Call, Expr, Filter, Path, Reference, Text, children, walk
from expressions.targets import Place
from expressions.typing.questions import rebuild
from expressions.typing.reasoner import Demand, Reasoner, read
from forms.headers import cell
from forms.lint.problems import problem
from forms.outline import Outline
from schemas.errors import Problem, ProblemSeverity
from schemas.fields import Field, Form, Node, Repeat
from schemas.workbook import Row

_MOST_CHOICES: Final = 1500
_MOST_NAMED: Final = 8
_INSTANCE: Final = "instance"


@dataclass(frozen=True, slots=True)
class _Claims:
    """What the claims of one form need."""

    outline: Outline
    form: Form
    rows: Mapping[int, Row]
    reasoner: Reasoner

    def report(
        self, node: Node, severity: ProblemSeverity, code: str, column: str, message: str, advice: str
    ) -> Iterator[Problem]:
        """A problem at a node's row; none if the node isn't in the sheet, as what pyxform adds for "other" isn't."""
        row = self.rows.get(node.row or 0)
        if row is not None and cell(row, "name") == node.name:
            yield problem(self.outline.workbook, severity, code, "survey", row, column, message, advice)


def check_logic(outline: Outline, form: Form) -> Iterator[Problem]:
    """Every claim about a form that could be made an XForm."""
    claims = _Claims(outline, form, {row.row.number: row.row for row in outline.rows}, Reasoner(form))
    yield from _check_below(claims, form.root, ())
    yield from _check_sheets(claims)


def _check_below(claims: _Claims, node: Node, above: tuple[Demand, ...]) -> Iterator[Problem]:
    """The node and what is below it; below what is never asked nothing is said again."""
    demands = claims.reasoner.relevance[node.path]
    own = demands[len(above) :]
    if own:
        if is_written_false(own[0].tree):
            return
        found = tuple(_never_asked(claims, node, above, own[0]))
        yield from found
        if found:
            return
        yield from _always_asked(claims, node, above, own[0])
    if isinstance(node, Field):
        if node.column:
            yield from _check_constraint(claims, node, demands)
            yield from _check_filter(claims, node, demands)
        return
    for child in node.children:
        yield from _check_below(claims, child, demands)


def is_written_false(tree: Expr) -> bool:
    """Whether a condition names nothing: whoever writes `false()` or `1 = 2` means it."""
    return not any(isinstance(part, Reference | Path | Filter | Call) and not _is_constant(part) for part in walk(tree))


def _is_constant(part: Expr) -> bool:
    return isinstance(part, Call) and part.name in {"true", "false", "not", "boolean"}


def _what(node: Node) -> str:
    kind = "question" if isinstance(node, Field) else "repeat" if isinstance(node, Repeat) else "group"
    return f"The {kind} '{node.name}'"


def _never_asked(claims: _Claims, node: Node, above: tuple[Demand, ...], own: Demand) -> Iterator[Problem]:
    prove = claims.reasoner.is_impossible
    shown = "shown" if isinstance(node, Field) and not node.control else "asked"
    if prove([own]):
        message = f"{_what(node)} can never be {shown}: no answers make its relevant true."
        advice = "Compare it with the lists, constraints and relevants of the questions it names."
        yield from claims.report(node, "warning", "FRM-710", "relevant", message, advice)
    elif above and prove([*above, own]):
        message = f"{_what(node)} can never be {shown}: its relevant contradicts that of the group around it."
        advice = "Take it out of the group, or mend one of the two conditions."
        yield from claims.report(node, "warning", "FRM-711", "relevant", message, advice)


def _always_asked(claims: _Claims, node: Node, above: tuple[Demand, ...], own: Demand) -> Iterator[Problem]:
    if is_written_false(own.tree):  # `true()` and the like name nothing either
        return
    against = Demand(own.tree, own.place, False)
    if claims.reasoner.is_impossible([against]):
        message = f"The relevant of '{node.name}' always holds: it leaves nothing out."
        yield from claims.report(node, "info", "FRM-712", "relevant", message, "Delete it, or mend it.")
    elif above and claims.reasoner.is_impossible([*above, against]):
        message = f"The relevant of '{node.name}' always holds where its group is asked."
        yield from claims.report(node, "info", "FRM-712", "relevant", message, "It may be left out.")


def _check_constraint(claims: _Claims, field: Field, demands: tuple[Demand, ...]) -> Iterator[Problem]:
    demand = claims.reasoner.demand(field.constraint, field)
    if demand is None or not field.control or is_written_false(demand.tree):
        return
    reasoner, given, free = claims.reasoner, claims.reasoner.answered(field), frozenset({field.path})
    is_required = (field.required or "").strip() == "true()"
    for conditions, when in ([], ""), (list(demands), " when it is asked"):
        if reasoner.is_impossible([*conditions, demand], given, free):
            if is_required:
                message = f"'{field.name}' is required and no answer meets its constraint{when}: nobody gets past it."
                yield from claims.report(field, "error", "FRM-715", "constraint", message, "Mend the constraint.")
            else:
                message = f"No answer to '{field.name}' meets its constraint{when}."
                yield from claims.report(field, "warning", "FRM-713", "constraint", message, "Mend the constraint.")
            return
    against = Demand(demand.tree, demand.place, False)
    if reasoner.is_impossible([*demands, against], given, free):
        message = f"The constraint of '{field.name}' always holds: it refuses no answer."
        advice = "Mend it if it was meant to refuse something; else delete it."
        yield from claims.report(field, "warning", "FRM-714", "constraint", message, advice)


# -- choice filters ----------------------------------------------------------------------------------------------------
def _check_filter(claims: _Claims, field: Field, demands: tuple[Demand, ...]) -> Iterator[Problem]:
    found = _filtered(claims.form, field)
    if found is None:
        return
    condition, items = found
    place = Place(claims.form, field.table, field)
    verdicts: dict[tuple[str, ...], bool] = {}
    columns = sorted(set(_columns(condition)))
    hidden = []
    for item in items:
        key = tuple(item.get(name, "") for name in columns)
        if key not in verdicts:
            filled = Demand(_filled(condition, item), place)
            verdicts[key] = claims.reasoner.is_impossible([*demands, filled])
        if verdicts[key]:
            hidden.append(item.get(field.value_ref, ""))
    if hidden and len(hidden) == len(items):
        required = (field.required or "").strip() == "true()"
        message = f"The choice_filter of '{field.name}' lets no choice through, whatever was answered."
        if required:
            message += " The question is required, and nobody gets past it."
        severity: ProblemSeverity = "error" if required else "warning"
        yield from claims.report(field, severity, "FRM-716", "choice_filter", message, "Mend the filter.")
    elif hidden:
        more = f" and {len(hidden) - _MOST_NAMED} more" if len(hidden) > _MOST_NAMED else ""
        named = ", ".join(f"'{code}'" for code in hidden[:_MOST_NAMED])
        message = f"The choice_filter of '{field.name}' never lets through {named}{more}."
        advice = "Take them out of the list, or mend the filter or the column that it compares."
        yield from claims.report(field, "info", "FRM-717", "choice_filter", message, advice)


def _filtered(form: Form, field: Field) -> tuple[Expr, tuple[Mapping[str, str], ...]] | None:
    """The condition of a question's choices and the rows it chooses from."""
    tree = read(field.itemset)
    if not isinstance(tree, Path) or not isinstance(tree.base, Call) or tree.base.name != _INSTANCE:
        return None
    predicates = [predicate for step in tree.steps for predicate in step.predicates]
    instance = form.instances.get(field.list_name or "")
    if len(predicates) != 1 or instance is None or not 0 < len(instance.items) <= _MOST_CHOICES:
        return None
    return predicates[0], instance.items


def _column(node: Expr) -> str | None:
    """The column of the list that a bare name means."""
    if isinstance(node, Path) and node.base is None and not node.absolute and len(node.steps) == 1:
        step = node.steps[0]
        if step.axis == "child" and not step.predicates and not step.test.endswith(")") and step.test != "*":
            return step.test
    return None


def _columns(tree: Expr) -> Iterator[str]:
    yield from (name for node in walk(tree) if (name := _column(node)) is not None)


def _filled(tree: Expr, item: Mapping[str, str]) -> Expr:
    """The condition with the choice's own cells in place of columns."""
    name = _column(tree)
    if name is not None:
        value = item.get(name, "")
        return Text(value if not ("'" in value and '"' in value) else "")
    match tree:
        case Path() | Filter() | Reference():
            return tree
        case _:
            return rebuild(tree, [_filled(child, item) for child in children(tree)])


# -- Comunal's own sheets ----------------------------------------------------------------------------------------------
_COUNTED: Final = ("universe", "denominator", "numerator")


def _check_sheets(claims: _Claims) -> Iterator[Problem]:
    """Checks that catch nothing or everything, and figures of which nobody can be a part."""
    tables = {table.name for table in claims.form.tables}
    lenient = Reasoner(claims.form, with_constraints=False)
    for row in claims.outline.workbook.rows("checks"):
        table, tree = cell(row, "table") or "main", read(cell(row, "expression"))
        if table in tables and tree is not None and not is_written_false(tree):
            yield from _check_check(claims, lenient, row, tree, Place(claims.form, table, None))
    for row in claims.outline.workbook.rows("indicators"):
        table = cell(row, "table") or "main"
        trees = {column: read(cell(row, column)) for column in _COUNTED if table in tables}
        if cell(row, "kind") == "ratio":
            trees = {"universe": trees.get("universe")}  # the others are sums
        demands: list[Demand] = []
        for column, tree in trees.items():
            if tree is None or is_written_false(tree):
                continue
            demands.append(Demand(tree, Place(claims.form, table, None)))
            if claims.reasoner.is_impossible(demands):
                message = f"Nobody can be counted in the {column}: no answers make it true."
                advice = "Compare it with the lists, constraints and relevants of the questions it names."
                yield problem(claims.outline.workbook, "warning", "FRM-719", "indicators", row, column, message, advice)
                break


def _check_check(claims: _Claims, lenient: Reasoner, row: Row, tree: Expr, place: Place) -> Iterator[Problem]:
    workbook = claims.outline.workbook
    if lenient.is_impossible([Demand(tree, place, False)]):
        message = "This check holds whatever the answers: it finds nothing."
        yield problem(workbook, "warning", "FRM-718", "checks", row, "expression", message, "Mend it, or delete it.")
    elif lenient.is_impossible([Demand(tree, place)]):
        message = "This check holds for no answers: every row breaks it."
        yield problem(workbook, "warning", "FRM-718", "checks", row, "expression", message, "Mend it.")
