"""Which answers each rule rests on: the edits of Fellegi and Holt, as the workbook writes them.

A rule rests on the questions that its expression names; on those that decide whether these are asked; and, for
calculations, on what they are calculated from. A name within the rule's own row or a row above it is the answer there;
any other, and all of an expression that looks around (sums, positions), stands for the answers of every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from expressions.columns import ColumnExpr
from schemas.errors import ExpressionError
from schemas.fields import MAIN_TABLE, Field, Form, Repeat
from validation.distinct import Columns, DistinctExpr, depends_on_named_answers
from validation.imputation.plan import Column
from validation.rules import rule_path
from validation.runs import Program

Read = tuple[str, str, bool]
"""Table and column of an answer that a rule rests on, and whether it is the one of the rule's own row (or above)."""

CHANGEABLE = frozenset({"input", "select1", "select", "range"})
"""Controls whose answers a donor can give."""
_UNGIVEN = frozenset({"binary", "geopoint", "geotrace", "geoshape", "barcode"})
_FREE_TEXT = frozenset({"string", ""})


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that must hold of every row of a table.

    Attributes:
        number: its place among all edits; the rules of the program come first, under their own numbers.
        kind: "rule"; "row" (every row of a repeat belongs there); "answered" (a question that is to be changed and is
            asked gets an answer).
        reads: what it rests on.
    """

    number: int
    kind: str
    table: str
    reads: frozenset[Read]
    field: Field | None = None
    path: str = ""


class Edits:
    """The edits of one program.

    Attributes:
        all: every edit, by number.
        calculations: number of the rule -> calculated question, of those that can be calculated anew.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.form: Form = program.form
        self._by_name: dict[str, list[Field]] = {}
        for each in self.form.fields():
            self._by_name.setdefault(each.name, []).append(each)
        self._above = {table.name: _ancestors(self.form, table.name) for table in self.form.tables}
        self._fields = {each.path: each for each in self.form.fields()}
        self._found: dict[tuple[str, str], frozenset[Read]] = {}
        self.calculations: dict[int, Field] = {
            number: self._fields[rule_path(program.rules[number])]
            for number in program.judges
            if program.rules[number].rule_id.startswith("calculation:")
        }
        self._calculated = {(field.table, field.column): number for number, field in self.calculations.items()}
        self.all: dict[int, Edit] = {}
        for number in program.judges:
            edit = self._rule(number)
            if edit is not None:
                self.all[number] = edit
        self._first = len(program.rules)
        self._add_rows()
        self.answered: dict[Column, int] = {}
        for each in self.form.fields():
            if is_changeable(each):
                number = self._first + len(self.answered)
                self.answered[each.table, each.column] = number
                reads = self._of_field(each, each.table) | {(each.table, each.column, True)}
                self.all[number] = Edit(number, "answered", each.table, reads, each)

    @cached_property
    def changeable(self) -> Mapping[Column, Field]:
        """Questions whose answers may be changed.

        Not those whose answers some rule reads beside personal ones, which aren't at hand here, or from which something
        is calculated that can't be calculated anew: whether all holds afterwards couldn't be told.
        """
        kept = self._kept()
        return {
            (each.table, each.column): each
            for each in self.form.fields()
            if is_changeable(each) and (each.table, each.column) not in kept
        }

    def calculation(self, column: Column) -> int | None:
        """Number of the rule that calculates a column, null if it isn't calculated."""
        return self._calculated.get(column)

    def sources(self, question: Field) -> frozenset[Read]:
        """What a calculated question rests on."""
        return self._of_field(question, question.table)

    def _kept(self) -> frozenset[Column]:
        personal = {each.name for each in self.form.fields() if each.personal}
        kept: set[Column] = set()
        for number in self.program.reasons:
            rule = self.program.rules[number]
            names = set(rule.variables)
            if (rule.severity == "error" and names & personal) or rule.rule_id.startswith("calculation:"):
                kept |= {(each.table, each.column) for name in names for each in self._by_name.get(name, ())}
        return frozenset(kept)

    def _add_rows(self) -> None:
        for table in self.form.tables[1:]:
            path = table.path
            reads = self._of_path(path, table.name)
            if reads:
                self.all[self._first] = Edit(self._first, "row", table.name, reads, path=path)
                self._first += 1

    # -- what rules rest on ------------------------------------------------------------------------------------------
    def _rule(self, number: int) -> Edit | None:
        rule, judge = self.program.rules[number], self.program.judges[number]
        own = self._fields.get(rule_path(rule))
        kind = rule.rule_id.partition(":")[0]
        if rule.severity != "error" or number in self.calculations:
            return None
        if kind == "relevant" and own is not None and not own.control:
            return None  # what is calculated and not asked is blanked with the rest
        reads: set[Read] = set()
        for need, _ in judge.needs:
            reads |= self._of_expression(need, rule.table)
        path = rule_path(rule)
        if own is not None:
            reads |= self._of_field(own, own.table) | {(own.table, own.column, True)}
        elif path:
            reads |= self._of_path(path, rule.table, is_repeat=isinstance(self.program.plan.places[path].node, Repeat))
        return Edit(number, "rule", rule.table, frozenset(reads), own, path)

    def _of_expression(self, expr: Columns, table: str) -> set[Read]:
        """What an expression over the rows of a table rests on."""
        is_local = isinstance(expr, DistinctExpr) or _stays_in_row(expr)
        reads: set[Read] = set()
        for name in expr.names:
            fields = self._by_name.get(name, [])
            near = [each for each in fields if each.table == table or each.table in self._above[table]]
            for each in near or fields:
                here = is_local and each in near
                reads |= self._read(each, here)
        return reads

    def _read(self, each: Field, here: bool) -> set[Read]:
        """An answer and what it hangs on."""
        found = {(each.table, each.column, True)} | self._of_field(each, each.table)
        return {(table, column, local and here) for table, column, local in found}

    def _of_field(self, field: Field, table: str) -> frozenset[Read]:
        """What decides whether a question is asked, and what it is calculated from."""
        key = (field.path, table)
        if key in self._found:
            return self._found[key]
        self._found[key] = frozenset()  # a circle adds nothing
        reads = set(self._of_path(field.path, table))
        number = self._calculated.get((field.table, field.column))
        if number is not None:
            for need, _ in self.program.judges[number].needs:
                reads |= self._of_expression(need, table)
        self._found[key] = frozenset(reads)
        return self._found[key]

    def _of_path(self, path: str, table: str, *, is_repeat: bool = False) -> frozenset[Read]:
        """What decides whether a node is there, seen from a row of the table that holds it."""
        reads: set[Read] = set()
        at: str | None = path
        while at is not None:
            place = self.program.plan.places[at]
            expression = self.program.plan.expressions.get(at)
            if expression is not None:
                found = self._of_expression(expression, place.table)
                beyond = place.table != table and place.table not in self._above[table]
                reads |= {(name, column, local and not (is_repeat and beyond)) for name, column, local in found}
            at = place.parent
        return frozenset(reads)


def is_changeable(field: Field) -> bool:
    """Whether an answer may be another: asked, not personal, neither calculated nor read off the phone, no free text.

    Free text is changeable in that it may be blanked where it isn't asked.
    """
    if field.control not in CHANGEABLE or field.personal or field.calculation or field.preload or not field.column:
        return False
    return field.type not in _UNGIVEN and (field.readonly or "").strip() != "true()"


def is_given(field: Field) -> bool:
    """Whether a donor can give the answer: a choice, a number, a day; free text is the words of somebody else."""
    return field.is_select or field.type not in _FREE_TEXT


def _stays_in_row(expr: Columns) -> bool:
    if not isinstance(expr, ColumnExpr):
        return False
    try:
        return depends_on_named_answers(expr.text)
    except ExpressionError:
        return False


def _ancestors(form: Form, table: str) -> frozenset[str]:
    found: set[str] = set()
    parent = form.table(table).parent
    while parent is not None:
        found.add(parent)
        parent = form.table(parent).parent
    return frozenset(found)


def rows_of(table: str, row_id: str, parents: Mapping[str, Mapping[str, str]], form: Form) -> Mapping[str, str]:
    """The row itself and those above it: table -> row id.

    Args:
        parents: table -> row id -> row id of the row above.
    """
    found = {table: row_id}
    at = form.table(table)
    while at.parent is not None:
        row_id = parents[at.name].get(row_id, "")
        found[at.parent] = row_id
        at = form.table(at.parent)
    found.setdefault(MAIN_TABLE, "")
    return found


def cells_read(
    edit: Edit, row_id: str, rows: Mapping[str, Iterable[str]], above: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """The answers of one interview that an edit rests on in one of its rows: table, row id, column.

    Args:
        rows: table -> row ids of the interview.
        above: `rows_of` the row.
    """
    for table, column, is_local in edit.reads:
        if is_local and table in above:
            yield table, above[table], column
        else:
            for each in rows.get(table, ()):
                yield table, each, column
