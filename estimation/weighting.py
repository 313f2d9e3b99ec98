"""Interviews' weights calibrated to margins of the `design` sheet: totals of interviews, or of the people in them.

Specified in docs/methods/weights.md, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from estimation.calibration import ClassMargin, Distance, calibrate, poststratify, rake
from estimation.columns import Columns
from estimation.margins import JOIN, Margin, match_margins
from estimation.microdata import Microdata, clean_code
from estimation.residuals import Sparse
from estimation.samples import Flags, Floats, Sample
from estimation.weights import class_sums, describe
from schemas.errors import EstimationError
from schemas.estimates import WeightStep
from schemas.fields import MAIN_TABLE
from schemas.workbook import Breakdown

PREFIX: Final = "margin:"
WAYS: Final = ("poststratify", "rake", "linear", "raking", "logit")

RAKED: Final = 1e-6
"""Raking of a survey's weights goes on until no cell moves by more than this share of the population."""


@dataclass(frozen=True, slots=True)
class Margins:
    """The margins of a design.

    Attributes:
        margins: by breakdown, or by crossed breakdowns (`sex*sector`).
        breakdowns: the breakdowns they name.
        way: how they are reached; null for the usual: one margin of interviews is post-stratified, several are raked,
            margins of people are reached by the distance "raking".
        bounds: of new to old weight, for the distances.
    """

    margins: tuple[Margin, ...]
    breakdowns: Mapping[str, Breakdown]
    way: str | None = None
    bounds: tuple[float, float] | None = None

    @property
    def is_of_people(self) -> bool:
        """Whether a margin is about the rows of a repeat."""
        return any((each.table or MAIN_TABLE) != MAIN_TABLE for each in self.breakdowns.values())


def read_margin_rows(settings: Mapping[str, str], breakdowns: Mapping[str, Breakdown]) -> Margins | None:
    """The margins written in the `design` sheet as rows `margin:BREAKDOWN:CODE`, null if there are none.

    Raises:
        EstimationError: EST-031 (a total that is no number), EST-054 (no such breakdown), EST-055 (no such way).
    """
    totals: dict[str, dict[tuple[str, ...], float]] = {}
    for setting, value in settings.items():
        if not setting.startswith(PREFIX):
            continue
        name, _, code = setting.removeprefix(PREFIX).partition(":")
        try:
            total = float(value.replace(" ", ""))
        except ValueError:
            total = float("nan")
        if not np.isfinite(total) or total < 0:
            raise EstimationError(
                "EST-031",
                f"Margin «{name}», class «{code}»: the total «{value}» is no number of zero or more.",
                "Write plain numbers, without a separator of thousands.",
            )
        key = tuple(clean_code(part) for part in code.split(JOIN))
        totals.setdefault(name, {})[key] = total
    if not totals:
        return None
    named = {part.strip() for name in totals for part in name.split(JOIN)}
    unknown = sorted(named - breakdowns.keys())
    if unknown:
        raise EstimationError(
            "EST-054",
            f"Margins name {', '.join(f'«{name}»' for name in unknown)}, which is no breakdown.",
            "Write margin:BREAKDOWN:CODE with the name of a row of the sheet breakdowns.",
        )
    way = settings.get("calibrate") or None
    if way is not None and way not in WAYS:
        raise EstimationError("EST-055", f"Setting calibrate is «{way}».", f"Write one of {', '.join(WAYS)}.")
    margins = tuple(Margin(tuple(part.strip() for part in name.split(JOIN)), each) for name, each in totals.items())
    return Margins(margins, {name: breakdowns[name] for name in named}, way)


def calibrate_interviews(sample: Sample, margins: Margins, columns: Columns, known: Flags) -> tuple[Sample, WeightStep]:
    """Calibrate the weights of the interviews.

    Args:
        sample: the interviews with a weight.
        known: which rows of the main table these are.

    Raises:
        EstimationError: EST-021 to EST-024, EST-034 to EST-036.
    """
    if margins.is_of_people or margins.way in {"linear", "raking", "logit"}:
        return _by_distance(sample, margins, columns, known)
    codes = {
        name: columns.codes(breakdown.value, MAIN_TABLE, breakdown.table or MAIN_TABLE).filter(pl.Series(known))
        for name, breakdown in margins.breakdowns.items()
    }
    matched, _ = match_margins(margins.margins, Microdata(pl.DataFrame(codes)))
    if margins.way == "poststratify" or (margins.way is None and len(matched) == 1):
        found = sample
        for margin in matched:
            found = poststratify(found, margin)
    else:
        found = rake(sample, matched, RAKED * float(matched[0].totals.sum()))
    told = [line for margin in matched for line in _sums(margin, sample.weight, found.weight)]
    return found, describe("calibration", sample.weight, found.weight, told)


def _by_distance(sample: Sample, margins: Margins, columns: Columns, known: Flags) -> tuple[Sample, WeightStep]:
    """Everybody in an interview has its weight: it is calibrated on how many of each class it holds."""
    from scipy.sparse import hstack

    parts, totals, labels = list[Sparse](), list[float](), list[str]()
    for margin in margins.margins:
        parts.append(_counts(margin, margins, columns)[np.flatnonzero(known)])
        totals += margin.totals.values()
        labels += [f"{margin.name}={JOIN.join(key)}" for key in margin.totals]
    variables = hstack(parts, "csr")
    wanted: Floats = np.array(totals, np.float64)
    held = variables.T @ sample.weight
    empty = [label for label, total, sum_ in zip(labels, totals, held, strict=True) if total and not sum_]
    if empty:
        raise EstimationError(
            "EST-021",
            f"Nobody in the sample is in {', '.join(f'«{label}»' for label in empty)}, so its total can't be reached.",
            "Join the class with a neighbour in the breakdown and in the margin.",
        )
    distances: dict[str | None, Distance] = {"linear": "linear", "logit": "logit"}
    found = calibrate(sample, variables, wanted, distances.get(margins.way, "raking"), margins.bounds)
    reached = variables.T @ found.weight
    told = [(one, t, float(b), float(a)) for one, t, b, a in zip(labels, totals, held, reached, strict=True)]
    return found, describe("calibration", sample.weight, found.weight, told)


def _counts(margin: Margin, margins: Margins, columns: Columns) -> Sparse:
    """How many rows of each class each interview holds; rows of a class without a total count nowhere."""
    from scipy.sparse import csr_array

    tables = {margins.breakdowns[name].table or MAIN_TABLE for name in margin.variables}
    deepest = next((table for table in sorted(tables) if table != MAIN_TABLE), MAIN_TABLE)
    keys = [
        columns.codes(margins.breakdowns[name].value, deepest, margins.breakdowns[name].table or MAIN_TABLE)
        for name in margin.variables
    ]
    numbers = {JOIN.join(key): number for number, key in enumerate(margin.totals)}
    joined = pl.select(pl.concat_str(*keys, separator=JOIN)).to_series()
    classes = joined.replace_strict(numbers, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()
    interview = columns.rows_of(MAIN_TABLE, deepest).to_numpy()
    inside = classes >= 0
    shape = (columns.height(MAIN_TABLE), len(numbers))
    return csr_array((np.ones(int(inside.sum())), (interview[inside], classes[inside])), shape=shape)


def _sums(margin: ClassMargin, before: Floats, after: Floats) -> list[tuple[str, float, float, float]]:
    labels = [f"{margin.name}={label}" for label in margin.labels]
    return class_sums(labels, margin.totals, margin.classes, before, after)
