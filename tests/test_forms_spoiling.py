"""Spoiled interviews: the stated share, one known error each, and a truth file without answers."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from forms.compile import CompiledForm, compile_workbook
from forms.rehearsal import rehearse
from forms.rehearsal.interviews import RehearsedInterview
from forms.rehearsal.spoiling import CONTENT, TRANSPORT, SpoiledPlan, last_day, plan_spoiling
from forms.sheets import read_workbook
from forms.sheets.markdown import workbook_from_markdown

START = datetime(2026, 3, 2, tzinfo=UTC)
SURVEY = Path(__file__).resolve().parents[1] / "forms/quilicura"

FORM = """
| survey   |                   |        |        |                   |                     |          |          |
|          | type              | name   | label  | relevant          | constraint          | required | personal |
|          | start             | start  |        |                   |                     |          |          |
|          | end               | end    |        |                   |                     |          |          |
|          | audit             | audit  |        |                   |                     |          |          |
|          | text              | person | Name   |                   |                     | yes      | name     |
|          | integer           | age    | Age    |                   | . >= 18 and . <= 99 | yes      |          |
|          | select_one yes_no | works  | Works? |                   |                     | yes      |          |
|          | select_one yes_no | pays   | Pays?  | ${works} = 'yes'  |                     | yes      |          |
| choices  |                   |        |        |                   |                     |          |          |
|          | list_name         | name   | label  |                   |                     |          |          |
|          | yes_no            | yes    | Yes    |                   |                     |          |          |
|          | yes_no            | no     | No     |                   |                     |          |          |
"""


NO_ROOM = {"fabricated", "no_consent", "abandoned", "outlier", "roster_size", "outside_commune"}
"""Kinds that so small a form gives no room for."""
SHARE = 0.55


@pytest.fixture(scope="module")
def form() -> CompiledForm:
    return compile_workbook(workbook_from_markdown(FORM, "small"))


@pytest.fixture(scope="module")
def clean(form: CompiledForm) -> list[RehearsedInterview]:
    return list(rehearse(form, 100, 1, START))


@pytest.fixture(scope="module")
def plan(form: CompiledForm, clean: list[RehearsedInterview]) -> SpoiledPlan:
    return plan_spoiling(form, clean, SHARE, 1, START)


def spoiled(plan: SpoiledPlan, kind: str) -> list[tuple[etree._Element, tuple[str, ...]]]:
    xml = {send.instance_id: send.xml for send in plan.sends}
    return [(etree.fromstring(xml[act.instance_id]), act.questions) for act in plan.truth if act.kind == kind]


def test_acts_are_as_many_as_stated_and_split_evenly_over_the_kinds(plan: SpoiledPlan) -> None:
    possible = [kind for kind in (*CONTENT, *TRANSPORT) if kind not in NO_ROOM]
    assert Counter(act.kind for act in plan.truth) == dict.fromkeys(possible, 5)
    assert set(plan.not_possible) == NO_ROOM


def test_the_clean_interviews_all_stay_as_they_were(plan: SpoiledPlan, clean: list[RehearsedInterview]) -> None:
    sent = {send.instance_id: send for send in plan.sends}
    assert all(sent[interview.instance_id].xml == interview.xml for interview in clean)
    additional = set(sent) - {interview.instance_id for interview in clean}
    assert additional == {act.instance_id for act in plan.truth if act.kind in CONTENT}


def test_transport_goes_wrong_on_the_way_and_nothing_is_lost(
    plan: SpoiledPlan, clean: list[RehearsedInterview]
) -> None:
    attachments = {interview.instance_id: dict(interview.attachments) for interview in clean}
    rounds = [send.round for send in plan.sends]
    assert rounds == sorted(rounds)
    for act in plan.truth:
        sends = [send for send in plan.sends if send.instance_id == act.instance_id]
        if act.kind == "duplicate_send":
            assert len(sends) == 2
            assert (sends[0].xml, dict(sends[0].attachments)) == (sends[1].xml, dict(sends[1].attachments))
        elif act.kind == "late_attachment":
            assert [(send.round, send.incomplete, bool(send.attachments)) for send in sends] == [
                (0, True, False),
                (1, False, True),
            ]
            assert dict(sends[1].attachments) == attachments[act.instance_id]
        assert act.expected == ("nothing" if act.kind in TRANSPORT else "finding")


def test_each_kind_of_error_is_what_it_says(plan: SpoiledPlan) -> None:
    for root, questions in spoiled(plan, "out_of_range"):
        assert questions == ("age",)
        assert not 18 <= int(root.findtext("age", "")) <= 99
    for root, questions in spoiled(plan, "skip_rule_broken"):
        assert questions == ("pays",)
        assert (root.findtext("works"), root.findtext("pays") in {"yes", "no"}) == ("no", True)
        assert [node.tag for node in root][-4:-1] == ["age", "works", "pays"]
    for root, _ in spoiled(plan, "impossible_duration"):
        took = datetime.fromisoformat(root.findtext("end", "")) - datetime.fromisoformat(root.findtext("start", ""))
        assert took.total_seconds() < 30
    for root, (question,) in spoiled(plan, "missing_required"):
        assert root.findtext(question) == ""
    for root, (question,) in spoiled(plan, "unlisted_choice"):
        assert root.findtext(question) not in {"yes", "no", ""}


def test_a_duplicate_person_is_another_interview_under_a_new_id(
    plan: SpoiledPlan, clean: list[RehearsedInterview]
) -> None:
    people = {etree.fromstring(interview.xml).findtext("person") for interview in clean}
    originals = {interview.instance_id for interview in clean}
    for root, questions in spoiled(plan, "duplicate_person"):
        assert questions == ()
        assert root.findtext("person") in people
        assert root.findtext("meta/instanceID") not in originals
    order = [send.instance_id for send in plan.sends]
    for act in plan.truth:
        if act.kind == "duplicate_person":
            assert order.index(act.instance_id) > order.index(act.note.split()[3].rstrip(","))


def test_the_truth_names_questions_and_never_an_answer(plan: SpoiledPlan) -> None:
    answers = {
        node.text for send in plan.sends for node in etree.fromstring(send.xml) if node.tag == "person" and node.text
    }
    lines = [act.line() for act in plan.truth]
    assert not [line for line in lines if any(answer in line for answer in answers)]
    always = {"instance_id", "kind", "questions", "expected", "note"}
    assert all(always <= set(json.loads(line)) <= always | {"touched", "original", "unit"} for line in lines)


def test_the_same_seed_spoils_the_same(form: CompiledForm, clean: list[RehearsedInterview], plan: SpoiledPlan) -> None:
    again = plan_spoiling(form, clean, SHARE, 1, START)
    assert again == plan
    assert plan_spoiling(form, clean, SHARE, 2, START).truth != plan.truth


def test_a_form_without_room_for_a_kind_goes_without_it() -> None:
    form = compile_workbook(
        workbook_from_markdown("| survey |\n| | type | name | label |\n| | text | remark | R |", "bare")
    )
    clean = list(rehearse(form, 40, 1, START))
    plan = plan_spoiling(form, clean, 0.1, 1, START)
    assert [act.kind for act in plan.truth] == ["duplicate_send"] * 4
    assert set(plan.not_possible) == {*CONTENT, "late_attachment"}


def test_no_share_spoils_nothing(form: CompiledForm, clean: list[RehearsedInterview]) -> None:
    plan = plan_spoiling(form, clean, 0.0, 1, START)
    assert [send.instance_id for send in plan.sends] == [interview.instance_id for interview in clean]
    assert plan.truth == ()
    assert last_day(0, 0.0) == 0


def test_the_shipped_survey_gives_room_for_every_kind() -> None:
    form = compile_workbook(read_workbook(SURVEY))
    plan = plan_spoiling(form, rehearse(form, 40, 1, START), (len(CONTENT) + len(TRANSPORT)) / 40, 1, START)
    assert Counter(act.kind for act in plan.truth) == dict.fromkeys((*CONTENT, *TRANSPORT), 1)
