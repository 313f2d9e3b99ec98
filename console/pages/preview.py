"""Preview: what would be published of a commune, before it is; its statistician confirms it or objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from console.acts import confirming
from console.surveys import load_survey, zone_of
from console.visiting import Visit
from reports.results import results_by_commune
from reports.views import ResultView, draw_result, view_result
from schemas.communes import name_of
from schemas.errors import AccessError, ReleaseError
from schemas.estimates import SafeTable
from store.previews import ConfirmationRow

STATES: Final = {"confirmed": "good", "objected": "bad", "": ""}
"""What a commune said of its figures, and how it is coloured."""


@dataclass(frozen=True, slots=True)
class Line:
    """A commune in the list of a preview; `answer` is null while it hasn't answered."""

    commune: str
    name: str
    answer: ConfirmationRow | None


@dataclass(frozen=True, slots=True)
class Chapter:
    """The results of one topic."""

    label: str
    results: tuple[ResultView, ...]


def show(visit: Visit) -> Response:
    """The communes of the latest preview that the person may see; of one alone, its figures at once."""
    found = confirming.list_standing(visit.store, visit.who, visit.about.form_id)
    lines = [Line(one.commune, name_of(one.commune), one.answer) for one in found[1]] if found else []
    if len(lines) == 1:
        return visit.go(visit.in_survey("preview", lines[0].commune))
    return visit.page(
        "previews.html",
        section="preview",
        preview=found[0] if found else None,
        lines=sorted(lines, key=lambda line: (line.answer is not None, line.name)),
        states=STATES,
        zone=zone_of(load_survey(visit.store, visit.about.form_id)),
    )


def show_one(visit: Visit) -> Response:
    """The figures of one commune as the public would see them."""
    return _page(visit)


def _page(visit: Visit, error: ReleaseError | AccessError | None = None) -> Response:
    form_id, commune = visit.about.form_id, str(visit.request.path_params["commune"])
    preview, table = confirming.read_figures(visit.store, visit.who, form_id, commune)
    compiled = load_survey(visit.store, form_id)
    answers = confirming.answers_in_force(visit.store, preview, [commune])
    return visit.page(
        "preview.html",
        200 if error is None else error.http_status,
        section="preview",
        preview=preview,
        commune=commune,
        name=name_of(commune),
        chapters=read_chapters(visit, table, commune),
        withheld=sum(bool(cell.suppressed) for cell in table.cells),
        figures=len(table.cells),
        threshold=table.threshold,
        answer=answers.get(commune),
        history=confirming.list_history(visit.store, visit.who, form_id, commune),
        states=STATES,
        probability=compiled.specs.design.probability,
        zone=zone_of(compiled),
        error=error,
    )


def read_chapters(visit: Visit, table: SafeTable, commune: str) -> list[Chapter]:
    """The commune's results in the order of the site: topic by topic."""
    compiled = load_survey(visit.store, visit.about.form_id)
    specs, words = compiled.specs, visit.words
    results = results_by_commune(table, specs, compiled.form).get(commune, ())
    standard = specs.design.settings.get("quality_standard", "")
    chapters = []
    for topic in specs.topics:
        mine = [result for result in results if result.indicator.topic == topic.name]
        views = tuple(view_result(result, draw_result(result), words, standard) for result in mine)
        if views:
            chapters.append(Chapter(words.pick(topic.label), views))
    return chapters


def answer(visit: Visit) -> Response:
    """Confirm, or object with a reason."""
    told, commune = visit.posted, str(visit.request.path_params["commune"])
    try:
        confirming.answer(
            *(visit.store, visit.who, visit.about.form_id, commune, told.get("answer", "")),
            told.get("reason", "").strip()[:1000],
            release_id=told.get("release", ""),
        )
    except ReleaseError as error:
        return _page(visit, error)
    except AccessError as error:
        # Whoever may look but not answer is told so on the page; whoever may not look sees nothing of it.
        if error.code != "ACC-130":
            raise
        return _page(visit, error)
    return visit.go(visit.in_survey("preview", commune))
