"""Estimates over any table: a statistician's own design, margins and method in; figures with their precision out.

Specified in docs/methods/estimation.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from estimation.calibration import (
    Distance,
    calibrate,
    poststratify,
    rake,
    rake_passes,
    regression_factors,
    scale_classes,
)
from estimation.intervals import Interval
from estimation.margins import match_margin, match_margins, match_variables, read_margins
from estimation.microdata import Microdata
from estimation.replicates import GivenType, Method, Replicates, bootstrap, given, half_samples, jackknife
from estimation.samples import Codes, Flags, Floats, Sample, Singleton, build_sample
from schemas.errors import EstimationError

Kind = Literal["mean", "total", "ratio", "share", "quantile", "count"]

SEED = 20_260_101
"""Seed of the bootstrap where none is given; it is told with the figures."""

REPLICATES = 500


@dataclass(frozen=True, slots=True)
class DesignRequest:
    """The design of a table, by the names of its columns.

    Attributes:
        populations: columns with the number of units in the population, or the sampling fraction, one a stage.
        pattern: regular expression that the names of replicate weights match, null for none.
        combined: whether replicate weights include the sampling weight.
    """

    weights: str | None = None
    strata: str | None = None
    clusters: tuple[str, ...] = ()
    populations: tuple[str, ...] = ()
    singleton: Singleton = "error"
    pattern: str | None = None
    given_type: GivenType = "BRR"
    combined: bool = True
    rho: float = 0.0


@dataclass(frozen=True, slots=True)
class MarginRequest:
    """Tables of known totals, each as text cells, and how regression calibration keeps its distance.

    Attributes:
        poststratify, rake, calibrate: applied in this order.
    """

    poststratify: tuple[pl.DataFrame, ...] = ()
    rake: tuple[pl.DataFrame, ...] = ()
    calibrate: tuple[pl.DataFrame, ...] = ()
    distance: Distance = "linear"
    bounds: tuple[float, float] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no weights are calibrated."""
        return not (self.poststratify or self.rake or self.calibrate)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a table.

    Attributes:
        variable: the column; for a count, "".
        second: lower column of a ratio, the one category of a share, else "".
        order: of a quantile, 0..1.
        by: columns whose combinations are the domains.
        interval: how a share's interval is made, null for logit.
        replaced: design effects against simple random sampling with replacement.
        standard: by which figures are judged: ine, cepal, cepal_2023.
    """

    kind: Kind
    variable: str
    second: str = ""
    order: float = 0.5
    by: tuple[str, ...] = ()
    design: DesignRequest = field(default_factory=DesignRequest)
    margins: MarginRequest = field(default_factory=MarginRequest)
    method: Literal["taylor"] | Method = "taylor"
    replicates: int = REPLICATES
    seed: int = SEED
    interval: Interval | None = None
    replaced: bool = False
    standard: str = "ine"


@dataclass(frozen=True, slots=True)
class Survey:
    """A table with its design, ready for any number of figures.

    Attributes:
        raw: the sample before calibration, from which replicates are made.
        reweigh: calibrates the weights of a replicate, null where weights weren't calibrated.
    """

    data: Microdata
    sample: Sample
    raw: Sample
    replicates: Replicates | None
    reweigh: Callable[[Floats], Floats] | None
    notes: tuple[str, ...]


def open_survey(data: Microdata, request: Request) -> Survey:
    """Read the design of a table, calibrate its weights, and make its replicates.

    Rows without a weight are left out and counted in a note.

    Raises:
        EstimationError: EST-010 to EST-024 and EST-030 to EST-041; see docs/errors.md.
    """
    design = request.design
    notes: list[str] = []
    if design.weights is not None:
        known = data.numbers(design.weights).is_not_null()
        missing = data.height - int(known.sum())
        if missing:
            notes.append(
                f"EST-016 {missing} of {data.height} rows have no weight («{design.weights}») and are left out."
            )
            data = data.filter(known)
    if not data.height:
        raise EstimationError("EST-018", "The table has no row with a weight.", "Look at the file and its weights.")
    raw = _read_sample(data, design)
    notes += raw.notes
    notes += _nesting(data, design)
    sample, steps, told = _calibrated(data, raw, request.margins)
    notes += told
    reweigh = None if not steps else _reweigher(steps)
    return Survey(data, sample, raw, _replicates(data, raw, request, notes), reweigh, tuple(notes))


def domains(data: Microdata, by: tuple[str, ...], kept: Flags) -> tuple[Codes, list[dict[str, str]], int]:
    """The domain of each row, -1 for none; the domains in order; and how many kept rows lack a value of `by`."""
    if not by:
        return np.where(kept, 0, -1), [{}], 0
    frame = pl.DataFrame({f"{at}": data.codes(name) for at, name in enumerate(by)})
    known = frame.select(pl.all_horizontal(pl.all().is_not_null())).to_series().to_numpy() & kept
    met = frame.filter(pl.Series(known)).unique()
    ordered = sorted(met.iter_rows(), key=lambda codes: [natural(code) for code in codes])
    numbers = pl.DataFrame(ordered, schema=frame.schema, orient="row").with_columns(
        pl.int_range(len(ordered), dtype=pl.Int64).alias("number")
    )
    joined = frame.join(numbers, on=frame.columns, how="left", maintain_order="left")["number"].fill_null(-1)
    found = [dict(zip(by, codes, strict=True)) for codes in ordered]
    return np.where(known, joined.to_numpy(), -1), found, int(kept.sum() - known.sum())


def natural(code: str) -> tuple[int, float, str]:
    """Orders numbers as numbers, before texts."""
    try:
        return 0, float(code), ""
    except ValueError:
        return 1, 0.0, code


def _read_sample(data: Microdata, design: DesignRequest) -> Sample:
    weight = None if design.weights is None else data.numbers(design.weights)
    populations = [data.numbers(name) for name in design.populations]
    if weight is None and not populations and not design.clusters and design.strata is None:
        weight = pl.repeat(1.0, data.height, eager=True)
    strata = None if design.strata is None else data.codes(design.strata)
    clusters = [data.codes(name) for name in design.clusters]
    if len(populations) > max(len(clusters), 1):
        raise EstimationError(
            "EST-019",
            f"There are {len(populations)} fpc columns for {max(len(clusters), 1)} stages.",
            "Give as many fpc columns as cluster columns, the first stage first; rows that are units themselves need a "
            "column of ids as the last cluster.",
        )
    return build_sample(weight, strata, clusters, populations, design.singleton)


def _nesting(data: Microdata, design: DesignRequest) -> list[str]:
    if design.strata is None or not design.clusters:
        return []
    pairs = pl.DataFrame({"s": data.codes(design.strata), "c": data.codes(design.clusters[0])}).unique()
    crossing = pairs.height - pairs["c"].n_unique()
    if not crossing:
        return []
    return [
        f"{crossing} codes of «{design.clusters[0]}» stand in more than one stratum: they are taken as different units "
        "in each."
    ]


@dataclass(frozen=True, slots=True)
class Step:
    """One calibration: of the sample with its residuals, and of a replicate's weights alone."""

    apply: Callable[[Sample], Sample]
    reweigh: Callable[[Floats], Floats]


def _poststratification(data: Microdata, table: pl.DataFrame) -> Step:
    margins = read_margins(table, data)
    if len(margins) > 1:
        raise EstimationError(
            "EST-038",
            f"Post-stratification takes one table of classes; this has {len(margins)} margins.",
            "Give their cross table, or use --rake, which needs the margins only.",
        )
    margin = match_margin(margins[0], data)
    return Step(lambda sample: poststratify(sample, margin), lambda weight: scale_classes(weight, margin))


def _raking(data: Microdata, tables: tuple[pl.DataFrame, ...], notes: list[str]) -> Step:
    margins, told = match_margins([one for table in tables for one in read_margins(table, data)], data)
    notes += told
    passes: list[int] = []

    def apply(sample: Sample) -> Sample:
        passes[:] = [rake_passes(sample.weight, margins)[1]]
        return rake(sample, margins)

    return Step(apply, lambda weight: rake_passes(weight, margins, None, passes[0])[0][-1])


def _regression(data: Microdata, request: MarginRequest) -> Step:
    every = [one for table in request.calibrate for one in read_margins(table, data)]
    variables, totals, _ = match_variables(every, data)
    way = request.distance, request.bounds
    return Step(
        lambda sample: calibrate(sample, variables, totals, *way),
        lambda weight: weight * regression_factors(weight, variables, totals, *way),
    )


def _calibrated(data: Microdata, raw: Sample, request: MarginRequest) -> tuple[Sample, list[Step], list[str]]:
    notes: list[str] = []
    steps = [_poststratification(data, table) for table in request.poststratify]
    if request.rake:
        steps.append(_raking(data, request.rake, notes))
    if request.calibrate:
        steps.append(_regression(data, request))
    sample = raw
    for step in steps:
        sample = step.apply(sample)
    negative = int(np.sum(sample.weight < 0))
    if negative:
        notes.append(f"{negative} calibrated weights are negative: give --bounds, or --distance raking.")
    return sample, steps, notes


def _reweigher(steps: list[Step]) -> Callable[[Floats], Floats]:
    def reweigh(weight: Floats) -> Floats:
        for step in steps:
            weight = step.reweigh(weight)
        return weight

    return reweigh


def _replicates(data: Microdata, raw: Sample, request: Request, notes: list[str]) -> Replicates | None:
    design = request.design
    if design.pattern is not None:
        names = [name for name in data.names if pl.Series([name]).str.contains(design.pattern)[0]]
        if len(names) < 2:
            raise EstimationError(
                "EST-042",
                f"{len(names)} columns match the pattern of replicate weights «{design.pattern}».",
                "Give a regular expression that matches the names of all of them, such as ^repw[0-9]+$.",
            )
        weights = np.column_stack([data.numbers(name).fill_null(0.0).to_numpy() for name in names])
        notes.append(f"{len(names)} replicate weights of the file, type {design.given_type}.")
        return given(weights, raw.weight, design.given_type, design.combined, design.rho)
    if request.method == "jackknife":
        return jackknife(raw)
    if request.method == "brr":
        return half_samples(raw)
    if request.method == "bootstrap":
        notes.append(f"Rao-Wu bootstrap, {request.replicates} replicates, seed {request.seed}; the fpc isn't used.")
        return bootstrap(raw, request.replicates, request.seed)
    return None
