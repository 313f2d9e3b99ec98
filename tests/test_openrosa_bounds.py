"""What no client can make the server do: fill its memory, hold its connections, or make it wait for ever."""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import openrosa_phone as phone
import pytest
import uvloop

from openrosa.limits import Buckets
from openrosa.protocol import HEAD_BYTES, PhoneProtocol
from openrosa.serve import allow_files, make_server
from schemas.settings import Settings
from store.submissions import list_attachments, list_unparsed

World, Running, xml = phone.World, phone.Running, phone.submission

ROOT = Path(__file__).resolve().parents[1]
VIDEO_BYTES = 150_000_000
MOST_MEGABYTES = 120
SERVE = """
import sys
from pathlib import Path
from openrosa.serve import run
from store.open import open_store
with open_store(Path(sys.argv[1])) as store:
    run(store, "127.0.0.1", int(sys.argv[2]))
"""
pytestmark = pytest.mark.slow


@pytest.fixture
def running(tmp_path: Path) -> Iterator[object]:
    made = Running(tmp_path / "data", Settings(connections=3))
    yield made
    made.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def first_line(connection: socket.socket) -> bytes:
    return connection.makefile("rb").readline()


def is_hung_up(connection: socket.socket) -> bool:
    try:
        return connection.recv(1000) == b""
    except ConnectionResetError:
        return True


def megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def test_a_film_of_150_megabytes_goes_through_a_server_that_stays_small(tmp_path: Path) -> None:
    world = World(tmp_path / "data")
    key = world.person.key
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-c", SERVE, str(world.store.data), str(port)]
    with subprocess.Popen(command, cwd=ROOT) as server:
        try:
            until = time.monotonic() + 30
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert time.monotonic() < until
                time.sleep(0.05)
            start = (
                b'--b\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="e.xml"\r\n\r\n'
                + xml("uuid:1")
                + b'\r\n--b\r\nContent-Disposition: form-data; name="v.mp4"; filename="v.mp4"\r\n\r\n'
            )
            end = b"\r\n--b--\r\n"
            head = (
                f"POST /key/{key}/submission HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                f"Content-Length: {len(start) + VIDEO_BYTES + len(end)}\r\n\r\n"
            )
            piece = bytes(range(250)) * 4000
            with connect(port) as connection:
                connection.settimeout(60)
                connection.sendall(head.encode() + start)
                for _ in range(VIDEO_BYTES // len(piece)):
                    connection.sendall(piece)
                connection.sendall(end)
                assert b" 201 " in first_line(connection)
            assert megabytes(server.pid) < MOST_MEGABYTES
        finally:
            server.send_signal(signal.SIGTERM)
    with world.store.read() as connection:
        (stored,) = list_unparsed(connection, world.store.blobs, phone.FORM)
        (film,) = list_attachments(connection, stored.submission_id)
        assert world.store.blobs.path(film.sha256).stat().st_size == VIDEO_BYTES
    world.close()


def test_beyond_the_limit_of_connections_the_next_is_sent_away_and_the_others_go_on(running: Running) -> None:
    request = f"HEAD /key/{running.world.person.key}/submission HTTP/1.1\r\nHost: h\r\n\r\n".encode()
    held = [connect(running.port) for _ in range(3)]
    for connection in held:
        connection.sendall(request)
        assert b" 204 " in first_line(connection)
    with connect(running.port) as late:
        answer = late.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 30" in answer
    held[0].sendall(request)
    assert b" 204 " in first_line(held[0])
    held.pop().close()
    until = time.monotonic() + 10
    while True:
        with connect(running.port) as again:
            again.sendall(request)
            if b" 204 " in first_line(again):
                break
        assert time.monotonic() < until
    for connection in held:
        connection.close()


def test_a_connection_that_never_asks_anything_is_hung_up_on(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrosa.protocol.HEAD_SECONDS", 0.3)
    with connect(running.port) as silent, connect(running.port) as dribbling:
        dribbling.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert is_hung_up(silent)
        assert is_hung_up(dribbling)


@pytest.mark.parametrize("endless", [b"GET /", b"GET / HTTP/1.1\r\nHost: h\r\nX: ", b"GET / HTTP/1.1\r\nHost: h\r\n"])
def test_a_head_that_never_ends_is_hung_up_on(running: Running, endless: bytes) -> None:
    more = b"a" * 8192 if not endless.endswith(b"h\r\n") else b"X: y\r\n" * 1000
    with connect(running.port) as connection:
        connection.sendall(endless)
        sent = 0
        try:
            while sent < 100 * HEAD_BYTES:
                connection.sendall(more)
                sent += len(more)
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert sent < 100 * HEAD_BYTES


def test_a_good_request_after_another_has_its_own_time(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrosa.protocol.HEAD_SECONDS", 0.5)
    request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    with connect(running.port) as connection:
        reader = connection.makefile("rb")
        for _ in range(3):
            connection.sendall(request)
            assert b" 200 " in reader.readline()
            length = 0
            while (line := reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            assert len(reader.read(length)) == length
            time.sleep(0.3)


def test_the_fast_parser_and_loop_are_used(tmp_path: Path) -> None:
    world = World(tmp_path / "data")
    config = make_server(world.store, "127.0.0.1", 0).config
    config.load()
    assert config.http_protocol_class is PhoneProtocol
    factory = config.get_loop_factory()
    assert factory is not None
    loop = factory()
    assert isinstance(loop, uvloop.Loop)
    loop.close()
    world.close()


def test_a_key_that_asked_for_too_much_may_ask_again_as_its_bucket_fills() -> None:
    now = [0.0]
    buckets = Buckets(60, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(62)] == [0] * 60 + [1, 1]
    now[0] += 1
    assert [buckets.take("a") for _ in range(2)] == [0, 1]
    now[0] += 3600
    assert [buckets.take("a") for _ in range(61)] == [0] * 60 + [1]


def test_full_buckets_are_forgotten_before_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrosa.limits._MOST", 2)
    now = [0.0]
    buckets = Buckets(60, clock=lambda: now[0])
    for _ in range(60):
        buckets.take("greedy")
    now[0] += 2
    for name in "bcdefgh":
        now[0] += 1
        assert buckets.take(name) == 0
    assert len(buckets._left) <= 3
    assert [buckets.take("greedy") for _ in range(10)] == [0] * 9 + [1]


def test_many_files_are_asked_of_the_system_and_never_fewer() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_files(1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
    try:
        allow_files(before[0] + 10)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert (soft, hard) == (min(before[0] + 10, hard), before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
