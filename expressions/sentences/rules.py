"""Every rule of a form, and every definition of Comunal's own sheets, as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from expressions.grammar import parse
from expressions.sentences.clauses import clause
from expressions.sentences.glossary import Glossary, plain_label
from expressions.sentences.phrases import phrase
from expressions.sentences.terms import is_condition, term
from expressions.syntax import Call, Expr, Path
from expressions.targets import Place
from schemas.errors import ExpressionError
from schemas.fields import MAIN_TABLE, Field, Form, Node, Repeat
from schemas.text import Text
from schemas.workbook import Specs

_YES: Final = "true()"
_NO: Final = "false()"


@dataclass(frozen=True, slots=True)
class RuleSentence:
    """One rule in words.

    Attributes:
        sheet: survey, checks, indicators or breakdowns.
        row: row of the sheet from 1, null if unknown.
        name: name of the question, check, indicator or breakdown.
        label: its label in the language asked for.
        kind: relevant, constraint, required, calculation, choice_filter, repeat_count, expression, universe,
            denominator, numerator or value.
        expression: as the form has it.
        sentence: in words, with full stop.
    """

    sheet: str
    row: int | None
    name: str
    label: str
    kind: str
    expression: str
    sentence: str


def explain_form(form: Form, specs: Specs | None, language: str) -> Iterator[RuleSentence]:
    """The rules of a form in form order, then those of Comunal's own sheets."""
    yield from _explain_node(form, form.root, MAIN_TABLE, language)
    if specs is not None:
        yield from _explain_specs(form, specs, language)


def explain_constraint(form: Form, field: Field, language: str) -> str:
    """A constraint in words without full stop, "" if there is none or it can't be read."""
    tree = _read(field.constraint)
    place = Place(form, field.table, field)
    return clause(tree, Glossary(place, language, field.path)) if tree is not None else ""


def _read(text: str | None) -> Expr | None:
    try:
        return parse(text) if text else None
    except ExpressionError:
        return None


def _explain_node(form: Form, node: Node, table: str, language: str) -> Iterator[RuleSentence]:
    own = node.table if isinstance(node, Field | Repeat) else table
    field = node if isinstance(node, Field) else Field(node.name, node.path, table=own)
    words = Glossary(Place(form, own, field), language, node.path if isinstance(node, Field) else None)

    def say(kind: str, key: str, text: str | None, value: bool = False) -> Iterator[RuleSentence]:
        tree = _read(text)
        if tree is not None and text:
            said = term(tree, words) if value and not is_condition(tree) else clause(tree, words)
            sentence = phrase(key, language, said)
            yield RuleSentence(
                "survey", node.row, node.name, plain_label(node.label, node.name, language), kind, text, sentence
            )

    yield from say("relevant", "asked_if" if isinstance(node, Field) else "shown_if", node.relevant)
    if isinstance(node, Field):
        if node.column:
            yield from say("constraint", "valid_if", node.constraint)
            yield from _explain_required(node, words)
            yield from say("calculation", "computed", node.calculation, value=True)
            yield from _explain_filter(node, words)
        return
    if isinstance(node, Repeat):
        yield from say("repeat_count", "repeated", node.count, value=True)
    for child in node.children:
        yield from _explain_node(form, child, own, language)


def _explain_required(field: Field, words: Glossary) -> Iterator[RuleSentence]:
    text = (field.required or "").strip()
    tree = _read(text)
    if tree is None or text == _NO:
        return
    said = phrase("required", words.language)
    if text != _YES:
        said = phrase("required_if", words.language, clause(tree, words))
    label = plain_label(field.label, field.name, words.language)
    yield RuleSentence("survey", field.row, field.name, label, "required", text, said)


def _explain_filter(field: Field, words: Glossary) -> Iterator[RuleSentence]:
    tree = _read(field.itemset)
    if not isinstance(tree, Path) or not isinstance(tree.base, Call):
        return
    for step in tree.steps:
        for condition in step.predicates:
            said = phrase("offered", words.language, clause(condition, words))
            label = plain_label(field.label, field.name, words.language)
            yield RuleSentence("survey", field.row, field.name, label, "choice_filter", field.itemset or "", said)


def _explain_specs(form: Form, specs: Specs, language: str) -> Iterator[RuleSentence]:
    tables = {table.name for table in form.tables}

    def say(
        sheet: str, row: int | None, name: str, label: Text, table: str, kind: str, key: str, text: str | None
    ) -> Iterator[RuleSentence]:
        tree = _read(text)
        if tree is None or not text or table not in tables:
            return
        words = Glossary(Place(form, table, None), language)
        is_value = kind == "value" or key == "amount"
        said = term(tree, words) if is_value and not is_condition(tree) else clause(tree, words)
        yield RuleSentence(
            sheet, row, name, plain_label(label, name, language), kind, text, phrase(key, language, said)
        )

    for check in specs.checks:
        yield from say(
            "checks", check.row, check.name, check.message, check.table, "expression", "holds", check.expression
        )
    for one in specs.indicators:
        for kind in ("universe", "denominator", "numerator", "value"):
            is_sum = one.kind == "ratio" and kind in {"denominator", "numerator"}
            key = "amount" if is_sum else kind
            yield from say("indicators", one.row, one.name, one.label, one.table, kind, key, getattr(one, kind))
    for group in specs.breakdowns:
        yield from say("breakdowns", group.row, group.name, group.label, group.table, "value", "value", group.value)
