"""The server as a process on a real socket: slow, silent and vanishing clients, stopping, ports, logs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from openrosa.serve import bind, make_server, run
from schemas.errors import CommandError
from schemas.settings import Settings
from store.forms import add_form_version
from store.open import Store, open_store
from store.people import add_person
from store.submissions import count_submissions, list_unparsed

ROOT = Path(__file__).resolve().parents[1]
XML = b'<data id="encuesta" version="1"><q>x</q><meta><instanceID>uuid:%d</instanceID></meta></data>'
pytestmark = pytest.mark.slow


def prepare(store: Store) -> str:
    with store.begin() as connection:
        add_form_version(
            connection, store.blobs, form_id="encuesta", version="1", title="E", xform=b"<x/>", workbook=None, media={}
        )
        return add_person(connection, "Rosa", "enumerator").key


class Running:
    """A server in a thread of this process."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.key = prepare(store)
        self.listener = bind("127.0.0.1", 0)
        self.port = self.listener.getsockname()[1]
        self.server: uvicorn.Server = make_server(store, "127.0.0.1", self.port, settings)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/key/{self.key}"

    def received(self) -> int:
        with self.store.read() as connection:
            return count_submissions(connection, "encuesta").received

    def leftovers(self) -> list[Path]:
        return list(self.store.blobs.incoming.iterdir())

    def open(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    settings = Settings(idle_seconds=4.0, request_bytes=3_000_000, accept_bytes=1_000_000)
    with open_store(tmp_path / "data") as store:
        found = Running(store, settings)
        found.thread.start()
        while not found.server.started:
            time.sleep(0.01)
        yield found
        found.server.should_exit = True
        found.thread.join()


def body(number: int, photo: int = 0) -> bytes:
    parts = b'--b\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="e.xml"\r\n'
    parts += b"Content-Type: text/xml\r\n\r\n" + XML % number + b"\r\n"
    if photo:
        parts += b'--b\r\nContent-Disposition: form-data; name="p.jpg"; filename="p.jpg"\r\n\r\n'
        parts += b"x" * photo + b"\r\n"
    return parts + b"--b--\r\n"


def head(running: Running, length: int, more: str = "") -> bytes:
    return (
        f"POST /key/{running.key}/submission HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {length}\r\n{more}\r\n"
    ).encode()


def status_of(connection: socket.socket) -> int:
    answer = connection.makefile("rb").readline()
    return int(answer.split()[1]) if answer else 0


def wait_until(condition: object, seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_client_that_hangs_up_leaves_nothing_behind(running: Running) -> None:
    sent = body(1, photo=800_000)
    with running.open() as connection:
        connection.sendall(head(running, len(sent)) + sent[:-50_000])
        wait_until(running.leftovers)
    wait_until(lambda: not running.leftovers())
    assert running.received() == 0
    assert httpx.post(f"{running.url}/submission", files={"xml_submission_file": XML % 1}).status_code == 201


def test_a_slow_client_is_waited_for_as_long_as_it_sends(running: Running) -> None:
    sent = body(1)
    with running.open() as connection:
        connection.sendall(head(running, len(sent)))
        step = len(sent) // 4 + 1
        for start in range(0, len(sent), step):
            time.sleep(1.1)
            connection.sendall(sent[start : start + step])
        assert status_of(connection) == 201
    assert running.received() == 1


def test_a_silent_client_is_told_to_send_again(running: Running) -> None:
    sent = body(1, photo=400_000)
    with running.open() as connection:
        connection.sendall(head(running, len(sent)) + sent[:350_000])
        assert status_of(connection) == 408
    assert running.leftovers() == []
    assert running.received() == 0


def test_a_cut_off_body_that_claims_to_be_whole_is_refused(running: Running) -> None:
    sent = body(1)[:-6]
    with running.open() as connection:
        connection.sendall(head(running, len(sent)) + sent)
        assert status_of(connection) == 400
    assert running.received() == 0


def test_too_large_a_body_is_read_out_so_that_the_answer_arrives(running: Running) -> None:
    sent = body(1, photo=4_000_000)
    with running.open() as connection:
        connection.sendall(head(running, len(sent)) + sent)
        assert status_of(connection) == 413
    assert running.leftovers() == []


def test_a_wrong_key_hears_why_even_after_a_long_body(running: Running) -> None:
    sent = body(1, photo=1_500_000)
    with running.open() as connection:
        connection.sendall(head(running, len(sent)).replace(running.key.encode(), b"wrong") + sent)
        assert status_of(connection) == 403
    assert running.received() == 0


def test_chunked_bodies_are_taken(running: Running) -> None:
    sent = body(1, photo=300_000)
    pieces = iter([sent[start : start + 7_000] for start in range(0, len(sent), 7_000)])
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert httpx.post(f"{running.url}/submission", content=pieces, headers=headers).status_code == 201
    assert running.received() == 1


def test_many_phones_at_once_are_all_answered(running: Running) -> None:
    results: list[int] = []

    def phone(first: int) -> None:
        with httpx.Client() as client:
            for number in range(first, first + 10):
                answer = client.post(f"{running.url}/submission", files={"xml_submission_file": XML % number})
                results.append(answer.status_code)

    threads = [threading.Thread(target=phone, args=(first * 5,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [201] * 80
    assert running.received() == 45


SERVE = """
    import logging, sys
    from pathlib import Path
    from openrosa.serve import run
    from store.open import open_store

    logging.basicConfig(level=logging.DEBUG)
    with open_store(Path(sys.argv[1])) as store:
        run(store, "127.0.0.1", int(sys.argv[2]))
    print("stopped cleanly")
"""


def start(folder: Path, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SERVE), str(folder), str(port)],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, 20)
    return child, port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_phones_finish_and_says_nothing_of_keys(tmp_path: Path, number: signal.Signals) -> None:
    with open_store(tmp_path / "data") as store:
        key = prepare(store)
    log = tmp_path / "log"
    child, port = start(tmp_path / "data", log)
    sent = body(1)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        request = f"POST /key/{key}/submission HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        connection.sendall(f"{request}Content-Length: {len(sent)}\r\n\r\n".encode() + sent[:100])
        time.sleep(0.3)
        child.send_signal(number)
        time.sleep(0.3)
        connection.sendall(sent[100:])
        assert status_of(connection) == 201
    assert child.wait(20) == 0
    assert log.read_text().endswith("stopped cleanly\n")
    assert key not in log.read_text()
    with open_store(tmp_path / "data") as store, store.read() as read:
        assert count_submissions(read, "encuesta").received == 1


def test_kill_9_of_the_server_loses_no_submission_that_was_answered(tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as store:
        key = prepare(store)
    child, port = start(tmp_path / "data", tmp_path / "log")
    heard: list[int] = []

    def phone(first: int) -> None:
        try:
            with httpx.Client() as client:
                for number in range(first, first + 100_000):
                    url = f"http://127.0.0.1:{port}/key/{key}/submission"
                    if client.post(url, files={"xml_submission_file": XML % number}).status_code == 201:
                        heard.append(number)
        except httpx.HTTPError:
            return

    threads = [threading.Thread(target=phone, args=(first * 100_000,)) for first in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(heard) > 100, 20)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    for thread in threads:
        thread.join()
    with open_store(tmp_path / "data") as store, store.read() as read:
        stored = {raw.instance_id for raw in list_unparsed(read, store.blobs, "encuesta", limit=1_000_000)}
    assert {f"uuid:{number}" for number in heard} <= stored
    assert len(stored) <= len(heard) + 4


def test_a_port_in_use_is_told_with_advice(tmp_path: Path) -> None:
    with bind("127.0.0.1", 0) as taken, open_store(tmp_path / "data") as store:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"^CMD-020 Port {port} of 127.0.0.1 is in use.*another port"):
            run(store, "127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(CommandError, match=r"^CMD-022"):
        bind(host, 0)
