"""Rounding of columns as JavaRosa rounds: halves go up, on the decimal digits as written."""

from __future__ import annotations

import polars as pl

from expressions.functions_number import round_java


def round_half_up(expr: pl.Expr, places: int) -> pl.Expr:
    """Rounded to `places` decimals."""
    if places == 0:
        # Floats print every half exactly, so that the digits and the value agree.
        lower = expr.floor()
        return pl.when(expr - lower >= 0.5).then(lower + 1).otherwise(lower)
    return expr.map_batches(lambda series: _round_series(series, places), return_dtype=pl.Float64, is_elementwise=True)


def _round_series(series: pl.Series, places: int) -> pl.Series:
    unique = series.unique().drop_nulls()
    rounded = pl.DataFrame(
        {
            "value": unique,
            "rounded": pl.Series([round_java(value, places) for value in unique.to_list()], dtype=pl.Float64),
        }
    )
    joined = series.to_frame("value").join(rounded, on="value", how="left", maintain_order="left")
    return joined.get_column("rounded").alias(series.name)
