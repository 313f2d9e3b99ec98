"""Tables about the sample itself: how the weights were made, and whether groups differ by more than chance.

Neither tells what disclosure control withholds. Of a class of the margins only what is known of the population and what
the weights reach stands there, not what it held before, which would count the interviews of a small class. No single
weight is told: with the frame's count the largest would count those of the smallest stratum. And a test is told only of
tables that are published whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import polars as pl

from reports.tables import References, ReleaseTable
from schemas.domains import breakdown_of
from schemas.estimates import TOTAL, GroupTest, SafeTable, WeightStep


def design_tables(steps: Sequence[WeightStep], tests: Sequence[GroupTest]) -> tuple[ReleaseTable, ...]:
    """The tables `weights`, `margins` and `tests`, each only where there is something to tell."""
    found = [*_weights(steps), *_margins(steps), *_tests(tests)]
    return tuple(found)


def whole_tables(table: SafeTable) -> set[tuple[str, str]]:
    """(indicator, breakdown) of which every cell is shown, and every cell of the total."""
    shown: dict[tuple[str, str], bool] = defaultdict(lambda: True)
    for cell in table.cells:
        shown[cell.indicator, "" if cell.domain == TOTAL else breakdown_of(cell.domain)] &= not cell.suppressed
    return {
        (indicator, breakdown)
        for (indicator, breakdown), whole in shown.items()
        if breakdown and whole and shown[indicator, ""]
    }


def _weights(steps: Sequence[WeightStep]) -> list[ReleaseTable]:
    if not steps:
        return []
    meanings = {
        "step": "base, response, trim or calibration, in this order",
        "interviews": "with a weight above zero after it",
        "sum_before": "sum of the weights before it",
        "sum_after": "sum of the weights after it",
        "design_effect": "of unequal weights after it, 1 + cv squared (Kish), to two decimals",
    }
    rows = [
        {
            "step": step.name,
            "interviews": step.rows,
            "sum_before": step.before,
            "sum_after": step.after,
            "design_effect": round(step.effect, 2),
        }
        for step in steps
    ]
    title = {"es": "Factores de expansión", "ht": "Pwa yo", "en": "Weights"}
    return [ReleaseTable("weights", title, pl.DataFrame(rows), meanings, ("step",))]


def _margins(steps: Sequence[WeightStep]) -> list[ReleaseTable]:
    rows = [
        {"step": step.name, "class": name, "total": total, "reached": after}
        for step in steps
        for name, total, _, after in step.margins
    ]
    if not rows:
        return []
    meanings = {
        "step": "of weights.csv",
        "class": "breakdown=code of the margin",
        "total": "known total of the population",
        "reached": "sum of the weights of the sample in the class after the step",
    }
    title = {"es": "Márgenes de la calibración", "ht": "Maj kalibrasyon an", "en": "Margins of the calibration"}
    refers: References = {("step",): ("weights", ("step",))}
    return [ReleaseTable("margins", title, pl.DataFrame(rows), meanings, ("step", "class"), refers)]


def _tests(tests: Sequence[GroupTest]) -> list[ReleaseTable]:
    if not tests:
        return []
    meanings = {
        "indicator": "code of the indicator",
        "breakdown": "breakdown whose groups are compared, or crossing",
        "method": "rao_scott: independence of answer and group, an F; t: difference of two means",
        "statistic": "F or t",
        "numerator_df": "degrees of freedom of the F's numerator, 1 for a t",
        "denominator_df": "degrees of freedom",
        "p": "chance of so large a statistic where the groups are alike",
    }
    rows = [{name: getattr(test, name) for name in meanings} for test in tests]
    title = {"es": "Diferencias entre grupos", "ht": "Diferans ant gwoup yo", "en": "Differences between groups"}
    refers: References = {("indicator",): ("indicators", ("indicator",))}
    return [ReleaseTable("tests", title, pl.DataFrame(rows), meanings, ("indicator", "breakdown"), refers)]
