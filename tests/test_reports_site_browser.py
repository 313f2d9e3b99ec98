"""The site in headless Chromium, on a phone and on a desk, light and dark: axe finds nothing, nothing is asked for.

COMUNAL_SCREENSHOTS names a folder for pictures of every page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from commune_sample import build_communes
from playwright.sync_api import Browser, Page, sync_playwright
from release_sample import build
from web_person import CHROMIUM, DESKTOP, PHONE, Visit, launch

from reports.release import publish
from reports.rounds import EarlierFigure, Round

AXE = Path(__file__).resolve().parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PICTURES = os.environ.get("COMUNAL_SCREENSHOTS", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="axe isn't there: make web"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One commune, with an earlier round."""
    table, contents = build(precise=True)
    figures = {("no_insurance", "total", ""): EarlierFigure(19.0, 2.0, 40, "percent")}
    key = ("no_insurance", "total", "")
    earlier = Round("sample-2024-1", "2024", "2024-11-24", figures, beyond={key: True})
    folder = tmp_path_factory.mktemp("site") / "sample-2026-1"
    publish(folder, table, replace(contents, rounds=(earlier,)))
    return folder / "site"


@pytest.fixture(scope="module")
def communes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "sample-2026-2"
    publish(folder, *build_communes())
    return folder / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


def look(visit: Visit, address: Path, name: str) -> None:
    """Nothing for axe, nothing wider than the screen, nothing asked of a network."""
    page = visit.page
    page.goto(address.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "async (levels) => (await axe.run(document, {preload: false, runOnly: {type: 'tag', values: levels}}))"
        ".violations.map((one) => {"
        " const places = one.nodes.map((node) => node.html).slice(0, 3).join(' | ');"
        " return `${one.impact} ${one.id}: ${places}`; })",
        LEVELS,
    )
    assert not found, (name, found)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, (name, wide)
    assert all(asked.startswith(("file:", "data:")) for asked in visit.asked)
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_every_page_is_for_everybody(
    site: Path, communes: Path, browser: Browser, size: dict[str, int], scheme: str
) -> None:
    visit = Visit(browser, size)
    visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    language = "" if scheme == "light" else "ht/"
    folders = (site.rglob("*.html"), communes.glob("**/comu*.html"), communes.glob("**/comparar*.html"))
    if not PICTURES:  # every page in one language each; pictures are made of all
        folders = (site.glob(f"{language}*.html"), communes.glob("comunas.html"), communes.glob("comparar*.html"))
    own = communes.glob(f"{language}comunas/13125/*.html")
    found = [*((site, path) for path in folders[0]), *((communes, path) for each in folders[1:] for path in each)]
    pages = sorted((root, path) for root, path in found if "graficos" not in path.parts)
    pages += [(communes, path) for path in own]
    assert len(pages) > 15
    for root, path in pages:
        name = path.relative_to(root).as_posix().replace("/", "_").removesuffix(".html")
        look(visit, path, f"{'several' if root is communes else 'one'}_{name}_{scheme}_{size['width']}")
    assert not visit.complaints
    visit.close()


def first_column(page: Page) -> list[str]:
    names: list[str] = page.eval_on_selector_all("table[data-sort] tbody th a", "all => all.map(e => e.textContent)")
    return names


def test_the_comparison_sorts_by_keyboard_and_reads_the_same_without_a_script(communes: Path, browser: Browser) -> None:
    address = (communes / "en" / "comparar-mean_age.html").as_uri()
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(address)
    assert plain.locator("thead button").count() == 0
    visit = Visit(browser, DESKTOP)
    visit.page.goto(address)
    before = first_column(visit.page)
    assert plain.locator("table[data-sort] tbody th a").all_text_contents() == before
    commune = visit.page.get_by_role("button", name="Commune")
    commune.focus()
    visit.page.keyboard.press("Enter")
    assert first_column(visit.page) == sorted(before) != before
    assert visit.page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    visit.page.get_by_role("button", name="Result").click()
    assert first_column(visit.page) == before
    visit.page.get_by_role("button", name="Result").click()
    figures = visit.page.eval_on_selector_all("tbody td:nth-of-type(2)", "all => all.map(e => e.dataset.v)")
    shown = [float(figure) for figure in figures if figure]
    assert shown == sorted(shown) and all(figure == "" for figure in figures[len(shown) :])
    assert not visit.complaints
    visit.close()


def test_a_commune_is_found_without_accents_and_without_a_network(communes: Path, browser: Browser) -> None:
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto((communes / "comunas.html").as_uri())
    assert not plain.locator(".search").is_visible() and plain.get_by_role("link", name="Valparaíso").is_visible()
    visit = Visit(browser, PHONE)
    visit.page.goto((communes / "comunas.html").as_uri())
    visit.page.get_by_label("Buscar una comuna").fill("VALPARAIS")
    assert visit.page.locator(".names li:visible").all_text_contents() == ["Valparaíso"]
    assert visit.page.get_by_role("status").text_content() == "1 comunas"
    visit.page.get_by_label("Buscar una comuna").fill("zzz")
    assert visit.page.get_by_role("status").text_content() == "Ninguna comuna se llama así."
    visit.page.get_by_label("Buscar una comuna").fill("")
    assert visit.page.locator(".names li:visible").count() == 5
    visit.close()


def test_a_chart_that_stands_alone_shows_its_source_and_licence(site: Path, browser: Browser) -> None:
    visit = Visit(browser, DESKTOP)
    for path in sorted(site.glob("graficos/*.svg")):
        visit.page.goto(path.as_uri())
        words = visit.page.eval_on_selector_all("text", "all => all.map(e => e.textContent).join(' ')")
        assert "Licencia: CC-BY-4.0." in words and "Publicación sample-2026-1." in words, path
        spilt = visit.page.evaluate(
            "(() => { const all = document.documentElement.getBoundingClientRect();"
            " return [...document.querySelectorAll('text')].filter((each) => {"
            "  const box = each.getBoundingClientRect(); return box.right > all.right || box.bottom > all.bottom; })"
            " .map((each) => each.textContent); })()"
        )
        assert not spilt, (path, spilt)
        if PICTURES:
            visit.page.screenshot(path=str(Path(PICTURES) / f"chart_{path.stem}.png"))
    snippet = (site / "en" / "graficos" / "no_insurance.html").read_text()
    visit.page.goto("about:blank")
    visit.page.set_content(f"<!doctype html><title>Elsewhere</title><main><h1>Elsewhere</h1>{snippet}</main>")
    assert visit.page.get_by_role("img", name="Without health insurance").is_visible()
    assert "Licence: CC-BY-4.0." in (visit.page.locator("figcaption").text_content() or "")
    assert all(asked.startswith(("file:", "data:", "about:")) for asked in visit.asked)
    visit.close()
