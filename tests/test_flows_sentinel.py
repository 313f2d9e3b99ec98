"""No name, document, phone, address or exact position leaves the store: planted values are searched everywhere.

Law 3 of the house. The submissions go in over HTTP, through the real server; ingest, check and release run as real
Prefect flows; then every output, log, table, finding, release and Prefect's own database are searched.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest
from desk_visitors import serve, visit
from starlette.applications import Starlette
from typer.testing import CliRunner

from console.acts.deciding import decide, second
from console.acts.wishes import Change, Wish
from console.pages.addresses import PAGES
from flows.cli import app
from flows.prefect_server import PrefectServer, free_port
from openrosa.app import create_app
from openrosa.central.routes import ENDPOINTS
from store.open import Store, open_store
from store.passwords import set_password
from store.people import add_person, list_people
from store.quality_reports import list_reports
from store.releases import list_releases
from store.submissions import read_submission

ROOT = Path(__file__).resolve().parents[1]
CHANGED = "Zentinela Corregida"
SENTINELS = (
    "Zentinela Cantante",
    "98765432-K",
    "+56 9 8181 0000",
    "Pasaje Escondido 77",
    "-33.3574111 -70.7292999",
    CHANGED,
)
PASSWORD = "tres gatos en la mesa"
BEFORE = "uuid:sentinel-3"

FORM = """
| survey |               |          |                   |                       |          |                    |
|        | type          | name     | label             | constraint            | personal | constraint_message |
|        | start         | start    |                   |                       |          |                    |
|        | end           | end      |                   |                       |          |                    |
|        | text          | full     | Nombre            |                       | name     |                    |
|        | text          | run      | RUN               | string-length(.) < 5  | document | RUN no válido      |
|        | text          | phone    | Teléfono          | regex(., '[0-9]{9}')  | phone    |                    |
|        | text          | street   | Dirección         | . != ''               | address  |                    |
|        | geopoint      | place    | Lugar             |                       | position |                    |
|        | integer       | age      | Edad              | . < 120               |          |                    |
|        | begin repeat  | person   | Persona           |                       |          |                    |
|        | text          | called   | Nombre            |                       | name     |                    |
|        | integer       | years    | Edad              | . < 120               |          |                    |
|        | end repeat    |          |                   |                       |          |                    |
| settings |             |          |                   |                       |          |                    |
|        | form_id       | version  | form_title        |                       |          |                    |
|        | centinela     | 1        | Centinela         |                       |          |                    |
| topics |               |          |                   |                       |          |                    |
|        | name          | label    |                   |                       |          |                    |
|        | people        | Personas |                   |                       |          |                    |
| indicators |           |          |                   |                       |          |                    |
|        | name          | topic    | kind              | table                 | value    | label      | unit  |
|        | mean_age      | people   | mean              | main                  | ${age}   | Edad media | years |
| design |               |          |                   |                       |          |                    |
|        | setting       | value    |                   |                       |          |                    |
|        | survey        | centinela |                  |                       |          |                    |
|        | probability   | no       |                   |                       |          |                    |
|        | threshold     | 2        |                   |                       |          |                    |
"""


def submission(number: int, *, root_end: str = "</data>") -> bytes:
    name, run, phone, street, place, _ = SENTINELS
    return (
        f'<data id="centinela" version="1"><start>2026-11-24T1{number}:00:00.000-03:00</start>'
        f"<end>2026-11-24T1{number}:40:00.000-03:00</end>"
        f"<full>{name}</full><run>{run}</run><phone>{phone}</phone><street>{street}</street>"
        f"<place>{place} 0 0</place><age>{30 + number}</age>"
        f"<person><called>{name}</called><years>{20 + number}</years></person>"
        f"<meta><instanceID>uuid:sentinel-{number}</instanceID></meta>{root_end}"
    ).encode()


def clean(number: int) -> bytes:
    """A submission that breaks no rule and still holds a name, an address and a position."""
    name, _, _, street, place, _ = SENTINELS
    return (
        f'<data id="centinela" version="1"><start>2026-11-24T1{number}:00:00.000-03:00</start>'
        f"<end>2026-11-24T1{number}:40:00.000-03:00</end><full>{name}</full><street>{street}</street>"
        f"<place>{place} 0 0</place><age>{30 + number}</age>"
        f"<meta><instanceID>uuid:clean-{number}</instanceID></meta></data>"
    ).encode()


TELLING = (
    *(["findings", "--format", "csv"], ["findings", "--json"], ["fieldwork", "centinela"]),
    *(["fieldwork", "centinela", "--json"], ["forms", "list"], ["forms", "list", "--json"]),
    *(["people", "list"], ["people", "log", "--last", "200"], ["people", "log", "--check"]),
    *(["decide", "log", "centinela", "--person", "2"], ["checks", "show", "centinela"], ["quality", "questions"]),
    *(["entities", "list"], ["release", "list"], ["release", "show", "RELEASE"], ["weights", "centinela"]),
    *(["explain", BEFORE], ["trace", "RELEASE", "mean_age", "total"]),
)
"""Commands that tell of what is stored."""


def has_browser() -> bool:
    return shutil.which("chromium") is not None


def texts_of(path: Path) -> str:
    """Everything that a file says, also what it packs: tables, archives, printed pages."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        return str(pl.read_parquet(path).to_dicts())
    if path.suffix == ".pdf":
        program = shutil.which("pdftotext")
        if program is None:
            pytest.skip("pdftotext isn't there: apt-get install poppler-utils")
        printed = subprocess.run([program, str(path), "-"], capture_output=True, check=True, text=True).stdout
        assert len(printed) > 200, path
        return printed
    return text_of_bytes(content)


def text_of_bytes(content: bytes) -> str:
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return "\n".join(text_of_bytes(packed.read(name)) for name in packed.namelist())
    return content.decode("utf-8", "replace")


class Field:
    """One data folder, the commands run in it, and everything they printed."""

    def __init__(self, data: Path, backup: Path) -> None:
        self.data, self.backup = data, backup
        self.printed: list[str] = []

    def decide(self) -> None:
        """Somebody corrects a name, excludes an interview and accepts a finding, as at the desk."""
        with open_store(self.data) as store:
            with store.begin() as connection:
                for name, role in ROLES.items():
                    made = add_person(connection, name, role)
                    if role != "enumerator":
                        set_password(connection, made.id, PASSWORD)
                people = {one.name: one for one in list_people(connection)}
            ana = people["Ana"]
            change = Change("full", CHANGED)
            decide(store, ana, "centinela", Wish("correct", "uuid:clean-5", "spelt wrongly", changes=(change,)))
            decided = decide(store, ana, "centinela", Wish("exclude", "uuid:sentinel-2", "a rehearsal"))
            second(store, people["Rosa"], "centinela", decided.ids[0])
            rule = "constraint:/data/run"
            decide(store, ana, "centinela", Wish("accept", BEFORE, "as the card says", rule))
            decide(store, ana, "centinela", Wish("send_back", BEFORE, "ask again", "constraint:/data/phone"))

    def tell(self, *arguments: str) -> str:
        """A command in this process: quicker, and as talkative."""
        done = CliRunner().invoke(app, [*arguments, "--data", str(self.data)])
        self.printed += [done.stdout, done.stderr]
        # Some have nothing to tell of so small a survey, and say that.
        assert done.exit_code in {0, 1}, (arguments, done.stdout, done.stderr)
        assert done.exception is None or isinstance(done.exception, SystemExit), (arguments, done.exception)
        return done.stdout

    def run(self, *arguments: str, expect: int | None = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=240,
        )
        self.printed += [done.stdout, done.stderr]
        assert expect is None or done.returncode == expect, (arguments, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, (arguments, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    data = tmp_path_factory.mktemp("sentinel")
    form = data / "centinela.md"
    form.write_text(FORM, encoding="utf-8")
    run = Field(data, tmp_path_factory.mktemp("backup"))
    prefect = PrefectServer(data)
    try:
        run.run("forms", "add", str(form))
        key = run.run("people", "add", "--role", "enumerator", "--name", "Prueba", "--json").split('"key": "')[1]
        send(run, key.split('"')[0])
        os.environ["PREFECT_API_URL"] = prefect.wait()
        for step in ("ingest", "check", "release"):
            run.run("run", step, "--form", "centinela")
        run.decide()
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        prefect.stop()
    run.tell("quality", "report", "centinela", *([] if has_browser() else ["--no-pdf"]))
    run.tell("checks", "docs", "centinela", "--out", str(data / "out-docs"))
    for kind in ("csv", "parquet"):
        run.tell("tables", "centinela", "--out", str(data / f"out-{kind}"), "--format", kind)
    for kind in ("csv", "xlsx"):
        run.tell("cleaning", "export", "centinela", "--out", str(data / f"out-log.{kind}"))
    (release,) = [path.name for path in (data / "releases").glob("centinela-*")]
    run.tell("release", "archive", release, "--out", str(data / "out-archive.zip"))
    for words in TELLING:
        run.tell(*(word.replace("RELEASE", release) for word in words))
    run.tell("backup", str(run.backup))
    yield run


def send(run: Field, key: str) -> None:
    """Sends good, broken and refused submissions through the real server."""
    port = free_port()
    log = (run.data / "serve.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "serve", "--port", str(port), "--data", str(run.data)],
        stdout=log,
        stderr=log,
        cwd=ROOT,
    )
    base = f"http://127.0.0.1:{port}/key/{key}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        bodies = [submission(1), submission(2), submission(3), submission(1, root_end=""), submission(1) + b" "]
        bodies += [clean(number) for number in range(5, 9)]
        for body in [*bodies, submission(2).replace(b"<age>32", b"<age>999"), submission(4).replace(b"33", b"\0")]:
            files = {"xml_submission_file": ("a.xml", body, "text/xml")}
            answer = httpx.post(
                f"{base}/submission", files=files, headers={"X-OpenRosa-Version": "1.0"}, trust_env=False
            )
            run.printed.append(answer.text)
    finally:
        server.terminate()
        server.wait(20)
        log.close()


ROLES = {"Ana": "statistician", "Rosa": "reviewer", "Saul": "supervisor", "Eva": "enumerator", "Root": "administrator"}


def found(text: str) -> list[str]:
    return [sentinel for sentinel in SENTINELS if sentinel in text]


def test_the_values_did_arrive_and_are_kept_apart(field: Field) -> None:
    base = sqlite3.connect(field.data / "comunal.db")
    kept = {value for (value,) in base.execute("select value from personal_answers").fetchall()}
    assert set(SENTINELS[:4]) <= kept
    assert CHANGED in str(base.execute("select * from personal_corrections").fetchall())
    with open_store(field.data) as store, store.read() as connection:
        raw = b"".join(
            read_submission(connection, store.blobs, "centinela", f"uuid:{name}").xml
            for name in ("sentinel-1", "clean-5")
        )
    assert all(sentinel in raw.decode("utf-8", "replace") for sentinel in SENTINELS[:5]), "the raw store has them"
    assert any(value.startswith(SENTINELS[4]) for value in kept)


def test_broken_rules_on_personal_questions_were_found(field: Field) -> None:
    rows = pl.read_csv(field.tell("findings", "--format", "csv").encode())
    assert {"constraint:/data/run", "constraint:/data/phone"} <= set(rows["rule_id"])


def test_nothing_printed_holds_a_personal_answer(field: Field) -> None:
    assert not found("\n".join(field.printed))


def test_no_file_outside_the_raw_store_holds_a_personal_answer(field: Field) -> None:
    searched: set[str] = set()
    for path in sorted(field.data.rglob("*")):
        is_raw = path.name.startswith("comunal.db") or path.is_relative_to(field.data / "blobs")
        if not path.is_file() or is_raw:
            continue
        searched.add(path.suffix)
        assert not found(texts_of(path)), path
    wanted = {".csv", ".json", ".html", ".xlsx", ".parquet", ".log", ".db", ".xml", ".zip"}
    assert wanted - searched == set()
    assert (".pdf" in searched) == has_browser()


def test_a_backup_says_what_it_holds_without_a_personal_answer(field: Field) -> None:
    lists = [path for path in field.backup.rglob("*.json") if "manifest" in path.name]
    lists += [path for path in field.backup.rglob("*") if path.name.startswith("contents")]
    assert len(lists) >= 2, sorted(field.backup.rglob("*"))
    for path in lists:
        assert not found(texts_of(path)), path


def test_no_other_table_of_the_store_holds_a_personal_answer(field: Field) -> None:
    base = sqlite3.connect(field.data / "comunal.db")
    tables = [name for (name,) in base.execute("select name from sqlite_master where type = 'table'")]
    assert {"findings", "submissions", "personal_answers", "blobs"} <= set(tables)
    for table in set(tables) - {"personal_answers", "personal_corrections", "blobs"}:
        rows = str(base.execute(f'select * from "{table}"').fetchall())
        assert not found(rows), table


def test_each_look_at_personal_answers_is_logged(field: Field) -> None:
    rows = sqlite3.connect(field.data / "comunal.db").execute("select person, reason from access_log").fetchall()
    assert rows
    assert all(person and reason for person, reason in rows)


def walk_desk(store: Store, name: str) -> Iterator[tuple[str, str, str]]:
    """Every page of the desk, asked for by somebody, and what was answered."""
    with store.read() as connection:
        person = next(one for one in list_people(connection) if one.name == name)
        release = list_releases(connection, "centinela")[-1].release_id
        report = list_reports(connection, "centinela")[-1].report_id
    visitor = visit(serve(store), store, person)
    for page in PAGES:
        if page.path == "/logout":
            continue
        for instance in (BEFORE, "uuid:clean-5", "uuid:sentinel-2"):
            path = page.path.replace("{form}", "centinela").replace("{instance}", instance)
            path = path.replace("{release}", release).replace("{report}", report).replace("{answer}", "uuid:none")
            path = re.sub(r"\{[^}]*\}", "index.html", path.replace("{number:int}", "1").replace("{language}", "ht"))
            path += "?rule=constraint:/data/run" if path.endswith("/bulk") else ""
            if page.method == "GET":
                yield page.method, path, visitor.get(path)[1]
            elif not path.endswith(("/personal", "/cards")) and path != "/people":
                yield page.method, path, visitor.post(path, act="none", action="none", reason="look")[1]


@pytest.mark.parametrize("name", ROLES)
def test_no_page_of_the_desk_shows_a_personal_answer(field: Field, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with open_store(field.data) as store:
        pages = list(walk_desk(store, name))
        for method, path, text in pages:
            assert not found(text), (method, path)
        assert len(pages) > 40
        if name == "Ana":
            with store.read() as connection:
                ana = next(one for one in list_people(connection) if one.name == name)
            address = f"/s/centinela/interviews/{BEFORE}/personal"
            shown = visit(serve(store), store, ana).post(address, reason="two people with one name")[1]
            assert SENTINELS[0] in shown, "whoever has the right and says why sees them: the search can find them"
    assert not found(caplog.text)


def test_a_page_that_breaks_tells_nothing_of_what_broke_it(
    field: Field, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError(f"could not read {SENTINELS[0]} of {SENTINELS[1]}")

    monkeypatch.setattr("console.pages.interview.read_one", broken)
    with open_store(field.data) as store:
        with store.read() as connection:
            ana = next(one for one in list_people(connection) if one.name == "Ana")
        status, text = visit(serve(store), store, ana).get(f"/s/centinela/interviews/{BEFORE}")
    assert status == 500
    assert "ValueError at" in caplog.text
    assert not found(text + caplog.text)


def test_no_list_of_the_central_api_holds_a_personal_answer(field: Field) -> None:
    with open_store(field.data) as store:
        with store.read() as connection:
            people = {one.name: one for one in list_people(connection)}
        door = create_app(store)
        asked = []
        for name in ("Ana", "Rosa"):
            for point in ENDPOINTS:
                if point.method != "GET":
                    continue
                path = re.sub(r"\{(\w+)(:\w+)?\}", lambda name: PLACES.get(name[1], "1"), point.path)
                text = ask(door, f"/v1{path}", people[name].login)
                assert not found(text), (name, path)
                asked.append((path, len(text)))
        assert not found(ask(door, "/docs", "nobody"))
        listed = dict(asked)
        assert any(path.endswith("/submissions") and size > 200 for path, size in listed.items()), listed


PLACES = {"form": "centinela", "instance": BEFORE, "table": "Submissions", "list": "centinela_devueltas"}


def ask(door: Starlette, path: str, login: str) -> str:
    """What the door answers somebody, unpacked."""

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(door)
        async with httpx.AsyncClient(transport=transport, base_url="https://central.test") as client:
            return await client.get(path, auth=(login, PASSWORD))

    return text_of_bytes(asyncio.run(get()).content)
