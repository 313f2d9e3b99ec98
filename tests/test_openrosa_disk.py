"""A disk that is full or lets nobody write: the phone is told, nothing acknowledged is lost, and later all goes on."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import openrosa_phone as phone
import pytest

from schemas.errors import StoreError
from store.open import open_store
from store.submissions import list_attachments, list_unparsed

World, message, xml = phone.World, phone.message, phone.submission
SENTENCE = "La encuesta sigue en su teléfono: envíela más tarde."


def mount(folder: Path, *options: str) -> None:
    """Mount a disk in memory, or change how it is mounted; skips where that isn't allowed."""
    folder.mkdir(exist_ok=True)
    command = [shutil.which("mount") or "mount", "-t", "tmpfs", *options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk of its own can't be mounted here: that takes root")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with 12 MiB."""
    folder = tmp_path / "disk"
    mount(folder, "-o", "size=12m")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


def stored(data: Path) -> dict[str, tuple[bytes, dict[str, bytes]]]:
    """Instance id -> XML, and name -> bytes of its files."""
    found: dict[str, tuple[bytes, dict[str, bytes]]] = {}
    with open_store(data) as store, store.read() as connection:
        for raw in list_unparsed(connection, store.blobs, phone.FORM):
            files = list_attachments(connection, raw.submission_id)
            found[raw.instance_id] = (
                raw.xml,
                {file.name: store.blobs.read(connection, file.sha256) for file in files},
            )
    return found


def refused(answer: httpx.Response) -> bool:
    """Whether it is refused as by a server that can't store now; anything else that isn't 201 is a mistake."""
    if answer.status_code == 201:
        return False
    assert (answer.status_code, SENTENCE in message(answer)) == (503, True), message(answer)
    return True


@pytest.mark.parametrize("size", [20_000, 400_000], ids=["rows", "files"])
def test_a_full_disk_refuses_keeps_what_it_has_and_takes_the_rest_when_there_is_room(disk: Path, size: int) -> None:
    world = World(disk / "data")
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * 6_000_000)
    sent: dict[str, tuple[bytes, dict[str, bytes]]] = {}
    heard: set[str] = set()
    refusals = 0
    for number in range(1000):
        instance = world.fresh()
        sent[instance] = (xml(instance, "x" * 5_000), {"a.jpg": bytes([number % 256]) * size})
        if refused(world.send(*sent[instance])):
            refusals += 1
            if refusals == 5:
                break
        else:
            heard.add(instance)
    assert refusals == 5
    assert heard
    # What isn't a submission can't be kept in quarantine either: the phone keeps it, and sends it again.
    assert world.send(b"<data" + b"x" * 3_000_000).status_code in {400, 503}
    assert list(world.store.blobs.incoming.iterdir()) == []
    ballast.unlink()
    for instance in set(sent) - heard:
        assert world.send(*sent[instance]).status_code == 201
    world.close()
    assert stored(disk / "data") == sent


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_refuses_files_is_told_and_the_interview_is_taken_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    world = World(tmp_path / "data")
    large = {"a.jpg": b"x" * 400_000, "b.jpg": b"y" * 2_000_000}
    assert world.send(xml("uuid:1"), large).status_code == 201

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    for target in ("store.blobs.tempfile.mkstemp", "store.blobs.os.fsync", "store.folders.sync_folder"):
        with monkeypatch.context() as patch:
            patch.setattr(target, refuse)
            assert refused(world.send(xml("uuid:2"), {"a.jpg": b"z" * 3_000_000}))
            assert refused(world.send(b"<data id='" + b"x" * 400_000))
        assert list(world.store.blobs.incoming.iterdir()) == []
    assert world.counts().received == 1
    assert world.send(xml("uuid:2"), {"a.jpg": b"z" * 3_000_000}).status_code == 201
    world.close()
    assert stored(tmp_path / "data")["uuid:2"][1] == {"a.jpg": b"z" * 3_000_000}


def test_a_database_that_may_only_be_read_is_told_and_written_again_later(tmp_path: Path) -> None:
    world = World(tmp_path / "data")
    assert world.send(xml("uuid:1")).status_code == 201
    connections: list[object] = []

    def forbid(connection: object, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]
        connections.append(connection)

    from sqlalchemy import event

    world.store.engine.dispose()
    event.listen(world.store.engine, "connect", forbid)
    assert refused(world.send(xml("uuid:2"), {"a.jpg": b"1"}))
    assert refused(world.send(b"<data"))
    event.remove(world.store.engine, "connect", forbid)
    world.store.engine.dispose()
    assert connections
    assert world.send(xml("uuid:2"), {"a.jpg": b"1"}).status_code == 201
    world.close()
    assert set(stored(tmp_path / "data")) == {"uuid:1", "uuid:2"}


def test_a_server_does_not_start_on_a_disk_that_may_only_be_read_and_says_why(disk: Path) -> None:
    world = World(disk / "data")
    assert world.send(xml("uuid:1"), {"a.jpg": b"x" * 400_000}).status_code == 201
    world.close()
    mount(disk, "-o", "remount,ro")
    with pytest.raises(StoreError, match=r"^STO-003"):
        open_store(disk / "data")
    mount(disk, "-o", "remount,rw")
    assert stored(disk / "data")["uuid:1"][1] == {"a.jpg": b"x" * 400_000}
