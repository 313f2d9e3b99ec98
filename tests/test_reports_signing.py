"""Signatures of reports: the folder alone says whether each byte is the one that was signed, and by whom."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reports.quality.folder import hash_folder, verify_folder, write_report, write_signature
from reports.signing import (
    DataDigests,
    Signed,
    Signer,
    SigningAct,
    fingerprint,
    lock_key,
    make_statement,
    public_half,
    sign,
    unlock_key,
)
from schemas.errors import AccessError, ReleaseError

SEED = bytes(range(32))
OTHER = bytes(32)
PASSPHRASE = "tres tristes tigres"
FILES = {"index.html": b"<p>hola</p>", "data/submissions.sha256": b"00\n", "ht/index.html": b"bonjou"}
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def signed_folder(folder: Path, act: SigningAct = "sign", seed: bytes = SEED, name: str = "Rosa") -> Signed:
    write_report(folder, FILES)
    statement = make_statement(
        act=act,
        report={"id": "r1", "form": "f", "commune": "13125", "round": "2026"},
        files=hash_folder(folder),
        data=DataDigests(1, "a" * 64, 0, "b" * 64, "c" * 64),
        code_version="0.1",
        signer=Signer(name, "reviewer"),
        public_key=public_half(seed),
        at=AT,
        reasons="" if act == "sign" else "Falta la comuna.",
    )
    signed = sign(statement, seed)
    write_signature(folder, signed)
    return signed


def test_an_untouched_report_verifies_with_the_folder_alone(tmp_path: Path) -> None:
    signed = signed_folder(tmp_path / "r")
    (found,) = verify_folder(tmp_path / "r")
    assert (found.good, found.faults, found.name, found.act) == (True, (), "Rosa", "sign")
    assert found.data_sha256 == DataDigests(1, "a" * 64, 0, "b" * 64, "c" * 64).sha256
    assert verify_folder(tmp_path / "r", frozenset({signed.public_key}))[0].trusted is True


def test_two_people_sign_without_undoing_each_other(tmp_path: Path) -> None:
    signed_folder(tmp_path / "r")
    signed_folder(tmp_path / "r", "refuse", OTHER, "Luc")
    assert [(row.name, row.act, row.good) for row in verify_folder(tmp_path / "r")] == [
        ("Luc", "refuse", True),
        ("Rosa", "sign", True),
    ]


@pytest.mark.parametrize("path", sorted(FILES))
def test_any_changed_byte_is_told_by_the_name_of_its_file(tmp_path: Path, path: str) -> None:
    signed_folder(tmp_path / "r")
    file = tmp_path / "r" / path
    for at in range(len(FILES[path])):
        data = bytearray(FILES[path])
        data[at] ^= 1
        file.chmod(0o644)
        file.write_bytes(data)
        (found,) = verify_folder(tmp_path / "r")
        assert found.faults == (f"{path}: changed",)


def test_files_that_went_or_came_are_told(tmp_path: Path) -> None:
    signed_folder(tmp_path / "r")
    (tmp_path / "r" / "ht" / "index.html").unlink()
    (tmp_path / "r" / "annex.pdf").write_bytes(b"more")
    (found,) = verify_folder(tmp_path / "r")
    assert found.faults == ("ht/index.html: missing", "annex.pdf: not signed")


def test_every_bit_of_a_signature_file_counts(tmp_path: Path) -> None:
    signed = signed_folder(tmp_path / "r")
    (path,) = (tmp_path / "r" / "signatures").iterdir()
    content = path.read_bytes()
    path.chmod(0o644)
    for at, sign_of in enumerate(content):
        if chr(sign_of) in " \n":
            continue  # spaces between the parts say nothing
        data = bytearray(content)
        data[at] ^= 1
        path.write_bytes(data)
        (found,) = verify_folder(tmp_path / "r", frozenset({signed.public_key}))
        assert not found.good, (at, bytes(data[at - 10 : at + 10]))


def test_a_statement_signed_by_another_key_is_found_out(tmp_path: Path) -> None:
    signed = signed_folder(tmp_path / "r")
    forged = sign(dict(signed.statement), OTHER)  # names Rosa's key, made with another
    (path,) = (tmp_path / "r" / "signatures").iterdir()
    path.unlink()
    write_signature(tmp_path / "r", forged)
    (found,) = verify_folder(tmp_path / "r")
    assert not found.good
    assert "isn't what the key" in found.faults[0]


def test_a_good_signature_of_an_unknown_key_is_not_trusted(tmp_path: Path) -> None:
    signed_folder(tmp_path / "r", seed=OTHER)
    (found,) = verify_folder(tmp_path / "r", frozenset({public_half(SEED)}))
    assert (found.good, found.trusted) == (False, False)
    assert fingerprint(public_half(OTHER)) in found.faults[0]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"statement": {}, "signature": "x"}', b"\xff"])
def test_rubbish_among_the_signatures_is_told_and_stops_nothing(tmp_path: Path, content: bytes) -> None:
    signed_folder(tmp_path / "r")
    (tmp_path / "r" / "signatures" / "zz.json").write_bytes(content)
    first, second = verify_folder(tmp_path / "r")
    assert (first.good, second.good, second.file) == (True, False, "signatures/zz.json")


def test_a_report_without_signatures_has_none_and_no_report_is_told(tmp_path: Path) -> None:
    write_report(tmp_path / "r", FILES)
    assert verify_folder(tmp_path / "r") == []
    with pytest.raises(ReleaseError, match="REL-063"):
        verify_folder(tmp_path / "nothing")


def test_a_report_is_never_rewritten(tmp_path: Path) -> None:
    write_report(tmp_path / "r", FILES)
    write_report(tmp_path / "r", FILES)
    with pytest.raises(ReleaseError, match="REL-062"):
        write_report(tmp_path / "r", FILES | {"index.html": b"other"})


def test_a_key_opens_with_its_passphrase_only() -> None:
    text = lock_key(SEED, PASSPHRASE, b"s" * 16, b"n" * 12)
    assert PASSPHRASE not in text
    assert unlock_key(text, PASSPHRASE) == SEED
    with pytest.raises(AccessError, match="ACC-122"):
        unlock_key(text, PASSPHRASE + " ")
    swapped = json.loads(text) | {"public_key": public_half(OTHER)}
    with pytest.raises(AccessError, match="ACC-122"):
        unlock_key(json.dumps(swapped), PASSPHRASE)
    for rubbish in ("", "[]", "{}", '{"kind": "comunal signing key 1", "salt": 1}'):
        with pytest.raises(AccessError, match="ACC-121"):
            unlock_key(rubbish, PASSPHRASE)
    with pytest.raises(AccessError, match="ACC-120"):
        lock_key(SEED, "short", b"s" * 16, b"n" * 12)
