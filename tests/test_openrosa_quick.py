"""The shortest way keeps what the app would keep, says what the app would say, and touches nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import openrosa_phone as phone
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from openrosa.answers import Refusal
from openrosa.quick import only_xml
from openrosa.receive import Parts, read_parts
from schemas.errors import StoreError
from schemas.settings import Settings
from store.arrivals import NewSubmission, Outcome, add_submissions
from store.blobs import Blobs
from store.forms import add_form_version
from store.open import Store
from store.people import add_person, revoke_person
from store.submissions import list_unparsed

FORM, World, xml = phone.FORM, phone.World, phone.submission
OKHTTP = (
    b'--3f1c-77\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="encuesta \'1\'.xml"\r\n'
    b"Content-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b\r\n--3f1c-77--\r\n"
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[phone.World]:
    made = World(tmp_path / "data")
    yield made
    made.close()


# ------------------------------------------------------------------------------------------------ what is looked at


def body(head: bytes, data: bytes, boundary: bytes = b"b", end: bytes = b"--\r\n") -> bytes:
    return b"--%b\r\n%b\r\n\r\n%b\r\n--%b%b" % (boundary, head, data, boundary, end)


DISPOSITION = b'Content-Disposition: form-data; name="xml_submission_file"'


def test_bodies_of_known_phones_and_libraries_are_known() -> None:
    data = xml("uuid:1")
    sent = httpx.Request("POST", "http://h/", files=phone.parts(data))  # type: ignore[arg-type]
    by_httpx = only_xml(sent.read(), sent.headers["content-type"].encode())
    collect = only_xml(OKHTTP % (len(data), data), b"multipart/form-data; boundary=3f1c-77")
    quoted = only_xml(body(DISPOSITION, data), b'Multipart/Form-Data;boundary="b"')
    assert by_httpx == collect == quoted == data


@pytest.mark.parametrize(
    ("sent", "content_type"),
    [
        (body(DISPOSITION + b"\r\nContent-Length: 5", b"<a/>"), b"multipart/form-data; boundary=b"),
        (body(DISPOSITION + b"\r\nContent-Transfer-Encoding: base64", b"PGEvPg=="), b"multipart/form-data; boundary=b"),
        (body(DISPOSITION, b"<a>--b</a>"), b"multipart/form-data; boundary=b"),
        (body(DISPOSITION, b"<a/>", end=b"\r\n"), b"multipart/form-data; boundary=b"),
        (body(DISPOSITION, b"<a/>", end=b"--more"), b"multipart/form-data; boundary=b"),
        (body(DISPOSITION, b"<a/>"), b"multipart/form-data; boundary=c"),
        (body(DISPOSITION, b"<a/>"), b"multipart/mixed; boundary=b"),
        (body(DISPOSITION, b"<a/>")[2:], b"multipart/form-data; boundary=b"),
        (b"preamble\r\n" + body(DISPOSITION, b"<a/>"), b"multipart/form-data; boundary=b"),
        (body(DISPOSITION, b"<a/>")[:-9], b"multipart/form-data; boundary=b"),
        (b"--b\r\n" + DISPOSITION + b"\r\n--b--\r\n", b"multipart/form-data; boundary=b"),
        (b"--b--\r\n", b"multipart/form-data; boundary=b"),
        (b"", b""),
    ],
)
def test_any_other_body_is_left_to_the_app(sent: bytes, content_type: bytes) -> None:
    assert only_xml(sent, content_type) is None


async def streamed(sent: bytes, content_type: bytes) -> Parts | None:
    async def pieces() -> AsyncIterator[bytes]:
        yield sent

    parts = Parts()
    try:
        await read_parts(parts, pieces(), content_type.decode("latin-1"), len(sent), Blobs(Path("/none")), Settings())
    except Refusal:
        return None
    return parts


PIECES = [
    *(b"--b", b"--", b"\r\n", b"\r\n\r\n", b"b", b"<a/>", b"-", b"\n", b" ", b";", b'"', b"x"),
    *(DISPOSITION, DISPOSITION + b'; filename="s.xml"', b"Content-Type: text/xml", b"Content-Length: 4"),
    *(b"Content-Length: 5", b'Content-Disposition: form-data; name="*isIncomplete*"', b"\xc3\xb1", b"\x00"),
]
KINDS = [b"multipart/form-data; boundary=b", b'multipart/form-data; boundary="b"', b"multipart/form-data; boundary=-b"]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), st.sampled_from(KINDS), st.booleans())
@example(b"<a/>", KINDS[0], True)
def test_what_it_takes_for_xml_the_streaming_parser_takes_too(inside: bytes, kind: bytes, framed: bool) -> None:
    sent = body(DISPOSITION, inside) if framed else inside
    found = only_xml(sent, kind)
    if found is not None:
        parts = asyncio.run(streamed(sent, kind))
        assert parts is not None
        assert (parts.xml, parts.files, parts.is_incomplete) == (found, [], False)


# --------------------------------------------------------------------------------------------------- what is answered


def quick_and_slow(tmp_path: Path, limits: Settings | None = None) -> tuple[phone.World, phone.World]:
    """Two worlds alike; in one no submission is small enough for the shortest way."""
    quick, slow = World(tmp_path / "quick", limits), World(tmp_path / "slow", limits)
    slow.ask("GET", "/")
    door = slow.app.middleware_stack.app  # type: ignore[union-attr]
    door._most = -1
    for world in (quick, slow):
        assert world.ask("HEAD", "/submission").status_code == 204
    return quick, slow


SENT = [
    (xml("uuid:1"), {}),
    (xml("uuid:1"), {}),
    (xml("uuid:1", answer="otra"), {}),
    (xml(None), {"Accept-Language": "ht"}),
    (xml("uuid:2", version="9"), {"Accept-Language": "en, de"}),
    (xml("uuid:3", form="otra"), {}),
    (xml("uuid:4", edits="uuid:1"), {"User-Agent": "Mozilla/5.0"}),
    (xml("uuid:5")[:-3], {}),
    (b"", {}),
    (b"\xef\xbb\xbf<?xml version='1.0'?>\r\n" + xml("uuid:6", answer="ñ" * 40_000), {}),
    (xml("uuid:7"), {"Content-Encoding": "gzip"}),
    (xml("uuid:8"), {"Content-Encoding": "identity"}),
    (xml("uuid:9"), {"Content-Type": "text/xml"}),
]


def test_both_ways_say_and_keep_the_same(tmp_path: Path) -> None:
    worlds = quick_and_slow(tmp_path)
    for data, headers in SENT:
        one, other = (world.send(data, headers=headers) for world in worlds)
        assert (one.status_code, one.content, one.headers) == (other.status_code, other.content, other.headers)
    kept = []
    for world in worlds:
        assert world.counts().quarantined == 2
        with world.store.read() as connection:
            found = list_unparsed(connection, world.store.blobs, FORM)
        kept.append([(row.instance_id, row.version, row.client, row.xml) for row in found])
        world.close()
    assert kept[0] == kept[1]
    assert len(kept[0]) >= 5


def test_the_common_submission_never_reaches_the_app(world: phone.World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.ask("HEAD", "/submission").status_code == 204

    def fail(*_: object) -> None:
        raise AssertionError("the app was asked")

    monkeypatch.setattr(world.app.router, "app", fail)
    assert world.send(xml("uuid:1")).status_code == 201
    assert world.ask("POST", "/submission", f"/v1{world.base}/projects/1", files=phone.parts(xml("uuid:2"))).is_success
    assert world.counts().received == 2


def test_a_failing_store_is_told_as_such(world: phone.World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.ask("HEAD", "/submission").status_code == 204

    async def full(item: NewSubmission) -> Outcome:
        raise StoreError("STO-002", "The disk is full.", "Free space.")

    monkeypatch.setattr(world.app.state.door.writer, "add", full)
    response = world.send(xml("uuid:1"), headers={"Accept-Language": "en"})
    assert (response.status_code, "can't store" in phone.message(response)) == (503, True)


def test_who_sends_too_often_is_told_to_wait(tmp_path: Path) -> None:
    world = World(tmp_path / "data", replace(Settings(), requests_per_minute=3))
    codes = [world.send(xml(world.fresh())).status_code for _ in range(5)]
    world.close()
    assert codes == [201, 201, 201, 429, 429]


def test_a_client_that_falls_silent_is_hung_up_on(tmp_path: Path) -> None:
    world = World(tmp_path / "data", replace(Settings(), idle_seconds=0.2))
    assert world.ask("HEAD", "/submission").status_code == 204
    said: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(30)
        raise AssertionError("it was listened to for too long")

    async def send(message: Message) -> None:
        said.append(message)

    headers = [(b"content-length", b"100"), (b"content-type", b"multipart/form-data; boundary=b")]
    scope = {"type": "http", "method": "POST", "path": f"{world.base}/submission", "headers": headers}
    asyncio.run(world.app(scope, receive, send))
    world.close()
    assert [message.get("status") for message in said] == [408, None]


def test_a_revoked_key_sends_nothing_from_that_moment_on(world: phone.World) -> None:
    assert world.send(xml("uuid:1")).status_code == 201
    with world.store.begin() as connection:
        revoke_person(connection, world.person.id)
    for files in ({}, {"foto.jpg": b"JPEG"}):
        response = world.send(xml("uuid:2"), files, headers={"Accept-Language": "en"})
        assert (response.status_code, "was revoked" in phone.message(response)) == (403, True)
    assert world.counts().received == 1


def test_the_store_itself_refuses_what_a_revoked_person_sends(store: Store) -> None:
    with store.begin() as connection:
        add_form_version(
            connection, store.blobs, form_id=FORM, version="1", title="E", xform=b"<x/>", workbook=None, media={}
        )
        gone, here = (add_person(connection, name, "enumerator").id for name in ("Rosa", "Jean"))
        revoke_person(connection, gone)
        items = [
            NewSubmission(FORM, "1", f"uuid:{n}", xml(f"uuid:{n}"), datetime.now(UTC), person_id=sender)
            for n, sender in enumerate((gone, here, None, gone))
        ]
        outcomes = add_submissions(connection, store.blobs, items)
    assert [outcome.status for outcome in outcomes] == ["revoked", "added", "added", "revoked"]
