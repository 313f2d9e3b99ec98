"""The report as pages: one long page and the list of checks, in each language; static, for phone, desk and print."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from reports.quality.contents import ImputedQuestion, RuleOutcome
from reports.quality.enumerators import EnumeratorEffect
from reports.quality.folder import digest
from reports.quality.model import QualityReport, SafeItem, Shown, few, report_logs, settled
from reports.quality.offline import FILE as DESCRIPTION
from reports.quality.offline import describe_report
from reports.wording import Wording
from schemas.communes import find_commune
from schemas.estimates import TOTAL
from schemas.fields import MAIN_TABLE, Field
from schemas.text import pick

STYLE = "assets/style.css"
SHOWN = 30
"""Rows of a long table that the page shows; the log has all."""

_QUOTATION = re.compile(r"<output\b[^>]*?(?:/>|>.*?</output>)|\$\{[^}]*\}")
_MARKUP = re.compile(r"<[^>]*>|[*_#]{2,}|^#+ *")
_FOLDER = files("reports.quality")


class QualityWording(Wording):
    """The texts of the report, beside those of the site."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        self._texts = {**self._texts, **_read_texts()}

    def q(self, key: str, **values: object) -> str:
        """A text of the report."""
        return self.text(f"quality_report.{key}", **values)


@cache
def _read_texts() -> Mapping[str, Mapping[str, str]]:
    text = _FOLDER.joinpath("texts.csv").read_text(encoding="utf-8")
    return {row.pop("key"): row for row in csv.DictReader(text.splitlines())}


def page_paths(languages: tuple[str, ...]) -> dict[str, str]:
    """Language -> path of its first page; the first language stands at the folder's root."""
    return {code: "index.html" if code == languages[0] else f"{code}/index.html" for code in languages}


def build_pages(report: QualityReport) -> dict[str, bytes | Path]:
    """Every page with its style and its logs: path -> bytes, or the file of a log. Reads nothing but such files."""
    environment = _environment()
    own = {STYLE: style(), DESCRIPTION: describe_report(report.contents)}
    built: dict[str, bytes | Path] = {**own, **report.contents.logs, **report_logs(report)}
    digests = {path: digest(source) for path, source in built.items() if path.startswith("log/")}
    for language, path in page_paths(report.contents.languages).items():
        values = _values(report, language, digests)
        built[path] = environment.get_template("report.html").render(**values, inline="").encode()
        checks = path.replace("index", "checks")
        built[checks] = (
            environment.get_template("checks.html").render(**values | {"inline": "", "page": "checks.html"}).encode()
        )
    return built


def build_print(report: QualityReport, language: str) -> str:
    """The report in one page with its style inside, the list of checks as its annex: what is printed as PDF."""
    logs = {**report.contents.logs, **report_logs(report)}
    digests = {path: digest(source) for path, source in logs.items()}
    values = _values(report, language, digests)
    return _environment().get_template("print.html").render(**values, inline=style().decode())


def style() -> bytes:
    """The site's style, and what the report adds."""
    site = files("reports").joinpath("static", "style.css").read_bytes()
    return site + b"\n" + _FOLDER.joinpath("static", "report.css").read_bytes()


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("reports.quality", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _values(report: QualityReport, language: str, digests: Mapping[str, str]) -> dict[str, Any]:
    """What the templates place."""
    contents, wording = report.contents, QualityWording(language)
    paths = page_paths(contents.languages)
    up = "../" if "/" in paths[language] else ""
    design, form = contents.specs.design, contents.form
    fields = list(form.fields())
    threshold = design.threshold
    ranked = sorted(contents.rules, key=lambda row: (-row.found, row.summary.rule.rule_id))
    broken = [row for row in ranked if row.found]
    items = sorted(report.items, key=_missing)
    missing = [item for item in items if item.missing or item.blank is None or item.unknown is None]
    asked = [field for field in fields if field.control]
    return {
        "t": wording,
        "lang": language,
        "up": up,
        "page": "index.html",
        "report": report,
        "contents": contents,
        "design": design,
        "form": form,
        "title": wording.pick(design.title) or form.title,
        "commune": find_commune(design.commune),
        "languages": [(code, Wording(code).text("language.name"), up + path) for code, path in paths.items()],
        "made": wording.date(contents.made_at),
        "days": [wording.date(datetime.fromisoformat(day)) for day in (report.first_day, report.last_day) if day],
        "questions": len(asked),
        "personal": sum(1 for field in fields if field.personal),
        "people": lambda count: _people(count, threshold, wording),
        "few": lambda count: few(count, threshold),
        "targets": _reached(report),
        "rules": [_rule(row, report, wording) for row in broken[:SHOWN]],
        "broken": len(broken),
        "clean": sum(1 for row in contents.rules if not row.found and not row.summary.rule.not_checked),
        "unchecked": [_rule(row, report, wording) for row in report.unchecked],
        "effects": [_effect(row, report, wording) for row in report.effects[:SHOWN]],
        "sure": sum(1 for row in report.effects if row.is_sure),
        "items": [_item(item, report, wording) for item in missing[:SHOWN]],
        "missing": len(missing),
        "blank": sum(1 for item in report.items if item.asked_known and (item.blank is None or item.blank)),
        "unknown": sum(1 for item in report.items if item.unknown is None or item.unknown),
        "edits": _edits(report, wording),
        "imputed": _imputed(report, wording),
        "mended": _mended(report, wording),
        "per_thousand": lambda count: wording.number(1000 * count / report.answers if report.answers else 0, 2),
        "checks": _checks(report, wording),
        "digests": sorted(digests.items()),
        "log_texts": _LOG_TEXTS,
        "threshold": threshold,
        "SHOWN": SHOWN,
    }


_LOG_TEXTS = {
    "log/rules.csv": "log.rules",
    "log/findings.csv": "log.findings",
    "log/decisions.csv": "log.decisions",
    "log/items.csv": "log.items",
    "log/imputation.csv": "log.imputation",
    "log/imputed.csv": "log.imputed",
    "log/enumerators.csv": "log.enumerators",
    "log/submissions.sha256": "log.submissions",
    "log/decisions.sha256": "log.decision_digests",
}


_NAMELESS = frozenset({"required", "constraint"})
"""Kinds whose sentence is the workbook's own, which mostly doesn't name the question."""


def _missing(item: SafeItem) -> tuple[float, str]:
    return (-(item.missing or 0.0), item.question)


def _people(count: Shown, threshold: int, wording: QualityWording) -> str:
    """A count of people, or that it is one of the few."""
    if count is None or few(count, threshold):
        return wording.q("few", threshold=threshold)
    return wording.number(count)


def _reached(report: QualityReport) -> float | None:
    target = report.contents.target
    return None if not target else 100 * report.accepted / target


def anchor(rule_id: str) -> str:
    """The address of a rule within the page.

    >>> anchor("constraint:/data/age")
    'rule-constraint--data-age'
    """
    return "rule-" + "".join(sign if sign.isalnum() or sign in "_-." else "-" for sign in rule_id)


def _rule(row: RuleOutcome, report: QualityReport, wording: QualityWording) -> dict[str, Any]:
    rule = row.summary.rule
    names = rule.variables[:1] if rule.kind in _NAMELESS else ()
    return {
        "about": _label(report, names[0], wording) if names else "",
        "id": rule.rule_id,
        "anchor": anchor(rule.rule_id),
        "message": wording.pick(rule.message),
        "kind": wording.maybe(f"rule_kind.{rule.kind}", rule.kind),
        "severity": wording.text(f"quality.severity_{rule.severity}"),
        "level": rule.severity,
        "rows": wording.number(row.summary.checked),
        "found": wording.number(row.found),
        "accepted": wording.number(row.accepted),
        "settled": wording.number(settled(row)),
        "open": wording.number(row.open),
        "not_checked": wording.pick(report.contents.reasons.get(rule.not_checked, {"en": rule.not_checked}))
        if rule.not_checked
        else "",
    }


def _label(report: QualityReport, name: str, wording: QualityWording, table: str | None = None) -> str:
    field = _find(report, name, table)
    if field is None:
        return name
    text = pick(field.label, wording.language).strip().split("\n")[0]
    # A label may quote an answer of another question: the quotation isn't shown.
    told = _MARKUP.sub("", _QUOTATION.sub("…", text))
    return told if len(told) <= 110 else told[:109].rstrip() + "…"


def _find(report: QualityReport, name: str, table: str | None) -> Field | None:
    tables = [report.contents.form.table(table)] if table else report.contents.form.tables
    return next((field for each in tables for field in each.fields if field.name == name), None)


def _effect(row: EnumeratorEffect, report: QualityReport, wording: QualityWording) -> dict[str, Any]:
    field = _find(report, row.question, MAIN_TABLE)
    labels = {choice.value: choice.label for choice in field.choices} if field else {}
    category = wording.pick(labels[row.category]) if row.category in labels else row.category
    return {
        "question": row.question,
        "label": _label(report, row.question, wording, MAIN_TABLE),
        "category": category,
        "interviews": wording.number(row.interviews),
        "rho": wording.number(row.rho, 3),
        "interval": f"{wording.number(row.low, 3)} – {wording.number(row.high, 3)}",
        "deff": wording.number(row.deff, 2),
        "is_sure": row.is_sure,
        "bar": round(max(0.0, min(1.0, row.rho)) * 100, 1),
    }


def _item(item: SafeItem, report: QualityReport, wording: QualityWording) -> dict[str, Any]:
    threshold = report.contents.specs.design.threshold
    return {
        "question": item.question,
        "label": _label(report, item.question, wording, item.table),
        "asked": _people(item.of, threshold, wording) if item.asked_known else wording.q("unknown_figure"),
        "blank": _people(item.blank, threshold, wording) if item.asked_known else "–",
        "unknown": _people(item.unknown, threshold, wording),
        "missing": "–" if item.missing is None else wording.percent(100 * item.missing),
        "bar": round(100 * (item.missing or 0.0), 1),
    }


def _edits(report: QualityReport, wording: QualityWording) -> list[tuple[str, ...]]:
    rows = sorted(report.contents.decided.questions.items(), key=lambda row: (-sum(row[1]), row[0]))
    return [
        (name, _label(report, name, wording), *(wording.number(count) for count in counts)) for name, counts in rows
    ]


def _imputed(report: QualityReport, wording: QualityWording) -> list[dict[str, str]]:
    """Imputed answers by question, most first."""
    found = report.contents.imputation
    rows = [row for row in found.questions if row.domain == TOTAL] if found else []
    return [_imputed_row(row, report, wording) for row in sorted(rows, key=lambda row: (-row.imputed, row.question))]


def _imputed_row(row: ImputedQuestion, report: QualityReport, wording: QualityWording) -> dict[str, str]:
    hides = few(row.of, report.contents.specs.design.threshold)
    return {
        "question": row.question,
        "label": _label(report, row.question, wording, row.table),
        **{name: wording.number(getattr(row, name)) for name in ("missing", "failed", "opened")},
        "rate": "–" if hides or not row.of else wording.percent(100 * row.imputed / row.of),
    }


def _mended(report: QualityReport, wording: QualityWording) -> list[tuple[str, str, str]]:
    """What became of the interviews that were to be mended: code, words, interviews."""
    found = report.contents.imputation
    rows = found.outcomes.items() if found else ()
    return [(code, wording.maybe(f"quality_report.outcome.{code}", code), wording.number(n)) for code, n in rows]


def _checks(report: QualityReport, wording: QualityWording) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Every check by kind, in words."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in report.contents.rules:
        kinds.setdefault(row.summary.rule.kind, []).append(_rule(row, report, wording))
    return [(kind, wording.maybe(f"rule_kind.{kind}", kind), rows) for kind, rows in kinds.items()]
