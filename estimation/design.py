"""The survey's design and weights, read from the `design` sheet. Specified in docs/methods/weights.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from estimation.columns import Columns
from estimation.design_sample import (
    POPULATION_SETTING,
    SECOND_POPULATION_SETTING,
    read_replicates,
    read_sample,
)
from estimation.quality import Standard, read_standard
from estimation.replicates import Replicates, Reweigh
from estimation.samples import Codes, Floats, Sample, build_sample
from estimation.weighting import Margins, calibrate_interviews, read_margin_rows
from estimation.weights import describe, trim, weigh_by_frame, weigh_by_probability, weigh_response
from schemas.errors import EstimationError, ExpressionError, Problem
from schemas.estimates import WeightStep
from schemas.fields import MAIN_TABLE
from schemas.workbook import Breakdown, Design

STANDARD_SETTING = "quality_standard"
"""Setting of the `design` sheet: name of the standard by which figures are judged."""

FRAME_PREFIX = "frame:"
EXPRESSIONS = (
    "weight",
    "selection_probability",
    "strata",
    "psu",
    "ssu",
    POPULATION_SETTING,
    SECOND_POPULATION_SETTING,
    "response",
    "response_class",
)
"""Settings whose value is an expression over the interview."""


@dataclass(frozen=True, slots=True)
class TableDesign:
    """The design as the rows of one table see it.

    Attributes:
        weight: weight of each row, NaN for a row without.
        place: each row's interview among the sample's rows, -1 where it has no weight.
        sample: the interviews with a weight, null for a sample whose probabilities aren't known.
        standard: by which figures are judged.
        replicates: sets of weights that variances are made of, null for linearisation.
        interview: of each row, the place of its interview among all; null where that isn't asked for.
    """

    weight: Floats
    place: Codes
    sample: Sample | None
    standard: Standard
    replicates: Replicates | None = None
    interview: Codes | None = None


@dataclass(frozen=True, slots=True)
class SampleDesign:
    """The interviews' design.

    Attributes:
        weight: weight of each interview, NaN for one without.
        sample: the interviews with a weight; null where precision may not be stated: no probability sample, or a row of
            the sheet that could not be evaluated: an error computed as if it weren't there would be wrong in silence.
        steps: how the weights were made.
        columns: name of a step -> the weight of each interview after it.
        standard: by which figures are judged.
        replicates: sets of weights that variances are made of, null for linearisation.
    """

    weight: Floats
    sample: Sample | None
    steps: tuple[WeightStep, ...] = ()
    columns: Mapping[str, Floats] = field(default_factory=dict)
    standard: Standard = field(default_factory=read_standard)
    replicates: Replicates | None = None

    def for_table(self, table: str, columns: Columns) -> TableDesign:
        """The design of the rows of `table`, handed down from the interview."""
        rows = columns.rows_of(MAIN_TABLE, table).to_numpy().astype(np.int64)
        known = ~np.isnan(self.weight)
        place = np.where(known, np.cumsum(known) - 1, -1)
        return TableDesign(self.weight[rows], place[rows], self.sample, self.standard, self.replicates, rows)


def read_design(
    design: Design, columns: Columns, breakdowns: Mapping[str, Breakdown] | None = None
) -> tuple[SampleDesign, list[Problem]]:
    """Read the design, each expression tried once, and make the weights.

    Returns:
        The design, and one problem a row that could not be evaluated or a step that could not be taken. Without a
        usable weight the figures are those of the interviews themselves.
    """
    problems: list[Problem] = []
    usable = _usable(design, columns, problems)
    known_in_full = not problems
    strata = None if "strata" not in usable else columns.codes(usable["strata"], MAIN_TABLE)
    after = _weights(design, usable, strata, columns, problems)
    weight = after[-1][1] if after else np.ones(columns.height(MAIN_TABLE))
    steps = [step for step, _ in after]
    made = {step.name: values for step, values in after}
    known_in_full &= not any(problem.severity == "error" for problem in problems)
    problems[:] = [replace(problem, severity="warning") for problem in problems]
    known = ~np.isnan(weight)
    sample = read_sample(design, usable, columns, strata, weight, problems) if known.any() else None
    margins = _margins(design, columns, breakdowns or {}, problems)
    raw, reweigh = sample, None
    if margins is not None and known.any():
        base = sample or Sample(weight[known], build_sample(pl.Series(weight[known])).stages)
        found, step = _calibrated(base, margins, columns, known, problems)
        if step is not None:
            weight = weight.copy()
            weight[known] = found.weight
            made[step.name] = weight
            sample = found if sample is not None else None
            steps.append(step)
            reweigh = _reweigher(base, margins, columns, known)
    if not (design.probability and known_in_full):
        sample = None
    replicates = None
    if sample is not None and raw is not None:
        replicates = read_replicates(design, columns, known, raw, sample, reweigh, problems)
    return SampleDesign(weight, sample, tuple(steps), made, _standard(design, problems), replicates), problems


def _reweigher(base: Sample, margins: Margins, columns: Columns, known: np.typing.NDArray[np.bool_]) -> Reweigh:
    def reweigh(weight: Floats) -> Floats:
        return calibrate_interviews(replace(base, weight=weight), margins, columns, known)[0].weight

    return reweigh


def _standard(design: Design, problems: list[Problem]) -> Standard:
    try:
        return read_standard(design.settings.get(STANDARD_SETTING, ""))
    except EstimationError as error:
        message = f"{error.message} Figures are judged by INE's."
        problems.append(Problem("warning", error.code, "design", None, "value", message, error.advice))
        return read_standard()


def _usable(design: Design, columns: Columns, problems: list[Problem]) -> dict[str, str]:
    """The settings that hold expressions and can be evaluated; the others become problems."""
    written = {setting: design.settings.get(setting, "") for setting in EXPRESSIONS}
    written |= {"weight": design.weight or "", "strata": design.strata or "", "psu": design.psu or ""}
    usable: dict[str, str] = {}
    for setting, text in written.items():
        if not text:
            continue
        try:
            columns.codes(text, MAIN_TABLE)
        except (EstimationError, ExpressionError) as error:
            message = f"{setting}: {error.message} No precision is stated, since the design isn't known in full."
            problems.append(Problem("warning", error.code, "design", None, "value", message, error.advice))
            continue
        usable[setting] = text
    return usable


def _weights(
    design: Design, usable: Mapping[str, str], strata: pl.Series | None, columns: Columns, problems: list[Problem]
) -> list[tuple[WeightStep, Floats]]:
    """Base weights, response, trimming, each with the weights after it; none for interviews that all count one.

    A step that can't be taken is a problem of severity "error".
    """
    done: list[tuple[WeightStep, Floats]] = []
    try:
        weight = _base(design, usable, strata, columns)
        if weight is None:
            return []
        weight = _positive(weight, problems)
        done.append((describe("base", np.ones(weight.size), weight), weight))
        if "response" in usable:
            responded = columns.holds(usable["response"], MAIN_TABLE).to_numpy()
            everybody = pl.repeat("", columns.height(MAIN_TABLE), eager=True)
            text = usable.get("response_class")
            classes = everybody if text is None else columns.codes(text, MAIN_TABLE)
            after = weigh_response(weight, responded, classes)
            done.append((describe("response", weight, after), after))
            weight = after
        if design.settings.get("trim"):
            after = trim(weight, *_two_numbers(design.settings["trim"], "trim"))
            done.append((describe("trim", weight, after), after))
    except EstimationError as error:
        problems.append(Problem("error", error.code, "design", None, "value", error.message, error.advice))
    return done


def _base(design: Design, usable: Mapping[str, str], strata: pl.Series | None, columns: Columns) -> Floats | None:
    counts = {
        key.removeprefix(FRAME_PREFIX): float(value)
        for key, value in design.settings.items()
        if key.startswith(FRAME_PREFIX) and _is_number(value)
    }
    if "weight" in usable:
        return np.asarray(columns.numbers(usable["weight"], MAIN_TABLE).fill_null(np.nan).to_numpy(), np.float64)
    if "selection_probability" in usable:
        return weigh_by_probability(columns.numbers(usable["selection_probability"], MAIN_TABLE))
    return weigh_by_frame(strata, counts) if counts and strata is not None else None


def _positive(weight: Floats, problems: list[Problem]) -> Floats:
    bad = int(np.sum(~(weight > 0)))
    if bad:
        message = (
            f"{bad} of {weight.size} interviews have no weight, or one that isn't above zero: they stand in no figure."
        )
        advice = "Look at the expression of the weight and at these interviews."
        problems.append(Problem("warning", "EST-026", "design", None, "value", message, advice))
    return np.where(weight > 0, weight, np.nan)


def _margins(
    design: Design, columns: Columns, breakdowns: Mapping[str, Breakdown], problems: list[Problem]
) -> Margins | None:
    try:
        margins = read_margin_rows(design.settings, breakdowns)
        if margins is not None and design.settings.get("calibrate_bounds"):
            bounds = _two_numbers(design.settings["calibrate_bounds"], "calibrate_bounds")
            margins = replace(margins, bounds=bounds)
    except EstimationError as error:
        problems.append(_uncalibrated(error))
        return None
    return margins


def _calibrated(
    sample: Sample, margins: Margins, columns: Columns, known: np.typing.NDArray[np.bool_], problems: list[Problem]
) -> tuple[Sample, WeightStep | None]:
    try:
        return calibrate_interviews(sample, margins, columns, known)
    except (EstimationError, ExpressionError) as error:
        problems.append(_uncalibrated(error))
        return sample, None


def _uncalibrated(error: EstimationError | ExpressionError) -> Problem:
    message = f"{error.message} The weights are those before calibration."
    return Problem("warning", error.code, "design", None, "value", message, error.advice)


def _two_numbers(text: str, setting: str) -> tuple[float, float]:
    parts = text.replace(",", " ").split()
    if len(parts) != 2 or not all(_is_number(part) for part in parts):
        raise EstimationError(
            "EST-053", f"Setting {setting} is «{text}».", "Write two numbers, the lower bound and the upper: 0.3 3"
        )
    return float(parts[0]), float(parts[1])


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
