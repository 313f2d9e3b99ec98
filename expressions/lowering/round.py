"""Rounding of columns as JavaRosa rounds: halves go up, on the decimal digits as written."""

from __future__ import annotations

import numpy as np
import polars as pl

from expressions.functions.number import round_java

_PLACES = 12
_DOUBT = 1e-6
_LARGE = 1e9


def round_half_up(expr: pl.Expr, places: int) -> pl.Expr:
    """Rounded to `places` decimals."""
    if places == 0:
        # Floats print every half exactly, so that the digits and the value agree.
        lower = expr.floor()
        return pl.when(expr - lower >= 0.5).then(lower + 1).otherwise(lower)
    return expr.map_batches(lambda series: _round_series(series, places), return_dtype=pl.Float64, is_elementwise=True)


def _round_series(series: pl.Series, places: int) -> pl.Series:
    """Binary arithmetic, and exact decimal arithmetic where the value is too near a half for it."""
    values = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    scale = 10.0 ** abs(places)
    with np.errstate(all="ignore"):
        scaled = values * scale if places > 0 else values / scale
        lower = np.floor(scaled)
        share = scaled - lower
        rounded = lower + (share >= 0.5)
        found = (rounded / scale if places > 0 else rounded * scale) + 0.0
    doubtful = (np.abs(share - 0.5) < _DOUBT) | (np.abs(scaled) > _LARGE) | (places < 0) | (abs(places) > _PLACES)
    at = np.flatnonzero(doubtful & ~np.isnan(values))
    if at.size:
        different, numbers = np.unique(values[at], return_inverse=True)
        found[at] = np.array([round_java(float(value), places) for value in different])[numbers]
    return pl.Series(series.name, found).fill_nan(None)
