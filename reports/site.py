"""The site of a release: static pages in each language, for a telephone first, asking nothing of another host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2

from reports.charts import Chart
from reports.contents import ReleaseContents
from reports.maps import CommuneMap, draw_map
from reports.pages import (
    PageContext,
    downloads_page,
    home_page,
    method_page,
    quality_page,
    topic_page,
)
from reports.results import Result, gather_results
from reports.views import draw_result
from reports.wording import Wording
from schemas.estimates import SafeTable

STYLE = "assets/style.css"
READ_ME = {"es": "LEEME.txt", "ht": "LI_M.txt", "en": "README.txt"}
"""Language -> name of the text that opens a release for people."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What is drawn once for all languages."""

    results: tuple[Result, ...]
    charts: Mapping[str, Chart | None]
    commune: CommuneMap | None


def build_site(
    release_id: str, table: SafeTable, contents: ReleaseContents, data: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Every file of the site, path below `site/` -> bytes.

    Args:
        release_id: name of the release.
        table: the only figures that are shown.
        contents: everything else.
        data: the release's data files, path -> bytes, for the page of downloads.
    """
    results = gather_results(table, contents.specs, contents.form)
    charts = {result.indicator.name: draw_result(result) for result in results}
    drawn = _Drawn(results, charts, draw_map(contents.specs.design.commune))
    environment = _environment()
    pages = {STYLE: files("reports").joinpath("static", "style.css").read_bytes()}
    for language in contents.languages:
        pages |= _language_pages(language, release_id, table, contents, data, drawn, environment)
    return pages


def build_read_me(release_id: str, table: SafeTable, contents: ReleaseContents) -> dict[str, bytes]:
    """The texts that open the release's folder, one a language."""
    template = _environment().get_template("readme.txt")
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


def _language_pages(
    language: str,
    release_id: str,
    table: SafeTable,
    contents: ReleaseContents,
    data: Mapping[str, bytes],
    drawn: _Drawn,
    environment: jinja2.Environment,
) -> dict[str, bytes]:
    folder = "" if language == contents.languages[0] else f"{language}/"
    context = PageContext(
        release_id=release_id,
        wording=Wording(language),
        table=table,
        contents=contents,
        results=drawn.results,
        charts=drawn.charts,
        commune=drawn.commune,
        data=data,
    )
    built: dict[str, bytes] = {}

    def write(name: str, template: str, values: Mapping[str, Any]) -> None:
        shared = context.frame(name, "../" if folder else "")
        page = environment.get_template(template).render(**shared, **values)
        built[f"{folder}{name}"] = page.encode()

    makers: tuple[tuple[str, str, Callable[[PageContext], dict[str, Any]]], ...] = (
        ("index.html", "home.html", home_page),
        ("metodo.html", "method.html", method_page),
        ("calidad.html", "quality.html", quality_page),
        ("descargas.html", "downloads.html", downloads_page),
    )
    for name, template, make in makers:
        write(name, template, make(context))
    for topic in context.topics:
        write(context.topic_file(topic.name), "topic.html", topic_page(context, topic))
    return built


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("reports", "templates"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
