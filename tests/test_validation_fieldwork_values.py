"""Outliers, and enumerators whose answers are unlike those of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.fieldwork_survey import SELECTS, Survey, found
from validation.fieldwork.comparing import believed, compare_means, compare_shares


def test_a_number_with_three_zeros_too_many_is_an_outlier() -> None:
    survey = Survey()
    survey.change(survey.main[40:41], lambda row: {"income": row["income"] * 1000})
    survey.change(survey.main[41:42], lambda row: {"income": -99})
    survey.people[5]["years"] = 900
    evaluation = survey.judge()
    assert found(evaluation, "outlier") == {"i0040", survey.people[5]["_instance_id"]}
    rows = {each.row_id: each.variables for each in evaluation.findings if each.rule_id == "field:outlier"}
    assert rows == {"": ("income",), str(survey.people[5]["_row_id"]): ("years",)}


def test_outliers_are_told_within_groups() -> None:
    survey = Survey()
    survey.change(survey.main, lambda row: {"income": row["age"] + (10_000 if row["tongue"] == "ht" else 0)})
    survey.change([next(row for row in survey.main if row["tongue"] == "en")], lambda row: {"income": 10_050})
    assert found(survey.judge(), "outlier") == set()
    assert len(found(survey.judge(("outlier", "by", "tongue")), "outlier")) == 1


@pytest.mark.parametrize(("same", "expected"), [(20, True), (18, True), (12, False)])
def test_choices_all_at_one_place_of_their_lists(same: int, expected: bool) -> None:
    survey = Survey()
    straight = {f"s{number}": "2" if number < same else "4" for number in range(SELECTS)} | {"tongue": "ht"}
    survey.change(survey.main[9:10], lambda row: straight)
    assert found(survey.judge(), "straight_line") == ({"i0009"} if expected else set())


def test_an_enumerator_with_many_rather_straight_interviews_is_named_and_so_are_they() -> None:
    survey = Survey()
    made_up = survey.of(4)[:8]
    # Three fifths at the second place and the others at the fourth: too few for any one interview to be told by itself.
    straight = {f"s{number}": "2" if number < 12 else "4" for number in range(SELECTS)} | {"tongue": "ht"}
    survey.change(made_up, lambda row: straight)
    evaluation = survey.judge()
    assert found(evaluation, "enumerator_lines") == {"enumerator:4"}
    assert {row["_instance_id"] for row in made_up} == found(evaluation, "straight_line")
    alone = Survey()
    alone.change(alone.of(4)[:1], lambda row: straight)
    assert found(alone.judge(), "enumerator_lines") | found(alone.judge(), "straight_line") == set()
    assert found(survey.judge(("enumerator_lines", "difference", "0.9")), "straight_line") == set()


@pytest.mark.parametrize(
    ("check", "change", "question"),
    [
        ("enumerator_mean", lambda row: {"age": row["age"] // 4 + 70}, "age"),
        ("enumerator_mean", lambda row: {"income": row["income"] * 3}, "income"),
        ("enumerator_variance", lambda row: {"age": 50 + row["age"] % 7}, "age"),
        ("enumerator_choices", lambda row: {"s3": "1"}, "s3"),
        ("digit_preference", lambda row: {"age": row["age"] // 5 * 5}, "age"),
    ],
)
def test_enumerator_unlike_the_others_is_named(
    check: str, change: Callable[[dict[str, Any]], dict[str, Any]], question: str
) -> None:
    survey = Survey()
    survey.change(survey.of(4), change)
    assert found(survey.judge(), check) == {f"enumerator:4/question:{question}"}


def test_few_interviews_tell_nothing_of_an_enumerator() -> None:
    survey = Survey(interviews=140)
    survey.change(survey.of(4), lambda row: {"age": 90, "s3": "1"})
    assert {each.row_id for each in survey.judge().findings if not each.instance_id} == set()


def test_shares_and_means_come_out_as_by_hand() -> None:
    shares = compare_shares(pl.DataFrame({"hits": [15, 10], "of": [20, 40]}))
    # pooled 25/60; z = 0.5 / sqrt(p (1-p) (1/20 + 1/40)) = 3.7033
    assert shares["share"].to_list() == [0.75, 0.25]
    assert shares["chance"][0] == pytest.approx(0.000213, rel=0.01)
    first, second = np.array([1.0, 2, 3, 4]), np.array([3.0, 5, 7])
    rows = [{"of": len(some), "sum": some.sum(), "squares": (some**2).sum()} for some in (first, second)]
    told = compare_means(pl.DataFrame(rows))
    assert told["mean"].to_list() == [2.5, 5.0]
    assert told["spread"].to_list() == pytest.approx([first.std(ddof=1), second.std(ddof=1)])
    # Welch: -2.5 / sqrt(1.6667/4 + 4/3) = -1.8898
    assert told["chance"][0] == pytest.approx(0.0588, rel=0.01)


def test_of_many_tests_only_so_many_are_believed() -> None:
    # The example of Benjamini and Hochberg (1995), 15 tests at 0.05: the first four.
    chances = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    chances += [0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert believed(np.array(chances), 0.05).sum() == 4
    assert believed(np.array([0.5, 0.9]), 0.05).sum() == 0
