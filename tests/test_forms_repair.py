"""The repair: what it mends, what it reports, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.compile import compile_workbook
from forms.lint import check_workbook
from forms.lint.survey import NAME
from forms.repair import repair_workbook
from forms.repair.names import legal_name
from forms.sheets import read_workbook, read_workbook_bytes, workbook_from_markdown, write_xlsx
from schemas.workbook import Workbook

SHARED = Path(__file__).resolve().parents[2] / "shared" / "forms"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real forms are not at {SHARED}")


def repaired(text: str) -> tuple[Workbook, list[tuple[str, str, int | None]]]:
    workbook, log = repair_workbook(workbook_from_markdown(text, "prueba"))
    assert all(found.severity == "info" for found in log)
    return workbook, [(found.code, found.sheet, found.row) for found in log]


def survey(workbook: Workbook) -> list[dict[str, str]]:
    return [dict(row.cells) for row in workbook.rows("survey")]


def test_a_sound_workbook_comes_back_equal_and_without_report() -> None:
    text = """
    | survey |
    | | type | name | label::Español (es) | relevant |
    | | select_one yn | a | Sí o no | |
    | | note | b | Hola “amiga” ${a} | ${a} = '1' |
    | choices |
    | | list_name | name | label |
    | | yn | 1 | Sí |
    """
    workbook = workbook_from_markdown(text)
    assert repair_workbook(workbook) == (workbook, [])


def test_other_names_of_columns_and_types_become_canonical() -> None:
    workbook, log = repaired("""
    | survey |
    | | type | name | Label | relevance | calculate | relevent2 |
    | | int | a | A | 1=1 | | |
    | | select one from yn | b | B | | | |
    | | begin group | g | G | | | |
    | | end group | | | | | |
    | | calculate | c | | | 1+1 | |
    | choices |
    | | list name | value | label |
    | | yn | 1 | Sí |
    """)
    assert [row.get("type") for row in survey(workbook)] == [
        "integer",
        "select_one yn",
        "begin_group",
        "end_group",
        "calculate",
    ]
    assert survey(workbook)[0]["relevant"] == "1=1"
    assert survey(workbook)[4]["calculation"] == "1+1"
    assert workbook.sheets["choices"].headers == ("list_name", "name", "label")
    assert ("FRM-502", "survey", 2) in log
    assert compile_workbook(workbook).form.form_id == "prueba"


def test_illegal_names_are_changed_wherever_they_are_meant() -> None:
    workbook, log = repaired("""
    | survey |
    | | type | name | label | relevant | calculation |
    | | integer | 2 edad | Edad | | |
    | | note | b | Tiene ${2 edad} | ${2 edad} > 5 | |
    | checks |
    | | name | expression | message::es | variables |
    | | c | ${2 edad} > 1 | M | b |
    """)
    assert survey(workbook)[0]["name"] == "q_2_edad"
    assert survey(workbook)[1]["relevant"] == "${q_2_edad} > 5"
    assert survey(workbook)[1]["label"] == "Tiene ${q_2_edad}"
    assert workbook.rows("checks")[0].cells["expression"] == "${q_2_edad} > 1"
    assert [code for code, _, _ in log] == ["FRM-504", "FRM-505", "FRM-505", "FRM-505"]
    compile_workbook(workbook)


def test_typographic_quotes_are_mended_in_expressions_only() -> None:
    workbook, _ = repaired("""
    | survey |
    | | type | name | label | relevant |
    | | text | a | Diga “hola” | |
    | | text | b | B | ${a} = ‘hola’ and ${a} != “no” |
    """)
    assert survey(workbook)[0]["label"] == "Diga “hola”"
    assert survey(workbook)[1]["relevant"] == "${a} = 'hola' and ${a} != \"no\""


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["begin_group", "text"], ["begin_group", "text", "end_group"]),
        (["text", "end_group"], ["text"]),
        (["begin_repeat", "text", "end_group"], ["begin_repeat", "text", "end_repeat"]),
        (
            ["begin_group", "begin_repeat", "text", "end_group", "text"],
            ["begin_group", "begin_repeat", "text", "end_repeat", "end_group", "text"],
        ),
    ],
)
def test_sections_are_closed(types: list[str], expected: list[str]) -> None:
    rows = "\n".join(f"| | {kind} | {'' if kind.startswith('end') else f'n{i}'} | L |" for i, kind in enumerate(types))
    workbook, log = repaired(f"| survey |\n| | type | name | label |\n{rows}")
    assert [row["type"] for row in survey(workbook)] == expected
    numbers = [row.number for row in workbook.rows("survey")]
    assert numbers == sorted(set(numbers))
    assert len(log) == 1
    compile_workbook(workbook)


def test_references_that_miss_by_little_are_mended_and_strangers_left() -> None:
    workbook, log = repaired("""
    | survey |
    | | type | name | label | relevant |
    | | integer | household_size | A | |
    | | text | b | B | ${Household_Size} > 1 |
    | | text | c | C | ${ household_size } > 1 |
    | | text | d | D ${household_si | |
    | | text | e | E | ${stranger} > 1 |
    """)
    assert [row.get("relevant") for row in survey(workbook)] == [
        None,
        "${household_size} > 1",
        "${household_size} > 1",
        None,
        "${stranger} > 1",
    ]
    assert survey(workbook)[3]["label"] == "D ${household_size}"
    assert log == [("FRM-512", "survey", row) for row in (3, 4, 5)]


def test_names_that_are_missing_or_stand_twice_get_one_of_their_own() -> None:
    workbook, log = repaired("""
    | survey |
    | | type | name | label |
    | | text | a | A |
    | | text | a | B |
    | | note | | C |
    """)
    assert [row["name"] for row in survey(workbook)] == ["a", "a_2", "note_4"]
    assert log == [("FRM-514", "survey", 4), ("FRM-513", "survey", 3)]


DOUBLED = """
| survey |
| | type | name | label | choice_filter |
| | select_one l | a | A | {filter} |
| choices |
| | list_name | name | label | zone |
| | l | 1 | Uno | {first} |
| | l | 1 | {label} | {second} |
"""


def choices(text: str) -> list[tuple[str, str]]:
    workbook, _ = repaired(text)
    assert not [found for found in check_workbook(workbook, False) if found.severity == "error"]
    return [(row.cells["name"], row.cells["label"]) for row in workbook.rows("choices")]


def test_a_choice_that_says_the_same_twice_is_dropped() -> None:
    assert choices(DOUBLED.format(filter="", label="UNO ", first="", second="n")) == [("1", "Uno")]


def test_a_code_that_stands_for_two_answers_is_numbered() -> None:
    assert choices(DOUBLED.format(filter="", label="Dos", first="", second="")) == [("1", "Uno"), ("1_2", "Dos")]


def test_a_filtered_list_may_keep_its_doubled_codes() -> None:
    text = DOUBLED.format(filter="zone = 'n'", label="Dos", first="n", second="s")
    workbook, log = repaired(text)
    assert workbook.rows("settings")[0].cells == {"allow_choice_duplicates": "yes"}
    assert log == [("FRM-508", "settings", 2)]
    assert len(compile_workbook(workbook).form.table("main").fields[0].choices) == 2


def test_codes_with_spaces_and_without_are_mended_with_the_expressions() -> None:
    workbook, _ = repaired("""
    | survey |
    | | type | name | label | relevant |
    | | select_multiple l | a | A | |
    | | note | b | B | selected(${a}, 'not yet') |
    | choices |
    | | list_name | name | label |
    | | l | not yet | Todavía no |
    | | l | | Quizás |
    """)
    assert [row.cells["name"] for row in workbook.rows("choices")] == ["not_yet", "quizás"]
    assert survey(workbook)[1]["relevant"] == "selected(${a}, 'not_yet')"


def test_missing_labels_become_the_name_and_near_lists_are_found() -> None:
    workbook, log = repaired("""
    | survey |
    | | type | name | label |
    | | select_one yes_no_lst | a | |
    | choices |
    | | list_name | name | label |
    | | yes_no_list | 1 | |
    | | yes_no_list | 2 | No |
    """)
    assert survey(workbook)[0] == {"type": "select_one yes_no_list", "name": "a", "label": "a"}
    assert workbook.rows("choices")[0].cells["label"] == "1"
    assert [code for code, _, _ in log] == ["FRM-515", "FRM-507", "FRM-507"]


@settings(deadline=None)
@given(st.text(max_size=20))
def test_every_text_has_a_legal_name(text: str) -> None:
    assert NAME.fullmatch(legal_name(text))


WORDS = st.sampled_from(["a", "b", "1x", "edad y más", "", "A"])
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["int", "text", "select_one l", "select one from l", "begin group", "end group", "begin_repeat",
                         "end_repeat", "intger", "calculate"]),
        WORDS,
        st.sampled_from(["", "L", "${a}", "${A"]),
        st.sampled_from(["", "${a} > 1", "${1x} = ‘2’"]),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(ROWS, st.lists(st.tuples(WORDS, st.sampled_from(["", "Uno", "uno", "Dos"])), max_size=4))
def test_repairing_again_changes_nothing(rows: list[tuple[str, ...]], codes: list[tuple[str, str]]) -> None:
    text = "| survey |\n| | type | name | label | relevance |\n" + "\n".join(f"| | {' | '.join(row)} |" for row in rows)
    text += "\n| choices |\n| | list_name | name | label |\n" + "\n".join(f"| | l | {a} | {b} |" for a, b in codes)
    once, _ = repair_workbook(workbook_from_markdown(text))
    twice, log = repair_workbook(once)
    assert log == []
    assert twice == once
    again = read_workbook_bytes("form.xlsx", write_xlsx(once))
    assert [row.cells for row in again.rows("survey")] == [row.cells for row in once.rows("survey")]


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize("name", ["unhcr_koboloader_form.xls", "unhcr_xlsformutil_demo.xlsx"])
def test_real_forms_that_pyxform_refuses_work_after_the_repair(name: str) -> None:
    workbook, log = repair_workbook(read_workbook(SHARED / name))
    assert log
    assert all(found.severity == "info" and found.code.startswith("FRM-5") and found.row for found in log)
    assert [found for found in check_workbook(workbook) if found.severity == "error"] == []
    assert compile_workbook(workbook).form.tables
