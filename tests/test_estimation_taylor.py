"""Linearised figures against R's `survey` and against a sample computed by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.intervals import logit_interval
from estimation.linear import Statistic, covariance, estimate_by_domain
from estimation.linear import linearise as linearise_scores
from estimation.samples import Codes, Floats, Sample, Singleton, build_sample
from estimation.second_opinion import DesignColumns, Linearised, linearise

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"


def read_reference(name: str) -> pl.DataFrame:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"the reference sample {path.name} is not beside this checkout")
    return pl.read_csv(path, null_values="NA")


def everybody(frame: pl.DataFrame) -> pl.Series:
    return pl.Series(["total"] * frame.height)


def stratified() -> tuple[pl.DataFrame, DesignColumns]:
    frame = read_reference("apistrat.csv")
    psu = pl.Series([str(row) for row in range(frame.height)])
    return frame, DesignColumns(frame["pw"], psu, frame["stype"], frame["fpc"])


def clustered() -> tuple[pl.DataFrame, DesignColumns]:
    frame = read_reference("apiclus1.csv")
    return frame, DesignColumns(frame["pw"], frame["dnum"], None, frame["fpc"])


def close(figure: Linearised, estimate: float, se: float) -> None:
    assert figure.estimate == pytest.approx(estimate, rel=1e-7)
    assert figure.se == pytest.approx(se, rel=1e-5)


def test_stratified_mean_total_and_ratio_agree_with_r_survey() -> None:
    """docs/methods/variance.md, section 6."""
    frame, design = stratified()
    total = everybody(frame)
    mean = linearise("mean", design, total, (frame["api00"],))[0]["total"]
    close(mean, 662.28736, 9.40894)
    assert (mean.low, mean.high, mean.df) == (pytest.approx(643.732, abs=1e-3), pytest.approx(680.843, abs=1e-3), 197)
    close(linearise("total", design, total, (frame["enroll"],))[0]["total"], 3_687_177.53, 114_641.72)
    ratio = linearise("ratio", design, total, (frame["api.stu"],), frame["enroll"])[0]["total"]
    assert ratio.estimate == pytest.approx(0.8369568869, abs=1e-10)
    assert ratio.se == pytest.approx(0.0077571, abs=1e-7)


def test_domain_means_agree_with_r_survey() -> None:
    frame, design = stratified()
    found = linearise("mean", design, frame["stype"], (frame["api00"],))[0]
    for domain, (estimate, se) in {"E": (674.43, 12.38248), "H": (625.82, 14.93713), "M": (636.60, 16.21471)}.items():
        close(found[domain], estimate, se)


def test_clustered_mean_total_and_domain_agree_with_r_survey() -> None:
    frame, design = clustered()
    total = everybody(frame)
    mean = linearise("mean", design, total, (frame["api00"],))[0]["total"]
    close(mean, 644.169399, 23.542241)
    assert mean.df == 14
    close(linearise("total", design, total, (frame["enroll"],))[0]["total"], 3_404_940.13, 932_235.03)
    close(linearise("mean", design, frame["sch.wide"], (frame["api00"],))[0]["Yes"], 649.3625, 23.42657)


def test_a_sample_of_two_strata_computed_by_hand() -> None:
    """Strata A: 2 of 4 with 1, 3; B: 2 of 6 with 5, 9. Total 2*4 + 3*14 = 50.

    Variance of the total: 4^2 (1 - 1/2) 2/2 + 6^2 (1 - 1/3) 8/2 = 8 + 96 = 104 (docs/methods/variance.md, section 6).
    """
    design = DesignColumns(
        pl.Series([2.0, 2.0, 3.0, 3.0]),
        pl.Series(["1", "2", "3", "4"]),
        pl.Series(["A", "A", "B", "B"]),
        pl.Series([4, 4, 6, 6]),
    )
    found = linearise("total", design, pl.Series(["total"] * 4), (pl.Series([1, 3, 5, 9]),))[0]["total"]
    close(found, 50.0, math.sqrt(104))
    assert found.df == 2


def test_a_lone_unit_has_no_standard_error() -> None:
    design = DesignColumns(pl.Series([1.0, 1.0, 2.0]), pl.Series(["1", "2", "3"]))
    found = linearise("mean", design, pl.Series(["a", "a", "b"]), (pl.Series([1.0, 0.0, 1.0]),))[0]
    assert found["b"] == Linearised(1.0, None, None, None, 0)


def test_rows_outside_of_all_domains_are_in_no_figure() -> None:
    design = DesignColumns(pl.Series([1.0] * 4), pl.Series(["1", "2", "3", "4"]))
    found = linearise("mean", design, pl.Series(["a", "a", None, ""]), (pl.Series([1.0, 3.0, None, 99.0]),))[0]
    assert list(found) == ["a"] and found["a"].estimate == 2.0


def test_the_logit_interval_is_that_of_r_svyciprop() -> None:
    """R: svyciprop(~awards, dstrat, method = "logit") of the stratified sample, awards = "No"."""
    frame, design = stratified()
    no = linearise("mean", design, everybody(frame), (frame["awards"] == "No",))[0]["total"]
    low, high = logit_interval(no.estimate, no.se, no.df)
    assert (low, high) == (pytest.approx(0.296324, abs=1e-6), pytest.approx(0.431279, abs=1e-6))


@pytest.mark.parametrize(("share", "se", "df"), [(0.0, 0.1, 9), (1.0, 0.1, 9), (0.5, None, 9), (0.5, 0.1, 0)])
def test_no_interval_where_the_logit_does_not_exist(share: float, se: float | None, df: int) -> None:
    assert logit_interval(share, se, df) == (None, None)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from(["mean", "total", "ratio"]), st.sampled_from(["skip", "center"]))
def test_many_domains_at_once_are_those_of_each_alone(seed: int, statistic: Statistic, singleton: Singleton) -> None:
    """A hundred domains of forty rows: sums are kept of the units that are met, and no figure changes by it."""
    random = np.random.default_rng(seed)
    rows, count = 40, 100
    strata = random.integers(0, 4, rows)
    sample = build_sample(
        pl.Series(np.where(random.random(rows) < 0.1, 0.0, random.uniform(1, 5, rows))),
        pl.Series(strata),
        [pl.Series(random.integers(0, 6, rows)), pl.Series(random.integers(0, 3, rows))],
        [pl.Series(10.0 + strata), pl.Series(np.full(rows, 7.0))],
        singleton,
    )
    values = np.where(random.random(rows) < 0.1, np.nan, random.integers(0, 3, rows).astype(float))
    divisor = random.uniform(1, 2, rows) if statistic == "ratio" else None
    domain = random.integers(-1, count, rows)
    domain[:10] = random.integers(0, 2, 10)
    together = estimate_by_domain(sample, statistic, values, domain, count, divisor)
    for number in range(count):
        alone = estimate_by_domain(sample, statistic, values, np.where(domain == number, 0, -1), 1, divisor)
        assert together.variance[number] == pytest.approx(alone.variance[0], rel=1e-9, abs=1e-9, nan_ok=True)
        assert together.df[number] == alone.df[0]
        # And each as the whole table of units gives it.
        scores = linearise_by_hand(sample, statistic, values, np.where(domain == number, 0, -1), divisor)
        if alone.n[0]:
            assert alone.variance[0] == pytest.approx(covariance(sample, scores)[0, 0], rel=1e-9, abs=1e-9)


def linearise_by_hand(
    sample: Sample, statistic: Statistic, values: Floats, domain: Codes, divisor: Floats | None
) -> Floats:
    _, found = linearise_scores(sample.weight, statistic, values, domain, 1, divisor)
    scores = np.zeros((values.size, 1))
    scores[found.rows, 0] = found.score
    return scores
