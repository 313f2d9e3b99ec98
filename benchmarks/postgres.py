"""A PostgreSQL cluster of our own, to be killed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

NEWEST = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))


def programs() -> Path | None:
    """Folder of the newest PostgreSQL; null if none is installed."""
    on_path = shutil.which("initdb")
    return NEWEST[-1] if NEWEST else Path(on_path).parent if on_path else None


class Postgres:
    """One cluster in `folder`, run by a user who isn't root."""

    def __init__(self, folder: Path) -> None:
        found = programs()
        if found is None:
            raise SystemExit("PostgreSQL isn't installed: apt-get install postgresql")
        self._programs = found
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._who: dict[str, object] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._run("initdb", "-D", "data", "-U", "comunal", "-A", "trust", "-E", "UTF8", "--locale=C")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of its own database."""
        return f"postgresql://comunal@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True, **self._who)  # type: ignore[call-overload]

    def start(self) -> None:
        """Start it, and wait until it answers: after a crash it first repairs itself."""
        command = [str(self._programs / "postgres"), "-D", "data", "-p", str(self.port), "-k", "", "-h", "127.0.0.1"]
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log, **self._who)  # type: ignore[call-overload]
        until = time.monotonic() + 60
        ready = [str(self._programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, capture_output=True, check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"PostgreSQL didn't start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def crash(self, hard: bool) -> None:
        """An immediate stop, or (`hard`) SIGKILL of its first process; the others then end by themselves."""
        if self.process is None:
            return
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.process.send_signal(signal.SIGKILL if hard else signal.SIGQUIT)
        self.process.wait()
        until = time.monotonic() + 30
        while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < until:
            time.sleep(0.02)

    def stop(self) -> None:
        """A fast stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
