"""Comunal's own sheets -> `Specs`: topics, indicators, breakdowns, checks, rehearsal and design.

Expressions are kept as written; `forms.lint` says what is wrong with them, row by row.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Final

from forms.headers import cell, texts
from forms.spreading import spread
from schemas.errors import FormError
from schemas.fields import MAIN_TABLE
from schemas.text import Text, language_code
from schemas.workbook import (
    Breakdown,
    Check,
    Design,
    ImputationRow,
    Indicator,
    MonitoringRow,
    OwnExpectation,
    RehearsalRow,
    Row,
    Specs,
    Topic,
    Workbook,
)

DEFAULT_THRESHOLD: Final = 10
YES: Final = frozenset({"yes", "true", "1", "si", "sí", "wi"})
KINDS: Final = ("count", "share", "ratio", "mean", "quantile", "distribution")
SEVERITIES: Final = ("error", "warning", "info")
MONITORING_COLUMNS: Final = ("name", "parameter", "value", "severity", "on")

_SELECT = re.compile(r"(?:select_one|select_multiple|select one|select multiple|rank)\s+(\S+)", re.IGNORECASE)
_BARE_REFERENCE = re.compile(r"\$\{\s*([^}\s]+)\s*\}")


def read_specs(workbook: Workbook) -> Specs:
    """What Comunal's own sheets say; rows without a name are left out, absent sheets are empty.

    Raises:
        FormError: FRM-301, a number that is none, naming sheet, row and column.
    """
    lists = choice_labels(workbook)
    selects = _selects(workbook)
    found = Specs(
        topics=tuple(
            Topic(cell(row, "name"), text_of(row, "label"), text_of(row, "intro"), row.number)
            for row in _named(workbook, "topics")
        ),
        indicators=tuple(_indicator(row, lists, selects) for row in _named(workbook, "indicators")),
        breakdowns=tuple(_breakdown(row, lists, selects) for row in _named(workbook, "breakdowns")),
        checks=tuple(_check(row) for row in _named(workbook, "checks")),
        rehearsal=tuple(_rehearsal(row) for row in workbook.rows("rehearsal") if cell(row, "question")),
        design=_design(workbook),
        monitoring=tuple(
            MonitoringRow(**{name: cell(row, name) for name in MONITORING_COLUMNS}, row=row.number)
            for row in _named(workbook, "monitoring")
        ),
        expectations=tuple(_expectation(row) for row in _named(workbook, "expectations")),
        imputation=tuple(_imputation(row) for row in workbook.rows("imputation") if cell(row, "variable")),
    )
    return spread(found)


def _named(workbook: Workbook, sheet: str) -> tuple[Row, ...]:
    return tuple(row for row in workbook.rows(sheet) if cell(row, "name"))


def text_of(row: Row, base: str) -> Text:
    """Language code -> text of a translated column."""
    return {language_code(language): text for language, text in texts(row, base).items()}


def choice_labels(workbook: Workbook) -> dict[str, dict[str, Text]]:
    """List name -> code -> label, of the `choices` sheet, in its order."""
    lists: dict[str, dict[str, Text]] = {}
    for row in workbook.rows("choices"):
        name, value = cell(row, "list_name"), cell(row, "name")
        if name and value:
            lists.setdefault(name, {}).setdefault(value, text_of(row, "label"))
    return lists


def _selects(workbook: Workbook) -> dict[str, str]:
    """Question -> the list it chooses from."""
    found: dict[str, str] = {}
    for row in workbook.rows("survey"):
        if matched := _SELECT.match(cell(row, "type")):
            found.setdefault(cell(row, "name"), matched.group(1))
    return found


def _indicator(row: Row, lists: Mapping[str, dict[str, Text]], selects: Mapping[str, str]) -> Indicator:
    value = _optional(row, "value")
    categories, labels = _categories(row, value, lists, selects)
    return Indicator(
        name=cell(row, "name"),
        topic=cell(row, "topic"),
        kind=cell(row, "kind"),
        table=cell(row, "table") or MAIN_TABLE,
        label=text_of(row, "label"),
        unit=cell(row, "unit"),
        universe=_optional(row, "universe"),
        denominator=_optional(row, "denominator"),
        numerator=_optional(row, "numerator"),
        value=value,
        scale=_number(row, "indicators", "scale", 1.0),
        categories=categories,
        category_labels=labels,
        breakdowns=tuple(cell(row, "breakdowns").split()),
        description=text_of(row, "description"),
        source=cell(row, "source"),
        row=row.number,
        quantile=_number(row, "indicators", "quantile", 0.5),
    )


def _breakdown(row: Row, lists: Mapping[str, dict[str, Text]], selects: Mapping[str, str]) -> Breakdown:
    value = cell(row, "value")
    categories, labels = _categories(row, value, lists, selects)
    return Breakdown(
        name=cell(row, "name"),
        table=cell(row, "table") or MAIN_TABLE,
        label=text_of(row, "label"),
        value=value,
        categories=categories,
        category_labels=labels,
        row=row.number,
    )


def _categories(
    row: Row, value: str | None, lists: Mapping[str, dict[str, Text]], selects: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, Text]]:
    """Codes and their labels. Without a list, the labels are those of the question that `value` names."""
    categories, name = tuple(cell(row, "categories").split()), cell(row, "list")
    if name:
        labels = lists.get(name, {})
        return categories or tuple(labels), {code: labels[code] for code in categories or labels if code in labels}
    question = _BARE_REFERENCE.fullmatch(value or "")
    labels = lists.get(selects.get(question.group(1), ""), {}) if question else {}
    return categories, {code: label for code, label in labels.items() if not categories or code in categories}


def _check(row: Row) -> Check:
    return Check(
        name=cell(row, "name"),
        table=cell(row, "table") or MAIN_TABLE,
        expression=cell(row, "expression"),
        severity=cell(row, "severity") or "error",
        message=text_of(row, "message"),
        advice=text_of(row, "advice"),
        variables=tuple(name.strip("${},") for name in cell(row, "variables").split()),
        row=row.number,
    )


def _expectation(row: Row) -> OwnExpectation:
    """`arguments` is JSON, or words such as `min_value=0 max_value=120`, whose values are JSON or else text."""
    written, problem = cell(row, "arguments"), ""
    arguments: dict[str, object] = {}
    try:
        if written.startswith("{"):
            arguments = json.loads(written)
        else:
            arguments = {name: _json(value) for name, value in (word.split("=", 1) for word in written.split())}
    except ValueError:
        problem = "arguments are neither JSON nor words such as min_value=0 max_value=120"
    if column := cell(row, "column").strip("${}"):
        arguments["column"] = column
    return OwnExpectation(
        name=cell(row, "name"),
        table=cell(row, "table") or MAIN_TABLE,
        expectation=cell(row, "expectation"),
        arguments=arguments,
        severity=cell(row, "severity") or "warning",
        label=text_of(row, "label"),
        problem=problem,
        row=row.number,
    )


def _imputation(row: Row) -> ImputationRow:
    donors = _number(row, "imputation", "donors", 0)
    return ImputationRow(
        variable=cell(row, "variable").strip("${}"),
        table=cell(row, "table"),
        classes=_names(row, "classes"),
        order=_names(row, "order"),
        donors=int(donors) or None,
        missing=tuple(cell(row, "missing").replace(",", " ").split()),
        reliability=_number(row, "imputation", "reliability", 1.0) or 1.0,
        row=row.number,
    )


def _names(row: Row, base: str) -> tuple[str, ...]:
    return tuple(name.strip("${}") for name in cell(row, base).replace(",", " ").split())


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _rehearsal(row: Row) -> RehearsalRow:
    return RehearsalRow(
        question=cell(row, "question"),
        value=cell(row, "value"),
        weight=_number(row, "rehearsal", "weight", 1.0),
        when=_optional(row, "when"),
        row=row.number,
    )


def _design(workbook: Workbook) -> Design:
    rows = {cell(row, "setting"): row for row in workbook.rows("design") if cell(row, "setting")}
    settings = {name: cell(row, "value") for name, row in rows.items()}
    titles = {name.partition("::")[2]: text for name, text in settings.items() if name.startswith("title::")}
    if settings.get("title"):
        titles.setdefault("", settings["title"])
    threshold = _number(rows["threshold"], "design", "value", DEFAULT_THRESHOLD) if "threshold" in rows else None
    return Design(
        survey=settings.get("survey") or workbook.name,
        commune=settings.get("commune", ""),
        probability=settings.get("probability", "").lower() in YES,
        title={language_code(language): text for language, text in titles.items() if text},
        period=settings.get("period", ""),
        weight=settings.get("weight") or None,
        strata=settings.get("strata") or None,
        psu=settings.get("psu") or None,
        threshold=DEFAULT_THRESHOLD if threshold is None else int(threshold),
        settings=settings,
        communes=settings.get("communes", ""),
    )


def _optional(row: Row, base: str) -> str | None:
    return cell(row, base) or None


def _number(row: Row, sheet: str, base: str, default: float) -> float:
    text = cell(row, base)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        message = f"Sheet '{sheet}', row {row.number}, column '{base}': '{text}' is no number from 0."
        raise FormError("FRM-301", message, "Write digits, with a point for decimals.")
    return number
