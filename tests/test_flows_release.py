"""`comunal release`: from a release in the store to a signed archive that anybody verifies, and what differs."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from console.acts.release_signing import sign_release
from console.acts.reviewing import make_signing_key
from flows.cli import app
from flows.printing import find_browser, print_pdf
from flows.release_papers import find_former
from reports.differences import read_snapshot
from reports.disclosure import protect
from reports.printed import settle_pdf
from reports.release import publish
from schemas.errors import AccessError, CommandError, ComunalError, ReleaseError
from store.audit import list_log
from store.forms import add_form_version
from store.open import Store, open_store
from store.people import add_person, get_person
from store.releases import ReleaseRow, add_release, list_releases, set_release_state

AT = datetime(2026, 11, 24, 15, tzinfo=UTC)
PHRASE = "una frase larga de verdad"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()


def publish_and_register(store: Store, name: str, at: datetime, **changes: object) -> ReleaseRow:
    table, contents = sample.build()
    estimates = changes.pop("estimates", None)
    if estimates is not None:
        table = protect(estimates, table.threshold)
    record = publish(store.data / "releases" / name, table, replace(contents, made_at=at, **changes))
    with store.begin() as connection:
        return add_release(
            connection,
            release_id=name,
            form_id="sample",
            folder=record.folder,
            sha256=record.checksum,
            details={"submissions": record.submissions, "cells": record.cells, "previous": record.previous},
            at=at,
        )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("released") / "data"
    with open_store(folder) as store:
        with store.begin() as connection:
            form = {"form_id": "sample", "version": "2026.1", "title": "Sample", "xform": b"<h/>", "workbook": None}
            add_form_version(connection, store.blobs, media={}, **form)
            for name, role in (("Rosa", "reviewer"), ("Ana", "statistician")):
                add_person(connection, name, role)
        publish_and_register(store, "sample-1", AT, previous="")
        raised = [
            replace(each, estimate=(each.estimate or 0) + 1) if each.indicator == "mean_age" else each
            for each in sample.estimates()
        ]
        publish_and_register(store, "sample-2", AT + timedelta(days=1), previous="sample-1", estimates=raised)
        with store.read() as connection:
            rosa = get_person(connection, 1)
        make_signing_key(store, rosa, PHRASE)
    return folder


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    with open_store(data) as store:
        yield store


Run = Callable[..., Result]


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COMUNAL_SIGNING_PASSPHRASE", PHRASE)
    return lambda *arguments: CliRunner().invoke(app, ["release", *map(str, arguments), "--data", str(data)])


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exception is None, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_list_and_a_release_s_files_are_shown(run: Run) -> None:
    assert [(row["release_id"], row["state"]) for row in rows(run("list", "--json"))] == [
        ("sample-1", "draft"),
        ("sample-2", "draft"),
    ]
    (shown,) = rows(run("show", "latest", "--json"))
    assert shown["release_id"] == "sample-2"
    assert {"tables/estimates.csv", "formats/ddi.xml", "provenance.json"} <= {name for name, _, _ in shown["files"]}
    told = run("show", "sample-1").stdout
    assert "follows none" in told and "Resultados" in told


def test_a_release_is_signed_archived_and_verified_without_the_store(run: Run, tmp_path: Path, store: Store) -> None:
    assert run("verify", "sample-1", "--signed").exit_code == 1
    assert run("verify", "sample-1").exit_code == 0
    (signed,) = rows(run("sign", "sample-1", "--person", "1", "--json"))
    (archived,) = rows(run("archive", "sample-1", "--out", tmp_path, "--json"))
    for place in (archived["archive"], "sample-1"):
        found = run("verify", place, "--signed", "--public-key", signed["public_key"])
        assert found.exit_code == 0 and "GOOD  signed by Rosa, reviewer" in found.stdout
    alone = CliRunner().invoke(app, ["release", "verify", archived["archive"], "--data", str(tmp_path / "no data")])
    assert alone.exit_code == 0 and not (tmp_path / "no data").exists()
    assert (tmp_path / "sample-1.zip.sha256").read_text() == f"{archived['sha256']}  sample-1.zip\n"
    with store.read() as connection:
        assert [row.object for row in list_log(connection, act="release.sign") if row.outcome == "done"] == ["sample-1"]


def test_a_changed_file_is_told_and_neither_signed_nor_archived(run: Run, store: Store) -> None:
    row = publish_and_register(store, "sample-spoiled", AT - timedelta(days=1))
    file = Path(row.folder, "tables", "codes.csv")
    file.chmod(0o644)
    file.write_text("x")
    found = run("verify", "sample-spoiled")
    assert found.exit_code == 1 and "tables/codes.csv: changed" in found.stdout
    for act in (("archive", "sample-spoiled"), ("sign", "sample-spoiled", "--person", "1")):
        failed = run(*act).exception
        assert isinstance(failed, ReleaseError) and failed.code == "REL-075"


def test_only_whoever_signs_reports_signs_releases_and_a_refusal_is_kept(store: Store) -> None:
    with store.read() as connection:
        rosa, ana = get_person(connection, 1), get_person(connection, 2)
    with pytest.raises(AccessError, match="ACC-123"):
        sign_release(store, ana, "sample-2", PHRASE)
    with pytest.raises(AccessError, match="ACC-122"):
        sign_release(store, rosa, "sample-2", "another phrase entirely")
    with pytest.raises(ComunalError, match="STO-018"):
        sign_release(store, rosa, "sample-9", PHRASE)
    with store.read() as connection:
        refused = [row for row in list_log(connection, act="release.sign") if row.outcome == "refused"]
    assert len(refused) == 1
    assert not Path(store.data, "releases", "sample-2", "signatures").exists()


def test_what_differs_from_the_former_release_is_listed(run: Run) -> None:
    told = rows(run("differences", "sample-2", "--json"))
    assert {(row["indicator"], row["status"]) for row in told} == {("mean_age", "changed")}
    text = run("differences", "sample-2", "--language", "en").stdout
    assert text.startswith("Against sample-1: ") and "mean_age total" in text and "Mean age" in text
    assert "follows no other release" in run("differences", "sample-1").stdout
    assert rows(run("differences", "sample-1", "--from", "sample-2", "--json"))[0]["status"] == "changed"
    missing = run("differences", "sample-2", "--from", "/nowhere").exception
    assert isinstance(missing, ComunalError)


def test_a_release_follows_the_newest_approved_one_else_the_newest_draft(store: Store) -> None:
    with store.read() as connection:
        releases = [row for row in list_releases(connection, "sample") if row.release_id != "sample-spoiled"]
    assert find_former(releases, rehearsal=True)[0] == "sample-2"
    assert find_former(releases, rehearsal=False)[0] == ""
    approved = [replace(row, state="approved") if row.release_id == "sample-1" else row for row in releases]
    name, found = find_former(approved, rehearsal=True)
    assert name == "sample-1" and found is not None and found.name == "sample-1"
    gone = [replace(releases[0], folder="/nowhere", state="withdrawn")]
    assert find_former(gone, rehearsal=True) == ("", None)
    lost = [replace(releases[0], folder="/nowhere")]
    assert find_former(lost, rehearsal=True) == ("sample-1", None)


def test_states_are_those_of_the_store(store: Store, run: Run) -> None:
    publish_and_register(store, "sample-0", AT - timedelta(days=9))
    with store.begin() as connection:
        set_release_state(connection, "sample-0", "withdrawn", "Rosa")
    assert ("sample-0", "withdrawn") in [(row["release_id"], row["state"]) for row in rows(run("list", "--json"))]
    assert read_snapshot(store.data / "releases" / "sample-0") is not None


def test_a_page_printed_twice_is_the_same_bytes_once_its_dates_are_settled() -> None:
    try:
        find_browser()
    except CommandError as error:
        pytest.skip(error.message)
    page = "<!doctype html><html lang=es><title>Ñandú</title><h1>Perfil</h1><svg width=9></svg></html>"
    printed = [print_pdf(page)]
    time.sleep(1.1)  # a PDF tells seconds
    printed.append(print_pdf(page))
    assert settle_pdf(printed[0], AT) == settle_pdf(printed[1], AT) != printed[0]
