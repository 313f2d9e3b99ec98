"""A workbook of many communes: what it means, and what is wrong with it."""

from __future__ import annotations

import pytest

from forms.lint import check_workbook
from forms.rehearsal.quotas import apportion
from forms.sheets import workbook_from_markdown
from forms.specs import read_specs
from forms.spreading import communes_text, list_communes
from schemas.communes import EVERYWHERE, read_communes
from schemas.workbook import Workbook

BOOK = """
| survey |
| | type | name | label |
| | select_one commune | commune | Commune |
| | select_one yn | sex | Sex |
| choices |
| | list_name | name | label |
| | commune | 13101 | Santiago (centre) |
| | commune | 13108 | Independencia |
| | commune | 13125 | Quilicura |
| | yn | 1 | Man |
| | yn | 2 | Woman |
| breakdowns |
| | name | table | label | value | categories | list |
| | commune | main | Commune | ${commune} | CATEGORIES | |
| | sex | main | Sex | ${sex} | 1 2 | |
| topics |
| | name | label |
| | people | People |
| indicators |
| | name | topic | kind | table | label | unit | numerator | breakdowns |
| | women | people | share | main | Women | percent | ${sex} = '2' | BREAKDOWNS |
| design |
| | setting | value |
| | communes | commune |
EXTRA
| settings |
| | form_title | form_id | version |
| | Three | three | 1 |
"""


def book(categories: str = "", breakdowns: str = "sex", extra: str = "", communes: str = "commune") -> Workbook:
    text = BOOK.replace("CATEGORIES", categories).replace("BREAKDOWNS", breakdowns)
    text = text.replace("| | communes | commune |", f"| | communes | {communes} |")
    return workbook_from_markdown(text.replace("EXTRA\n", extra))


def codes(workbook: Workbook) -> list[str]:
    return [one.code for one in check_workbook(workbook, with_validate=False) if one.code.startswith("FRM-35")]


def test_every_indicator_is_told_in_each_commune_and_in_each_breakdown_of_each() -> None:
    specs = read_specs(book())
    assert specs.indicators[0].breakdowns == ("commune", "sex", "commune*sex")


def test_a_breakdown_by_commune_in_the_sheet_isnt_doubled() -> None:
    specs = read_specs(book(breakdowns="commune sex commune*sex sex*commune"))
    assert specs.indicators[0].breakdowns == ("commune", "sex", "commune*sex")


def test_communes_have_the_names_of_the_workbook_and_else_those_of_the_official_list() -> None:
    labels = read_specs(book("13101 13127")).breakdowns[0].category_labels
    assert labels["13101"] == {"default": "Santiago (centre)"} or "Santiago (centre)" in labels["13101"].values()
    assert labels["13127"] == dict.fromkeys(("es", "ht", "en"), "Recoleta")


def test_without_a_list_any_commune_may_come() -> None:
    specs = read_specs(book())
    assert list_communes(specs) == ()
    assert communes_text(specs) == EVERYWHERE
    assert len(specs.breakdowns[0].category_labels) == len(read_communes())


def test_a_survey_spans_its_categories_or_the_communes_of_its_frame() -> None:
    assert communes_text(read_specs(book("13125 13101"))) == "13101 13125"
    frame = "| | frame:13101-a | 60 |\n| | frame:13101-b | 40 |\n| | frame:13108 | 300 |\n"
    specs = read_specs(book(extra=frame))
    assert list_communes(specs) == ("13101", "13108")
    assert specs.breakdowns[0].categories == ("13101", "13108")


def test_communes_are_rehearsed_as_their_frame_says() -> None:
    specs = read_specs(book(extra="| | frame:13101 | 100 |\n| | frame:13108 | 300 |\n"))
    rows = [row for row in specs.rehearsal if row.question == "commune"]
    assert [(row.value, row.weight) for row in rows] == [("13101", 100), ("13108", 300)]
    assert apportion([row.weight for row in rows], 40) == [10, 30]


def test_a_survey_of_one_commune_stays_as_it_is() -> None:
    specs = read_specs(book(communes="", extra="| | commune | 13125 |\n"))
    assert communes_text(specs) == "13125"
    assert specs.indicators[0].breakdowns == ("sex",)
    assert not specs.rehearsal


def test_a_sound_workbook_of_three_communes_has_no_problem() -> None:
    frame = "".join(f"| | frame:{cut} | 100 |\n" for cut in ("13101", "13108", "13125"))
    assert codes(book(extra=frame)) == []


@pytest.mark.parametrize(
    ("workbook", "code", "told"),
    [
        (book(communes="comuna"), "FRM-350", "known: commune, sex"),
        (book("13101 1101"), "FRM-352", "Did you mean 01101 (Iquique)?"),
        (book("13101 99999"), "FRM-352", "INE's list"),
        (book(extra="| | commune | 13125 |\n"), "FRM-353", "for a survey of many"),
        (book("13101", extra="| | frame:13125 | 5 |\n| | frame:13101 | 5 |\n"), "FRM-354", "Add it"),
        (book("13101 13125", extra="| | frame:13101 | 5 |\n"), "FRM-354", "frame:CUT"),
        (book("13101", extra="| | frame:99101 | 5 |\n"), "FRM-352", "INE's list"),
        (book(communes="", extra="| | require_commune_approval | yes |\n"), "FRM-355", "Name the breakdown"),
        (book(extra="| | regions | region |\n"), "FRM-350", "known: commune, sex"),
        (book(extra="| | regions | sex |\n"), "FRM-352", "two digits"),
        (book(communes="", extra="| | commune | 99999 |\n"), "FRM-352", "INE's list"),
    ],
)
def test_each_mistake_has_its_code_and_advice(workbook: Workbook, code: str, told: str) -> None:
    found = [one for one in check_workbook(workbook, with_validate=False) if one.code == code]
    assert found
    assert any(told in one.advice for one in found)


def test_communes_of_a_repeat_are_refused() -> None:
    text = BOOK.replace("EXTRA\n", "").replace("CATEGORIES", "13101 13125").replace("BREAKDOWNS", "sex")
    text = text.replace("| | commune | main |", "| | commune | person |")
    text = text.replace(
        "| | select_one yn | sex | Sex |",
        "| | select_one yn | sex | Sex |\n"
        "| | begin repeat | person | Person |\n| | text | n | N |\n| | end repeat | | |",
    )
    assert "FRM-351" in codes(workbook_from_markdown(text))
