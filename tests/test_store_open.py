"""Opening a store: what is made, who may read it, and what is said when it can't be opened."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from schemas.errors import StoreError
from schemas.tables import attachments, metadata, settings
from store.complaints import translated
from store.migrate import head
from store.open import Store, open_store

Opener = Callable[[], Store]


def test_migrations_lead_to_the_tables_that_the_code_uses(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == head()
        assert compare_metadata(context, metadata) == []


def test_opening_again_changes_nothing(open_again: Opener) -> None:
    with open_again() as store, store.begin() as connection:
        connection.execute(insert(settings).values(name="kept", value=b"1"))
    with open_again() as store, store.read() as connection:
        assert connection.scalar(select(settings.c.value)) == b"1"


def test_two_programs_may_open_a_new_store_at_once(open_again: Opener) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            open_again().close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_newer_database_is_refused_with_advice(open_again: Opener) -> None:
    with open_again() as store, store.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"^STO-004 .*9999.*Install the newer Comunal"):
        open_again()


def test_only_the_owner_may_read_the_data(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        with open_store(folder) as store:
            content = store.blobs.hold(b"x" * 300_000)
            with store.begin() as connection:
                store.blobs.put(connection, [content])
            modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    finally:
        os.umask(before)
    assert len(modes) > 8
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_a_commit_on_sqlite_is_synced_and_written_ahead(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.begin() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_failed_block_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(RuntimeError), store.begin() as connection:
        connection.execute(insert(settings).values(name="half", value=b"1"))
        raise RuntimeError
    with store.read() as connection:
        assert connection.scalar(select(settings.c.name)) is None


def test_reading_sees_one_moment_and_blocks_no_writer(store: Store) -> None:
    with store.read() as reading:
        assert reading.scalar(select(settings.c.name)) is None
        with store.begin() as writing:
            writing.execute(insert(settings).values(name="later", value=b"1"))
        assert reading.scalar(select(settings.c.name)) is None
    with store.read() as reading:
        assert reading.scalar(select(settings.c.name)) == "later"


def test_a_row_that_points_nowhere_is_refused_without_repeating_it(store: Store) -> None:
    row = {"submission_id": 77, "name": "secreto.jpg", "sha256": "0" * 64, "content_type": "", "is_conflict": False}
    with pytest.raises(StoreError, match=r"^STO-007") as caught, store.begin() as connection:
        connection.execute(text("SELECT 1"))
        connection.execute(insert(attachments).values(**row, received_at=None))
    assert "secreto" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "can't be reached"),
        ("mysql://somewhere/db", "is for mysql"),
        ("no address", "can't be read"),
    ],
)
def test_an_unreachable_database_is_told_with_advice(tmp_path: Path, url: str, what: str) -> None:
    with pytest.raises(StoreError, match=f"^STO-001 .*{what}") as caught:
        open_store(tmp_path, url)
    assert caught.value.advice


def test_a_wrong_password_or_name_of_the_database_is_told(tmp_path: Path, postgres_server: str) -> None:
    with pytest.raises(StoreError, match=r"^STO-001 The database can't be reached"):
        open_store(tmp_path, f"{postgres_server}/nothing_there")


class Complaint(Exception):
    """What psycopg raises, as far as it matters."""

    def __init__(self, state: str | None) -> None:
        super().__init__("Key (instance_id)=(Rosa) already exists")
        self.sqlstate = state


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", "STO-002"),
        ("25006", "STO-003"),
        ("42501", "STO-003"),
        ("40P01", "STO-005"),
        ("57P01", "STO-001"),
        ("53300", "STO-001"),
        ("08006", "STO-001"),
        ("XX001", "STO-006"),
        ("23505", "STO-007"),
        (None, "STO-007"),
    ],
)
def test_what_postgresql_complains_of_is_told_without_its_words(state: str | None, code: str) -> None:
    with pytest.raises(StoreError, match=code) as caught, translated():
        raise DBAPIError("INSERT", {"instance_id": "Rosa"}, Complaint(state))
    assert "Rosa" not in str(caught.value)
    assert caught.value.advice


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "x"), "STO-002"),
        (PermissionError(errno.EACCES, "x"), "STO-003"),
        (InvalidRequestError("x"), "STO-007"),
    ],
)
def test_what_the_disk_complains_of_is_told(error: Exception, expected: str) -> None:
    with pytest.raises(StoreError, match=expected), translated():
        raise error


def test_an_error_of_another_kind_stays_what_it_is() -> None:
    with pytest.raises(FileNotFoundError), translated():
        raise FileNotFoundError(errno.ENOENT, "x")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "comunal.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"^STO-006"):
        open_store(tmp_path)


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match=r"^STO-003"):
        open_store(tmp_path / "data")
