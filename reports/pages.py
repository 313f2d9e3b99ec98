"""What the pages of results say, in one language: the values that their templates place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.charts import Chart
from reports.contents import ReleaseContents
from reports.embeds import chart_path
from reports.how import explain, list_questions
from reports.maps import CommuneMap, letter_map
from reports.places import Place, file_of
from reports.results import Result
from reports.rounds import tell_rounds
from reports.sentences import headline
from reports.test_sentences import tell_tests
from reports.views import view_result
from reports.wording import Wording
from schemas.communes import find_commune
from schemas.estimates import SafeCell, SafeTable
from schemas.workbook import Design, Topic

PROFILE = "perfil.html"
_MOST_LISTED = 40
"""Communes that the first page lists; more are found through the page of communes."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """One language's pages of the whole survey or of one commune, and what was drawn once for all languages.

    Attributes:
        results: of everybody, or of the commune.
        commune: the map around it, null without one.
        place: the commune that the pages are about, null for the whole survey.
        places: communes of the release, none if it isn't over several.
        data: the release's data files, path -> bytes.
        whole: on a commune's pages, indicator -> category -> figure of the whole survey.
    """

    release_id: str
    wording: Wording
    table: SafeTable
    contents: ReleaseContents
    results: tuple[Result, ...]
    charts: Mapping[str, Chart | None]
    commune: CommuneMap | None
    place: Place | None = None
    places: tuple[Place, ...] = ()
    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    whole: Mapping[str, Mapping[str, SafeCell]] = field(default_factory=dict, repr=False)

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

    @property
    def folder(self) -> str:
        """Folder of the pages within those of the language."""
        return "" if self.place is None else self.place.folder

    @property
    def standard(self) -> str:
        """Whose labels of quality the figures carry."""
        return self.contents.specs.design.settings.get("quality_standard", "")

    def whole_figure(self, result: Result) -> str:
        """What the whole survey says of a result's main figure, "" on its own pages or where it isn't shown."""
        cell = self.whole.get(result.indicator.name, {}).get(result.total.category)
        if cell is None or cell.estimate is None:
            return ""
        return self.wording.text("profile.whole", figure=self.wording.figure(cell.estimate, cell.unit))

    def topic_file(self, name: str) -> str:
        """File of a topic's page, within its folder."""
        return f"tema-{name}.html"

    def frame(self, name: str) -> dict[str, Any]:
        """What every page needs: language, navigation, banner and footer.

        Args:
            name: path of the page, the same in every language.
        """
        first, wording = self.contents.languages[0], self.wording
        here = "../" * name.count("/")
        up = here if wording.language == first else f"../{here}"
        return {
            "t": wording,
            "lang": wording.language,
            "title": self.title,
            "release_id": self.release_id,
            "contents": self.contents,
            "design": self.contents.specs.design,
            "page": name,
            "place": self.place,
            "sampling": tell_sampling(self.contents.specs.design, wording),
            "here": here,
            "up": up,
            "released": wording.date(self.contents.made_at),
            "languages": [
                (code, Wording(code).text("language.name"), f"{up}{'' if code == first else code + '/'}{name}")
                for code in self.contents.languages
            ],
            "navigation": [(path, wording.text(f"nav.{key}")) for path, key in self._sections()],
        }

    def _sections(self) -> list[tuple[str, str]]:
        several = [("comunas.html", "communes"), ("comparar.html", "compare")] if self.places else []
        rounds = [("rondas.html", "rounds")] if self.contents.rounds else []
        changes = [("cambios.html", "changes")] if self.contents.former is not None else []
        papers = [("metodo.html", "method"), ("calidad.html", "quality"), ("descargas.html", "downloads")]
        return [("index.html", "home"), *several, *rounds, *changes, *papers]


def home_page(context: PageContext) -> dict[str, Any]:
    """The first page of the survey or of a commune: what this is, every topic with its headline, and where."""
    wording, contents = context.wording, context.contents
    commune = find_commune(context.place.cut if context.place else contents.specs.design.commune)
    shown = sum(1 for cell in context.table.cells if not cell.suppressed)
    standfirst = wording.text(
        "site.standfirst",
        n=wording.number(contents.counts.accepted),
        topics=len(context.topics),
        figures=wording.number(shown),
    )
    if context.place is not None:
        place = context.place
        standfirst = wording.text("communes.standfirst", commune=place.name, region=place.region)
    return {
        "standfirst": standfirst,
        "commune": commune,
        "map": None if context.commune is None else letter_map(context.commune, wording),
        "topics": [_topic_card(context, topic) for topic in context.topics],
        "places": context.places if context.place is None else (),
        "listed": context.places[:_MOST_LISTED] if len(context.places) <= _MOST_LISTED else (),
        "profile": PROFILE,
        "profile_pdf": printed_profile(context),
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
        "results": [_result(context, result) for result in context.results if result.indicator.topic == topic.name],
        "before": before and (context.topic_file(before.name), wording.pick(before.label)),
        "after": after and (context.topic_file(after.name), wording.pick(after.label)),
        "whole": context.topic_file(topic.name),
        "places": context.places,
    }


def tell_sampling(design: Design, wording: Wording) -> str:
    """How people were chosen, and what that means for errors."""
    if not design.probability:
        return wording.text("method.not_probability")
    return wording.text("method.probability_replicates" if design.is_replicated else "method.probability")


def printed_profile(context: PageContext) -> str:
    """Path of the printed profile within the release, "" if it wasn't printed."""
    path = profile_pdf(context.place.cut if context.place else "", context.wording.language)
    return path if path in context.data else ""


def profile_pdf(cut: str, language: str) -> str:
    """Path of a profile's PDF within the release.

    Args:
        cut: of the commune, "" for the whole survey.
        language: of its text.
    """
    return f"profile/{cut or 'survey'}-{language}.pdf"


def _result(context: PageContext, result: Result) -> dict[str, Any]:
    """A result's section: on a commune's page without the explanation, which is the same for all."""
    wording, specs = context.wording, context.contents.specs
    is_whole = context.place is None
    communes = specs.design.settings.get("communes", "")
    chart = context.charts[result.indicator.name]
    drawn = chart is not None and is_whole
    return {
        "view": view_result(result, chart, wording, context.standard),
        "steps": explain(result, context.contents.form, specs.design, wording) if is_whole else (),
        "questions": list_questions(result, wording) if is_whole else (),
        "whole": context.whole_figure(result),
        "tests": tell_tests(result, context.contents.tables, wording) if is_whole else (),
        "rounds": tell_rounds(result, context.contents.rounds, communes, wording),
        "data": f"datos/{result.indicator.name}.csv" if is_whole else f"{context.folder}cifras.csv",
        "pictures": [(kind, chart_path(result, kind)) for kind in ("svg", "html")] if drawn else [],
        "compare": file_of(result) if context.places else "",
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
        "range": shown[1].interval if shown else "",
        "of": wording.pick(shown[0].indicator.label) if shown else "",
        "n": wording.number(shown[0].total.n or 0) if shown and shown[0].indicator.kind != "count" else "",
    }
