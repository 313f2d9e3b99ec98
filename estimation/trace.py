"""From one figure back to the rows behind it: which count, which stand in its denominator, which in its numerator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from estimation.columns import Columns, Compile
from estimation.design import read_design
from estimation.figures import estimate_domains, measure_rows
from estimation.groupings import Groupings
from estimation.measures import read_measure
from estimation.samples import Codes
from expressions.columns import compile_columns
from schemas.domains import breakdown_of
from schemas.errors import EstimationError
from schemas.estimates import TOTAL, Estimate, WeightStep
from schemas.fields import INSTANCE_ID, Form
from schemas.workbook import Breakdown, Indicator, Specs


@dataclass(frozen=True, slots=True)
class TracedFigure:
    """What one figure rests on.

    Attributes:
        indicator: row of the workbook.
        breakdowns: rows of the workbook, those of a crossing in order; none for the total.
        estimate: the figure computed anew.
        rows: rows of the indicator's table.
        in_domain: of these, in the domain.
        in_universe: of these, the figure is about.
        in_base: of these, with a known answer (the denominator).
        behind: of these, in the numerator or the category.
        weight: sum of the weights of `in_base`.
        instances: interviews of the rows in the denominator, in order, each once.
        steps: how the weights were made.
    """

    indicator: Indicator
    breakdowns: tuple[Breakdown, ...]
    estimate: Estimate
    rows: int
    in_domain: int
    in_universe: int
    in_base: int
    behind: int
    weight: float
    instances: tuple[str, ...]
    steps: tuple[WeightStep, ...]


def trace_figure(
    specs: Specs,
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    name: str,
    domain: str = TOTAL,
    category: str = "",
    compiler: Compile = compile_columns,
) -> TracedFigure:
    """Computes one figure anew and keeps hold of its rows.

    Args:
        specs: the workbook's indicators, breakdowns and design.
        form: the form whose names the expressions use.
        tables: frames of the accepted interviews, as `estimate` takes them.
        name: of the indicator.
        domain: "total", or "breakdown=code", with "&" between the parts of a crossing.
        category: of a distribution, else "".

    Raises:
        EstimationError: EST-080, no such indicator; EST-081, no such domain; EST-082, no such category; and those of
            `estimate`.
        ExpressionError: EXP-*, when an expression can't be evaluated.
    """
    indicator = _pick_indicator(specs, name)
    columns = Columns(form, tables, compiler)
    breakdowns = {breakdown.name: breakdown for breakdown in specs.breakdowns}
    design, _ = read_design(specs.design, columns, breakdowns)
    measure = read_measure(indicator, columns)
    rows = measure_rows(indicator, measure, design.for_table(indicator.table, columns))
    codes: Codes = np.zeros(measure.base.len(), np.int64)
    order: tuple[str, ...] = (TOTAL,)
    named: tuple[Breakdown, ...] = ()
    if domain != TOTAL:
        groupings, grouping = Groupings(breakdowns, columns), _pick_breakdown(indicator, domain)
        named = groupings.named(grouping)
        codes, order = groupings.read(grouping, indicator.table)
    if domain not in order:
        raise EstimationError("EST-081", f"«{name}» has no domain «{domain}».", f"It has {', '.join(order)}.")
    if category not in measure.categories:
        known = ", ".join(measure.categories) if measure.categories != ("",) else "none"
        raise EstimationError("EST-082", f"«{name}» has no category «{category}».", f"It has {known}.")
    inside = codes == order.index(domain)
    which = measure.categories.index(category)
    found = next(
        each for each in estimate_domains(rows, codes, order) if (each.domain, each.category) == (domain, category)
    )
    counted = rows.counted & inside
    weights = rows.design.weight[counted]
    instances = tables[indicator.table][INSTANCE_ID].filter(pl.Series(counted)).unique(maintain_order=True)
    return TracedFigure(
        indicator=indicator,
        breakdowns=named,
        estimate=found,
        rows=len(inside),
        in_domain=int(inside.sum()),
        in_universe=int((rows.universe & inside).sum()),
        in_base=int(counted.sum()),
        behind=int((rows.hits[which] & inside).sum()),
        weight=float(weights.sum()),
        instances=tuple(instances.to_list()),
        steps=design.steps,
    )


def _pick_indicator(specs: Specs, name: str) -> Indicator:
    for indicator in specs.indicators:
        if indicator.name == name:
            return indicator
    known = ", ".join(indicator.name for indicator in specs.indicators)
    raise EstimationError("EST-080", f"The workbook has no indicator «{name}».", f"It has {known}.")


def _pick_breakdown(indicator: Indicator, domain: str) -> str:
    name = breakdown_of(domain)
    if name in indicator.breakdowns:
        return name
    told = ", ".join(indicator.breakdowns)
    raise EstimationError(
        "EST-081",
        f"«{indicator.name}» has no domain «{domain}».",
        f"Write total, or breakdown=code with & between the parts of a crossing; it has {told or 'none'}.",
    )
