"""Values of the wrong type, and constructs that ODK's engines understand differently: found where they can matter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from expressions.instance import Element
from expressions.profiles import Profile
from expressions.records import Scope, compile_record
from forms.lint import check_workbook
from forms.sheets import workbook_from_markdown
from schemas.errors import Problem

ROW = 13
HEADER = "| survey |\n| | type | name | label | relevant | constraint | calculation | required | constraint_message |\n"
BASE = (
    "| | today | held | | | | | | |",
    "| | start | began | | | | | | |",
    "| | select_one yn | works | Trabaja | | | | | |",
    "| | select_one num | level | Nivel | | | | | |",
    "| | select_multiple yn | needs | Necesita | | | | | |",
    "| | integer | age | Edad | | | | | |",
    "| | integer | size | Tamaño | | . >= 1 and . <= 9 | | yes | De 1 a 9 |",
    "| | decimal | rent | Arriendo | | . >= -5 and . <= 99 | | | No |",
    "| | text | note | Nota | | | | | |",
    "| | date | born | Nació | | | | | |",
    "| | date | came | Llegó | | | | | |",
)
CHOICES = """
| choices |
| | list_name | name | label |
| | yn | yes | Sí |
| | yn | no | No |
| | num | 1 | Uno |
| | num | 2 | Dos |
"""


def check(*rows: str) -> list[Problem]:
    text = HEADER + "\n".join([*BASE, *(f"| | {row}" for row in rows)]) + "\n" + CHOICES
    return check_workbook(workbook_from_markdown(text, "prueba"), with_validate=False)


def codes(beginning: str, *rows: str) -> list[tuple[str, str, int | None, str]]:
    return [
        (found.severity, found.code, found.row, found.column)
        for found in check(*rows)
        if found.code.startswith(beginning)
    ]


def relevant(expression: str) -> str:
    return f"text | a | A | {expression}"


def calculate(expression: str) -> str:
    return f"calculate | a | | | | {expression}"


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("${works} + 1 > 2", "FRM-720"),
        ("sum(${works}) > 2", "FRM-720"),
        ("-${works} = 1", "FRM-720"),
        ("'abc' * 2 > 1", "FRM-720"),
        ("${born} + ${came} > 5", "FRM-721"),
        ("${born} * 2 > 5", "FRM-721"),
        ("${age} > ''", "FRM-722"),
        ("${works} > 1", "FRM-723"),
        ("'x' < ${level}", "FRM-723"),
        ("(${age} > 5) = 'no'", "FRM-724"),
        ("${born} > ${age}", "FRM-725"),
        ("format-date(${age}, '%Y') = '2000'", "FRM-726"),
        ("format-date(${works}, '%Y') = '2000'", "FRM-726"),
        ("count-selected(${works}) > 1", "FRM-727"),
        ("count-selected(${age}) > 1", "FRM-727"),
        ("${age} + 1", "FRM-729"),
        ("'yes'", "FRM-729"),
    ],
)
def test_wrong_types_are_found(expression: str, code: str) -> None:
    assert codes("FRM-72", relevant(expression)) == [("warning", code, ROW, "relevant")]


@pytest.mark.parametrize(
    "expression",
    [
        "${level} + 1 > 2",
        "${level} > 1",
        "${age} = ''",
        "${came} - ${born} > 365",
        "${born} > today() - 365",
        "${came} > ${born}",
        "(${age} > 5) = true()",
        "selected(${needs}, 'yes') and count-selected(${needs}) = 1",
        "format-date(${born}, '%Y') > 2000",
        "int((today() - ${born}) div 365.25) >= 18",
        "string-length(${note}) > 3",
        "number(${level}) = 2",
        "coalesce(${age}, 0) > 5",
        "if(${works} = 'yes', ${age}, ${size}) > 5",
    ],
)
def test_right_types_are_left_alone(expression: str) -> None:
    assert codes("FRM-7", relevant(expression)) == []


def test_rows_of_no_repeat() -> None:
    rows = ("begin_repeat | r | R", "integer | n | N", calculate("indexed-repeat(${age}, ${r}, 1)"), "end_repeat")
    assert ("warning", "FRM-728", ROW + 2, "calculation") in codes("FRM-72", *rows)


# (code, severity, column, expression, answer to `.`, its type): an answer with which the engines differ, if given.
DIFFERENCES = [
    ("FRM-730", "warning", "constraint", "regex(., '[0-9]+')", {"a": "abc123"}),
    ("FRM-732", "info", "calculation", "max(${age}, ${size})", {"age": "", "size": "1"}),
    ("FRM-733", "warning", "calculation", "max(${rent}, -1) + 0 * ${size}", {"rent": "-3", "size": "1"}),
    ("FRM-734", "warning", "relevant", "${note} > 1", {"note": "1,5"}),
    ("FRM-734", "warning", "relevant", "${note} > 1", {"note": "1e3"}),
    ("FRM-735", "warning", "calculation", "string(3000000000)", {}),
    ("FRM-736", "info", "calculation", "round(${rent})", {"rent": "-2.5"}),
    ("FRM-737", "info", "calculation", "round(${rent}, 2)", {"rent": "1.005"}),
    ("FRM-738", "info", "relevant", "${rent} + 0.2 = 0.3", {"rent": "0.1"}),
    ("FRM-739", "info", "relevant", "${rent} = '5'", {"rent": "5.0"}),
    ("FRM-740", "warning", "relevant", "${works}", {"works": ""}),
    ("FRM-740", "warning", "relevant", "${age} > 5 or ${works}", {"works": "", "age": "1"}),
    ("FRM-741", "info", "relevant", "boolean-from-string(${note})", {"note": "TRUE"}),
    ("FRM-742", "warning", "relevant", "now() > ${began}", {"began": "2026-04-01T03:00:00.000Z"}),
    ("FRM-743", "warning", "calculation", "concat(${began}, '')", {"began": "2026-04-01T03:00:00.000Z"}),
    ("FRM-744", "warning", "calculation", "number('2024-01-15')", {}),
]
TYPES = {"age": "int", "size": "int", "rent": "decimal", "born": "date", "began": "dateTime"}


@pytest.mark.parametrize(("code", "severity", "column", "expression", "answers"), DIFFERENCES)
def test_differences_are_told_where_engines_really_differ(
    code: str, severity: str, column: str, expression: str, answers: dict[str, str]
) -> None:
    kind, label = ("calculate", "") if column == "calculation" else ("text", "A")
    cells = [expression if column == name else "" for name in ("relevant", "constraint", "calculation")]
    assert (severity, code, ROW, column) in codes("FRM-7", f"{kind} | a | {label} | {' | '.join(cells)} | | No")
    root = Element("data")
    for name in {*answers, "a"}:
        root.append(Element(name, answers.get(name, "")))
    scope = Scope(
        root,
        datetime(2026, 4, 1, 12, tzinfo=UTC),
        references={name: f"/data/{name}" for name in answers},
        types={f"/data/{name}": kind for name, kind in TYPES.items()},
    )
    is_condition = column != "calculation"
    found = set()
    for profile in Profile:
        rule = compile_record(expression, profile)
        node = root.by_name["a"][0]
        found.add(str(rule.boolean(node, scope) if is_condition else rule.string(node, scope)))
    assert len(found) > 1


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("integer | n | N", True),
        ("integer | n | N | | | | yes", False),
        ("integer | n | N | ${m} > 5 | | | yes", True),
        ("calculate | n | | | | if(${m} > 5, 1, 0)", False),
        ("calculate | n | | | | ${m} + 1", False),
        ("calculate | n | | | | ${k} + 1", True),
        ("calculate | n | | | | if(${m} > 5, 1, '')", True),
        ("calculate | n | | ${m} > 5 | | 1", True),
    ],
)
def test_sums_over_questions_that_may_be_blank(question: str, expected: bool) -> None:
    rows = (
        "begin_repeat | r | R | ${works} = 'yes'",
        "integer | m | M | | | | yes",
        "integer | k | K",
        question,
        "end_repeat",
        calculate("sum(${n})"),
    )
    assert codes("FRM-731", *rows) == ([("info", "FRM-731", ROW + 5, "calculation")] if expected else [])


@pytest.mark.parametrize(
    ("column", "expression"),
    [
        ("constraint", "regex(., '^[0-9]+$')"),
        ("constraint", "regex(., '.*[0-9].*')"),
        ("calculation", "max(${size}, 1)"),
        ("calculation", "round(${size} div 2)"),
        ("calculation", "concat(${size}, ${age})"),
        ("relevant", "${age} + 1 = 5"),
        ("relevant", "${age} = '5'"),
        ("relevant", "${works} = 'yes'"),
        ("relevant", "boolean-from-string(${works})"),
        ("relevant", "date(${began}) <= ${came}"),
        ("relevant", "${level} > 1"),
    ],
)
def test_nothing_is_said_where_the_types_show_no_difference(column: str, expression: str) -> None:
    kind, label = ("calculate", "") if column == "calculation" else ("text", "A")
    cells = [expression if column == name else "" for name in ("relevant", "constraint", "calculation")]
    row = f"{kind} | a | {label} | {' | '.join(cells)} | | No"
    assert codes("FRM-73", row) + codes("FRM-74", row) == []


def test_a_note_with_a_calculation_is_no_text_that_people_write() -> None:
    assert codes("FRM-734", "note | n | N | | | ${age} + 1", "text | a | A | ${n} > 5") == []


def test_selected_of_questions_with_one_answer_is_told_once_a_form() -> None:
    rows = ("text | a | A | selected(${works}, 'yes')", "text | b | B | selected(${works}, 'no')")
    assert codes("FRM-745", *rows) == [("info", "FRM-745", ROW, "relevant")]
