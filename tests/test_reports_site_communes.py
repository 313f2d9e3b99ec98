"""The site of a release over several communes: a page a commune and topic, comparisons, maps; nobody sees more."""

from __future__ import annotations

import csv
import io
import posixpath
import re
from functools import cache
from pathlib import Path

import pytest
from commune_sample import COMMUNES, build_communes
from lxml import html

from reports.areas import draw_areas
from reports.compare_pages import class_ends
from reports.contents import ReleaseContents
from reports.disclosure import veil
from reports.places import Place
from reports.release import release_files
from reports.site import build_site
from reports.site_folder import write_site
from reports.wording import Wording
from schemas.communes import read_communes
from schemas.estimates import SafeTable

Pages = dict[str, html.HtmlElement]


@cache
def sample() -> tuple[SafeTable, ReleaseContents]:
    return build_communes()


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return release_files("sample-2026-2", *sample())


@pytest.fixture(scope="module")
def pages(files: dict[str, bytes]) -> Pages:
    found = {path: data for path, data in files.items() if path.startswith("site/") and path.endswith(".html")}
    return {path: html.fromstring(data) for path, data in found.items() if "/graficos/" not in path}


def text_of(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def rows_of(page: html.HtmlElement) -> list[list[str]]:
    return [[text_of(cell) for cell in row] for row in page.xpath("//table[@data-sort]/tbody/tr")]


def test_each_commune_has_its_pages_in_each_language(pages: Pages) -> None:
    own = {"index.html", "perfil.html", "tema-people.html", "tema-health.html"}
    for folder in ("site/", "site/ht/", "site/en/"):
        for cut in COMMUNES:
            start = f"{folder}comunas/{cut}/"
            assert {path.removeprefix(start) for path in pages if path.startswith(start)} == own


def test_every_link_leads_to_a_file_of_the_release(files: dict[str, bytes], pages: Pages) -> None:
    ids = {path: {each.get("id") for each in page.iter() if each.get("id")} for path, page in pages.items()}
    for path, page in pages.items():
        for link in page.iter("a", "link", "script"):
            address, _, anchor = (link.get("href") or link.get("src") or "").partition("#")
            if address.startswith("data:"):
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), address)) if address else path
            assert target in files, (path, target)
            assert not anchor or anchor in ids[target], (path, target, anchor)


def test_a_commune_is_told_by_its_own_figures(pages: Pages) -> None:
    page = pages["site/comunas/13125/tema-health.html"]
    table, _ = sample()
    own = next(cell for cell in table.cells if (cell.indicator, cell.domain) == ("uninsured", "commune=13125"))
    everybody = next(cell for cell in table.cells if (cell.indicator, cell.domain) == ("uninsured", "total"))
    assert own.estimate is not None and everybody.estimate is not None and own.n is not None
    spanish = Wording("es")
    assert text_of(page.xpath("//p[@class='big']")[0]) == spanish.percent(own.estimate).replace("\xa0", " ")
    told = text_of(page.get_element_by_id("uninsured")).replace("\xa0", " ")
    assert f"Toda la encuesta: {spanish.percent(everybody.estimate)}".replace("\xa0", " ") in told
    assert f"Calculado sobre {own.n} casos" in told
    assert "Mujeres" in told and "commune=" not in html.tostring(page, encoding="unicode")


def test_a_commune_page_leads_to_how_it_was_computed(pages: Pages) -> None:
    page = pages["site/en/comunas/13101/tema-health.html"]
    assert not page.xpath("//dl[@class='how']")
    assert "../../tema-health.html#uninsured" in page.xpath("//p[@class='take']/a/@href")
    assert pages["site/en/tema-health.html"].xpath("//details[@id='como-uninsured']//code")


def test_a_communes_table_holds_its_figures_alone(files: dict[str, bytes]) -> None:
    rows = list(csv.DictReader(io.StringIO(files["site/comunas/05101/cifras.csv"].decode())))
    assert rows and all(row["domain"].split("&")[0] == "commune=05101" for row in rows)


def test_the_comparison_is_sorted_before_any_script(pages: Pages) -> None:
    rows = rows_of(pages["site/comparar-uninsured.html"])
    assert {re.sub(r"(Metro|Valparaíso|Magalla).*", "", row[0]) for row in rows} <= {
        *("Quilicura", "Santiago", "Las Condes", "", "Punta Arenas")
    }
    figures = [float(row[2].replace(",", ".").split()[0]) for row in rows if row[2] != "oculto"]
    assert len(figures) > 3 and figures == sorted(figures, reverse=True)
    assert all(row[2] == "oculto" for row in rows[len(figures) :])


def test_withheld_and_weak_figures_are_seen_as_such_on_the_map(pages: Pages) -> None:
    page = pages["site/comparar-mean_age.html"]
    table, _ = sample()
    cells = [cell for cell in table.cells if cell.indicator == "mean_age" and re.fullmatch(r"commune=\d+", cell.domain)]
    hidden, weak = sum(bool(cell.suppressed) for cell in cells), sum("y_reliable" in cell.label for cell in cells)
    assert weak
    assert len(page.xpath("//div[@role='img']//path[@class='a-void']")) == hidden
    assert len(page.xpath("//div[@role='img']//path[@class='a-over']")) == weak
    legend = text_of(page.xpath("//ul[@class='legend']")[0])
    assert "poco fiable" in legend and ("rayado" in legend) == bool(hidden) and "la encuesta no se hizo" in legend


def test_the_map_is_told_to_those_who_do_not_see_it(pages: Pages) -> None:
    (drawn,) = pages["site/en/comparar-uninsured.html"].xpath("//div[@role='img']")
    assert drawn.get("aria-label").startswith("Communes coloured by Uninsured. From ")
    assert all(svg.get("aria-hidden") == "true" for svg in drawn.iter("svg"))


def test_only_pages_that_sort_or_search_have_a_script_and_it_is_ours(pages: Pages) -> None:
    with_script = {path for path, page in pages.items() if page.xpath("//script")}
    assert with_script and all(re.search(r"/(comunas|comparar-\w+)\.html$", path) for path in with_script)
    for path in with_script:
        assert [posixpath.basename(each) for each in pages[path].xpath("//script/@src")] == ["site.js"]
        assert not pages[path].xpath("//script/text()")


def test_pages_are_the_same_whoever_builds_them() -> None:
    table, contents = sample()
    alone, shared = (build_site("r", veil(table), contents, {}, processes) for processes in (1, 2))
    assert alone == shared


def test_classes_hold_as_many_communes_each_as_can_be() -> None:
    spanish = Wording("es")
    assert class_ends([float(number) for number in range(1, 101)], "percent", spanish) == [20, 40, 60, 80, 100]
    assert class_ends([5.0, 5.01, 5.02], "percent", spanish) == [5.0]
    assert class_ends([], "percent", spanish) == []


def test_all_communes_but_far_islands_are_drawn() -> None:
    places = [Place(each.cut, each.name, each.region, each.region_code) for each in read_communes().values()]
    drawn = draw_areas(places)
    assert drawn is not None and len(drawn.panels) == 16
    assert {"Isla de Pascua", "Juan Fernández"} == set(drawn.undrawn)
    assert [panel.region for panel in drawn.panels][:2] == ["Arica y Parinacota", "Tarapacá"]
    names = {area.name for panel in drawn.panels for area in panel.areas}
    assert len(names) >= 343
    assert sum(len(area.path) for panel in drawn.panels for area in panel.areas) < 130_000


def test_writing_a_site_again_touches_what_changed_and_nothing_else(tmp_path: Path) -> None:
    assert write_site(tmp_path, {"a.html": b"1", "b/c.html": b"2"}).written == 2
    before = (tmp_path / "a.html").stat().st_mtime_ns
    done = write_site(tmp_path, {"a.html": b"1", "d.html": b"3"})
    assert (done.written, done.kept, done.removed) == (1, 1, 1)
    assert (tmp_path / "a.html").stat().st_mtime_ns == before and not (tmp_path / "b").exists()
