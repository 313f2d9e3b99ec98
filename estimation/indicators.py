"""Estimate the figures of a workbook: every indicator, in everybody and in each category of its breakdowns."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from estimation.columns import Columns, Compile
from estimation.design import SampleDesign, read_design
from estimation.figures import estimate_domains
from estimation.measures import category_order, in_categories, read_measure
from expressions.columns import compile_columns
from schemas.errors import EstimationError, ExpressionError, Problem
from schemas.estimates import TOTAL, Estimate, Estimates
from schemas.fields import MAIN_TABLE, Form
from schemas.workbook import Breakdown, Indicator, Specs


def estimate(
    specs: Specs, form: Form, tables: Mapping[str, pl.DataFrame], compiler: Compile = compile_columns
) -> Estimates:
    """Estimate every indicator of a workbook.

    An indicator or breakdown that can't be evaluated is left out and becomes a problem; the others are unharmed.

    Args:
        specs: the workbook's indicators, breakdowns and design.
        form: the form whose names the expressions use.
        tables: frames of the accepted interviews, as in `ParsedBatch.tables`.
        compiler: compiler of expressions; tests put another in its place.

    Returns:
        Estimates in the order of the workbook, "total" first, and the problems met.
    """
    columns = Columns(form, tables, compiler)
    design, problems = read_design(specs.design, columns)
    breakdowns = {breakdown.name: breakdown for breakdown in specs.breakdowns}
    estimates: list[Estimate] = []
    for indicator in specs.indicators:
        found, met = _estimate_one(indicator, breakdowns, columns, design)
        estimates += found
        problems += met
    return Estimates(tuple(estimates), tuple(dict.fromkeys(problems)))


def _estimate_one(
    indicator: Indicator, breakdowns: Mapping[str, Breakdown], columns: Columns, design: SampleDesign
) -> tuple[list[Estimate], list[Problem]]:
    try:
        measure = read_measure(indicator, columns)
        sample = design.for_table(indicator.table, columns)
    except (EstimationError, ExpressionError) as error:
        return [], [_problem(error, "indicators", indicator.row, indicator.name)]
    everybody = pl.repeat(TOTAL, measure.base.len(), dtype=pl.String, eager=True)
    estimates = estimate_domains(indicator, measure, sample, everybody, (TOTAL,))
    problems: list[Problem] = []
    for name in indicator.breakdowns:
        breakdown = breakdowns.get(name)
        if breakdown is None:
            missing = EstimationError(
                "EST-006", f"There is no breakdown «{name}».", "Add it to sheet breakdowns or mend the name."
            )
            problems.append(_problem(missing, "indicators", indicator.row, indicator.name))
            continue
        try:
            codes, domains = _read_breakdown(breakdown, indicator.table, columns)
        except (EstimationError, ExpressionError) as error:
            problems.append(_problem(error, "breakdowns", breakdown.row, name))
            continue
        estimates += estimate_domains(indicator, measure, sample, codes, domains)
    return estimates, problems


def _read_breakdown(breakdown: Breakdown, table: str, columns: Columns) -> tuple[pl.Series, tuple[str, ...]]:
    """The domain of each row ("sex=female"), null where the breakdown leaves it out, and the domains in order."""
    source = breakdown.table or MAIN_TABLE
    codes = in_categories(columns.codes(breakdown.value, table, source), breakdown.categories)
    order = category_order(codes, breakdown.categories)
    prefixed = pl.select(pl.lit(f"{breakdown.name}=") + codes).to_series()
    return prefixed, tuple(f"{breakdown.name}={code}" for code in order)


def _problem(error: EstimationError | ExpressionError, sheet: str, row: int | None, name: str) -> Problem:
    return Problem("warning", error.code, sheet, row, "", f"{name}: {error.message}", error.advice)
