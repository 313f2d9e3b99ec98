"""`comunal up`: three servers that start together, run a flow from the Prefect page, and stop without a trace."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx
import pytest

from console.acts.releasing import set_state
from console.surveys import load_survey
from flows.prefect_server import free_port
from forms.rehearsal import rehearse
from schemas.errors import ReleaseError
from store.arrivals import NewSubmission, add_submissions
from store.open import open_store
from store.passwords import set_password
from store.people import add_person, get_person
from store.releases import list_releases

PASSWORD = "tres gatos en la mesa"
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
        """Deployments by flow, once all four are there and a runner waits for work."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                rows = self.client.post("/deployments/filter", json={}).json()
            except httpx.HTTPError:
                rows = []
            ready = [row for row in rows if row["status"] == "READY"]
            if len(ready) == 4:
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


def test_the_four_flows_wait_on_the_page_with_the_only_form_filled_in(everything: Everything) -> None:
    deployments = everything.deployments()
    assert set(deployments) == {"ingest_flow", "check_flow", "report_flow", "release_flow"}
    assert deployments["ingest_flow"]["parameters"] == {"form": "independencia"}


def test_collection_server_answers_beside_them(everything: Everything) -> None:
    everything.deployments()
    assert httpx.get(f"http://127.0.0.1:{everything.port}/", trust_env=False).status_code == 200


def test_a_flow_runs_with_the_parameters_given_on_the_page(everything: Everything) -> None:
    deployments = everything.deployments()
    assert everything.trigger(deployments["ingest_flow"], {"form": "independencia"}) == "COMPLETED"
    assert everything.trigger(deployments["release_flow"], {"form": "independencia"}) == "FAILED"  # no interview yet


class AtDesk:
    """Somebody at the desk that `comunal up` serves, without a browser."""

    def __init__(self, everything: Everything, name: str) -> None:
        base = f"http://127.0.0.1:{everything.port}/desk"
        self.client = httpx.Client(base_url=base, trust_env=False, timeout=60, headers={"accept-language": "en"})
        answer = self.client.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text

    def close(self) -> None:
        """Leave the desk."""
        self.client.close()

    def run(self, flow: str, **fields: str) -> str:
        """Start a flow and wait for its end: the line of the list that tells of it."""
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', self.client.get("/s/independencia/flows").text)
        assert token is not None
        sent = {"csrf": token[1], "flow": flow} | fields
        assert self.client.post("/s/independencia/flows", data=sent).status_code == 303
        until = time.monotonic() + SECONDS
        page = ""
        while time.monotonic() < until:
            page = self.client.get("/s/independencia/flows").text
            if "<progress" not in page and f'value="{flow}"' in page:
                runs = page.partition('<ul class="runs"')[2].split("</li>")
                return unescape(runs[0])
            time.sleep(0.5)
        raise AssertionError(page)


def test_the_desk_runs_flows_through_prefect_and_tells_how_they_went(everything: Everything) -> None:
    everything.deployments()
    with open_store(everything.data) as store:
        with store.begin() as connection:
            made = {role: add_person(connection, role.title(), role) for role in ("statistician", "reviewer")}
            for one in made.values():
                set_password(connection, one.id, PASSWORD)
        compiled = load_survey(store, "independencia")
        rows = [
            NewSubmission("independencia", compiled.form.version, one.instance_id, one.xml, datetime.now(UTC))
            for one in rehearse(compiled, 12, 7, datetime(2026, 11, 2, 12, tzinfo=UTC))
        ]
        with store.begin() as connection:
            add_submissions(connection, store.blobs, rows)
        with closing(AtDesk(everything, made["statistician"].login)) as desk:
            read = desk.run("ingest")
            assert "done" in read
            assert re.search(r"<b>12</b> read", read), read
            assert "Statistician" in read
            assert "interviews" in desk.run("check")
            assert "done" in desk.run("report")
            released = desk.run("release")
            assert "done" in released, released
        assert re.search(r"<b>\d+</b> figures", released)
        with store.read() as connection:
            (row,) = list_releases(connection, "independencia")
            person = get_person(connection, made["statistician"].id)
            reviewer = get_person(connection, made["reviewer"].id)
        with pytest.raises(ReleaseError, match=r"^REL-093"):
            set_state(store, person, row.release_id, "approved")
        assert set_state(store, reviewer, row.release_id, "approved").state == "approved"


def test_it_stops_cleanly(everything: Everything) -> None:
    everything.deployments()
    everything.process.send_signal(signal.SIGTERM)
    assert everything.process.wait(60) == 0
    for port in (everything.port, everything.prefect):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    everything.words.seek(0)
    assert b"Traceback" not in everything.words.read()
