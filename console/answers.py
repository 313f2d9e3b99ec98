"""One interview as it is read beside its findings: sections, rows of repeats, questions with their answers in words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

import polars as pl

from console.wording import DeskWording
from schemas.fields import MAIN_TABLE, PARENT_ROW_ID, PRESENT, ROW_ID, Field, Form, Group, Node, Repeat

_REFERENCE = re.compile(r"\$\{[^}]*\}")

Where = tuple[str, str]
"""Row id and name of a question."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered question.

    Attributes:
        value: in words; "" if the answer is personal and not shown.
        raw: as it is stored, "" likewise.
        is_concerned: whether a finding names it.
    """

    name: str
    row_id: str
    label: str
    value: str
    raw: str
    is_personal: bool = False
    is_concerned: bool = False

    @property
    def anchor(self) -> str:
        """Where on the page it is."""
        return anchor_of(self.row_id, self.name)


@dataclass(frozen=True, slots=True)
class Section:
    """A group or a row of a repeat, with what was answered in it; `level` 0 is outermost."""

    title: str
    level: int
    answers: tuple[Answer, ...]

    @property
    def is_concerned(self) -> bool:
        """Whether a finding names any of its questions."""
        return any(answer.is_concerned for answer in self.answers)


def anchor_of(row_id: str, name: str) -> str:
    """An id of HTML for a question of a row.

    >>> anchor_of("person[2]", "age")
    'a-person.2.-age'
    """
    return f"a-{row_id}-{name}".translate(str.maketrans("[]/ ", "...."))


@dataclass(frozen=True, slots=True)
class Reader:
    """What is needed to put answers into words.

    Attributes:
        concerned: questions that findings name.
        revealed: personal answers that may be shown.
    """

    form: Form
    tables: Mapping[str, pl.DataFrame]
    words: DeskWording
    zone: tzinfo
    concerned: Collection[Where] = ()
    revealed: Mapping[Where, str] = field(default_factory=dict)

    def sections(self) -> list[Section]:
        """The whole interview in the form's order, without what nobody answered."""
        main = self.tables[MAIN_TABLE]
        if main.is_empty():
            return []
        return [one for one in self._walk(self.form.root, main.row(0, named=True), "", 0) if one.answers]

    def _walk(self, group: Group | Repeat, row: Mapping[str, Any], title: str, level: int) -> list[Section]:
        answers: list[Answer] = []
        below: list[Section] = []
        for child in group.children:
            if isinstance(child, Field):
                answers += self._answer(child, row)
            elif isinstance(child, Repeat):
                below += self._rows(child, row, level + 1)
            elif self._is_bare(child):
                # A group without a heading of its own is read as part of what surrounds it.
                inner = self._walk(child, row, "", level)
                answers += inner[0].answers
                below += inner[1:]
            else:
                below += self._walk(child, row, without_references(self.words.pick(child.label)), level + 1)
        return [Section(title, level, tuple(answers)), *below]

    @staticmethod
    def _is_bare(group: Node) -> bool:
        return not group.label

    def _rows(self, repeat: Repeat, row: Mapping[str, Any], level: int) -> list[Section]:
        frame = self.tables[repeat.table].filter(pl.col(PARENT_ROW_ID) == row[ROW_ID])
        heading = without_references(self.words.pick(repeat.label)) or repeat.name
        found = []
        for number, inner in enumerate(frame.iter_rows(named=True), 1):
            found += self._walk(repeat, inner, f"{heading} {number}", level)
        return found

    def _answer(self, asked: Field, row: Mapping[str, Any]) -> list[Answer]:
        value = row.get(asked.column)
        if value is None or not (asked.control or asked.calculation):
            return []
        where = (row[ROW_ID], asked.name)
        label = without_references(self.words.pick(asked.label)) or asked.name
        is_concerned = where in self.concerned or ("*", asked.name) in self.concerned
        if asked.personal or value == PRESENT:
            shown = self.revealed.get(where, "")
            return [Answer(asked.name, row[ROW_ID], label, shown, shown, True, is_concerned)]
        if not asked.control and not (asked.label or is_concerned):
            return []
        told = tell(asked, value, self.words, self.zone)
        return [Answer(asked.name, row[ROW_ID], label, told, raw_of(value), False, is_concerned)]


def without_references(label: str) -> str:
    """A label without the answers that its form would put in.

    >>> without_references("Age of ${name}")
    'Age of …'
    """
    return _REFERENCE.sub("…", label)


def raw_of(value: object) -> str:
    """An answer as its form stores it."""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def tell(asked: Field, value: object, words: DeskWording, zone: tzinfo) -> str:
    """An answer in words: choices by their labels, numbers, dates and moments as the language writes them."""
    if isinstance(value, datetime):
        return words.moment(value, zone)
    if isinstance(value, date):
        return words.date(datetime(value.year, value.month, value.day))
    if isinstance(value, float):
        return words.number(value, 0 if value.is_integer() else 2)
    if isinstance(value, int):
        # A year is no count: four digits stay together.
        return str(value) if abs(value) < 10_000 else words.number(value)
    if asked.is_select and asked.choices:
        labels = {choice.value: words.pick(choice.label) for choice in asked.choices}
        codes: Sequence[str] = str(value).split() if asked.is_multiple else [str(value)]
        return words.listing([labels.get(code) or code for code in codes])
    return str(value)
