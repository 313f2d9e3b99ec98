"""Comparisons that can never mean what was intended: codes that aren't in the list, dates against texts, and the like.

No other tool notices these: they are valid XPath, and simply false.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from expressions.nearest import did_you_mean
from expressions.syntax import Binary, Call, Expr, Number, Path, Reference, Text, walk
from forms.fields.rows import SurveyRow
from forms.outline import Outline, QuestionType, read_type

_DATE_FUNCTIONS: Final = frozenset({"today", "now", "date", "date-time"})
_COMPARISONS: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Doubt:
    """A comparison that is doubtful."""

    code: str
    message: str
    advice: str


def check_literals(outline: Outline, tree: Expr, question: SurveyRow | None) -> Iterator[Doubt]:
    """Every doubtful comparison below `tree`; `question` is what `.` means."""
    for node in walk(tree):
        if isinstance(node, Binary) and node.operator in _COMPARISONS:
            for side, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(other, Text | Number):
                    yield from _check_comparison(outline, side, other, node.operator, question)
        elif isinstance(node, Call) and node.name in {"selected", "is-selected"} and len(node.arguments) == 2:
            yield from _check_selected(outline, node, question)


def _operand(outline: Outline, node: Expr, question: SurveyRow | None) -> tuple[str, QuestionType]:
    """Name and type of the question that an operand is, "" and an unknown type if it is none."""
    if isinstance(node, Reference) and not node.last_saved:
        return node.name, outline.type_of(node.name)
    if isinstance(node, Path) and node.base is None and not any(step.predicates for step in node.steps):
        if node.absolute:
            row = outline.by_path.get("/" + "/".join(step.test for step in node.steps))
            return (row.name, read_type(row.type)) if row else ("", QuestionType(""))
        if question and question.kind == "question" and [(s.axis, s.test) for s in node.steps] == [("self", "node()")]:
            return question.name, read_type(question.type)
    if isinstance(node, Call) and node.name in _DATE_FUNCTIONS:
        return f"{node.name}()", QuestionType("date", value="date")
    return "", QuestionType("")


def _check_comparison(
    outline: Outline, side: Expr, literal: Text | Number, operator: str, question: SurveyRow | None
) -> Iterator[Doubt]:
    name, kind = _operand(outline, side, question)
    shown = _shown(literal)
    if not name or shown == "":
        return
    if kind.is_select and operator in {"=", "!="}:
        codes = shown.split() if kind.kind != "select_one" else [shown]
        yield from _check_codes(outline, name, kind, codes)
    elif kind.value in {"date", "dateTime"}:
        found = f"the text '{shown}'" if isinstance(literal, Text) else f"the number {shown}"
        message = f"'{name}' is a date and is compared with {found}."
        yield Doubt("FRM-126", message, "Write date('YYYY-MM-DD'): ODK Collect reads a bare text as no date at all.")
    elif kind.value in {"int", "decimal"} and isinstance(literal, Text) and not _is_number(shown):
        message = f"'{name}' is a number and is compared with the text '{shown}'."
        yield Doubt("FRM-127", message, "Compare it with a number.")


def _check_selected(outline: Outline, call: Call, question: SurveyRow | None) -> Iterator[Doubt]:
    name, kind = _operand(outline, call.arguments[0], question)
    if not name or not kind.kind:
        return
    if kind.value:
        message = f"selected() looks at '{name}', which is no question with choices."
        yield Doubt("FRM-129", message, "Use '=' to compare.")
    elif kind.is_select and isinstance(call.arguments[1], Text | Number):
        yield from _check_codes(outline, name, kind, [_shown(call.arguments[1]).strip()])


def _check_codes(outline: Outline, name: str, kind: QuestionType, codes: list[str]) -> Iterator[Doubt]:
    if kind.source not in outline.lists or _is_searched(outline, name):
        return
    known = {*outline.lists[kind.source], *(("other",) if kind.has_other else ())}
    for code in codes:
        if code and code not in known:
            message = f"'{name}' is compared with '{code}', which isn't in its list '{kind.source}'."
            advice = did_you_mean(code, known, otherwise="Correct the code, or add it to the list.")
            yield Doubt("FRM-124", message, advice)


def _is_searched(outline: Outline, name: str) -> bool:
    """Whether the choices come from search(), so that the list's codes are names of columns."""
    return any("search(" in row.row.cells.get("appearance", "") for row in outline.by_name.get(name, ()))


def _shown(literal: Text | Number) -> str:
    if isinstance(literal, Text):
        return literal.value
    return str(int(literal.value)) if literal.value.is_integer() else repr(literal.value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
