"""What single interviews show, and the monitoring sheet that sets the limits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.text import LANGUAGES
from schemas.workbook import MonitoringRow
from tests.fieldwork_survey import CODES, SELECTS, Survey, found
from validation.fieldwork.catalogue import CHECKS
from validation.fieldwork.parameters import GENERAL, GENERAL_DEFAULTS, read_parameters

BLANK = {f"s{number}": None for number in range(SELECTS)}
ANSWERS = {f"s{number}": CODES[number % 4] for number in range(SELECTS)}


def test_a_sound_survey_has_no_finding() -> None:
    evaluation = Survey().judge()
    assert [(each.rule_id, each.instance_id or each.row_id) for each in evaluation.findings] == []


@pytest.mark.parametrize(
    ("check", "change", "expected"),
    [
        ("duplicate_id", {"psu": 0, "house": 3}, True),
        ("duplicate_id", {"psu": 0, "house": 3, "result": "220"}, False),
        ("no_consent", {"consent": "no"}, True),
        ("no_consent", {"consent": None}, True),
        ("no_consent", {"consent": "no", **BLANK}, False),
        ("abandoned", {f"s{number}": None for number in range(13, SELECTS)} | {"tongue": None, "helper": None}, True),
        ("abandoned", BLANK | {"tongue": None, "helper": None}, False),
        ("roster_size", {"size": 9}, True),
        ("interpreter", {"helper": "child"}, True),
        ("language", {"tongue": "fr"}, True),
        ("language", {"tongue": "fr", "helper": "staff"}, False),
    ],
)
def test_interview_with_a_fault_is_named(check: str, change: dict[str, Any], expected: bool) -> None:
    survey = Survey()
    survey.change(survey.main[200:201], lambda row: change)
    assert found(survey.judge(), check) == ({"i0200"} if expected else set())


def test_rates_by_question() -> None:
    survey = Survey()
    survey.change(survey.main[::3], lambda row: {"s1": "-99", "s2": "other", "s3": None})
    evaluation = survey.judge()
    for check, question in (("dont_know", "s1"), ("other", "s2"), ("blank", "s3")):
        assert found(evaluation, f"{check}_by_question") == {f"commune:f/question:{question}"}
    (finding,) = [each for each in evaluation.findings if each.rule_id == "field:dont_know_by_question"]
    assert finding.variables == ("s1",)
    assert finding.message["en"].endswith("Question s1: 33 %.")


def test_a_question_that_may_be_skipped_is_not_called_blank() -> None:
    assert "question:s0_other" not in str(found(Survey().judge(), "blank_by_question"))


def test_enumerator_who_leaves_out_is_told_from_the_others() -> None:
    survey = Survey()
    survey.change(survey.of(7)[::2], lambda row: {"s4": None} | {f"s{number}": "-99" for number in range(10, 20)})
    evaluation = survey.judge()
    assert found(evaluation, "blank_by_enumerator") == {"enumerator:7/question:s4"}
    assert found(evaluation, "dont_know_by_enumerator") == {"enumerator:7"}


def test_monitoring_sheet_sets_severity_and_switches_off() -> None:
    survey = Survey()
    survey.change(survey.main[:1], lambda row: {"size": 9, "helper": "child"})
    sheet = [MonitoringRow("roster_size", severity="info", row=2), MonitoringRow("field:interpreter", on="no", row=3)]
    known = {check.name: check.defaults for check in CHECKS} | {GENERAL: GENERAL_DEFAULTS}
    parameters = read_parameters(sheet, known)
    assert parameters.severities == {"roster_size": "info"}
    assert parameters.off == {"interpreter"}


def test_what_the_sheet_can_not_mean_leaves_the_check_unmade_and_says_why() -> None:
    evaluation = Survey().judge(
        ("abandoned", "last_share", "a fifth"), ("interpreter", "colour", "red"), ("no_such", "x", "1")
    )
    reasons = {rule.rule_id: rule.not_checked for rule in evaluation.not_checked}
    assert "row 11" in reasons["field:abandoned"]
    assert "colour" in reasons["field:interpreter"]
    assert "field:roster_size" not in reasons


def test_every_check_speaks_three_languages_and_has_a_name_of_its_own() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert all(check.message[language] and check.advice[language] for language in LANGUAGES)
        assert not check.detail or all(check.detail[language] for language in LANGUAGES)


def test_the_page_of_checks_is_what_the_code_says() -> None:
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "docs/list_fieldwork.py", "--check"], cwd=root, env={"PYTHONPATH": str(root)}
    )
    assert done.returncode == 0, "run docs/list_fieldwork.py"
