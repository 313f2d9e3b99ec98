"""Contents by digest: in pieces, small or large, kept or forgotten."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import StoreError
from store.blobs import ROW_BYTES, Content, ContentWriter
from store.folders import file_durably
from store.open import Store, open_store


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("store") / "data") as store:
        yield store


def read(store: Store, content: Content) -> bytes:
    with store.begin() as connection:
        store.blobs.put(connection, [content, content])
        return store.blobs.read(connection, content.sha256)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(0, 100))
def test_however_it_comes_in_pieces_it_is_the_same_content(opened: Store, pieces: list[bytes], memory: int) -> None:
    whole = b"".join(pieces)
    writer = ContentWriter(opened.blobs, memory)
    for piece in pieces:
        writer.write(piece)
    assert writer.is_large == (len(whole) > memory)
    content = writer.finish()
    writer.discard()
    assert (content.sha256, content.size) == (hashlib.sha256(whole).hexdigest(), len(whole))
    assert read(opened, content) == whole
    assert list(opened.blobs.incoming.iterdir()) == []


@pytest.mark.parametrize("size", [0, ROW_BYTES, ROW_BYTES + 1])
def test_only_large_contents_become_files(opened: Store, size: int) -> None:
    content = opened.blobs.hold(os.urandom(size))
    assert (content.data is None) == opened.blobs.path(content.sha256).exists() == (size > ROW_BYTES)
    assert len(read(opened, content)) == size


def test_the_repr_of_a_content_does_not_show_it(opened: Store) -> None:
    assert "Rosa" not in repr(opened.blobs.hold(b"Rosa"))


def test_what_is_discarded_leaves_nothing(opened: Store) -> None:
    for size in (10, 1000):
        writer = ContentWriter(opened.blobs, 100)
        writer.write(b"x" * size)
        writer.discard()
        writer.discard()
    assert list(opened.blobs.incoming.iterdir()) == []


def test_what_a_crash_left_is_swept_once_it_is_old(opened: Store) -> None:
    writer = ContentWriter(opened.blobs, 0)
    writer.write(b"half")
    assert opened.blobs.sweep() == 0
    assert opened.blobs.sweep(older_than_seconds=-1) == 1
    writer.discard()
    assert list(opened.blobs.incoming.iterdir()) == []


def test_a_content_that_is_not_stored_is_told_by_its_digest(opened: Store) -> None:
    with opened.read() as connection, pytest.raises(StoreError, match=rf"^STO-012 .*{'0' * 64}"):
        opened.blobs.read(connection, "0" * 64)


def test_a_file_takes_its_name_whole_and_private(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.write_bytes(b"all of it")
    temporary.chmod(0o644)
    final = tmp_path / "a" / "b" / "final"
    file_durably(temporary, final)
    assert final.read_bytes() == b"all of it"
    assert not temporary.exists()
    assert final.stat().st_mode & 0o777 == 0o600
    assert final.parent.stat().st_mode & 0o777 == 0o700


def test_many_large_rows_are_stored_in_several_statements(opened: Store) -> None:
    contents = [opened.blobs.hold(os.urandom(ROW_BYTES)) for _ in range(9)] + [opened.blobs.hold(b"small")]
    with opened.begin() as connection:
        opened.blobs.put(connection, contents)
        read = opened.blobs.read_many(connection, [content.sha256 for content in contents])
    assert [read[content.sha256] for content in contents] == [content.data for content in contents]
