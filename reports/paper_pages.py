"""What the papers of the site say, in one language: method, quality and downloads."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reports.disclosure_page import FOLDER, statement_path
from reports.pages import PageContext
from reports.tables import ESTIMATE_COLUMNS
from reports.wording import Wording
from schemas.findings import RuleSummary

_RULES_SHOWN = 40
"""Rules that the quality page lists, those broken most often first."""

_UNKNOWN_SHOWN = 12

_FOLDERS = {
    "tables": "downloads.tables",
    "formats": "downloads.formats",
    "questionnaire": "downloads.questionnaire",
    "profile": "downloads.profile",
    FOLDER: "method.disclosure",
}
"""Folder of a release -> heading of its files."""


def method_page(context: PageContext) -> dict[str, Any]:
    """How the figures came about and what they can't say."""
    return {
        "statement": context.wording.pick(context.table.statement),
        "threshold": context.table.threshold,
        "statement_page": f"../{statement_path(context.wording.language)}",
        "settings": [
            (name, value)
            for name, value in context.contents.specs.design.settings.items()
            if not name.startswith("title")
        ],
    }


def quality_page(context: PageContext) -> dict[str, Any]:
    """What arrived, what was set aside, and how the rules fared; no count of people below the threshold."""
    wording, rules = context.wording, context.contents.rules
    broken = sorted((rule for rule in rules if rule.failed), key=lambda rule: (-rule.failed, rule.rule.rule_id))
    unchecked = [rule for rule in rules if rule.rule.not_checked]
    return {
        "table_of": context.table,
        "shown": sum(1 for cell in context.table.cells if not cell.suppressed),
        "reasons": [
            (wording.maybe(f"reason.{code}", code), wording.number(count))
            for code, count in context.contents.counts.set_aside.items()
        ],
        "rules_text": f"{tell_rules(context)} {wording.text('quality.rules_table')}",
        "kinds": _rules_by_kind(rules, context),
        "rules": [_rule_row(rule, context) for rule in [*broken[:_RULES_SHOWN], *unchecked[:_RULES_SHOWN]]],
        "unknown": _unknown_rates(context),
    }


def downloads_page(context: PageContext) -> dict[str, Any]:
    """The files of the release and what stands in them."""
    groups: dict[str, list[tuple[str, str, str, str]]] = {name: [] for name in _FOLDERS.values()}
    wording = context.wording
    for path, data in context.data.items():
        folder, _, name = path.rpartition("/")
        if folder == "profile" and name != f"survey-{wording.language}.pdf":
            continue  # those of the communes stand on their own pages
        if folder == FOLDER and not name.startswith(f"statement-{wording.language}."):
            continue
        group = _FOLDERS.get(folder, "downloads.tables")
        otherwise = wording.text("file.questionnaire") if folder == "questionnaire" else ""
        otherwise = wording.text("disclosure.link") if folder == FOLDER else otherwise
        otherwise = wording.text("nav.profile_pdf") if folder == "profile" else otherwise
        row = (f"../{path}", name, wording.maybe(f"file.{name}", otherwise), _size(len(data), wording))
        groups[group].append(row)
    papers = [
        (f"../{name}", name, wording.text(f"file.{name}"), "")
        for name in ("datapackage.json", "provenance.json", "provenance.txt", "CHECKSUMS.sha256")
    ]
    named = [(wording.text(name), rows) for name, rows in groups.items()]
    return {
        "groups": [*named, (wording.text("downloads.papers"), papers)],
        "columns": [(name, meaning) for name, (_, meaning) in ESTIMATE_COLUMNS.items()],
    }


def tell_rules(context: PageContext) -> str:
    """How many rules were checked, and how many of them found nothing."""
    checked = [rule for rule in context.contents.rules if not rule.rule.not_checked]
    return context.wording.text(
        "quality.rules_text",
        checked=context.wording.number(len(checked)),
        clean=context.wording.number(sum(1 for rule in checked if not rule.failed)),
    )


def _rules_by_kind(rules: tuple[RuleSummary, ...], context: PageContext) -> list[tuple[str, str, str, str]]:
    wording = context.wording
    counts, checked, failed = Counter[str](), Counter[str](), Counter[str]()
    for rule in rules:
        counts[rule.rule.kind] += 1
        checked[rule.rule.kind] += rule.checked
        failed[rule.rule.kind] += rule.failed
    return [
        (
            wording.maybe(f"rule_kind.{kind}", kind),
            wording.number(counts[kind]),
            wording.number(checked[kind]),
            _few(failed[kind], context),
        )
        for kind in counts
    ]


def _rule_row(rule: RuleSummary, context: PageContext) -> dict[str, str]:
    wording = context.wording
    if rule.rule.not_checked:
        failed, rate = wording.text("quality.not_checked"), ""
    else:
        failed = _few(rule.failed, context)
        many = rule.failed == 0 or rule.failed >= context.table.threshold
        rate = wording.percent(100 * rule.failed / rule.checked) if rule.checked and many else "–"
    return {
        "id": rule.rule.rule_id,
        "message": wording.pick(rule.rule.message),
        "severity": wording.maybe(f"quality.severity_{rule.rule.severity}", rule.rule.severity),
        "checked": _few(rule.checked, context),  # to how few a question applies is nobody's business
        "failed": failed,
        "rate": rate,
    }


def _few(count: int, context: PageContext) -> str:
    """A count of records, said roughly where it is below the threshold."""
    threshold = context.table.threshold
    if 0 < count < threshold:
        return context.wording.text("quality.few", threshold=threshold)
    return context.wording.number(count)


def _unknown_rates(context: PageContext) -> list[tuple[str, str]]:
    rates = [
        (result.total.unknown_rate, context.wording.pick(result.indicator.label))
        for result in context.results
        if result.total.unknown_rate
    ]
    ranked = sorted(rates, key=lambda pair: -pair[0])[:_UNKNOWN_SHOWN]
    return [(label, context.wording.percent(100 * rate)) for rate, label in ranked]


def _size(size: int, wording: Wording) -> str:
    if size < 1_000_000:
        return f"{wording.number(size / 1000, 0 if size >= 10_000 else 1)} kB"
    return f"{wording.number(size / 1_000_000, 1)} MB"
