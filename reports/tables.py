"""The tables of a release: the figures, what each indicator means, and the questionnaire's variables and codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from schemas.domains import breakdown_of, join, parts
from schemas.estimates import TOTAL, SafeCell
from schemas.fields import Field, Form
from schemas.text import LANGUAGES, Text, pick
from schemas.workbook import Specs

ESTIMATE_COLUMNS: Final = {
    "indicator": (pl.String, "code of the indicator, see indicators.csv"),
    "domain": (pl.String, "total, or breakdown=code, or several of them joined by &; see domains.csv"),
    "category": (pl.String, "code of a distribution's category, empty for other kinds"),
    "estimate": (pl.Float64, "the figure in its unit, empty if withheld or nobody stands behind it"),
    "unit": (pl.String, "unit of the figure"),
    "n": (pl.Int64, "unweighted cases of the base, empty if withheld"),
    "se": (pl.Float64, "standard error, empty for a sample without known probabilities"),
    "ci_low": (pl.Float64, "lower end of the 95 % confidence interval"),
    "ci_high": (pl.Float64, "upper end of the 95 % confidence interval"),
    "cv": (pl.Float64, "coefficient of variation, a fraction"),
    "df": (pl.Int64, "degrees of freedom"),
    "label": (pl.String, "reliable, weakly_reliable, not_reliable or no_sampling_error"),
    "suppressed": (pl.String, "withheld where the figure isn't shown, to protect people"),
    "note": (pl.String, "code of a note"),
}
"""Columns of estimates.csv: type and meaning."""

_DECIMALS: Final = 6


References = Mapping[tuple[str, ...], tuple[str, tuple[str, ...]]]
"""Columns of a table -> another table, and its columns where each of their values stands too."""


@dataclass(frozen=True, slots=True)
class ReleaseTable:
    """A table as it is written, with what each column means (name -> sentence).

    Attributes:
        key: columns that tell its rows apart.
        refers: see `References`.
    """

    name: str
    title: Text
    frame: pl.DataFrame
    meanings: Mapping[str, str]
    key: tuple[str, ...]
    refers: References = field(default_factory=dict)


def release_tables(cells: Sequence[SafeCell], specs: Specs, form: Form) -> tuple[ReleaseTable, ...]:
    """All tables of a release, the figures first."""
    return (
        ReleaseTable(
            "estimates",
            {"es": "Resultados", "ht": "Rezilta", "en": "Results"},
            estimates_frame(cells),
            {name: meaning for name, (_, meaning) in ESTIMATE_COLUMNS.items()},
            ("indicator", "domain", "category"),
            {("indicator",): ("indicators", ("indicator",)), ("domain",): ("domains", ("domain",))},
        ),
        _indicators(specs),
        _domains(specs, cells),
        _categories(specs),
        _codebook(form),
        _codes(form),
    )


def estimates_frame(cells: Sequence[SafeCell]) -> pl.DataFrame:
    """One row a cell, in the columns of `ESTIMATE_COLUMNS`."""
    columns = {
        name: pl.Series(name, [getattr(cell, name) for cell in cells], dtype=kind)
        for name, (kind, _) in ESTIMATE_COLUMNS.items()
    }
    return pl.DataFrame(columns).with_columns(pl.col(pl.Float64).round(_DECIMALS))


def _indicators(specs: Specs) -> ReleaseTable:
    rows = [
        {
            "indicator": indicator.name,
            "topic": indicator.topic,
            "kind": indicator.kind,
            "table": indicator.table,
            "unit": indicator.unit,
            **by_language("label", indicator.label),
            **by_language("description", indicator.description),
            "universe": indicator.universe or "",
            "denominator": indicator.denominator or "",
            "numerator": indicator.numerator or "",
            "value": indicator.value or "",
            "breakdowns": " ".join(indicator.breakdowns),
            "source": indicator.source,
        }
        for indicator in specs.indicators
    ]
    meanings = {
        "indicator": "code of the indicator",
        "topic": "chapter under which it is told",
        "kind": "count, share, ratio, mean, quantile or distribution",
        "table": "typed table whose rows are counted",
        "unit": "unit of the figures",
        **language_meanings("label", "name of the indicator"),
        **language_meanings("description", "what it means"),
        "universe": "whom it is about, as an XPath expression over the questionnaire's names",
        "denominator": "of these, whose answer is known",
        "numerator": "what is counted or summed",
        "value": "what is averaged or told apart",
        "breakdowns": "groups in which it is told, see domains.csv",
        "source": "where the definition comes from",
    }
    title = {"es": "Indicadores", "ht": "Endikatè", "en": "Indicators"}
    return ReleaseTable("indicators", title, _frame(rows, meanings), meanings, ("indicator",))


def _domains(specs: Specs, cells: Sequence[SafeCell]) -> ReleaseTable:
    groups = {
        join([(breakdown.name, code)]): by_language("label", label) | {"value": breakdown.value}
        for breakdown in specs.breakdowns
        for code, label in breakdown.category_labels.items()
    }
    total = {"es": "Total", "ht": "Total", "en": "Total"}
    rows = [{"breakdown": "", "code": "", "domain": TOTAL, **by_language("label", total), "value": ""}]
    for domain in dict.fromkeys([*groups, *(cell.domain for cell in cells)]):
        if domain != TOTAL:
            rows.append({"domain": domain, "value": "", **_describe_domain(domain, groups)})
    meanings = {
        "breakdown": "code of the grouping, with * between those of a crossing, empty for everybody",
        "code": "code of the group, with & between those of a crossing",
        "domain": "as it stands in estimates.csv",
        **language_meanings("label", "name of the group"),
        "value": "expression that gives the group, over the questionnaire's names; empty for a crossing",
    }
    title = {"es": "Desgloses", "ht": "Gwoup yo", "en": "Breakdowns"}
    return ReleaseTable("domains", title, _frame(rows, meanings), meanings, ("domain",))


def _describe_domain(domain: str, groups: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Breakdown, code and labels; those of a crossing are put together from its parts."""
    pairs = parts(domain)
    told = {"breakdown": breakdown_of(domain), "code": "&".join(code for _, code in pairs), **groups.get(domain, {})}
    for column in (f"label_{language}" for language in LANGUAGES):
        names = [groups.get(join([(name, code)]), {}).get(column) or code for name, code in pairs]
        told.setdefault(column, ", ".join(names))
    return told


def _categories(specs: Specs) -> ReleaseTable:
    rows = [
        {"indicator": indicator.name, "category": code, **by_language("label", label)}
        for indicator in specs.indicators
        for code, label in indicator.category_labels.items()
        if indicator.kind == "distribution" and (not indicator.categories or code in indicator.categories)
    ]
    meanings = {
        "indicator": "code of the indicator",
        "category": "code of the category, as it stands in estimates.csv",
        **language_meanings("label", "name of the category"),
    }
    title = {"es": "Categorías", "ht": "Kategori yo", "en": "Categories"}
    refers: References = {("indicator",): ("indicators", ("indicator",))}
    return ReleaseTable("categories", title, _frame(rows, meanings), meanings, ("indicator", "category"), refers)


def _codebook(form: Form) -> ReleaseTable:
    rows = [
        {
            "table": table.name,
            "name": field.name,
            "path": field.path,
            **by_language("label", field.label),
            "type": _kind(field),
            "codes": " ".join(choice.value for choice in field.choices),
            "relevance": field.relevant or "",
            "personal": field.personal or "",
            "source": f"survey, row {field.row}" if field.row else "",
        }
        for table in form.tables
        for field in table.fields
    ]
    meanings = {
        "table": "typed table that holds the answers",
        "name": "name of the question",
        "path": "place in the questionnaire",
        **language_meanings("label", "text of the question"),
        "type": "type of the answer",
        "codes": "codes that may be chosen, see codes.csv",
        "relevance": "condition under which it is asked, empty for always",
        "personal": "kind of personal data; its answers are kept apart and never published",
        "source": "row of the questionnaire workbook",
    }
    title = {"es": "Preguntas", "ht": "Kesyon yo", "en": "Questions"}
    return ReleaseTable("codebook", title, _frame(rows, meanings), meanings, ("table", "name", "path"))


def _codes(form: Form) -> ReleaseTable:
    rows = [
        {"table": table.name, "name": field.name, "code": choice.value, **by_language("label", choice.label)}
        for table in form.tables
        for field in table.fields
        for choice in field.choices
    ]
    meanings = {
        "table": "typed table that holds the answers",
        "name": "name of the question",
        "code": "code that is stored",
        **language_meanings("label", "text of the choice"),
    }
    title = {"es": "Códigos", "ht": "Kòd yo", "en": "Codes"}
    refers: References = {("table", "name"): ("codebook", ("table", "name"))}
    return ReleaseTable("codes", title, _frame(rows, meanings), meanings, (), refers)


def plain_text(text: str) -> str:
    """A label without the tags and references that only a form can fill in.

    >>> plain_text("How old is <output value='/data/name'/>?")
    'How old is …?'
    """
    return re.sub(r"<[^>]+>|\$\{[^}]+\}", "…", text).strip()


def _kind(field: Field) -> str:
    if field.is_select:
        return "select_multiple" if field.is_multiple else "select_one"
    return field.type


def by_language(column: str, text: Text) -> dict[str, str]:
    """A text in one column a language, "label" -> "label_es", "label_ht", "label_en"."""
    return {f"{column}_{code}": plain_text(text.get(code) or pick(text, code)) for code in LANGUAGES}


def language_meanings(column: str, meaning: str) -> dict[str, str]:
    """What these columns mean."""
    names = {"es": "Spanish", "ht": "Kreyòl", "en": "English"}
    return {f"{column}_{code}": f"{meaning}, in {names[code]}" for code in LANGUAGES}


def _frame(rows: list[dict[str, str]], columns: Mapping[str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String))
