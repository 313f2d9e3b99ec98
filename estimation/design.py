"""The sample's design as columns: weights for everybody, strata and PSUs where probabilities are known."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from estimation.columns import Columns
from estimation.taylor import DesignColumns
from schemas.errors import EstimationError, ExpressionError, Problem
from schemas.fields import INSTANCE_ID, MAIN_TABLE
from schemas.workbook import Design

POPULATION_SETTING = "fpc"
"""Setting of the `design` sheet: number of PSUs in the row's stratum."""


@dataclass(frozen=True, slots=True)
class TableDesign:
    """The design of one table's rows.

    Attributes:
        weight: weight of each row; 1 where the workbook has none, null for a row without weight.
        linear: what Taylor linearisation needs, null for a sample whose probabilities aren't known.
    """

    weight: pl.Series
    linear: DesignColumns | None


@dataclass(frozen=True, slots=True)
class SampleDesign:
    """Expressions of the `design` sheet that could be evaluated, all over the main table.

    Attributes:
        probability: whether precision may be stated. False too where a design row could not be evaluated: an error
            computed as if the row weren't there would be wrong without saying so.
    """

    probability: bool
    weight: str | None
    strata: str | None
    psu: str | None
    population: str | None

    def for_table(self, table: str, columns: Columns) -> TableDesign:
        """The design of the rows of `table`, handed down from the interview."""
        weight = self._weights(table, columns)
        if not self.probability:
            return TableDesign(weight, None)
        return TableDesign(weight, self._linear(table, columns, weight))

    def _weights(self, table: str, columns: Columns) -> pl.Series:
        if self.weight is None:
            return pl.repeat(1.0, columns.height(table), dtype=pl.Float64, eager=True)
        weights = columns.numbers(self.weight, table, MAIN_TABLE)
        return pl.select(pl.when(weights > 0).then(weights)).to_series()

    def _linear(self, table: str, columns: Columns, weight: pl.Series) -> DesignColumns:
        # Rows of one interview are never independent: without a PSU of its own the interview is the PSU.
        interviews = columns.tables[table].get_column(INSTANCE_ID)
        psu = interviews if self.psu is None else columns.codes(self.psu, table, MAIN_TABLE).fill_null("?")
        strata = None if self.strata is None else columns.codes(self.strata, table, MAIN_TABLE).fill_null("?")
        population = None if self.population is None else columns.numbers(self.population, table, MAIN_TABLE)
        return DesignColumns(weight, psu, strata, population)


def read_design(design: Design, columns: Columns) -> tuple[SampleDesign, list[Problem]]:
    """Read the design's expressions, each tried once.

    Returns:
        The design, and one problem a row that could not be evaluated. Without a usable weight the figures are those
        of the interviews themselves.
    """
    problems: list[Problem] = []
    written = {
        "weight": design.weight,
        "strata": design.strata,
        "psu": design.psu,
        POPULATION_SETTING: design.settings.get(POPULATION_SETTING) or None,
    }
    usable: dict[str, str | None] = {}
    for setting, text in written.items():
        usable[setting] = text
        if text is None:
            continue
        try:
            columns.codes(text, MAIN_TABLE)
        except (EstimationError, ExpressionError) as error:
            usable[setting] = None
            message = f"{setting}: {error.message} No precision is stated, since the design isn't known in full."
            problems.append(Problem("warning", error.code, "design", None, "value", message, error.advice))
    probability = design.probability and not problems
    return (
        SampleDesign(probability, usable["weight"], usable["strata"], usable["psu"], usable[POPULATION_SETTING]),
        problems,
    )
