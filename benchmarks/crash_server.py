"""Kills a loaded server, its database or the power of its disk at random moments; nothing acknowledged may be lost.

    python benchmarks/crash_server.py [--way kill|database|power|copy] [--database sqlite|postgresql]
                                      [--times 50] [--seed 1] [--phones 8]

kill      SIGKILL of the server, one time in ten while it starts
database  an immediate stop or SIGKILL of PostgreSQL; the server stays and must work again by itself
power     the disk is an ext4 of its own (a loop mount, which takes root). It is shut down as if the power had gone:
          what wasn't synced is lost, on the disk and in memory; then its journal is replayed, as after a real power
          cut. What counts as acknowledged was heard before the power went: a sync under way at that very moment may
          be told as done by ext4, which no machine without power does. What this doesn't show is a disk that lies.
copy      the files are copied at an instant (the server is stopped by SIGSTOP meanwhile), and the copy must open with
          all that was acknowledged before. It shows what a crash of the server leaves, and a snapshot of the disk. A
          plain copy of files while they are written is no backup of any database: use `comunal backup`.

Phones send without pause, a third of the interviews with files, some of these in several requests and some beyond what
the database keeps in rows. After each time every acknowledged interview and file is looked up and its bytes are
compared by SHA-256; what was sent but not acknowledged is sent again and must be accepted. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from phones import Interview, Server, exchange, head, lost, machine, make_interview, prepare, sha256
from postgres import Postgres

EXT4_SHUTDOWN, WITHOUT_FLUSHING = 0x8004587D, 2
ENOUGH_SECONDS = 30.0


@dataclass
class Campaign:
    """What was sent, heard, and is to be sent again."""

    rng: random.Random
    key: str
    acknowledged: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    waiting: list[Interview] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    again: int = 0
    recent: dict[str, Interview] = field(default_factory=dict)

    def snapshot(self) -> dict[str, tuple[str, dict[str, str]]]:
        """What is acknowledged at this moment."""
        return {instance: (digest, dict(names)) for instance, (digest, names) in self.acknowledged.copy().items()}

    def believe(self, heard: dict[str, tuple[str, dict[str, str]]]) -> int:
        """Take only this for acknowledged, send the rest again; how many acknowledgements came after it."""
        late = [
            instance for instance, (_, names) in self.acknowledged.items() if heard.get(instance, ("", {}))[1] != names
        ]
        late += [instance for instance in self.acknowledged if instance not in heard]
        self.acknowledged = heard
        self.waiting += [self.recent[instance] for instance in dict.fromkeys(late)]
        return len(set(late))

    def heard(self, interview: Interview, files: dict[str, bytes]) -> None:
        """Note what a 201 was for."""
        names = self.acknowledged.setdefault(interview.instance, (sha256(interview.xml), {}))[1]
        names |= {name: sha256(data) for name, data in files.items()}
        self.recent[interview.instance] = interview

    async def phone(self, port: int, stop: asyncio.Event, *, until_sent: bool = False) -> None:
        """Send one interview after the other; what isn't acknowledged is sent again by whoever comes next."""
        while not stop.is_set():
            if until_sent and not self.waiting:
                return
            is_again = bool(self.waiting)
            interview = self.waiting.pop() if is_again else make_interview(self.rng)
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                self.waiting.append(interview)
                await asyncio.sleep(0.02)
                continue
            try:
                while interview is not None:
                    await self._send(reader, writer, interview, is_again=is_again)
                    is_again = bool(self.waiting)
                    if stop.is_set() or (until_sent and not self.waiting):
                        break
                    interview = self.waiting.pop() if is_again else make_interview(self.rng)
            except (OSError, asyncio.IncompleteReadError, _Refused):
                self.waiting.append(interview)
                await asyncio.sleep(0.02)
            finally:
                writer.close()

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, interview: Interview, *, is_again: bool
    ) -> None:
        for data, files in interview.requests():
            status, answer = await exchange(reader, writer, head(self.key, len(data)) + data)
            self.statuses[status] += 1
            if status == 503:
                if b"tel\xc3\xa9fono" not in answer:
                    self.complaints.append(f"503 without the sentence: {answer[:200]!r}")
                raise _Refused
            if status != 201:
                self.complaints.append(f"{status} for {interview.instance}")
                raise _Refused
            self.heard(interview, files)
        self.again += is_again

    async def load(self, port: int, phones: int, meanwhile: Callable[[], object], seconds: float) -> None:
        """Phones at work; after so many seconds from the first acknowledgement something happens."""
        stop = asyncio.Event()
        before = len(self.acknowledged)
        self.recent = {}
        tasks = [asyncio.create_task(self.phone(port, stop)) for _ in range(phones)]
        until = time.monotonic() + ENOUGH_SECONDS
        while len(self.acknowledged) == before and time.monotonic() < until:
            await asyncio.sleep(0.005)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(meanwhile)
        stop.set()
        await asyncio.gather(*tasks)

    async def send_waiting(self, port: int) -> None:
        """Send what was never acknowledged, by two phones."""
        stop = asyncio.Event()
        tasks = [asyncio.create_task(self.phone(port, stop, until_sent=True)) for _ in range(2)]
        _, late = await asyncio.wait(tasks, timeout=ENOUGH_SECONDS)
        if late:
            stop.set()
            self.complaints.append(f"{len(self.waiting)} interviews weren't accepted again")
            await asyncio.gather(*late)


class _Refused(Exception):
    """Not acknowledged."""


@contextlib.contextmanager
def disk_of_its_own(folder: Path) -> Iterator[Path]:
    """An ext4 file system in a file, mounted."""
    image, mount = folder / "disk.img", folder / "disk"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(2 * 1024**3)
    try:
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)  # noqa: S607
        subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True, capture_output=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(
            "A disk of its own can't be mounted here: that takes root, mkfs.ext4 and loop devices."
        ) from None
    try:
        yield mount
    finally:
        subprocess.run(["umount", str(mount)], check=False, capture_output=True)  # noqa: S607


def cut_power(mount: Path) -> None:
    """Everything that isn't synced is gone at once; nothing more can be read or written."""
    descriptor = os.open(mount, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, EXT4_SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
    finally:
        os.close(descriptor)


def power_again(mount: Path) -> None:
    """Mount the disk anew, as a machine does that starts."""
    for _ in range(200):
        if subprocess.run(["umount", str(mount)], check=False, capture_output=True).returncode == 0:  # noqa: S607
            break
        time.sleep(0.05)
    command = ["mount", "-o", "loop", str(mount.with_suffix(".img")), str(mount)]
    subprocess.run(command, check=True)


class Trial:
    """One way of crashing, over and over."""

    def __init__(self, options: argparse.Namespace, folder: Path, place: Path) -> None:
        self.options = options
        self.folder = folder
        self.place = place
        self.postgres = Postgres(place / "postgres") if options.database == "postgresql" else None
        if self.postgres is not None:
            self.postgres.start()
        url = self.postgres.url if self.postgres is not None else None
        self.server = Server(place / "data", url, folder / "server.log")
        self.campaign = Campaign(random.Random(options.seed), prepare(self.server.data, url))  # noqa: S311
        self.missing: list[str] = []
        self.late = 0

    def run(self) -> None:
        """As often as asked; then send what waits and look once more."""
        rng = random.Random(self.options.seed + 1)  # noqa: S311
        for number in range(self.options.times):
            getattr(self, self.options.way)(rng, number)
            if self.missing:
                return
        if self.server.process is None or self.server.process.poll() is not None:
            self.server.start()
        asyncio.run(self.campaign.send_waiting(self.server.port))
        self.server.stop()
        self.look(self.server.data)

    def look(self, data: Path, acknowledged: dict[str, tuple[str, dict[str, str]]] | None = None) -> None:
        """Note what is lost."""
        chosen = self.campaign.acknowledged if acknowledged is None else acknowledged
        self.missing += lost(data, self.server.url if data == self.server.data else None, chosen)

    def _load(self, meanwhile: Callable[[], object], seconds: float) -> None:
        asyncio.run(self.campaign.load(self.server.port, self.options.phones, meanwhile, seconds))

    def kill(self, rng: random.Random, number: int) -> None:
        """SIGKILL of the server."""
        if number % 10 == 9:
            self.server.start(wait=False)
            time.sleep(rng.uniform(0.0, 1.5))
            self.server.kill()
        self.server.start()
        self._load(self.server.kill, rng.uniform(0.0, 0.8))
        self.look(self.server.data)

    def database(self, rng: random.Random, number: int) -> None:
        """A crash of PostgreSQL under a server that stays."""
        postgres = self.postgres
        if postgres is None:
            raise SystemExit("--way database takes --database postgresql")
        if number == 0:
            self.server.start()

        def crash() -> None:
            postgres.crash(hard=number % 2 == 1)
            time.sleep(rng.uniform(0.0, 0.5))
            postgres.start()
            before = self.campaign.statuses[201]
            until = time.monotonic() + ENOUGH_SECONDS
            while self.campaign.statuses[201] < before + 20 and time.monotonic() < until:
                time.sleep(0.02)
            if self.campaign.statuses[201] < before + 20:
                self.campaign.complaints.append("the server didn't work again after its database did")

        self._load(crash, rng.uniform(0.0, 0.8))
        self.look(self.server.data)

    def power(self, rng: random.Random, number: int) -> None:
        """The disk loses its power, and the server its life."""
        self.server.start()
        heard: dict[str, tuple[str, dict[str, str]]] = {}

        def cut() -> None:
            heard.update(self.campaign.snapshot())
            cut_power(self.place)
            time.sleep(rng.uniform(0.0, 0.2))
            self.server.kill()
            if self.postgres is not None:
                self.postgres.crash(hard=True)

        self._load(cut, rng.uniform(0.0, 0.8))
        self.late += self.campaign.believe(heard)
        power_again(self.place)
        if self.postgres is not None:
            self.postgres.start()
        self.look(self.server.data)

    def copy(self, rng: random.Random, number: int) -> None:
        """A copy of the files at an instant."""
        if self.postgres is not None:
            raise SystemExit("--way copy takes --database sqlite")
        if number == 0:
            self.server.start()
        target = self.folder / f"copy{number}"
        before: dict[str, tuple[str, dict[str, str]]] = {}

        def take() -> None:
            os.kill(self.server.pid, signal.SIGSTOP)
            try:
                before.update(self.campaign.snapshot())
                shutil.copytree(self.server.data, target)
            finally:
                os.kill(self.server.pid, signal.SIGCONT)

        self._load(take, rng.uniform(0.0, 0.5))
        self.look(target, before)
        shutil.rmtree(target)

    def end(self) -> None:
        """Leave nothing running."""
        self.server.kill()
        if self.postgres is not None:
            self.postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=("kill", "database", "power", "copy"), default="kill")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--times", "--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phones", type=int, default=8)
    options = parser.parse_args()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="comunal-crash-")))
        folder.chmod(0o755)  # PostgreSQL is another user
        place = stack.enter_context(disk_of_its_own(folder)) if options.way == "power" else folder
        trial = Trial(options, folder, place)
        stack.callback(trial.end)
        trial.run()
        campaign = trial.campaign
        files = sum(len(names) for _, names in campaign.acknowledged.values())
        print(
            f"{options.way}, {options.database}, seed {options.seed}: {options.times} times, "
            f"{len(campaign.acknowledged)} interviews with {files} files acknowledged, {campaign.again} sent again, "
            f"{trial.late} heard while the power went, "
            f"statuses {dict(campaign.statuses)}, {len(trial.missing)} lost, {time.monotonic() - began:.0f} s "
            f"({machine()})"
        )
        for line in [*trial.missing[:20], *campaign.complaints[:20]]:
            print("  ", line)
        if campaign.complaints:
            words = (folder / "server.log").read_text().splitlines()
            print("\n".join(sorted({f"   {line[:200]}" for line in words if "failed" in line or "Error" in line})[:10]))
    sys.exit(1 if trial.missing or campaign.complaints else 0)


if __name__ == "__main__":
    main()
