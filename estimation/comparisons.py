"""Do the groups of a breakdown differ by more than chance? One test an indicator and breakdown.

Specified in docs/methods/estimation.md, section 10.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import polars as pl

from estimation.columns import Columns, Compile
from estimation.design import SampleDesign, read_design
from estimation.differences import group_difference, independence
from estimation.figures import MeasuredRows, measure_rows
from estimation.groupings import Groupings
from estimation.measures import read_measure
from estimation.samples import Codes
from expressions.columns import compile_columns
from schemas.errors import EstimationError, ExpressionError
from schemas.estimates import GroupTest
from schemas.fields import Form
from schemas.workbook import Specs


def compare_groups(
    specs: Specs,
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    wanted: Collection[tuple[str, str]],
    compiler: Compile = compile_columns,
) -> tuple[GroupTest, ...]:
    """Test the groups of breakdowns.

    Shares and distributions: Rao and Scott's test that answer and group are independent. Means of two groups: a t-test.
    Other kinds, distributions with several answers a row, and groups of which one is empty have none.

    Args:
        wanted: (indicator, breakdown or crossing). Only tables that are published whole belong here: a test is made of
            all their cells.

    Returns:
        In the order of the workbook; none for a sample without known probabilities.
    """
    columns = Columns(form, tables, compiler)
    breakdowns = {breakdown.name: breakdown for breakdown in specs.breakdowns}
    design, _ = read_design(specs.design, columns, breakdowns)
    if design.sample is None or not wanted:
        return ()
    groupings = Groupings(breakdowns, columns)
    found: list[GroupTest] = []
    for indicator in specs.indicators:
        names = [name for name in indicator.breakdowns if (indicator.name, name) in wanted]
        if not names or indicator.kind not in {"share", "distribution", "mean"}:
            continue
        try:
            rows = measure_rows(indicator, read_measure(indicator, columns), design.for_table(indicator.table, columns))
        except (EstimationError, ExpressionError):
            continue  # `estimate` told the problem
        found += [one for name in names if (one := _test(rows, name, groupings, design)) is not None]
    return tuple(found)


def _test(rows: MeasuredRows, name: str, groupings: Groupings, design: SampleDesign) -> GroupTest | None:
    sample = design.sample
    if sample is None:
        return None
    place = np.maximum(rows.design.place, 0)
    try:
        groups, order = groupings.read(name, rows.indicator.table)
        groups = np.where(rows.counted, groups, -1)
        if rows.indicator.kind == "mean":
            if len(order) != 2:
                return None
            apart = group_difference(sample, rows.values[0], groups, place)
            told = "t", apart.t, 1.0, float(apart.df), apart.p
        else:
            answers = _answers(rows)
            if answers is None:
                return None
            test = independence(sample, answers, groups, place)
            told = "rao_scott", test.statistic, test.numerator_df, test.denominator_df, test.p
    except (EstimationError, ExpressionError, np.linalg.LinAlgError):
        return None
    return GroupTest(rows.indicator.name, name, *told) if np.isfinite(told[1]) and told[3] >= 1 else None


def _answers(rows: MeasuredRows) -> Codes | None:
    """The category of each row that is counted; null where a row may stand in several."""
    if rows.indicator.kind == "share":
        return np.where(rows.counted, rows.hits[0].astype(np.int64), -1)
    hits = np.vstack(rows.hits) if rows.hits else np.zeros((0, rows.counted.size), np.bool_)
    if np.any(hits.sum(axis=0) > 1):
        return None
    return np.where(hits.any(axis=0), hits.argmax(axis=0), -1) if hits.shape[0] else None
