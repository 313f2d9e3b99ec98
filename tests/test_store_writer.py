"""The law of the door: what was acknowledged is never lost, and one bad submission costs nobody else theirs."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from schemas.errors import StoreError
from store.arrivals import Malformed, NewSubmission, Outcome
from store.blobs import ContentWriter
from store.forms import add_form_version
from store.open import Store, open_store
from store.submissions import count_submissions, list_unparsed
from store.writer import GroupWriter

FORM = "encuesta"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def register(store: Store) -> None:
    with store.begin() as connection:
        add_form_version(
            connection, store.blobs, form_id=FORM, version="1", title="E", xform=b"<x/>", workbook=None, media={}
        )


def new(instance: str, size: int = 0) -> NewSubmission:
    return NewSubmission(FORM, "1", instance, f"<data><i>{instance}</i>{'x' * size}</data>".encode(), NOW)


def received(store: Store) -> int:
    with store.read() as connection:
        return count_submissions(connection, FORM).received


@pytest.fixture
def writer(store: Store) -> Iterator[GroupWriter]:
    register(store)
    made = GroupWriter(store)
    yield made
    made.close()


def test_many_callers_share_few_commits(store: Store, writer: GroupWriter) -> None:
    commits: list[object] = []
    event.listen(store.engine, "commit", commits.append)

    async def burst() -> list[Outcome]:
        return await asyncio.gather(*(writer.add(new(f"i{number}")) for number in range(500)))

    outcomes = asyncio.run(burst())
    assert {outcome.status for outcome in outcomes} == {"added"}
    assert [outcome.instance_id for outcome in outcomes] == [f"i{number}" for number in range(500)]
    assert received(store) == 500
    assert len(commits) < 50


def test_a_bad_item_costs_its_neighbours_nothing(store: Store, writer: GroupWriter) -> None:
    # No person has that number: the database refuses the row, and with it the whole transaction.
    bad = NewSubmission(FORM, "1", "bad", b"<data/>", NOW, person_id=4711)

    async def burst() -> list[Outcome | BaseException]:
        waiting = [writer.add(new(f"i{number}")) for number in range(20)]
        waiting.insert(10, writer.add(bad))
        return await asyncio.gather(*waiting, return_exceptions=True)

    results = asyncio.run(burst())
    (failed,) = [result for result in results if isinstance(result, BaseException)]
    assert results.index(failed) == 10
    assert isinstance(failed, StoreError)
    assert failed.code == "STO-007"
    assert received(store) == 20
    assert writer.add_now(new("after")).status == "added"


def test_a_caller_that_gives_up_does_not_stop_the_writer(store: Store, writer: GroupWriter) -> None:
    async def impatient() -> None:
        tasks = [asyncio.ensure_future(writer.add(new(f"i{number}"))) for number in range(50)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(impatient())
    assert writer.add_now(new("after")).status == "added"
    assert received(store) >= 26


def test_closing_writes_whatever_waits_and_refuses_the_rest(store: Store, writer: GroupWriter) -> None:
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda n=n: outcomes.append(writer.add_now(new(f"i{n}")))) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert len(outcomes) == received(store) == 30
    with pytest.raises(StoreError, match=r"^STO-014"):
        writer.add_now(new("late"))


def test_quarantine_goes_the_same_way(store: Store, writer: GroupWriter) -> None:
    item = Malformed(store.blobs.hold(b"<data"), "SUB-006", "cut off", NOW)
    asyncio.run(writer.quarantine(item))
    with store.read() as connection:
        assert count_submissions(connection, FORM).quarantined == 1


CHILD = """
    import sys, threading
    from datetime import UTC, datetime
    from pathlib import Path
    from store.arrivals import NewSubmission
    from store.open import open_store
    from store.writer import GroupWriter

    folder, url = Path(sys.argv[1]), sys.argv[2] or None
    writer = GroupWriter(open_store(folder, url))
    lock = threading.Lock()

    def send(phone):
        for number in range(10_000):
            instance = f"{phone}-{number}"
            size = 300_000 if number % 50 == 7 else 3_000
            xml = f"<data><i>{instance}</i>{'x' * size}</data>".encode()
            now = datetime.now(UTC)
            item = NewSubmission("encuesta", "1", instance, xml, now, content=writer._store.blobs.hold(xml))
            writer.add_now(item)
            with lock:
                print(instance, flush=True)

    threads = [threading.Thread(target=send, args=(phone,)) for phone in range(8)]
    for thread in threads:
        thread.start()
"""


@pytest.mark.parametrize("acknowledged", [1, 60, 400])
def test_kill_9_loses_nothing_that_was_acknowledged(
    open_again: Callable[[], Store], request: pytest.FixtureRequest, tmp_path: Path, acknowledged: int
) -> None:
    with open_again() as store:
        register(store)
        url = str(store.engine.url) if store.engine.dialect.name == "postgresql" else ""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path / "data"), url],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[1],
        text=True,
    )
    assert child.stdout is not None
    with child.stdout as lines:
        heard = [next(lines).strip() for _ in range(acknowledged)]
        child.send_signal(signal.SIGKILL)
        heard += [line.strip() for line in lines if line.endswith("\n")]
    child.wait()
    assert child.returncode == -signal.SIGKILL
    with open_again() as store, store.read() as connection:
        stored = {raw.instance_id: raw.xml for raw in list_unparsed(connection, store.blobs, FORM, limit=100_000)}
    assert set(heard) <= set(stored)
    assert all(f"<i>{instance}</i>".encode() in xml for instance, xml in stored.items())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if mount is None or os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can't be mounted here: that takes root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


def test_a_full_disk_is_told_and_loses_nothing(small_disk: Path) -> None:
    with open_store(small_disk / "data") as store:
        register(store)
        writer = GroupWriter(store)
        heard = [writer.add_now(new(f"i{number}", 1000)).instance_id for number in range(50)]
        ballast = small_disk / "ballast"
        with ballast.open("wb") as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(b"\0" * 65536)
                file.flush()
        for number in range(3):
            with pytest.raises(StoreError, match=r"^STO-002 The disk is full: nothing was stored"):
                for size in (200_000, 200_000, 200_000):
                    writer.add_now(new(f"full{number}{size}", size))
        content = ContentWriter(store.blobs)
        with pytest.raises(StoreError, match=r"^STO-002"):
            content.write(b"x" * 3_000_000)
        content.discard()
        assert list(store.blobs.incoming.iterdir()) == []
        ballast.unlink()
        heard.append(writer.add_now(new("after", 1000)).instance_id)
        writer.close()
    with open_store(small_disk / "data") as store, store.read() as connection:
        stored = {raw.instance_id for raw in list_unparsed(connection, store.blobs, FORM)}
    assert set(heard) <= stored


def test_a_file_that_may_not_grow_is_told_and_loses_nothing(tmp_path: Path) -> None:
    script = """
        import resource, signal, sys
        from pathlib import Path
        sys.path.insert(0, "tests")
        from test_store_writer import GroupWriter, StoreError, new, open_store, received, register
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = open_store(Path(sys.argv[1]))
        register(store)
        writer = GroupWriter(store)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
        heard, errors = 0, set()
        for number in range(40):
            try:
                writer.add_now(new(f"i{number}", 100_000))
                heard += 1
            except StoreError as error:
                errors.add(error.code)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert writer.add_now(new("after")).status == "added"
        print(heard, received(store) - 1, *sorted(errors))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "data")],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    heard, stored, *errors = done.stdout.split()
    assert 0 < int(heard) == int(stored) < 40
    assert errors == ["STO-002"]


def test_what_one_turn_of_a_loop_brings_is_one_transaction(store: Store, writer: GroupWriter) -> None:
    commits: list[object] = []
    event.listen(store.engine, "commit", commits.append)

    async def turn() -> None:
        await asyncio.gather(*(writer.add(new(f"i{number}")) for number in range(100)))

    asyncio.run(turn())
    assert len(commits) == 1


def test_a_loop_that_ended_costs_the_next_one_nothing(store: Store, writer: GroupWriter) -> None:
    async def abandon() -> None:
        task = asyncio.ensure_future(writer.add(new("abandoned")))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(abandon())
    assert asyncio.run(writer.add(new("next"))).status == "added"


def test_postgresql_packs_contents_by_lz4_where_it_can(store: Store) -> None:
    if store.engine.dialect.name != "postgresql":
        pytest.skip("SQLite packs nothing")
    with store.read() as connection:
        known = connection.exec_driver_sql(
            "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
        ).scalar()
        if known is None or "lz4" not in known:
            pytest.skip("this PostgreSQL was built without LZ4")
        assert connection.exec_driver_sql("SHOW default_toast_compression").scalar() == "lz4"
