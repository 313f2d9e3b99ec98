"""Somebody answers a form in a browser: headless Chromium at a phone's and a desktop's width, in three languages.

COMUNAL_WEB_PICTURES=FOLDER keeps the pictures; COMUNAL_WEB_LONG=1 answers Quilicura's long form in Spanish too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Dialog, Route, expect, sync_playwright
from web_person import CHROMIUM, DESKTOP, PHONE, Site, Visit, answer_everything, launch

from flows.checking import check
from flows.ingesting import ingest
from flows.registering import add_form, load_form
from forms.compile import compile_workbook
from forms.sheets.markdown import workbook_from_markdown
from openrosa.web_files import web_files
from store.findings import list_findings
from store.forms import add_form_version
from store.links import add_links
from store.open import Store, open_store
from store.submissions import count_submissions, list_unparsed
from store.tables import read_tables

ROOT = Path(__file__).resolve().parents[1]
PICTURES = os.environ.get("COMUNAL_WEB_PICTURES")
SEND = {"es": "Enviar", "ht": "Voye", "en": "Send"}
MINUTES = 25 * 60 * 1000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(web_files() is None, reason="ODK Web Forms isn't built here (no Node): make web"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium"),
]

SMALL = """
| survey | | | | | | | |
| | type | name | label::Español (es) | label::Kreyòl (ht) | required | constraint | relevant |
| | start | start | | | | | |
| | deviceid | device | | | | | |
| | text | quarter | Barrio | Katye | yes | | |
| | integer | age | Edad | Laj | yes | . < 120 | |
| | date | arrived | Llegada | Dat ou rive | | | |
| | select_one_from_file sectors.csv | sector | Sector | Sektè | | | |
| | begin repeat | child | Niño | Timoun | | | |
| | text | toy | Juguete | Jwèt | | | |
| | end repeat | | | | | | |
| settings | | | | | | | |
| | form_id | version | form_title | default_language | | | |
| | corta | 1 | Encuesta corta | Español (es) | | | |
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        browser = launch(started)
        yield browser
        browser.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "data") as store:
        yield store


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    yield site
    site.close()


def link(store: Store, form_id: str, language: str, *, is_single: bool = True) -> str:
    with store.begin() as connection:
        return f"/web/{add_links(connection, form_id, 1, is_single=is_single, language=language)[0].token}"


@pytest.fixture
def small(store: Store) -> str:
    compiled = compile_workbook(workbook_from_markdown(SMALL))
    with store.begin() as connection:
        add_form_version(
            connection,
            store.blobs,
            form_id="corta",
            version="1",
            title="Encuesta corta",
            xform=compiled.xform,
            workbook=None,
            media={"sectors.csv": "name,label\n1,Los Ñandúes\n2,San Luis\n".encode()},
        )
    return link(store, "corta", "es", is_single=False)


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    size = getattr(request, "param", PHONE)
    visit = Visit(browser, size, Path(PICTURES) if PICTURES else None)
    visit.context.clock.install()
    yield visit
    visit.close()


LONG = pytest.mark.skipif("COMUNAL_WEB_LONG" not in os.environ, reason="COMUNAL_WEB_LONG=1 answers it in Spanish too")


@pytest.mark.parametrize(
    ("form_id", "language", "visit"),
    [
        pytest.param("quilicura", "ht", PHONE, id="quilicura-ht-phone"),
        pytest.param("independencia", "es", DESKTOP, id="independencia-es-desktop"),
        pytest.param("quilicura", "es", DESKTOP, id="quilicura-es-desktop", marks=LONG),
    ],
    indirect=["visit"],
)
def test_a_person_answers_by_link_and_no_rule_is_broken(
    store: Store, site: Site, visit: Visit, form_id: str, language: str
) -> None:
    add_form(store, ROOT / "forms" / form_id)
    compiled = load_form(store, form_id)
    address = site.origin + link(store, form_id, language)
    name = f"{form_id}_{language}"
    visit.open(address)
    visit.picture(f"{name}_1_first")
    page = visit.page
    send = page.get_by_role("button", name=SEND[language], exact=True)
    send.click()
    expect(page.locator("#errors")).to_be_visible()
    visit.picture(f"{name}_2_errors")
    # One amount for rent, income and remittances alike would break the survey's own checks.
    income = [field.label[language] for field in compiled.form.fields() if field.name == "household_income_clp"]
    answer_everything(page, dict.fromkeys(income, "900000"))
    visit.context.clock.fast_forward(MINUTES)
    visit.picture(f"{name}_3_answered")
    send.click()
    page.locator("#thanks h2").wait_for()
    visit.picture(f"{name}_4_thanks")
    assert page.evaluate("document.documentElement.lang") == language

    ingest(store, form_id)
    check(store, form_id, expectations=False)
    with store.read() as connection:
        findings = list_findings(connection, form_id)
    # Whoever always takes the first option is told of by field work (straight lines); the form's rules are what counts.
    assert [finding.rule_id for finding in findings if finding.kind != "field"] == []
    (row,) = read_tables(store, form_id)["main"].select("_client", "_instance_id").to_dicts()
    assert row["_client"] == "webforms"
    begin = row["_instance_id"].removeprefix("uuid:")[:8].upper()
    assert page.locator(".reference").inner_text() == f"{begin[:4]}-{begin[4:]}"

    assert {urlsplit(url).netloc for url in visit.asked if not url.startswith("data:")} == {site.origin[7:]}
    assert visit.complaints == []
    assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0
    assert page.evaluate("indexedDB.databases().then((found) => found.length)") == 0
    assert page.locator("#form").inner_text() == ""
    # The link is used up: its page says so.
    again = page.goto(address)
    assert again is not None
    assert again.status == 410
    visit.picture(f"{name}_5_used")


def fill(visit: Visit) -> None:
    page = visit.page
    page.locator(".question-container input").nth(0).press_sequentially("Los Ñandúes")
    page.locator(".question-container input").nth(1).press_sequentially("34")
    page.locator(".question-container input").nth(1).press("Tab")
    page.keyboard.press("Escape")  # the calendar of the next question has opened


def count(store: Store) -> int:
    with store.read() as connection:
        return count_submissions(connection, "corta").received


@pytest.mark.parametrize("reaches", [False, True], ids=["nothing arrived", "only the answer was lost"])
def test_a_lost_connection_loses_no_answer(store: Store, site: Site, visit: Visit, small: str, reaches: bool) -> None:
    visit.open(site.origin + small)
    fill(visit)

    def cut(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        if reaches:
            route.fetch()
        route.abort("connectionreset")

    page = visit.page
    page.route("**/submission", cut)
    page.get_by_role("button", name="Enviar").click()
    expect(page.locator("#sending")).to_contain_text("Sus respuestas siguen aquí")
    visit.picture(f"corta_not_sent_{reaches}")
    assert count(store) == int(reaches)
    page.unroute("**/submission")
    page.get_by_role("button", name="Intentar otra vez").click()
    page.locator("#thanks h2").wait_for()
    assert count(store) == 1
    with store.read() as connection:
        (kept,) = list_unparsed(connection, store.blobs, "corta")
    assert re.search(rb"<device>getodk.org:webforms:[0-9a-f-]{36}</device>", kept.xml)
    expect(page.get_by_role("button", name="Responder por otra persona")).to_be_visible()


@pytest.mark.parametrize("part", ["**/vue.js", "**/index-*.js", "**/form.xml"])
def test_a_part_that_did_not_arrive_is_told_and_asked_for_again(
    site: Site, visit: Visit, small: str, part: str
) -> None:
    page = visit.page
    page.route(part, lambda route: route.abort("connectionreset"))
    page.goto(site.origin + small)
    expect(page.locator("#status")).to_contain_text("No se pudieron cargar las preguntas")
    page.unroute(part)
    page.get_by_role("button", name="Intentar otra vez").click()
    page.locator(".odk-form").wait_for()
    expect(page.locator("#status")).to_be_hidden()


def test_a_refusal_is_told_in_the_language_and_the_answers_stay(
    store: Store, site: Site, visit: Visit, small: str
) -> None:
    visit.open(site.origin + small)
    page = visit.page
    page.get_by_role("button", name="Kreyòl").click()
    fill(visit)
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE web_links SET revoked_at = created_at")
    page.get_by_role("button", name="Voye").click()
    dialog = page.locator("#sending")
    expect(dialog).to_contain_text("Lyen sa a pa bon")
    expect(dialog).to_contain_text("Repons ou yo toujou la")
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE web_links SET revoked_at = NULL")
    page.get_by_role("button", name="Eseye ankò").click()
    page.locator("#thanks h2").wait_for()
    assert count(store) == 1


def test_the_language_changes_and_what_was_typed_stays(site: Site, visit: Visit, small: str) -> None:
    visit.open(site.origin + small)
    page = visit.page
    fill(visit)
    expect(page.get_by_text("Barrio", exact=True)).to_be_visible()
    page.get_by_role("group", name="Sector").get_by_text("San Luis").click()
    page.get_by_role("button", name="Kreyòl").click()
    expect(page.get_by_text("Katye", exact=True)).to_be_visible()
    assert page.locator(".question-container input").first.input_value() == "Los Ñandúes"
    assert page.get_by_role("radio", name="San Luis").is_checked()
    assert page.evaluate("document.documentElement.lang") == "ht"
    # What the library says by itself: its button, its validation, its calendar.
    expect(page.get_by_role("button", name="Ajoute")).to_be_visible()
    age = page.locator(".question-container input").nth(1)
    age.click()
    age.press("Control+a")
    age.press_sequentially("300")
    age.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Repons sa a pa posib. Verifye l.")).to_be_visible()
    assert page.get_by_role("group", name="Laj").get_by_role("spinbutton").get_attribute("aria-invalid") == "true"
    page.get_by_role("group", name="Dat ou rive").locator("input").click()
    calendar = page.locator(".p-datepicker-panel")
    expect(calendar).to_be_visible()
    expect(calendar).to_have_css("opacity", "1")
    visit.picture("corta_ht_calendar")
    months = ["janvye", "fevriye", "mas", "avril", "me", "jen", "jiyè", "out", "septanm", "oktòb", "novanm", "desanm"]
    assert calendar.locator(".p-datepicker-select-month").inner_text() in months
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_text("Esta respuesta no puede ser. Revísela.")).to_be_visible()
    assert page.locator("text=Condition not satisfied").count() == 0


def test_a_form_without_languages_is_shown_whatever_the_page_speaks(store: Store, site: Site, visit: Visit) -> None:
    plain = "| survey | | | |\n| | type | name | label |\n| | text | q | Pregunta |\n"
    with store.begin() as connection:
        add_form_version(
            connection,
            store.blobs,
            form_id="data",
            version="",
            title="Sin idiomas",
            xform=compile_workbook(workbook_from_markdown(plain)).xform,
            workbook=None,
            media={},
        )
    visit.open(site.origin + link(store, "data", "ht"))
    visit.page.get_by_role("button", name="English").click()
    expect(visit.page.get_by_role("button", name="Send")).to_be_visible()
    expect(visit.page.locator("#status")).to_be_hidden()
    assert visit.complaints == []


def test_what_a_shared_phone_would_remember_is_switched_off(site: Site, visit: Visit, small: str) -> None:
    visit.open(site.origin + small)
    page = visit.page
    page.get_by_role("button", name="Agregar").click()
    expect(page.locator("#form input[type=text]")).to_have_count(5)
    assert page.locator("#form input:not([autocomplete=off])").count() == 0
    fill(visit)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
