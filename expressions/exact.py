"""Arithmetic of columns by IEEE's rules, digit for digit as for single values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl


def exactly(apply: np.ufunc, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """An operation by IEEE's rules: by zero infinite, or NaN where there is no result."""

    def calculate(sides: Sequence[pl.Series]) -> pl.Series:
        first, second = (side.cast(pl.Float64).fill_null(np.nan).to_numpy() for side in sides)
        with np.errstate(all="ignore"):
            return pl.Series(sides[0].name, apply(first, second))

    return pl.map_batches([left, right], calculate, return_dtype=pl.Float64, is_elementwise=True)
