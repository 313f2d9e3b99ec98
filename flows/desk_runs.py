"""How the desk has flows run: through Prefect where `comunal up` serves them, else in a process a run."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from console.runs import FLOWS, Run, RunState
from flows.desk_child import write_run
from flows.prefect_server import running_server
from schemas.errors import CommandError

RUNS = "runs"
SERVED: Final = frozenset(FLOWS)
"""Flows that `comunal up` has Prefect serve."""

KEPT: Final = 200
"""Files of runs that are kept."""

_STATES: Final[Mapping[str, RunState]] = {
    **dict.fromkeys(("SCHEDULED", "PENDING", "PAUSED"), "waiting"),
    **dict.fromkeys(("RUNNING", "CANCELLING"), "running"),
    "COMPLETED": "done",
}


class DeskRunner:
    """Runs flows of the desk.

    Args:
        data: the data folder.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._folder = data / RUNS
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, flow: str, form_id: str, parameters: Mapping[str, object], by: str) -> Run:
        """As `console.runs.FlowRunner.start`."""
        if flow not in FLOWS:
            raise CommandError("CMD-262", "There is no such flow.", f"Use one of {', '.join(FLOWS)}.")
        if any(run.flow == flow and not run.is_over for run in self.list_runs(form_id)):
            raise CommandError("CMD-260", f"The flow {flow} of {form_id} is running.", "Wait for its end.")
        url = running_server(self._data)
        if url is not None and flow in SERVED:
            return _start_in_prefect(url, flow, form_id, parameters, by)
        return self._start_child(flow, form_id, parameters, by)

    def list_runs(self, form_id: str, limit: int = 20) -> Sequence[Run]:
        """As `console.runs.FlowRunner.list_runs`."""
        found = self._list_children(form_id)
        url = running_server(self._data)
        if url is not None:
            found += _list_in_prefect(url, form_id, limit)
        return sorted(found, key=lambda run: run.started_at, reverse=True)[:limit]

    def _start_child(self, flow: str, form_id: str, parameters: Mapping[str, object], by: str) -> Run:
        self._folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        run_id = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        file = self._folder / f"{run_id}.json"
        told: dict[str, Any] = {"flow": flow, "form_id": form_id, "parameters": dict(parameters), "by": by}
        told |= {"state": "waiting", "started_at": now.isoformat()}
        write_run(file, told)
        child = self._children[run_id] = subprocess.Popen(
            [sys.executable, "-m", "flows.desk_child", str(file)],
            env={**os.environ, "COMUNAL_DATA": str(self._data.resolve())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # It ends its work even if the server is stopped: what a flow writes is whole or not there.
            start_new_session=True,
        )
        # Somebody has to wait for it, or it stays in the system's list after its end.
        threading.Thread(target=child.wait, daemon=True).start()
        self._forget()
        return _read(run_id, told)

    def _list_children(self, form_id: str) -> list[Run]:
        found = []
        for file in sorted(self._folder.glob("*.json"), reverse=True):
            told = json.loads(file.read_text(encoding="utf-8"))
            if told["form_id"] == form_id:
                found.append(_read(file.stem, self._with_end(file, told)))
        return found

    def _with_end(self, file: Path, told: dict[str, Any]) -> dict[str, Any]:
        """The same; a run whose process is gone without a word has failed."""
        if told["state"] in {"done", "failed"} or self._is_alive(file.stem, told.get("pid")):
            return told
        again: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if again["state"] in {"done", "failed"}:
            return again
        lost = again | {"state": "failed", "message": "CMD-263", "ended_at": datetime.now(UTC).isoformat()}
        write_run(file, lost)
        return lost

    def _is_alive(self, run_id: str, pid: int | None) -> bool:
        child = self._children.get(run_id)
        if child is not None:
            return child.poll() is None
        # Another server's child, or one from before a restart.
        return pid is not None and Path(f"/proc/{pid}").exists()

    def _forget(self) -> None:
        for file in sorted(self._folder.glob("*.json"), reverse=True)[KEPT:]:
            file.unlink(missing_ok=True)
        self._children = {name: child for name, child in self._children.items() if child.poll() is None}


def _read(run_id: str, told: Mapping[str, Any]) -> Run:
    ended = told.get("ended_at")
    return Run(
        run_id=run_id,
        flow=told["flow"],
        form_id=told["form_id"],
        state=told["state"],
        started_at=datetime.fromisoformat(told["started_at"]),
        ended_at=datetime.fromisoformat(ended) if ended else None,
        by=told.get("by", ""),
        done=told.get("done", 0),
        total=told.get("total"),
        result=told.get("result", {}),
        message=told.get("message", ""),
    )


def _ask(url: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # JSON
    try:
        answer = httpx.request(method, f"{url}{path}", json=body, timeout=10.0, trust_env=False)
        answer.raise_for_status()
        return answer.json()
    except (httpx.HTTPError, ValueError):
        message = "The Prefect server that runs flows doesn't answer."
        raise CommandError("CMD-261", message, "Start it: comunal up.") from None


def _start_in_prefect(url: str, flow: str, form_id: str, parameters: Mapping[str, object], by: str) -> Run:
    deployment = _ask(url, "GET", f"/deployments/name/{flow}/comunal")
    body = {"parameters": {"form": form_id, **parameters}, "tags": ["comunal", f"by:{by}"]}
    return _from_prefect(_ask(url, "POST", f"/deployments/{deployment['id']}/create_flow_run", body), flow)


def _list_in_prefect(url: str, form_id: str, limit: int) -> list[Run]:
    wanted = {"deployments": {"name": {"any_": ["comunal"]}}, "sort": "START_TIME_DESC", "limit": 4 * limit}
    rows = _ask(url, "POST", "/flow_runs/filter", wanted)
    names = {row["id"]: row["name"] for row in _ask(url, "POST", "/flows/filter", {})}
    mine = [row for row in rows if row.get("parameters", {}).get("form") == form_id][:limit]
    left = _left_by(url, [row["id"] for row in mine])
    return [_from_prefect(row, names.get(row["flow_id"], ""), left.get(row["id"])) for row in mine]


@dataclass(frozen=True, slots=True)
class _Left:
    """What a run left beside it: how far it is in hundredths, and its counts."""

    done: int = 0
    is_told: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


def _left_by(url: str, runs: Sequence[str]) -> dict[str, _Left]:
    wanted = {"flow_runs": {"id": {"any_": list(runs)}}, "artifacts": {"type": {"any_": ["progress", "table"]}}}
    found: dict[str, _Left] = {}
    for row in _ask(url, "POST", "/artifacts/filter", wanted | {"limit": 200, "sort": "CREATED_DESC"}) if runs else ():
        before = found.get(row["flow_run_id"], _Left())
        if row["type"] == "progress":
            found[row["flow_run_id"]] = replace(before, done=int(float(row["data"] or 0)), is_told=True)
        elif row["key"] == "counts":
            told = json.loads(row["data"]) if isinstance(row["data"], str) else row["data"]
            found[row["flow_run_id"]] = replace(before, counts={one["count"]: int(one["number"]) for one in told})
    return found


_CODE = re.compile(r"\b[A-Z]{3}-\d{3}\b")


def _from_prefect(row: Mapping[str, Any], flow: str, left: _Left | None = None) -> Run:
    started = row.get("start_time") or row.get("expected_start_time") or row["created"]
    state = _STATES.get(row.get("state_type") or "SCHEDULED", "failed")
    # Prefect's own words of a failure may hold anything: a code of ours alone is told, its page has the rest.
    code = _CODE.search(str((row.get("state") or {}).get("message") or "")) if state == "failed" else None
    left = left or _Left()
    return Run(
        run_id=str(row["id"]),
        flow=flow,
        form_id=str(row.get("parameters", {}).get("form", "")),
        state=state,
        started_at=datetime.fromisoformat(started),
        ended_at=datetime.fromisoformat(row["end_time"]) if row.get("end_time") else None,
        by=next((tag.removeprefix("by:") for tag in row.get("tags", ()) if tag.startswith("by:")), ""),
        done=left.done,
        total=100 if left.is_told else None,
        result=left.counts,
        message=(code[0] if code else "CMD-264") if state == "failed" else "",
    )
