"""A sample's design as numbers: weights, and at each stage which unit a row belongs to and which units stand together.

Specified in docs/methods/estimation.md, sections 1 to 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import EstimationError

if TYPE_CHECKING:
    from estimation.residuals import Residuals

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

Singleton = Literal["error", "skip", "center"]
"""What a stratum with a single unit does: stop (R's "fail"), add nothing ("certainty", "remove"), or add its square
about the grand mean ("adjust")."""

CLOSED: Final = 1e-7
"""Share of a stratum left out of the sample below which it counts as taken whole, as in R's `survey`."""


@dataclass(frozen=True)
class Stage:
    """One stage of selection. Units are numbered so that those of one group are neighbours.

    Attributes:
        unit_of_row: number of each row's unit.
        group_of_unit: number of each unit's group: its stratum, from the second stage on the unit it was drawn in.
        size: how many units each group has in the sample.
        open_share: for each unit, the share of its group that was not drawn: (N - n) / N; 1 without a correction.
        factor: for each unit, the product of n / N over the earlier stages.
        names: name of each group, for messages.
    """

    unit_of_row: Codes
    group_of_unit: Codes
    size: Codes
    open_share: Floats
    factor: Floats
    names: tuple[str, ...]

    @property
    def units(self) -> int:
        """How many units were drawn."""
        return self.group_of_unit.size

    @cached_property
    def starts(self) -> Codes:
        """Number of each group's first unit."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.size)[:-1]])

    @cached_property
    def alone(self) -> Flags:
        """For each group, whether it has one unit though others were left out: no variance can be seen in it."""
        return np.asarray((self.size == 1) & (self.open_share[self.starts] >= CLOSED), np.bool_)

    @cached_property
    def square(self) -> Floats:
        """For each unit the factor of its squared deviation: f n / (n - 1), f where it is alone, 0 where f is."""
        n = self.size[self.group_of_unit].astype(np.float64)
        factor = self.open_share * self.factor * np.where(n > 1, n / np.maximum(n - 1, 1), 1.0)
        return np.where(self.open_share < CLOSED, 0.0, factor)

    @cached_property
    def square_without_lone(self) -> Floats:
        """The same, 0 for a unit alone in its group."""
        return np.where(self.alone[self.group_of_unit], 0.0, self.square)


@dataclass(frozen=True, slots=True)
class Sample:
    """What every estimator needs of a design, one value a row.

    Attributes:
        weight: weight of each row, not null; a row of weight zero belongs to the design and to no figure.
        stages: the first stage, and the later ones whose variance is told by a finite population correction.
        singleton: what a group with one unit does.
        residuals: what calibration explains, null for weights that weren't calibrated.
        notes: what a reader should know of the design, in sentences.
    """

    weight: Floats
    stages: tuple[Stage, ...]
    singleton: Singleton = "error"
    residuals: Residuals | None = None
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> Stage:
        """The stage of the primary sampling units."""
        return self.stages[0]

    @property
    def df(self) -> int:
        """Degrees of freedom of the whole sample: PSUs less strata."""
        return self.first.units - self.first.size.size

    def calibrated(self, weight: Floats, residuals: Residuals) -> Sample:
        """The sample with calibrated weights, and what calibration explains taken out of its variances."""
        known = residuals if self.residuals is None else self.residuals.then(residuals)
        return replace(self, weight=weight, residuals=known)


def encode(values: pl.Series) -> Codes:
    """A code from 0 for each distinct value, in their order; -1 for null.

    The order is that of the values and not of their appearance, so that sums of the same rows are the same to the bit.
    """
    ranked = values if values.dtype.is_numeric() else values.cast(pl.String)
    return np.asarray(ranked.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1, np.int64)


def sums(codes: Codes, values: Floats, count: int) -> Floats:
    """Sum of the values of each code from 0 up to `count`."""
    return np.asarray(np.bincount(codes, values, count), np.float64)


def build_sample(
    weight: pl.Series | None,
    strata: pl.Series | None = None,
    clusters: Sequence[pl.Series] = (),
    populations: Sequence[pl.Series] = (),
    singleton: Singleton = "error",
) -> Sample:
    """Read a design from columns.

    Units with the same code in two strata are different units (R's `nest = TRUE`). Without clusters each row is a
    unit. Without weights they are the products of N / n over the stages, as R takes them from the fpc, else 1.

    Args:
        weight: weight of each row.
        strata: stratum of each row, of the first stage.
        clusters: for each stage the unit of each row.
        populations: for each stage the group's number of units in the population, or its sampling fraction where no
            number is above 1. With fewer of them than stages, the later stages count as drawn from very many.

    Raises:
        EstimationError: EST-010 to EST-014, for values that are missing or can't be.
    """
    rows = _rows(weight, strata, clusters, populations)
    for name, column in [("weight", weight), ("stratum", strata)] + [("cluster", c) for c in clusters]:
        _refuse_missing(name, column)
    stages: list[Stage] = []
    group = np.zeros(rows, np.int64) if strata is None else encode(strata)
    names = ("",) if strata is None else _names(strata, group)
    factor: Floats = np.ones(rows)
    inverse: Floats = np.ones(rows)
    notes: list[str] = []
    for number in range(max(len(clusters), 1)):
        unit = encode(clusters[number]) if clusters else np.arange(rows, dtype=np.int64)
        population = populations[number] if number < len(populations) else None
        stage, shares, told = _stage(number, group, unit, population, factor, names)
        stages.append(stage)
        notes += told
        if population is None:
            break
        group, names = stage.unit_of_row, ()
        factor = factor * shares
        inverse = inverse / shares
    weights = inverse if weight is None else weight.cast(pl.Float64).to_numpy()
    _refuse_bad_weights(weights)
    return Sample(weights, tuple(stages), singleton, None, tuple(notes))


def _stage(
    number: int, group: Codes, unit: Codes, population: pl.Series | None, factor: Floats, names: tuple[str, ...]
) -> tuple[Stage, Floats, list[str]]:
    _, group = np.unique(group, return_inverse=True)
    _, first, unit_of_row = np.unique(group * (unit.max() + 1) + unit, return_index=True, return_inverse=True)
    group_of_unit = group[first]
    size = np.bincount(group_of_unit)
    drawn = size[group].astype(np.float64)
    open_of_row: Floats = np.ones(group.size)
    shares: Floats = np.ones(group.size)
    notes: list[str] = []
    if population is not None:
        shares = drawn / _population(number, population, drawn)
        open_of_row = 1 - shares
        spread = np.full(size.size, -np.inf)
        np.maximum.at(spread, group_of_unit, open_of_row[first])
        if np.any(spread[group_of_unit] - open_of_row[first] > 1e-12):
            notes.append(f"The fpc of stage {number + 1} varies within strata: each unit is corrected by its own.")
    stage = Stage(unit_of_row, group_of_unit, size, open_of_row[first], factor[first], names)
    return stage, shares, notes


def _population(number: int, population: pl.Series, drawn: Floats) -> Floats:
    """Units in the population of each row's group.

    Raises:
        EstimationError: EST-012, EST-013, EST-014.
    """
    _refuse_missing("fpc", population)
    values = population.cast(pl.Float64).to_numpy()
    where = f"The fpc of stage {number + 1} («{population.name}»)"
    if values.size and values.min() <= 0:
        raise EstimationError(
            "EST-012", f"{where} has a value of {values.min():g}.", "Give numbers of units, or sampling fractions."
        )
    is_size = bool(np.any(values > 1))
    if is_size and np.any(values < 1):
        raise EstimationError(
            "EST-013",
            f"{where} has values above and below 1 ({values.min():g} to {values.max():g}).",
            "Give the number of units in the population for every row, or the sampling fraction for every row.",
        )
    size = values if is_size else drawn / values
    if np.any(size < drawn - 1e-9):
        worst = int(np.argmax(drawn - size))
        raise EstimationError(
            "EST-014",
            f"{where} says that a group has {size[worst]:g} units, yet {drawn[worst]:g} of them are in the sample.",
            "Give the number of units in the population, not in the sample, and count units of this stage.",
        )
    return size


def _rows(
    weight: pl.Series | None, strata: pl.Series | None, clusters: Sequence[pl.Series], populations: Sequence[pl.Series]
) -> int:
    columns = [column for column in (weight, strata, *clusters, *populations) if column is not None]
    return columns[0].len() if columns else 0


def _names(column: pl.Series, codes: Codes) -> tuple[str, ...]:
    _, first = np.unique(codes, return_index=True)
    return tuple(str(column[int(row)]) for row in first)


def _refuse_missing(name: str, column: pl.Series | None) -> None:
    if column is None:
        return
    missing = column.null_count()
    if missing:
        raise EstimationError(
            "EST-010",
            f"{missing} of {column.len()} rows have no {name} («{column.name}»).",
            "Every row of a sample has a weight, a stratum and a unit: complete them, or leave these rows out.",
        )


def _refuse_bad_weights(weights: Floats) -> None:
    bad = int(np.sum(~np.isfinite(weights) | (weights < 0)))
    if bad:
        raise EstimationError(
            "EST-011",
            f"{bad} of {weights.size} weights are negative or no number.",
            "A weight tells how many units of the population a row stands for: zero or more.",
        )
