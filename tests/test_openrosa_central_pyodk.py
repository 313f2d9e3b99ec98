"""pyODK against the Central API: its documented calls, run by pyODK itself where it is installed, and replayed always.

pyODK 1.3 caps pydantic below the version pinned here, so it isn't among the requirements of this project. Give the
interpreter of an environment that has it in COMUNAL_PYODK_PYTHON; `tests/pyodk_requests.json` is what it sent.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.central_server import Central, running, write_folder

HERE = Path(__file__).parent
pytestmark = pytest.mark.slow


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    with running(tmp_path / "data") as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "files")
    return tmp_path / "files"


def _python() -> str:
    if found := os.environ.get("COMUNAL_PYODK_PYTHON"):
        return found
    if importlib.util.find_spec("pyodk") is None:
        pytest.skip("pyODK isn't installed here; COMUNAL_PYODK_PYTHON may name an interpreter that has it")
    return sys.executable


def test_pyodk_itself_runs_its_documented_calls(central: Central, folder: Path) -> None:
    command = [_python(), str(HERE / "pyodk_examples.py"), central.url, central.name, central.key, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env={"NO_PROXY": "*"}, check=False)
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert got["submissions.create"]["attachments"] == [{"name": "photo.jpg", "exists": True}]
    assert got["submissions.get.edited"]["reviewState"] == "edited"
    assert got["submissions.get.reviewed"]["reviewState"] == "approved"
    assert [comment["body"] for comment in got["list_comments"]] == ["Otra vez.", "Bien.", "Falta un dormitorio."]
    assert got["get_table"]["value"][0]["hogar"] == {"dormitorios": 2, "vivienda": "1"}
    assert [row["edad"] for row in got["get_table.query"]["value"][0]["persona"]] == [36, 7]
    assert got["forms.get.updated"]["version"].endswith("_1")
    assert [(row["label"], row["especie"], row["alto"]) for row in got["entities.merge"]] == [
        ("Nuevo", "maiten", "1"),
        ("Peumo 1", "peumo", "3"),
    ]
    assert got["entities.update.base"]["currentVersion"]["version"] == 3
    assert got["unknown"]["code"] == 404.1
    assert "Secreta" not in done.stdout


F = r"/v1/projects/1/forms"
ONE = rf"{F}/visita"
LISTS = r"/v1/projects/1/datasets"
VERSION = "label current createdAt creatorId userAgent version"
SUBMISSION = "instanceId submitterId createdAt"
KEYS: tuple[tuple[str, str, str, str], ...] = (
    # method, address, keys that may not be null, keys that must be there
    ("GET", r"/v1/projects", "id name createdAt", ""),
    ("GET", r"/v1/projects/1", "id name createdAt", ""),
    (
        "GET",
        rf"{F}|{ONE}",
        "projectId xmlFormId version hash state createdAt",
        "name enketoId keyId updatedAt publishedAt",
    ),
    ("POST", F, "projectId xmlFormId version hash state createdAt", "name enketoId keyId updatedAt publishedAt"),
    ("POST", rf"{F}/\w+/draft(/publish)?", "success", ""),
    ("POST", rf"{ONE}/draft/attachments/.*", "success name type hash exists blobExists datasetExists updatedAt", ""),
    ("GET", r"/v1/projects/1/app-users", "projectId id displayName createdAt", "type token updatedAt deletedAt"),
    ("POST", r"/v1/projects/1/app-users", "projectId id displayName createdAt token", "type updatedAt deletedAt"),
    ("POST", rf"{ONE}/assignments/2/\d+", "success", ""),
    ("GET|POST", rf"{ONE}/submissions", SUBMISSION, "deviceId reviewState userAgent instanceName updatedAt"),
    ("GET|PUT|PATCH", rf"{ONE}/submissions/uuid[^/]*(?<!xml)", SUBMISSION, ""),
    ("GET", rf"{ONE}/submissions/[^/]*/attachments", "name exists", ""),
    ("POST", rf"{ONE}/submissions/[^/]*/attachments/.*", "success", ""),
    ("GET|POST", rf"{ONE}/submissions/[^/]*/comments", "body actorId createdAt", ""),
    ("GET", rf"{ONE}\.svc/.*", "value", ""),
    ("GET|POST", rf"{LISTS}|{LISTS}/arboles", "name projectId createdAt approvalRequired", ""),
    ("POST", rf"{LISTS}/arboles/properties", "success", ""),
    ("GET|POST|PATCH", rf"{LISTS}/arboles/entities(/[^/]*)?", "uuid creatorId createdAt currentVersion", ""),
    ("DELETE", rf"{LISTS}/arboles/entities/[^/]*", "success", ""),
    ("GET", rf"{LISTS}/arboles\.svc/Entities", "value", ""),
)
BYTES = re.compile(r".*\.xml$")
LISTED_EMPTY = re.compile(r".*/(datasets|app-users|submissions)$")


def _send(client: httpx.Client, request: dict[str, Any], folder: Path) -> httpx.Response:
    body = (folder / request["file"]).read_bytes() if "file" in request else request["text"].encode()
    headers = dict(request["headers"])
    chunked = headers.pop("Transfer-Encoding", None) == "chunked"
    content = iter([body[:3], body[3:]]) if chunked else body or None
    return client.request(request["method"], request["path"].removeprefix("/v1"), headers=headers, content=content)


def _check(request: dict[str, Any], response: httpx.Response) -> tuple[str, str, str, str] | None:
    """The row of `KEYS` that the answer was held to."""
    path = request["path"].partition("?")[0].replace("%3A", ":")
    if path.endswith("uuid:nobody"):
        assert response.status_code == 404
        assert response.json()["code"] == 404.1
        return None
    assert response.is_success, (request["method"], request["path"], response.text)
    if BYTES.fullmatch(path):
        assert response.content.startswith(b"<?xml")
        return None
    value = response.json()
    items = value if isinstance(value, list) else [value]
    if not items:
        assert LISTED_EMPTY.fullmatch(path), path
        return None
    if "entities" in json.loads(request["text"] if request.get("text", "").startswith("{") else "{}"):
        assert value == {"success": True}
        return None
    for row in KEYS:
        method, address, filled, there = row
        if re.fullmatch(method, request["method"]) and re.fullmatch(address, path):
            for item in items:
                assert [key for key in filled.split() if item.get(key) is None] == [], path
                assert [key for key in there.split() if key not in item] == [], path
                version = item.get("currentVersion", {}) if "/entities" in path else {}
                assert not version or [key for key in VERSION.split() if version.get(key) is None] == [], path
                assert all(isinstance(item[key], int) for key in ("submitterId", "actorId") if key in item)
            return row
    raise AssertionError(f"no row of KEYS holds {request['method']} {path}")


def test_every_request_that_pyodk_sends_is_answered_with_the_keys_it_needs(central: Central, folder: Path) -> None:
    requests = json.loads((HERE / "pyodk_requests.json").read_text(encoding="utf-8"))
    again = {"method": "GET", "path": "/v1/projects/1/app-users", "headers": {}, "text": ""}
    with central.client() as client:
        held = {_check(request, _send(client, request, folder)) for request in [*requests, again]}
    assert [row for row in KEYS if row not in held] == []
