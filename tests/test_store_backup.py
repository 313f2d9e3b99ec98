"""Backups of a store in use, and the way back: every hash is compared, whatever database it came from or goes to."""

from __future__ import annotations

import hashlib
import random
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from sqlalchemy import inspect, select

from schemas.errors import StoreError
from schemas.tables import blobs, metadata, submissions
from store.arrivals import Malformed, NewAttachment, NewSubmission, add_malformed
from store.backup import back_up
from store.backup_places import list_snapshots
from store.checking import check_backup
from store.findings import put_findings
from store.forms import add_form_version
from store.open import Store, open_store
from store.people import add_person
from store.restore import restore_backup
from store.sealing import PIECE, SealedReader, SealingWriter
from store.settings import personal_key
from store.snapshots import store_counts
from store.submissions import list_attachments, list_unparsed
from store.tables import register_batch, write_segment
from store.writer import GroupWriter

FORM = "encuesta"
NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
LARGE = bytes(range(256)) * 1200  # a file of the blob folder


def new(store: Store, number: int) -> NewSubmission:
    """A submission; some have large files, some an edit."""
    xml = f"<data id='{FORM}'><i>{number}</i><t>ñ {'x' * (number % 7)}</t></data>".encode()
    files = ()
    if number % 10 == 3:
        files = (
            NewAttachment("foto.jpg", store.blobs.hold(LARGE + str(number).encode()), "image/jpeg"),
            NewAttachment("audit.csv", store.blobs.hold(f"event,{number}".encode()), "text/csv"),
        )
    edits = f"i{number - 1}" if number % 10 == 5 else None
    return NewSubmission(FORM, "1", f"i{number}", xml, NOW, edits, attachments=files)


def fill(store: Store) -> None:
    """Something in most tables, and files besides the database."""
    with store.begin() as connection:
        add_form_version(
            connection, store.blobs, form_id=FORM, version="1", title="E", xform=b"<x/>", workbook=b"PK" + LARGE,
            media={"a.csv": b"name\n1\n"},
        )  # fmt: skip
        add_person(connection, "Rosa", "enumerator", login=True)
        personal_key(connection)
        add_malformed(connection, store.blobs, [Malformed(store.blobs.hold(b"<data"), "SUB-006", "cut", NOW)])
        put_findings(connection, FORM, [], [])
    writer = GroupWriter(store)
    for number in range(20):
        writer.add_now(new(store, number))
    writer.close()
    segment = write_segment(store.data, FORM, "main", pl.DataFrame({"a": [1, 2]}))
    with store.begin() as connection:
        register_batch(connection, FORM, "1", "0" * 64, [segment], NOW)
    release = store.data / "releases" / "r1"
    release.mkdir(parents=True)
    (release / "estimates.csv").write_bytes(b"a,b\n1,2\n")
    (release / "copy.csv").write_bytes(b"a,b\n1,2\n")
    (store.data / "releases" / "latest").symlink_to("r1")


def everything(store: Store) -> dict[str, object]:
    """Every row of every table, and the digest of every file besides."""
    found: dict[str, object] = {}
    with store.read() as connection:
        for table in metadata.sorted_tables:
            found[table.name] = connection.execute(select(table).order_by(*table.primary_key.columns)).all()
    for top in ("blobs", "tables", "releases"):
        for path in sorted((store.data / top).rglob("*")):
            if path.is_file():
                found[str(path.relative_to(store.data))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store)
    return store


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
def target(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], tuple[Path, str | None]]:
    def make(database: str) -> tuple[Path, str | None]:
        url = request.getfixturevalue("postgres_url") if database == "postgresql" else None
        return tmp_path / "restored", url

    return make


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
@pytest.mark.parametrize("place", ["copies", "copy.tar", "copy.tar.gz"])
def test_a_backup_brings_everything_back(
    filled: Store, tmp_path: Path, to: str, place: str, target: Callable[[str], tuple[Path, str | None]]
) -> None:
    made = back_up(filled, tmp_path / "away" / place)
    assert (made.submissions, made.kept) == (20, 0)
    assert check_backup(tmp_path / "away" / place).contents == made.contents
    data, url = target(to)
    restore_backup(tmp_path / "away" / place, data, url)
    with open_store(data, url) as restored:
        assert everything(restored) == everything(filled)
        assert (data / "releases" / "latest" / "estimates.csv").read_bytes() == b"a,b\n1,2\n"
        # Numbers go on where they were, and the store takes what comes next.
        writer = GroupWriter(restored)
        outcome = writer.add_now(new(restored, 20))
        assert (outcome.status, outcome.submission_id) == ("added", 21)
        assert writer.add_now(new(restored, 3)).status == "duplicate"
        writer.close()
    assert not [path for path in data.iterdir() if path.name.startswith(".restore")]


def test_what_was_acknowledged_before_is_in_a_backup_made_while_more_arrives(
    filled: Store, tmp_path: Path, target: Callable[[str], tuple[Path, str | None]]
) -> None:
    writer = GroupWriter(filled)
    heard: dict[str, bytes] = {}
    done = threading.Event()

    def phone(first: int) -> None:
        number = first
        while not done.is_set():
            item = new(filled, number)
            writer.add_now(item)
            heard[item.instance_id] = item.xml
            number += 1

    threads = [threading.Thread(target=phone, args=(first * 10_000,)) for first in range(1, 5)]
    for thread in threads:
        thread.start()
    try:
        for number in range(3):
            while len(heard) < 40 * (number + 1):
                done.wait(0.01)
            before = dict(heard)
            back_up(filled, tmp_path / "away")
            with_files = [name for name in before if int(name[1:]) % 10 == 3]
            data = tmp_path / f"restored{number}"
            restore_backup(tmp_path / "away", data)
            with open_store(data) as restored, restored.read() as connection:
                raws = {raw.instance_id: raw for raw in list_unparsed(connection, restored.blobs, FORM, limit=100_000)}
                assert {name: raws[name].xml for name in before} == before
                for name in with_files:
                    files = list_attachments(connection, raws[name].submission_id)
                    assert [file.name for file in files] == ["audit.csv", "foto.jpg"]
                    photo = restored.blobs.read(connection, files[1].sha256)
                    assert photo == LARGE + name[1:].encode()
    finally:
        done.set()
        for thread in threads:
            thread.join()
        writer.close()
    assert len(heard) > len(before)


def test_a_second_backup_into_a_folder_copies_only_what_is_new_and_keeps_as_many_as_asked(
    filled: Store, tmp_path: Path
) -> None:
    first = back_up(filled, tmp_path / "away")
    assert (first.copied, first.kept) == (first.files, 0)
    writer = GroupWriter(filled)
    writer.add_now(new(filled, 33))
    writer.close()
    second = back_up(filled, tmp_path / "away")
    assert (second.copied, second.kept) == (1, first.files)
    names = [path.name for path in list_snapshots(tmp_path / "away")]
    assert len(names) == 2
    assert [check_backup(tmp_path / "away", snapshot=name).submissions for name in names] == [20, 21]
    shutil.rmtree(filled.data / "releases")
    back_up(filled, tmp_path / "away", keep=1)
    (only,) = list_snapshots(tmp_path / "away")
    pool = {path.name for path in (tmp_path / "away" / "files").glob("*/*")}
    assert len(pool) == check_backup(tmp_path / "away").files == first.files
    with pytest.raises(StoreError, match=rf"^STO-082 .*{only.name}"):
        check_backup(tmp_path / "away", snapshot=names[0])


@pytest.mark.parametrize("place", ["away", "away.tar"])
def test_nobody_else_reads_a_backup_or_what_is_restored(filled: Store, tmp_path: Path, place: str) -> None:
    back_up(filled, tmp_path / place)
    restore_backup(tmp_path / place, tmp_path / "restored")
    paths = [tmp_path / place, *(tmp_path / place).rglob("*"), *(tmp_path / "restored").rglob("*")]
    open_to_others = [path for path in paths if not path.is_symlink() and path.stat().st_mode & 0o077]
    # Folders of the data folder are closed by the one above them.
    assert [path for path in open_to_others if path.is_file() or path == tmp_path / place] == []
    assert stat.S_IMODE((tmp_path / "restored").stat().st_mode) == 0o700


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("small") / "data") as store:
        fill(store)
        yield store


def restores_the_same(place: Path, data: Path, expected: dict[str, object]) -> bool:
    """Whether the restore is complete; false if it was refused and left nothing."""
    try:
        restore_backup(place, data)
    except StoreError as error:
        assert error.code in {"STO-081", "STO-083"}
        assert list(data.iterdir()) == []
        return False
    with open_store(data) as restored:
        assert everything(restored) == expected
    shutil.rmtree(data)
    return True


def test_a_damaged_file_is_noticed_or_the_damage_touched_nothing(small: Store, tmp_path: Path) -> None:
    back_up(small, tmp_path / "copy.tar")
    whole = (tmp_path / "copy.tar").read_bytes()
    expected = everything(small)
    rng = random.Random(3)  # noqa: S311
    noticed = 0
    for number in range(16):
        damaged = bytearray(whole)
        if number % 4 == 0:
            del damaged[rng.randrange(len(whole) - 12_000) :]
        else:
            damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        (tmp_path / "damaged.tar").write_bytes(damaged)
        noticed += not restores_the_same(tmp_path / "damaged.tar", tmp_path / "restored", expected)
    assert noticed > 8


def test_a_folder_that_lost_or_changed_a_file_is_noticed(small: Store, tmp_path: Path) -> None:
    back_up(small, tmp_path / "away")
    (snapshot,) = list_snapshots(tmp_path / "away")
    victims = [*sorted((tmp_path / "away" / "files").glob("*/*"))[:3], *sorted(snapshot.iterdir())]
    for victim in victims:
        kept = victim.read_bytes()
        for content in (None, kept[:-5], bytes([kept[0] ^ 1]) + kept[1:]):
            victim.unlink()
            if content is not None:
                victim.write_bytes(content)
            with pytest.raises(StoreError, match=r"^STO-08[12]"):
                check_backup(tmp_path / "away")
            victim.write_bytes(kept)
    check_backup(tmp_path / "away")


def test_a_sealed_backup_opens_for_its_key_alone(small: Store, tmp_path: Path, key: RSAPrivateKey) -> None:
    place = tmp_path / "copy.tar.gz.sealed"
    back_up(small, place, key.public_key())
    sealed = place.read_bytes()
    assert b"SQLite" not in sealed
    with pytest.raises(StoreError, match=r"^STO-083 The backup is sealed.*--private-key"):
        check_backup(place)
    other = generate_private_key(65537, 2048)
    with pytest.raises(StoreError, match=r"^STO-083 The backup is sealed for another key"):
        check_backup(place, lambda: other)
    assert check_backup(place, lambda: key).submissions == 20
    restore_backup(place, tmp_path / "restored", None, lambda: key)
    with open_store(tmp_path / "restored") as restored:
        assert everything(restored) == everything(small)
    for damaged in (sealed[:-1], sealed[:-5_000], sealed[:5_000] + b"x" + sealed[5_001:], sealed + b"x"):
        place.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"^STO-08[13]"):
            check_backup(place, lambda: key)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7])
def test_sealing_gives_back_any_length_and_no_piece_can_be_left_out(
    tmp_path: Path, key: RSAPrivateKey, size: int
) -> None:
    data = random.Random(size).randbytes(size)  # noqa: S311
    with (tmp_path / "sealed").open("wb") as file, SealingWriter(file, key.public_key()) as writer:
        for start in range(0, size, 300_000):
            writer.write(data[start : start + 300_000])
    with (tmp_path / "sealed").open("rb") as file:
        assert SealedReader(file, key).readall() == data
    sealed = (tmp_path / "sealed").read_bytes()
    if size > PIECE:
        (tmp_path / "sealed").write_bytes(sealed[: len(sealed) - (size - PIECE) - 16])
        with (tmp_path / "sealed").open("rb") as file, pytest.raises(StoreError, match=r"^STO-081"):
            SealedReader(file, key).readall()


def test_places_that_would_lose_something_are_refused(small: Store, tmp_path: Path) -> None:
    (tmp_path / "there.tar").write_bytes(b"x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("x")
    for place in (tmp_path / "there.tar", tmp_path / "full", small.data / "inside", small.data):
        with pytest.raises(StoreError, match=r"^STO-080"):
            back_up(small, place)
    back_up(small, tmp_path / "away")
    with pytest.raises(StoreError, match=r"^STO-085"):
        restore_backup(tmp_path / "away", tmp_path / "full")
    with pytest.raises(StoreError, match=r"^STO-085"):
        restore_backup(tmp_path / "away", small.data)
    assert (tmp_path / "full" / "letter.txt").read_text() == "x"
    for nothing in (tmp_path / "nothing", tmp_path / "full"):
        with pytest.raises(StoreError, match=r"^STO-082"):
            check_backup(nothing)
    with pytest.raises(StoreError, match=r"^STO-081"):
        check_backup(tmp_path / "there.tar")


def test_a_database_with_rows_is_refused(small: Store, tmp_path: Path, postgres_ready: str) -> None:
    with open_store(tmp_path / "other", postgres_ready) as other:
        fill(other)
    back_up(small, tmp_path / "away")
    with pytest.raises(StoreError, match=r"^STO-085 The database isn't empty"):
        restore_backup(tmp_path / "away", tmp_path / "restored", postgres_ready)
    assert list((tmp_path / "restored").iterdir()) == []


def test_a_store_that_lost_a_content_makes_no_backup(store: Store, tmp_path: Path) -> None:
    fill(store)
    with store.begin() as connection:
        digest = connection.scalar(select(submissions.c.sha256).limit(1))
        connection.execute(blobs.update().where(blobs.c.sha256 == digest).values(bytes=b"other"))
    for place in ("away", "copy.tar"):
        with pytest.raises(StoreError, match=r"^STO-081"):
            back_up(store, tmp_path / place)
    assert not (tmp_path / "copy.tar").exists()
    assert list_snapshots(tmp_path / "away") == []


def test_every_table_of_the_database_is_copied(store: Store) -> None:
    names = set(inspect(store.engine).get_table_names()) - {"alembic_version"}
    with store.read() as connection:
        assert set(store_counts(connection)) == names
