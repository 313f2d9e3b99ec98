"""Small workbooks for tests of their check, and where its problems are."""

from __future__ import annotations

from collections.abc import Sequence

from forms.lint import check_workbook
from forms.sheets import workbook_from_markdown
from schemas.errors import Problem
from schemas.workbook import Workbook

HEADER = (
    "| survey |\n| | type | name | label | relevant | constraint | constraint_message | calculation | choice_filter "
    "| repeat_count | personal |\n"
)
BASE = (
    "| | select_one yn | works | Trabaja | | | | | | | |",
    "| | integer | age | Edad | | | | | | | |",
    "| | date | born | Nació | | | | | | | |",
    "| | select_multiple yn | needs | Necesita | | | | | | | |",
)
CHOICES = """
| choices |
| | list_name | name | label | zone |
| | yn | yes | Sí | n |
| | yn | no | No | s |
"""
ROW = 6
"""Spreadsheet row of the first row after `BASE`."""


def book(*rows: str, choices: str = CHOICES, more: str = "") -> Workbook:
    return workbook_from_markdown(HEADER + "\n".join([*BASE, *rows]) + "\n" + choices + more, "prueba")


def check(*rows: str, choices: str = CHOICES, more: str = "") -> list[Problem]:
    return check_workbook(book(*rows, choices=choices, more=more), with_validate=False)


def places(problems: Sequence[Problem], *severities: str) -> list[tuple[str, str, int | None, str]]:
    return [
        (found.code, found.sheet, found.row, found.column)
        for found in problems
        if found.severity in (severities or ("error", "warning"))
    ]
