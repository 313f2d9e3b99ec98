"""Somebody who answers a form in a browser: reads the page, types what each question takes, and mends what it refuses.

Knows no form: a question is a group with a label, a star where it must be answered, and one kind of control.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, Playwright

from openrosa.serve import bind, make_server
from schemas.settings import Settings
from store.open import Store

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}

NUMBERS = ("1", "30", "2", "12", "0", "2020", "5", "100", "1990", "300000", "20", "9")
WORDS = ("Respuesta de prueba", "1234", "A1", "ana@example.org", "+56912345678")
MOST_ROUNDS = 60

# One look at the page: every question that can be seen, whether it must be answered, is, and is refused.
_READ = """() => [...document.querySelectorAll('#form .question-container')]
  .filter((one) => one.offsetParent !== null)
  .map((one) => {
    const field = one.querySelector('input:not([type=radio]):not([type=checkbox]):not([type=file]), textarea');
    const choice = one.querySelector('input[type=radio], input[type=checkbox]');
    const list = one.querySelector('[role=combobox]');
    const isChosen = one.querySelector('input:checked') !== null;
    const chosen = one.querySelector('.p-select-label, .p-multiselect-label');
    const isListed = chosen !== null && !/placeholder|empty/.test(chosen.className);
    return {
      id: one.id,
      label: (one.querySelector('.control-text label') ?? one).textContent.trim(),
      required: one.querySelector('label.required, .required') !== null,
      answered: isChosen || isListed || Boolean(field && field.value),
      refused: one.classList.contains('highlight'),
      kind: list && !choice ? (list.matches('input') && !one.querySelector('.p-select') ? 'field' : 'list')
        : choice ? choice.type : one.querySelector('.p-inputnumber') ? 'number'
        : one.querySelector('.p-datepicker') ? 'date' : field ? 'text' : 'none',
    };
  })"""


class Site:
    """The server of a store on a free port of this machine, in a thread."""

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        self._listener = bind("127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        port = int(self._listener.getsockname()[1])
        self._server = make_server(store, "127.0.0.1", port, settings or Settings())
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


def launch(playwright: Playwright) -> Browser:
    """A browser that asks nobody for anything by itself."""
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)


class Visit:
    """One page in a profile of its own, with what it asked of any network and what it complained about."""

    def __init__(self, browser: Browser, size: dict[str, int], pictures: Path | None = None) -> None:
        phone = {"is_mobile": True, "has_touch": True} if size is PHONE else {}
        self.context = browser.new_context(viewport=size, **phone)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self._pictures = pictures
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None,
        )

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.page.locator(".odk-form").wait_for(timeout=30_000)

    def picture(self, name: str) -> None:
        if self._pictures is not None:
            self.page.screenshot(path=str(self._pictures / f"{name}.png"))

    def close(self) -> None:
        self.context.close()


def answer_everything(page: Page, said: Mapping[str, str] | None = None) -> int:
    """Answer each question that must be, in the order in which they come up; how many were answered.

    Args:
        page: with the form.
        said: label -> what to type, where the first answer that the form takes makes no sense beside others.
    """
    said = said or {}
    tried: dict[str, int] = {}
    for _ in range(MOST_ROUNDS):
        waiting = [one for one in page.evaluate(_READ) if one["refused"] or (one["required"] and not one["answered"])]
        if not waiting:
            return len(tried)
        for one in waiting:
            place = page.locator(f'[id="{one["id"]}"]')
            if not place.is_visible():
                continue  # an answer before it took it away
            _answer(page, place, one["kind"], tried.get(one["id"], 0), said.get(one["label"]))
            tried[one["id"]] = tried.get(one["id"], 0) + 1
    questions = [page.locator(f'[id="{one["id"]}"]').inner_text() for one in waiting]
    raise AssertionError(f"still waiting for an answer: {questions}")


def _answer(page: Page, place: Locator, kind: str, attempt: int, said: str | None) -> None:
    if kind in {"radio", "checkbox"}:
        choices = place.locator("label.value-option, .value-option")
        choices.nth(attempt % choices.count()).click()
    elif kind == "list":
        place.locator("[role=combobox]").first.click()
        options = page.locator("[role=option]:visible")
        options.first.wait_for()
        options.nth(attempt % options.count()).click()
    elif kind == "date":
        field = place.locator("input")
        field.click()
        page.keyboard.press("Escape")
        field.press_sequentially(("15/06/2020", "15/06/1990")[attempt % 2])
        field.press("Tab")
    else:
        words = NUMBERS if kind == "number" else WORDS
        field = place.locator("input, textarea").first
        field.click()
        field.press("Control+a")
        field.press("Delete")
        field.press_sequentially(said or words[attempt % len(words)])
        field.press("Tab")
