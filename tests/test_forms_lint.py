"""The check of a workbook: every seeded defect is found, at its cell, with a code; clean workbooks have none."""

from __future__ import annotations

import pytest
from lint_books import CHOICES, ROW, check, places

from forms.lint import check_workbook
from forms.sheets import workbook_from_markdown


def test_a_clean_workbook_has_no_problem() -> None:
    assert check("| | text | a | A | ${works} = 'yes' and ${age} > 5 | | | | | | |") == []


DEFECTS = {
    "unknown reference": ("text | a | A | ${wroks} = 'yes'", "FRM-120", "relevant"),
    "unknown reference in a label": ("note | a | Hola ${nadie}", "FRM-120", "label"),
    "broken reference": ("note | a | Hola ${works", "FRM-122", "label"),
    "spaces in a reference": ("note | a | Hola ${ works }", "FRM-122", "label"),
    "missing list": ("select_one yesno | a | A", "FRM-109", "type"),
    "unknown type": ("intger | a | A", "FRM-102", "type"),
    "no type": (" | a | A", "FRM-102", "type"),
    "no name": ("text | | A", "FRM-103", "name"),
    "bad name": ("text | 1a | A", "FRM-104", "name"),
    "name with a space": ("text | a b | A", "FRM-104", "name"),
    "duplicate name": ("text | age | A", "FRM-105", "name"),
    "unmatched end": ("end_group | | ", "FRM-107", "type"),
    "group without end": ("begin_group | g | G", "FRM-108", "type"),
    "no label": ("text | a | ", "FRM-110", "label"),
    "bad syntax": ("text | a | A | ${age} > > 5", "EXP-004", "relevant"),
    "open quote": ("text | a | A | ${works} = 'yes", "EXP-003", "relevant"),
    "unknown function": ("text | a | A | floor(${age}) = 1", "EXP-020", "relevant"),
    "wrong number of arguments": ("text | a | A | selected(${needs})", "EXP-021", "relevant"),
    "path to a missing node": ("text | a | A | /data/wroks = 'yes'", "FRM-123", "relevant"),
    "code that isn't in the list": ("text | a | A | ${works} = 'si'", "FRM-124", "relevant"),
    "code that isn't in the list, by path": ("text | a | A | 'si' != /data/works", "FRM-124", "relevant"),
    "code that isn't in the list, selected": ("text | a | A | selected(${needs}, 'si')", "FRM-124", "relevant"),
    "own answer that isn't in the list": ("select_one yn | a | A | | . != 'si' | No", "FRM-124", "constraint"),
    "filter on a missing column": ("select_one yn | a | A | | | | | region = 'n'", "FRM-125", "choice_filter"),
    "date against a text": ("text | a | A | ${born} > '2020-01-01'", "FRM-126", "relevant"),
    "date against a number": ("text | a | A | ${born} > 2020", "FRM-126", "relevant"),
    "today against a text": ("text | a | A | today() > '2020-01-01'", "FRM-126", "relevant"),
    "number against a text": ("text | a | A | ${age} = 'adult'", "FRM-127", "relevant"),
    "question that needs itself": ("text | a | A | ${a} = 'x'", "FRM-128", "relevant"),
    "selected of a number": ("text | a | A | selected(${age}, '5')", "FRM-129", "relevant"),
    "bare word": ("text | a | A | ${works} = yes", "FRM-133", "relevant"),
    "question without ${}": ("text | a | A | age > 5", "FRM-133", "relevant"),
    "bad regular expression": ("text | a | A | | regex(., '[a') | No", "EXP-027", "constraint"),
    "select without a list": ("select_one | a | A", "FRM-109", "type"),
    "calculate without calculation": ("calculate | a", "FRM-136", "calculation"),
    "unknown list of instance()": ("calculate | a | | | | | instance('x')/root/item/name", "FRM-130", "calculation"),
    "missing file": ("calculate | a | | | | | pulldata('x', 'a', 'b', '1')", "FRM-135", "calculation"),
    "missing file of a select": ("select_one_from_file x.csv | a | A", "FRM-135", "type"),
    "unknown mark of personal data": ("text | a | A | | | | | | | nickname", "FRM-134", "personal"),
}


@pytest.mark.parametrize(("row", "code", "column"), DEFECTS.values(), ids=DEFECTS.keys())
def test_every_defect_is_found_at_its_cell_once(row: str, code: str, column: str) -> None:
    problems = check(f"| | {row}")
    assert places(problems) == [(code, "survey", ROW, column)]
    assert problems[0].message
    assert problems[0].advice
    assert problems[0].file == "prueba"


def test_a_constraint_without_message_is_information() -> None:
    problems = check("| | integer | a | A | | . > 5")
    assert places(problems, "info") == [("FRM-112", "survey", ROW, "constraint_message")]


def test_expression_errors_say_where_in_the_text() -> None:
    (problem,) = check("| | text | a | A | ${age} > > 5")
    assert "At 10" in problem.message or "character 10" in problem.message


def test_near_names_are_suggested() -> None:
    assert "${works}" in check("| | text | a | A | ${wroks} = 'yes'")[0].advice
    assert "select_one" in check("| | select_on yn | a | A")[0].advice


def test_answers_of_a_repeat_may_not_be_used_as_one_value_outside() -> None:
    rows = ("begin_repeat | r | R", "integer | n | N", "end_repeat | | ")
    after = ROW + len(rows)
    inside = [f"| | {row}" for row in rows]
    assert places(check(*inside, "| | text | a | A | ${n} > 3")) == [("EXP-103", "survey", after, "relevant")]
    assert places(check(*inside, "| | note | a | Hola ${n}")) == [("FRM-131", "survey", after, "label")]
    assert places(check(*inside, "| | text | a | A | sum(${n}) > 3 and count(${r}) = 2")) == []


def test_groups_without_questions_are_errors() -> None:
    assert places(check("| | begin_group | g | G", "| | end_group | | ")) == [("FRM-137", "survey", ROW, "type")]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("integer | a | A | many", "FRM-132"),
        ("date | a | A | hoy", "FRM-132"),
        ("select_one yn | a | A | si", "FRM-124"),
    ],
)
def test_fixed_defaults_must_be_answers(row: str, code: str) -> None:
    text = f"| survey |\n| | type | name | label | default |\n| | {row} |{CHOICES}"
    problems = check_workbook(workbook_from_markdown(text), with_validate=False)
    assert places(problems) == [(code, "survey", 2, "default")]


def test_all_defects_are_reported_though_pyxform_stops_at_the_first() -> None:
    rows = [f"| | {row}" for row, code, _ in DEFECTS.values() if code in {"FRM-120", "FRM-124", "FRM-126", "EXP-003"}]
    rows = [row.replace("| a |", f"| a{number} |") for number, row in enumerate(rows)]
    found = {row for _, _, row, _ in places(check(*rows))}
    assert found == set(range(ROW, ROW + len(rows)))


def test_a_cycle_is_reported_once_with_all_its_questions() -> None:
    rows = ["a | | | | | ${b}", "b | | | | | ${c}", "c | | | | | ${a}"]
    problems = check(*(f"| | calculate | {row}" for row in rows))
    assert places(problems) == [("FRM-128", "survey", ROW, "calculation")]
    assert all(f"'{name}'" in problems[0].message for name in "abc")


def test_a_group_may_not_depend_on_its_own_question() -> None:
    rows = ("begin_group | g | G | ${a} = 1", "integer | a | A", "end_group | | ")
    assert [found[0] for found in places(check(*(f"| | {row}" for row in rows)))] == ["FRM-128"]


def test_looking_at_the_row_before_is_no_cycle() -> None:
    rows = (
        "begin_repeat | r | R",
        "calculate | sum | | | | | if(position(..) = 1, 0, indexed-repeat(${sum}, ${r}, position(..) - 1) + 1)",
        "end_repeat | | ",
    )
    assert "FRM-128" not in {found[0] for found in places(check(*(f"| | {row}" for row in rows)))}


@pytest.mark.parametrize(
    "row",
    [
        "text | a | A | ${works} = ''",
        "text | a | A | ${needs} = 'yes no'",
        "text | a | A | ${age} = '5'",
        "text | a | A | ${born} = ''",
        "text | a | A | ${born} > date('2020-01-01') and ${born} <= today()",
        "text | a | A | /data/works = 'yes' and /data/meta/instanceID != ''",
        "select_one yn | a | A | | | | | zone = 'n' and name != 'no'",
        "select_one yn | a | A | | | | | instance('yn')/root/item[name = 'yes']/zone = zone",
        "calculate | a | | | | | count(/data/works[. = 'yes'])",
        "text | a | A | ${last-saved#works} = 'yes'",
        "select_one yn or_other | a | A | | . != 'other' | No",
    ],
)
def test_right_expressions_are_left_alone(row: str) -> None:
    assert places(check(f"| | {row}")) == []


def test_names_that_stand_twice_may_not_be_referred_to() -> None:
    rows = ("begin_group | g | G", "integer | age | A", "end_group | | ", "text | a | A | ${age} > 5")
    assert places(check(*(f"| | {row}" for row in rows))) == [("FRM-121", "survey", ROW + 3, "relevant")]


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        ("yn | yes | Otra vez | n", "FRM-202", "name"),
        ("yn | not yet | Todavía no | n", "FRM-203", "name"),
        ("yn | | Sin código | n", "FRM-205", "name"),
        ("yn | maybe | | n", "FRM-206", "label"),
        (" | orphan | Nadie | n", "FRM-208", "list_name"),
    ],
)
def test_every_defect_of_a_choice_is_found_at_its_cell_once(row: str, code: str, column: str) -> None:
    assert places(check(choices=CHOICES + f"| | {row} |\n")) == [(code, "choices", 4, column)]


def test_missing_translations_are_warnings_at_the_empty_cell() -> None:
    text = """
    | survey |
    | | type | name | label::Español (es) | label::English (en) |
    | | select_one yn | a | A | |
    | choices |
    | | list_name | name | label::Español (es) | label::English (en) |
    | | yn | 1 | | Yes |
    """
    assert places(check_workbook(workbook_from_markdown(text), with_validate=False)) == [
        ("FRM-111", "survey", 2, "label::English (en)"),
        ("FRM-207", "choices", 2, "label::Español (es)"),
    ]


def test_sheets_and_columns_that_are_missing_or_doubled_are_named() -> None:
    problems = check_workbook(workbook_from_markdown("| other |\n| | a |\n| | 1 |\n| more |\n| | b |"))
    assert places(problems) == [("FRM-006", "", None, "")]
    problems = check_workbook(workbook_from_markdown("| survey |\n| | type | label |\n| | note | A |"), False)
    assert ("FRM-101", "survey", None, "name") in places(problems)
    doubled = workbook_from_markdown("| survey |\n| | type | name | label | label |\n| | note | a | A | B |")
    assert ("FRM-113", "survey", None, "label #2") in places(check_workbook(doubled, False))
    near = workbook_from_markdown("| survey |\n| | type | name | label | relevent |\n| | note | a | A | 1 |")
    assert ("FRM-114", "survey", None, "relevent") in places(check_workbook(near, False))


def test_what_cannot_be_evaluated_over_columns_is_said() -> None:
    problems = check("| | calculate | a | | | | | uuid() |")
    assert [(found.severity, found.row, found.column) for found in problems] == [("info", ROW, "calculation")]
    assert problems[0].code.startswith("EXP-1")
