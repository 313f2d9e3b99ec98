"""Own checks of Comunal's sheets: topics, indicators, breakdowns, checks, design and rehearsal."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from forms.headers import bases, cell, read_header, texts
from forms.lint.expressions import Place, check_expression
from forms.lint.problems import problem
from forms.lint.rehearsal import check_rehearsal
from forms.outline import Outline
from forms.specs import KINDS, SEVERITIES, YES
from schemas.domains import crossed
from schemas.errors import Problem
from schemas.workbook import Row

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "topics": ("name", "label"),
    "indicators": ("name", "topic", "kind", "label", "unit"),
    "breakdowns": ("name", "value", "label"),
    "checks": ("name", "expression", "message"),
    "monitoring": ("name",),
    "design": ("setting", "value"),
    "imputation": ("variable",),
    "rehearsal": ("question", "value"),
}
"""Columns that each sheet must have; in the first four sheets every row must fill them."""

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "count": (),
    "share": ("numerator",),
    "ratio": ("numerator", "denominator"),
    "mean": ("value",),
    "quantile": ("value",),
    "distribution": ("value",),
}
EXPRESSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "indicators": ("universe", "denominator", "numerator", "value"),
    "breakdowns": ("value",),
    "checks": ("expression",),
}
_DESIGN_EXPRESSIONS: Final = (
    "weight",
    "selection_probability",
    "strata",
    "psu",
    "ssu",
    "fpc",
    "fpc2",
    "response",
    "response_class",
)
_YES_OR_NO: Final = YES | {"no", "non", "false", "0"}
_BARE_REFERENCE = re.compile(r"\$\{\s*([^}\s]+)\s*\}")


def check_specs(outline: Outline) -> Iterator[Problem]:
    """Every problem of Comunal's own sheets; sheets that the workbook lacks have none."""
    for sheet in REQUIRED:
        if sheet in outline.workbook.sheets:
            yield from _check_columns(outline, sheet)
    for sheet in ("topics", "indicators", "breakdowns", "checks"):
        yield from _check_rows(outline, sheet)
    for row in outline.workbook.rows("indicators"):
        yield from _check_indicator(outline, row)
    for row in outline.workbook.rows("checks"):
        yield from _check_check(outline, row)
    for row in outline.workbook.rows("monitoring"):
        severity = cell(row, "severity")
        if severity and severity not in SEVERITIES:
            yield _unknown(outline, "FRM-309", "monitoring", row, "severity", severity, SEVERITIES, "severity")
    yield from _check_imputation(outline)
    yield from _check_design(outline)
    yield from check_rehearsal(outline)


def _check_columns(outline: Outline, sheet: str) -> Iterator[Problem]:
    present = bases(outline.workbook.sheets[sheet].headers, sheet)
    for needed in REQUIRED[sheet]:
        if needed not in present:
            message = f"The sheet '{sheet}' has no column '{needed}'."
            yield problem(outline.workbook, "error", "FRM-302", sheet, None, needed, message, "Add it.")


def _check_rows(outline: Outline, sheet: str) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    headers = outline.workbook.sheets[sheet].headers if sheet in outline.workbook.sheets else ()
    present = bases(headers, sheet)
    for row in outline.workbook.rows(sheet):
        for base in REQUIRED[sheet]:
            if base in present and not cell(row, base) and not texts(row, base):
                message = f"The cell '{base}' is empty."
                yield problem(outline.workbook, "error", "FRM-303", sheet, row, base, message, "Fill it.")
        name = cell(row, "name")
        if name and name in seen:
            message = f"The name '{name}' stands twice (first in row {seen[name]})."
            yield problem(outline.workbook, "error", "FRM-310", sheet, row, "name", message, "Give it another name.")
        seen.setdefault(name, row.number)
        yield from _check_languages(outline, sheet, row, headers)
        if sheet != "topics":
            yield from _check_common(outline, sheet, row)


def _check_languages(outline: Outline, sheet: str, row: Row, headers: tuple[str, ...]) -> Iterator[Problem]:
    for base in ("label", "message", "description", "advice", "intro"):
        given = texts(row, base)
        for header in headers if given else ():
            parsed = read_header(header)
            if parsed.base == base and parsed.language not in given:
                message = f"There is no {base} in {parsed.language or 'the default language'}."
                yield problem(outline.workbook, "warning", "FRM-314", sheet, row, header, message, "Translate it.")


def _check_common(outline: Outline, sheet: str, row: Row) -> Iterator[Problem]:
    """What indicators, breakdowns and checks share: table, expressions, list and categories."""
    table = cell(row, "table")
    if table and table not in outline.tables:
        yield _unknown(outline, "FRM-304", sheet, row, "table", table, outline.tables, "table")
    for column in EXPRESSIONS[sheet]:
        if text := cell(row, column):
            yield from check_expression(outline, Place(sheet, row, column), text)
    name = cell(row, "list")
    if name and name not in outline.lists:
        yield _unknown(outline, "FRM-307", sheet, row, "list", name, outline.lists, "list")
    codes = outline.lists.get(name or _list_of_value(outline, row), {})
    for code in cell(row, "categories").split() if codes else ():
        if code not in codes:
            message = f"The category '{code}' isn't in the list of its choices."
            yield problem(
                outline.workbook, "warning", "FRM-312", sheet, row, "categories", message, "Correct the code."
            )


def _list_of_value(outline: Outline, row: Row) -> str:
    found = _BARE_REFERENCE.fullmatch(cell(row, "value"))
    return outline.type_of(found.group(1)).source if found else ""


def _unknown(
    outline: Outline, code: str, sheet: str, row: Row, column: str, found: str, known: Collection[str], what: str
) -> Problem:
    close = difflib.get_close_matches(found, known, 1, 0.6)
    advice = f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(sorted(known)[:12]) or 'none'}."
    return problem(outline.workbook, "error", code, sheet, row, column, f"There is no {what} '{found}'.", advice)


def _check_indicator(outline: Outline, row: Row) -> Iterator[Problem]:
    kind = cell(row, "kind")
    if kind and kind not in KINDS:
        yield _unknown(outline, "FRM-308", "indicators", row, "kind", kind, KINDS, "kind")
    for column in _NEEDED.get(kind, ()):
        if not cell(row, column):
            message = f"An indicator of kind '{kind}' needs a {column}."
            yield problem(
                outline.workbook, "error", "FRM-313", "indicators", row, column, message, "Write its expression."
            )
    topics = {cell(topic, "name") for topic in outline.workbook.rows("topics")}
    if (topic := cell(row, "topic")) and topic not in topics:
        yield _unknown(outline, "FRM-305", "indicators", row, "topic", topic, topics, "topic")
    breakdowns = {cell(other, "name"): other for other in outline.workbook.rows("breakdowns")}
    own = cell(row, "table") or "main"
    for written in cell(row, "breakdowns").split():
        names = crossed(written)
        for name in names:
            yield from _check_breakdown(outline, row, name, breakdowns, own)
        if len(set(names)) < len(names):
            message = f"The crossing '{written}' holds a breakdown twice."
            yield problem(
                outline.workbook, "error", "FRM-306", "indicators", row, "breakdowns", message, "Write each once."
            )
    yield from _check_number(outline, "indicators", row, "scale")
    order = cell(row, "quantile")
    if order and not (is_number(order) and 0 < float(order) < 1):
        message = f"'{order}' is no order of a quantile."
        advice = "Write a number between 0 and 1: 0.5 is the median."
        yield problem(outline.workbook, "error", "FRM-301", "indicators", row, "quantile", message, advice)


def _check_breakdown(
    outline: Outline, row: Row, name: str, breakdowns: Mapping[str, Row], own: str
) -> Iterator[Problem]:
    if name not in breakdowns:
        yield _unknown(outline, "FRM-306", "indicators", row, "breakdowns", name, breakdowns, "breakdown")
    elif (table := cell(breakdowns[name], "table") or "main") not in {own, "main"}:
        message = f"The breakdown '{name}' groups rows of '{table}', the indicator counts rows of '{own}'."
        advice = "Use a breakdown of the same table, or of main."
        yield problem(outline.workbook, "error", "FRM-306", "indicators", row, "breakdowns", message, advice)


def _check_number(outline: Outline, sheet: str, row: Row, column: str) -> Iterator[Problem]:
    if (text := cell(row, column)) and not is_number(text):
        message = f"'{text}' is no number from 0."
        advice = "Write digits, with a point for decimals."
        yield problem(outline.workbook, "error", "FRM-301", sheet, row, column, message, advice)


def is_number(text: str) -> bool:
    """Whether a text is a finite number from 0."""
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) and number >= 0


def _check_check(outline: Outline, row: Row) -> Iterator[Problem]:
    severity = cell(row, "severity")
    if severity and severity not in SEVERITIES:
        yield _unknown(outline, "FRM-309", "checks", row, "severity", severity, SEVERITIES, "severity")
    for name in cell(row, "variables").split():
        bare = name.strip("${},")
        if bare not in outline.by_name and bare not in outline.generated_names:
            yield _unknown(outline, "FRM-311", "checks", row, "variables", bare, outline.by_name, "question")


def _check_imputation(outline: Outline) -> Iterator[Problem]:
    for row in outline.workbook.rows("imputation"):
        for column in ("variable", "classes", "order"):
            for name in cell(row, column).replace(",", " ").split():
                if (bare := name.strip("${}")) not in outline.by_name:
                    yield _unknown(outline, "FRM-311", "imputation", row, column, bare, outline.by_name, "question")
        for column in ("donors", "reliability"):
            yield from _check_number(outline, "imputation", row, column)


def _check_design(outline: Outline) -> Iterator[Problem]:
    seen: set[str] = set()
    for row in outline.workbook.rows("design"):
        name, value = cell(row, "setting"), cell(row, "value")
        if name in seen:
            message = f"The setting '{name}' stands twice."
            yield problem(outline.workbook, "error", "FRM-310", "design", row, "setting", message, "Keep one of them.")
        seen.add(name)
        if name == "probability" and value and value.lower() not in {"yes", "no", "true", "false"}:
            message = f"'{value}' is neither yes nor no."
            advice = "yes if every unit had a known probability of selection, else no."
            yield problem(outline.workbook, "error", "FRM-315", "design", row, "value", message, advice)
        elif name == "imputation" and value and value.lower() not in _YES_OR_NO:
            message = f"'{value}' is neither yes nor no."
            advice = "yes to change and fill in answers by rule (docs/methods/imputation.md), else no."
            yield problem(outline.workbook, "error", "FRM-315", "design", row, "value", message, advice)
        elif name == "threshold" and not re.fullmatch(r"\d+", value):
            message = f"'{value}' is no whole number from 0."
            yield problem(outline.workbook, "error", "FRM-301", "design", row, "value", message, "Write digits.")
        elif name == "commune" and value and not re.fullmatch(r"\d{5}", value):
            message = f"'{value}' is no commune code."
            yield problem(
                outline.workbook, "error", "FRM-315", "design", row, "value", message, "Write its five digits (CUT)."
            )
        elif name in _DESIGN_EXPRESSIONS and value:
            yield from check_expression(outline, Place("design", row, "value"), value)
