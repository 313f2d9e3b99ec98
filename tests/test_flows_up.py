"""`comunal up`: three servers that start together, run a flow from the Prefect page, and stop without a trace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.prefect_server import free_port

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120


class Everything:
    """A running `comunal up` and its addresses."""

    def __init__(self, data: Path) -> None:
        self.data, self.port, self.prefect = data, free_port(), free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
        add = [sys.executable, "-m", "flows.cli", "forms", "add", "forms/independencia", "--data", str(data)]
        subprocess.run(add, cwd=ROOT, check=True, capture_output=True, env=environment)
        command = [sys.executable, "-m", "flows.cli", "up", "--data", str(data)]
        command += ["--port", str(self.port), "--prefect-port", str(self.prefect)]
        self.words = (data / "up.txt").open("wb+")
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self.words, stderr=self.words, env=environment)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.prefect}/api", trust_env=False, timeout=30)

    def deployments(self) -> dict[str, dict[str, object]]:
        """Deployments by flow, once all three are there and a runner waits for work."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                rows = self.client.post("/deployments/filter", json={}).json()
            except httpx.HTTPError:
                rows = []
            ready = [row for row in rows if row["status"] == "READY"]
            if len(ready) == 3:
                return {str(row["entrypoint"]).rsplit(".", 1)[-1]: row for row in ready}
            time.sleep(0.3)
        self.words.seek(0)
        raise AssertionError(self.words.read().decode())

    def trigger(self, deployment: dict[str, object], parameters: dict[str, object]) -> str:
        """Runs a deployment as the page's button does; its final state."""
        run = self.client.post(f"/deployments/{deployment['id']}/create_flow_run", json={"parameters": parameters})
        until = time.monotonic() + SECONDS
        state = ""
        while time.monotonic() < until and state not in {"COMPLETED", "FAILED", "CRASHED"}:
            state = self.client.get(f"/flow_runs/{run.json()['id']}").json()["state_type"]
            time.sleep(0.3)
        return state


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    running = Everything(tmp_path_factory.mktemp("up"))
    try:
        yield running
    finally:
        running.client.close()
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        running.words.close()


def test_the_three_flows_wait_on_the_page_with_the_only_form_filled_in(everything: Everything) -> None:
    deployments = everything.deployments()
    assert set(deployments) == {"ingest_flow", "check_flow", "release_flow"}
    assert deployments["ingest_flow"]["parameters"] == {"form": "independencia"}


def test_collection_server_answers_beside_them(everything: Everything) -> None:
    everything.deployments()
    assert httpx.get(f"http://127.0.0.1:{everything.port}/", trust_env=False).status_code == 200


def test_a_flow_runs_with_the_parameters_given_on_the_page(everything: Everything) -> None:
    deployments = everything.deployments()
    assert everything.trigger(deployments["ingest_flow"], {"form": "independencia"}) == "COMPLETED"
    assert everything.trigger(deployments["release_flow"], {"form": "independencia"}) == "FAILED"  # no interview yet


def test_it_stops_cleanly(everything: Everything) -> None:
    everything.deployments()
    everything.process.send_signal(signal.SIGTERM)
    assert everything.process.wait(60) == 0
    for port in (everything.port, everything.prefect):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    everything.words.seek(0)
    assert b"Traceback" not in everything.words.read()
