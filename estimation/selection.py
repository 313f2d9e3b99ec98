"""Drawing units from a list: at random, systematically, or with probability proportional to size; stratum by stratum.

Every draw is a function of the list, the method and a seed. Specified in docs/methods/sampling.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from estimation.samples import Codes, Flags, Floats
from schemas.errors import EstimationError

Method = Literal["pps", "systematic", "srs"]
"""Systematic with probability proportional to size, systematic with equal ones, simple random."""

WHOLE: Final = 1 - 1e-12
"""Inclusion probability from which on a unit is taken with certainty."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn from a list.

    Attributes:
        rows: numbers of the drawn rows, in order of the list.
        probability: for each row of the list its inclusion probability.
    """

    rows: Codes
    probability: Floats


def generator(seed: int, *place: int) -> np.random.Generator:
    """Random numbers of one stratum or unit, the same whatever is drawn elsewhere."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=place)))


def draw(method: Method, count: int, sizes: Floats, random: np.random.Generator) -> Draw:
    """Draw `count` units of a list in its order.

    Args:
        sizes: measure of size of each unit, above zero; only its length counts for equal probabilities.

    Raises:
        EstimationError: EST-091, when more are wanted than there are.
    """
    if count > sizes.size:
        raise EstimationError(
            "EST-091",
            f"{count} units are wanted of a list of {sizes.size}.",
            "Draw fewer, or join strata.",
        )
    if method == "srs":
        chosen = np.sort(np.argsort(random.random(sizes.size), kind="stable")[:count])
        return Draw(chosen, np.full(sizes.size, count / max(sizes.size, 1)))
    equal = np.ones(sizes.size)
    return _draw_systematic(sizes.astype(np.float64) if method == "pps" else equal, count, random)


def inclusion_probabilities(sizes: Floats, count: int) -> Floats:
    """Probabilities proportional to size with the given sum; a unit whose share would pass one is taken surely.

    >>> inclusion_probabilities(np.array([10.0, 1.0, 1.0, 2.0]), 2).tolist()
    [1.0, 0.25, 0.25, 0.5]
    """
    sure: Flags = np.zeros(sizes.size, np.bool_)
    probability: Floats = np.zeros(sizes.size)
    while True:
        left = count - int(sure.sum())
        rest = float(sizes[~sure].sum())
        probability = np.where(sure, 1.0, sizes * (left / rest) if rest > 0 else 0.0)
        grown = sure | (probability >= WHOLE)
        if np.array_equal(grown, sure):
            return probability
        sure = grown


def _draw_systematic(sizes: Floats, count: int, random: np.random.Generator) -> Draw:
    probability = inclusion_probabilities(sizes, count)
    sure = probability >= WHOLE
    left = count - int(sure.sum())
    chosen = sure.copy()
    if left > 0:
        others = np.flatnonzero(~sure)
        ends = np.cumsum(probability[others])
        # The sum is `left` but for rounding: each point then falls within it.
        points = (random.random() + np.arange(left)) * (ends[-1] / left)
        chosen[others[np.minimum(np.searchsorted(ends, points, side="right"), others.size - 1)]] = True
    return Draw(np.flatnonzero(chosen), probability)


def draw_replacements(taken: Codes, units: int, count: int, random: np.random.Generator) -> Codes:
    """Units that stand in for drawn ones, in the order in which they are to be used, at random among the others."""
    others = np.setdiff1d(np.arange(units), taken)
    return others[np.argsort(random.random(others.size), kind="stable")[:count]]


def read_sizes(values: pl.Series, name: str) -> Floats:
    """Measures of size, all above zero.

    Raises:
        EstimationError: EST-090.
    """
    known = values.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    bad = np.flatnonzero(~(np.isfinite(known) & (known > 0)))
    if bad.size:
        raise EstimationError(
            "EST-090",
            f"{bad.size} of {known.size} measures of size («{name}») aren't above zero, the first in row {bad[0] + 1} "
            "of the list.",
            "Join such a unit with a neighbour, or take it out of the list and say so in the report.",
        )
    return np.asarray(known, np.float64)
