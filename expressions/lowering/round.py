"""Rounding of columns as JavaRosa rounds: halves go up, on the decimal digits as written."""

from __future__ import annotations

import numpy as np
import polars as pl

from expressions.functions.number import round_java

_PLACES = 12
_LARGE = 1e9


def round_half_up(expr: pl.Expr, places: int) -> pl.Expr:
    """Rounded to `places` decimals."""
    if places == 0:
        # Floats print every half exactly, so that the digits and the value agree.
        lower = expr.floor()
        return pl.when(expr - lower >= 0.5).then(lower + 1).otherwise(lower)
    return expr.map_batches(lambda series: _round_series(series, places), return_dtype=pl.Float64, is_elementwise=True)


def _round_series(series: pl.Series, places: int) -> pl.Series:
    """Binary arithmetic, and exact decimal arithmetic where it could differ."""
    values = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    found = np.full(len(values), np.nan)
    doubtful = ~np.isnan(values)
    if 0 < places <= _PLACES:
        scale = 10.0**places
        with np.errstate(all="ignore"):
            lower = np.floor(values * scale)
            # A half as written has fewer digits than doubles tell apart. So the double nearest to it, which this
            # quotient of two exact numbers is, is written as that half; the doubles above are written as more, those
            # below as less.
            half = (2 * lower + 1) / (2 * scale)
            found = (lower + (values >= half)) / scale + 0.0
        doubtful &= np.abs(lower) > _LARGE
    at = np.flatnonzero(doubtful)
    if at.size:
        different, numbers = np.unique(values[at], return_inverse=True)
        found[at] = np.array([round_java(float(value), places) for value in different])[numbers]
    return pl.Series(series.name, found).fill_nan(None)
