"""The sample that a workbook's design sheet describes: strata, units of its stages, and replicate weights.

Specified in docs/methods/weights.md, sections 1 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast, get_args

import numpy as np
import polars as pl

from estimation.columns import Columns
from estimation.replicates import (
    GivenType,
    Replicates,
    Reweigh,
    bootstrap,
    calibrated_replicates,
    given,
    half_samples,
    jackknife,
)
from estimation.samples import Flags, Floats, Sample, Singleton, build_sample
from schemas.errors import EstimationError, Problem
from schemas.fields import MAIN_TABLE
from schemas.workbook import Design

POPULATION_SETTING: Final = "fpc"
"""Setting of the `design` sheet: number of PSUs in the row's stratum."""

SECOND_POPULATION_SETTING: Final = "fpc2"
"""Number of units of the second stage in the row's PSU."""

METHOD: Final = "variance"
"""Setting: taylor, jackknife, bootstrap, or brr."""

METHODS: Final = ("taylor", "jackknife", "bootstrap", "brr")
GIVEN: Final = "replicate_weights"
"""Setting: regular expression that the names of questions with replicate weights match."""

UNKNOWN: Final = "?"
DRAWS: Final = 500
SEED: Final = 20_260_101


def read_sample(
    design: Design,
    usable: Mapping[str, str],
    columns: Columns,
    strata: pl.Series | None,
    weight: Floats,
    problems: list[Problem],
) -> Sample | None:
    """The design of the interviews with a weight.

    Without a PSU of its own the interview is the PSU. With the population of the second stage its units are those of
    `ssu`, or the interviews.
    """
    if not design.probability:
        return None
    known = pl.Series(~np.isnan(weight))
    psu = None if "psu" not in usable else columns.codes(usable["psu"], MAIN_TABLE)
    ssu = None if "ssu" not in usable else columns.codes(usable["ssu"], MAIN_TABLE)
    for name, column in (("strata", strata), ("psu", psu), ("ssu", ssu)):
        missing = 0 if column is None else int((column.is_null() & known).sum())
        if missing:
            message = f"{missing} interviews have no {name}: together they are taken as one of their own."
            problems.append(Problem("warning", "EST-025", "design", None, "value", message, "Complete them."))
    clusters = [] if psu is None else [psu.fill_null(UNKNOWN).filter(known)]
    if psu is not None and (ssu is not None or SECOND_POPULATION_SETTING in usable):
        rows = pl.Series("interview", np.arange(known.len()).astype(str))
        clusters.append((rows if ssu is None else ssu.fill_null(UNKNOWN)).filter(known))
    settings = (POPULATION_SETTING, SECOND_POPULATION_SETTING)[: max(len(clusters), 1)]
    populations = [
        columns.numbers(usable[setting], MAIN_TABLE).alias(setting).filter(known)
        for setting in settings
        if setting in usable
    ]
    if SECOND_POPULATION_SETTING in usable and len(populations) < 2:
        message = f"{SECOND_POPULATION_SETTING} says nothing without psu and {POPULATION_SETTING}: it isn't used."
        advice = "Name the primary units, and how many of them there are."
        problems.append(Problem("warning", "EST-058", "design", None, "value", message, advice))
        populations = populations[:1] if POPULATION_SETTING in usable else []
    singleton = cast(Singleton, design.settings.get("singleton") or "center")
    try:
        sample = build_sample(
            pl.Series(weight).filter(known),
            None if strata is None else strata.fill_null(UNKNOWN).filter(known),
            clusters,
            populations,
            singleton if singleton in {"error", "skip", "center"} else "center",
        )
    except EstimationError as error:
        message = f"{error.message} No precision is stated, since the design isn't known in full."
        problems.append(Problem("warning", error.code, "design", None, "value", message, error.advice))
        return None
    alone = int(sample.first.alone.sum())
    if alone and strata is not None:
        message = (
            f"{alone} of {sample.first.size.size} strata have a single PSU; rule «{singleton}» is applied to them."
        )
        problems.append(
            Problem("warning", "EST-027", "design", None, "value", message, "Join such a stratum with a neighbour.")
        )
    return sample


def read_replicates(
    design: Design,
    columns: Columns,
    known: Flags,
    raw: Sample,
    sample: Sample,
    reweigh: Reweigh | None,
    problems: list[Problem],
) -> Replicates | None:
    """The replicates by which the design asks for variances, null for linearisation.

    Args:
        known: the rows of the main table that are in the sample.
        raw, sample: before and after calibration.
        reweigh: calibrates the weights of a replicate.

    Settings that make no sense become problems, and variances are linearised.
    """
    try:
        made = _replicates(design, columns, known, raw)
    except EstimationError as error:
        message = f"{error.message} Variances are linearised."
        problems.append(Problem("warning", error.code, "design", None, "value", message, error.advice))
        return None
    if made is None or reweigh is None:
        return made
    return calibrated_replicates(raw, sample.weight, made, reweigh)


def _replicates(design: Design, columns: Columns, known: Flags, raw: Sample) -> Replicates | None:
    settings = design.settings
    pattern = settings.get(GIVEN, "")
    if pattern:
        kind = settings.get("replicate_type", "") or "BRR"
        names = [name for name in columns.tables[MAIN_TABLE].columns if _matches(pattern, name)]
        if len(names) < 2 or kind not in get_args(GivenType):
            raise EstimationError(
                "EST-042",
                f"{len(names)} questions match the pattern of replicate weights «{pattern}», type «{kind}».",
                f"Write a regular expression that matches all of them, and a type of {', '.join(get_args(GivenType))}.",
            )
        table = columns.tables[MAIN_TABLE].filter(pl.Series(known))
        weights = np.column_stack([table[name].cast(pl.Float64).fill_null(0.0).to_numpy() for name in names])
        return given(weights, raw.weight, cast(GivenType, kind))
    method = settings.get(METHOD, "") or "taylor"
    if method not in METHODS:
        raise EstimationError("EST-059", f"Setting {METHOD} is «{method}».", f"Write one of {', '.join(METHODS)}.")
    if method == "jackknife":
        return jackknife(raw)
    if method == "brr":
        return half_samples(raw)
    return bootstrap(raw, DRAWS, SEED) if method == "bootstrap" else None


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error as error:
        raise EstimationError(
            "EST-042", f"«{pattern}» is no regular expression: {error}.", "Write one such as ^repw[0-9]+$."
        ) from error
