"""`comunal backup` and `restore` as commands, while a server receives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openrosa_phone as phone
import pytest

from flows.keys import make_keys
from store.open import open_store
from store.submissions import list_unparsed

ROOT = Path(__file__).resolve().parents[1]
PASSPHRASE = "cuatro palabras al azar"
pytestmark = pytest.mark.slow


def comunal(*arguments: object) -> tuple[int, dict[str, object]]:
    """Exit status, and what it printed for machines."""
    environment = {**os.environ, "COMUNAL_KEY_PASSPHRASE": PASSPHRASE}
    environment.pop("COMUNAL_DATABASE_URL", None)
    command = [sys.executable, "-m", "flows.cli", *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    found: dict[str, object] = json.loads((done.stdout or done.stderr).splitlines()[-1])
    return done.returncode, found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[object]:
    made = phone.Running(tmp_path / "data")
    yield made
    made.close()


def test_a_server_is_backed_up_sealed_verified_and_restored(running: phone.Running, tmp_path: Path) -> None:
    keys = make_keys("quilicura", tmp_path / "keys", PASSPHRASE)
    world = running.world
    sent = {world.fresh(): b"x" * 300_000 for _ in range(3)}
    for instance, photo in sent.items():
        assert world.send(phone.submission(instance), {"a.jpg": photo}).status_code == 201
    data, place = tmp_path / "data", tmp_path / "away" / "copia.tar.gz.sealed"
    status, made = comunal("backup", place, "--public-key", keys.public_file, "--data", data)
    assert (status, made["submissions"]) == (0, 3)
    assert world.send(phone.submission(world.fresh())).status_code == 201
    assert comunal("backup", "--check", place)[1]["error"]["code"] == "STO-083"  # type: ignore[index]
    status, checked = comunal("backup", "--check", place, "--private-key", keys.private_file)
    assert (status, checked["contents"]) == (0, made["contents"])
    again = tmp_path / "again"
    status, _ = comunal("restore", place, "--private-key", keys.private_file, "--data", again)
    assert status == 0
    with open_store(again) as store, store.read() as connection:
        stored = {raw.instance_id: raw.xml for raw in list_unparsed(connection, store.blobs, phone.FORM)}
    assert stored == {instance: phone.submission(instance) for instance in sent}
    status, refused = comunal("restore", place, "--private-key", keys.private_file, "--data", again)
    assert (status, refused["error"]["code"]) == (6, "STO-085")  # type: ignore[index]
