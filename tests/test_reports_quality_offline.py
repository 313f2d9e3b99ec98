"""A report signed by somebody who has its folder and a key and nothing else, and the signature brought home."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_flows_quality import PASSPHRASE, fill, made, person
from typer.testing import CliRunner

from console.acts.returning import take_signatures
from console.acts.reviewing import make_signing_key
from flows.cli import app
from flows.releasing import release
from reports.quality.folder import verify_folder
from reports.quality.offline import read_description, sign_folder
from reports.signing import Signer, lock_key
from schemas.errors import ReleaseError
from store.open import Store, open_store
from store.people import revoke_person

AT = datetime(2026, 11, 25, 9, tzinfo=UTC)
ROSA = Signer("Rosa", "reviewer")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offline") / "data"
    with open_store(folder) as store:
        fill(store)
    return folder


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(filled, tmp_path / "data")
    with open_store(tmp_path / "data") as opened:
        yield opened


def outcomes(store: Store, folder: Path) -> list[str]:
    return [row.outcome for row in take_signatures(store, folder)]


def test_a_signature_given_elsewhere_comes_home_and_a_release_may_be_made(store: Store, tmp_path: Path) -> None:
    report = made(store)
    reviewer = person(store, "reviewer")
    key = make_signing_key(store, reviewer, PASSPHRASE, keep=False)
    away = tmp_path / "away" / report.report_id
    shutil.copytree(report.folder, away)
    sign_folder(away, "sign", Signer(reviewer.name, reviewer.role), key.locked, PASSPHRASE, at=AT)
    (told,) = verify_folder(away, frozenset({key.public_key}))
    assert (told.good, told.trusted, told.data_sha256) == (True, True, report.data_sha256)
    with pytest.raises(ReleaseError, match="REL-066"):
        release(store, "calidad", store.data / "releases")
    assert outcomes(store, away) == ["taken"]
    assert outcomes(store, away) == ["known"]
    assert [row.good for row in verify_folder(Path(report.folder))] == [True], "it lies beside the store's report too"
    assert release(store, "calidad", store.data / "releases").interviews == report.interviews


def test_only_what_a_reviewer_of_the_store_signed_of_exactly_this_report_is_taken(store: Store, tmp_path: Path) -> None:
    report = made(store)
    away = tmp_path / "away" / report.report_id
    shutil.copytree(report.folder, away)
    stranger = lock_key(bytes(range(32)), PASSPHRASE, bytes(16), bytes(12))
    sign_folder(away, "sign", ROSA, stranger, PASSPHRASE, at=AT)
    assert outcomes(store, away) == ["unknown_key"]
    gone = person(store, "reviewer")
    key = make_signing_key(store, gone, PASSPHRASE, keep=False)
    sign_folder(away, "refuse", ROSA, key.locked, PASSPHRASE, at=AT, reasons="Falta la edad.")
    with store.begin() as connection:
        revoke_person(connection, gone.id)
    assert sorted(outcomes(store, away)) == ["no_right", "unknown_key"]
    page = away / "index.html"
    page.chmod(0o644)
    page.write_bytes(page.read_bytes() + b" ")
    assert outcomes(store, away) == ["bad", "bad"]
    other = sign_folder(away, "sign", ROSA, key.locked, PASSPHRASE, at=AT)
    assert other.statement["act"] == "sign"
    assert sorted(outcomes(store, away)) == ["bad", "bad", "other_report"]


def test_a_refusal_has_reasons_and_a_folder_says_what_it_is(store: Store, tmp_path: Path) -> None:
    report = made(store)
    away = tmp_path / report.report_id
    shutil.copytree(report.folder, away)
    key = lock_key(bytes(range(32)), PASSPHRASE, bytes(16), bytes(12))
    with pytest.raises(ReleaseError, match="REL-077"):
        sign_folder(away, "refuse", ROSA, key, PASSPHRASE, at=AT, reasons=" ")
    described = read_description(away)
    assert described.report["id"] == report.report_id
    assert described.data.sha256 == report.data_sha256
    (away / "report.json").unlink()
    with pytest.raises(ReleaseError, match="REL-069"):
        sign_folder(away, "sign", ROSA, key, PASSPHRASE, at=AT)
    (away / "report.json").write_text(json.dumps({"kind": "other"}))
    with pytest.raises(ReleaseError, match="REL-069"):
        read_description(away)


def test_the_commands_need_no_store_to_sign(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMUNAL_SIGNING_PASSPHRASE", PASSPHRASE)
    report = made(store)
    reviewer = person(store, "reviewer")
    key = tmp_path / "rosa.key"
    key.write_text(make_signing_key(store, reviewer, PASSPHRASE, keep=False).locked)
    away = tmp_path / "away" / report.report_id
    shutil.copytree(report.folder, away)
    nothing = tmp_path / "nothing"
    run = CliRunner().invoke
    signed = run(app, ["quality", "sign", str(away), "--name", "Rosa", "--key", str(key), "--data", str(nothing)])
    assert signed.exit_code == 0, signed.output
    assert not nothing.exists()
    assert run(app, ["quality", "verify", str(away)]).exit_code == 0
    taken = run(app, ["quality", "take", str(away), "--data", str(store.data)])
    assert (taken.exit_code, taken.output.split()[0]) == (0, "taken"), taken.output
    nobody = run(app, ["quality", "sign", str(away), "--key", str(key)])
    assert nobody.exit_code != 0
