"""The site: the same in three languages, light, reachable by everybody, asking nothing of another host."""

from __future__ import annotations

import importlib.util
import posixpath
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from lxml import html

from reports.release import release_files
from schemas.text import LANGUAGES


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()
Pages = dict[str, html.HtmlElement]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return release_files("sample-2026-1", *sample.build())


@pytest.fixture(scope="module")
def pages(files: dict[str, bytes]) -> Pages:
    return {
        path: html.fromstring(data)
        for path, data in files.items()
        if path.startswith("site/") and path.endswith(".html") and "/graficos/" not in path
    }


def text_of(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def test_each_language_has_the_same_pages(pages: Pages) -> None:
    spanish = {path.removeprefix("site/") for path in pages if path.count("/") == 1}
    assert spanish == {
        *("index.html", "metodo.html", "calidad.html", "descargas.html", "perfil.html"),
        *("tema-people.html", "tema-housing.html", "tema-health.html"),
    }
    for language in ("ht", "en"):
        assert {path.removeprefix(f"site/{language}/") for path in pages if f"/{language}/" in path} == spanish


def test_no_page_asks_another_host(files: dict[str, bytes], pages: Pages) -> None:
    style = files["site/assets/style.css"].decode()
    assert "url(" not in style and "@import" not in style
    for path, page in pages.items():
        for element in page.iter():
            for name, value in element.attrib.items():
                if name.rpartition("}")[2] in {"src", "href", "srcset", "poster", "action", "data", "style"}:
                    assert not re.match(r"\s*(https?:|//)", value), (path, value)
        assert not page.findall(".//script") and not page.findall(".//iframe")


def test_every_link_leads_to_a_file_of_the_release(files: dict[str, bytes], pages: Pages) -> None:
    for path, page in pages.items():
        ids = {element.get("id") for element in page.iter() if element.get("id")}
        for link in page.iter("a", "link"):
            target = link.get("href", "")
            if target.startswith("#"):
                assert target[1:] in ids, (path, target)
            elif not target.startswith("data:"):
                assert posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) in files, (path, target)


def test_pages_are_light(files: dict[str, bytes]) -> None:
    for path in ("site/index.html", "site/ht/index.html", "site/en/index.html"):
        assert len(files[path]) + len(files["site/assets/style.css"]) < 100_000
    assert len(re.findall(r"<svg class=\"map\".*?</svg>", files["site/index.html"].decode())[0]) < 5_000


def test_pages_stand_on_landmarks_and_say_their_language(pages: Pages) -> None:
    for path, page in pages.items():
        language = next((code for code in ("ht", "en") if f"/{code}/" in path), "es")
        assert page.get("lang") == language
        assert len(page.findall(".//main")) == len(page.findall(".//h1")) == len(page.findall(".//footer")) == 1
        first = page.find(".//a")
        assert (first.get("class"), first.get("href")) == ("skip", "#content")
        assert page.find(".//title").text.strip()
        switch = page.xpath("//nav[@class='languages']//a")
        assert [link.get("hreflang") for link in switch] == list(LANGUAGES)
        assert [link.get("hreflang") for link in switch if link.get("aria-current")] == [language]
        ids = Counter(element.get("id") for element in page.iter() if element.get("id"))
        assert not [identity for identity, count in ids.items() if count > 1], path


def test_headings_never_skip_a_level(pages: Pages) -> None:
    for path, page in pages.items():
        levels = [int(element.tag[1]) for element in page.iter("h1", "h2", "h3", "h4")]
        assert all(after <= before + 1 for before, after in pairwise(levels)), (path, levels)


def test_charts_are_named_and_described_and_their_text_is_text(pages: Pages) -> None:
    page = pages["site/tema-health.html"]
    (chart,) = page.xpath("//svg[@class='chart']")
    named = [text_of(page.get_element_by_id(identity)) for identity in chart.get("aria-labelledby").split()]
    assert named[0] == "Sin previsión <b>de salud</b>"
    assert named[1].startswith("Barras por grupo. Sexo: Mujeres, 24,9 %; Hombres, 25,0 %")
    lettering = [element.text for element in chart.findall("text")]
    assert {"Mujeres", "Haití", "País de nacimiento"} <= set(lettering)
    assert not any(mark in str(lettering) for mark in ("@@", "sex="))


def test_tables_have_captions_and_scopes(pages: Pages) -> None:
    tables = [table for page in pages.values() for table in page.iter("table")]
    assert len(tables) > 20
    for table in tables:
        region = table.getparent()
        assert table.find("caption") is not None or region.get("aria-labelledby")
        assert all(head.get("scope") for head in table.iter("th"))


def test_figures_are_written_as_each_language_writes_them(pages: Pages) -> None:
    big = {path: text_of(page.xpath("//p[@class='big']")[0]) for path, page in pages.items() if "housing" in path}
    assert big == {
        "site/tema-housing.html": "245.239 pesos",
        "site/ht/tema-housing.html": "245 239 peso",
        "site/en/tema-housing.html": "245,239 pesos",
    }
    assert "31,2" in text_of(pages["site/tema-people.html"]) or "31,3" in text_of(pages["site/tema-people.html"])


def test_a_withheld_figure_is_marked_and_nowhere_told(pages: Pages) -> None:
    page = pages["site/tema-health.html"]
    rare = page.get_element_by_id("rare")
    assert not rare.xpath(".//p[@class='big']") and not rare.xpath(".//svg")
    assert "Esta cifra no se publica" in text_of(rare)
    cells = rare.xpath(".//td[contains(@class,'hidden')]")
    assert {text_of(cell) for cell in cells} == {"oculto"} and len(cells) >= 3
    assert cells[0].find("abbr").get("title") == "Oculto para proteger a las personas"
    assert [
        text_of(row[-1]) for row in rare.xpath(".//tbody/tr[td]") if row.xpath("td[contains(@class,'hidden')]")
    ] == ["–"] * len(cells)


def test_a_result_says_how_it_was_computed(pages: Pages) -> None:
    how = text_of(pages["site/en/tema-health.html"].get_element_by_id("no_insurance").xpath(".//dl[@class='how']")[0])
    for told in ("${age} >= 0", "${insurance} = 'none'", "How old?", "Which insurance?", "Censo 2024", "no_insurance"):
        assert told in how


def test_labels_with_markup_are_shown_and_not_obeyed(files: dict[str, bytes]) -> None:
    page = files["site/tema-health.html"].decode()
    assert "&lt;b&gt;de salud&lt;/b&gt;" in page and "<b>de salud" not in page
    assert "Venezuela &lt;&amp;&gt; «Bolivariana»" in page


def test_a_rehearsal_is_called_one_on_every_page(pages: Pages) -> None:
    for path, page in pages.items():
        assert page.xpath("//*[@class='rehearsal']"), path
    real = release_files("sample-1", *sample.build(rehearsal=False))
    assert not [path for path, data in real.items() if b"DATOS DE ENSAYO" in data and path.endswith(".html")]


def test_no_error_is_printed_without_known_probabilities_and_one_is_with(pages: Pages) -> None:
    assert "no se publica error estándar" in text_of(pages["site/metodo.html"])
    assert "Intervalo de 95" not in text_of(pages["site/tema-health.html"])
    precise = release_files("sample-1", *sample.build(precise=True))
    health = text_of(html.fromstring(precise["site/tema-health.html"]))
    assert "está entre 20,0 % y 30,0 %" in health and "20,0 – 30,0 %" in health and "fiable" in health
    assert "linealización de Taylor" in text_of(html.fromstring(precise["site/metodo.html"]))


def test_the_quality_page_says_small_counts_roughly(pages: Pages) -> None:
    page = pages["site/calidad.html"]
    rows = {row[0].find("code").text: [text_of(cell) for cell in row[2:]] for row in page.xpath("//tr[th/code]")}
    assert rows == {
        "check:few": ["1.021", "menos de 10", "–"],
        "check:many": ["1.021", "25", "2,4 %"],
        "check:broken": ["1.021", "no comprobada", ""],
    }
    told = text_of(page)
    assert "incumple una regla sin decidir" in told and "unheard_of" in told and "EXP-101" in told


def test_colours_have_the_contrast_that_wcag_asks_for(files: dict[str, bytes]) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text, in the light and in the dark."""
    style = files["site/assets/style.css"].decode()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)[:2]
    )
    for colours in (light, dark):
        for ink in ("ink", "soft", "accent", "hidden", "mark"):
            assert contrast(colours[ink], colours["paper"]) >= 4.5, (ink, colours[ink])
        assert contrast(colours["mark"], colours["mark-soft"]) >= 4.5
        assert contrast(colours["soft"], colours["sheet"]) >= 4.5
        assert contrast(colours["bar"], colours["paper"]) >= 3  # 1.4.11, graphical objects


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
