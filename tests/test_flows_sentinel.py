"""No name, document, phone, address or exact position leaves the store: planted values are searched everywhere.

Law 3 of the house. The submissions go in over HTTP, through the real server; ingest, check and release run as real
Prefect flows; then every output, log, table, finding, release and Prefect's own database are searched.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

from flows.prefect_server import PrefectServer, free_port

ROOT = Path(__file__).resolve().parents[1]
SENTINELS = ("Zentinela Cantante", "98765432-K", "+56 9 8181 0000", "Pasaje Escondido 77", "-33.3574111 -70.7292999")

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
    name, run, phone, street, place = SENTINELS
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
    name, _, _, street, place = SENTINELS
    return (
        f'<data id="centinela" version="1"><start>2026-11-24T1{number}:00:00.000-03:00</start>'
        f"<end>2026-11-24T1{number}:40:00.000-03:00</end><full>{name}</full><street>{street}</street>"
        f"<place>{place} 0 0</place><age>{30 + number}</age>"
        f"<meta><instanceID>uuid:clean-{number}</instanceID></meta></data>"
    ).encode()


class Field:
    """One data folder, the commands run in it, and everything they printed."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.printed: list[str] = []

    def run(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=240,
        )
        self.printed += [done.stdout, done.stderr]
        assert done.returncode == expect, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    data = tmp_path_factory.mktemp("sentinel")
    form = data / "centinela.md"
    form.write_text(FORM, encoding="utf-8")
    run = Field(data)
    prefect = PrefectServer(data)
    try:
        run.run("forms", "add", str(form))
        key = run.run("people", "add", "--role", "enumerator", "--name", "Prueba", "--json").split('"key": "')[1]
        send(run, key.split('"')[0])
        os.environ["PREFECT_API_URL"] = prefect.wait()
        for step in ("ingest", "check", "release"):
            run.run("run", step, "--form", "centinela")
        run.run("findings", "--format", "csv")
        run.run("findings", "--json")
        run.run("quality", "report", "centinela", "--no-pdf")
        run.run("checks", "docs", "centinela", "--out", str(data / "out-docs"))
        run.run("fieldwork", "centinela")
        run.run("fieldwork", "centinela", "--json")
        run.run("tables", "centinela", "--out", str(data / "out-csv"), "--format", "csv")
        run.run("tables", "centinela", "--out", str(data / "out-parquet"), "--format", "parquet")
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        prefect.stop()
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


def found(text: str) -> list[str]:
    return [sentinel for sentinel in SENTINELS if sentinel in text]


def test_the_values_did_arrive_and_are_kept_apart(field: Field) -> None:
    rows = sqlite3.connect(field.data / "comunal.db").execute("select value from personal_answers").fetchall()
    kept = {value for (value,) in rows}
    assert set(SENTINELS[:4]) <= kept
    assert any(value.startswith(SENTINELS[4]) for value in kept)


def test_broken_rules_on_personal_questions_were_found(field: Field) -> None:
    rows = pl.read_csv(field.run("findings", "--format", "csv").encode())
    assert {"constraint:/data/run", "constraint:/data/phone"} <= set(rows["rule_id"])


def test_nothing_printed_holds_a_personal_answer(field: Field) -> None:
    assert not found("\n".join(field.printed))


def test_no_file_outside_the_raw_store_holds_a_personal_answer(field: Field) -> None:
    searched = 0
    for path in sorted(field.data.rglob("*")):
        if not path.is_file() or path.name.startswith("comunal.db") or path.is_relative_to(field.data / "blobs"):
            continue
        searched += 1
        text = path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            text = str(pl.read_parquet(path).to_dicts())
        assert not found(text), path
    assert searched > 20


def test_no_other_table_of_the_store_holds_a_personal_answer(field: Field) -> None:
    base = sqlite3.connect(field.data / "comunal.db")
    tables = [name for (name,) in base.execute("select name from sqlite_master where type = 'table'")]
    assert {"findings", "submissions", "personal_answers", "blobs"} <= set(tables)
    for table in set(tables) - {"personal_answers", "blobs"}:
        rows = str(base.execute(f'select * from "{table}"').fetchall())
        assert not found(rows), table


def test_each_look_at_personal_answers_is_logged(field: Field) -> None:
    rows = sqlite3.connect(field.data / "comunal.db").execute("select person, reason from access_log").fetchall()
    assert rows
    assert all(person and reason for person, reason in rows)
