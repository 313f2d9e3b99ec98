"""Every address of the desk, asked for by every role: who may opens it, nobody else does, and no name is shown."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from decided_survey import FORM, SENTINEL, add_people, make_survey
from desk_visitors import Visitor, serve, visit
from starlette.applications import Starlette

from console.pages.addresses import ANYBODY, PAGES, Page
from schemas.rights import may
from store.audit import list_log
from store.open import Store, open_store
from store.people import Person, add_person, get_person, list_people
from store.personal import list_access
from store.releases import add_release

ROLES = ("ana", "rosa", "saul", "eva", "root", "elsewhere")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    with open_store(folder / "data") as store:
        make_survey(store, folder)
        add_people(store)
        with store.begin() as connection:
            add_person(connection, "Root", "administrator")
            # The survey's workbook names no commune: whoever is bound to one sees nothing of it.
            add_person(connection, "Elsewhere", "statistician", communes=["13101"])
            files = folder / "r1"
            files.mkdir()
            (files / "README.txt").write_text("figures", encoding="utf-8")
            add_release(connection, release_id="r1", form_id=FORM, folder=str(files), sha256="0" * 64)
    return folder / "data"


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(template, tmp_path / "data")
    with open_store(tmp_path / "data") as store:
        yield store


@pytest.fixture
def people(store: Store) -> dict[str, Person]:
    with store.read() as connection:
        return {person.name.lower(): person for person in list_people(connection)}


@pytest.fixture
def app(store: Store) -> Starlette:
    return serve(store, NoRunner())


class NoRunner:
    """Runs nothing and says so."""

    def start(self, *_: object) -> object:
        raise AssertionError("nothing is run here")

    def list_runs(self, *_: object) -> list[object]:
        return []


def path_of(page: Page) -> str:
    filled = page.path.replace("{form}", FORM).replace("{instance}", "uuid:child").replace("{release}", "r1")
    filled = filled.replace("{number:int}", "1").replace("{language}", "ht").replace("{path:path}", "README.txt")
    filled += "?rule=check:adults_told" if page.path.endswith("/bulk") else ""
    return filled.replace("{report}", "no-report")


def may_open(person: Person, page: Page) -> bool:
    commune = "" if "{form}" in page.path else None
    return not page.act or may(person, page.act, commune)


@pytest.mark.parametrize("name", ROLES)
def test_who_may_open_a_page_does_and_nobody_else(
    name: str, app: Starlette, store: Store, people: dict[str, Person]
) -> None:
    for page in PAGES:
        if page.act == ANYBODY or page.path == "/logout":
            continue
        visitor = visit(app, store, people[name])
        status, text = visitor.get(path_of(page)) if page.method == "GET" else visitor.post(path_of(page))
        is_refused = status == 403 and "your role doesn't open it" in text
        assert is_refused != may_open(people[name], page), (page.method, page.path, status)
        assert status < 500, (page.method, page.path, status)
        assert SENTINEL not in text, (page.method, page.path)
    with store.read() as connection:
        refused = [row for row in list_log(connection, act="desk") if row.outcome == "refused"]
    assert len(refused) == sum(not may_open(people[name], page) for page in PAGES if page.act != ANYBODY)


def test_a_stranger_is_sent_to_log_in(app: Starlette, store: Store) -> None:
    for page in PAGES:
        if page.act != ANYBODY:
            answer = visit(app, store).client.request(page.method, f"/desk{path_of(page)}")
            assert answer.status_code == 303, page.path
            assert answer.headers["location"].startswith("/desk/login"), page.path


def test_what_is_not_there_looks_like_what_one_may_not_see(
    app: Starlette, store: Store, people: dict[str, Person]
) -> None:
    visitor = visit(app, store, people["elsewhere"])
    assert visitor.get(f"/s/{FORM}/findings")[0] == visitor.get("/s/nothing/findings")[0] == 403


def test_personal_answers_are_shown_for_a_reason_that_is_logged(
    app: Starlette, store: Store, people: dict[str, Person]
) -> None:
    address = f"/s/{FORM}/interviews/uuid:child/personal"
    ana = visit(app, store, people["ana"])
    status, text = ana.post(address, reason="  ")
    assert status == 200
    assert SENTINEL not in text
    status, text = ana.post(address, reason="two people with one name")
    assert SENTINEL in text
    with store.read() as connection:
        last = list_access(connection)[-1]
    assert (last.person, last.reason, last.rows) == (f"person {people['ana'].id}", "two people with one name", 1)
    status, text = visit(app, store, people["rosa"]).post(address, reason="curious")
    assert status == 403
    assert SENTINEL not in text


def test_forms_of_other_sites_and_old_sessions_are_refused(
    app: Starlette, store: Store, people: dict[str, Person]
) -> None:
    ana = visit(app, store, people["ana"])
    assert ana.post("/logout", token="0" * 64)[0] == 403
    for headers in ({"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}):
        answer = ana.client.post("/desk/logout", data={"csrf": "x"}, headers=headers)
        assert answer.status_code == 403
    assert ana.get("/")[0] == 200
    assert ana.post("/logout")[0] == 303
    assert ana.get("/")[0] == 303


def test_every_answer_forbids_what_pages_need_not_do(app: Starlette, store: Store, people: dict[str, Person]) -> None:
    ana = visit(app, store, people["ana"])
    for path in ("/", "/login", "/nothing", f"/s/{FORM}/findings", f"/s/{FORM}/releases/r1/files/README.txt"):
        headers = ana.client.get(f"/desk{path}").headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["cache-control"] == "no-store", path
        assert headers["referrer-policy"] == "no-referrer", path


def test_pages_hold_no_script_or_style_of_their_own(app: Starlette, store: Store, people: dict[str, Person]) -> None:
    ana = visit(app, store, people["ana"])
    for page in PAGES:
        if page.method == "GET" and page.act != ANYBODY and "files" not in page.path:
            _, text = ana.get(path_of(page))
            assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", text), page.path


def test_only_files_of_the_release_are_served(app: Starlette, store: Store, people: dict[str, Person]) -> None:
    ana = visit(app, store, people["ana"])
    assert ana.get(f"/s/{FORM}/releases/r1/files/README.txt") == (200, "figures")
    for path in ("..%2f..%2fdata%2fcomunal.db", "%2e%2e/data/comunal.db", "nothing.txt", ""):
        assert ana.get(f"/s/{FORM}/releases/r1/files/{path}")[0] == 404, path


def test_an_enumerator_logs_in_with_the_key_and_sees_the_own_progress_alone(app: Starlette, store: Store) -> None:
    with store.begin() as connection:
        made = add_person(connection, "Nora", "enumerator")
    stranger = visit(app, store)
    answer = stranger.client.post("/desk/login", data={"name": made.login, "password": made.key})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/")
    nora = Visitor(stranger.client)
    assert nora.client.get("/desk/").headers["location"] == "/desk/mine"
    status, text = nora.get("/mine")
    assert status == 200
    assert "No interview of yours" in text
    assert nora.get(f"/s/{FORM}/fieldwork")[0] == 403
    with store.read() as connection:
        assert get_person(connection, made.id).role == "enumerator"
