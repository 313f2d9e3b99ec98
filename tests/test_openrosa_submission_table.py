"""The submission protocol as a table, on SQLite and PostgreSQL: what is sent, what is answered, what is kept.

How it goes on sockets (slow, silent and vanishing phones, kill -9) is in test_openrosa_serve.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import openrosa_phone as phone
import pytest

from schemas.settings import Settings
from store.forms import set_form_state
from store.submissions import list_attachments, list_unparsed

World, message, xml = phone.World, phone.message, phone.submission


@dataclass(frozen=True)
class Send:
    """One POST. `says` stands in the sentence that comes back."""

    xml: bytes
    status: int = 201
    says: str = "recibida"
    files: dict[str, bytes] = field(default_factory=dict)
    is_incomplete: bool = False


@dataclass(frozen=True)
class Case:
    """Some POSTs one after the other, and the counts afterwards that aren't 0."""

    sends: tuple[Send, ...]
    counts: dict[str, int]
    files: tuple[str, ...] = ()
    state: str = "open"


def ok(body: bytes, **more: object) -> Send:
    return Send(body, **more)  # type: ignore[arg-type]


def bad(body: bytes, says: str) -> Case:
    """Bytes that are no submission, twice: 400 with a sentence, and kept once."""
    return Case((Send(body, 400, says), Send(body, 400, says)), {"quarantined": 1})


ONE = {"received": 1, "current": 1, "unparsed": 1}
TWO = {"received": 2, "current": 1, "superseded": 1, "unparsed": 2}
A, B, C = "uuid:a", "uuid:b", "uuid:c"
PLAIN = b'<data id="encuesta" version="1"><q>x</q><meta><instanceID>uuid:a</instanceID></meta></data>'
OTHERWISE = (
    b"<?xml version='1.0'?>\n" + PLAIN.replace(b'id="encuesta" version="1"', b"version='1'   id='encuesta'") + b"\n"
)
BOMB = b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
EXTERNAL = b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'

CASES: dict[str, Case] = {
    "new": Case((ok(xml(A)),), ONE),
    "byte-identical again": Case((ok(xml(A)),) * 3, ONE),
    "equal after canonicalisation": Case((ok(PLAIN), ok(OTHERWISE)), ONE),
    "a newline more in an answer": Case(
        (ok(xml(A, "x")), Send(xml(A, "x\n"), 409, "Se guardaron ambas")), ONE | {"conflicts": 1}
    ),
    "a comment in an answer": Case((ok(xml(A, "x")), ok(xml(A, "x<!-- -->"))), ONE),
    "other bytes, twice": Case((ok(xml(A)), *(Send(xml(A, "no"), 409, "supervisor"),) * 2), ONE | {"conflicts": 1}),
    "the first again after other bytes": Case(
        (ok(xml(A)), Send(xml(A, "no"), 409, "supervisor"), ok(xml(A))), ONE | {"conflicts": 1}
    ),
    "no instance id, three times": Case((ok(xml(None)),) * 3, ONE),
    "no instance id, two interviews": Case((ok(xml(None, "1")), ok(xml(None, "2"))), dict.fromkeys(ONE, 2)),
    "attachments first, and the rest": Case(
        (ok(xml(A), files={"a.jpg": b"1"}, is_incomplete=True, says="Parte"), ok(xml(A), files={"b.jpg": b"2"})),
        ONE,
        ("a.jpg", "b.jpg"),
    ),
    "attachments late": Case((ok(xml(A)), ok(xml(A), files={"a.jpg": b"1"})), ONE, ("a.jpg",)),
    "attachments twice": Case((ok(xml(A), files={"a.jpg": b"1"}),) * 2, ONE, ("a.jpg",)),
    "a file that the form doesn't name": Case((ok(xml(A), files={"otro.bin": b"1"}),), ONE, ("otro.bin",)),
    "a file name that leads out": Case((ok(xml(A), files={"../../etc/passwd": b"1"}),), ONE, ("passwd",)),
    "an empty file": Case((ok(xml(A), files={"a.jpg": b""}),), ONE, ("a.jpg",)),
    "other bytes under a file name": Case(
        (ok(xml(A), files={"a.jpg": b"1"}), ok(xml(A), files={"a.jpg": b"2"}), ok(xml(A), files={"a.jpg": b"1"})),
        ONE,
        ("a.jpg", "a.jpg (conflict)"),
    ),
    "an edit of a current one": Case((ok(xml(A)), ok(xml(B, "2", edits=A))), TWO),
    "an edit, again": Case((ok(xml(A)), ok(xml(B, "2", edits=A)), ok(xml(B, "2", edits=A))), TWO),
    "an edit of an edit": Case(
        (ok(xml(A)), ok(xml(B, "2", edits=A)), ok(xml(C, "3", edits=B))),
        {"received": 3, "current": 1, "superseded": 2, "unparsed": 3},
    ),
    "an edit of a superseded one": Case(
        (ok(xml(A)), ok(xml(B, "2", edits=A)), ok(xml(C, "3", edits=A))),
        {"received": 3, "current": 1, "superseded": 1, "forks": 1, "unparsed": 3},
    ),
    "an edit of an unknown one": Case((ok(xml(B, "2", edits=A)),), {"received": 1, "held": 1, "unparsed": 1}),
    "an edit before its original": Case((ok(xml(B, "2", edits=A)), ok(xml(A))), TWO),
    "an unknown form": Case((Send(xml(A, form="otra"), 404, "no conoce el formulario"),), {}),
    "an unknown version": Case(
        (ok(xml(A, version="7"), says="versión"),), {"received": 1, "current": 1, "unknown_version": 1}
    ),
    "a closing form": Case((ok(xml(A)),), ONE, state="closing"),
    "a closed form": Case((Send(xml(A), 409, "cerrado"),), {}, state="closed"),
    "an unknown version of a closed form": Case((Send(xml(A, version="7"), 409, "cerrado"),), {}, state="closed"),
    "unknown field, text for a number, bad date, unlisted choice": Case(
        (ok(PLAIN.replace(b"<q>x</q>", b"<nada>?</nada><edad>diez</edad><dia>2026-13-45</dia><sexo>9</sexo>")),), ONE
    ),
    "truncated": bad(xml(A)[:-10], "incompleta o dañada"),
    "mismatched tags": bad(xml(A).replace(b"</q>", b"</p>"), "incompleta o dañada"),
    "a bare ampersand": bad(xml(A, "a & b"), "incompleta o dañada"),
    "a bare less-than": bad(xml(A, "a < b"), "incompleta o dañada"),
    "two roots": bad(xml(A) * 2, "incompleta o dañada"),
    "empty": bad(b"", "vacía"),
    "only blanks": bad(b" \r\n\t", "vacía"),
    "an entity that nobody declared": bad(xml(A, "&nbsp;"), "incompleta o dañada"),
    "NUL": bad(xml(A, "a\0b"), "nulos"),
    "NUL as a reference": bad(xml(A, "a&#0;b"), "incompleta o dañada"),
    "invalid UTF-8": bad(xml(A).replace("í".encode(), b"\xed"), "UTF-8"),
    "half a surrogate": bad(xml(A).replace("í".encode(), b"\xed\xa0\x80"), "UTF-8"),
    "UTF-16": bad(xml(A).decode().encode("utf-16"), "nulos"),
    "declared as Latin-1": bad(b"<?xml version='1.0' encoding='ISO-8859-1'?>" + xml(A), "UTF-8"),
    "a document type": bad(b"<!DOCTYPE data>" + xml(A), "DOCTYPE"),
    "entities that multiply": bad(BOMB + xml(A, "&b;"), "DOCTYPE"),
    "an entity of a file": bad(EXTERNAL + xml(A, "&x;"), "DOCTYPE"),
    "ten thousand levels": bad(b"<data id='encuesta'>" + b"<a>" * 10_000 + b"</a>" * 10_000 + b"</data>", "niveles"),
    "a web page": bad(b"<html><body><p>Login to the hotel's network</p></body></html>", "de qué formulario"),
    "another form's language": bad(b"<submission xmlns='urn:other'><data/></submission>", "de qué formulario"),
    "JSON": bad(b'{"data": {"id": "encuesta"}}', "incompleta o dañada"),
    "an id of a megabyte": bad(xml("uuid:" + "a" * 1_000_000), "identificador"),
}


@pytest.fixture
def world(tmp_path: Path, database_url: str | None) -> Iterator[object]:
    made = World(tmp_path / "data", url=database_url)
    yield made
    made.close()


def nonzero(world: World) -> dict[str, int]:
    counts = world.counts()
    return {name: getattr(counts, name) for name in counts.__slots__ if getattr(counts, name)}


@pytest.mark.parametrize("name", CASES)
def test_submission_is_answered_and_kept_as_the_table_says(name: str, world: World) -> None:
    case = CASES[name]
    with world.store.begin() as connection:
        set_form_state(connection, phone.FORM, "1", case.state)
    for send in case.sends:
        answer = world.send(send.xml, send.files, is_incomplete=send.is_incomplete)
        assert (answer.status_code, send.says in message(answer)) == (send.status, True), message(answer)
    assert nonzero(world) == case.counts
    with world.store.read() as connection:
        files = [
            file.name + (" (conflict)" if file.is_conflict else "")
            for stored in list_unparsed(connection, world.store.blobs, phone.FORM)
            for file in list_attachments(connection, stored.submission_id)
        ]
    assert tuple(files) == case.files


def test_files_of_a_disputed_submission_are_kept_apart_from_those_of_the_first(world: World) -> None:
    assert world.send(xml(A), {"casa.jpg": b"first"}).status_code == 201
    for _ in range(2):
        large = {"casa.jpg": b"second", "video.mp4": b"v" * 400_000}
        assert world.send(xml(A, "no"), large).status_code == 409
    assert world.send(xml(A, "no"), {"tarde.jpg": b"late"}).status_code == 409
    with world.store.read() as connection:
        (stored,) = list_unparsed(connection, world.store.blobs, phone.FORM)
        assert [file.name for file in list_attachments(connection, stored.submission_id)] == ["casa.jpg"]
        rows = connection.exec_driver_sql("SELECT name, sha256 FROM conflict_attachments ORDER BY name").all()
        kept = {name: world.store.blobs.read(connection, digest) for name, digest in rows}
    assert kept == {"casa.jpg": b"second", "tarde.jpg": b"late", "video.mp4": b"v" * 400_000}


def test_files_of_what_is_no_submission_are_kept_in_quarantine(world: World) -> None:
    cut = xml(A)[:-20]
    for files in ({"casa.jpg": b"one", "video.mp4": b"v" * 400_000}, {"casa.jpg": b"one"}, {"tarde.jpg": b"late"}, {}):
        assert world.send(cut, files).status_code == 400
    assert world.counts().quarantined == 1
    with world.store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT name, f.sha256 FROM quarantine_attachments f JOIN quarantine q ON q.id = quarantine_id"
        ).all()
        kept = {name: world.store.blobs.read(connection, digest) for name, digest in rows}
    assert len(rows) == 3
    assert kept == {"casa.jpg": b"one", "video.mp4": b"v" * 400_000, "tarde.jpg": b"late"}


def test_two_contents_of_one_instance_at_one_instant_are_one_row_and_one_conflict(world: World) -> None:
    async def burst() -> list[tuple[str, int]]:
        bodies = ["one", "two"] * 20
        files = [phone.parts(xml(A, body), {"casa.jpg": body.encode()}) for body in bodies]
        sent = await asyncio.gather(*(world.request("POST", "/submission", files=parts) for parts in files))
        return [(body, answer.status_code) for body, answer in zip(bodies, sent, strict=True)]

    statuses = set(asyncio.run(burst()))
    assert statuses in ({("one", 201), ("two", 409)}, {("one", 409), ("two", 201)})
    assert nonzero(world) == ONE | {"conflicts": 1}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_a_compressed_body_is_refused_before_it_grows(world: World, encoding: str) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000, 9)
    headers = {"Content-Encoding": encoding, "Content-Type": "multipart/form-data; boundary=b"}
    answer = world.ask("POST", "/submission", content=bomb, headers=headers)
    assert (answer.status_code, "comprimido" in message(answer)) == (415, True)
    assert nonzero(world) == {}


def test_identity_is_no_compression(world: World) -> None:
    assert world.send(xml(A), headers={"Content-Encoding": "identity"}).status_code == 201


def test_a_bomb_as_an_attachment_stays_the_bytes_it_is(world: World) -> None:
    bomb = gzip.compress(b"\0" * 5_000_000, 9)
    assert world.send(xml(A), {"bomba.gz": bomb}, headers={"X-Note": "x"}).status_code == 201
    with world.store.read() as connection:
        (stored,) = list_unparsed(connection, world.store.blobs, phone.FORM)
        (file,) = list_attachments(connection, stored.submission_id)
        assert world.store.blobs.read(connection, file.sha256) == bomb


def test_xml_over_the_limit_is_413_and_not_kept(tmp_path: Path, database_url: str | None) -> None:
    world = World(tmp_path / "data", Settings(xml_bytes=20_000), database_url)
    answer = world.send(xml(A, "x" * 20_000))
    assert (answer.status_code, "grande" in message(answer)) == (413, True)
    assert nonzero(world) == {}
    world.close()


def test_a_content_type_that_no_database_could_keep_costs_nobody_an_interview(world: World) -> None:
    kind = "text/\0plain"
    files = [*phone.parts(xml(A)), ("a.txt", ("a.txt", b"1", "text/x-odd"))]
    request = world.ask("POST", "/submission", files=files).request
    body = request.read().replace(b"text/x-odd", kind.encode())
    answer = world.ask("POST", "/submission", content=body, headers={"Content-Type": request.headers["Content-Type"]})
    assert answer.status_code == 201
    with world.store.read() as connection:
        (stored,) = list_unparsed(connection, world.store.blobs, phone.FORM)
        assert [file.name for file in list_attachments(connection, stored.submission_id)] == ["a.txt"]


@pytest.mark.parametrize(
    "grown",
    [
        "<![CDATA[" * 40_000,
        "<!--" * 40_000,
        "".join(f"<n{n}:a xmlns:n{n}='urn:{n}'/>" for n in range(30_000)),
        "<a " + " ".join(f"a{n}='x'" for n in range(20_000)) + "/>",
        "<a/>" * 100_000,
    ],
    ids=["CDATA", "comments", "namespaces", "attributes", "elements"],
)
def test_no_document_keeps_the_others_waiting(world: World, grown: str) -> None:
    began = time.process_time()
    for answer in ("1", "2"):
        body = phone.submission(A, answer).replace(b"<q>", f"<q>{grown}".encode())
        assert world.send(body).status_code in {201, 400, 409}
    # Half a minute before; CPU time, and a wide bound, for slow machines.
    assert time.process_time() - began < 6


def test_a_number_that_no_database_counts_to_is_no_form(world: World) -> None:
    for tail in ("form.xml", "manifest", "media/a.csv", "lists/a.csv"):
        assert world.ask("GET", f"/forms/{'9' * 30}/{tail}").status_code == 404
