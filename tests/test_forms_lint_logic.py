"""Claims about a whole workbook: at their cells, once, and none where an interview could refute it."""

from __future__ import annotations

from pathlib import Path

import pytest

from forms.compile import compile_workbook
from forms.lint import check_workbook
from forms.lint.logic import check_logic
from forms.outline import read_outline
from forms.sheets import read_workbook, workbook_from_markdown
from schemas.errors import Problem

SHARED = Path(__file__).resolve().parents[2] / "shared" / "forms"
QUILICURA = Path(__file__).resolve().parents[1] / "forms" / "quilicura"
ROW = 5

HEADER = (
    "| survey |\n| | type | name | label | relevant | constraint | calculation | choice_filter | required "
    "| repeat_count | constraint_message |\n"
)
BASE = (
    "| | today | held | | | | | | | | |",
    "| | select_one yn | works | Trabaja | | | | | | | |",
    "| | integer | age | Edad | | . >= 0 and . <= 110 | | | | | De 0 a 110 |",
)
CHOICES = """
| choices |
| | list_name | name | label | zone |
| | yn | yes | Sí | |
| | yn | no | No | |
| | town | t1 | Uno | n |
| | town | t2 | Dos | s |
| | town | t3 | Tres | w |
| | zone | n | Norte | |
| | zone | s | Sur | |
"""


def check(*rows: str, more: str = "") -> list[Problem]:
    text = HEADER + "\n".join([*BASE, *(f"| | {row}" for row in rows)]) + "\n" + CHOICES + more
    return check_workbook(workbook_from_markdown(text, "prueba"), with_validate=False)


def told(problems: list[Problem], beginning: str) -> list[tuple[str, str, str, int | None, str]]:
    return [
        (found.severity, found.code, found.sheet, found.row, found.column)
        for found in problems
        if found.code.startswith(beginning)
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("text | a | A | ${age} > 110", ("warning", "FRM-710", "relevant")),
        ("text | a | A | ${works} = 'yes' and ${works} = 'no'", ("warning", "FRM-710", "relevant")),
        ("text | a | A | ${age} >= 0 or ${age} = ''", ("info", "FRM-712", "relevant")),
        ("integer | a | A | | . > 5 and . < 5", ("warning", "FRM-713", "constraint")),
        ("integer | a | A | ${age} > 10 | . > ${age} and . < 10", ("warning", "FRM-713", "constraint")),
        ("integer | a | A | | . >= 0 or . < 0", ("warning", "FRM-714", "constraint")),
        ("select_one yn | a | A | | . != 'maybe so' or . = 'no'", None),
        ("integer | a | A | | . > 5 and . < 5 | | | yes", ("error", "FRM-715", "constraint")),
        ("select_one town | a | A | | | | zone = 'x'", ("warning", "FRM-716", "choice_filter")),
        ("select_one town | a | A | | | | zone = 'x' | yes", ("error", "FRM-716", "choice_filter")),
        ("select_one town | a | A | | | | zone = 'n' or zone = 's'", ("info", "FRM-717", "choice_filter")),
        ("text | a | A | false()", None),
        ("text | a | A | 1 = 2", None),
        ("text | a | A | ${age} > 100", None),
        ("integer | a | A | | . <= 5", None),
        ("date | a | A | | . <= today()", None),
        ("select_one yn | a | A | | . = 'yes' or ${works} = 'no'", None),
    ],
)
def test_claims_stand_at_their_cells(row: str, expected: tuple[str, str, str] | None) -> None:
    found = told(check(row), "FRM-71")
    assert found == ([] if expected is None else [(*expected[:2], "survey", ROW, expected[2])])


def test_a_filter_by_an_answer_hides_the_choices_that_no_answer_calls_for() -> None:
    found = check("select_one zone | z | Z", "select_one town | t | T | | | | zone = ${z}")
    assert told(found, "FRM-71") == [("info", "FRM-717", "survey", ROW + 1, "choice_filter")]
    assert "'t3'" in next(one.message for one in found if one.code == "FRM-717")


def test_a_question_that_contradicts_its_group() -> None:
    rows = (
        "begin_group | g | G | ${age} < 15",
        "text | a | A | ${age} >= 15",
        "text | b | B | ${age} < 20",
        "end_group",
    )
    assert told(check(*rows), "FRM-71") == [
        ("warning", "FRM-711", "survey", ROW + 1, "relevant"),
        ("info", "FRM-712", "survey", ROW + 2, "relevant"),
    ]


def test_what_is_inside_a_group_that_is_never_asked_is_not_told_again() -> None:
    rows = ("begin_group | g | G | ${age} > 200", "text | a | A | ${age} >= 300", "end_group")
    assert told(check(*rows), "FRM-71") == [("warning", "FRM-710", "survey", ROW, "relevant")]


def test_a_question_asked_after_another_that_can_not_have_been() -> None:
    rows = ("text | a | A | ${works} = 'yes'", "text | b | B | ${a} = 'x' and ${works} = 'no'")
    assert told(check(*rows), "FRM-71") == [("warning", "FRM-710", "survey", ROW + 1, "relevant")]


def test_answers_of_other_rows_of_a_repeat_are_not_the_own_ones() -> None:
    rows = (
        "begin_repeat | r | R",
        "integer | n | N",
        "text | a | A | ${n} > 5 and count(${r}) > 2",
        "text | b | B | ${n} > 5 and indexed-repeat(${n}, ${r}, 1) < 5",
        "end_repeat",
    )
    assert told(check(*rows), "FRM-71") == []


def test_checks_and_figures_that_find_nothing() -> None:
    more = """
| checks |
| | name | expression | severity | message |
| | c1 | ${age} < 5 or ${age} >= 5 or ${age} = '' | error | M |
| | c2 | ${works} = 'yes' and ${works} = 'no' | error | M |
| | c3 | ${age} <= 110 or ${age} = '' | error | M |
| topics |
| | name | label |
| | t | T |
| indicators |
| | name | topic | kind | label | numerator |
| | i1 | t | count | I | ${age} > 110 |
| | i2 | t | count | I | ${age} > 10 |
"""
    assert told(check(more=more), "FRM-71") == [
        ("warning", "FRM-719", "indicators", 2, "numerator"),
        ("warning", "FRM-718", "checks", 2, "expression"),
        ("warning", "FRM-718", "checks", 3, "expression"),
    ]


def test_nothing_is_claimed_of_our_own_forms() -> None:
    assert told(check_workbook(read_workbook(QUILICURA), with_validate=False), "FRM-71") == []


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real forms are not at {SHARED}")
def test_published_forms_have_the_defects_that_were_looked_at_by_hand() -> None:
    workbook = read_workbook(SHARED / "who_va_2022.xlsx")
    found = told(list(check_logic(read_outline(workbook), compile_workbook(workbook).form)), "FRM-71")
    # Questions that were changed from several answers to one, and kept the constraint of before.
    assert [one for one in found if one[0] != "info"] == [
        ("warning", "FRM-714", "survey", row, "constraint") for row in (329, 463, 464, 466)
    ]


def test_what_follows_from_a_wrong_code_in_the_same_cell_is_not_told_again() -> None:
    found = check("text | a | A | ${works} = 'maybe'", "text | b | B | ${a} = 'x'")
    assert told(found, "FRM-124") == [("warning", "FRM-124", "survey", ROW, "relevant")]
    assert told(found, "FRM-71") == [("warning", "FRM-710", "survey", ROW + 1, "relevant")]
