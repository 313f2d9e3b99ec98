"""Everything on one machine: collection server, Prefect server, served flows; started together, stopped together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from flows.children import end_with_us
from flows.output import Output
from flows.places import open_data
from flows.prefect_server import PrefectServer, api_url_file, configure_prefect
from schemas.errors import CommandError

STOP_SECONDS = 20.0


def run_everything(data: Path, host: str, port: int, prefect_port: int, output: Output) -> None:
    """Starts the three servers and waits until one ends or a signal asks to stop.

    Raises:
        CommandError: CMD-020, when a port is in use; CMD-024, when a server ended by itself.
    """
    for wanted, what in ((port, "collection server"), (prefect_port, "Prefect page")):
        refuse_busy_port(host if wanted == port else "127.0.0.1", wanted, what)
    with open_data(data):
        pass  # the store is made or migrated here, before two processes would do it at once
    stopping = _stop_on_signals()
    with ExitStack() as stack:
        prefect = PrefectServer(data, prefect_port)
        stack.callback(prefect.stop)
        door = _child(["serve", "--host", host, "--port", str(port), "--data", str(data)], dict(os.environ))
        stack.callback(_stop, door)
        output.say("Starting the Prefect server; this takes up to half a minute.")
        api_url = prefect.wait()
        address = api_url_file(data)
        address.write_text(api_url, encoding="utf-8")
        stack.callback(address.unlink, missing_ok=True)
        words = stack.enter_context((data / "prefect" / "flows.log").open("ab"))
        runner = subprocess.Popen(
            [sys.executable, "-m", "flows.schedule"],
            env=configure_prefect(data, api_url, log_level="WARNING"),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
            preexec_fn=end_with_us(),
        )
        stack.callback(_stop, runner)
        page = api_url.removesuffix("/api")
        output.record(
            {"collection": f"http://{host}:{port}", "prefect": page, "data": str(data)},
            f"Collection server  http://{host}:{port}   (keys: comunal people add)\n"
            f"Desk               http://{host}:{port}/desk/   (passwords: comunal people password)\n"
            f"Flows              {page}/deployments   (ingest, check, report, release)\n"
            f"Data               {data}\nStop with Ctrl-C.",
        )
        _wait(data, stopping, {"collection server": door, "flows": runner})
        output.say("Stopping.")


def refuse_busy_port(host: str, port: int, what: str) -> None:
    """Says so at once if somebody else listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                "CMD-020",
                f"The {what} can't listen on {host}:{port}: {error.strerror}.",
                "Choose another port (--port, --prefect-port), or stop the program that uses it.",
            ) from None


def _child(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=end_with_us(),
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stop_on_signals() -> list[int]:
    """A list that is empty until SIGINT or SIGTERM arrives."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    return received


def _wait(data: Path, stopping: list[int], processes: dict[str, subprocess.Popen[bytes]]) -> None:
    while not stopping:
        for name, process in processes.items():
            if process.poll() is not None:
                raise CommandError(
                    "CMD-024",
                    f"The {name} ended by itself (status {process.returncode}).",
                    f"Its own words are in {data / 'prefect'}; or start it alone: comunal serve.",
                )
        time.sleep(0.3)
