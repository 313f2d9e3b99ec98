"""How many submissions a second the server takes, durably, from 1, 8 and 32 phones at once.

    python benchmarks/bench_receive.py [--count 4000] [--url postgresql://...] [--stored 100000]

The server is a process of its own; the client is asyncio in this one, on the same cores, with raw sockets and
keep-alive. A submission is about 3.8 kB of XML, 80 fields, 8 of them in a repeat answered three times. It is counted
when 201 arrived, which is after the commit was synced. `--stored` fills the store first, to see whether it slows down.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# ODK Central v2026.2.2 (Node and PostgreSQL 15) on two clean cores, the same kind of submission, one process.
# Source: our own measurement of November 2026 with a load client like this one; connections -> submissions a second.
CENTRAL = {1: 133, 8: 202, 32: 204}
CENTRAL_FILLED = "54/s at 31,000 stored, 14.5/s at 201,000"

FORM = "bench"
VERSION = "1"
SERVER = """
import sys
from pathlib import Path
from openrosa.serve import run
from store.open import open_store
with open_store(Path(sys.argv[1]), sys.argv[3] or None) as store:
    run(store, "127.0.0.1", int(sys.argv[2]))
"""
WORDS = (
    "familia",
    "arrienda",
    "pieza",
    "pasaje",
    "Los Aromos",
    "contrato",
    "declara",
    "problemas",
    "humedad",
    "cédula",
)


def submission(rng: random.Random) -> bytes:
    """One interview: 72 answers and a repeat of 8, three times."""
    answers = [f"<q{n}>{' '.join(rng.choices(WORDS, k=rng.randint(1, 4)))}</q{n}>" for n in range(72)]
    person = "".join(f"<p{n}>{rng.randint(1, 99_999)}</p{n}>" for n in range(8))
    instance = f"uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}"
    return (
        f'<?xml version=\'1.0\' ?><data id="{FORM}" version="{VERSION}" xmlns:orx="http://openrosa.org/xforms">'
        f"<orx:meta><orx:instanceID>{instance}</orx:instanceID></orx:meta>{''.join(answers)}"
        f"{f'<person>{person}</person>' * 3}</data>"
    ).encode()


def request(xml: bytes, key: str, port: int) -> bytes:
    """The bytes of one POST as ODK Collect sends it."""
    body = (
        b'--bnd\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="s.xml"\r\n'
        b"Content-Type: text/xml; charset=utf-8\r\n\r\n" + xml + b"\r\n--bnd--\r\n"
    )
    head = (
        f"POST /key/{key}/submission?deviceID=collect%3Abench HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "X-OpenRosa-Version: 1.0\r\nUser-Agent: org.odk.collect.android/v2026.1 bench\r\n"
        f"Content-Type: multipart/form-data; boundary=bnd\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, payload: bytes) -> bool:
    writer.write(payload)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    await reader.readexactly(length)
    return head.split(b" ", 2)[1] == b"201"


async def load(port: int, payloads: list[bytes], connections: int) -> tuple[float, list[float], int]:
    """Seconds, latencies in seconds, and how many were acknowledged."""
    queue = iter(payloads)
    latencies: list[float] = []
    good = 0

    async def phone() -> None:
        nonlocal good
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for payload in queue:
            began = time.perf_counter()
            # Not `good += await`: that reads `good` before it waits.
            is_stored = await exchange(reader, writer, payload)
            good += is_stored
            latencies.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(phone() for _ in range(connections)))
    return time.perf_counter() - began, sorted(latencies), good


def prepare(data: Path, url: str | None, stored: int) -> str:
    """A store with the form, a key, and so many submissions."""
    from store.arrivals import NewSubmission, add_submissions
    from store.forms import add_form_version
    from store.open import open_store
    from store.people import add_person

    rng = random.Random(0)  # noqa: S311
    with open_store(data, url) as store:
        with store.begin() as connection:
            add_form_version(
                connection,
                store.blobs,
                form_id=FORM,
                version=VERSION,
                title="Bench",
                xform=b"<x/>",
                workbook=None,
                media={},
            )
            key = add_person(connection, "bench", "enumerator").key
        for start in range(0, stored, 500):
            items = []
            for _ in range(min(500, stored - start)):
                xml = submission(rng)
                instance = xml.partition(b"<orx:instanceID>")[2].partition(b"<")[0].decode()
                items.append(NewSubmission(FORM, VERSION, instance, xml, datetime.now(UTC)))
            with store.begin() as connection:
                add_submissions(connection, store.blobs, items)
    return key


def cpu_seconds(pid: int) -> float:
    """User and system seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4000, help="submissions a run")
    parser.add_argument("--url", default="", help="a PostgreSQL; without it SQLite")
    parser.add_argument("--stored", type=int, default=0, help="submissions that are there before")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="comunal-bench-") as folder:
        data = Path(folder) / "data"
        key = prepare(data, options.url or None, options.stored)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        command = [sys.executable, "-c", SERVER, str(data), str(port), options.url]
        server = subprocess.Popen(command, cwd=ROOT)
        try:
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            database = "PostgreSQL" if options.url else "SQLite"
            print(f"{database}, {options.stored} stored, Python {platform.python_version()}, {os.cpu_count()} cores")
            rng = random.Random(1)  # noqa: S311
            for connections in CENTRAL:
                payloads = [request(submission(rng), key, port) for _ in range(options.count)]
                cpu = cpu_seconds(server.pid)
                seconds, latencies, good = asyncio.run(load(port, payloads, connections))
                cpu = cpu_seconds(server.pid) - cpu
                rate = good / seconds
                p50, p95 = (latencies[int(share * (len(latencies) - 1))] * 1000 for share in (0.5, 0.95))
                print(
                    f"{connections:3} connections: {rate:7.0f}/s  p50 {p50:5.1f} ms  p95 {p95:5.1f} ms  "
                    f"{cpu / good * 1000:.2f} CPU ms each  {good}/{options.count} acknowledged  "
                    f"{rate / CENTRAL[connections]:.1f} times ODK Central ({CENTRAL[connections]}/s)"
                )
            print(f"server's peak memory {peak_megabytes(server.pid):.0f} MB; ODK Central filled: {CENTRAL_FILLED}")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


if __name__ == "__main__":
    main()
