"""The whole way of an interview sent back: desk, phone, server, desk; taken or refused, and the finding closes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from decided_survey import FORM, SENTINEL, interview_xml, make_survey, person_xml
from desk_visitors import Visitor, visit
from desk_visitors import serve as serve_desk
from served_store import serve

from console.acts.coming_home import SAME, list_returns, refuse_answers, take_answers
from console.acts.deciding import list_log, read_interview, undo
from flows.collect_client import CollectClient
from flows.followed_up import ingest_survey
from forms.followups import followup_id, list_id
from forms.rehearsal.interviews import Send
from schemas.errors import AccessError, DecisionError
from store.findings import count, list_findings
from store.open import Store
from store.people import Person, add_person, get_person

CHILD = f"/s/{FORM}/interviews/uuid:child"
RETURNS = f"/s/{FORM}/returns"
REASON = "Pregunte otra vez cuántos adultos viven ahí"


class Field:
    """A desk and a phone of one survey."""

    def __init__(self, store: Store, phone: CollectClient) -> None:
        self.store, self.phone = store, phone
        with store.begin() as connection:
            made = {
                "ana": add_person(connection, "Ana", "statistician"),
                "rosa": add_person(connection, "Rosa", "reviewer"),
            }
            self.people: dict[str, Person] = {name: get_person(connection, row.id) for name, row in made.items()}
        app = serve_desk(store)
        self.desk: dict[str, Visitor] = {name: visit(app, store, row) for name, row in self.people.items()}
        self.sent = 0

    def send_back(self) -> None:
        page = self.desk["ana"].get(CHILD)[1]
        finding = re.search(r'id="finding-(\d+)"', page)
        assert finding is not None
        status, _ = self.desk["ana"].post(f"{CHILD}/decide", action="send_back", finding=finding[1], reason=REASON)
        assert status == 303

    def shown(self) -> dict[str, str]:
        """The interview as the phone's list has it."""
        fetched = self.phone.fetch_form(followup_id(FORM))
        (row,) = csv.DictReader(io.StringIO(fetched.media[f"{list_id(FORM)}.csv"].decode()))
        return row

    def answer(self, answers: str, remark: str = "") -> str:
        """What ODK Collect sends once the enumerator has answered."""
        fetched, shown = self.phone.fetch_form(followup_id(FORM)), self.shown()
        self.sent += 1
        name = f"uuid:home{self.sent}"
        xml = (
            f'<data id="{followup_id(FORM)}" version="{fetched.listing.version}">'
            f"<returned_interview>{shown['name']}</returned_interview>"
            f"<returned_instance>{shown['instance_id']}</returned_instance><returned_row>{shown['row']}</returned_row>"
            f"{answers}<returned_remark>{remark}</returned_remark><returned_status>answered</returned_status>"
            f'<meta><instanceID>{name}</instanceID><entity dataset="{list_id(FORM)}" id="{shown["name"]}" update="1" '
            f'baseVersion="{shown["__version"]}"/></meta></data>'
        )
        assert self.phone.send(Send(name, xml.encode(), {})).accepted
        ingest_survey(self.store, FORM)
        return name

    def open(self) -> set[str]:
        with self.store.read() as connection:
            return {row.rule_id for row in list_findings(connection, FORM) if row.instance_id == "uuid:child"}

    def told(self) -> object:
        return read_interview(self.store, self.people["ana"], FORM, "uuid:child").edited["main"]["told"].to_list()[0]


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with serve(tmp_path / "data") as (store, address), CollectClient(address) as phone:
        make_survey(store, tmp_path)
        xml = interview_xml("uuid:sound2", person_xml(40, 1, "no"))
        assert phone.send(Send("uuid:sound2", xml, {})).accepted
        yield Field(store, phone)


def test_an_interview_goes_to_the_phone_and_its_answer_comes_home_and_closes_the_finding(field: Field) -> None:
    assert "check:adults_told" in field.open()
    field.send_back()
    shown = field.shown()
    assert (shown["reason"], shown["why_en"], shown["questions"]) == (REASON, "Adults don't match.", "told")
    xform = field.phone.fetch_form(followup_id(FORM)).xform.decode()
    for language in ("es", "ht", "en"):
        assert f"returned_why_{language}" in xform, "the reason stands in the enumerator's language"
    ana = field.desk["ana"]
    assert "1 interview is still in the field" in ana.get(RETURNS)[1]
    assert "Sent back" in ana.get(f"/s/{FORM}/findings?state=sent_back")[1]
    field.answer("<told>2</told>", "the aunt came back")
    assert field.told() == 1, "an answer that came home changes nothing by itself"
    page = ana.get(RETURNS)[1]
    assert "1 answer to decide on" in page
    assert REASON in page
    assert "the aunt came back" in page
    assert SENTINEL not in page
    assert re.search(r"<del>.*?1</del> → <ins>.*?2</ins>", page)
    assert "answer waits for your decision" in ana.get("/")[1]
    assert ana.post(f"{RETURNS}/uuid:home1", act="take")[1].endswith("done=take")
    assert (field.told(), field.open()) == (2, set())
    page = ana.get(RETURNS)[1]
    assert "0 answers to decide on" in page
    assert "still in the field" not in page
    assert [row.source for row in list_log(field.store, field.people["ana"], FORM)] == ["desk", "answer"]


def test_an_answer_that_opens_an_error_asks_for_a_reason(field: Field) -> None:
    field.send_back()
    field.answer("<told>5</told>")
    ana = field.desk["ana"]
    status, page = ana.post(f"{RETURNS}/uuid:home1", act="take")
    assert (status, field.told()) == (303, 5), "the error was open before: taking it opens none"
    field.send_back()
    field.answer("<told>2</told>")
    ana.post(f"{RETURNS}/uuid:home2", act="take")
    with field.store.begin() as connection:
        assert count(connection, FORM, state="sent_back") == 0
    number = list_log(field.store, field.people["ana"], FORM)[-1].id
    assert number is not None
    undo(field.store, field.people["ana"], FORM, number, "the other house")
    (first, second) = list_returns(field.store, field.people["ana"], FORM)
    assert (first.answers[0].standing, second.answers[0].standing) == ("taken", "waiting")
    assert page is not None


def test_an_answer_is_refused_with_a_reason_and_the_interview_stays(field: Field) -> None:
    ana = field.people["ana"]
    field.send_back()
    name = field.answer("<told>2</told>")
    status, page = field.desk["ana"].post(f"{RETURNS}/{name}", act="refuse", reason=" ")
    assert status == 409
    assert "A decision needs a reason" in page
    with pytest.raises(AccessError, match=r"^ACC-123"):
        refuse_answers(field.store, field.people["rosa"], FORM, name, "mine")
    refuse_answers(field.store, ana, FORM, name, "the neighbour answered")
    assert (field.told(), "check:adults_told" in field.open()) == (1, True)
    (told,) = list_returns(field.store, ana, FORM)
    assert (told.answers[0].standing, told.waiting) == ("refused", ())
    with pytest.raises(DecisionError, match=r"^DEC-016"):
        take_answers(field.store, ana, FORM, name)


def test_the_same_answer_again_is_written_down_and_changes_nothing(field: Field) -> None:
    ana = field.people["ana"]
    field.send_back()
    name = field.answer("<told>1</told>")
    (told,) = list_returns(field.store, ana, FORM)
    assert told.answers[0].is_same
    assert "the same as before" in field.desk["ana"].get(RETURNS)[1]
    take_answers(field.store, ana, FORM, name)
    (told,) = list_returns(field.store, ana, FORM)
    assert told.answers[0].standing == "taken"
    assert list_log(field.store, ana, FORM)[-1].reason == SAME


def test_a_later_answer_takes_the_place_of_one_that_waits(field: Field) -> None:
    ana = field.people["ana"]
    field.send_back()
    field.answer("<told>2</told>")
    field.send_back()
    field.answer("<told>3</told>")
    first, second = list_returns(field.store, ana, FORM)
    assert (first.answers[0].standing, second.answers[0].standing) == ("replaced", "waiting")
    assert "3" not in repr(second.answers[0])


def test_whoever_does_not_decide_sees_no_button(field: Field) -> None:
    field.send_back()
    field.answer("<told>2</told>")
    page = field.desk["rosa"].get(RETURNS)[1]
    assert "1 answer to decide on" in page
    assert "Take it" not in page
    assert field.desk["rosa"].post(f"{RETURNS}/uuid:home1", act="take")[0] == 403
