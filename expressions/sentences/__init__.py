"""Any expression as a sentence in Spanish, English or Kreyòl, with the labels of questions and choices.

>>> # ${edad} >= 15 and ${trabajo} = '1'
>>> # «¿Cuántos años tiene?» es 15 o más y «¿Trabajó la semana pasada?» es «Sí»
"""

from __future__ import annotations

from expressions.grammar import parse
from expressions.sentences.clauses import clause
from expressions.sentences.glossary import Glossary, plain_label
from expressions.sentences.terms import is_condition, term
from expressions.syntax import Expr
from expressions.targets import Place

__all__ = ["Glossary", "condition_sentence", "plain_label", "value_sentence"]


def condition_sentence(expr: str | Expr, place: Place, language: str, own: str | None = None) -> str:
    """A condition (relevant, constraint, required, check, universe) in words, without full stop.

    Args:
        expr: the expression, or its tree.
        place: where it stands.
        language: es, ht or en; English words for any other.
        own: path of the question that the sentence calls "the answer".

    Raises:
        ExpressionError: EXP-001 to EXP-010, from `grammar.parse`; never for a tree.
    """
    return clause(parse(expr) if isinstance(expr, str) else expr, Glossary(place, language, own))


def value_sentence(expr: str | Expr, place: Place, language: str, own: str | None = None) -> str:
    """A value (calculation, repeat count, breakdown) in words; as `condition_sentence`."""
    tree = parse(expr) if isinstance(expr, str) else expr
    words = Glossary(place, language, own)
    return clause(tree, words) if is_condition(tree) else term(tree, words)
