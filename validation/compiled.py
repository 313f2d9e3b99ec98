"""Expressions of a form compiled over its tables, or the reason why one can't be."""

from __future__ import annotations

import re
from dataclasses import replace

from expressions.clock import records_time, with_clock
from expressions.columns import compile_columns
from expressions.growing import grows_with_today
from expressions.profiles import Profile
from schemas.errors import ExpressionError
from schemas.fields import Field, Form, Node, Repeat
from validation.clocks import EARLIEST, LATEST
from validation.distinct import Columns, DistinctExpr, depends_on_named_answers, named_answers
from validation.evaluation import NotChecked, describe_failure

_COUNT = re.compile(r"\bcount\(\s*(?:\$\{\s*([^}\s]+)\s*\}|[^()\[\]]*?/\s*([\w.\-]+))\s*\)")

_LIST = re.compile(r"""\b(?:instance|pulldata)\(\s*['"]([^'"]+)['"]""")


class Compiler:
    """Compiles expressions of one form.

    Args:
        has_personal: whether personal answers are at hand. Without them the tables hold only a mark, and expressions
            may ask whether a personal question is answered but no more.
        zone: time zone in which days are told.
        profile: the engine whose meaning the expressions have.
        distinct: whether what is evaluated row by row is evaluated once only for rows with the same answers.

    Attributes:
        personal_used: names of the personal questions that the expressions compiled so far use.
    """

    def __init__(
        self,
        form: Form,
        *,
        has_personal: bool,
        zone: str = "UTC",
        profile: Profile = Profile.JAVAROSA,
        distinct: bool = True,
    ) -> None:
        self._profile = profile
        self._distinct = distinct
        self._personal = frozenset(field.name for field in form.fields() if field.personal)
        self._form = unmark_personal(form) if has_personal and self._personal else form
        self._zone = zone
        self._sometimes = _sometimes_asked(form)
        self.personal_used: set[str] = set()

    def within_bounds(self, text: str, table: str, node: Node | None = None) -> tuple[Columns, Columns] | None:
        """A condition on the first and the last possible day of an interview whose time isn't known.

        Returns:
            Null where the form records it, or where the condition may hold on a day in between alone.
        """
        if records_time(self._form) or not grows_with_today(text):
            return None
        first, last = (
            self._compile(text, with_clock(self._form, column), table, node, of_itself=True)
            for column in (EARLIEST, LATEST)
        )
        return None if isinstance(first, NotChecked) or isinstance(last, NotChecked) else (first, last)

    def compile(
        self,
        text: str,
        table: str,
        node: Node | None = None,
        *,
        of_itself: bool = False,
        judged_by: str | None = None,
    ) -> Columns | NotChecked:
        """Compile `text` for the rows of `table`, with `node` as its context (null: the row itself).

        Args:
            of_itself: whether the expression is about the node's own answer, as a constraint is.
            judged_by: the part of the expression that the author wrote, where the rest is ours.
        """
        return self._compile(text, self._form, table, node, of_itself=of_itself, judged_by=judged_by)

    def _compile(
        self,
        text: str,
        form: Form,
        table: str,
        node: Node | None,
        *,
        of_itself: bool,
        judged_by: str | None = None,
    ) -> Columns | NotChecked:
        missing = _lists_not_given(text, form)
        if missing:
            return NotChecked(f"the list {', '.join(missing)} is in a file that was not given")
        context = None if node is None else as_field(node, table)
        try:
            compiled = compile_columns(
                text, form, table, context, allow_rowwise=True, zone=self._zone, profile=self._profile
            )
            once = self._distinct and not compiled.is_columnar
            once = once and depends_on_named_answers(text if judged_by is None else judged_by)
        except ExpressionError as error:
            return NotChecked(describe_failure(error))
        counted = {match[1] or match[2] for match in _COUNT.finditer(text)} & self._sometimes
        if counted:
            return NotChecked(f"count() of {', '.join(sorted(counted))} depends on which rows were asked it")
        names = compiled.names | ({node.name} if of_itself and node is not None else frozenset())
        self.personal_used |= names & self._personal
        fields = named_answers(compiled.names, form, table) if once else None
        return compiled if fields is None else DistinctExpr(compiled, form, table, fields)


def _sometimes_asked(form: Form) -> frozenset[str]:
    """Questions that some rows of their repeat are asked and others not.

    Clients count the questions that were asked; in a table those that weren't look like those left blank.
    """
    found: set[str] = set()

    def visit(node: Node, *, conditional: bool) -> None:
        conditional = (bool(node.relevant) and not isinstance(node, Repeat)) or conditional
        if isinstance(node, Field):
            if conditional:
                found.add(node.name)
            return
        for child in node.children:
            visit(child, conditional=conditional and not isinstance(child, Repeat))

    visit(form.root, conditional=False)
    return frozenset(found)


def _lists_not_given(text: str, form: Form) -> list[str]:
    """Names of the external lists that an expression reads and whose file isn't there."""
    read = {match[1].removesuffix(".csv") for match in _LIST.finditer(text)}
    return sorted(
        name for name, instance in form.instances.items() if name in read and instance.src and not instance.items
    )


def unmark_personal(form: Form) -> Form:
    """The form as if no question were personal: for tables that hold the answers themselves."""
    tables = tuple(
        replace(table, fields=tuple(replace(field, personal=None) for field in table.fields)) for table in form.tables
    )
    return replace(form, root=replace(form.root, children=tuple(map(_unmark, form.root.children))), tables=tables)


def _unmark(node: Node) -> Node:
    if isinstance(node, Field):
        return replace(node, personal=None)
    return replace(node, children=tuple(map(_unmark, node.children)))


def as_field(node: Node, table: str) -> Field:
    """The context as a field: groups and repeats have none, but relative paths start from them all the same."""
    if isinstance(node, Field):
        return replace(node, personal=None) if node.personal else node
    return Field(name=node.name, path=node.path, table=table)
