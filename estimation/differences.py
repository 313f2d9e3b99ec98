"""Is it chance? Independence of two answers, the difference between two groups, and between two rounds.

Specified in docs/methods/estimation.md, section 10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from estimation.intervals import Ends, t_interval
from estimation.linear import covariance, linearise
from estimation.samples import Codes, Floats, Sample, sums
from schemas.errors import EstimationError


@dataclass(frozen=True, slots=True)
class Test:
    """A test of independence.

    Attributes:
        statistic: Pearson's X-squared over the mean design effect, an F.
        numerator_df, denominator_df: its degrees of freedom, fractions as a rule.
        p: chance of so large a statistic where the two are independent.
        pearson: X-squared itself, of a sample of n rows.
    """

    statistic: float
    numerator_df: float
    denominator_df: float
    p: float
    pearson: float
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two figures: first less second, in their unit."""

    difference: float
    se: float
    df: float
    low: float | None
    high: float | None
    t: float
    p: float


def independence(sample: Sample, rows: Codes, columns: Codes, place: Codes | None = None) -> Test:
    """Rao and Scott's second-order test that two answers are independent, as R's `svychisq` (statistic "F").

    Args:
        rows, columns: category of each row from 0, -1 where it isn't known or the row isn't asked about.
        place: for answers that stand below the sample's rows (persons of sampled households), each one's row in it.

    Raises:
        EstimationError: EST-046, when one of them has a single category; EST-015.
    """
    from scipy.special import fdtrc

    at = np.arange(rows.size) if place is None else place
    weights = sample.weight[at]
    known = (rows >= 0) & (columns >= 0) & (weights != 0)
    _, r = np.unique(rows[known], return_inverse=True)
    _, c = np.unique(columns[known], return_inverse=True)
    high, wide = int(r.max(initial=0)) + 1, int(c.max(initial=0)) + 1
    if high < 2 or wide < 2:
        raise EstimationError(
            "EST-046",
            f"The table of the two answers has {high} rows and {wide} columns.",
            "A test of independence needs two categories or more of each.",
        )
    n = int(known.sum())
    cell = np.full(rows.size, -1, np.int64)
    cell[known] = r * wide + c
    weight = np.where(known, weights, 0.0)
    shares = np.bincount(cell[known], weight[known], high * wide) / weight.sum()
    # A row's score in a cell is its weight there, less its weight times the cell's share.
    scores = np.bincount(
        at[known] * (high * wide) + cell[known], weight[known], sample.weight.size * high * wide
    ).reshape(-1, high * wide)
    scores -= np.bincount(at[known], weight[known], sample.weight.size)[:, None] * shares
    spread = covariance(sample, scores / weight.sum())
    table = shares.reshape(high, wide)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    pearson = n * float(np.sum((table - expected) ** 2 / expected))
    effects = _effects(shares, spread, high, wide, n)
    trace = float(np.trace(effects))
    df = trace**2 / float(np.trace(effects @ effects))
    stage = sample.first
    units = np.unique(stage.unit_of_row[at[known]])
    nu = units.size - np.unique(stage.group_of_unit[units]).size
    statistic = pearson / trace
    return Test(statistic, df, df * nu, float(fdtrc(df, df * nu, statistic)), pearson, n)


def _effects(shares: Floats, spread: Floats, high: int, wide: int, n: int) -> Floats:
    """The matrix whose eigenvalues are the generalised design effects of the interactions."""
    row, column = np.divmod(np.arange(high * wide), wide)
    ones = np.ones((high * wide, 1))
    rows = (row[:, None] == np.arange(1, high)).astype(np.float64)
    columns = (column[:, None] == np.arange(1, wide)).astype(np.float64)
    main = np.hstack([ones, rows, columns])
    crossed = (rows[:, :, None] * columns[:, None, :]).reshape(high * wide, -1)
    contrasts = crossed - main @ np.linalg.lstsq(main, crossed, rcond=None)[0]
    inverse = np.divide(1.0, shares, out=np.zeros(shares.size), where=shares > 0)
    scaled = contrasts * inverse[:, None]
    return np.asarray(np.linalg.solve(contrasts.T @ scaled / n, scaled.T @ spread @ scaled), np.float64)


def group_difference(sample: Sample, values: Floats, group: Codes, place: Codes | None = None) -> Difference:
    """Difference between the means of group 0 and group 1, and its t-test, as R's `svyttest`.

    Args:
        values: one number a row, NaN where it isn't known.
        group: 0, 1, or -1 for rows of neither group.
        place: as in `independence`.
    """
    at = np.arange(values.size) if place is None else place
    weight = sample.weight[at]
    point, scores = linearise(weight, "mean", values, group, 2)
    rows = at[scores.rows]
    both = sums(rows * 2 + scores.domain, scores.score, sample.weight.size * 2).reshape(-1, 2)
    spread = covariance(sample, both)
    units = np.unique(sample.first.unit_of_row[rows[weight[scores.rows] != 0]])
    df = units.size - np.unique(sample.first.group_of_unit[units]).size - 1
    variance = float(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    return _difference(float(point.estimate[0] - point.estimate[1]), math.sqrt(max(variance, 0.0)), df)


def round_difference(first: tuple[float, float, int], second: tuple[float, float, int]) -> Difference:
    """Difference between two figures of samples drawn apart, with Satterthwaite's degrees of freedom.

    Args:
        first, second: estimate, standard error and degrees of freedom of each.
    """
    (one, se_one, df_one), (two, se_two, df_two) = first, second
    variance = se_one**2 + se_two**2
    below = se_one**4 / max(df_one, 1) + se_two**4 / max(df_two, 1)
    return _difference(one - two, math.sqrt(variance), variance**2 / below if below else float(df_one + df_two))


def _difference(difference: float, se: float, df: float) -> Difference:
    from scipy.special import stdtr

    ends: Ends = (None, None)
    if df >= 1:
        ends = t_interval(difference, se, int(df))
    t = difference / se if se else math.copysign(math.inf, difference) if difference else 0.0
    p = float(2 * stdtr(max(df, 1e-9), -abs(t))) if math.isfinite(t) else 0.0
    return Difference(difference, se, df, *ends, t, p)
