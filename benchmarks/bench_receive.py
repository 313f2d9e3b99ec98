"""How many submissions a second the server takes, durably, from 1, 8 and 32 phones at once, and what each costs it.

    python benchmarks/bench_receive.py [--database sqlite|postgresql] [--stored 1000000] [--seconds 5]
                                       [--client wrk|asyncio] [--film]

The server is a process of its own. The client is wrk (apt-get install wrk) or, where it is missing, asyncio in this
process with raw sockets; both keep their connections, and both take their share of the same cores: the CPU time of a
submission tells more than the rate. It is the server's, user and system, and with `--database postgresql` (a cluster
made for this run) that of all of PostgreSQL too. A submission is about 3.8 kB of XML, 80 fields, 8 of them in a repeat
answered three times, each with an instance id of its own. It is counted when 201 arrived, which is after the commit was
synced; at the end the store must hold as many. `--stored` fills the store first, to see whether it slows down (a
million takes five minutes and 5 GB); `--film` goes on until 20,000 were received, sends a file of 100 MB and prints
the most memory that the server held.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from phones import FORM, ROOT, VERSION, Server, exchange, machine, prepare
from postgres import Postgres

# ODK Central v2026.2.2 (Node and PostgreSQL 15) on two clean cores, the same kind of submission, one process.
# Source: our own measurement of November 2026 with a load client like this one; connections -> submissions a second.
CENTRAL = {1: 133, 8: 202, 32: 204}
CENTRAL_CPU = 8.4
CENTRAL_FILLED = "54/s at 31,000 stored, 14.5/s at 201,000"
MEMORY_COUNT = 20_000
FILM_BYTES = 100_000_000

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


@dataclass(frozen=True)
class Run:
    """What one run came to; times in milliseconds."""

    good: int
    seconds: float
    p50: float
    p95: float
    p99: float
    bad: int


def submission(rng: random.Random, instance: str | None = None) -> bytes:
    """One interview: 72 answers and a repeat of 8, three times."""
    answers = [f"<q{n}>{' '.join(rng.choices(WORDS, k=rng.randint(1, 7)))}</q{n}>" for n in range(72)]
    person = "".join(f"<p{n}>{rng.randint(1, 99_999)}</p{n}>" for n in range(8))
    instance = instance or f"uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}"
    return (
        f'<?xml version=\'1.0\' ?><data id="{FORM}" version="{VERSION}" xmlns:orx="http://openrosa.org/xforms">'
        f"<orx:meta><orx:instanceID>{instance}</orx:instanceID></orx:meta>{''.join(answers)}"
        f"{f'<person>{person}</person>' * 3}</data>"
    ).encode()


def multipart(xml: bytes, film: int = 0) -> bytes:
    """A body as ODK Collect sends it, with a file of so many bytes if any."""
    part = b'--bnd\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\nContent-Type: %b\r\n\r\n%b\r\n'
    body = part % (b"xml_submission_file", b"s.xml", b"text/xml; charset=utf-8", xml)
    return body + (part % (b"film.mp4", b"film.mp4", b"video/mp4", bytes(film)) if film else b"") + b"--bnd--\r\n"


def request(body: bytes, key: str, port: int) -> bytes:
    """The bytes of one POST."""
    head = (
        f"POST /key/{key}/submission?deviceID=collect%3Abench HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "X-OpenRosa-Version: 1.0\r\nUser-Agent: org.odk.collect.android/v2026.1 bench\r\n"
        f"Content-Type: multipart/form-data; boundary=bnd\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def phones(port: int, payloads: Iterator[bytes], connections: int, seconds: float) -> Run:
    """So many phones that send for so long."""
    latencies: list[float] = []
    bad = 0

    async def phone() -> None:
        nonlocal bad
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < began + seconds:
            sent = time.perf_counter()
            status, _ = await exchange(reader, writer, next(payloads))
            bad += status != 201
            latencies.append((time.perf_counter() - sent) * 1000)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(phone() for _ in range(connections)))
    took = time.perf_counter() - began
    ranked = sorted(latencies)
    p50, p95, p99 = (ranked[int(share * (len(ranked) - 1))] for share in (0.5, 0.95, 0.99))
    return Run(len(ranked) - bad, took, p50, p95, p99, bad)


class Client:
    """Sends from so many connections: wrk if it may, else `phones`."""

    def __init__(self, folder: Path, key: str, port: int, wrk: str | None) -> None:
        self._rng = random.Random(1)  # noqa: S311
        self._key, self._port, self._wrk = key, port, wrk
        self._body = folder / "body"
        self._body.write_bytes(multipart(submission(self._rng, "INSTANCE")))
        self._runs = 0

    def run(self, connections: int, seconds: float) -> Run:
        """Send for so long."""
        self._runs += 1
        if self._wrk is None:
            made = (request(multipart(submission(self._rng)), self._key, self._port) for _ in iter(int, 1))
            return asyncio.run(phones(self._port, made, connections, seconds))
        url = f"http://127.0.0.1:{self._port}/key/{self._key}/submission?deviceID=collect%3Abench"
        script = str(Path(__file__).with_suffix(".lua"))
        command = [self._wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, url, "--"]
        said = subprocess.run([*command, str(self._body), str(self._runs)], capture_output=True, text=True, check=True)
        line = next(line for line in said.stdout.splitlines() if line.startswith("wrk ")).split()
        count, bad, failed = int(line[1]), int(line[6]), int(line[7])
        if failed:
            raise SystemExit(f"{failed} connections broke:\n{said.stdout}")
        return Run(count - bad, *(float(word) for word in line[2:6]), bad)

    async def film(self) -> int:
        """Send a file of 100 MB; the status."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        status, _ = await exchange(reader, writer, request(multipart(submission(self._rng), FILM_BYTES), self._key, 0))
        writer.close()
        return status


def fill(data: Path, url: str | None, stored: int) -> None:
    """Store so many submissions as if they had arrived."""
    from store.arrivals import NewSubmission, add_submissions
    from store.open import open_store

    rng = random.Random(0)  # noqa: S311
    some = [submission(rng, "INSTANCE").partition(b"INSTANCE") for _ in range(200)]
    with open_store(data, url) as store:
        for start in range(0, stored, 500):
            items = []
            for number in range(start, min(start + 500, stored)):
                instance = f"uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}"
                before, _, after = some[number % len(some)]
                xml = before + instance.encode() + after
                items.append(NewSubmission(FORM, VERSION, instance, xml, datetime.now(UTC)))
            with store.begin() as connection:
                add_submissions(connection, store.blobs, items)


def count_stored(data: Path, url: str | None) -> int:
    """How many submissions the store holds."""
    from sqlalchemy import func, select

    from schemas.tables import submissions
    from store.open import open_store

    with open_store(data, url) as store, store.read() as connection:
        return connection.scalars(select(func.count()).select_from(submissions)).one()


def cpu_seconds(pid: int) -> float:
    """User and system seconds that a process has used, its ended children included."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def database_seconds(cluster: Postgres | None) -> float:
    """The same of PostgreSQL, with all its processes."""
    if cluster is None or cluster.process is None:
        return 0.0
    pid = cluster.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(cpu_seconds(int(one)) for one in [str(pid), *children])


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str | None, Postgres | None]]:
    """Address and cluster of a database for this run."""
    if kind == "sqlite":
        yield None, None
        return
    # It runs as another user, who has to get there.
    folder.chmod(0o755)
    cluster = Postgres(folder / "cluster")
    cluster.start()
    try:
        yield cluster.url, cluster
    finally:
        cluster.stop()


def measure(client: Client, server: Server, cluster: Postgres | None, connections: int, seconds: float) -> int:
    """Print one run; how many were acknowledged."""
    cpu, cpu_database = cpu_seconds(server.pid), database_seconds(cluster)
    run = client.run(connections, seconds)
    cpu, cpu_database = cpu_seconds(server.pid) - cpu, database_seconds(cluster) - cpu_database
    rate, each = run.good / run.seconds, (cpu + cpu_database) / run.good * 1000
    parts = f" (server {cpu / run.good * 1000:.2f})" if cluster else ""
    print(
        f"{connections:3} connections: {rate:6.0f}/s, {rate / CENTRAL[connections]:4.1f} times ODK Central "
        f"({CENTRAL[connections]}/s); {each:.2f} ms CPU each{parts}, Central {CENTRAL_CPU}; "
        f"p50 {run.p50:.1f} p95 {run.p95:.1f} p99 {run.p99:.1f} ms; {run.bad} refused; {machine()}",
        flush=True,
    )
    return run.good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--stored", type=int, default=0, help="submissions that are there before")
    parser.add_argument("--seconds", type=int, default=5, help="of each run")
    parser.add_argument("--client", choices=("wrk", "asyncio"), default="wrk" if shutil.which("wrk") else "asyncio")
    parser.add_argument("--film", action="store_true", help="20,000 submissions, a file of 100 MB, and the memory")
    options = parser.parse_args()
    wrk = shutil.which("wrk") if options.client == "wrk" else None
    with tempfile.TemporaryDirectory(prefix="comunal-bench-") as name, database(options.database, Path(name)) as where:
        folder, (url, cluster) = Path(name), where
        key = prepare(folder / "data", url)
        began = time.perf_counter()
        fill(folder / "data", url, options.stored)
        server = Server(folder / "data", url, folder / "log")
        print(
            f"{options.database}, {options.stored:,} stored in {time.perf_counter() - began:.0f} s, "
            f"client {options.client}, Python {sys.version.split()[0]}, {machine()}"
        )
        server.start()
        try:
            client = Client(folder, key, server.port, wrk)
            # The first second of a process is spent on what the next hours don't see.
            good = client.run(8, 1).good
            for connections in CENTRAL:
                good += measure(client, server, cluster, connections, options.seconds)
            while options.film and good < MEMORY_COUNT:
                good += client.run(32, options.seconds).good
            if options.film:
                print(f"memory after {good:,}: at most {peak_megabytes(server.pid):.0f} MB")
                print(f"a file of {FILM_BYTES:,} bytes: {asyncio.run(client.film())}")
                good += 1
            print(f"server's peak memory {peak_megabytes(server.pid):.0f} MB; ODK Central filled: {CENTRAL_FILLED}")
        finally:
            server.stop()
        stored = count_stored(folder / "data", url) - options.stored
        print(f"{stored:,} stored, {good:,} acknowledged" + (": LOST" if stored < good else ""))
        if stored < good:
            raise SystemExit(1)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
