"""Which answers a question may get: the codes of its list, and numbers at which the verdict of a rule can change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from expressions.grammar import parse
from expressions.syntax import Number, walk
from schemas.errors import ExpressionError
from schemas.fields import Field
from validation.cleaning.cells import Typed
from validation.imputation.edits import Edits, is_given
from validation.imputation.plan import Column, Plan
from validation.lists import list_codes
from validation.rules import question_names, rule_path

MOST_GIVEN = 24
"""Numbers or days taken from the donors, evenly through their distribution."""
MOST_CODES = 60
"""Of a longer list the codes that donors gave most often."""
MOST_NEAR = 200
_NUMBERS = frozenset({"int", "decimal"})


@dataclass(slots=True)
class Domains:
    """The answers that are tried.

    For a choice they are all there are, but for the codes that stand for none, unless its list is longer than
    `MOST_CODES`. For a number they are those at which a comparison with a number of the workbook can change, those at
    which one with another answer of the same interview can, and some of the donors'.

    Args:
        donors: the tables of the interviews that give.
    """

    edits: Edits
    plan: Plan
    donors: Mapping[str, pl.DataFrame]
    _fixed: dict[Column, tuple[Typed, ...]] = field(default_factory=dict)
    _constants: dict[Column, frozenset[float]] = field(default_factory=dict)
    _beside: dict[Column, frozenset[Column]] = field(default_factory=dict)
    _names: list[set[str]] = field(default_factory=list)

    def of(self, column: Column) -> tuple[Typed, ...]:
        """The answers to a question that don't depend on the interview; none where nobody can give one."""
        if column not in self._fixed:
            question = self.edits.changeable[column]
            codes = self.plan.codes(question)
            values = self._values(question) if is_given(question) else ()
            self._fixed[column] = tuple(value for value in values if str(value) not in codes) or (None,)
        return self._fixed[column]

    def beside(self, column: Column) -> frozenset[Column]:
        """Numbers that some expression names together with this one; a number's answers depend on theirs."""
        if column not in self._beside:
            others: set[str] = set()
            if self.edits.changeable[column].type in _NUMBERS:
                name = self.edits.changeable[column].name
                others = set().union(*(names for names in self._together() if name in names)) - {name}
            self._beside[column] = frozenset(
                (each.table, each.column)
                for each in self.edits.form.fields()
                if each.name in others and each.type in _NUMBERS and each.column
            )
        return self._beside[column]

    def _together(self) -> list[set[str]]:
        """The questions that each expression names, and in place of calculations those they are calculated from."""
        if not self._names:
            known = frozenset(each.name for each in self.edits.form.fields())
            formulas = {each.name: each.calculation for each in self.edits.form.fields() if each.calculation}
            for rule in self.edits.program.rules:
                own = rule_path(rule).rpartition("/")[2] if rule.kind == "constraint" else ""
                waiting = [*question_names(rule.expression, known), *([own] if own else [])]
                names: set[str] = set()
                while waiting:
                    name = waiting.pop()
                    if name not in names:
                        names.add(name)
                        waiting += question_names(formulas.get(name, ""), known)
                self._names.append(names)
        return self._names

    def near(self, column: Column, others: Iterable[Typed]) -> tuple[Typed, ...]:
        """Numbers at which a comparison with these answers can change."""
        question = self.edits.changeable[column]
        constants = {0.0, *self._constants_of(column)} if len(self._constants_of(column)) <= 12 else {0.0}
        found = {
            float(other) + sign * constant + step
            for other in others
            if isinstance(other, int | float) and not isinstance(other, bool)
            for constant in constants
            for sign in (-1, 1)
            for step in (-1, 0, 1)
        }
        return tuple(_typed(number, question.type) for number in sorted(found)[:MOST_NEAR])

    # -- by type -----------------------------------------------------------------------------------------------------
    def _values(self, question: Field) -> tuple[Typed, ...]:
        given = self._given(question)
        if question.is_select:
            codes = list_codes(question, self.edits.form)
            if question.is_multiple:
                return tuple(dict.fromkeys([*given[:MOST_CODES], *sorted(codes or ())[:MOST_CODES]]))
            if codes is None or len(codes) > MOST_CODES:
                return tuple(given[:MOST_CODES])
            return tuple(dict.fromkeys([*(value for value in given if value in codes), *sorted(codes)]))
        spread = _spread(given)
        if question.type not in _NUMBERS:
            return tuple(spread)
        found = {
            constant + step for constant in self._constants_of((question.table, question.column)) for step in (-1, 0, 1)
        }
        numbers = [_typed(number, question.type) for number in sorted({0.0, *found})]
        return tuple(dict.fromkeys([*spread, *numbers]))

    def _given(self, question: Field) -> list[Typed]:
        """What donors answered: of a choice the commonest first, else in order."""
        frame = self.donors.get(question.table)
        if frame is None or question.column not in frame.columns:
            return []
        counted = frame.select(pl.col(question.column).alias("value")).drop_nulls().group_by("value").len()
        by, down = (["len", "value"], [True, False]) if question.is_select else (["value"], [False])
        return counted.sort(by, descending=down)["value"].to_list()

    def _constants_of(self, column: Column) -> frozenset[float]:
        """Numbers written in the expressions that name a question: rules, conditions, calculations."""
        if column not in self._constants:
            name = self.edits.changeable[column].name
            found: set[float] = set()
            for rule in self.edits.program.rules:
                if rule.expression and name in (*rule.variables, *question_names(rule.expression, frozenset({name}))):
                    found |= _written(rule.expression)
            self._constants[column] = frozenset(found)
        return self._constants[column]


def _written(text: str) -> set[float]:
    try:
        tree = parse(text)
    except ExpressionError:
        return set()
    return {sign * part.value for part in walk(tree) if isinstance(part, Number) for sign in (1, -1)}


def _spread(values: list[Typed]) -> list[Typed]:
    """At most so many of them, evenly through their order."""
    if len(values) <= MOST_GIVEN:
        return values
    at = np.unique(np.linspace(0, len(values) - 1, MOST_GIVEN).round().astype(int))
    return [values[place] for place in at]


def _typed(number: float, kind: str) -> Typed:
    return int(number) if kind == "int" else number
