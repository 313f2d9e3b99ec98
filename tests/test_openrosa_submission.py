"""Sending submissions, through the real app: what is answered, and what is stored when it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from lxml import etree

from openrosa.app import create_app
from schemas.settings import Settings
from store.forms import add_form_version
from store.open import Store, open_store
from store.people import add_person, revoke_person
from store.submissions import SubmissionCounts, count_submissions, list_attachments, list_unparsed, read_submission

FORM = "encuesta"
XFORM = b"<h:html xmlns:h='http://www.w3.org/1999/xhtml'/>"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "data") as store:
        with store.begin() as connection:
            add_form_version(
                connection,
                store.blobs,
                form_id=FORM,
                version="1",
                title="Encuesta",
                xform=XFORM,
                workbook=None,
                media={},
            )
        yield store


def make_key(store: Store, role: str = "enumerator") -> str:
    with store.begin() as connection:
        return add_person(connection, "Rosa", role).key


class Phone:
    """A client of the app in this process."""

    def __init__(self, store: Store, key: str, settings: Settings | None = None) -> None:
        self.app = create_app(store, settings=settings)
        self.base = f"/key/{key}"
        self.transport = httpx.ASGITransport(app=self.app)

    async def request(self, method: str, path: str, **options: object) -> httpx.Response:
        async with httpx.AsyncClient(transport=self.transport, base_url="http://server.example") as client:
            return await client.request(method, self.base + path, **options)  # type: ignore[arg-type]

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        return asyncio.run(self.request(method, path, **options))

    def send(self, xml: bytes, files: dict[str, bytes] | None = None, **options: object) -> httpx.Response:
        return self.ask("POST", "/submission", files=parts(xml, files), **options)


def parts(xml: bytes, files: dict[str, bytes] | None = None) -> list[tuple[str, tuple[str, bytes, str]]]:
    sent = [("xml_submission_file", ("encuesta.xml", xml, "text/xml"))]
    return sent + [(name, (name, data, "image/jpeg")) for name, data in (files or {}).items()]


def xml(instance: str | None, answer: str = "sí", version: str = "1", form: str = FORM, edits: str = "") -> bytes:
    identity = f"<instanceID>{instance}</instanceID>" if instance else ""
    identity += f"<deprecatedID>{edits}</deprecatedID>" if edits else ""
    return f'<data id="{form}" version="{version}"><q>{answer}</q><meta>{identity}</meta></data>'.encode()


def message(response: httpx.Response) -> str:
    root = etree.fromstring(response.content)
    assert root.tag == "{http://openrosa.org/http/response}OpenRosaResponse"
    assert response.headers["x-openrosa-version"] == "1.0"
    assert response.headers["content-type"].startswith("text/xml")
    return root.findtext("{http://openrosa.org/http/response}message") or ""


def counts(store: Store) -> SubmissionCounts:
    with store.read() as connection:
        return count_submissions(connection, FORM)


@pytest.fixture
def phone(opened: Store) -> Phone:
    return Phone(opened, make_key(opened))


def test_a_submission_is_stored_byte_for_byte_before_it_is_answered(opened: Store, phone: Phone) -> None:
    sent = b"\xef\xbb\xbf<?xml version='1.0'?>\r\n" + xml("uuid:1", "ñandú é")
    response = phone.send(sent, headers={"User-Agent": "org.odk.collect.android/v2026.3.3 Dalvik/2.1.0"})
    assert (response.status_code, message(response)) == (201, "Encuesta recibida y guardada.")
    with opened.read() as connection:
        (stored,) = list_unparsed(connection, opened.blobs, FORM)
    assert (stored.xml, stored.instance_id, stored.client) == (sent, "uuid:1", "collect")


def test_the_address_of_central_works_too(opened: Store) -> None:
    phone = Phone(opened, make_key(opened))
    phone.base = f"/v1{phone.base}/projects/1"
    assert phone.ask("HEAD", "/submission?deviceID=collect%3Aabc").status_code == 204
    response = phone.ask("POST", "/submission?deviceID=collect%3Aabc", files=parts(xml("uuid:1")))
    assert response.status_code == 201


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_asking_before_sending_tells_how_much_a_request_should_hold(phone: Phone, method: str) -> None:
    response = phone.ask(method, "/submission")
    assert response.status_code == 204
    assert response.headers["x-openrosa-version"] == "1.0"
    assert response.headers["x-openrosa-accept-content-length"] == "100000000"


def test_the_same_submission_many_times_at_once_is_one_row_and_always_201(opened: Store, phone: Phone) -> None:
    async def burst() -> list[int]:
        sending = [phone.request("POST", "/submission", files=parts(xml("uuid:1"))) for _ in range(40)]
        return [response.status_code for response in await asyncio.gather(*sending)]

    assert set(asyncio.run(burst())) == {201}
    assert counts(opened).received == 1
    assert counts(opened).conflicts == 0


def test_the_same_document_written_otherwise_is_the_same_submission(opened: Store, phone: Phone) -> None:
    first = b'<data id="encuesta" version="1"><q/><meta><instanceID>uuid:1</instanceID></meta></data>'
    again = b"<?xml version='1.0'?>\n<data version='1'   id='encuesta'><q></q>" + first.partition(b"<q/>")[2] + b"\n"
    assert phone.send(first).status_code == 201
    assert phone.send(again).status_code == 201
    assert (counts(opened).received, counts(opened).conflicts) == (1, 0)
    with opened.read() as connection:
        assert read_submission(connection, opened.blobs, FORM, "uuid:1").xml == first


def test_other_answers_under_a_known_instance_are_refused_and_kept_aside(opened: Store, phone: Phone) -> None:
    assert phone.send(xml("uuid:1", "sí")).status_code == 201
    for _ in range(2):
        response = phone.send(xml("uuid:1", "no"))
        assert response.status_code == 409
        assert "supervisor" in message(response)
    assert (counts(opened).received, counts(opened).conflicts) == (1, 1)
    with opened.read() as connection:
        assert read_submission(connection, opened.blobs, FORM, "uuid:1").xml == xml("uuid:1", "sí")


def test_a_submission_without_id_gets_one_from_its_bytes(opened: Store, phone: Phone) -> None:
    for _ in range(3):
        assert phone.send(xml(None)).status_code == 201
    with opened.read() as connection:
        (stored,) = list_unparsed(connection, opened.blobs, FORM)
    assert stored.instance_id.startswith("uuid:")


def test_attachments_arrive_over_several_requests_and_all_are_kept(opened: Store, phone: Phone) -> None:
    sent = xml("uuid:1")
    first = [*parts(sent, {"casa.jpg": b"1" * 10}), ("*isIncomplete*", (None, b"yes"))]
    response = phone.ask("POST", "/submission", files=first)
    assert (response.status_code, message(response)) == (201, "Parte de la encuesta recibida y guardada.")
    assert phone.send(sent, {"audit.csv": b"event", "nadie.bin": b"?"}).status_code == 201
    assert phone.send(sent, {"casa.jpg": b"1" * 10}).status_code == 201
    with opened.read() as connection:
        (stored,) = list_unparsed(connection, opened.blobs, FORM)
        files = list_attachments(connection, stored.submission_id)
    assert stored.attachments == ("audit.csv", "casa.jpg", "nadie.bin")
    assert [(file.name, file.is_conflict) for file in files] == [(name, False) for name in stored.attachments]


def test_a_second_content_under_a_name_is_kept_and_marked(opened: Store, phone: Phone) -> None:
    for content in (b"one", b"two", b"two"):
        assert phone.send(xml("uuid:1"), {"casa.jpg": content}).status_code == 201
    with opened.read() as connection:
        (stored,) = list_unparsed(connection, opened.blobs, FORM)
        files = list_attachments(connection, stored.submission_id)
        contents = [opened.blobs.read(connection, file.sha256) for file in files]
    assert contents == [b"one", b"two"]
    assert [file.is_conflict for file in files] == [False, True]


def test_a_large_attachment_goes_to_a_file_and_comes_back(opened: Store, phone: Phone) -> None:
    video = bytes(range(256)) * 8192  # 2 MiB
    assert phone.send(xml("uuid:1"), {"video.mp4": video, "foto.jpg": b"x" * 1000}).status_code == 201
    with opened.read() as connection:
        (stored,) = list_unparsed(connection, opened.blobs, FORM)
        (photo, film) = list_attachments(connection, stored.submission_id)
        assert opened.blobs.read(connection, film.sha256) == video
    assert opened.blobs.path(film.sha256).is_file()
    assert not opened.blobs.path(photo.sha256).exists()
    assert list(opened.blobs.incoming.iterdir()) == []


def test_a_version_that_nobody_registered_yet_waits_for_it(opened: Store, phone: Phone) -> None:
    response = phone.send(xml("uuid:1", version="2"))
    assert response.status_code == 201
    assert "versión" in message(response)
    assert (counts(opened).unparsed, counts(opened).unknown_version) == (0, 1)
    with opened.begin() as connection:
        add_form_version(
            connection, opened.blobs, form_id=FORM, version="2", title="E", xform=XFORM, workbook=None, media={}
        )
    assert (counts(opened).unparsed, counts(opened).unknown_version) == (1, 0)


def test_an_unknown_form_is_404_and_nothing_is_stored(opened: Store, phone: Phone) -> None:
    response = phone.send(xml("uuid:1", form="otra"))
    assert response.status_code == 404
    assert "formulario" in message(response)
    assert counts(opened).received == 0


@pytest.mark.parametrize(
    "damaged",
    [
        xml("uuid:1")[:-10],
        xml("uuid:1", "a & b"),
        xml("uuid:1", "a < b"),
        xml("uuid:1").replace(b"</q>", b"</p>"),
        xml("uuid:1", "a\0b"),
        xml("uuid:1").replace("í".encode(), b"\xed"),
        b"<!DOCTYPE data [<!ENTITY x 'y'>]>" + xml("uuid:1", "&x;"),
        b"<data><meta/></data>",
        b"",
    ],
    ids=["truncated", "ampersand", "less-than", "tags", "nul", "latin-1", "doctype", "no-form", "empty"],
)
def test_bytes_that_are_no_submission_are_refused_with_a_sentence_and_kept(
    opened: Store, phone: Phone, damaged: bytes
) -> None:
    for _ in range(2):
        response = phone.send(damaged)
        assert response.status_code == 400
        assert "encuesta" in message(response)
    assert (counts(opened).received, counts(opened).quarantined) == (0, 1)


@pytest.mark.parametrize("language", ["ht-HT,fr;q=0.8", "en"])
def test_a_client_that_asks_for_it_reads_its_own_language(phone: Phone, language: str) -> None:
    response = phone.send(xml("uuid:1"), headers={"Accept-Language": language})
    expected = {"h": "Nou resevwa ankèt la epi nou sere l.", "e": "Interview received and stored."}
    assert message(response) == expected[language[0]]


def test_a_wrong_or_revoked_key_is_refused_with_a_sentence(opened: Store, phone: Phone) -> None:
    wrong = Phone(opened, "not-a-key")
    for method, path in (("GET", "/formList"), ("HEAD", "/submission")):
        assert wrong.ask(method, path).status_code == 403
    response = wrong.send(xml("uuid:1"))
    assert response.status_code == 403
    assert "clave" in message(response)
    with opened.begin() as connection:
        revoke_person(connection, 1)
    assert phone.send(xml("uuid:1")).status_code == 403
    assert counts(opened).received == 0


def test_a_reviewer_has_no_business_at_this_door(opened: Store) -> None:
    assert Phone(opened, make_key(opened, "reviewer")).send(xml("uuid:1")).status_code == 403


def test_limits_are_answered_413_and_leave_nothing(opened: Store) -> None:
    settings = Settings(accept_bytes=1000, request_bytes=400_000, xml_bytes=5_000)
    phone = Phone(opened, make_key(opened), settings)
    assert phone.ask("HEAD", "/submission").headers["x-openrosa-accept-content-length"] == "1000"
    assert phone.send(xml("uuid:1"), {"a.jpg": b"x" * 300_000}).status_code == 201
    response = phone.send(xml("uuid:2"), {"a.jpg": b"y" * 500_000})
    assert (response.status_code, "grande" in message(response)) == (413, True)
    assert phone.send(xml("uuid:3", "x" * 6_000)).status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="a"; filename="a.jpg"\r\n\r\n'
        for _ in range(20):
            yield b"z" * 50_000

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert phone.ask("POST", "/submission", content=endless(), headers=headers).status_code == 413
    assert counts(opened).received == 1
    assert list(opened.blobs.incoming.iterdir()) == []


def test_a_refused_client_is_not_listened_to_for_ever(opened: Store) -> None:
    phone = Phone(opened, "wrong", Settings(idle_seconds=0.2))

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"z"
            await asyncio.sleep(0.05)

    assert phone.ask("POST", "/submission", content=endless()).status_code == 403


def test_a_part_with_endless_headers_is_refused(opened: Store, phone: Phone) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="a"; filename="' + b"a" * 10_000
    response = phone.ask(
        "POST", "/submission", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"x", "text/xml"),
        (b"x", "multipart/form-data"),
        (b"--b\r\nnonsense", "multipart/form-data; boundary=b"),
        (b"--b--\r\n", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"; filename="\xff"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="x"\r\n\r\n<data',
            "multipart/form-data; boundary=b",
        ),
    ],
    ids=["not-multipart", "no-boundary", "nonsense", "no-xml", "name", "truncated"],
)
def test_a_body_that_is_no_submission_is_400_with_a_sentence(
    opened: Store, phone: Phone, body: bytes, kind: str
) -> None:
    response = phone.ask("POST", "/submission", content=body, headers={"Content-Type": kind})
    assert response.status_code == 400
    assert message(response)
    assert (counts(opened).received, counts(opened).quarantined) == (0, 0)


def test_two_interviews_in_one_request_are_refused(opened: Store, phone: Phone) -> None:
    response = phone.ask("POST", "/submission", files=parts(xml("uuid:1")) + parts(xml("uuid:2")))
    assert response.status_code == 400
    assert counts(opened).received == 0


def test_a_store_that_refuses_is_told_and_the_phone_keeps_everything(opened: Store, phone: Phone) -> None:
    assert phone.send(xml("uuid:1")).status_code == 201
    with opened.begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.exec_driver_sql("ALTER TABLE submissions RENAME TO elsewhere")
    response = phone.send(xml("uuid:2"))
    assert response.status_code == 503
    assert "sigue en su teléfono" in message(response)
    with opened.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO submissions")
    assert phone.send(xml("uuid:2")).status_code == 201
