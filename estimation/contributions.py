"""The largest contributions to the sums behind figures of amounts: what dominance and p % rules look at."""

from __future__ import annotations

from typing import Final

import numpy as np

from estimation.samples import Codes, Flags, Floats

LARGEST: Final = 5
"""How many contributions of a sum are told."""


def largest_contributions(values: Floats, domain: Codes, counted: Flags, count: int) -> list[tuple[float, ...]]:
    """The sum and the largest values of each domain, unweighted.

    Args:
        values: amount of each row.
        domain: number of each row's domain, -1 for none.
        counted: rows that stand in the figure.
        count: how many domains there are.

    Returns:
        For each domain the sum, then up to `LARGEST` values in falling order; all are empty where rows are only
        counted (no value but 0 and 1), or where a value is negative.

    Source: docs/methods/disclosure.md, section 2.
    """
    inside = np.flatnonzero(counted & (domain >= 0) & np.isfinite(values))
    amounts, codes = values[inside], domain[inside]
    if not amounts.size or amounts.min() < 0 or not np.any((amounts != 0) & (amounts != 1)):
        return [()] * count
    order = np.argsort(codes, kind="stable")
    parts = np.split(amounts[order], np.searchsorted(codes[order], np.arange(1, count)))
    return [_of(part) for part in parts]


def _of(amounts: Floats) -> tuple[float, ...]:
    if not amounts.size:
        return ()
    kept = min(LARGEST, amounts.size)
    largest = np.sort(np.partition(amounts, amounts.size - kept)[amounts.size - kept :])[::-1]
    return float(amounts.sum()), *map(float, largest)
