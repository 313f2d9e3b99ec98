"""Differences between groups and rounds, against R's survey and by hand. docs/methods/estimation.md, section 10."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from estimation.differences import group_difference, independence, round_difference
from estimation.samples import build_sample, encode
from schemas.errors import EstimationError

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"


def test_the_difference_between_two_groups_is_that_of_r_svyttest() -> None:
    """R 4.1.1: svyttest(api00 ~ sch.wide, dclus1)."""
    path = REFERENCE / "apiclus1.csv"
    if not path.exists():
        pytest.skip("the reference sample apiclus1.csv is not beside this checkout")
    frame = pl.read_csv(path, null_values="NA")
    sample = build_sample(frame["pw"], None, (frame["dnum"],), (frame["fpc"],))
    group = np.where(frame["sch.wide"] == "Yes", 0, 1)
    found = group_difference(sample, frame["api00"].cast(pl.Float64).to_numpy(), group)
    assert (found.difference, found.t) == (pytest.approx(41.3190217391), pytest.approx(2.108989848))
    assert (found.df, found.p) == (13, pytest.approx(0.0549088171))
    assert (found.low, found.high) == (pytest.approx(-1.00660613164), pytest.approx(83.64464960990))


def test_a_test_of_independence_needs_two_categories_of_each() -> None:
    sample = build_sample(pl.Series([1.0, 1.0, 1.0, 1.0]))
    with pytest.raises(EstimationError) as caught:
        independence(sample, np.array([0, 0, 0, -1]), np.array([0, 1, 0, 1]))
    assert caught.value.code == "EST-046"


def test_answers_that_go_together_are_told_from_answers_that_do_not() -> None:
    generator = np.random.default_rng(3)
    one, noise = generator.integers(0, 3, 600), generator.integers(0, 2, 600)
    sample = build_sample(pl.Series(generator.uniform(1, 3, 600)), None, (pl.Series(np.arange(600) // 5),))
    assert independence(sample, one, noise).p > 0.01
    assert independence(sample, one, np.where(generator.random(600) < 0.8, one % 2, noise)).p < 1e-6


def test_an_equal_sample_without_a_design_gives_pearsons_own_test() -> None:
    """Of unweighted rows Rao and Scott's mean effect is n/(n-1), so that F times its df is Pearson's X-squared."""
    table = np.array([[12, 5, 9], [6, 14, 4]])
    rows, columns = (np.repeat(index.ravel(), table.ravel()) for index in np.indices(table.shape))
    found = independence(build_sample(pl.repeat(1.0, rows.size, eager=True)), rows, columns)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    assert found.pearson == pytest.approx(float(np.sum((table - expected) ** 2 / expected)))


def test_two_rounds_are_compared_with_both_errors() -> None:
    found = round_difference((10.0, 3.0, 20), (4.0, 4.0, 30))
    assert (found.difference, found.se) == (6.0, 5.0)
    assert found.df == pytest.approx(5**4 / (3**4 / 20 + 4**4 / 30))
    assert found.t == 1.2 and 0.2 < found.p < 0.3
    same = round_difference((1.0, 0.0, 5), (1.0, 0.0, 5))
    assert (same.difference, same.t, same.p) == (0.0, 0.0, 1.0)


def test_codes_are_numbered_alike_whatever_the_type() -> None:
    assert encode(pl.Series([3, 1, None, 3])).tolist() == [1, 0, -1, 1]
    texts = encode(pl.Series(["b", "a", None, "b"]))
    assert texts[2] == -1 and texts[0] == texts[3] != texts[1]
