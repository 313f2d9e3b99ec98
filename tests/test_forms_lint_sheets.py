"""The check of Comunal's own sheets: every seeded defect is found at its cell, once."""

from __future__ import annotations

import pytest
from lint_books import check, places

SPECS = {
    "topics": ("name | label::es", "people | Personas"),
    "indicators": (
        "name | topic | kind | table | label::es | unit | universe | numerator | value | scale | categories | list "
        "| breakdowns",
        "adults | people | share | main | Adultos | percent | | ${age} >= 18 | | | | | works",
    ),
    "breakdowns": (
        "name | table | label::es | value | categories | list",
        "works | main | Trabaja | ${works} | yes no | yn",
    ),
    "checks": (
        "name | table | expression | severity | message::es | variables",
        "adult | main | ${age} >= 18 | warning | Es menor | age works",
    ),
    "design": ("setting | value | note", "probability | no | "),
    "rehearsal": ("question | value | weight | when", "age | 18..90 | 1 | ${works} = 'yes'"),
}


def own_sheets(sheet: str = "", row: str = "") -> str:
    tables = {name: [header, good] for name, (header, good) in SPECS.items()}
    if sheet:
        tables[sheet].append(row)
    return "\n".join(f"| {name} |\n" + "\n".join(f"| | {line} |" for line in lines) for name, lines in tables.items())


def test_clean_own_sheets_have_no_problem() -> None:
    assert check(more=own_sheets()) == []


@pytest.mark.parametrize(
    ("sheet", "row", "code", "column"),
    [
        ("indicators", "b | people | share | main | B | percent | | ${agge} > 1 | | | | | ", "FRM-120", "numerator"),
        ("indicators", "b | people | share | main | B | percent | | ${age} > | | | | | ", "EXP-004", "numerator"),
        (
            "indicators",
            "b | people | share | main | B | percent | ${works} = 'si' | 1=1 | | | | | ",
            "FRM-124",
            "universe",
        ),
        ("indicators", "b | persons | share | main | B | percent | | 1=1 | | | | | ", "FRM-305", "topic"),
        ("indicators", "b | people | part | main | B | percent | | 1=1 | | | | | ", "FRM-308", "kind"),
        ("indicators", "b | people | share | persons | B | percent | | 1=1 | | | | | ", "FRM-304", "table"),
        ("indicators", "b | people | share | main | B | percent | | | | | | | ", "FRM-313", "numerator"),
        ("indicators", "b | people | share | main | B | percent | | 1=1 | | x | | | ", "FRM-301", "scale"),
        ("indicators", "b | people | share | main | B | percent | | 1=1 | | | | | sexo", "FRM-306", "breakdowns"),
        ("indicators", "b | people | share | main | B | percent | | 1=1 | | | | | works*sexo", "FRM-306", "breakdowns"),
        (
            "indicators",
            "b | people | share | main | B | percent | | 1=1 | | | | | works*works",
            "FRM-306",
            "breakdowns",
        ),
        ("indicators", "b | people | quantile | main | B | years | | | | | | | ", "FRM-313", "value"),
        (
            "indicators",
            "b | people | distribution | main | B | percent | | | ${works} | | si | | ",
            "FRM-312",
            "categories",
        ),
        ("indicators", "b | people | mean | main | B | | | | ${age} | | | | ", "FRM-303", "unit"),
        ("indicators", "adults | people | share | main | B | percent | | 1=1 | | | | | ", "FRM-310", "name"),
        ("breakdowns", "b | main | B | ${works} | | sino", "FRM-307", "list"),
        ("checks", "b | main | ${age} > 1 | fatal | M | age", "FRM-309", "severity"),
        ("checks", "b | main | ${age} > 1 | error | M | edad", "FRM-311", "variables"),
        ("design", "threshold | few | ", "FRM-301", "value"),
        ("design", "weight | ${weigth} | ", "FRM-120", "value"),
        ("design", "commune | 131 | ", "FRM-315", "value"),
        ("rehearsal", "edad | 5 | 1 | ", "FRM-311", "question"),
        ("rehearsal", "works | si | 1 | ", "FRM-312", "value"),
        ("rehearsal", "age | many | 1 | ", "FRM-312", "value"),
        ("rehearsal", "age | 5 | much | ", "FRM-301", "weight"),
        ("rehearsal", "age | 5 | 1 | ${works} =", "EXP-004", "when"),
    ],
)
def test_every_defect_of_own_sheets_is_found_at_its_cell(sheet: str, row: str, code: str, column: str) -> None:
    found = places(check(more=own_sheets(sheet, row)))
    assert (code, sheet, 3, column) in found
    assert len(found) == 1


@pytest.mark.parametrize(("order", "codes"), [("0.5", []), ("", []), ("50", ["FRM-301"]), ("0", ["FRM-301"])])
def test_the_order_of_a_quantile_is_between_zero_and_one(order: str, codes: list[str]) -> None:
    head = "name | topic | kind | table | label::es | unit | value | quantile"
    row = f"median | people | quantile | main | Mediana | years | ${{age}} | {order}"
    more = f"| topics |\n| | name | label::es |\n| | people | P |\n| indicators |\n| | {head} |\n| | {row} |"
    assert [found[0] for found in places(check(more=more))] == codes


def test_missing_columns_of_own_sheets_are_named() -> None:
    more = "| checks |\n| | name | message::es |\n| | a | M |"
    assert places(check(more=more)) == [("FRM-302", "checks", None, "expression")]
