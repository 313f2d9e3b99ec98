"""Is one enumerator unlike the others? Tests over many enumerators and questions, and which of them to believe.

Each enumerator is compared with all others together. Thousands of such tests find something by chance, so what counts
is the share of false ones among those that are told: Benjamini and Hochberg, J. R. Statist. Soc. B 57 (1995), 289-300.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.float64]

_erfc = np.frompyfunc(math.erfc, 1, 1)


def two_sided(z: Numbers) -> Numbers:
    """The chance of a standard normal number at least so far from 0; 1 where it isn't known."""
    known = np.where(np.isfinite(z), np.abs(z), 0.0)
    return np.asarray(_erfc(known / math.sqrt(2.0)), dtype=np.float64)


def believed(chances: Numbers, rate: float) -> npt.NDArray[np.bool_]:
    """Which of many tests to believe so that at most `rate` of them are expected to be false ones.

    >>> believed(np.array([0.001, 0.02, 0.03, 0.9]), 0.05).tolist()
    [True, True, True, False]
    """
    count = chances.size
    if not count:
        return np.zeros(0, dtype=bool)
    order = np.argsort(chances, kind="stable")
    below = chances[order] <= rate * np.arange(1, count + 1) / count
    told = np.zeros(count, dtype=bool)
    if below.any():
        told[order[: int(np.flatnonzero(below).max()) + 1]] = True
    return told


def compare_shares(counts: pl.DataFrame, by: tuple[str, ...] = ()) -> pl.DataFrame:
    """Compare each row's share with that of all other rows of its group (a question).

    Args:
        counts: columns `hits` and `of`.
        by: columns that make a group; none: all rows are one.

    Returns:
        The same with `share`, `others` (shares from 0 to 1) and `chance` (two-sided, of two proportions).
    """
    group: Any = list(by)
    sums = [pl.col(name).sum().over(group) if group else pl.col(name).sum() for name in ("hits", "of")]
    hits, of = sums[0] - pl.col("hits"), sums[1] - pl.col("of")
    pooled = sums[0] / sums[1]
    told = counts.with_columns(share=pl.col("hits") / pl.col("of"), others=hits / of)
    spread = (pooled * (1 - pooled) * (1 / pl.col("of") + 1 / of)).sqrt()
    z = told.select(z=(pl.col("share") - pl.col("others")) / spread)["z"]
    return told.with_columns(pl.Series("chance", two_sided(z.fill_null(math.nan).to_numpy())))


def compare_means(moments: pl.DataFrame, by: tuple[str, ...] = ()) -> pl.DataFrame:
    """Compare each row's mean and spread with those of all other rows of its group.

    Args:
        moments: columns `of` (numbers), `sum` and `squares` (of the numbers squared, each less any fixed number).
        by: as in `compare_shares`.

    Returns:
        The same with `mean`, `others` (their mean), `spread`, `others_spread` (standard deviations), `chance` (of the
        means, Welch) and `spread_chance` (of the logarithms of the variances).
    """
    group: Any = list(by)
    rest = {
        name: (pl.col(name).sum().over(group) if group else pl.col(name).sum()) - pl.col(name)
        for name in ("of", "sum", "squares")
    }
    told = moments.with_columns(
        mean=pl.col("sum") / pl.col("of"),
        others=rest["sum"] / rest["of"],
        others_of=rest["of"],
        variance=_variance(pl.col("of"), pl.col("sum"), pl.col("squares")),
        others_variance=_variance(rest["of"], rest["sum"], rest["squares"]),
    )
    means = (pl.col("mean") - pl.col("others")) / (
        pl.col("variance") / pl.col("of") + pl.col("others_variance") / pl.col("others_of")
    ).sqrt()
    # The variance of a log variance is about 2 / (n - 1) for normal numbers, more for those with long tails.
    spreads = (pl.col("variance").log() - pl.col("others_variance").log()) / (
        4 / (pl.col("of") - 1) + 4 / (pl.col("others_of") - 1)
    ).sqrt()
    tests = told.select(means=means, spreads=spreads).fill_null(math.nan)
    return told.with_columns(
        pl.col("variance").sqrt().alias("spread"),
        pl.col("others_variance").sqrt().alias("others_spread"),
        pl.Series("chance", two_sided(tests["means"].to_numpy())),
        pl.Series("spread_chance", two_sided(tests["spreads"].to_numpy())),
    )


def _variance(of: pl.Expr, total: pl.Expr, squares: pl.Expr) -> pl.Expr:
    return pl.max_horizontal((squares - total * total / of) / (of - 1), pl.lit(0.0))
