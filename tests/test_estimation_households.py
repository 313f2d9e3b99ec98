"""Groups that are one household: found however many people it has, withheld, and told in a statistician's words."""

from __future__ import annotations

import numpy as np
import pytest

from estimation.households import MOST, of_one_household
from reports.disclosure import protect
from reports.rules import DisclosureRules
from schemas.estimates import Estimate


def test_groups_of_one_household_are_found_in_base_figure_and_rest() -> None:
    domain = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, -1])
    interview = np.array([7, 7, 7, 1, 2, 2, 3, 4, 4, 9])
    counted = np.ones(10, np.bool_)
    hits = np.array([1, 0, 0, 1, 1, 1, 0, 1, 1, 0], np.bool_)
    assert of_one_household(interview, domain, counted, hits, 4).tolist() == [True, False, True, False]
    assert not of_one_household(None, domain, counted, hits, 4).any()


def test_a_base_of_several_households_whose_figure_is_of_one_counts_too() -> None:
    domain, interview = np.zeros(6, np.int64), np.array([1, 1, 2, 2, 3, 3])
    hits = np.array([1, 1, 0, 0, 0, 0], np.bool_)
    assert of_one_household(interview, domain, np.ones(6, np.bool_), hits, 1).tolist() == [True]
    hits = np.array([1, 0, 1, 0, 0, 0], np.bool_)
    assert of_one_household(interview, domain, np.ones(6, np.bool_), hits, 1).tolist() == [False]


def test_a_group_larger_than_any_household_isnt_looked_at() -> None:
    many = MOST + 1
    everyone = np.ones(many, np.bool_)
    assert not of_one_household(np.zeros(many, np.int64), np.zeros(many, np.int64), everyone, everyone, 1).any()


def _people(domain: str, n: int, *, one: bool = False) -> Estimate:
    return Estimate("people", domain, "", float(n), "persons", n, n, one_household=one)


def test_a_household_larger_than_the_threshold_is_withheld_and_can_t_be_computed() -> None:
    figures = [_people("total", 200), _people("b=1", 12, one=True), _people("b=2", 100), _people("b=3", 88)]
    cells = protect(figures, DisclosureRules.of(10)).cells
    assert cells[1].suppressed == "primary"
    assert sum(bool(cell.suppressed) for cell in cells) == 2


def test_the_statistician_is_told_of_the_breakdown_and_not_of_the_household() -> None:
    figures = [_people("total", 200), _people("sex=f&sector=17", 12, one=True), _people("sex=f&sector=18", 12)]
    problems = DisclosureRules.of(10).singled_out(figures, {"sector": 4})
    assert [problem.code for problem in problems] == ["REL-059"]
    assert problems[0].message.startswith("sex*sector: in 1 of its groups") and "17" not in problems[0].message
    assert not DisclosureRules.of(0).singled_out(figures, {})


@pytest.mark.parametrize("count", [0, 3])
def test_without_groups_nothing_is_found(count: int) -> None:
    nobody = np.zeros(0, np.bool_)
    none = np.zeros(0, np.int64)
    assert of_one_household(none, none, nobody, nobody, count).tolist() == [False] * count
