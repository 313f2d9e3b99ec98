"""Archives and signatures of a release: the same bytes each time, and every change is told by name."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reports.archive import read_archive, write_archive
from reports.printed import settle_pdf
from reports.quality.folder import write_signature
from reports.release import publish
from reports.release_signing import hash_release, is_intact, make_release_statement, verify_release
from reports.signing import Signer, public_half, sign
from schemas.errors import ReleaseError

NAME = "sample-2026-1"
AT = datetime(2026, 11, 24, 15, tzinfo=UTC)


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / NAME
    publish(folder, *sample.build())
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / NAME)
    for path in (tmp_path / NAME).rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    return tmp_path / NAME


def put_signature(folder: Path, seed: bytes = b"s" * 32) -> str:
    signer, key = Signer("Rosa", "reviewer"), public_half(seed)
    statement = make_release_statement({"id": NAME}, hash_release(folder), "0.1.0", signer, key, AT)
    write_signature(folder, sign(statement, seed))
    return key


def test_the_same_release_made_twice_in_two_folders_is_the_same_archive(made: Path, tmp_path: Path) -> None:
    time.sleep(2.1)  # an archive tells times by two seconds
    publish(tmp_path / "elsewhere" / NAME, *sample.build())
    assert hash_release(made) == hash_release(tmp_path / "elsewhere" / NAME)
    first, digest = write_archive(made, tmp_path / "a")
    second, again = write_archive(tmp_path / "elsewhere" / NAME, tmp_path / "b")
    assert digest == again == hashlib.sha256(first.read_bytes()).hexdigest()
    assert first.read_bytes() == second.read_bytes()


def test_two_printings_of_a_page_differ_by_their_dates_alone_and_then_not_at_all() -> None:
    page = b"%PDF-1.4 <</CreationDate (D:{0}+00'00')\n/ModDate (D:{0}+00'00')>> body"
    printed = [page.replace(b"{0}", moment) for moment in (b"20261124120049", b"20270101000000")]
    settled = {settle_pdf(each, AT) for each in printed}
    assert len(settled) == 1 and len(settled.pop()) == len(printed[0])


def test_an_archive_holds_the_files_read_only_and_its_digest_stands_beside(made: Path, tmp_path: Path) -> None:
    path, _ = write_archive(made, tmp_path)
    check = ["sha256sum", "--check", "--strict", f"{NAME}.zip.sha256"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        assert archive.testzip() is None
    assert [each.filename for each in members] == sorted(each.filename for each in members)
    assert {each.external_attr >> 16 for each in members} == {0o100444}
    assert {each.date_time for each in members} == {(2026, 11, 24, 12, 0, 0)}
    found = {name: hashlib.sha256(data).hexdigest() for name, data in read_archive(path)}
    assert found == hash_release(made)


def test_a_folder_and_its_archive_are_verified_with_nothing_else(folder: Path, tmp_path: Path) -> None:
    key = put_signature(folder)
    path, _ = write_archive(folder, tmp_path / "out")
    for place in (folder, path):
        found = verify_release(place, frozenset({key}))
        assert found.good and found.release_id == NAME and not found.faults
        assert [(each.name, each.act, each.trusted) for each in found.signatures] == [("Rosa", "sign", True)]
        assert found.files == len(hash_release(folder))
    assert is_intact(folder, verify_release(folder).checksum)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: (f / "tables" / "estimates.csv").write_text("x"), "tables/estimates.csv: changed"),
        (lambda f: (f / "site" / "index.html").unlink(), "site/index.html: missing"),
        (lambda f: (f / "site" / "more.html").write_text("x"), "site/more.html: not published"),
    ],
)
def test_what_was_changed_removed_or_added_is_told_by_name(
    folder: Path, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    put_signature(folder)
    checksum = verify_release(folder).checksum
    spoil(folder)
    path, _ = write_archive(folder, tmp_path / "out")
    for place in (folder, path):
        found = verify_release(place)
        assert not found.good and found.faults == (told,)
        assert not found.signatures[0].good
    assert not is_intact(folder, checksum)


def test_a_list_of_digests_written_anew_is_told_by_the_signature(folder: Path) -> None:
    put_signature(folder)
    (folder / "tables" / "codes.csv").write_text("x")
    lines = [f"{digest}  {name}\n" for name, digest in sorted(hash_release(folder).items()) if "CHECKSUMS" not in name]
    (folder / "CHECKSUMS.sha256").write_text("".join(lines))
    found = verify_release(folder)
    assert not found.faults and not found.good
    assert "tables/codes.csv: changed" in found.signatures[0].faults


def test_another_s_key_and_a_forged_name_are_told(folder: Path) -> None:
    put_signature(folder)
    other = public_half(b"o" * 32)
    assert not verify_release(folder, frozenset({other})).good
    (file,) = (folder / "signatures").iterdir()
    file.chmod(0o644)
    file.write_text(file.read_text().replace("Rosa", "Ana"))
    assert not verify_release(folder).good
    file.write_text("{}")
    assert not verify_release(folder).good


def test_a_signature_of_a_report_does_not_hold_for_a_release(folder: Path) -> None:
    from reports.signing import DataDigests, make_statement

    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    data = DataDigests(1, "a", 0, "b", "c")
    signer = Signer("Rosa", "reviewer")
    statement = make_statement(
        act="sign", report={"id": "r"}, files={"index.html": "0"}, data=data, code_version="0", signer=signer,
        public_key=public_half(seed), at=AT,
    )  # fmt: skip
    write_signature(folder, sign(statement, seed))
    assert not verify_release(folder).good


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_damaged_archive_is_told_as_such(made: Path, tmp_path: Path, size: int) -> None:
    path, _ = write_archive(made, tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ReleaseError, match="REL-074"):
        verify_release(path)


def test_bytes_damaged_within_an_archive_are_told(made: Path, tmp_path: Path) -> None:
    path, _ = write_archive(made, tmp_path)
    data = bytearray(path.read_bytes())
    for at in range(2000, len(data) // 2, 977):
        data[at] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ReleaseError, match="REL-074"):
        verify_release(path)


def test_an_archive_of_something_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    for names, code in (
        (("a/b.txt",), "REL-073"),
        (("a/b", "c/d"), "REL-074"),
        (("a/b", "a/b"), "REL-074"),
        (("x",), "REL-074"),
    ):
        with (
            zipfile.ZipFile(path, "w") as archive,
            pytest.warns(UserWarning) if len(set(names)) < len(names) else _calm(),
        ):
            for name in names:
                archive.writestr(name, "x")
        with pytest.raises(ReleaseError, match=code):
            verify_release(path)
    with pytest.raises(ReleaseError, match="REL-073"):
        verify_release(tmp_path)
    with pytest.raises(ReleaseError, match="REL-073"):
        write_archive(tmp_path, tmp_path / "out")


def _calm():  # noqa: ANN202
    from contextlib import nullcontext

    return nullcontext()
