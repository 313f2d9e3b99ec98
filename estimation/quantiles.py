"""Quantiles by domain with Woodruff's intervals, as R's `svyquantile`. docs/methods/estimation.md, section 7."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from estimation.intervals import t_quantile
from estimation.samples import Codes, Floats

ShareVariance = Callable[[Floats, Codes, int], tuple[Floats, Floats, Codes, Codes]]
"""Values (0 or 1), domain of each row and number of domains -> share, its variance, n and df of each domain."""

EDGE: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile in one domain; null where it can't be known.

    Attributes:
        low, high: the quantiles at the ends of the share's interval.
        se: (high - low) over twice the t-quantile.
    """

    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    n: int
    df: int


def estimate_quantiles(
    values: Floats, weight: Floats, domain: Codes, count: int, share: float, variance: ShareVariance | None
) -> list[Quantile]:
    """Estimate the quantile of order `share` in every domain.

    The quantile is the smallest value whose share of weight at or below it reaches `share` (R's "math", type 1). Its
    interval is Woodruff's: the interval of that share (symmetric, t), turned back into values.

    Args:
        values: one number a row, NaN where it isn't known.
        variance: estimates a share and its variance by domain; null where precision may not be stated.
    """
    inside = (domain >= 0) & np.isfinite(values)
    curves = _curves(values, weight, domain, count, inside & (weight != 0))
    found = np.array([_at(*curve, share) for curve in curves])
    if variance is None:
        return [
            Quantile(float(one) if np.isfinite(one) else None, None, None, None, curve[0].size, 0)
            for one, curve in zip(found, curves, strict=True)
        ]
    below = np.where(inside, values <= found[np.maximum(domain, 0)], np.nan)
    p, spread, n, df = variance(below.astype(np.float64), np.where(inside, domain, -1), count)
    result: list[Quantile] = []
    for d in range(count):
        if not np.isfinite(found[d]):
            result.append(Quantile(None, None, None, None, int(n[d]), int(df[d])))
            continue
        low = high = se = None
        if df[d] >= 1 and np.isfinite(spread[d]):
            t = t_quantile(int(df[d]))
            reach = t * float(np.sqrt(max(spread[d], 0.0)))
            low = _end(curves[d], float(p[d]) - reach)
            high = _end(curves[d], float(p[d]) + reach)
            se = None if low is None or high is None else (high - low) / (2 * t)
        result.append(Quantile(float(found[d]), se, low, high, int(n[d]), int(df[d])))
    return result


def _curves(
    values: Floats, weight: Floats, domain: Codes, count: int, picked: np.typing.NDArray[np.bool_]
) -> list[tuple[Floats, Floats]]:
    """For each domain its values in order, and the weight at or below each."""
    rows = np.flatnonzero(picked)
    rows = rows[np.lexsort((values[rows], domain[rows]))]
    ends = np.searchsorted(domain[rows], np.arange(count + 1))
    return [(values[rows[low:high]], np.cumsum(weight[rows[low:high]])) for low, high in pairwise(ends)]


def _at(values: Floats, reached: Floats, share: float) -> float:
    if not values.size:
        return float("nan")
    wanted = share * reached[-1]
    # What is reached but for rounding is reached.
    place = int(np.searchsorted(reached, wanted - EDGE * reached[-1]))
    return float(values[min(place, values.size - 1)])


def _end(data: tuple[Floats, Floats], share: float) -> float | None:
    """The quantile at an end of the interval; null where the end lies outside of 0 and 1."""
    return None if share < 0 or share > 1 else _at(*data, share)
