"""The same figures by other hands: the only file that knows the library `svy`.

It agrees with `estimation.linear` wherever both can answer (one stage, weights not calibrated) and is ten times slower;
`comunal estimate --verify` asks it, and the tests do. Its interface moves weekly, so it is pinned exactly and a rename
there breaks this file alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from estimation.answers import Answer
from estimation.linear import Statistic
from estimation.microdata import Microdata
from estimation.samples import Flags, Floats, Singleton
from estimation.surveys import Request, Survey

_OUTSIDE = ""
"""Domain of the rows that a figure isn't about. They stay in the frame: a domain's variance needs every PSU."""


@dataclass(frozen=True, slots=True)
class DesignColumns:
    """The sample's design, one value a row of the table, without nulls.

    Attributes:
        weight: design weight.
        stratum: stratum's code, null for an unstratified sample.
        psu: code of the primary sampling unit; the interview where the workbook names none.
        population: number of PSUs in the row's stratum (finite population correction), null for none.
        singleton: what a stratum with a single PSU does.
    """

    weight: pl.Series
    psu: pl.Series
    stratum: pl.Series | None = None
    population: pl.Series | None = None
    singleton: Singleton = "center"


@dataclass(frozen=True, slots=True)
class Linearised:
    """A figure and its precision, in the unit of the values.

    Attributes:
        se: standard error; null where it can't be computed (one PSU).
        low, high: ends of the symmetric t-interval, null likewise.
        df: degrees of freedom in the domain: PSUs less strata.
    """

    estimate: float
    se: float | None
    low: float | None
    high: float | None
    df: int


def linearise(
    statistic: Statistic,
    design: DesignColumns,
    domains: pl.Series,
    values: tuple[pl.Series, ...],
    divisor: pl.Series | None = None,
) -> list[dict[str, Linearised]]:
    """Estimate one statistic of several variables in every domain.

    Args:
        statistic: "mean", "total", or "ratio" (of `values` to `divisor`).
        design: the sample's design, on the same rows as all that follow.
        domains: domain's code of each row, null or "" for a row outside of all of them.
        values: variables, one number a row; what stands in rows outside of all domains is not read.
        divisor: the ratio's lower variable.

    Returns:
        One mapping a variable, domain's code -> figure. Domains without a row are absent.

    """
    sample, names = _bind(design, domains, values, divisor)
    estimation = sample.estimation
    found: list[dict[str, Linearised]] = []
    for name in names:
        if statistic == "ratio":
            result = estimation.ratio(name, "_x", by="_domain")
        elif statistic == "mean":
            result = estimation.mean(name, by="_domain")
        else:
            result = estimation.total(name, by="_domain")
        found.append({row["_domain"]: _read(row) for row in result.to_polars().to_dicts() if row["_domain"]})
    return found


def _bind(
    design: DesignColumns, domains: pl.Series, values: tuple[pl.Series, ...], divisor: pl.Series | None
) -> tuple[Any, tuple[str, ...]]:
    import svy  # takes a second and a half

    inside = domains.is_not_null() & (domains != _OUTSIDE)
    columns = {
        "_domain": domains.fill_null(_OUTSIDE),
        "_weight": design.weight.cast(pl.Float64),
        "_psu": design.psu.cast(pl.String),
    }
    names = tuple(f"_y{index}" for index in range(len(values)))
    columns |= {name: _numbers(value, inside) for name, value in zip(names, values, strict=True)}
    if divisor is not None:
        columns["_x"] = _numbers(divisor, inside)
    terms: dict[str, Any] = {"wgt": "_weight", "psu": "_psu"}
    if design.stratum is not None:
        columns["_stratum"] = design.stratum.cast(pl.String)
        terms |= {"stratum": "_stratum", "singleton": design.singleton}
    if design.population is not None:
        columns["_population"] = design.population.cast(pl.Float64)
        terms["pop_size"] = "_population"
    frame = pl.DataFrame({name: column.rename(name) for name, column in columns.items()})
    return svy.Sample(frame, svy.Design(**terms)), names


def _numbers(values: pl.Series, inside: pl.Series) -> pl.Series:
    numbers = values.cast(pl.Float64)
    return pl.select(pl.when(inside).then(numbers).otherwise(0.0)).to_series()


def _read(row: dict[str, Any]) -> Linearised:
    df = int(row["df"] or 0)
    se = _known(row["se"]) if df >= 1 else None
    if se is None:
        return Linearised(float(row["est"]), None, None, None, df)
    return Linearised(float(row["est"]), se, _known(row["lci"]), _known(row["uci"]), df)


def _known(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)


def compare(survey: Survey, request: Request, kept: Flags | None, figures: Sequence[Answer]) -> float | None:
    """Compute the figures of one request again.

    Returns:
        The largest difference of an estimate or standard error, relative to the larger of the two; null where `svy` has
        no answer of its own: calibrated weights, replicates, quantiles, a correction at several stages, totals
        with lone units.
    """
    design = request.design
    plain = request.margins.is_empty and survey.replicates is None and request.kind != "quantile"
    if not plain or len(survey.sample.stages) > 1:
        return None
    if survey.sample.first.alone.any() and request.kind in {"total", "count"} and design.singleton == "center":
        return None  # svy centres a lone unit about the mean of all units' totals, R about zero
    data, rows = survey.data, survey.data.height
    domain = pl.repeat("_", rows, eager=True)
    if kept is not None:
        domain = pl.select(pl.when(pl.Series(kept)).then(pl.lit("_")).otherwise(pl.lit(""))).to_series()
    for name in request.by:
        codes = data.codes(name)
        domain = pl.select(
            pl.when(codes.is_not_null() & (domain != "")).then(domain + codes + "\x1f").otherwise(pl.lit(""))
        ).to_series()
    sample = DesignColumns(
        pl.Series(survey.sample.weight),
        data.codes(design.clusters[0]) if design.clusters else pl.int_range(rows, eager=True).cast(pl.String),
        None if design.strata is None else data.codes(design.strata),
        None if not design.populations else pl.Series(_sizes(survey)),
        "center" if design.singleton == "error" else design.singleton,
    )
    worst = 0.0
    for category in dict.fromkeys(figure.category for figure in figures):
        values, divisor = _columns(data, request, category)
        known = values.is_not_null() if divisor is None else values.is_not_null() & divisor.is_not_null()
        inside = pl.select(pl.when(known).then(domain).otherwise(pl.lit(""))).to_series()
        statistic: Statistic = "total" if request.kind in {"total", "count"} else "mean" if divisor is None else "ratio"
        theirs = linearise(statistic, sample, inside, (values,), divisor)[0]
        for figure in figures:
            other = theirs.get("_" + "".join(f"{code}\x1f" for code in figure.domain.values()))
            if figure.category == category and other is not None and figure.estimate is not None:
                worst = max(worst, _apart(figure.estimate, other.estimate), _apart(figure.se, other.se))
    return worst


def _columns(data: Microdata, request: Request, category: str) -> tuple[pl.Series, pl.Series | None]:
    if request.kind == "count":
        return pl.repeat(1.0, data.height, eager=True), None
    if request.kind == "share":
        return (data.codes(request.variable) == category).cast(pl.Float64), None
    divisor = data.numbers(request.second) if request.kind == "ratio" else None
    return data.numbers(request.variable), divisor


def _sizes(survey: Survey) -> Floats:
    """Units in the population of each row's stratum, whichever way the correction was given."""
    stage = survey.sample.first
    sizes = stage.size[stage.group_of_unit] / np.maximum(1 - stage.open_share, 1e-300)
    return np.asarray(sizes[stage.unit_of_row], np.float64)


def _apart(one: float | None, other: float | None) -> float:
    if one is None or other is None:
        return 0.0
    largest = max(abs(one), abs(other))
    return abs(one - other) / largest if largest > 1e-9 else 0.0
