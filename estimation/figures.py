"""One measure's figures in the domains of one grouping, with or without a statement of precision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from estimation.contributions import largest_contributions
from estimation.design import TableDesign
from estimation.households import of_one_household
from estimation.intervals import logit_interval, t_interval
from estimation.linear import Figures, Statistic, estimate_by_domain
from estimation.measures import Measure
from estimation.quality import NO_SAMPLING_ERROR, Precision
from estimation.quantiles import ShareVariance, estimate_quantiles
from estimation.replicates import replicate_by_domain
from estimation.samples import Codes, Flags, Floats, Sample, sums
from schemas.estimates import Estimate
from schemas.workbook import Indicator

EMPTY_DOMAIN = "empty_domain"
"""Note of a figure that nobody stands behind."""


@dataclass(frozen=True, slots=True)
class MeasuredRows:
    """A measure under a design, as arrays over the rows of its table, ready for any number of groupings.

    Attributes:
        universe, counted: rows of the universe, and of the base, that have a weight.
        hits: for each category the rows behind the figure.
        values: for each category the number of each row, NaN outside of `counted`.
        divisor: lower number of a ratio, null for none.
    """

    indicator: Indicator
    measure: Measure
    design: TableDesign
    universe: Flags
    counted: Flags
    hits: tuple[Flags, ...]
    values: tuple[Floats, ...]
    divisor: Floats | None


def measure_rows(indicator: Indicator, measure: Measure, design: TableDesign) -> MeasuredRows:
    """Put a measure and a design together. A row without weight stands in no figure and no n."""
    weighted = design.weight > 0
    counted = _flags(measure.base) & weighted
    return MeasuredRows(
        indicator,
        measure,
        design,
        _flags(measure.universe) & weighted,
        counted,
        tuple(_flags(hits) & counted for hits in measure.hits),
        tuple(np.where(counted, _floats(values), np.nan) for values in measure.values),
        None if measure.divisor is None else _floats(measure.divisor),
    )


def estimate_domains(rows: MeasuredRows, domain: Codes, order: tuple[str, ...]) -> list[Estimate]:
    """Estimate a measure in every domain of `order`.

    Args:
        domain: number of each row's domain in `order`, -1 for a row in none of them.
        order: the domains to publish; one without rows gets a null estimate.

    Returns:
        One estimate a domain and category.

    Raises:
        EstimationError: EST-015, when the design says that a stratum with a single PSU is an error.

    Source: docs/methods/shares.md, means.md and totals.md, section 3.
    """
    count = len(order)
    if not count:
        return []
    if rows.measure.statistic == "quantile":
        return _quantiles(rows, domain, order)
    n = _tally(domain, rows.counted, count)
    universe = _tally(domain, rows.universe, count)
    cells = [_tally(domain, hits, count) for hits in rows.hits]
    points = _points(rows, domain, count)
    precise = _precise(rows, domain, count)
    amounts = _amounts(rows, domain, count)
    single = [of_one_household(rows.design.interview, domain, rows.counted, hits, count) for hits in rows.hits]
    return [
        _estimate(
            rows,
            order[d],
            category,
            points[c][d],
            int(n[d]),
            int(cells[c][d]),
            int(universe[d]),
            precise,
            c,
            d,
            amounts[c][d],
            bool(single[c][d]),
        )
        for d in range(count)
        for c, category in enumerate(rows.measure.categories)
    ]


def _points(rows: MeasuredRows, domain: Codes, count: int) -> list[Floats]:
    """The figures themselves, NaN where nothing stands in the denominator."""
    picked = np.flatnonzero(rows.counted & (domain >= 0))
    d, w = domain[picked], rows.design.weight[picked]
    uppers = [sums(d, w * values[picked], count) for values in rows.values]
    if rows.measure.statistic == "total":
        return uppers
    base = sums(d, w if rows.divisor is None else w * rows.divisor[picked], count)
    with np.errstate(divide="ignore", invalid="ignore"):
        return [np.where(base != 0, rows.measure.factor * upper / base, np.nan) for upper in uppers]


def _amounts(rows: MeasuredRows, domain: Codes, count: int) -> list[list[tuple[float, ...]]]:
    """What stands behind sums of amounts: nothing for shares and counts."""
    if rows.measure.is_share or rows.measure.statistic == "total":
        return [[()] * count for _ in rows.values]
    return [largest_contributions(values, domain, rows.counted, count) for values in rows.values]


def _precise(rows: MeasuredRows, domain: Codes, count: int) -> list[Figures] | None:
    sample, statistic = rows.design.sample, rows.measure.statistic
    if sample is None or statistic == "quantile":
        return None
    place = np.maximum(rows.design.place, 0)
    inside = np.where(rows.counted, domain, -1)
    return [
        _figures(rows.design, sample, statistic, values, inside, count, rows.divisor, place) for values in rows.values
    ]


def _figures(
    design: TableDesign,
    sample: Sample,
    statistic: Statistic,
    values: Floats,
    inside: Codes,
    count: int,
    divisor: Floats | None,
    place: Codes,
) -> Figures:
    """Figures by linearisation; with replicates, their variance is that of the replicates."""
    effects = design.standard.needs_effects
    found = estimate_by_domain(sample, statistic, values, inside, count, divisor, place, effects)
    if design.replicates is None:
        return found
    variance = replicate_by_domain(sample, design.replicates, statistic, values, inside, count, divisor, None, place)
    return replace(found, variance=variance)


def _estimate(
    rows: MeasuredRows,
    domain: str,
    category: str,
    point: float,
    n: int,
    cell_n: int,
    universe: int,
    precise: list[Figures] | None,
    c: int,
    d: int,
    parts: tuple[float, ...],
    one_household: bool,
) -> Estimate:
    figure = float(point) if np.isfinite(point) else None
    measure = rows.measure
    told: dict[str, Any] = {"label": NO_SAMPLING_ERROR}
    if precise is not None:
        told = _precision(rows, figure, precise[c], d, cell_n)
    return Estimate(
        indicator=rows.indicator.name,
        domain=domain,
        category=category,
        estimate=figure,
        unit=rows.indicator.unit,
        n=n,
        cell_n=cell_n,
        unknown_rate=(universe - n) / universe if measure.has_unknown and universe else None,
        note="" if figure is not None else EMPTY_DOMAIN,
        parts=parts,
        one_household=one_household,
        **told,
    )


def _precision(rows: MeasuredRows, figure: float | None, found: Figures, d: int, cases: int) -> dict[str, Any]:
    measure, standard = rows.measure, rows.design.standard
    n, df = int(found.n[d]), int(found.df[d])
    if figure is None or not n:
        return {"label": standard.judge(Precision(measure.is_share, None, None, n, df, cases))}
    estimate, variance = float(found.estimate[d]), float(found.variance[d])
    # A domain of one PSU says nothing of how PSUs differ.
    se = float(np.sqrt(max(variance, 0.0))) if np.isfinite(variance) and df >= 1 else None
    effect = variance / found.srs[d] if standard.needs_effects and found.srs[d] > 0 else None
    judged = Precision(measure.is_share, estimate, se, n, df, cases, effect)
    low, high = logit_interval(estimate, se, df) if measure.is_share else t_interval(estimate, se, df)
    factor = measure.factor
    return {
        "se": None if se is None else se * abs(factor),
        "ci_low": None if low is None else low * factor,
        "ci_high": None if high is None else high * factor,
        "cv": judged.cv,
        "df": df,
        "label": standard.judge(judged),
    }


def _quantiles(rows: MeasuredRows, domain: Codes, order: tuple[str, ...]) -> list[Estimate]:
    """A quantile in every domain. Its n are the rows with a value, which are the rows behind it."""
    count, sample, measure = len(order), rows.design.sample, rows.measure
    place = np.maximum(rows.design.place, 0)
    inside = np.where(rows.counted, domain, -1)
    n, universe = _tally(domain, rows.counted, count), _tally(domain, rows.universe, count)
    found = estimate_quantiles(
        rows.values[0],
        rows.design.weight,
        inside,
        count,
        measure.order,
        None if sample is None else _spread(rows.design, sample, place),
    )
    told: list[Estimate] = []
    single = of_one_household(rows.design.interview, domain, rows.counted, rows.counted, count)
    for d, one in enumerate(found):
        precision: dict[str, Any] = {"label": NO_SAMPLING_ERROR}
        if sample is not None:
            judged = Precision(False, one.estimate, one.se, one.n, one.df, one.n)
            label = rows.design.standard.judge(judged)
            ends = {"se": one.se, "ci_low": one.low, "ci_high": one.high}
            precision = {**ends, "cv": judged.cv, "df": one.df, "label": label}
        told.append(
            Estimate(
                indicator=rows.indicator.name,
                domain=order[d],
                category="",
                estimate=one.estimate,
                unit=rows.indicator.unit,
                n=int(n[d]),
                cell_n=int(n[d]),
                unknown_rate=(int(universe[d]) - int(n[d])) / int(universe[d])
                if measure.has_unknown and universe[d]
                else None,
                note="" if one.estimate is not None else EMPTY_DOMAIN,
                one_household=bool(single[d]),
                **precision,
            )
        )
    return told


def _spread(design: TableDesign, sample: Sample, place: Codes) -> ShareVariance:
    def of(below: Floats, within: Codes, domains: int) -> tuple[Floats, Floats, Codes, Codes]:
        found = _figures(design, sample, "mean", below, within, domains, None, place)
        return found.estimate, found.variance, found.n, found.df

    return of


def _tally(domain: Codes, picked: Flags, count: int) -> Codes:
    return np.asarray(np.bincount(domain[picked & (domain >= 0)], minlength=count), np.int64)


def _flags(column: pl.Series) -> Flags:
    return np.asarray(column.fill_null(False).to_numpy(), np.bool_)


def _floats(column: pl.Series) -> Floats:
    return np.asarray(column.cast(pl.Float64).fill_null(np.nan).to_numpy(), np.float64)
