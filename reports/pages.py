"""What each page of the site says, in one language: the values that its template places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.charts import Chart
from reports.contents import ReleaseContents
from reports.maps import CommuneMap, letter_map
from reports.results import Result
from reports.sentences import headline
from reports.tables import ESTIMATE_COLUMNS
from reports.views import view_result
from reports.wording import Wording
from schemas.communes import find_commune
from schemas.estimates import SafeTable
from schemas.findings import RuleSummary
from schemas.workbook import Topic

_RULES_SHOWN = 40
"""Rules that the quality page lists, those broken most often first."""

_UNKNOWN_SHOWN = 12


@dataclass(frozen=True, slots=True)
class PageContext:
    """One language's pages: the release, and what was drawn once for all languages."""

    release_id: str
    wording: Wording
    table: SafeTable
    contents: ReleaseContents
    results: tuple[Result, ...]
    charts: Mapping[str, Chart | None]
    commune: CommuneMap | None
    data: Mapping[str, bytes] = field(repr=False)

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Topics that have a result, in the order of the sheet; then those that only indicators name."""
        named = {topic.name: topic for topic in self.contents.specs.topics}
        used = dict.fromkeys(result.indicator.topic for result in self.results)
        known = [topic for topic in named.values() if topic.name in used]
        return (*known, *(Topic(name, {"default": name}) for name in used if name not in named))

    @property
    def title(self) -> str:
        """Title of the survey."""
        return self.wording.pick(self.contents.specs.design.title) or self.contents.form.title

    def topic_file(self, name: str) -> str:
        """File of a topic's page."""
        return f"tema-{name}.html"

    def frame(self, name: str, up: str) -> dict[str, Any]:
        """What every page needs: language, navigation, banner and footer.

        Args:
            name: file of the page, the same in every language.
            up: path from the page to the site's root.
        """
        first = self.contents.languages[0]
        return {
            "t": self.wording,
            "lang": self.wording.language,
            "title": self.title,
            "release_id": self.release_id,
            "contents": self.contents,
            "design": self.contents.specs.design,
            "page": name,
            "up": up,
            "released": self.wording.date(self.contents.made_at),
            "languages": [
                (code, Wording(code).text("language.name"), f"{up}{'' if code == first else code + '/'}{name}")
                for code in self.contents.languages
            ],
            "navigation": [
                ("index.html", self.wording.text("nav.home")),
                ("metodo.html", self.wording.text("nav.method")),
                ("calidad.html", self.wording.text("nav.quality")),
                ("descargas.html", self.wording.text("nav.downloads")),
            ],
        }


def home_page(context: PageContext) -> dict[str, Any]:
    """The first page: what this is, three numbers of context, every topic with its headline, and where."""
    wording, contents = context.wording, context.contents
    commune = find_commune(contents.specs.design.commune)
    shown = sum(1 for cell in context.table.cells if not cell.suppressed)
    return {
        "standfirst": wording.text(
            "site.standfirst",
            n=wording.number(contents.counts.accepted),
            topics=len(context.topics),
            figures=wording.number(shown),
        ),
        "commune": commune,
        "map": None if context.commune is None else letter_map(context.commune, wording),
        "topics": [_topic_card(context, topic) for topic in context.topics],
    }


def topic_page(context: PageContext, topic: Topic) -> dict[str, Any]:
    """One topic: each of its indicators told, drawn, tabled and explained."""
    wording = context.wording
    order = [each.name for each in context.topics]
    at = order.index(topic.name)
    before = context.topics[at - 1] if at else None
    after = context.topics[at + 1] if at + 1 < len(order) else None
    return {
        "topic": topic,
        "label": wording.pick(topic.label),
        "intro": wording.pick(topic.intro),
        "results": [
            view_result(result, context.charts[result.indicator.name], wording)
            for result in context.results
            if result.indicator.topic == topic.name
        ],
        "threshold": context.table.threshold,
        "before": before and (context.topic_file(before.name), wording.pick(before.label)),
        "after": after and (context.topic_file(after.name), wording.pick(after.label)),
    }


def method_page(context: PageContext) -> dict[str, Any]:
    """How the figures came about and what they can't say."""
    return {
        "statement": context.wording.pick(context.table.statement),
        "threshold": context.table.threshold,
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
    checked = [rule for rule in rules if not rule.rule.not_checked]
    return {
        "table_of": context.table,
        "shown": sum(1 for cell in context.table.cells if not cell.suppressed),
        "reasons": [
            (wording.maybe(f"reason.{code}", code), wording.number(count))
            for code, count in context.contents.counts.set_aside.items()
        ],
        "rules_text": wording.text(
            "quality.rules_text",
            checked=wording.number(len(checked)),
            clean=wording.number(sum(1 for rule in checked if not rule.failed)),
        ),
        "kinds": _rules_by_kind(rules, context),
        "rules": [_rule_row(rule, context) for rule in [*broken[:_RULES_SHOWN], *unchecked[:_RULES_SHOWN]]],
        "unknown": _unknown_rates(context),
    }


def downloads_page(context: PageContext) -> dict[str, Any]:
    """The files of the release and what stands in them."""
    tables, questionnaire = [], []
    for path, data in context.data.items():
        name = path.rpartition("/")[2]
        row = (f"../{path}", name, context.wording.maybe(f"file.{name}", ""), _size(len(data), context.wording))
        if path.startswith("questionnaire/"):
            questionnaire.append((*row[:2], context.wording.text("file.questionnaire"), row[3]))
        else:
            tables.append(row)
    papers = [
        (f"../{name}", name, context.wording.text(f"file.{name}"), "")
        for name in ("datapackage.json", "provenance.json", "CHECKSUMS.sha256")
    ]
    return {
        "groups": [
            (context.wording.text("downloads.tables"), tables),
            (context.wording.text("downloads.questionnaire"), questionnaire),
            (context.wording.text("downloads.papers"), papers),
        ],
        "columns": [(name, meaning) for name, (_, meaning) in ESTIMATE_COLUMNS.items()],
    }


def _topic_card(context: PageContext, topic: Topic) -> dict[str, Any]:
    wording = context.wording
    results = [result for result in context.results if result.indicator.topic == topic.name]
    tops = [(result, headline(result, wording)) for result in results]
    shown = next(((result, top) for result, top in tops if top.figure), None)
    return {
        "file": context.topic_file(topic.name),
        "label": wording.pick(topic.label),
        "intro": wording.pick(topic.intro),
        "count": wording.counted("home.figures", len(results)),
        "figure": shown[1].figure if shown else "",
        "caption": shown[1].caption if shown else "",
        "of": wording.pick(shown[0].indicator.label) if shown else "",
        "n": wording.number(shown[0].total.n or 0) if shown and shown[0].indicator.kind != "count" else "",
    }


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
        "checked": wording.number(rule.checked),
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
