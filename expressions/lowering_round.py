"""Rounding of columns as JavaRosa rounds: halves go up, on the decimal digits as written."""

from __future__ import annotations

import polars as pl

from expressions.functions_number import round_java

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
    if abs(places) > _PLACES:
        return series.map_elements(lambda value: round_java(value, places), return_dtype=pl.Float64)
    scale = 10.0 ** abs(places)
    scaled = series * scale if places > 0 else series / scale
    lower = scaled.floor()
    share = scaled - lower
    rounded = lower + (share >= 0.5).cast(pl.Float64)
    found = rounded / scale if places > 0 else rounded * scale
    doubtful = ((share - 0.5).abs() < _DOUBT) | (scaled.abs() > _LARGE) | (places < 0)
    if not doubtful.any():
        return found + 0.0
    exact = {value: round_java(value, places) for value in series.filter(doubtful).unique().drop_nulls().to_list()}
    listed = found.to_list()
    for index, value in enumerate(series.to_list()):
        if value in exact:
            listed[index] = exact[value]
    return pl.Series(series.name, listed, dtype=pl.Float64)
