"""Collect's audit.csv as a table of events: typed, without personal answers, told apart by section."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms.audit import AUDIT_SCHEMA, MALFORMED, AuditBatch, read_audits, read_events, section_times, split_rows
from forms.compile import compile_workbook
from forms.sheets.markdown import workbook_from_markdown
from schemas.fields import Form
from schemas.submissions import RawSubmission

WORKBOOK = workbook_from_markdown(
    """
| survey |              |         |            |          |
|        | type         | name    | label      | personal |
|        | audit        | audit   |            |          |
|        | text         | village | Village    |          |
|        | begin group  | home    | Home       |          |
|        | text         | person  | Name       | name     |
|        | integer      | rooms   | Rooms      |          |
|        | geopoint     | place   | Place      |          |
|        | end group    |         |            |          |
|        | begin repeat | member  | Member     |          |
|        | integer      | age     | Age        |          |
|        | end repeat   |         |            |          |
| settings |         |         |
|          | form_id | version |
|          | visits  | 1       |
""",
    "visits",
)


@pytest.fixture(scope="module")
def form() -> Form:
    return compile_workbook(WORKBOOK).form


def _raw(number: int) -> RawSubmission:
    return RawSubmission(number, "visits", "1", f"uuid:{number}", datetime(2026, 3, 2, tzinfo=UTC), b"", "")


def _read(form: Form, *files: str | bytes) -> AuditBatch:
    contents = [text.encode() if isinstance(text, str) else text for text in files]
    return read_audits(form, [_raw(number) for number in range(len(files))], dict(enumerate(contents)))


HEAD = "event,node,start,end"
TRACKED = f"{HEAD},latitude,longitude,accuracy,old-value,new-value,user,change-reason"


def test_events_are_typed_and_placed_in_their_question_and_section(form: Form) -> None:
    table = _read(
        form,
        f"{HEAD}\nform start,,1700000000000,\nquestion,/data/village,1700000000000,1700000002500\n"
        "question,/data/member[2]/age,1700000002500,1700000003000\nend screen,,1700000003000,1700000003000\n",
    ).table
    assert table.schema == pl.Schema(AUDIT_SCHEMA)
    assert table["_position"].to_list() == [1, 2, 3, 4]
    assert table["question"].to_list() == [None, "village", "age", None]
    assert table["section"].to_list() == [None, "", "member", None]
    assert table["seconds"].to_list() == [None, 2.5, 0.5, 0.0]
    assert table["start"][0] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert table["node"][2] == "/data/member[2]/age"


def test_values_of_personal_questions_places_and_unknown_nodes_never_enter_the_table(form: Form) -> None:
    found = _read(
        form,
        f"{TRACKED}\n"
        "question,/data/village,1,2,,,,Zentinela Norte,Sur,ana,\n"
        "question,/data/home/person,2,3,,,,Zentinela,Zentinela Pérez,ana,the name is Zentinela\n"
        "question,/data/home/place,3,4,,,,-33.363636 -70.727272 0 0,,ana,\n"
        "question,/data/gone,4,5,,,,Zentinela,,ana,\n",
    )
    assert not found.findings
    rows = found.table.select("old_value", "new_value", "user", "change_reason").rows()
    assert rows == [
        ("Zentinela Norte", "Sur", "ana", None),
        ("***", "***", "ana", "***"),
        ("***", None, "ana", None),
        ("***", None, "ana", None),
    ]


def test_positions_become_distances_from_the_first_one(form: Form) -> None:
    table = _read(
        form,
        f"{TRACKED}\nform start,,1,,,,,,,,\nquestion,/data/village,1,2,-33.3636,-70.7272,4.5,,,,\n"
        "question,/data/home/rooms,2,3,-33.3726,-70.7272,9,,,,\n",
    ).table
    # One thousandth of a degree of latitude is 111.2 m.
    assert table["moved_metres"].to_list() == [None, 0.0, pytest.approx(1001, abs=2)]
    assert table["accuracy_metres"].to_list() == [None, 4.5, 9.0]
    assert "33.36" not in table.write_csv()


@pytest.mark.parametrize(
    ("content", "events"),
    [
        (b"", 0),
        (b"\xff\xfe\x00", 0),
        (b"event,node,start\nform start,,1\n", 0),
        (f"{HEAD},event\nform start,,1,,\n".encode(), 0),
        (f"{HEAD}\nform start,,1,\nquestion,/data/village\n".encode(), 1),
        (f"{HEAD}\nform start,,yesterday,\n".encode(), 1),
        (f"{HEAD}\nform start,,99999999999999999,\n".encode(), 1),
        (f'{HEAD}\nquestion,"/data/village\nmore\n'.encode(), 0),
    ],
)
def test_malformed_file_is_a_finding_and_what_can_be_read_is_kept(form: Form, content: bytes, events: int) -> None:
    found = _read(form, content, f"{HEAD}\nform start,,1,\n")
    assert [(finding.rule_id, finding.instance_id, finding.severity) for finding in found.findings] == [
        (MALFORMED, "uuid:0", "warning")
    ]
    assert found.table.filter(_instance_id="uuid:0").height == events
    assert found.table.filter(_instance_id="uuid:1").height == 1


def test_quoted_commas_line_ends_and_bare_quotation_marks_are_read() -> None:
    rows, is_whole = split_rows('a,"one, two",3\nb,"first\nsecond",4\nc,"bare start,5\nd,in "the" middle,6\n', 3)
    assert is_whole
    assert rows == [
        ["a", "one, two", "3"],
        ["b", "first\nsecond", "4"],
        ["c", '"bare start', "5"],
        ["d", 'in "the" middle', "6"],
    ]


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"{TRACKED}\n{text}".encode()))
def test_any_bytes_are_read_without_an_exception(content: bytes) -> None:
    columns, _ = read_events(content)
    assert len({len(cells) for cells in columns.values()}) == 1


def test_submission_without_a_file_has_no_events(form: Form) -> None:
    found = read_audits(form, [_raw(0)], {})
    assert found.table.is_empty()
    assert found.table.schema == pl.Schema(AUDIT_SCHEMA)
    assert section_times(found.table).is_empty()


def test_sections_add_up_and_overlapping_events_count_once(form: Form) -> None:
    table = _read(
        form,
        f"{HEAD}\nquestion,/data/village,0,1000\ngroup questions,/data/home,1000,9000\n"
        "question,/data/home/rooms,1000,9000\nquestion,/data/member[1]/age,9000,10000\n"
        "question,/data/home/rooms,10000,11000\n",
    ).table
    assert section_times(table).rows() == [
        ("uuid:0", "", 1, 1, 1.0),
        ("uuid:0", "home", 3, 2, 9.0),
        ("uuid:0", "member", 1, 1, 1.0),
    ]


def test_thousand_files_of_two_hundred_events_are_read_within_seconds(form: Form) -> None:
    nodes = ["/data/village", "/data/home/person", "/data/home/rooms", "/data/member[1]/age"]
    lines = [f"question,{nodes[i % 4]},{i * 1000},{i * 1000 + 900},-33.36,-70.72,5,1,2,ana," for i in range(200)]
    content = "\n".join([TRACKED, *lines, ""])
    began = time.perf_counter()
    found = _read(form, *[content] * 1_000)
    seconds = time.perf_counter() - began
    assert found.table.height == 200_000
    assert seconds < 6  # 3 s on a machine of its own
    print(f"{seconds:.2f} s")
