"""The client that behaves as ODK Collect, against a scripted OpenRosa server."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multipart import parse_form_data

from flows.collect_client import CollectClient, collect_date
from flows.collect_documents import read_message
from flows.collect_parts import MOST_ATTACHMENTS, split_parts
from flows.collect_sending import send_all
from forms.rehearsal.interviews import Send
from schemas.errors import CommandError

SERVER = "http://phones.test/v1/key/SECRET/projects/1"
XFORM = b"<h:html>the bytes</h:html>"
MD5 = hashlib.md5(XFORM, usedforsecurity=False).hexdigest()
XML_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "X-OpenRosa-Version": "1.0"}


def form_list(**changes: str) -> str:
    entry = {
        "formID": "census",
        "name": "Censo",
        "version": "2",
        "hash": f"md5:{MD5}",
        "downloadUrl": f"{SERVER}/forms/census.xml",
        "manifestUrl": f"{SERVER}/forms/census/manifest",
    } | changes
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in entry.items() if value)
    return f'<xforms xmlns="http://openrosa.org/xforms/xformsList"><xform>{inner}</xform></xforms>'


class Server:
    """A scripted server; remembers what came."""

    def __init__(self, listing: str = "", post_statuses: tuple[int, ...] = (), limit: str = "10000") -> None:
        self.listing = listing or form_list()
        self.post_statuses = list(post_statuses)
        self.limit = limit
        self.head_status = 204
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        path = request.url.path.removeprefix("/v1/key/SECRET/projects/1")
        if request.method == "HEAD":
            return httpx.Response(self.head_status, headers={"X-OpenRosa-Accept-Content-Length": self.limit})
        if request.method == "POST":
            status = self.post_statuses.pop(0) if self.post_statuses else 201
            body = '<OpenRosaResponse xmlns="http://openrosa.org/http/response"><message>Recibida</message></OpenRosaResponse>'
            return httpx.Response(status, headers=XML_HEADERS, text=body)
        if path == "/formList":
            return httpx.Response(200, headers=XML_HEADERS, text=self.listing)
        if path == "/forms/census.xml":
            return httpx.Response(200, content=XFORM)
        if path == "/forms/census/manifest":
            entry = (
                f"<mediaFile><filename>barrios.csv</filename><hash>md5:{'a' * 32}</hash>"
                f"<downloadUrl>{SERVER}/barrios.csv?x=1</downloadUrl></mediaFile>"
            )
            text = f'<manifest xmlns="http://openrosa.org/xforms/xformsManifest">{entry}</manifest>'
            return httpx.Response(200, headers=XML_HEADERS, text=text)
        if path == "/barrios.csv":
            return httpx.Response(200, content=b"name,label\n1,Centro\n")
        return httpx.Response(404)

    def posts(self) -> list[httpx.Request]:
        return [request for request in self.seen if request.method == "POST"]


def client_of(server: Server, waits: list[float] | None = None) -> CollectClient:
    sleep = waits.append if waits is not None else (lambda _: None)
    return CollectClient(SERVER + "/", transport=httpx.MockTransport(server), sleep=sleep)


def parts_of(request: httpx.Request) -> list[tuple[str, str | None, str]]:
    forms, files = parse_form_data(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": request.headers["Content-Type"],
            "CONTENT_LENGTH": str(len(request.content)),
            "wsgi.input": __import__("io").BytesIO(request.content),
        }
    )
    fields = [(name, None, value) for name, value in forms.iterallitems()]
    return [(name, part.filename, part.content_type) for name, part in files.iterallitems()] + fields


def test_form_and_media_are_fetched_as_collect_fetches_them() -> None:
    server = Server()
    with client_of(server) as client:
        fetched = client.fetch_form("census")
    assert fetched.xform == XFORM
    assert fetched.media == {"barrios.csv": b"name,label\n1,Centro\n"}
    for request in server.seen:
        assert request.headers["X-OpenRosa-Version"] == "1.0"
        assert request.headers["User-Agent"].startswith("org.odk.collect.android/")
        assert "Date" in request.headers
        assert len(request.url.params["deviceID"]) == len("collect:") + 16
    assert server.seen[-1].url.params["x"] == "1"  # the address's own query stays


@pytest.mark.parametrize(
    ("listing", "code"),
    [
        (form_list(formID="other"), "CMD-103"),
        (form_list(hash=f"md5:{'0' * 32}"), "CMD-105"),
        (form_list(hash=f"md5:{MD5.upper()}"), "CMD-104"),
        (form_list(hash=MD5), "CMD-104"),
        (form_list(name=""), "CMD-104"),
        (form_list(downloadUrl="/forms/census.xml"), "CMD-104"),
        (form_list().replace("xformsList", "somethingElse"), "CMD-104"),
        ("<not xml", "CMD-104"),
    ],
)
def test_what_collect_refuses_is_refused_with_a_code(listing: str, code: str) -> None:
    with client_of(Server(listing)) as client, pytest.raises(CommandError) as caught:
        client.fetch_form("census")
    assert caught.value.code == code
    assert "SECRET" not in str(caught.value)


def test_every_submission_is_preceded_by_a_head_and_counts_only_at_201_or_202() -> None:
    server = Server(post_statuses=(201, 202, 200, 409))
    with client_of(server) as client:
        receipts = [client.send(Send(f"uuid:{n}", b"<data/>")) for n in range(4)]
    assert [request.method for request in server.seen] == ["HEAD", "POST"] * 4
    assert [receipt.accepted for receipt in receipts] == [True, True, False, False]
    assert receipts[3].message == "Recibida"


def test_parts_go_in_collects_order_and_split_requests_repeat_the_xml() -> None:
    server = Server(limit="100")
    xml = b"<data>" + b"x" * 60 + b"</data>"
    files = {"a.jpg": b"1" * 20, "b.csv": b"2" * 90, "c.amr": b"3"}
    with client_of(server) as client:
        receipt = client.send(Send("uuid:1", xml, files))
    first, second, third = (parts_of(request) for request in server.posts())
    assert receipt.requests == 3
    assert first == [
        ("xml_submission_file", "1.xml", "text/xml"),
        ("a.jpg", "a.jpg", "image/jpeg"),
        ("*isIncomplete*", None, "yes"),
    ]
    assert [name for name, _, _ in second] == ["xml_submission_file", "b.csv", "*isIncomplete*"]
    assert [name for name, _, _ in third] == ["xml_submission_file", "c.amr"]
    assert all(xml in request.content for request in server.posts())


@given(st.lists(st.integers(0, 500), max_size=250), st.integers(0, 2000))
def test_splitting_sends_every_file_once_and_marks_all_but_the_last(sizes: list[int], limit: int) -> None:
    files = {f"{n}.jpg": b"x" * size for n, size in enumerate(sizes)}
    requests = split_parts(Send("uuid:1", b"<data/>", files), limit)
    sent = [name for parts in requests for name, _ in parts if name.endswith(".jpg")]
    assert sent == list(files)
    assert [parts[-1][0] == "*isIncomplete*" for parts in requests] == [True] * (len(requests) - 1) + [False]
    assert all(parts[0][0] == "xml_submission_file" for parts in requests)
    assert max(len(parts) for parts in requests) <= MOST_ATTACHMENTS + 3


def test_a_sending_whose_files_come_later_says_so() -> None:
    server = Server()
    with client_of(server) as client:
        client.send(Send("uuid:1", b"<data/>", incomplete=True))
    assert [name for name, _, _ in parts_of(server.posts()[0])] == ["xml_submission_file", "*isIncomplete*"]


def test_a_busy_server_is_asked_again_after_growing_pauses() -> None:
    waits: list[float] = []
    server = Server(post_statuses=(503, 502, 201))
    with client_of(server, waits) as client:
        receipt = client.send(Send("uuid:1", b"<data/>"))
    assert receipt.accepted
    assert receipt.requests == 3
    assert waits == sorted(waits)
    assert len(waits) == 2


def test_an_unreachable_server_ends_in_cmd_101_without_the_key() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    client = CollectClient(SERVER, transport=httpx.MockTransport(refuse), sleep=lambda _: None)
    with client, pytest.raises(CommandError) as caught:
        client.list_forms()
    assert caught.value.code == "CMD-101"
    assert "phones.test:80" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    with pytest.raises(CommandError, match="CMD-101"):
        send_all(
            CollectClient(SERVER, transport=httpx.MockTransport(refuse), sleep=lambda _: None), [Send("u", b"<d/>")]
        )


def test_the_key_never_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with client_of(Server()) as client:
        client.list_forms()
        client.send(Send("uuid:1", b"<data/>"))
    assert caplog.messages
    assert not [message for message in caplog.messages if "SECRET" in message]


def test_a_refused_key_ends_in_cmd_102() -> None:
    client = CollectClient(SERVER, transport=httpx.MockTransport(lambda _: httpx.Response(403)))
    with client, pytest.raises(CommandError, match="CMD-102"):
        client.list_forms()


def test_a_head_that_answers_200_is_no_submission_endpoint() -> None:
    server = Server()
    server.head_status = 200
    with client_of(server) as client, pytest.raises(CommandError, match="CMD-104"):
        client.send(Send("uuid:1", b"<data/>"))
    server.head_status = 404  # Collect goes on to POST then
    with client_of(server) as client:
        assert client.send(Send("uuid:1", b"<data/>")).accepted


def test_parallel_sending_counts_refusals_and_keeps_second_rounds_second() -> None:
    server = Server(post_statuses=(201,) * 20 + (409,))
    sends = [Send(f"uuid:{n}", b"<data/>") for n in range(20)] + [Send("uuid:0", b"<data/>", round=1)]
    done: list[int] = []
    with client_of(server) as client:
        report = send_all(client, sends, parallel=4, progress=done.append)
    assert (report.sent, report.refused, report.requests) == (20, 1, 21)
    assert report.refusals[0].instance_id == "uuid:0"
    assert done == list(range(1, 22))


def test_the_date_header_has_collects_twelve_hour_clock() -> None:
    assert collect_date(datetime(2026, 1, 5, 0, 4, 5, tzinfo=UTC)) == "Mon, 05 Jan 2026 12:04:05 GMT"
    assert collect_date(datetime(2026, 1, 5, 13, 4, 5, tzinfo=UTC)) == "Mon, 05 Jan 2026 01:04:05 GMT"


def test_a_body_that_is_no_openrosa_response_has_no_message() -> None:
    assert read_message(b"") == read_message(b"oops") == read_message(b"<a/>") == ""


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_a_server_that_refuses_everything_ends_the_sending_and_is_gone_on_with_later(status: int) -> None:
    server = Server(post_statuses=(201,) * 10 + (status,) * 10_000)
    made = [Send(f"uuid:{n}", b"<data/>") for n in range(200)]
    taken: list[str] = []
    kept: list[int] = []

    def sends() -> Iterator[Send]:
        for send in made:
            taken.append(send.instance_id)
            yield send

    with (
        client_of(server) as client,
        pytest.raises(CommandError, match=rf"^CMD-107 .*HTTP {status}.*Recibida") as caught,
    ):
        send_all(client, sends(), parallel=4, keep=kept.append)
    assert "SECRET" not in str(caught.value)
    assert len(taken) < 40
    (settled,) = kept
    assert 0 < settled <= 10
    again = Server()
    with client_of(again) as client:
        report = send_all(client, made, parallel=4, skip=settled, keep=kept.append)
    assert (report.sent, kept[-1]) == (200 - settled, 200)
    assert len(again.posts()) == 200 - settled


def test_refusals_of_single_interviews_do_not_end_a_rehearsal() -> None:
    server = Server(post_statuses=(201,) + (409,) * 30 + (400,) * 30)
    with client_of(server) as client:
        report = send_all(client, [Send(f"uuid:{n}", b"<data/>") for n in range(70)], parallel=4)
    assert (report.sent, report.refused) == (10, 60)


def test_a_server_that_never_accepts_anything_ends_the_sending() -> None:
    server = Server(post_statuses=(409,) * 10_000)
    with client_of(server) as client, pytest.raises(CommandError, match=r"^CMD-107"):
        send_all(client, [Send(f"uuid:{n}", b"<data/>") for n in range(1000)], parallel=4)
    assert len(server.posts()) < 60
