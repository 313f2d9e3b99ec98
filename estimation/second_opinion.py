"""The same figures by other hands: the only file that knows the library `svy`.

It agrees with `estimation.linear` wherever both can answer (one stage, weights not calibrated) and is ten times slower;
`comunal estimate --verify` asks it, and the tests do. Its interface moves weekly, so it is pinned exactly and a rename
there breaks this file alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import polars as pl

from estimation.linear import Statistic
from estimation.samples import Singleton

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
