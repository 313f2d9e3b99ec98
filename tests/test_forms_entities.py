"""What a form declares as entities, what a submission asks for, and which answers may go into lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from forms.compile import compile_workbook
from forms.entities import attached_lists, read_entity_actions, read_entity_plans
from forms.lint import check_workbook
from forms.sheets import read_workbook
from forms.sheets.markdown import workbook_from_markdown
from schemas.entities import EntityAction
from schemas.workbook import Workbook

REAL = Path(__file__).resolve().parents[2] / "shared" / "forms" / "hot_entities_registration.xls"
TREE = "5b9cf8d1-106f-4004-844f-c072d76762ed"


def _workbook(survey: str, entities: str, more: str = "") -> Workbook:
    return workbook_from_markdown(
        f"""
| survey |      |      |       |         |          |             |
|        | type | name | label | save_to | personal | calculation |
{survey}
| entities |           |       |           |           |           |
|          | list_name | label | entity_id | create_if | update_if |
{entities}
| settings |         |         |
|          | form_id | version |
|          | trees   | 1       |
{more}
""",
        "trees",
    )


TREES = _workbook(
    """
|        | select_one_from_file trees.csv | tree | Tree | | | |
|        | begin group | about | About | | | |
|        | text    | species | Species | species  | | |
|        | integer | girth   | Girth   | girth_cm | | |
|        | end group | | | | | |""",
    "|          | trees | ${species} | ${tree} | ${tree} = '' | ${tree} != '' |",
)


def test_form_declares_lists_and_their_properties() -> None:
    compiled = compile_workbook(TREES)
    (plan,) = read_entity_plans(compiled.xform)
    assert (plan.list_name, plan.path, plan.label_path) == ("trees", "/data", "/data/meta/entity/label")
    assert plan.properties == (("/data/about/species", "species"), ("/data/about/girth", "girth_cm"))
    assert attached_lists(compiled.xform) == ("trees",)
    bare = compile_workbook(workbook_from_markdown("| survey |\n| | type | name | label |\n| | text | a | A |", "a"))
    assert read_entity_plans(bare.xform) == ()
    assert read_entity_actions((), b"no xml") == []


def _sent(attributes: str, inside: str = "<label>oak</label>", meta: str = "") -> list[EntityAction]:
    xml = (
        f'<data id="trees" version="1"><tree/><about><species> oak </species></about><meta>{meta}'
        f'<entity dataset="trees" {attributes}>{inside}</entity></meta></data>'
    )
    return read_entity_actions(read_entity_plans(compile_workbook(TREES).xform), xml.encode())


def test_submission_asks_for_what_its_attributes_say() -> None:
    (created,) = _sent(f'id="{TREE}" create="1"')
    assert created == EntityAction("trees", TREE, create=True, label="oak", data={"species": "oak"})
    (changed,) = _sent(f'id="{TREE}" update="true" baseVersion="3" trunkVersion="2" branchId="b"', "")
    assert changed == EntityAction(
        "trees", TREE, update=True, data={"species": "oak"}, base_version=3, trunk_version=2, branch_id="b"
    )
    assert _sent(f'id="{TREE}" create="" update="no"') == []
    assert _sent(f'id="{TREE}"') == []
    (odd,) = _sent('id="" update="1" baseVersion="one" trunkVersion="-1"')
    assert (odd.uuid, odd.base_version, odd.trunk_version) == ("", None, None)


def test_edit_of_an_interview_asks_for_nothing() -> None:
    assert _sent(f'id="{TREE}" create="1"', meta="<deprecatedID>uuid:1</deprecatedID>") == []


def test_repeat_with_an_entity_asks_once_a_row() -> None:
    book = _workbook(
        """
|        | begin repeat | tree | Tree | | | |
|        | text    | species | Species | species  | | |
|        | end repeat | | | | | |""",
        "|          | trees | ${species} | | | |",
    )
    plans = read_entity_plans(compile_workbook(book).xform)
    assert [(plan.path, plan.properties) for plan in plans] == [("/data/tree", (("/data/tree/species", "species"),))]
    rows = "".join(
        f'<tree><species>{name}</species><meta><entity dataset="trees" id="{name}" create="1"><label>{name}</label>'
        "</entity></meta></tree>"
        for name in ("oak", "elm")
    )
    actions = read_entity_actions(plans, f'<data id="trees">{rows}<meta/></data>'.encode())
    assert [(action.uuid, dict(action.data)) for action in actions] == [
        ("oak", {"species": "oak"}),
        ("elm", {"species": "elm"}),
    ]


def _personal_problems(workbook: Workbook) -> list[tuple[str, str, int | None, str]]:
    return [
        (item.severity, item.sheet, item.row, item.column)
        for item in check_workbook(workbook, with_validate=False)
        if item.code == "FRM-703"
    ]


PERSONAL = """
|        | text      | who   | Name | | name | |
|        | text      | place | Name of the place | place | name | |
|        | calculate | both  |      | both | | concat(${initials}, '.') |
|        | calculate | initials |   | | | substr(${who}, 0, 1) |
|        | integer   | rooms | Rooms | rooms | | |"""


def test_personal_answers_in_lists_are_refused_unless_the_design_sheet_allows_them() -> None:
    entities = "|          | homes | ${who} | | | |"
    assert _personal_problems(_workbook(PERSONAL, entities)) == [
        ("error", "survey", 3, "save_to"),
        ("error", "survey", 4, "save_to"),
        ("error", "entities", 2, "label"),
    ]
    for value, count in (("yes", 0), ("no", 3)):
        design = f"| design | | |\n| | setting | value |\n| | entities_personal | {value} |"
        assert len(_personal_problems(_workbook(PERSONAL, entities, design))) == count
    assert _personal_problems(TREES) == []


def test_real_registration_form_is_read() -> None:
    if not REAL.exists():
        pytest.skip(f"the real form is not at {REAL}")
    workbook = read_workbook(REAL)
    compiled = compile_workbook(workbook)
    (plan,) = read_entity_plans(compiled.xform)
    assert plan.list_name == "features"
    assert [name for _, name in plan.properties] == [
        *("geometry", "project_id", "task_id", "osm_id", "tags"),
        *("version", "changeset", "timestamp", "status"),
    ]
    assert _personal_problems(workbook) == []
