"""Which questions an expression names, and whether it looks into personal answers.

Of a personal answer the tables know only that it was given.
"""

from __future__ import annotations

import polars as pl

from expressions.lowered import Column, refuse_personal
from expressions.syntax import Binary, Call, Expr, Logic, Path, Reference, Text, children
from expressions.targets import Place, find_path, find_reference
from schemas.errors import ExpressionError
from schemas.fields import Field, Form

_TRUTHS = frozenset(("not", "boolean", "count-non-empty", "count"))


def questions_named(expr: Expr, form: Form, at: Field | None = None) -> frozenset[str]:
    """Names of the questions that an expression may look at.

    Args:
        at: the question at which it stands, which `.` names.
    """
    known = {field.name for field in form.fields()}
    found: set[str] = set()

    def visit(part: Expr, in_list: bool) -> None:
        if isinstance(part, Reference):
            found.add(part.name)
        elif isinstance(part, Path) and not _is_of_list(part, in_list):
            found.update(step.test for step in part.steps)
            if at is not None and all(step.axis == "self" for step in part.steps):
                found.add(at.name)
        for child in children(part):
            visit(child, in_list or _reads_list(part))

    visit(expr, False)
    return frozenset(found & known)


def refuse_personal_uses(expr: Expr, place: Place) -> None:
    """Pass if personal questions are only tested for being answered.

    Raises:
        ExpressionError: EXP-120, naming the question.
    """
    _visit(expr, place, as_truth=True, in_list=False)


def _visit(expr: Expr, place: Place, *, as_truth: bool, in_list: bool) -> None:
    question = _question(expr, place, in_list)
    if question is not None and question.personal is not None and not as_truth:
        raise refuse_personal(Column("personal", pl.lit(None), name=question.name, position=expr.position))
    below = in_list or _reads_list(expr)
    for index, child in enumerate(children(expr)):
        _visit(child, place, as_truth=_is_truth_place(expr, index), in_list=below)


def _reads_list(expr: Expr) -> bool:
    """Whether it is a path into a list, whose predicates stand among the list's items."""
    return isinstance(expr, Path) and isinstance(expr.base, Call) and expr.base.name == "instance"


def _is_of_list(path: Path, in_list: bool) -> bool:
    """Whether a path's names are columns of a list and not questions."""
    return _reads_list(path) or (in_list and path.base is None and not path.absolute)


def _is_truth_place(expr: Expr, index: int) -> bool:
    """Whether the child at that place is only taken as answered or not."""
    match expr:
        case Logic():
            return True
        case Call():
            return expr.name in _TRUTHS or (expr.name == "if" and index == 0)
        case Binary(operator="=" | "!="):
            other = expr.right if index == 0 else expr.left
            return isinstance(other, Text) and other.value == ""
        case _:
            # Predicates too: each question within is judged by its own surroundings.
            return False


def _question(expr: Expr, place: Place, in_list: bool) -> Field | None:
    if isinstance(expr, Path):
        if _is_of_list(expr, in_list):
            return None
        try:
            return find_path(expr, place).field or _by_last_name(expr, place)
        except ExpressionError:
            return _by_last_name(expr, place)
    if isinstance(expr, Reference):
        try:
            return find_reference(expr, place).field
        except ExpressionError:
            return None
    return None


def _by_last_name(path: Path, place: Place) -> Field | None:
    """A personal question of the path's last name: within predicates the place isn't known, so the name decides."""
    name = path.steps[-1].test if path.steps else ""
    return next((field for field in place.form.fields() if field.name == name and field.personal), None)
