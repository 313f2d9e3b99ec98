"""The profile: four A4 pages whatever the survey holds, nothing cut, the same in every language."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from commune_sample import build_communes
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from lxml import html
from playwright.sync_api import Page, sync_playwright
from release_sample import build, indicator, words
from web_person import CHROMIUM, launch

from flows.printing import print_pdf
from reports.contents import ReleaseContents
from reports.disclosure import protect
from reports.profile import Block, ProfileRow, lay_columns
from reports.profile_prints import profiles_to_print
from schemas.estimates import Estimate, SafeTable
from schemas.workbook import Topic

with_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium")

ROWS = st.builds(
    ProfileRow,
    label=st.integers(1, 24).map(lambda words: "palabra " * words),
    figure=st.just("12,3 %"),
    caption=st.sampled_from(["", "años"]),
    aside=st.integers(0, 150).map(lambda size: "x" * size),
    bar=st.sampled_from([None, 40.0]),
)
BLOCKS = st.lists(st.builds(Block, title=st.just("T"), rows=st.lists(ROWS, max_size=12).map(tuple)), max_size=20)


@settings(max_examples=60, deadline=None, phases=[Phase.generate])
@given(BLOCKS)
def test_no_column_is_fuller_than_its_page_and_what_finds_no_room_is_counted(blocks: list[Block]) -> None:
    columns, has_room = lay_columns(blocks)
    assert len(columns) == (2 if has_room else 4)
    for column in columns:
        assert sum(block.height for block in column) <= 232.0 + 1e-6
    placed = [row for column in columns for block in column for row in block.rows]
    every = [row for block in blocks for row in block.rows]
    shown = {block.title for column in columns for block in column}
    hidden = sum(int(block.more) for column in columns for block in column if block.more)
    assert len(placed) + hidden == len(every) or not shown


def large_survey() -> tuple[SafeTable, ReleaseContents]:
    """A hundred indicators with long names in twenty topics, each with its sampling error."""
    _, contents = build(precise=True)
    name = "Personas que en los últimos doce meses necesitaron atención y no la recibieron, caso {}"
    shares = [
        indicator(f"i{at}", f"t{at // 5}", "share", words(*[name.format(at)] * 3), breakdowns=()) for at in range(100)
    ]
    topics = tuple(Topic(f"t{at}", words(*[f"Tema número {at} con un nombre más bien largo"] * 3)) for at in range(20))
    error = {"se": 2.0, "ci_low": 20.0, "ci_high": 30.0, "cv": 0.08, "df": 40, "label": "weakly_reliable"}
    figures = [Estimate(each.name, "total", "", 25.0, "percent", 400, 100, **error) for each in shares]  # type: ignore[arg-type]
    specs = replace(contents.specs, topics=topics, indicators=tuple(shares))
    return protect(figures, 10), replace(contents, specs=specs)


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser.new_page(viewport={"width": 1000, "height": 1200})
        browser.close()


SURVEYS = {"few": lambda: build(), "precise": lambda: build(precise=True), "large": large_survey}


@pytest.mark.slow
@with_browser
@pytest.mark.parametrize("survey", SURVEYS)
def test_nothing_is_cut_or_runs_into_the_foot_of_a_page(browser_page: Page, survey: str) -> None:
    for path, page in profiles_to_print("sample-1", *SURVEYS[survey]()).items():
        browser_page.set_content(page)
        sheets = browser_page.evaluate(
            "[...document.querySelectorAll('.sheet')].map((sheet) => {"
            " const foot = sheet.querySelector('.foot').getBoundingClientRect();"
            " const low = Math.max(...[...sheet.querySelectorAll('*')].filter((each) => !each.closest('.foot, svg'))"
            "  .map((each) => each.getBoundingClientRect().bottom));"
            " const across = sheet.scrollWidth - sheet.clientWidth;"
            " return [sheet.scrollHeight - sheet.clientHeight, across, foot.top - low]; })"
        )
        assert len(sheets) == 4
        for number, (down, across, air) in enumerate(sheets, start=1):
            assert down <= 0 and across <= 0 and air >= 0, (path, number, down, across, air)


@pytest.mark.slow
@with_browser
def test_it_prints_as_exactly_four_pages() -> None:
    pages = {"few": profiles_to_print("sample-1", *build())["profile/survey-ht.pdf"]}
    pages["large"] = profiles_to_print("sample-1", *large_survey())["profile/survey-es.pdf"]
    for name, page in pages.items():
        printed = print_pdf(page)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 4, name
        (box,) = set(re.findall(rb"/MediaBox\s*\[([^\]]+)\]", printed))
        width, height = (float(end) for end in box.split()[2:])
        assert math.isclose(width, 595, abs_tol=2) and math.isclose(height, 842, abs_tol=2)


def test_a_large_survey_says_how_many_indicators_found_no_room() -> None:
    page = profiles_to_print("sample-1", *large_survey())["profile/survey-es.pdf"]
    rows = html.fromstring(page).xpath("//div[@class='row']")
    left_out = [int(number) for number in re.findall(r"y (\d+) indicador(?:es)? más en el sitio", page)]
    assert len(rows) >= 20 and len(rows) + sum(left_out) == 100


def test_a_communes_profile_holds_it_against_the_whole_survey() -> None:
    pages = profiles_to_print("sample-2", *build_communes())
    assert len(pages) == 3 * 6
    page = html.fromstring(pages["profile/13125-en.pdf"])
    assert [each.text for each in page.iter("h1")] == ["Quilicura"]
    told = " ".join(page.text_content().split())
    assert "Whole survey: " in told and "in 5 communes; this profile is of one" in told
    assert "1,021 interviews accepted of 1,030 received." in told
    assert page.xpath("//svg[@class='map']") and "205,624" in told


def test_the_page_needs_no_other_file() -> None:
    for page in profiles_to_print("sample-1", *build()).values():
        tree = html.fromstring(page)
        assert not tree.xpath("//script | //link[@rel='stylesheet'] | //img | //iframe")
        assert "url(" not in "".join(tree.xpath("//style/text()"))
        assert len(page) < 100_000


def test_a_rehearsal_is_called_one_on_each_page() -> None:
    page = html.fromstring(profiles_to_print("sample-1", *build())["profile/survey-es.pdf"])
    assert len(page.xpath("//section[contains(@class, 'sheet')]//p[@class='rehearsal']")) == 4
    real = profiles_to_print("sample-1", *build(rehearsal=False))["profile/survey-es.pdf"]
    assert "DATOS DE ENSAYO" not in real


def test_the_site_offers_what_was_printed(tmp_path: Path) -> None:
    from reports.release import release_files

    table, contents = build()
    contents = replace(contents, languages=("es",))
    files = release_files("sample-1", table, contents, lambda page: b"%PDF-" + str(len(page)).encode())
    assert files["profile/survey-es.pdf"].startswith(b"%PDF-")
    home = html.fromstring(files["site/index.html"])
    assert "../profile/survey-es.pdf" in home.xpath("//p[@class='acts']/a/@href")
    without = html.fromstring(release_files("sample-1", table, contents)["site/index.html"])
    assert without.xpath("//p[@class='acts']/a/@href") == ["perfil.html"]
