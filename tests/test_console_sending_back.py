"""Sent back: the phone shows the interview with its reason, asks again, and the answer comes home as a proposal."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from decided_survey import AT, FORM, SENTINEL, add_people, make_survey

from console.acts.deciding import decide, list_log, read_interview, undo
from console.acts.sending_back import entity_id, list_proposals
from console.acts.wishes import Change, Wish
from flows.ingesting import ingest
from forms.followups import followup_id, list_id
from forms.registered import read_registered
from store.arrivals import NewSubmission, add_submissions
from store.entities import entity_list_csv
from store.forms import get_form_version, list_form_versions, read_workbook, read_xform
from store.open import Store, open_store
from store.people import Person

CHECK = "check:adults_told"
REASON = "Vuelva a preguntar la edad de la segunda persona"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = open_store(tmp_path / "data")
    make_survey(store, tmp_path)
    return store


@pytest.fixture
def people(store: Store) -> dict[str, Person]:
    return add_people(store)


def on_phone(store: Store) -> list[dict[str, str]]:
    with store.read() as connection:
        return list(csv.DictReader(io.StringIO(entity_list_csv(connection, list_id(FORM)).decode())))


def send_back(store: Store, person: Person, row: str = "person[2]", *questions: str) -> int:
    changes = tuple(Change(name, None, row) for name in questions)
    decided = decide(store, person, FORM, Wish("send_back", "uuid:child", REASON, CHECK, row, changes))
    return decided.ids[0]


def answer(store: Store, number: int, answers: str) -> None:
    (shown,) = on_phone(store)
    form = followup_id(FORM)
    with store.read() as connection:
        version = get_form_version(connection, form).version
    xml = (
        f'<data id="{form}" version="{version}"><returned_me/><returned_interview>{shown["name"]}</returned_interview>'
        f"<returned_instance>{shown['instance_id']}</returned_instance><returned_row>{shown['row']}</returned_row>"
        f"{answers}<returned_status>answered</returned_status><meta><instanceID>uuid:home{number}"
        f'</instanceID><entity dataset="{list_id(FORM)}" id="{shown["name"]}" update="1" '
        f'baseVersion="{shown["__version"]}"/></meta></data>'
    )
    with store.begin() as connection:
        add_submissions(connection, store.blobs, [NewSubmission(form, version, f"uuid:home{number}", xml.encode(), AT)])
    ingest(store, form)


def test_an_interview_sent_back_stands_on_the_phone_with_its_reason_in_three_languages(
    store: Store, people: dict[str, Person]
) -> None:
    decide(store, people["saul"], FORM, Wish("send_back", "uuid:child", REASON, CHECK))
    (shown,) = on_phone(store)
    assert (shown["instance_id"], shown["reason"], shown["questions"]) == ("uuid:child", REASON, "told")
    assert shown["why_en"] == "Adults don't match."
    assert shown["status"] == "open"
    assert shown["name"] == entity_id("uuid:child")
    assert SENTINEL not in str(shown)
    with store.read() as connection:
        row = get_form_version(connection, followup_id(FORM))
        workbook, xform = read_workbook(connection, store.blobs, row), read_xform(connection, store.blobs, row)
    assert b'jr://file-csv/hogar_devueltas.csv"' in xform
    form = read_registered(followup_id(FORM), xform, workbook, {}).form
    (asked,) = [field for field in form.fields() if not field.name.startswith("returned_") and field.control]
    assert (asked.name, asked.type) == ("told", "int")
    assert asked.relevant == "selected( /data/returned_questions , 'told')"


def test_what_comes_home_is_a_proposal_until_somebody_decides(store: Store, people: dict[str, Person]) -> None:
    ana = people["ana"]
    send_back(store, ana, "person[2]", "age")
    assert list_proposals(store, ana, FORM) == []
    answer(store, 1, "<age>7</age>")
    (proposal,) = list_proposals(store, ana, FORM)
    assert (proposal.instance_id, proposal.row_id, proposal.question) == ("uuid:child", "person[2]", "age")
    assert "7" not in repr(proposal).replace(str(AT), "")
    assert read_interview(store, ana, FORM, "uuid:child").edited["person"]["age"].to_list() == [40, 71]
    (shown,) = on_phone(store)
    assert shown["status"] == "answered"
    change = Change(proposal.question, proposal.value, proposal.row_id)
    wish = Wish("correct", proposal.instance_id, f"answered in {proposal.answer_id}", changes=(change,))
    decide(store, ana, FORM, wish, source="answer")
    assert read_interview(store, ana, FORM, "uuid:child").edited["person"]["age"].to_list() == [40, 7]
    assert [row.source for row in list_log(store, ana, FORM)][:2] == ["desk", "answer"]


def test_sending_back_again_asks_again_and_new_questions_make_a_new_version(
    store: Store, people: dict[str, Person]
) -> None:
    ana = people["ana"]
    number = send_back(store, ana, "person[2]", "age")
    answer(store, 1, "<age>8</age>")
    send_back(store, ana, "person[2]", "works")
    (shown,) = on_phone(store)
    assert (shown["status"], shown["questions"]) == ("open", "works")
    with store.read() as connection:
        versions = list_form_versions(connection, followup_id(FORM))
    assert len(versions) == 2
    send_back(store, ana, "person[2]", "age")
    with store.read() as connection:
        assert len(list_form_versions(connection, followup_id(FORM))) == 2
    undo(store, ana, FORM, number, "not needed")
    assert list_proposals(store, ana, FORM)[0].value == "8"
