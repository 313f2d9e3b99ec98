"""Throws malformed requests and documents at a real server, with good interviews in between.

    python benchmarks/fuzz_receiver.py [--seconds 60] [--seed 1] [--database sqlite|postgresql]

Fails (exit status 1) if any answer is 500 or more, if a good interview isn't acknowledged or isn't there at the end
with its bytes, if bytes refused as no submission aren't in quarantine, if the server's log tells of a failure, if its
memory grows, or if it doesn't answer afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from mutations import damaged_request, damaged_xml
from phones import Server, body, exchange, head, lost, machine, make_interview, prepare, sha256
from postgres import Postgres

IDLE_SECONDS = 1.0
MOST_GROWTH_KILOBYTES = 40_000
MOST_KILOBYTES = 250_000
WARM_SECONDS = 10.0
"""A server has by then what it needs for its work (modules, caches, arenas); in a shorter run only the whole counts."""
GRACE_SECONDS = 20.0
Acknowledged = dict[str, tuple[str, dict[str, str]]]


class Fuzzer:
    """Several clients at once, each with its own randomness."""

    def __init__(self, server: Server, key: str, seed: int) -> None:
        self.server, self.key, self.seed = server, key, seed
        self.statuses: Counter[int] = Counter()
        self.good: Acknowledged = {}
        self.kept: set[str] = set()
        self.complaints: list[str] = []
        self.first_kilobytes = 0

    async def run(self, seconds: float, clients: int) -> None:
        """Fuzz for so long."""
        end = time.monotonic() + seconds
        tasks = [asyncio.create_task(self._client(random.Random(self.seed * 1000 + n), end)) for n in range(clients)]  # noqa: S311
        # What a server needs for its work it has by now; beyond it nothing may grow.
        await asyncio.sleep(seconds / 3)
        self.first_kilobytes = self.server.resident_kilobytes()
        await asyncio.gather(*tasks)

    async def _client(self, rng: random.Random, end: float) -> None:
        while time.monotonic() < end and len(self.complaints) < 20:
            kind = rng.random()
            state = rng.getstate()
            try:
                async with asyncio.timeout(GRACE_SECONDS):
                    if kind < 0.2:
                        await self._good(rng)
                    elif kind < 0.6:
                        await self._document(rng)
                    else:
                        await self._request(rng)
            except TimeoutError:
                self.complaints.append(f"no answer and no end within {GRACE_SECONDS:.0f} s (kind {kind:.2f})")
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                if kind < 0.6:
                    rng.setstate(state)
                    self.complaints.append(f"a well-formed request got no answer: {type(error).__name__}")
                    rng.random()
                self.statuses[0] += 1

    async def _good(self, rng: random.Random) -> None:
        interview = make_interview(rng)
        with await self._connect() as (reader, writer):
            for data, files in interview.requests():
                status, _ = await exchange(reader, writer, head(self.key, len(data)) + data)
                self._count(status, data)
                if status != 201:
                    self.complaints.append(f"a good interview got {status}")
                    return
                names = self.good.setdefault(interview.instance, (sha256(interview.xml), {}))[1]
                names |= {name: sha256(file) for name, file in files.items()}

    async def _document(self, rng: random.Random) -> None:
        """Damaged XML in a good body: whatever is answered, the bytes are kept."""
        xml = damaged_xml(rng, make_interview(rng).xml)
        if rng.random() < 0.2:
            xml = xml.replace(b"instanceID>uuid:", b"instanceID>same:" + b"%d" % rng.randrange(3), 1)[:100_000]
        data = body(xml, {"a.jpg": b"x"} if rng.random() < 0.3 else {})
        with await self._connect() as (reader, writer):
            status, _ = await exchange(reader, writer, head(self.key, len(data)) + data)
        self._count(status, data)
        # 404: another form's, or of no form's name; it stays on the phone.
        if status in {201, 400, 409} and b"--" + b"b" * 20 not in xml:
            self.kept.add(sha256(xml))

    async def _request(self, rng: random.Random) -> None:
        xml = make_interview(rng).xml if rng.random() < 0.7 else damaged_xml(rng, make_interview(rng).xml)
        data = damaged_request(rng, self.key, xml)
        with await self._connect() as (reader, writer):
            with contextlib.suppress(ConnectionError):
                for start in range(0, len(data), 50_000):
                    writer.write(data[start : start + 50_000])
                    await writer.drain()
            if rng.random() < 0.3:
                return  # hangs up
            if rng.random() < 0.5 and writer.can_write_eof():
                writer.write_eof()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3 * IDLE_SECONDS):
                    answer = await reader.read(4096)
                    if answer.startswith(b"HTTP/1.1 "):
                        self._count(int(answer.split(b" ", 2)[1]), data)

    def _count(self, status: int, data: bytes) -> None:
        self.statuses[status] += 1
        if status >= 500:
            self.complaints.append(f"{status}: {data[:300]!r}")

    async def _connect(self) -> _Connection:
        return _Connection(*await asyncio.open_connection("127.0.0.1", self.server.port))


class _Connection:
    """Closed at the end of its block."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._pair = reader, writer

    def __enter__(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return self._pair

    def __exit__(self, *_: object) -> None:
        self._pair[1].close()


def stored_digests(data: Path, url: str | None) -> set[str]:
    """Digests of everything that the store keeps."""
    from sqlalchemy import select

    from schemas.tables import blobs
    from store.open import open_store

    with open_store(data, url) as store, store.read() as connection:
        return set(connection.scalars(select(blobs.c.sha256)))


def fuzz(folder: Path, seconds: float, seed: int, url: str | None, clients: int = 6) -> tuple[Fuzzer, int]:
    """Run it; the fuzzer with what it complains of, and the memory that the server grew by, in kilobytes."""
    log = folder / "server.log"
    server = Server(folder / "data", url, log, idle_seconds=IDLE_SECONDS, request_bytes=2_000_000, accept_bytes=500_000)
    key = prepare(server.data, url)
    server.start()
    try:
        fuzzer = Fuzzer(server, key, seed)
        asyncio.run(fuzzer.run(seconds, clients))
        time.sleep(2 * IDLE_SECONDS)
        resident = server.resident_kilobytes()
        growth = resident - fuzzer.first_kilobytes

        async def last() -> None:
            with await fuzzer._connect() as (reader, writer):
                writer.write(f"HEAD /key/{key}/submission HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                if b" 204 " not in await asyncio.wait_for(reader.readline(), 10):
                    fuzzer.complaints.append("the server doesn't answer any more")
            await fuzzer._good(random.Random(seed))  # noqa: S311

        asyncio.run(last())
        if server.process is None or server.process.poll() is not None:
            fuzzer.complaints.append("the server ended")
    finally:
        server.stop()
    if resident > MOST_KILOBYTES or (seconds / 3 >= WARM_SECONDS and growth > MOST_GROWTH_KILOBYTES):
        fuzzer.complaints.append(f"its memory grew by {growth} kB to {resident} kB")
    marks = ("ERROR", "CRITICAL", "Traceback", "Exception")
    words = [line for line in log.read_text(errors="replace").splitlines() if any(mark in line for mark in marks)]
    fuzzer.complaints += [f"log: {line[:300]}" for line in words[:10]]
    fuzzer.complaints += [f"lost: {one}" for one in lost(server.data, url, fuzzer.good)[:10]]
    gone = fuzzer.kept - stored_digests(server.data, url)
    fuzzer.complaints += [f"not kept: {digest}" for digest in sorted(gone)[:10]]
    return fuzzer, growth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--url", help="a PostgreSQL that is there, and empty; without it --database starts one")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="comunal-fuzz-")))
        folder.chmod(0o755)  # PostgreSQL is another user
        url = options.url
        if options.database == "postgresql" and url is None:
            postgres = Postgres(folder / "postgres")
            stack.callback(postgres.stop)
            postgres.start()
            url = postgres.url
        fuzzer, growth = fuzz(folder, options.seconds, options.seed, url)
    print(
        f"{options.database}, {options.seconds:.0f} s, seed {options.seed}: {fuzzer.statuses.total()} requests, "
        f"statuses {dict(sorted(fuzzer.statuses.items()))}, {len(fuzzer.good)} good interviews, "
        f"{len(fuzzer.kept)} odd documents kept, memory {fuzzer.first_kilobytes / 1024:.0f} MB {growth / 1024:+.1f} MB "
        f"({machine()})"
    )
    for line in fuzzer.complaints[:30]:
        print("  ", line)
    sys.exit(1 if fuzzer.complaints else 0)


if __name__ == "__main__":
    main()
