"""Estimate the figures of a workbook: every indicator, in everybody and in each category of its breakdowns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from estimation.columns import Columns, Compile
from estimation.design import SampleDesign, read_design
from estimation.figures import estimate_domains, measure_rows
from estimation.measures import category_order, in_categories, read_measure
from estimation.samples import Codes
from expressions.columns import compile_columns
from schemas.domains import join
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
    breakdowns = {breakdown.name: breakdown for breakdown in specs.breakdowns}
    design, problems = read_design(specs.design, columns, breakdowns)
    groupings = Groupings(breakdowns, columns)
    estimates: list[Estimate] = []
    for indicator in specs.indicators:
        found, met = _estimate_one(indicator, groupings, columns, design)
        estimates += found
        problems += met
    return Estimates(tuple(estimates), tuple(dict.fromkeys(problems)), design.steps)


class Groupings:
    """The breakdowns as numbers of domains, each read once a table.

    Args:
        breakdowns: by name.
    """

    def __init__(self, breakdowns: Mapping[str, Breakdown], columns: Columns) -> None:
        self.breakdowns = breakdowns
        self._columns = columns
        self._known: dict[tuple[str, str], tuple[Codes, tuple[str, ...]]] = {}

    def read(self, breakdown: Breakdown, table: str) -> tuple[Codes, tuple[str, ...]]:
        """The number of each row's domain, -1 where the breakdown leaves it out; and the domains ("sex=female").

        Raises:
            EstimationError: EST-001 to EST-003.
            ExpressionError: EXP-*.
        """
        key = (breakdown.name, table)
        if key not in self._known:
            source = breakdown.table or MAIN_TABLE
            codes = in_categories(self._columns.codes(breakdown.value, table, source), breakdown.categories)
            order = category_order(codes, breakdown.categories)
            numbers = {code: number for number, code in enumerate(order)}
            domain = codes.replace_strict(numbers, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()
            self._known[key] = domain, tuple(join([(breakdown.name, code)]) for code in order)
        return self._known[key]


def _estimate_one(
    indicator: Indicator, groupings: Groupings, columns: Columns, design: SampleDesign
) -> tuple[list[Estimate], list[Problem]]:
    try:
        measure = read_measure(indicator, columns)
        rows = measure_rows(indicator, measure, design.for_table(indicator.table, columns))
        estimates = estimate_domains(rows, np.zeros(measure.base.len(), np.int64), (TOTAL,))
    except (EstimationError, ExpressionError) as error:
        return [], [_problem(error, "indicators", indicator.row, indicator.name)]
    problems: list[Problem] = []
    for name in indicator.breakdowns:
        breakdown = groupings.breakdowns.get(name)
        if breakdown is None:
            missing = EstimationError(
                "EST-006", f"There is no breakdown «{name}».", "Add it to sheet breakdowns or mend the name."
            )
            problems.append(_problem(missing, "indicators", indicator.row, indicator.name))
            continue
        try:
            estimates += estimate_domains(rows, *groupings.read(breakdown, indicator.table))
        except (EstimationError, ExpressionError) as error:
            problems.append(_problem(error, "breakdowns", breakdown.row, name))
    return estimates, problems


def _problem(error: EstimationError | ExpressionError, sheet: str, row: int | None, name: str) -> Problem:
    return Problem("warning", error.code, sheet, row, "", f"{name}: {error.message}", error.advice)
