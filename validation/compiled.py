"""Expressions of a form compiled over its tables, or the reason why one can't be."""

from __future__ import annotations

from expressions.columns import ColumnExpr, compile_columns
from schemas.errors import ExpressionError
from schemas.fields import Field, Form, Node
from validation.evaluation import NotChecked


class Compiler:
    """Compiles expressions of one form.

    Args:
        has_personal: whether personal answers are at hand. Without them an expression that uses a personal
            question can't be evaluated: the tables hold only a mark.
    """

    def __init__(self, form: Form, *, has_personal: bool) -> None:
        self.form = form
        self.personal = frozenset(field.name for field in form.fields() if field.personal)
        self.has_personal = has_personal
        self.personal_used: set[str] = set()

    def compile(
        self, text: str, table: str, node: Node | None = None, *, of_itself: bool = False
    ) -> ColumnExpr | NotChecked:
        """Compile `text` for the rows of `table`, with `node` as its context (null: the row itself).

        Args:
            of_itself: whether the expression is about the node's own answer, as a constraint is.
        """
        try:
            compiled = compile_columns(text, self.form, table, _context(node, table))
        except ExpressionError as error:
            return NotChecked(f"{error.code} {error.message}")
        names = compiled.names | ({node.name} if of_itself and node is not None else frozenset())
        used = names & self.personal
        if used and not self.has_personal:
            return NotChecked("it uses personal answers, which were not read: " + ", ".join(sorted(used)))
        self.personal_used |= used
        return compiled


def _context(node: Node | None, table: str) -> Field | None:
    """The context as a field: groups and repeats have none, but relative paths start from them all the same."""
    if node is None or isinstance(node, Field):
        return node
    return Field(name=node.name, path=node.path, table=table)
