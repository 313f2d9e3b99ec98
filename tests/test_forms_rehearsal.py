"""A form filled by its own logic: order, skips, constraints, lists, rows, times, and the same seed the same bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from lxml import etree

from forms.compile import CompiledForm, compile_workbook, compile_xform
from forms.rehearsal import rehearse, rehearse_parallel
from forms.rehearsal.interviews import RehearsedInterview
from forms.rehearsal.plan import fresh_chance
from forms.rehearsal.quotas import BLOCK
from forms.rehearsal.times import plan_visit
from forms.sheets.markdown import workbook_from_markdown

START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=-3)))

HOUSEHOLD = r"""
| survey   |                       |               |        |                      |                                   |          |                                   |                    |              |         |
|          | type                  | name          | label  | relevant             | constraint                        | required | calculation                       | choice_filter      | repeat_count | default |
|          | start                 | start         |        |                      |                                   |          |                                   |                    |              |         |
|          | end                   | end           |        |                      |                                   |          |                                   |                    |              |         |
|          | today                 | today         |        |                      |                                   |          |                                   |                    |              |         |
|          | deviceid              | device        |        |                      |                                   |          |                                   |                    |              |         |
|          | audit                 | audit         |        |                      |                                   |          |                                   |                    |              |         |
|          | select_one yes_no     | consent       | Agree? |                      |                                   | yes      |                                   |                    |              |         |
|          | begin_group           | home          | Home   | ${consent} = 'yes'   |                                   |          |                                   |                    |              |         |
|          | select_one region     | region        | Region |                      |                                   | yes      |                                   |                    |              |         |
|          | select_one town       | town          | Town   |                      |                                   | yes      |                                   | region = ${region} |              |         |
|          | integer               | size          | People |                      | . >= 1 and . <= 4                 | yes      |                                   |                    |              |         |
|          | begin_repeat          | person        | Person |                      |                                   |          |                                   |                    | ${size}      |         |
|          | calculate             | number        |        |                      |                                   |          | position(..)                      |                    |              |         |
|          | text                  | code          | Code   |                      | regex(., '[A-Z]{2}-[0-9]{3}')     | yes      |                                   |                    |              |         |
|          | integer               | age           | Age    |                      | . >= 0 and . <= 110               | yes      |                                   |                    |              |         |
|          | select_one yes_no     | works         | Works? | ${age} >= 15         |                                   | yes      |                                   |                    |              |         |
|          | date                  | born          | Born   |                      | . <= ${today} and . > date('1915-01-01') | yes |                                 |                    |              |         |
|          | end_repeat            |               |        |                      |                                   |          |                                   |                    |              |         |
|          | calculate             | workers       |        |                      |                                   |          | count(${person}[works = 'yes'])   |                    |              |         |
|          | select_multiple needs | needs         | Needs  |                      | not(selected(., 'none') and count-selected(.) > 1) | yes |                       |                    |              |         |
|          | image                 | front         | Photo  |                      |                                   | yes      |                                   |                    |              |         |
|          | end_group             |               |        |                      |                                   |          |                                   |                    |              |         |
|          | text                  | why           | Why?   | ${consent} = 'no'    |                                   | yes      |                                   |                    |              |         |
| choices  |                       |               |        |                      |                                   |          |                                   |                    |              |         |
|          | list_name             | name          | label  | region               |                                   |          |                                   |                    |              |         |
|          | yes_no                | yes           | Yes    |                      |                                   |          |                                   |                    |              |         |
|          | yes_no                | no            | No     |                      |                                   |          |                                   |                    |              |         |
|          | region                | north         | North  |                      |                                   |          |                                   |                    |              |         |
|          | region                | south         | South  |                      |                                   |          |                                   |                    |              |         |
|          | town                  | a             | A      | north                |                                   |          |                                   |                    |              |         |
|          | town                  | b             | B      | south                |                                   |          |                                   |                    |              |         |
|          | town                  | c             | C      | south                |                                   |          |                                   |                    |              |         |
|          | needs                 | food          | Food   |                      |                                   |          |                                   |                    |              |         |
|          | needs                 | work          | Work   |                      |                                   |          |                                   |                    |              |         |
|          | needs                 | none          | None   |                      |                                   |          |                                   |                    |              |         |
"""  # noqa: E501

QUOTAS = r"""
| rehearsal |          |        |        |                   |
|           | question | value  | weight | when              |
|           | consent  | yes    | 90     |                   |
|           | consent  | no     | 10     |                   |
|           | age      | 18..90 | 1      | position(..) = 1  |
|           | age      | 0..17  | 30     | position(..) > 1  |
|           | age      | 200    | 3      | position(..) > 1  |
|           | age      | 18..90 | 70     | position(..) > 1  |
|           | works    | yes    | 54     | position(..) = 1  |
|           | works    | no     | 46     | position(..) = 1  |
"""


def compiled(text: str) -> CompiledForm:
    return compile_workbook(workbook_from_markdown(text, "household"))


@pytest.fixture(scope="module")
def form() -> CompiledForm:
    return compiled(HOUSEHOLD)


@pytest.fixture(scope="module")
def interviews(form: CompiledForm) -> list[RehearsedInterview]:
    return list(rehearse(form, 150, 7, START))


def roots(interviews: list[RehearsedInterview]) -> list[etree._Element]:
    return [etree.fromstring(interview.xml) for interview in interviews]


def test_questions_are_asked_only_where_they_are_relevant(interviews: list[RehearsedInterview]) -> None:
    agreed = 0
    for root in roots(interviews):
        if root.findtext("consent") == "yes":
            agreed += 1
            assert root.find("home") is not None
            assert root.find("why") is None
        else:
            assert root.find("home") is None
            assert root.findtext("why")
        for person in root.iterfind("home/person"):
            assert (person.find("works") is not None) == (int(person.findtext("age", "")) >= 15)
    assert 0 < agreed < 150


def test_rows_follow_their_count_and_calculations_are_up_to_date(interviews: list[RehearsedInterview]) -> None:
    sizes = set()
    for home in (root.find("home") for root in roots(interviews)):
        if home is None:
            continue
        people = home.findall("person")
        sizes.add(len(people))
        assert len(people) == int(home.findtext("size", ""))
        assert [person.findtext("number") for person in people] == [str(n + 1) for n in range(len(people))]
        workers = sum(person.findtext("works") == "yes" for person in people)
        assert home.findtext("workers") == str(workers)
    assert sizes == {1, 2, 3, 4}


def test_every_answer_satisfies_its_constraint_and_its_filtered_list(interviews: list[RehearsedInterview]) -> None:
    towns = {"north": {"a"}, "south": {"b", "c"}}
    for root in roots(interviews):
        for home in root.iterfind("home"):
            assert home.findtext("town") in towns[home.findtext("region", "")]
            needs = home.findtext("needs", "").split()
            assert needs == ["none"] or (needs and "none" not in needs)
        for person in root.iterfind("home/person"):
            letters, _, digits = person.findtext("code", "").partition("-")
            assert (len(letters), len(digits)) == (2, 3)
            assert "1915-01-01" < person.findtext("born", "") <= root.findtext("today", "")
    assert not [note for interview in interviews for note in interview.notes]


def test_times_device_and_audit_are_those_of_a_field_day(interviews: list[RehearsedInterview]) -> None:
    for interview, root in zip(interviews, roots(interviews), strict=True):
        start = datetime.fromisoformat(root.findtext("start", ""))
        end = datetime.fromisoformat(root.findtext("end", ""))
        assert start.utcoffset() == timedelta(hours=-3)
        assert timedelta(minutes=10) <= end - start <= timedelta(hours=2)
        assert 9 <= start.hour <= end.hour <= 20
        assert root.findtext("today") == start.date().isoformat()
        assert len(root.findtext("device", "")) == len("collect:") + 16
        lines = interview.attachments["audit.csv"].decode().splitlines()
        assert lines[0] == "event,node,start,end"
        moments = [int(line.split(",")[2]) for line in lines[1:]]
        assert moments == sorted(moments)
        assert any(line.startswith("question,/data/consent,") for line in lines)


def test_enumerators_are_never_at_two_doors_at_once(interviews: list[RehearsedInterview]) -> None:
    spans: dict[str, list[tuple[str, str]]] = {}
    for root in roots(interviews):
        spans.setdefault(root.findtext("device", ""), []).append((root.findtext("start", ""), root.findtext("end", "")))
    assert len(spans) == 8
    for device in spans.values():
        device.sort()
        assert all(before[1] < after[0] for before, after in pairwise(device))


def test_uploads_are_attached_under_the_name_that_was_answered(interviews: list[RehearsedInterview]) -> None:
    for interview, root in zip(interviews, roots(interviews), strict=True):
        named = {node.text for node in root.iter("front")}
        assert named <= set(interview.attachments)
        assert all(interview.attachments[name].startswith(b"\xff\xd8") for name in named if name)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(form: CompiledForm) -> None:
    once, again, other = ([each.xml for each in rehearse(form, 5, seed, START)] for seed in (1, 1, 2))
    assert once == again
    assert not set(once) & set(other)


def test_several_processes_give_the_same_interviews_in_the_same_order() -> None:
    form = compiled(HOUSEHOLD + QUOTAS)
    count = BLOCK + 30
    alone = [(each.xml, dict(each.attachments)) for each in rehearse(form, count, 3, START)]
    together = [(each.xml, dict(each.attachments)) for each in rehearse_parallel(form, count, 3, START, 2)]
    assert alone == together


def test_quotas_come_out_exactly_and_an_answer_the_form_refuses_is_told() -> None:
    form = compiled(HOUSEHOLD + QUOTAS)
    found = list(rehearse(form, 1021, 5, START))
    answers: Counter[tuple[str, str]] = Counter()
    first: list[int] = []
    for root in roots(found):
        answers["consent", root.findtext("consent", "")] += 1
        people = root.findall("home/person")
        if people:
            first.append(int(people[0].findtext("age", "")))
            answers["works", people[0].findtext("works", "")] += 1
        assert all(int(person.findtext("age", "")) <= 90 for person in people)
    assert answers["consent", "yes"] == 919  # 90 % of 1,021 is 918.9
    assert min(first) >= 18
    assert abs(answers["works", "yes"] - 0.54 * 919) < 4
    assert {note.kind for each in found for note in each.notes} == {"quota_redrawn"}


def test_a_star_in_the_sheet_is_a_fresh_answer_that_the_question_accepts() -> None:
    form = compiled(
        """
| survey    |          |       |        |                           |
|           | type     | name  | label  | constraint                |
|           | text     | code  | C      | regex(., '[A-Z]{3}[0-9]{4}') |
| rehearsal |          |       |        |                           |
|           | question | value | weight |                           |
|           | code     | *     | 3      |                           |
|           | code     |       | 1      |                           |
"""
    )
    codes = [root.findtext("code") or "" for root in roots(list(rehearse(form, 40, 1, START)))]
    assert codes.count("") == 10
    assert len(set(codes)) == 31


def test_a_question_that_accepts_nothing_is_told_and_never_looped_over() -> None:
    form = compiled(
        """
| survey |         |       |       |            |          |
|        | type    | name  | label | constraint | required |
|        | integer | never | N     | . > 5 and . < 3 | yes |
|        | integer | free  | F     | . > 5 and . < 3 |     |
"""
    )
    (interview,) = rehearse(form, 1, 1, START)
    assert [(note.kind, note.path) for note in interview.notes if note.kind == "unanswered"] == [
        ("unanswered", "/data/never")
    ]
    assert etree.fromstring(interview.xml).findtext("never") == ""


def test_a_later_answer_that_opens_an_earlier_question_sends_the_enumerator_back() -> None:
    form = compiled(
        """
| survey   |                   |       |       |                  |          |
|          | type              | name  | label | relevant         | required |
|          | text              | early | E     | ${late} = 'yes'  | yes      |
|          | select_one yes_no | late  | L     |                  | yes      |
| choices  |                   |       |       |                  |          |
|          | list_name         | name  | label |                  |          |
|          | yes_no            | yes   | Yes   |                  |          |
|          | yes_no            | no    | No    |                  |          |
"""
    )
    seen = set()
    for root in roots(list(rehearse(form, 20, 1, START))):
        seen.add(root.findtext("late"))
        assert bool(root.findtext("early")) == (root.findtext("late") == "yes")
    assert seen == {"yes", "no"}


def test_a_dead_end_of_the_form_begins_the_interview_anew() -> None:
    form = compiled(
        """
| survey   |                   |       |       |                |          |           |
|          | type              | name  | label | relevant       | required | read_only |
|          | select_one yes_no | first | F     |                | yes      |           |
|          | note              | stop  | Stop! | ${first} = 'no' | yes     | yes       |
| choices  |                   |       |       |                |          |           |
|          | list_name         | name  | label |                |          |           |
|          | yes_no            | yes   | Yes   |                |          |           |
|          | yes_no            | no    | No    |                |          |           |
"""
    )
    found = list(rehearse(form, 20, 1, START))
    assert {root.findtext("first") for root in roots(found)} == {"yes"}
    assert {note.kind for each in found for note in each.notes} == {"dead_end"}


def test_rows_of_other_people_are_read_across_and_free_rows_vary() -> None:
    form = compiled(
        """
| survey |              |       |       |                                                      |
|        | type         | name  | label | calculation                                          |
|        | begin_repeat | kid   | Kid   |                                                      |
|        | integer      | age   | Age   |                                                      |
|        | calculate    | older |       | count(../../kid[age > current()/../age])             |
|        | end_repeat   |       |       |                                                      |
|        | calculate    | kids  |       | count(${kid})                                        |
|        | calculate    | total |       | sum(${age})                                          |
"""
    )
    counts = set()
    for root in roots(list(rehearse(form, 40, 1, START))):
        ages = [int(kid.findtext("age") or 0) for kid in root.findall("kid")]
        blank = [not kid.findtext("age") for kid in root.findall("kid")]
        counts.add(len(ages))
        assert root.findtext("kids") == str(len(ages))
        assert root.findtext("total") == str(sum(ages))
        if not any(blank):
            older = [str(sum(other > age for other in ages)) for age in ages]
            assert [kid.findtext("older") for kid in root.findall("kid")] == older
    assert counts == {0, 1, 2, 3, 4}


def test_a_broken_calculation_is_told_and_the_rest_is_filled() -> None:
    form = compiled(
        """
| survey |           |      |       |              |
|        | type      | name | label | calculation  |
|        | integer   | age  | Age   |              |
|        | calculate | bad  |       | if(${age})   |
"""
    )
    (interview,) = rehearse(form, 1, 1, START)
    assert [(note.kind, note.path) for note in interview.notes] == [("expression", "/data/bad")]


def test_a_bare_xform_is_enough_and_entities_get_their_id() -> None:
    form = compile_workbook(
        workbook_from_markdown(
            """
| survey   |           |       |       |         |
|          | type      | name  | label | save_to |
|          | text      | where | Where | place   |
| entities |           |       |       |         |
|          | list_name | label |       |         |
|          | homes     | ${where} |    |         |
""",
            "household",
        )
    )
    (interview,) = rehearse(compile_xform(form.xform, {}), 1, 1, START)
    entity = etree.fromstring(interview.xml).find("meta/entity")
    assert entity is not None
    assert entity.get("dataset") == "homes"
    assert len(entity.get("id", "")) == 36


KINDS = """
| survey   |                              |         |       |                        |                    |                  |          |
|          | type                         | name    | label | calculation            | parameters         | trigger          | default  |
|          | username                     | who     |       |                        |                    |                  |          |
|          | range                        | scale   | S     |                        | start=2 end=8 step=2 |                |          |
|          | rank abc                     | order   | O     |                        |                    |                  |          |
|          | select_one_from_file towns.csv | town  | T     |                        |                    |                  |          |
|          | calculate                    | region  |       | pulldata('towns', 'region', 'name', ${town}) | |              |          |
|          | time                         | hour    | H     |                        |                    |                  |          |
|          | datetime                     | moment  | M     |                        |                    |                  |          |
|          | geotrace                     | way     | W     |                        |                    |                  |          |
|          | geoshape                     | plot    | P     |                        |                    |                  |          |
|          | acknowledge                  | read    | R     |                        |                    |                  |          |
|          | text                         | said    | S     |                        |                    |                  |          |
|          | calculate                    | noted   |       | concat('noted ', ${said}) |                 | ${said}          |          |
|          | integer                      | year    | Y     |                        |                    |                  | 2000 + 26 |
|          | audio                        | sound   | A     |                        |                    |                  |          |
| choices  |                              |         |       |                        |                    |                  |          |
|          | list_name                    | name    | label |                        |                    |                  |          |
|          | abc                          | a       | A     |                        |                    |                  |          |
|          | abc                          | b       | B     |                        |                    |                  |          |
|          | abc                          | c       | C     |                        |                    |                  |          |
| settings |                              |         |       |                        |                    |                  |          |
|          | form_id                      | instance_name |  |                       |                    |                  |          |
|          | kinds                        | concat('at ', ${scale}) | |              |                    |                  |          |
"""  # noqa: E501


def test_every_kind_of_question_gets_an_answer_of_its_kind() -> None:
    workbook = workbook_from_markdown(KINDS, "kinds")
    towns = b"name,label,region\nt1,One,north\nt2,Two,south\n"
    found = list(rehearse(compile_workbook(replace(workbook, media={"towns.csv": towns})), 60, 1, START))
    assert not [note for each in found for note in each.notes]
    seen: dict[str, set[str]] = {}
    for interview, root in zip(found, roots(found), strict=True):
        for node in root:
            if node.text:
                seen.setdefault(str(node.tag), set()).add(node.text)
        assert root.findtext("region") == {"t1": "north", "t2": "south"}.get(root.findtext("town") or "", "") or ""
        if root.findtext("said"):
            assert root.findtext("noted") == f"noted {root.findtext('said')}"
        assert root.findtext("meta/instanceName") == f"at {root.findtext('scale') or ''}"
        if root.findtext("sound"):
            assert interview.attachments[root.findtext("sound", "")].startswith(b"RIFF")
    assert seen["scale"] == {"2", "4", "6", "8"}
    assert {frozenset(order.split()) for order in seen["order"]} == {frozenset("abc")}
    assert len(seen["order"]) > 3
    assert seen["town"] == {"t1", "t2"}
    assert seen["read"] == {"OK"}
    assert all(name.startswith("rehearsal_") for name in seen["who"])
    assert all(len(way.split("; ")) == 4 for way in seen["way"])
    assert all(plot.split("; ")[0] == plot.split("; ")[-1] for plot in seen["plot"])
    assert all(datetime.fromisoformat(moment).tzinfo for moment in seen["moment"])


def test_the_repr_of_an_interview_holds_no_answer(interviews: list[RehearsedInterview]) -> None:
    assert "xml" not in repr(interviews[0])
    assert "attachments" not in repr(interviews[0])


def test_visits_spread_over_days_in_the_zone_of_the_start() -> None:
    visits = [plan_visit(index, START, fresh_chance(1, "f", index)) for index in range(400)]
    days = {visit.start.date() for visit in visits}
    assert len(days) == 10
    assert all(visit.start.tzinfo == START.tzinfo for visit in visits)
    assert plan_visit(0, datetime(2026, 1, 1, tzinfo=UTC), fresh_chance(1, "f", 0)).start.tzinfo == UTC
