"""Own checks of expressions: syntax with the position, functions, references, paths, lists and choice filters."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from expressions.grammar import parse
from expressions.nearest import did_you_mean
from expressions.patterns import compile_pattern
from expressions.profiles import Profile
from expressions.records import compile_record
from expressions.syntax import Call, Expr, Filter, Path, Reference, Text, children, walk
from forms.fields.rows import SurveyRow
from forms.headers import TRANSLATED, read_header
from forms.lint.literals import check_literals
from forms.lint.problems import problem
from forms.lint.survey import NAME
from forms.outline import Outline, read_type
from schemas.errors import ExpressionError, Problem, ProblemSeverity
from schemas.workbook import Row

EXPRESSION_COLUMNS: Final = (
    *("relevant", "constraint", "calculation", "required", "read_only", "choice_filter", "repeat_count"),
)
_FREE_COLUMNS: Final = frozenset({"name", "list_name", "repeat", "dataset"})
"""Columns in which pyxform doesn't look for references; in all others it does, also in those it doesn't know."""

_REFERENCE = re.compile(r"\$\{(?:last-saved#)?([^}]*)\}|(\$\{[^}]*)$")
_CONSTANTS: Final = frozenset({"yes", "no", "true", "false", "true()", "false()"})
_SMART_QUOTES: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})


@dataclass(frozen=True, slots=True)
class Place:
    """The cell in which an expression stands.

    Attributes:
        column: canonical name.
        question: the row of `survey` that is the expression's context, null elsewhere.
    """

    sheet: str
    row: Row
    column: str
    question: SurveyRow | None = None


def check_expressions(outline: Outline) -> Iterator[Problem]:
    """Every problem of the expressions and references of `survey` and `entities`."""
    for row in outline.rows:
        for header, text in row.row.cells.items():
            base = read_header(header).base
            if base in EXPRESSION_COLUMNS and text.strip().lower() not in _CONSTANTS:
                yield from check_expression(outline, Place("survey", row.row, base, row), text)
            elif base not in _FREE_COLUMNS:
                yield from _check_text(outline, Place("survey", row.row, header, row), text)
    for sheet in ("choices", "settings", "entities"):
        for other in outline.workbook.rows(sheet):
            for header, text in other.cells.items():
                base = read_header(header).base
                if base in TRANSLATED or (sheet != "choices" and base not in _FREE_COLUMNS):
                    yield from _check_text(outline, Place(sheet, other, header), text)


def _check_text(outline: Outline, place: Place, text: str) -> Iterator[Problem]:
    """References in a cell that is no expression."""
    if "${" not in text:
        return
    names = []
    for found in _REFERENCE.finditer(text):
        if found.group(2) is not None or not NAME.fullmatch(found.group(1)):
            message = f"'{found.group()[:40]}' is no reference: expected ${{name}}."
            yield _at(outline, place, "error", "FRM-122", message, "Close the brace, and leave no spaces inside.")
        else:
            names.append(found.group(1))
    yield from _check_references(outline, place, names)
    is_shown = place.question is not None and read_header(place.column).base in TRANSLATED
    for name in dict.fromkeys(names if is_shown else ()):
        if _is_repeated(outline, place, name):
            message = f"'{name}' is answered several times, in a repeat; this text shows one answer."
            advice = "Compute what to show with a calculate, for example join(', ', ${name})."
            yield _at(outline, place, "warning", "FRM-131", message, advice)


def _is_repeated(outline: Outline, place: Place, name: str) -> bool:
    """Whether the question of that name is in a repeat that the place isn't in."""
    rows = outline.by_name.get(name, ())
    if len(rows) != 1 or place.question is None:
        return False
    around = {parent.number for parent in (*place.question.parents, place.question.row)}
    repeats = {row.row.number for row in outline.rows if row.kind == "begin" and row.section == "repeat"}
    return any(parent.number in repeats and parent.number not in around for parent in rows[0].parents)


def check_expression(outline: Outline, place: Place, text: str) -> Iterator[Problem]:
    """Every problem of one expression, at its cell."""
    plain = text.translate(_SMART_QUOTES)  # as pyxform does before it looks at an expression
    try:
        tree = parse(plain)
    except ExpressionError as error:
        names = [found.group(1) for found in _REFERENCE.finditer(text) if NAME.fullmatch(found.group(1) or "")]
        yield from _check_references(outline, place, names)
        yield _expression_problem(outline, place, plain, error)
        return
    yield from _check_functions(outline, place, plain)
    found = tuple(walk(tree))
    named = [(node.name, node.position) for node in found if isinstance(node, Reference)]
    yield from _check_references(outline, place, [name for name, _ in named], dict(reversed(named)))
    for node in found:
        if isinstance(node, Path):
            yield from _check_path(outline, place, node)
        elif isinstance(node, Call):
            yield from _check_call(outline, place, node)
    yield from (_check_filter if place.column == "choice_filter" else _check_words)(outline, place, tree)
    for advice in check_literals(outline, tree, place.question):
        yield _at(outline, place, "warning", advice.code, advice.message, advice.advice)


def _at(outline: Outline, place: Place, severity: ProblemSeverity, code: str, message: str, advice: str) -> Problem:
    return problem(outline.workbook, severity, code, place.sheet, place.row, place.column, message, advice)


def _expression_problem(outline: Outline, place: Place, text: str, error: ExpressionError) -> Problem:
    """What the expressions' own error says, with the place in the text if it doesn't state it."""
    message = error.message
    if not re.match(r"At \d+", message):
        shown = text[error.position : error.position + 20].replace("\n", " ")
        message = f"At character {error.position + 1}{f' ({shown})' if shown else ''}: {message}"
    return _at(outline, place, "error", error.code, message, error.advice)


def _check_functions(outline: Outline, place: Place, text: str) -> Iterator[Problem]:
    """Functions and their arguments, as ODK Collect knows them."""
    try:
        compile_record(text, Profile.JAVAROSA)
    except ExpressionError as error:
        yield _expression_problem(outline, place, text, error)


def _check_references(
    outline: Outline, place: Place, names: list[str], positions: Mapping[str, int] | None = None
) -> Iterator[Problem]:
    # pyxform knows the names of the survey only; over the finished form those that it adds exist too.
    is_form = place.sheet in {"survey", "choices", "settings", "entities"}
    added = frozenset({"instanceID"}) if is_form else outline.generated_names
    for name in dict.fromkeys(names):
        rows = outline.by_name.get(name, ())
        if len(rows) > 1:
            message = (
                f"'${{{name}}}' may mean {len(rows)} questions: rows {', '.join(str(r.row.number) for r in rows)}."
            )
            yield _at(outline, place, "error", "FRM-121", message, "Give one of them another name.")
        elif not rows and name not in added:
            otherwise = "Add the question, or correct the name."
            known = _names_in_reach(outline, place)
            advice = did_you_mean(name, known, outline.by_name, form="'${{{}}}'", otherwise=otherwise)
            where = f"At {positions[name] + 1}: there" if positions else "There"
            yield _at(outline, place, "error", "FRM-120", f"{where} is no question '{name}'.", advice)


def _names_in_reach(outline: Outline, place: Place) -> list[str]:
    """Names of the questions of the same groups and repeats as the expression's, the innermost first."""
    if place.question is None:
        return []
    around = {row.number for row in (*place.question.parents, place.question.row)}
    near = [
        (len(row.parents), name)
        for name, rows in outline.by_name.items()
        for row in rows
        if {parent.number for parent in row.parents} <= around
    ]
    return [name for _, name in sorted(near, key=lambda found: -found[0])]


def _check_path(outline: Outline, place: Place, path: Path) -> Iterator[Problem]:
    if not path.absolute or any(step.axis != "child" or "(" in step.test for step in path.steps) or not path.steps:
        return
    names = [step.test.rpartition(":")[2] for step in path.steps]
    if "*" in names or "meta" in names[1:2]:
        return
    text = "/" + "/".join(names)
    if text not in outline.by_path and text not in outline.generated_paths:
        yield _at(
            outline,
            place,
            "error",
            "FRM-123",
            f"At {path.position + 1}: the form has no node '{text}'.",
            did_you_mean(
                text,
                outline.by_path,
                otherwise="Use ${name}; a path that leads nowhere is blank and nobody notices.",
            ),
        )


def _check_call(outline: Outline, place: Place, call: Call) -> Iterator[Problem]:
    if call.name == "regex" and len(call.arguments) == 2 and isinstance(call.arguments[1], Text):
        try:
            compile_pattern(call.arguments[1].value, call.arguments[1].position)
        except ExpressionError as error:
            yield _at(outline, place, "error", error.code, error.message, error.advice)
    first = call.arguments[0] if call.arguments else None
    if not isinstance(first, Text):
        return
    if call.name == "instance" and first.value not in outline.instances:
        message = f"At {call.position + 1}: there is no list '{first.value}' for instance()."
        advice = did_you_mean(first.value, outline.instances, otherwise="Correct the name, or add the list.")
        yield _at(outline, place, "warning", "FRM-130", message, advice)
    elif call.name == "pulldata":
        file = first.value if first.value.endswith(".csv") else f"{first.value}.csv"
        if file not in outline.workbook.media and first.value not in outline.instances:
            advice = "Put it into the folder 'media' beside the workbook, or attach it when you publish the form."
            message = f"The file '{file}' isn't among the workbook's media."
            yield _at(outline, place, "warning", "FRM-135", message, advice)


def _check_filter(outline: Outline, place: Place, tree: Expr) -> Iterator[Problem]:
    """Bare names in a choice filter are columns of the list."""
    kind = read_type(place.question.type) if place.question else read_type("")
    if kind.source in outline.lists:
        columns: frozenset[str] | None = outline.choice_columns
    else:
        columns = outline.file_columns(kind.source)
    if columns is None:
        return
    for name in _bare_names(tree):
        if name not in columns:
            close = difflib.get_close_matches(name, columns, 1, 0.7)
            advice = f"Did you mean '{close[0]}'?" if close else "Add the column to the list."
            message = f"The choices have no column '{name}': the filter lets none through."
            yield _at(outline, place, "error", "FRM-125", message, advice)


def _check_words(outline: Outline, place: Place, tree: Expr) -> Iterator[Problem]:
    """Bare words elsewhere are paths to children that a question doesn't have: quotes or `${}` were forgotten."""
    is_leaf = place.question is not None and place.question.kind == "question"
    for name in _bare_names(tree):
        if is_leaf or name not in outline.by_name:
            is_question = name in outline.by_name
            advice = (
                f"Write ${{{name}}}." if is_question else f"Write '{name}' with quotes, or ${{name}} of a question."
            )
            message = f"'{name}' is a bare word: it means a node inside this one, which doesn't exist."
            yield _at(outline, place, "warning", "FRM-133", message, advice)


def _bare_names(tree: Expr) -> Iterator[str]:
    """Names of children of the choice, in order; what stands inside other paths' predicates isn't looked at."""
    if isinstance(tree, Path):
        step = tree.steps[0] if tree.steps else None
        is_bare = tree.base is None and not tree.absolute and len(tree.steps) == 1
        if is_bare and step is not None and step.axis == "child" and "(" not in step.test and step.test != "*":
            yield step.test
        return
    if isinstance(tree, Filter):
        return
    for child in children(tree):
        yield from _bare_names(child)
