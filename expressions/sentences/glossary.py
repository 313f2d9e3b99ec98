"""How sentences call questions and choices: by their labels."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from expressions.sentences.phrases import phrase, quoted
from expressions.syntax import Call, Expr, Filter, Path, Reference
from expressions.targets import Place, Target, find_path, find_reference
from schemas.errors import ExpressionError
from schemas.fields import Field, Form, walk
from schemas.text import Text, pick

LONGEST_LABEL: Final = 140
"""Characters of a label that a sentence quotes."""

_QUOTATION = re.compile(r"<output\b[^>]*?(?:/>|>.*?</output>)|\$\{[^}]*\}", re.DOTALL)
_MARKUP = re.compile(r"<[^>]*>|[*_#]{2,}|^\s*#+\s*", re.MULTILINE)
_SPACES = re.compile(r"\s+")


def plain_label(label: Text, name: str, language: str) -> str:
    """The label without markup or quoted answers, on one line; the name if it has no label."""
    text = _MARKUP.sub("", _QUOTATION.sub("…", pick(label, language)))
    text = _SPACES.sub(" ", text).strip()
    if len(text) > LONGEST_LABEL:
        text = text[: LONGEST_LABEL - 1].rstrip() + "…"
    return text or name


@dataclass(frozen=True, slots=True)
class Glossary:
    """Names for what stands in expressions of one place.

    Attributes:
        place: where the expression stands.
        language: of the sentences.
        own: path of the question that is called "the answer", null for none.
    """

    place: Place
    language: str
    own: str | None = None

    @property
    def form(self) -> Form:
        """The form."""
        return self.place.form

    def at(self, table: str, field: Field | None) -> Glossary:
        """The same for a condition on other rows."""
        return replace(self, place=Place(self.form, table, field), own=None)

    def target(self, leaf: Expr) -> Target | None:
        """What a name or path means; null if the form has no such thing."""
        try:
            match leaf:
                case Reference():
                    return find_reference(replace(leaf, last_saved=False), self.place)
                case Path(base=Call(name="current")):
                    return find_path(replace(leaf, base=None), self.place)
                case Path():
                    return find_path(leaf, self.place)
                case Filter(base=Reference() as base):
                    found = find_reference(base, self.place)
                    conditions = tuple((found.table, found.field, one) for one in leaf.predicates)
                    return replace(found, predicates=conditions)
        except ExpressionError:
            return None
        return None

    def field(self, leaf: Expr) -> Field | None:
        """The question that a leaf means, null if none."""
        found = self.target(leaf)
        return found.field if found is not None else None

    def name(self, target: Target) -> str:
        """A question's or repeat's label in quotation marks; "the answer" for the own question."""
        if target.field is not None:
            if target.field.path == self.own and target.is_single:
                return phrase("answer", self.language)
            return quoted(plain_label(target.field.label, target.field.name, self.language), self.language)
        table = self.form.table(target.table)
        label = next((node.label for node in walk(self.form.root) if node.path == table.path), {})
        return quoted(plain_label(label, table.path.rpartition("/")[2], self.language), self.language)

    def choice(self, field: Field, code: str) -> str:
        """A choice's label in quotation marks, the code where it has none."""
        found = next((choice for choice in field.choices if choice.value == code), None)
        return quoted(plain_label(found.label if found else {}, code, self.language), self.language)
