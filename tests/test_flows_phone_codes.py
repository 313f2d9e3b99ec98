"""What the command line hands to phones: addresses, names and codes, for their owner only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from schemas.errors import CommandError, StoreError
from store.assignments import list_assigned
from store.forms import add_form_version
from store.open import open_store
from store.people import get_login, get_person_by_key, ha1_of
from store.trials import get_trial

ROOT = Path(__file__).resolve().parents[1]
FORM = """| survey | | | |
| | type | name | label |
| | text | q | Pregunta |
| settings | | | |
| | form_id | version | form_title |
| | prueba | 1 | Prueba |
"""


def comunal(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data", str(data), "--json"])


def record(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.output
    found: dict[str, str] = json.loads(result.stdout.splitlines()[0])
    return found


def add(data: Path, *more: str) -> dict[str, str]:
    url = "https://encuesta.example/"
    return record(comunal(data, "people", "add", "--name", "Ana", "--role", "enumerator", "--url", url, *more))


@pytest.mark.parametrize("suffix", [".svg", ".PNG"])
def test_a_code_is_written_for_its_owner_only(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"ana{suffix}"
    told = add(tmp_path / "data", "--qr", str(file))
    assert told["server_url"] == f"https://encuesta.example/key/{told['key']}"
    assert told["qr"] == str(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes().startswith(b"<?xml" if suffix == ".svg" else b"\x89PNG")


def test_who_logs_in_gets_a_name_and_only_then_the_store_keeps_what_checks_it(tmp_path: Path) -> None:
    named, keyed = add(tmp_path / "data", "--login"), add(tmp_path / "data")
    assert (named["username"], named["password"]) == ("ana-1", named["key"])
    assert named["server_url"] == "https://encuesta.example"
    assert "username" not in keyed
    with open_store(tmp_path / "data") as store, store.read() as connection:
        found = get_login(connection, "ana-1")
        assert found is not None
        assert found[1] == ha1_of("ana-1", named["key"])
        assert get_login(connection, "ana-2") is None
        assert get_person_by_key(connection, keyed["key"]) is not None


@pytest.mark.parametrize("file", ["ana.jpg", "nowhere/ana.svg", "taken.svg"])
def test_a_code_that_cannot_be_written_is_told_before_a_key_is_made(tmp_path: Path, file: str) -> None:
    (tmp_path / "taken.svg").write_text("")
    result = comunal(
        tmp_path / "data", "people", "add", "--name", "Ana", "--role", "enumerator", "--qr", str(tmp_path / file)
    )
    assert isinstance(result.exception, CommandError)
    assert result.exception.code == "CMD-070"
    assert not (tmp_path / "data" / "comunal.db").exists()


def test_forms_are_assigned_and_taken_back(tmp_path: Path) -> None:
    add(tmp_path / "data")
    with open_store(tmp_path / "data") as store, store.begin() as connection:
        more: dict[str, object] = {"xform": b"<x/>", "workbook": None, "media": {}}
        add_form_version(connection, store.blobs, form_id="f", version="1", title="F", **more)  # type: ignore[arg-type]
    assert record(comunal(tmp_path / "data", "people", "assign", "1", "f"))["forms"] == ["f"]
    wrong = comunal(tmp_path / "data", "people", "assign", "1", "g")
    assert isinstance(wrong.exception, StoreError)
    assert record(comunal(tmp_path / "data", "people", "assign", "1", "f", "--undo"))["forms"] == []
    with open_store(tmp_path / "data") as store, store.read() as connection:
        assert list_assigned(connection, 1) == frozenset()


def test_a_workbook_is_tried_under_an_address_that_outlives_its_drafts(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "prueba.md"
    add(data)
    file.write_text(FORM, encoding="utf-8")
    told = record(comunal(data, "forms", "try", str(file), "--person", "1", "--qr", str(tmp_path / "q.svg")))
    token = told["server_url"].rpartition("/test/")[2]
    file.write_text(FORM.replace("| 1 |", "| 2 |"), encoding="utf-8")
    again = record(comunal(data, "forms", "try", str(file), "--person", "1", "--keep"))
    assert "server_url" not in again
    with open_store(data) as store, store.read() as connection:
        draft = get_trial(connection, token)
        assert draft is not None
        assert (draft.form_id, draft.version) == ("prueba", "2")
