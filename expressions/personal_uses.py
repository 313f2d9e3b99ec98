"""Whether an expression looks into personal answers, of which the tables know only that they were given."""

from __future__ import annotations

from expressions.lowered import Column, refuse_personal
from expressions.syntax import Binary, Call, Expr, Filter, Logic, Path, Reference, Text, children
from expressions.targets import Place, find_path, find_reference
from schemas.errors import ExpressionError
from schemas.fields import Field

_TRUTHS = frozenset(("not", "boolean", "count-non-empty", "count"))


def refuse_personal_uses(expr: Expr, place: Place) -> None:
    """Pass if personal questions are only tested for being answered.

    Raises:
        ExpressionError: EXP-120, naming the question.
    """
    _visit(expr, place, as_truth=True)


def _visit(expr: Expr, place: Place, *, as_truth: bool) -> None:
    question = _question(expr, place)
    if question is not None and question.personal is not None and not as_truth:
        import polars as pl

        raise refuse_personal(Column("personal", pl.lit(None), name=question.name, position=expr.position))
    for index, child in enumerate(children(expr)):
        _visit(child, place, as_truth=_is_truth_place(expr, index))


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
        case Path() | Filter():
            # Predicates may name any question; each is judged in its own place.
            return False
        case _:
            return False


def _question(expr: Expr, place: Place) -> Field | None:
    try:
        if isinstance(expr, Reference):
            return find_reference(expr, place).field
        if isinstance(expr, Path):
            return find_path(expr, place).field or _by_last_name(expr, place)
    except ExpressionError:
        return _by_last_name(expr, place) if isinstance(expr, Path) else None
    return None


def _by_last_name(path: Path, place: Place) -> Field | None:
    """A personal question of the path's last name: within predicates the place isn't known, so the name decides."""
    name = path.steps[-1].test if path.steps else ""
    return next((field for field in place.form.fields() if field.name == name and field.personal), None)
