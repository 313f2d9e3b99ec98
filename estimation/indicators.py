"""Estimate the figures of a workbook: every indicator, in everybody and in each domain of its breakdowns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import polars as pl

from estimation.columns import Columns, Compile
from estimation.design import SampleDesign, read_design
from estimation.figures import estimate_domains, measure_rows
from estimation.groupings import Groupings
from estimation.measures import read_measure
from estimation.publication import DroppedTable, apply_table_rule
from estimation.quality import Standard
from expressions.columns import compile_columns
from schemas.errors import EstimationError, ExpressionError, Problem
from schemas.estimates import TOTAL, Estimate, Estimates
from schemas.fields import Form
from schemas.workbook import Indicator, Specs

TABLE_RULE = "table_rule"
"""Setting of the `design` sheet: "no" publishes tables also where most figures aren't reliable, each with its label."""

NAMED = 5
"""Communes that a message names."""


def estimate(
    specs: Specs, form: Form, tables: Mapping[str, pl.DataFrame], compiler: Compile = compile_columns
) -> Estimates:
    """Estimate every indicator of a workbook.

    An indicator or breakdown that can't be evaluated is left out and becomes a problem; the others are unharmed. So
    does a table that the standard of quality doesn't let be published.

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
    if specs.design.settings.get(TABLE_RULE) == "no":
        return Estimates(tuple(estimates), tuple(dict.fromkeys(problems)), design.steps)
    published, dropped = apply_table_rule(estimates, design.standard, specs.design.communes)
    rows = {indicator.name: indicator.row for indicator in specs.indicators}
    together: dict[tuple[str, str], list[DroppedTable]] = defaultdict(list)
    for table in dropped:
        together[table.indicator, table.breakdown].append(table)
    problems += [_dropped(tables, rows[name], design.standard) for (name, _), tables in together.items()]
    return Estimates(published, tuple(dict.fromkeys(problems)), design.steps)


def _dropped(tables: list[DroppedTable], row: int | None, standard: Standard) -> Problem:
    """One message for a table that isn't published, or for that of many communes."""
    first = tables[0]
    what = f" by {first.breakdown}" if first.breakdown else ""
    where = ""
    if first.commune:
        named = ", ".join(table.commune for table in tables[:NAMED])
        more = f" and {len(tables) - NAMED} more" if len(tables) > NAMED else ""
        where = f" in {'commune' if len(tables) == 1 else 'communes'} {named}{more}"
    unreliable, cells = sum(table.unreliable for table in tables), sum(table.cells for table in tables)
    message = (
        f"{first.indicator}{what}{where}: {unreliable} of {cells} figures are not reliable, so "
        f"{'the table is' if len(tables) == 1 else 'these tables are'} not published (standard «{standard.name}»)."
    )
    advice = "Join categories, choose a coarser breakdown, or take the table out of the workbook."
    return Problem("warning", "EST-057", "indicators", row, "breakdowns", message, advice)


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
    if all(each.estimate is None for each in estimates):
        problems.append(_without_base(indicator, estimates[0].n if estimates else 0))
    for name in indicator.breakdowns:
        try:
            estimates += estimate_domains(rows, *groupings.read(name, indicator.table))
        except (EstimationError, ExpressionError) as error:
            breakdown = groupings.breakdowns.get(name)
            if breakdown is None:
                problems.append(_problem(error, "indicators", indicator.row, f"{indicator.name}: {name}"))
            else:
                problems.append(_problem(error, "breakdowns", breakdown.row, name))
    return estimates, problems


def _without_base(indicator: Indicator, rows: int) -> Problem:
    """Why an indicator has no figure at all."""
    if rows:
        found = f"{indicator.name}: its denominator sums to zero over {rows} rows, so there is nothing to divide by."
        advice = "Look at the expression in column denominator, and at the answers it sums."
    else:
        found = f"{indicator.name}: nobody stands in its denominator, so it has no figure."
        advice = "Look at the columns universe and denominator: who was meant to be asked, and whose answer is known."
    return Problem("warning", "EST-060", "indicators", indicator.row, "denominator", found, advice)


def _problem(error: EstimationError | ExpressionError, sheet: str, row: int | None, name: str) -> Problem:
    return Problem("warning", error.code, sheet, row, "", f"{name}: {error.message}", error.advice)
