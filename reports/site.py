"""The site of a release: static pages in each language, for a telephone first, asking nothing of another host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2

from reports.areas import AreaMap, draw_areas
from reports.charts import Chart
from reports.commune_sites import CommuneJob, build_commune_sites
from reports.compare_pages import communes_page, compare_index_page, compare_page
from reports.contents import ReleaseContents
from reports.difference_page import FILE as CHANGES
from reports.difference_page import differences_page
from reports.embeds import chart_path, draw_picture, embed
from reports.maps import CommuneMap, draw_map
from reports.page_writer import PageWriter, page_environment
from reports.pages import PROFILE, PageContext, home_page, topic_page
from reports.paper_pages import downloads_page, method_page, quality_page
from reports.places import Comparison, Place, compare_places, file_of, list_places
from reports.profile import profile_page
from reports.results import Result, results_by_commune
from reports.round_pages import rounds_page, rounds_table
from reports.tables import estimates_frame
from reports.views import draw_result
from reports.wording import Wording
from schemas.estimates import SafeCell, SafeTable

STYLE = "assets/style.css"
SCRIPT = "assets/site.js"
READ_ME = {"es": "LEEME.txt", "ht": "LI_M.txt", "en": "README.txt"}
"""Language -> name of the text that opens a release for people."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What is drawn once for all languages."""

    results: tuple[Result, ...]
    charts: Mapping[str, Chart | None]
    commune: CommuneMap | None
    places: tuple[Place, ...]
    comparisons: tuple[Comparison, ...]
    areas: AreaMap | None


def build_site(
    release_id: str,
    table: SafeTable,
    contents: ReleaseContents,
    data: Mapping[str, bytes],
    processes: int | None = None,
) -> dict[str, bytes]:
    """Every file of the site, path below `site/` -> bytes.

    Args:
        release_id: name of the release.
        table: the only figures that are shown.
        contents: everything else.
        data: the release's data files, path -> bytes, for the page of downloads.
        processes: that share the communes' pages; null for as many as there are cores, where that pays.
    """
    by_commune = results_by_commune(table, contents.specs, contents.form)
    results = by_commune[""]
    places = list_places(by_commune, contents.specs)
    charts = {result.indicator.name: draw_result(result) for result in results}
    drawn = _Drawn(
        results,
        charts,
        draw_map(contents.specs.design.commune),
        places,
        compare_places(by_commune, places),
        draw_areas(places) if places else None,
    )
    static = files("reports").joinpath("static")
    pages = {path: static.joinpath(path.rpartition("/")[2]).read_bytes() for path in (STYLE, SCRIPT)}
    pages |= _tables_of(table)
    if contents.rounds:
        pages["datos/rondas.csv"] = rounds_table(table, contents.rounds)
    environment = page_environment()
    for language in contents.languages:
        pages |= _language_pages(language, release_id, table, contents, data, drawn, environment)
    if places:
        printed = tuple(path for path in data if path.startswith("profile/"))
        whole = {result.indicator.name: result.cells["total"] for result in results}
        job = CommuneJob(release_id, contents, places, printed, whole)
        pages |= build_commune_sites(job, table, processes)
    return pages


def build_read_me(release_id: str, table: SafeTable, contents: ReleaseContents) -> dict[str, bytes]:
    """The texts that open the release's folder, one a language."""
    template = page_environment().get_template("readme.txt")
    texts: dict[str, bytes] = {}
    for language in contents.languages:
        wording = Wording(language)
        text = template.render(
            t=wording,
            title=wording.pick(contents.specs.design.title) or contents.form.title,
            release_id=release_id,
            released=wording.date(contents.made_at),
            statement=wording.pick(table.statement),
            contents=contents,
            design=contents.specs.design,
        )
        texts[READ_ME[language]] = text.encode()
    return texts


def _tables_of(table: SafeTable) -> dict[str, bytes]:
    """One CSV an indicator, with the columns of estimates.csv."""
    cells: dict[str, list[SafeCell]] = {}
    for cell in table.cells:
        cells.setdefault(cell.indicator, []).append(cell)
    return {f"datos/{name}.csv": estimates_frame(found).write_csv().encode() for name, found in cells.items()}


def _language_pages(
    language: str,
    release_id: str,
    table: SafeTable,
    contents: ReleaseContents,
    data: Mapping[str, bytes],
    drawn: _Drawn,
    environment: jinja2.Environment,
) -> dict[str, bytes]:
    context = PageContext(
        release_id=release_id,
        wording=Wording(language),
        table=table,
        contents=contents,
        results=drawn.results,
        charts=drawn.charts,
        commune=drawn.commune,
        places=drawn.places,
        data=data,
    )
    writer = PageWriter(context, environment)
    for name, template, values in _pages(context, drawn):
        writer.write(name, template, values)
    return writer.built | {f"{writer.folder}{path}": picture.encode() for path, picture in _pictures(context, drawn)}


def _pages(context: PageContext, drawn: _Drawn) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "index.html", "home.html", home_page(context)
    yield "metodo.html", "method.html", method_page(context)
    yield "calidad.html", "quality.html", quality_page(context)
    yield "descargas.html", "downloads.html", downloads_page(context)
    yield PROFILE, "profile.html", profile_page(context)
    for topic in context.topics:
        yield context.topic_file(topic.name), "topic.html", topic_page(context, topic)
    if context.contents.former is not None:
        yield CHANGES, "differences.html", differences_page(context)
    if context.contents.rounds:
        yield "rondas.html", "rounds.html", rounds_page(context)
    if drawn.places:
        yield "comunas.html", "communes.html", communes_page(context)
        yield "comparar.html", "compare_index.html", compare_index_page(context, drawn.comparisons)
    for comparison in drawn.comparisons if drawn.places else ():
        yield file_of(comparison.result), "compare.html", compare_page(context, comparison, drawn.areas)


def _pictures(context: PageContext, drawn: _Drawn) -> Iterator[tuple[str, str]]:
    wording, contents = context.wording, context.contents
    source = wording.text(
        "chart.source", title=context.title, period=contents.specs.design.period, release=context.release_id
    )
    if contents.rehearsal:
        source = f"{wording.text('rehearsal.title')}. {source}"
    licence = wording.text("chart.licence", licence=contents.licence)
    for result in drawn.results:
        chart = drawn.charts[result.indicator.name]
        if chart is not None:
            picture = draw_picture(result, chart, source, licence, wording)
            yield chart_path(result, "svg"), picture
            yield chart_path(result, "html"), embed(picture, source, licence, wording)
