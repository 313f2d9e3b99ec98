"""The desk in headless Chromium, by each role, on a phone and on a desk's screen; axe finds nothing serious."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from decided_survey import FORM, SENTINEL, add_people, make_survey
from playwright.sync_api import Browser, Page, sync_playwright
from web_person import CHROMIUM, DESKTOP, PHONE, Visit, launch

from console.acts.reviewing import make_signing_key
from flows.desk import desk_routes
from openrosa.serve import bind, make_server
from reports.quality.folder import hash_folder, write_report
from reports.signing import hash_files
from schemas.settings import Settings
from store.findings import list_findings
from store.open import Store, open_store
from store.passwords import set_password
from store.quality_reports import ReportRow, add_report, list_signatures

AXE = Path(__file__).resolve().parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "tres gatos en la mesa"
PASSPHRASE = "una frase larga que nadie sabe"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHILD = f"/s/{FORM}/interviews/uuid:child"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="axe isn't there: make web"),
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
    """Somebody at the desk, whose every page is looked at by axe."""

    def __init__(self, browser: Browser, origin: str, name: str, size: dict[str, int], language: str = "en") -> None:
        self.visit = Visit(browser, size)
        self.page: Page = self.visit.page
        self.page.set_extra_http_headers({"accept-language": language})
        self.origin = origin
        self.open("/login")
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.click("button.main")
        self.page.wait_for_url(lambda address: "login" not in address)

    def open(self, path: str) -> None:
        self.page.goto(self.origin + path)
        self.look()

    def look(self) -> None:
        """Nothing serious for axe, nothing wider than the screen, nobody's name, no complaint of the browser."""
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
        page.wait_for_selector(f".runs:not(:has(progress)) li:nth-child({number}) .state.good", timeout=90_000)
    ana.look()
    ana.open(f"/s/{FORM}/releases")
    ana.submit(".runs a")
    ana.look()
    for path in ("/people", f"/s/{FORM}/fieldwork", f"/s/{FORM}/reports", "/mine"):
        ana.open(path)
    ana.close()


def test_a_reviewer_reads_asks_and_signs(browser: Browser, origin: str, store: Store) -> None:
    rosa = AtDesk(browser, origin, "rosa-3", DESKTOP, "ht")
    page = rosa.page
    rosa.open(f"/s/{FORM}/reports/hogar-quality-1")
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
    for path in ("/audit?check=yes", f"/s/{FORM}/releases", f"/s/{FORM}/findings", CHILD):
        rosa.open(path)
    assert not page.query_selector(".reveal")
    rosa.close()


def test_a_supervisor_on_a_phone_sees_field_work_and_sends_back(browser: Browser, origin: str) -> None:
    saul = AtDesk(browser, origin, "saul-4", PHONE, "es")
    page = saul.page
    saul.look()
    page.click(".menu summary")
    shown = page.eval_on_selector_all(".menu li a", "links => links.map((one) => one.textContent)")
    assert shown == ["Inicio", "Terreno", "Hallazgos", "Informe de calidad"]
    for path in (f"/s/{FORM}/fieldwork", f"/s/{FORM}/findings", f"/s/{FORM}/reports"):
        saul.open(path)
    saul.open(f"/s/{FORM}/interviews/uuid:rooms")
    page.click("article [data-key=s] summary")
    page.fill("article [data-key=s] [name=reason]", "las piezas no son un número")
    saul.submit("article [data-key=s] button")
    saul.look()
    saul.close()


def test_the_queue_is_turned_over_with_the_keyboard_alone(browser: Browser, origin: str, store: Store) -> None:
    luis = AtDesk(browser, origin, "luis-2", DESKTOP)
    luis.open(f"/s/{FORM}/findings?severity=all")
    page = luis.page
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.className") == "open"
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/interviews/" in page.url
    luis.close()
