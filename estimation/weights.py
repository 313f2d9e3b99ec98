"""The steps from a frame to the weights of those who answered. Specified in docs/methods/weights.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from estimation.samples import Codes, Flags, Floats, encode, sums
from schemas.errors import EstimationError
from schemas.estimates import WeightStep


def weigh_by_frame(strata: pl.Series, counts: Mapping[str, float]) -> Floats:
    """Base weights N / n: units in the frame over interviews begun, by stratum.

    Args:
        strata: stratum of each row, null for unknown.
        counts: units of the frame in each stratum.

    Raises:
        EstimationError: EST-050, when a stratum of the sample has no count.
    """
    met = strata.drop_nulls().value_counts(name="n")
    unknown = sorted(set(met.to_series(0)) - counts.keys())
    if unknown:
        raise EstimationError(
            "EST-050",
            f"The frame has no count for stratum {', '.join(f'«{code}»' for code in unknown)}.",
            "Add a row frame:STRATUM with the number of units to the sheet design.",
        )
    weight = {code: counts[code] / n for code, n in met.iter_rows()}
    return _floats(strata.replace_strict(weight, default=None, return_dtype=pl.Float64))


def weigh_by_probability(probability: pl.Series) -> Floats:
    """Base weights 1 / p; NaN where p isn't known.

    Raises:
        EstimationError: EST-051, when a probability isn't above 0 and at most 1.
    """
    p = _floats(probability)
    bad = int(np.sum((p <= 0) | (p > 1)))
    if bad:
        raise EstimationError(
            "EST-051",
            f"{bad} of {p.size} selection probabilities aren't above 0 and at most 1.",
            "Write the probability with which the interview was drawn, over all stages.",
        )
    return np.asarray(1 / p, np.float64)


def weigh_response(weight: Floats, responded: Flags, classes: pl.Series) -> Floats:
    """Let those who answered stand for those of their class who didn't, whose weight becomes zero.

    Raises:
        EstimationError: EST-052, when nobody of a class answered.
    """
    codes = encode(classes.fill_null("?"))
    count = int(codes.max(initial=-1)) + 1
    known = np.nan_to_num(weight)
    asked, answered = sums(codes, known, count), sums(codes, known * responded, count)
    silent = [str(classes[int(np.argmax(codes == code))]) for code in np.flatnonzero((asked > 0) & (answered == 0))]
    if silent:
        raise EstimationError(
            "EST-052",
            f"Nobody of response class {', '.join(f'«{code}»' for code in silent)} answered.",
            "Join the class with a neighbour.",
        )
    scale = np.divide(asked, answered, out=np.zeros(count), where=answered > 0)
    return np.asarray(np.where(responded, weight * scale[codes], np.where(np.isnan(weight), np.nan, 0.0)), np.float64)


def trim(weight: Floats, low: float, high: float) -> Floats:
    """Bring the weights within `low` and `high` times their median; what is cut off is shared out by the others alike.

    Zero and unknown weights stay. The sum stays too, unless every weight is at a bound (R's `trimWeights`).
    """
    held = np.nan_to_num(weight) > 0
    if not held.any():
        return weight
    median = float(np.median(weight[held]))
    new = weight.copy()
    new[held] = np.clip(weight[held], low * median, high * median)
    inside = held & (weight > low * median) & (weight < high * median)
    cut = float(np.sum(weight[held]) - np.sum(new[held]))
    if inside.any():
        new[inside] += cut / int(inside.sum())
    return new


def kish_effect(weight: Floats) -> float:
    """Kish's design effect of unequal weights, n Σw² / (Σw)²: 1 + cv²."""
    held = weight[np.nan_to_num(weight) > 0]
    return float(held.size * np.sum(held**2) / np.sum(held) ** 2) if held.size else 1.0


def describe(
    name: str, before: Floats, after: Floats, margins: Sequence[tuple[str, float, float, float]] = ()
) -> WeightStep:
    """What a step did to the weights."""
    held = after[np.nan_to_num(after) > 0]
    return WeightStep(
        name,
        int(held.size),
        float(np.nansum(before)),
        float(np.nansum(after)),
        float(held.min()) if held.size else 0.0,
        float(held.max()) if held.size else 0.0,
        kish_effect(after),
        tuple(margins),
    )


def class_sums(
    labels: Sequence[str], totals: Floats, classes: Codes, before: Floats, after: Floats
) -> list[tuple[str, float, float, float]]:
    """Each class with its known total and its sums of weights before and after."""
    old, new = sums(classes, before, len(labels)), sums(classes, after, len(labels))
    return [(label, float(t), float(b), float(a)) for label, t, b, a in zip(labels, totals, old, new, strict=True)]


def _floats(column: pl.Series) -> Floats:
    return np.asarray(column.cast(pl.Float64).fill_null(np.nan).to_numpy(), np.float64)
