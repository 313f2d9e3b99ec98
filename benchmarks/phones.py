"""What the crash test and the fuzzer share: interviews with files, a server process, phones on sockets."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

FORM, VERSION = "bench", "1"
SERVER = """
import logging, sys
from pathlib import Path
from openrosa.serve import run
from store.open import open_store
logging.basicConfig(level=logging.WARNING)
with open_store(Path(sys.argv[1]), sys.argv[3] or None) as store:
    run(store, "127.0.0.1", int(sys.argv[2]))
"""
BOUNDARY = b"b" * 20


@dataclass(frozen=True)
class Interview:
    """One interview as it lies on a phone."""

    instance: str
    xml: bytes
    files: dict[str, bytes] = field(default_factory=dict)

    def requests(self, limit: int = 200_000) -> list[tuple[bytes, dict[str, bytes]]]:
        """The bodies in which it is sent, each with its files; all but the last say that more follows."""
        groups: list[dict[str, bytes]] = [{}]
        for name, data in self.files.items():
            if groups[-1] and sum(map(len, groups[-1].values())) + len(data) > limit:
                groups.append({})
            groups[-1][name] = data
        last = len(groups) - 1
        return [(body(self.xml, files, is_incomplete=n < last), files) for n, files in enumerate(groups)]


def body(xml: bytes, files: dict[str, bytes], *, is_incomplete: bool = False) -> bytes:
    """A multipart body as ODK Collect makes it."""
    start = b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="'
    pieces = [start, b'xml_submission_file"; filename="s.xml"\r\nContent-Type: text/xml\r\n\r\n', xml, b"\r\n"]
    for name, data in files.items():
        head = f'{name}"; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'.encode()
        pieces += [start, head, data, b"\r\n"]
    if is_incomplete:
        pieces += [start, b'*isIncomplete*"\r\n\r\nyes\r\n']
    return b"".join([*pieces, b"--", BOUNDARY, b"--\r\n"])


def head(key: str, length: int, more: str = "") -> bytes:
    """The head of a POST."""
    return (
        f"POST /key/{key}/submission?deviceID=collect%3Abench HTTP/1.1\r\nHost: h\r\nX-OpenRosa-Version: 1.0\r\n"
        f"User-Agent: org.odk.collect.android/v2026.1 bench\r\nContent-Length: {length}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\n{more}\r\n"
    ).encode()


def make_interview(rng: random.Random) -> Interview:
    """An interview of 0.3 to 6 kB; one in three has files, some of them larger than what the database keeps in rows."""
    instance = f"uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}"
    text = "ñandú " * rng.randint(10, 900)
    xml = (
        f'<data id="{FORM}" version="{VERSION}" xmlns:orx="http://openrosa.org/xforms"><orx:meta><orx:instanceID>'
        f"{instance}</orx:instanceID></orx:meta><q>{text}</q><n>{rng.randint(0, 10**9)}</n></data>"
    ).encode()
    files: dict[str, bytes] = {}
    if rng.random() < 0.33:
        for number in range(rng.randint(1, 3)):
            size = rng.randint(260_000, 500_000) if rng.random() < 0.15 else rng.randint(0, 40_000)
            files[f"foto{number}.jpg"] = rng.randbytes(size)
    return Interview(instance, xml, files)


def prepare(data: Path, url: str | None) -> str:
    """A store with the form, and an enumerator's key."""
    from store.forms import add_form_version
    from store.open import open_store
    from store.people import add_person

    with open_store(data, url) as store, store.begin() as connection:
        add_form_version(
            connection, store.blobs, form_id=FORM, version=VERSION, title="Bench", xform=b"<x/>", workbook=None,
            media={},
        )  # fmt: skip
        return add_person(connection, "bench", "enumerator").key


class Server:
    """`comunal serve` in a process of its own."""

    def __init__(self, data: Path, url: str | None, log: Path, **settings: object) -> None:
        self.data, self.url = data, url
        self._environment = os.environ | {f"COMUNAL_{name.upper()}": str(value) for name, value in settings.items()}
        self._log = log
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        if self.process is None:
            raise AssertionError("the server doesn't run")
        return self.process.pid

    def start(self, wait: bool = True) -> None:
        """Start it on a free port, and wait until it listens."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        command = [sys.executable, "-c", SERVER, str(self.data), str(self.port), self.url or ""]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        while wait:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                raise SystemExit(f"The server ended by itself: {self._log.read_text()[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """SIGTERM."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def resident_kilobytes(self) -> int:
        """Memory that it holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, payload: bytes) -> tuple[int, bytes]:
    """Send a request; the status and the body of the answer."""
    writer.write(payload)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    return int(answer.split(b" ", 2)[1]), await reader.readexactly(length)


def sha256(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


def lost(data: Path, url: str | None, acknowledged: dict[str, tuple[str, dict[str, str]]]) -> list[str]:
    """What of the acknowledged (instance -> digest, name -> digest of files) isn't stored with those very bytes."""
    from sqlalchemy import select

    from schemas.errors import StoreError
    from schemas.tables import attachments, submissions
    from store.open import open_store

    missing: list[str] = []
    with open_store(data, url) as store, store.read() as connection:
        rows = connection.execute(select(submissions.c.instance_id, submissions.c.id, submissions.c.sha256)).all()
        stored = {row.instance_id: row for row in rows}
        files: dict[int, set[tuple[str, str]]] = {}
        for row in connection.execute(select(attachments.c.submission_id, attachments.c.name, attachments.c.sha256)):
            files.setdefault(row.submission_id, set()).add((row.name, row.sha256))
        digests: list[str] = []
        for instance, (digest, names) in acknowledged.items():
            row = stored.get(instance)
            if row is None or row.sha256 != digest:
                missing.append(instance)
                continue
            digests.append(digest)
            for name, file_digest in names.items():
                if (name, file_digest) not in files.get(row.id, set()):
                    missing.append(f"{instance} {name}")
                else:
                    digests.append(file_digest)
        # Reading compares every content with its digest.
        for start in range(0, len(digests), 200):
            try:
                store.blobs.read_many(connection, digests[start : start + 200])
            except StoreError as error:
                missing.append(str(error))
    return missing


def machine() -> str:
    """Load and cores, for the record."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
