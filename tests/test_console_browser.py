"""The desk in headless Chromium, by each role, on a phone and on a desk's screen; axe finds nothing serious."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from decided_survey import AT, FORM, SENTINEL, add_people, make_survey
from playwright.sync_api import Browser, Page, sync_playwright
from web_person import CHROMIUM, DESKTOP, PHONE, Visit, launch

from console.acts.reviewing import make_signing_key
from console.pages.addresses import PAGES
from flows.desk import desk_routes
from flows.followed_up import ingest_survey
from forms.followups import followup_id
from openrosa.serve import bind, make_server
from reports.quality.folder import hash_folder, write_report
from reports.signing import hash_files
from schemas.findings import Finding
from schemas.rights import may
from schemas.settings import Settings
from schemas.text import LANGUAGES
from store.arrivals import NewSubmission, add_submissions
from store.findings import list_findings, put_findings
from store.forms import get_form_version
from store.open import Store, open_store
from store.passwords import set_password
from store.people import add_person, list_people
from store.quality_reports import ReportRow, add_report, list_signatures
from store.releases import get_release, list_releases

AXE = Path(__file__).resolve().parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
HTMX = Path(__file__).resolve().parents[1] / "console" / "static" / "vendor" / "htmx.min.js"
PASSWORD = "tres gatos en la mesa"
PASSPHRASE = "una frase larga que nadie sabe"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHILD = f"/s/{FORM}/interviews/uuid:child"
REPORT = f"/s/{FORM}/reports/hogar-quality-1"
PICTURES = os.environ.get("COMUNAL_SCREENSHOTS", "")
"""A folder for pictures of every page, in every size, language and light; without it each role has one combination."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="axe isn't there: make web"),
    pytest.mark.skipif(not HTMX.exists(), reason="htmx isn't there: make web"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("desk")
    with open_store(folder / "data") as store:
        make_survey(store, folder)
        people = add_people(store)
        with store.begin() as connection:
            for name in ("ana", "luis", "rosa", "saul"):
                set_password(connection, people[name].id, PASSWORD)
        make_signing_key(store, people["rosa"], PASSPHRASE)
        _add_report(store, folder / "report")
        yield store


def _add_report(store: Store, folder: Path) -> None:
    page = b"<!doctype html><html lang=es><link rel=icon href=data:,><title>Informe</title><h1>Calidad</h1>"
    write_report(folder, {"index.html": page})
    zeros = "0" * 64
    digests = {"submissions": 3, "submissions_sha256": zeros, "decisions": 0, "decisions_sha256": zeros}
    row = ReportRow(
        report_id="hogar-quality-1",
        form_id=FORM,
        commune="",
        round="2026",
        folder=str(folder),
        sha256=hash_files(hash_folder(folder)),
        data_sha256=hashlib.sha256(b"data").hexdigest(),
        data=digests | {"forms_sha256": zeros},
        code_version="1",
        made_at=datetime.now(UTC),
    )
    with store.begin() as connection:
        add_report(connection, row)


@pytest.fixture(scope="module")
def origin(store: Store) -> Iterator[str]:
    import threading
    import time

    listener = bind("127.0.0.1", 0)
    port = int(listener.getsockname()[1])
    server = make_server(store, "127.0.0.1", port, Settings(), desk_routes(store, Settings(data=store.data)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}/desk"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


class AtDesk:
    """Somebody at the desk, whose every page is looked at by axe, and pictured where there is a folder for pictures."""

    def __init__(
        self,
        browser: Browser,
        origin: str,
        name: str,
        size: dict[str, int],
        language: str = "en",
        *,
        password: str = PASSWORD,
        is_dark: bool = False,
    ) -> None:
        self.visit = Visit(browser, size)
        self.page: Page = self.visit.page
        self.page.set_extra_http_headers({"accept-language": language})
        if is_dark:
            self.page.emulate_media(color_scheme="dark")
        self.origin = origin
        self._who = "-".join((name, language, "phone" if size is PHONE else "desk", "dark" if is_dark else "light"))
        self._number = 0
        self.open("/login")
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("button.main")
        self.page.wait_for_url(lambda address: "login" not in address)
        self.look()

    def open(self, path: str) -> None:
        answer = self.page.goto(self.origin + path)
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        self.look()

    def look(self) -> None:
        """Nothing serious for axe, nothing wider than the screen, nobody's name, no complaint of the browser."""
        if PICTURES:
            self._number += 1
            what = re.sub(r"[^a-z0-9]+", "-", self.page.url.partition("/desk")[2].lower()).strip("-")[:60] or "home"
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            path = Path(PICTURES) / f"{self._who}-{self._number:02}-{what}.png"
            self.page.screenshot(path=str(path), full_page=True)
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "async (levels) => (await axe.run(document, {runOnly: {type: 'tag', values: levels}})).violations"
            ".map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(' | ')}`)",
            LEVELS,
        )
        assert not found, (self.page.url, found)
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (self.page.url, wide)
        assert SENTINEL not in self.page.content()

    def submit(self, selector: str) -> None:
        with self.page.expect_navigation():
            self.page.click(selector)

    def close(self) -> None:
        assert not self.visit.complaints
        self.visit.context.close()


def open_rules(store: Store) -> set[str]:
    with store.read() as connection:
        return {row.rule_id for row in list_findings(connection, FORM)}


def test_a_statistician_finds_decides_by_keyboard_runs_a_flow_and_makes_a_candidate(
    browser: Browser, origin: str, store: Store
) -> None:
    ana = AtDesk(browser, origin, "ana-1", DESKTOP)
    ana.look()
    ana.open(f"/s/{FORM}/findings")
    page = ana.page
    with page.expect_navigation():
        page.click('.queue .open:has-text("Adults don\'t match.")')
    ana.look()
    page.keyboard.press("c")
    page.keyboard.press("Control+A")
    page.keyboard.type("2")
    page.keyboard.press("Tab")
    page.keyboard.type("asked again by phone")
    page.keyboard.press("Enter")
    page.wait_for_selector(".outlook")
    ana.look()
    ana.submit(".outlook button")
    assert "check:adults_told" not in open_rules(store)
    ana.look()
    ana.open(f"/s/{FORM}/flows")
    for number, flow in enumerate(("check", "release"), 1):
        if flow == "check":
            page.uncheck("[name=expectations]")
        ana.submit(f"form:has([value={flow}]) button")
        page.wait_for_selector(f".runs:not(:has(progress)) li:nth-child({number}) .state.good", timeout=300_000)
    ana.look()
    ana.open(f"/s/{FORM}/releases")
    ana.submit(".runs a")
    ana.look()
    assert page.locator(".notice").first.inner_text() == "You made it, so another person approves it."
    page.keyboard.press("?")
    ana.close()


def test_a_reviewer_asks_and_signs_the_statistician_answers_and_the_candidate_is_approved(
    browser: Browser, origin: str, store: Store
) -> None:
    with store.read() as connection:
        candidate = list_releases(connection, FORM)[-1]
    assert candidate.details["made_by"] == "person 1", "the statistician of the test before made it"
    rosa = AtDesk(browser, origin, "rosa-3", DESKTOP, "ht")
    page = rosa.page
    assert page.query_selector(".needs [href$='hogar-quality-1']"), "home says that a report waits"
    rosa.open(REPORT)
    with page.expect_navigation():
        page.click(".acts .button.main")
    assert page.inner_text("h1") == "Calidad"
    page.go_back()
    page.click("details:has(#question) summary")
    page.fill("#question", "¿Por qué tres?")
    rosa.submit("form:has(#question) button")
    page.click("details:has(#sign-with) summary")
    page.fill("#sign-with", PASSPHRASE)
    rosa.submit("form:has(#sign-with) button")
    rosa.look()
    with store.read() as connection:
        assert [row.act for row in list_signatures(connection, "hogar-quality-1")] == ["sign"]

    ana = AtDesk(browser, origin, "ana-1", PHONE, "es", is_dark=True)
    ana.submit(".needs .urgent [href$='/reports']")
    ana.submit(".runs a[href$='hogar-quality-1']")
    ana.page.click("details:has([name=answer]) summary")
    ana.page.fill("[name=answer]", "Tres viviendas estaban vacías.")
    ana.submit("form:has([name=answer]) button")
    ana.look()
    ana.open(f"/s/{FORM}/releases/{candidate.release_id}")
    assert not ana.page.query_selector("[name=state][value=approved]"), "whoever made it doesn't approve it"
    ana.close()

    rosa.open(REPORT)
    assert "Tres viviendas estaban vacías." in page.content()
    rosa.submit("form:has([value=close]) button")
    rosa.open("/")
    rosa.submit(f".needs [href$='{candidate.release_id}']")
    page.click("details:has([value=approved]) summary")
    page.check("form:has([value=approved]) [type=checkbox]")
    rosa.submit("form:has([value=approved]) button")
    rosa.look()
    with store.read() as connection:
        assert get_release(connection, candidate.release_id).state == "approved"
    assert not page.query_selector(".reveal")
    rosa.close()


def test_a_supervisor_on_a_phone_sends_back_and_what_comes_home_is_taken(
    browser: Browser, origin: str, store: Store
) -> None:
    saul = AtDesk(browser, origin, "saul-4", PHONE, "es")
    page = saul.page
    page.click(".menu summary")
    shown = page.eval_on_selector_all(".menu li a", "links => links.map((one) => one.textContent)")
    assert shown == ["Inicio", "Terreno", "Hallazgos", "Devueltas", "Informe de calidad"]
    saul.open(f"/s/{FORM}/interviews/uuid:rooms")
    page.click("article [data-key=s] summary")
    page.fill("article [data-key=s] [name=reason]", "las piezas no son un número")
    saul.submit("article [data-key=s] button")
    saul.look()
    saul.open(f"/s/{FORM}/returns")
    saul.close()
    _answer(store, "<rooms>4</rooms>")
    ana = AtDesk(browser, origin, "ana-1", PHONE, "ht")
    ana.submit(".needs .urgent [href$='/returns']")
    ana.look()
    assert "las piezas no son un número" in ana.page.content()
    ana.submit("article form:has([value=take]) button")
    ana.look()
    ana.close()
    with store.read() as connection:
        assert not [row for row in list_findings(connection, FORM) if row.instance_id == "uuid:rooms"]


def _answer(store: Store, answers: str) -> None:
    """The answer as it comes from the phone."""
    form = followup_id(FORM)
    with store.read() as connection:
        version = get_form_version(connection, form).version
    xml = (
        f'<data id="{form}" version="{version}"><returned_instance>uuid:rooms</returned_instance>{answers}'
        "<returned_remark>me equivoqué de casilla</returned_remark>"
        "<returned_status>answered</returned_status><meta><instanceID>uuid:home</instanceID></meta></data>"
    )
    with store.begin() as connection:
        add_submissions(connection, store.blobs, [NewSubmission(form, version, "uuid:home", xml.encode(), AT)])
    ingest_survey(store, FORM)


def test_an_enumerator_sees_the_own_progress_and_nothing_else(browser: Browser, origin: str, store: Store) -> None:
    with store.begin() as connection:
        made = add_person(connection, "Nora", "enumerator")
    nora = AtDesk(browser, origin, made.login, PHONE, "ht", password=made.key)
    assert nora.page.url.endswith("/mine")
    nora.page.click(".menu summary")
    assert len(nora.page.query_selector_all(".menu li a")) == 1
    nora.close()


def test_an_administrator_adds_somebody_binds_them_and_prints_their_card(
    browser: Browser, origin: str, store: Store
) -> None:
    with store.begin() as connection:
        root = add_person(connection, "Root", "administrator")
        set_password(connection, root.id, PASSWORD)
    boss = AtDesk(browser, origin, root.login, DESKTOP, "es", is_dark=True)
    page = boss.page
    boss.open("/people")
    page.click("details:has(#new-name) summary")
    page.fill("#new-name", "Iris Toro")
    page.select_option("#new-role", "supervisor")
    page.fill("#new-communes", "13125")
    boss.submit("form:has(#new-name) button")
    boss.look()
    assert page.locator(".secret code").count() == 3
    boss.open("/people")
    page.click("li:has-text('Iris Toro') summary")
    boss.look()
    page.check("label:has-text('Iris Toro') input")
    boss.submit("#cards button")
    assert page.locator("article.card svg").count() == 1
    assert page.inner_text("h2") == "Iris Toro"
    boss.open("/audit?check=yes")
    assert "El registro está entero" in page.content()
    assert page.goto(f"{origin}/s/{FORM}/findings").status == 403  # type: ignore[union-attr]
    boss.visit.complaints.clear()  # the browser complains of the refusal
    boss.look()
    boss.close()


TOUR = {
    "ana-1": (DESKTOP, "es", True),
    "luis-2": (PHONE, "en", False),
    "rosa-3": (PHONE, "ht", True),
    "saul-4": (DESKTOP, "ht", False),
}


@pytest.mark.parametrize("name", TOUR)
def test_every_page_of_every_role_is_sound(name: str, browser: Browser, origin: str, store: Store) -> None:
    with store.read() as connection:
        person = next(one for one in list_people(connection) if one.login == name)
        release = list_releases(connection, FORM)[-1].release_id
    combinations = [TOUR[name]]
    if PICTURES:
        combinations = [(size, code, dark) for size in (PHONE, DESKTOP) for code in LANGUAGES for dark in (False, True)]
    for size, language, is_dark in combinations:
        visitor = AtDesk(browser, origin, name, size, language, is_dark=is_dark)
        for page in PAGES:
            is_file = "{path" in page.path or "{language}" in page.path
            # What only surveys of many communes have is looked at with one of them.
            is_of_communes = "preview" in page.path or "{commune}" in page.path
            if page.method != "GET" or is_file or is_of_communes or (page.act and not may(person, page.act)):
                continue
            path = page.path.replace("{form}", FORM).replace("{instance}", "uuid:child")
            path = path.replace("{release}", release).replace("{report}", "hogar-quality-1")
            visitor.open(path + ("?rule=check:adults_told" if path.endswith("/bulk") else ""))
        visitor.close()


def test_the_queue_is_turned_over_with_the_keyboard_alone(browser: Browser, origin: str, store: Store) -> None:
    found = Finding(FORM, "1", "uuid:sound", "", "check:rent_high", "check", "warning", "/data/rent", {"en": "High."})
    with store.begin() as connection:
        put_findings(connection, FORM, [found], {"check:rent_high"})
    luis = AtDesk(browser, origin, "luis-2", DESKTOP)
    luis.open(f"/s/{FORM}/findings?severity=all")
    page = luis.page
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.className") == "open"
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/interviews/" in page.url
    for key, place in (("?", "#keys[open]"), ("x", ".whole[open]"), ("a", "article [data-key=a][open]")):
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press(key)
        assert page.query_selector(place), key
    luis.close()
