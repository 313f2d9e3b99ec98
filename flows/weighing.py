"""The weights of a survey's accepted interviews, made as its workbook says."""

from __future__ import annotations

import polars as pl

from console.acts.edited import edit_survey
from console.acts.imputed import count_interviews
from estimation.columns import Columns
from estimation.design import read_design
from expressions.columns import compile_columns
from flows.registering import load_form
from schemas.errors import Problem
from schemas.estimates import WeightStep
from schemas.fields import INSTANCE_ID, MAIN_TABLE
from store.open import Store
from store.tables import read_tables


def weigh(store: Store, form_id: str) -> tuple[pl.DataFrame, tuple[WeightStep, ...], list[Problem]]:
    """Make the weights.

    Returns:
        One row an interview with its weight after each step (null for an interview without); the steps; and the rows of
        the sheet design that could not be used.

    Raises:
        StoreError: STO-011, when the form is not registered.
    """
    compiled = load_form(store, form_id)
    received = read_tables(store, form_id, compiled.form)
    survey = edit_survey(store, compiled.form, received, reader="comunal weights")
    tables = count_interviews(store, compiled, survey).tables
    columns = Columns(compiled.form, tables, compile_columns)
    breakdowns = {breakdown.name: breakdown for breakdown in compiled.specs.breakdowns}
    design, problems = read_design(compiled.specs.design, columns, breakdowns)
    made = {name: pl.Series(values).fill_nan(None) for name, values in design.columns.items()}
    return pl.DataFrame({INSTANCE_ID: tables[MAIN_TABLE][INSTANCE_ID]} | made), design.steps, problems
