"""Households asked again: error rates of enumerators and questions."""

from __future__ import annotations

from schemas.workbook import MonitoringRow
from tests.fieldwork_survey import FORM, SHEET, Survey, found
from validation.fieldwork.backchecks import compare_backchecks
from validation.fieldwork.evaluate import make_task

ROWS = (("backcheck", "marks", "helper"), ("backcheck", "values", "staff"), ("backcheck", "keys", "psu house"))
ROWS += (("backcheck", "questions", "s0 s1 s2 s3 age"), ("duplicate_id", "questions", ""))


def asked_again() -> Survey:
    """The last 100 interviews ask the first 100 households again."""
    survey = Survey()
    for first, again in zip(survey.main[:100], survey.main[200:], strict=True):
        answers = {name: first[name] for name in ("s0", "s1", "s2", "s3", "age", "psu", "house")}
        again |= answers | {"helper": "staff"}
    return survey


def test_enumerator_and_question_with_many_differences_are_named() -> None:
    survey = asked_again()
    survey.change(survey.of(6)[:10], lambda row: {"s0": "other", "age": row["age"] + 1})
    survey.change(survey.main[:100:3], lambda row: {"s2": "other"})
    evaluation = survey.judge(*ROWS)
    assert found(evaluation, "backcheck") == {"enumerator:6"}
    assert found(evaluation, "backcheck_question") == {"commune:f/question:s2"}


def test_rates_are_counted_by_the_one_who_was_checked() -> None:
    survey = asked_again()
    survey.change(survey.main[:1], lambda row: {"s0": "other", "s1": None})
    sheet = [MonitoringRow(*row, row=at) for at, row in enumerate((*SHEET, *ROWS), 2)]
    table = compare_backchecks(make_task(FORM, survey.tables(), {}, sheet))
    first = {
        row["question"]: (row["compared"], row["differing"]) for row in table.filter(_who="1").iter_rows(named=True)
    }
    assert first == {"s0": (10, 1), "s1": (9, 0), "s2": (10, 0), "s3": (10, 0), "age": (10, 0)}
