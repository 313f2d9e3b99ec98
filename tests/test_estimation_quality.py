"""Standards of quality at their bounds: INE's, CEPAL's; and which tables may be published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estimation.publication import DroppedTable, apply_table_rule
from estimation.quality import (
    NO_SAMPLING_ERROR,
    NOT_RELIABLE,
    RELIABLE,
    WEAKLY_RELIABLE,
    Precision,
    largest_reliable_error,
    read_standard,
    read_standards,
)
from schemas.errors import EstimationError
from schemas.estimates import Estimate

SHARE = Precision(True, 0.125, 0.01, 200, 12, 100, 1.0)
MEAN = Precision(False, 100.0, 10.0, 200, 12, 200, 1.0)


def test_the_largest_reliable_error_is_symmetric_and_continuous() -> None:
    """docs/methods/quality_label.md, section 2."""
    assert largest_reliable_error(0.125) == pytest.approx(0.25 / 9)
    assert largest_reliable_error(0.875) == pytest.approx(largest_reliable_error(0.125))
    assert largest_reliable_error(0.5) == pytest.approx(largest_reliable_error(0.5 + 1e-12))


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"se": 0.027, "n": 60, "df": 9}, RELIABLE),
        ({"se": 0.028, "n": 60, "df": 9}, WEAKLY_RELIABLE),
        ({"se": 0.001, "n": 59, "df": 9}, NOT_RELIABLE),
        ({"se": 0.001, "n": 60, "df": 8}, NOT_RELIABLE),
        ({"se": None}, NOT_RELIABLE),
        ({"df": None}, NOT_RELIABLE),
        ({"estimate": 0.0, "se": 0.0}, RELIABLE),
    ],
)
def test_a_share_by_ine(changes: dict[str, object], label: str) -> None:
    assert read_standard("ine").judge(replace(SHARE, **changes)) == label  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"se": 15.0}, RELIABLE),
        ({"se": 15.01}, WEAKLY_RELIABLE),
        ({"se": 30.0}, WEAKLY_RELIABLE),
        ({"se": 30.01}, NOT_RELIABLE),
        ({"estimate": 0.0}, NOT_RELIABLE),
        ({"se": 1.0, "n": 59}, NOT_RELIABLE),
        ({"estimate": -100.0, "se": 15.0}, RELIABLE),
    ],
)
def test_a_mean_by_ine(changes: dict[str, object], label: str) -> None:
    assert read_standard("").judge(replace(MEAN, **changes)) == label  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, RELIABLE),
        ({"n": 100, "deff": 100 / 140}, RELIABLE),
        ({"n": 99}, NOT_RELIABLE),
        ({"n": 141, "deff": 1.01}, NOT_RELIABLE),
        ({"cases": 49}, NOT_RELIABLE),
        ({"df": 8}, WEAKLY_RELIABLE),
        ({"se": 0.025}, WEAKLY_RELIABLE),
        ({"se": 0.0455}, NOT_RELIABLE),
        ({"se": 0.0454, "df": 8}, WEAKLY_RELIABLE),
    ],
)
def test_a_share_by_cepal_2020(changes: dict[str, object], label: str) -> None:
    """The logarithmic coefficient, se / (-ln(p) p), of 0.0455 at one eighth is just above 0.175."""
    assert read_standard("cepal").judge(replace(SHARE, **changes)) == label  # type: ignore[arg-type]


@pytest.mark.parametrize(("se", "label"), [(19.9, RELIABLE), (20.0, WEAKLY_RELIABLE), (99.0, WEAKLY_RELIABLE)])
def test_a_mean_by_cepal_2020_is_published_or_reviewed(se: float, label: str) -> None:
    assert read_standard("cepal").judge(replace(MEAN, se=se)) == label


@pytest.mark.parametrize(
    ("n", "df", "ess", "cases", "share", "se", "label"),
    [
        (80, 10, 70, 60, 0.4, 0.02, RELIABLE),
        (150, 8, 130, 110, 0.8, 0.03, NOT_RELIABLE),
        (500, 8, 45, 40, 0.93, 0.04, NOT_RELIABLE),
        (120, 10, 110, 100, 0.6, 0.025, RELIABLE),
    ],
)
def test_the_example_of_the_package_calidad_for_cepal_2023(
    n: int, df: int, ess: int, cases: int, share: float, se: float, label: str
) -> None:
    """Its test of scheme eclac_2023 without information on domains."""
    assert read_standard("cepal_2023").judge(Precision(True, share, se, n, df, cases, n / ess)) == label


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"cases": 50, "n": 60}, RELIABLE),
        ({"cases": 49}, WEAKLY_RELIABLE),
        ({"cases": 29}, NOT_RELIABLE),
        ({"n": 59}, NOT_RELIABLE),
        ({"deff": 0.99}, NOT_RELIABLE),
        ({"se": 0.0455}, NOT_RELIABLE),
    ],
)
def test_a_share_by_cepal_2023(changes: dict[str, object], label: str) -> None:
    assert read_standard("cepal_2023").judge(replace(SHARE, **changes)) == label  # type: ignore[arg-type]


def test_each_standard_names_its_source_and_an_unknown_one_is_refused() -> None:
    assert list(read_standards()) == ["ine", "cepal", "cepal_2023"]
    assert all(len(each.source) > 20 for each in read_standards().values())
    with pytest.raises(EstimationError, match=r"EST-056.*ine, cepal, cepal_2023"):
        read_standard("eurostat")


def cell(domain: str, label: str, category: str = "", estimate: float | None = 1.0) -> Estimate:
    return Estimate("figure", domain, category, estimate, "percent", 100, 50, label=label)


def test_a_table_with_more_than_half_of_its_figures_not_reliable_is_left_out() -> None:
    bad = [cell("country=a", NOT_RELIABLE), cell("country=b", NOT_RELIABLE), cell("country=c", RELIABLE)]
    half = [cell("sex=1", NOT_RELIABLE), cell("sex=2", WEAKLY_RELIABLE)]
    kept, dropped = apply_table_rule([cell("total", NOT_RELIABLE), *bad, *half], read_standard())
    assert [one.domain for one in kept] == ["total", "sex=1", "sex=2"]
    assert dropped == (DroppedTable("figure", "country", "", 3, 2),)


def test_each_commune_of_a_crossing_is_a_table_of_its_own() -> None:
    cells = [
        cell(f"commune={commune}&sex={sex}", label)
        for commune, label in (("13125", RELIABLE), ("05101", NOT_RELIABLE))
        for sex in "12"
    ]
    kept, dropped = apply_table_rule(cells, read_standard(), "commune")
    assert [one.domain for one in kept] == ["commune=13125&sex=1", "commune=13125&sex=2"]
    assert [(table.commune, table.breakdown) for table in dropped] == [("05101", "commune*sex")]
    assert apply_table_rule(cells, read_standard()) == (tuple(cells), ())


def test_a_large_commune_keeps_its_figures_beside_many_small_ones() -> None:
    shares = [cell("commune=13101", RELIABLE), *(cell(f"commune=051{number:02}", NOT_RELIABLE) for number in range(9))]
    assert apply_table_rule(shares, read_standard(), "commune") == (tuple(shares), ())
    assert apply_table_rule(shares, read_standard())[0] == ()
    ages = [cell(one.domain, one.label, age) for one in shares for age in ("young", "old")]
    kept, dropped = apply_table_rule(ages, read_standard(), "commune")
    assert {one.domain for one in kept} == {"commune=13101"}
    assert {table.commune for table in dropped} == {one.domain[8:] for one in shares[1:]}


def test_figures_without_sampling_error_and_empty_domains_are_not_judged() -> None:
    cells = [cell("sex=1", NO_SAMPLING_ERROR), cell("sex=2", NO_SAMPLING_ERROR)]
    assert apply_table_rule(cells, read_standard()) == (tuple(cells), ())
    empty = [cell("a=1", NOT_RELIABLE, estimate=None), cell("a=2", NOT_RELIABLE, estimate=None), cell("a=3", RELIABLE)]
    assert apply_table_rule(empty, read_standard()) == (tuple(empty), ())


def test_the_categories_of_a_distribution_are_a_table() -> None:
    cells = [cell("total", NOT_RELIABLE, "a"), cell("total", NOT_RELIABLE, "b")]
    assert apply_table_rule(cells, read_standard())[0] == ()
