"""What ODK Validate complains of is put at its row; real forms have the problems that they have."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint_books import ROW, book, places

from forms.compile import compile_workbook
from forms.lint import check_workbook
from forms.lint.problems import arrange
from forms.lint.programs import validate_problems
from forms.outline import read_outline
from forms.sheets import read_workbook
from forms.validate import Verdict, clean_message, validate_xform

SHARED = Path(__file__).resolve().parents[2] / "shared" / "forms"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real forms are not at {SHARED}")

COMPLAINTS = {
    "a bad condition": (
        "invalid",
        "Encountered a problem with display condition for node [/data/g/a] at line: 1 + +, Bad node",
        ("FRM-411", "survey", ROW + 1, "relevant"),
    ),
    "a function": (
        "broken",
        "Error evaluating field 'a' (/data/g[1]/a[1]): The problem was located in Calculate expression for /data/g/a",
        ("FRM-412", "survey", ROW + 1, ""),
    ),
    "no path": ("invalid", "Something else", ("FRM-411", "", None, "")),
    "time": ("timeout", "", ("FRM-414", "", None, "")),
}


@pytest.mark.parametrize(("status", "message", "expected"), COMPLAINTS.values(), ids=COMPLAINTS.keys())
def test_complaints_of_odk_validate_are_put_at_the_row_they_name(
    status: str, message: str, expected: tuple[str, str, int | None, str]
) -> None:
    workbook = book("| | begin_group | g | G |", "| | text | a | A | 1 + + |", "| | end_group | | |")
    problems = list(validate_problems(read_outline(workbook), Verdict(status, message), "data"))
    assert places(problems) == [expected]
    assert message in problems[0].message


def test_our_own_error_in_a_row_silences_odk_validates() -> None:
    workbook = book("| | text | a | A | 1 + + |")
    outline = read_outline(workbook)
    own = [found for found in check_workbook(workbook, with_validate=False) if found.row == ROW]
    verdict = Verdict("invalid", "Encountered a problem with display condition for node [/data/a]")
    assert arrange([*own, *validate_problems(outline, verdict, "data")]) == own


@pytest.mark.slow
def test_odk_validate_runs_and_its_complaint_is_free_of_java() -> None:
    xform = compile_workbook(book("| | text | a | A |")).xform
    verdict = validate_xform(xform.replace(b'<bind nodeset="/data/a"', b'<bind relevant="1 + + " nodeset="/data/a"'))
    if verdict.status == "no_java":
        pytest.skip("there is no Java here")
    assert validate_xform(xform) == Verdict("valid")
    assert verdict.status == "invalid"
    assert "/data/a" in verdict.message
    assert ".java:" not in verdict.message
    assert "Exception" not in verdict.message


def test_without_java_one_information_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forms.validate.shutil.which", lambda name: None)
    (problem,) = check_workbook(book())
    assert (problem.severity, problem.code) == ("info", "FRM-413")
    assert "apt-get install" in problem.advice


def test_java_stacks_are_cut_from_messages() -> None:
    text = (
        "\n\n>> XForm is invalid.\norg.javarosa.xform.parse.XFormParseException: Cycle!\n/data/a\n\tat x.Y(Y.java:1)\n"
    )
    assert clean_message(text) == "Cycle! /data/a"


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "who_va_2022.xlsx",
        "unhcr_rms_capi_v3.xlsx",
        "pyxform_widgets.xls",
        "xlsform_org_cascading.xlsx",
        "hot_entities_registration.xls",
    ],
)
def test_real_forms_that_work_have_no_error(name: str) -> None:
    assert places(check_workbook(read_workbook(SHARED / name)), "error") == []


@needs_shared
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "unhcr_koboloader_form.xls",
            [
                ("FRM-122", "survey", 82, "labelReport"),
                ("FRM-122", "survey", 249, "labelReport"),
                ("FRM-202", "choices", 160, "name"),
            ],
        ),
        ("unhcr_xlsformutil_demo.xlsx", [("FRM-202", "choices", row, "name") for row in (7, 8, 9, 13)]),
    ],
)
def test_real_forms_that_pyxform_refuses_get_every_row(name: str, expected: list[tuple[str, str, int, str]]) -> None:
    assert places(check_workbook(read_workbook(SHARED / name)), "error") == expected
