"""Entities through ingest: applied once, in order of arrival, refused with a finding, kept from encrypted forms."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.ingesting import ingest
from flows.registering import add_form, load_form
from forms.encryption.keys import make_private_key, public_text
from forms.lint import check_workbook
from forms.rehearsal import rehearse
from forms.sheets import write_xlsx
from forms.sheets.markdown import workbook_from_markdown
from schemas.workbook import Workbook
from store.arrivals import NewSubmission, add_submissions
from store.entities import entity_list_csv, list_entities, list_names, list_properties
from store.findings import list_findings
from store.open import Store, open_store
from store.submissions import mark_unparsed

AT = datetime(2026, 3, 2, tzinfo=UTC)
TREE = "5b9cf8d1-106f-4004-844f-c072d76762ed"


def _workbook(
    form_id: str, entities: str = "| | trees | ${species} | ${tree} | ${tree} = '' | ${tree} != '' |"
) -> Workbook:
    return workbook_from_markdown(
        f"""
| survey |         |         |         |          |          |
|        | type    | name    | label   | save_to  | personal |
|        | text    | tree    | Tree    |          |          |
|        | text    | species | Species | species  |          |
|        | integer | girth   | Girth   | girth_cm |          |
|        | text    | owner   | Owner   |          | name     |
| entities |           |       |           |           |           |
|          | list_name | label | entity_id | create_if | update_if |
{entities}
| settings |           |         |
|          | form_id   | version |
|          | {form_id} | 1       |
""",
        form_id,
    )


def _add(store: Store, tmp_path: Path, workbook: Workbook, public_key: str | None = None) -> None:
    file = tmp_path / f"{workbook.name}.xlsx"
    file.write_bytes(write_xlsx(workbook))
    added = add_form(store, file, public_key=public_key)
    assert added.version == "1", added.problems


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = open_store(tmp_path / "data")
    _add(store, tmp_path, _workbook("register"))
    return store


def _send(store: Store, number: int, attributes: str, answers: str, label: str = "oak") -> None:
    instance_id = f"uuid:{number}"
    xml = (
        f'<data id="register" version="1">{answers}<owner>Zentinela</owner><meta><instanceID>{instance_id}</instanceID>'
        f'<entity dataset="trees" id="{TREE}" {attributes}><label>{label}</label></entity></meta></data>'
    )
    item = NewSubmission("register", "1", instance_id, xml.encode(), AT)
    with store.begin() as connection:
        add_submissions(connection, store.blobs, [item])


def test_registering_a_form_makes_its_list_known_before_any_interview(store: Store) -> None:
    with store.read() as connection:
        assert list_names(connection) == ["trees"]
        assert list_properties(connection, "trees") == ["species", "girth_cm"]


def test_interviews_create_and_change_entities_once_in_order_of_arrival(store: Store) -> None:
    _send(store, 1, 'create="1"', "<species>oak</species><girth>10</girth>")
    _send(store, 2, 'update="1" baseVersion="1"', "<girth>12</girth>")
    _send(store, 3, 'update="1" baseVersion="1"', "<girth>14</girth>")
    assert ingest(store, "register").read == 3
    with store.begin() as connection:
        first = entity_list_csv(connection, "trees")
        assert first.decode().splitlines()[1] == f"{TREE},oak,3,oak,14"
        assert b"Zentinela" not in first
        (entity,) = list_entities(connection, "trees", conflicts_only=True)
        assert entity.conflict == "hard"
        found = [(item.rule_id, item.instance_id, item.severity) for item in list_findings(connection, "register")]
        assert found == [("entity:trees", "uuid:3", "warning")]
        mark_unparsed(connection, "register")
    assert ingest(store, "register").read == 3
    with store.read() as connection:
        assert entity_list_csv(connection, "trees") == first


def test_refused_change_is_a_finding_and_the_interview_counts(store: Store) -> None:
    _send(store, 1, 'update="1" baseVersion="1"', "<girth>12</girth>")
    report = ingest(store, "register")
    assert (report.read, report.failed, report.findings) == (1, 0, 1)
    with store.read() as connection:
        (finding,) = list_findings(connection, "register")
        assert not list_entities(connection, "trees")
    assert finding.rule_id == "entity:trees"
    assert "12" not in str(finding)


def test_encrypted_form_saves_nothing_into_lists(store: Store, tmp_path: Path) -> None:
    workbook = _workbook("hidden", "| | secrets | ${species} | | | |")
    key = public_text(make_private_key(2048))
    _add(store, tmp_path, workbook, key)
    with store.read() as connection:
        assert list_names(connection) == ["trees"]


def test_personal_answers_stop_the_registration(store: Store, tmp_path: Path) -> None:
    workbook = _workbook("owners", "| | owners | ${owner} | | | |")
    assert [item.code for item in check_workbook(workbook) if item.severity == "error"] == ["FRM-703"]
    file = tmp_path / "owners.xlsx"
    file.write_bytes(write_xlsx(workbook))
    assert add_form(store, file).version is None
    with store.read() as connection:
        assert list_names(connection) == ["trees"]


def test_rehearsed_interviews_create_entities(store: Store, tmp_path: Path) -> None:
    _add(store, tmp_path, _workbook("planting", "| | trees | concat('Tree: ', ${species}) | | | |"))
    with store.begin() as connection:
        items = [
            NewSubmission("planting", "1", item.instance_id, item.xml, AT)
            for item in rehearse(load_form(store, "planting"), 6, 3, AT)
        ]
        add_submissions(connection, store.blobs, items)
    assert ingest(store, "planting").findings == 0
    with store.read() as connection:
        rows = list_entities(connection, "trees")
    assert len(rows) == 6
    assert all(row.label == f"Tree: {row.data.get('species', '')}".strip() for row in rows)


def test_commands_tell_conflicts_and_settle_them(store: Store) -> None:
    _send(store, 1, 'create="1"', "<girth>10</girth>")
    _send(store, 2, 'update="1" baseVersion="1"', "<girth>12</girth>")
    _send(store, 3, 'update="1" baseVersion="1"', "<girth>14</girth>")
    _send(store, 4, 'update="1" baseVersion="3" trunkVersion="2" branchId="b"', "<girth>15</girth>")
    ingest(store, "register")
    runner = CliRunner()
    data = ["--data", str(store.data)]

    def run(*words: str) -> str:
        ran = runner.invoke(app, ["entities", *words, *data])
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    told = json.loads(run("list", "--json"))
    assert told == {
        "list": "trees",
        "entities": 1,
        "conflicts": [{"uuid": TREE, "version": 3, "conflict": "hard"}],
        "waiting": 1,
    }
    assert TREE in run("list")
    settle = ["settle", "trees", TREE, "--keep", "2", "--person", "Ana", "--reason", "measured", "--json"]
    assert json.loads(run(*settle))["version"] == 4
    assert json.loads(run("apply", "trees", "--json"))["applied"] == 1
    assert run("csv", "trees").splitlines()[1] == f"{TREE},oak,5,,15"
    assert runner.invoke(app, ["entities", "csv", "none", *data]).exit_code != 0
