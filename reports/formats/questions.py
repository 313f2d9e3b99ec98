"""The questionnaire's variables as documentation tells them: whom they are asked of, what may be answered."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from expressions.sentences.rules import explain_form
from reports.tables import plain_text
from schemas.fields import Choice, Field, Form, Group, Node, Repeat
from schemas.text import LANGUAGES, Text, pick
from schemas.workbook import Specs

NUMBERS: Final = frozenset({"int", "integer", "decimal", "range"})
MOMENTS: Final = {"date": "AAAA-MM-DD", "time": "hh:mm:ss", "dateTime": "AAAA-MM-DDThh:mm:ss"}
PLACES: Final = frozenset({"geopoint", "geotrace", "geoshape"})


@dataclass(frozen=True, slots=True)
class Section:
    """A top group of the questionnaire, "" for what stands in none."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Question:
    """One variable.

    Attributes:
        field: as the form has it.
        section: where it stands.
        universe: language -> whom it is asked of, in words; empty for everybody.
        rule: language -> which answers are valid, in words.
        calculation: language -> how it is computed, in words.
        missing: of its choices, those that mean that the answer isn't known.
    """

    field: Field
    section: Section
    universe: Text = dataclasses.field(default_factory=dict)
    rule: Text = dataclasses.field(default_factory=dict)
    calculation: Text = dataclasses.field(default_factory=dict)
    missing: tuple[Choice, ...] = ()

    @property
    def kind(self) -> str:
        """One of: select_multiple, select_one, number, moment, place, file, text."""
        if self.field.is_select:
            return "select_multiple" if self.field.is_multiple else "select_one"
        if self.field.type in NUMBERS:
            return "number"
        if self.field.type in MOMENTS:
            return "moment"
        if self.field.type in PLACES:
            return "place"
        return "file" if self.field.type == "binary" else "text"

    @property
    def is_calculated(self) -> bool:
        """Whether nobody is asked it."""
        return bool(self.field.calculation) and not self.field.control


def list_questions(form: Form, specs: Specs, missing: Collection[str]) -> tuple[Question, ...]:
    """Every variable of the form, in its order.

    Args:
        missing: codes of choices that mean that the answer isn't known.
    """
    sentences = _read_sentences(form, specs)
    kept = {node.path for table in form.tables for node in table.fields}
    return tuple(
        Question(
            field=node,
            section=section,
            universe=_join(sentences, [(each, "relevant") for each in (*above, node)]),
            rule=_join(sentences, [(node, "constraint")]),
            calculation=_join(sentences, [(node, "calculation")]),
            missing=tuple(choice for choice in node.choices if choice.value in missing),
        )
        for node, section, above in _walk(form.root, Section("", {}), ())
        if node.path in kept
    )


def label_of(text: Text, language: str) -> str:
    """A label without what only a form can fill in, in a language or the nearest."""
    return " ".join(plain_text(text.get(language) or pick(text, language)).split())


def _walk(node: Node, section: Section, above: tuple[Node, ...]) -> Iterator[tuple[Field, Section, tuple[Node, ...]]]:
    if isinstance(node, Field):
        yield node, section, above
        return
    for child in node.children:
        inner = section
        if not section.name and isinstance(child, Group | Repeat) and child.label:
            inner = Section(child.name, child.label)
        yield from _walk(child, inner, (*above, node))


def _read_sentences(form: Form, specs: Specs) -> dict[str, Mapping[tuple[str, int | None, str], str]]:
    return {
        language: {
            (rule.name, rule.row, rule.kind): rule.sentence
            for rule in explain_form(form, specs, language)
            if rule.sheet == "survey"
        }
        for language in LANGUAGES
    }


def _join(
    sentences: Mapping[str, Mapping[tuple[str, int | None, str], str]], wanted: list[tuple[Node, str]]
) -> dict[str, str]:
    told = {
        language: " ".join(found[key] for node, kind in wanted if (key := (node.name, node.row, kind)) in found)
        for language, found in sentences.items()
    }
    return {language: text for language, text in told.items() if text}
