"""One measure's figures in the domains of one grouping, with or without a statement of precision."""

from __future__ import annotations

from typing import Any

import polars as pl

from estimation.design import TableDesign
from estimation.measures import Measure
from estimation.quality import NO_SAMPLING_ERROR, NOT_RELIABLE, judge_share, judge_size
from estimation.taylor import DesignColumns, Linearised, linearise, logit_interval
from schemas.estimates import Estimate
from schemas.workbook import Indicator

EMPTY_DOMAIN = "empty_domain"
"""Note of a figure that nobody stands behind."""


def estimate_domains(
    indicator: Indicator, measure: Measure, sample: TableDesign, domains: pl.Series, order: tuple[str, ...]
) -> list[Estimate]:
    """Estimate a measure in every domain of `order`.

    Args:
        indicator: names the figures and their unit.
        measure: the indicator's expressions as columns.
        sample: the design of the same rows.
        domains: domain of each row of the measure's table, null for a row in none of them.
        order: the domains to publish; one without rows gets a null estimate.

    Returns:
        One estimate a domain and category. A row without weight stands in no figure and no n.

    Source: docs/methods/shares.md, means.md and totals.md, section 3.
    """
    counted = measure.base & sample.weight.is_not_null()
    sums = _sum_by_domain(measure, sample.weight, domains, counted)
    precision = _linearise(measure, sample.linear, domains, counted) if sample.linear is not None else None
    estimates: list[Estimate] = []
    for domain in order:
        row = sums.get(domain, {})
        for index, category in enumerate(measure.categories):
            linear = None if precision is None else precision[index].get(domain)
            estimates.append(_estimate(indicator, measure, sample, domain, category, index, row, linear))
    return estimates


def _sum_by_domain(
    measure: Measure, weight: pl.Series, domains: pl.Series, counted: pl.Series
) -> dict[str, dict[str, Any]]:
    columns = {"domain": domains, "w": weight, "universe": measure.universe & weight.is_not_null(), "base": counted}
    for index, (hits, values) in enumerate(zip(measure.hits, measure.values, strict=True)):
        columns |= {f"hit{index}": hits, f"y{index}": values}
    divisor = pl.repeat(1.0, domains.len(), eager=True) if measure.divisor is None else measure.divisor
    frame = pl.DataFrame({name: column.rename(name) for name, column in (columns | {"x": divisor}).items()})
    base = pl.col("base")
    sums = [
        pl.col("universe").sum().alias("universe"),
        base.sum().alias("n"),
        (pl.col("w") * pl.col("x")).filter(base).sum().alias("x"),
    ]
    for index in range(len(measure.categories)):
        sums.append((pl.col(f"hit{index}") & base).sum().alias(f"cell{index}"))
        sums.append((pl.col("w") * pl.col(f"y{index}")).filter(base).sum().alias(f"y{index}"))
    grouped = frame.filter(pl.col("domain").is_not_null()).group_by("domain").agg(sums)
    return {row["domain"]: row for row in grouped.to_dicts()}


def _linearise(
    measure: Measure, design: DesignColumns, domains: pl.Series, counted: pl.Series
) -> list[dict[str, Linearised]]:
    weighted = design.weight.is_not_null()
    inside = pl.select(pl.when(counted).then(domains)).to_series()
    kept = DesignColumns(
        design.weight.filter(weighted),
        design.psu.filter(weighted),
        None if design.stratum is None else design.stratum.filter(weighted),
        None if design.population is None else design.population.filter(weighted),
    )
    values = tuple(value.filter(weighted) for value in measure.values)
    divisor = None if measure.divisor is None else measure.divisor.filter(weighted)
    return linearise(measure.statistic, kept, inside.filter(weighted), values, divisor)


def _estimate(
    indicator: Indicator,
    measure: Measure,
    sample: TableDesign,
    domain: str,
    category: str,
    index: int,
    row: dict[str, Any],
    linear: Linearised | None,
) -> Estimate:
    n, cell_n = int(row.get("n", 0)), int(row.get(f"cell{index}", 0))
    universe = int(row.get("universe", 0))
    figure = _point(measure, row, index)
    precision = _precision(measure, n, figure, linear) if sample.linear is not None else {}
    return Estimate(
        indicator=indicator.name,
        domain=domain,
        category=category,
        estimate=figure,
        unit=indicator.unit,
        n=n,
        cell_n=cell_n,
        unknown_rate=(universe - n) / universe if measure.has_unknown and universe else None,
        note="" if figure is not None else EMPTY_DOMAIN,
        **({"label": NO_SAMPLING_ERROR} | precision),
    )


def _point(measure: Measure, row: dict[str, Any], index: int) -> float | None:
    if measure.statistic == "total":
        return float(row.get(f"y{index}", 0.0))
    lower = float(row.get("x", 0.0))
    return measure.factor * float(row[f"y{index}"]) / lower if lower else None


def _precision(measure: Measure, n: int, figure: float | None, linear: Linearised | None) -> dict[str, Any]:
    if figure is None or linear is None:
        return {"label": NOT_RELIABLE}
    factor = measure.factor
    low, high = linear.low, linear.high
    if measure.is_share:
        low, high = logit_interval(linear.estimate, linear.se, linear.df)
        label = judge_share(linear.estimate, linear.se, n, linear.df)
        cv = linear.se / linear.estimate if linear.se is not None and linear.estimate else None
    else:
        cv = linear.se / abs(linear.estimate) if linear.se is not None and linear.estimate else None
        label = judge_size(cv, n, linear.df)
    return {
        "se": None if linear.se is None else linear.se * abs(factor),
        "ci_low": None if low is None else low * factor,
        "ci_high": None if high is None else high * factor,
        "cv": cv,
        "df": linear.df,
        "label": label,
    }
