"""Where Prefect keeps its things, and a local Prefect server as long as a block lasts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from flows.children import end_with_us
from schemas.errors import CommandError

START_SECONDS = 120.0
"""A busy two-core machine takes up to half a minute to start Prefect's server."""


def configure_prefect(data: Path, api_url: str | None = None, *, log_level: str = "CRITICAL") -> dict[str, str]:
    """Settles Prefect's environment before it is imported, and returns it for child processes.

    A command tells an error once, by itself: so Prefect's own log starts at CRITICAL there, and at WARNING for the
    flows that run on their own.

    Everything it writes goes below `data`, nothing to the user's home; nothing is sent to anybody.
    """
    settings = {
        "PREFECT_HOME": str((data / "prefect").resolve()),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(int(START_SECONDS)),
        "PREFECT_LOGGING_LEVEL": os.environ.get("PREFECT_LOGGING_LEVEL", log_level),
        "PREFECT_CLI_PROMPT": "false",
        "COMUNAL_DATA": str(data.resolve()),
    }
    if api_url:
        settings["PREFECT_API_URL"] = api_url
    os.environ.update(settings)
    return {**os.environ, **settings}


def api_url_file(data: Path) -> Path:
    """The file in which a running `comunal up` leaves the address of its Prefect server."""
    return data / "prefect" / "api_url"


def running_server(data: Path) -> str | None:
    """The address of a Prefect server that answers: PREFECT_API_URL, or the one `comunal up` started; else null."""
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        return configured
    with suppress(OSError):
        url = api_url_file(data).read_text(encoding="utf-8").strip()
        if url and healthy(url):
            return url
    return None


def healthy(api_url: str) -> bool:
    """Whether a Prefect server answers there."""
    try:
        return httpx.get(f"{api_url}/health", timeout=2.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


class PrefectServer:
    """A Prefect server in a child process; `wait` blocks until it answers, `stop` ends it.

    Starting takes Prefect many seconds, so that callers start it first and wait for it only when a flow runs.
    """

    def __init__(self, data: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.log_file = data / "prefect" / "server.log"
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        environment = configure_prefect(data)
        environment.pop("PREFECT_API_URL", None)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                preexec_fn=end_with_us(),
            )

    def wait(self) -> str:
        """The server's API address, once it answers.

        Raises:
            CommandError: CMD-023, when it ends or doesn't answer in time.
        """
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            if healthy(self.url):
                return self.url
            time.sleep(0.2)
        raise CommandError(
            "CMD-023",
            f"The local Prefect server on port {self.port} did not start.",
            f"Its own words are in {self.log_file}. Is the port in use, or the disk full?",
        )

    def stop(self) -> None:
        """Ends the server and waits for it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def prefect_server(data: Path, port: int | None = None) -> Iterator[PrefectServer]:
    """A Prefect server for the length of a block."""
    server = PrefectServer(data, port)
    try:
        yield server
    finally:
        server.stop()
