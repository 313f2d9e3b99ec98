"""Exports of other systems become submissions: sheets, links of repeats, split columns, ids; nothing is lost unsaid."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from forms.compile import compile_workbook
from forms.exports import Export, read_export
from forms.exports.values import answer_text, plain_text
from forms.rehearsal import rehearse
from forms.sheets import read_workbook
from forms.sheets.markdown import workbook_from_markdown
from schemas.errors import FormError
from schemas.fields import Field, Form

SHARED = Path(__file__).resolve().parents[2] / "shared"

FORM = """
| survey   |                       |           |        |
|          | type                  | name      | label  |
|          | begin_group           | home      | Home   |
|          | integer               | rooms     | Rooms  |
|          | decimal               | rent      | Rent   |
|          | date                  | since     | Since  |
|          | select_multiple needs | needs     | Needs  |
|          | geopoint              | gps       | GPS    |
|          | end_group             |           |        |
|          | begin_repeat          | person    | Person |
|          | text                  | name      | Name   |
|          | select_one needs      | first     | First  |
|          | begin_repeat          | job       | Job    |
|          | text                  | title     | Title  |
|          | end_repeat            |           |        |
|          | end_repeat            |           |        |
| choices  |                       |           |        |
|          | list_name             | name      | label  |
|          | needs                 | food      | Food   |
|          | needs                 | work      | Work   |
|          | needs                 | 9         | Other  |
"""


@pytest.fixture(scope="module")
def form() -> Form:
    return compile_workbook(workbook_from_markdown(FORM, "homes")).form


def write_book(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def write_csv(path: Path, rows: list[list[str]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def read(form: Form, path: Path) -> tuple[Export, list[tuple[str, etree._Element]]]:
    export = read_export(form, path)
    return export, [(instance_id, etree.fromstring(xml)) for instance_id, xml in export]


def test_a_kobo_workbook_links_repeats_by_index_and_joins_split_columns(form: Form, tmp_path: Path) -> None:
    path = write_book(
        tmp_path / "kobo.xlsx",
        {
            "homes": [
                [
                    "_index",
                    "_uuid",
                    "home/rooms",
                    "home/needs",
                    "home/needs/food",
                    "home/needs/9",
                    "_gps_latitude",
                    "x",
                ],
                [1, "aaa", 3, None, 0, 1, -33.5, "?"],
                [2, "bbb", 2.0, "work food", 1, 0, None, None],
            ],
            "person": [
                ["_index", "_parent_index", "_parent_table_name", "person/name", "person/first"],
                [1, 2, "homes", "Ana", "food"],
                [2, 2, "homes", "Luz", 9],
                [3, 7, "homes", "Nobody's", "9"],
            ],
            "job": [["_index", "_parent_index", "_parent_table_name", "person/job/title"], [1, 2, "person", "Cook"]],
            "notes": [["_parent_index", "remark"], [1, "?"]],
        },
    )
    export, found = read(form, path)
    assert [instance_id for instance_id, _ in found] == ["uuid:aaa", "uuid:bbb"]
    first, second = (root for _, root in found)
    assert first.findtext("home/needs") == "9"
    assert second.findtext("home/needs") == "work food"
    assert (first.findtext("home/rooms"), second.findtext("home/rooms")) == ("3", "2")
    assert [person.findtext("name") for person in second.iterfind("person")] == ["Ana", "Luz"]
    assert second.findtext("person[2]/first") == "9"
    assert second.findtext("person[2]/job/title") == "Cook"
    assert first.find("person") is None
    assert export.unknown_columns == ["homes: x"]
    assert export.unknown_sheets == ["notes"]
    assert export.orphans == {"person": 1}


def test_a_folder_of_centrals_csvs_links_repeats_by_key(form: Form, tmp_path: Path) -> None:
    write_csv(
        tmp_path / "homes.csv",
        [
            ["SubmissionDate", "home-rooms", "home-gps-Latitude", "home-gps-Longitude", "home-gps-Accuracy", "KEY"],
            ["2026-01-01", "4", "-33.36", "-70.72", "5", "uuid:k1"],
        ],
    )
    write_csv(tmp_path / "homes-person.csv", [["name", "PARENT_KEY", "KEY"], ["Ana", "uuid:k1", "uuid:k1/person[1]"]])
    write_csv(
        tmp_path / "homes-person-job.csv",
        [["title", "PARENT_KEY", "KEY"], ["Cook", "uuid:k1/person[1]", "uuid:k1/person[1]/job[1]"]],
    )
    export, ((instance_id, root),) = read(form, tmp_path)
    assert instance_id == "uuid:k1"
    assert root.findtext("meta/instanceID") == "uuid:k1"
    assert root.findtext("home/gps") == "-33.36 -70.72 0.0 5"
    assert root.findtext("person/job/title") == "Cook"
    assert export.unknown_columns == []


def test_a_plain_table_gets_stable_ids_even_for_rows_that_are_alike(form: Form, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "table.csv", [["rooms", "rent"], ["3", "1.5"], ["3", "1.5"], ["4", ""]], ";")
    once, again = ([each for each, _ in read(form, path)[1]] for _ in range(2))
    assert once == again
    assert len(set(once)) == 3


def test_submissions_in_xml_come_through_untouched_and_others_are_named(form: Form, tmp_path: Path) -> None:
    compiled = compile_workbook(workbook_from_markdown(FORM, "homes"))
    (interview,) = rehearse(compiled, 1, 1, datetime(2026, 1, 1, tzinfo=UTC))
    (tmp_path / "a").mkdir()
    (tmp_path / "a/submission.xml").write_bytes(interview.xml)
    (tmp_path / "broken.xml").write_bytes(b"<data")
    export = read_export(form, tmp_path)
    assert list(export) == [(interview.instance_id, interview.xml)]
    assert export.unreadable == ["broken.xml"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("answers.pdf", b"%PDF", "FRM-601"),
        ("answers.xlsx", b"no zip", "FRM-602"),
        ("answers.csv", b"\xff\xfe\x00", "FRM-602"),
        ("answers.csv", b"", "FRM-603"),
        ("answers.csv", b"quite,other\n1,2\n", "FRM-604"),
        ("missing.csv", None, "FRM-601"),
    ],
)
def test_what_is_no_export_of_the_form_is_refused_with_a_code(
    form: Form, tmp_path: Path, name: str, content: bytes | None, code: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FormError) as caught:
        read_export(form, tmp_path / name)
    assert caught.value.code == code
    assert caught.value.advice


def test_cells_become_answers_by_the_type_of_their_question() -> None:
    moment = datetime(2026, 5, 4, 3, 2, 1)
    assert answer_text(Field("d", "/d", type="date"), moment) == "2026-05-04"
    assert answer_text(Field("d", "/d", type="date"), "2026-05-04T10:00:00Z") == "2026-05-04"
    assert answer_text(Field("t", "/t", type="dateTime"), moment) == "2026-05-04T03:02:01.000Z"
    assert answer_text(Field("t", "/t", type="dateTime"), "2026-05-04 03:02:01") == "2026-05-04T03:02:01.000Z"
    assert (
        answer_text(Field("t", "/t", type="dateTime"), "2026-05-04T03:02:01.5-03:00") == "2026-05-04T03:02:01.500-03:00"
    )
    assert answer_text(Field("t", "/t", type="dateTime"), date(2026, 5, 4)) == "2026-05-04T00:00:00.000Z"
    assert answer_text(Field("n", "/n", type="int"), 25.0) == "25"
    assert answer_text(Field("n", "/n", type="decimal"), 25) == "25.0"
    assert answer_text(Field("n", "/n", type="int"), "many") == "many"


@given(st.text(max_size=40))
def test_any_text_becomes_text_that_xml_can_hold(text: str) -> None:
    root = etree.Element("a")
    root.text = plain_text(text)
    assert etree.fromstring(etree.tostring(root)).text in {root.text or None, (root.text or "").replace("\r", "\n")}


def test_the_dummy_data_of_unhcr_come_in_whole() -> None:
    data, workbook = (
        SHARED / "forms" / name for name in ("data_unhcr_rms_capi_v3_dummy.xlsx", "unhcr_rms_capi_v3.xlsx")
    )
    if not data.exists():
        pytest.skip("../shared/forms/data_unhcr_rms_capi_v3_dummy.xlsx is not there")
    export, found = read(compile_workbook(read_workbook(workbook)).form, data)
    assert len({instance_id for instance_id, _ in found}) == 384
    assert (export.unknown_columns, export.unknown_sheets, dict(export.orphans)) == ([], [], {})
    root = found[0][1]
    assert [len(root.findall(path)) for path in ("Part1/rpt_hhmnames", "Part1/S1", "S2_repeat")] == [1, 1, 1]
    assert root.findtext("Part2/P2_S3/LIGHT04") == "1 3 7 96"
    assert root.findtext("intro/interviewdate") == "2023-07-13"
