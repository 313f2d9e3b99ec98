"""Weights that reach known totals: post-stratification, raking, and regression (GREG) calibration with bounds.

Each takes a `Sample` and gives it back with new weights and with the residuals its variance needs; R's `postStratify`,
`rake` and `calibrate` give the same. Specified in docs/methods/estimation.md, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from estimation.residuals import Residuals, Sparse, class_block, rake_residuals, regression_block
from estimation.samples import Codes, Floats, Sample, sums
from schemas.errors import EstimationError

Distance = Literal["linear", "raking", "logit"]
"""Distance that calibration keeps small: R's `calfun`."""

RAKE_LIMIT: Final = 1.0
"""Raking stops when no cell's sum of weights moves by more than this, as R's `rake` does: see `rake`."""

RAKE_PASSES: Final = 200
NEWTON_STEPS: Final = 100
HALVINGS: Final = 40
REACHED: Final = 1e-7


@dataclass(frozen=True, slots=True)
class ClassMargin:
    """A margin over classes, matched with the rows.

    Attributes:
        name: for messages.
        classes: number of each row's class.
        labels: name of each class.
        totals: known sum of weights of each class.
    """

    name: str
    classes: Codes
    labels: tuple[str, ...]
    totals: Floats


def poststratify(sample: Sample, margin: ClassMargin) -> Sample:
    """Scale the weights of each class to its known total.

    Raises:
        EstimationError: EST-021, EST-022.
    """
    check_classes(sample, margin)
    weight = scale_classes(sample.weight, margin)
    block = class_block(margin.classes, sample.weight, weight, len(margin.labels))
    return sample.calibrated(weight, Residuals((block,), (0,)))


def rake(sample: Sample, margins: list[ClassMargin], limit: float | None = None) -> Sample:
    """Scale the weights to one margin after the other until all are reached.

    Args:
        limit: largest change of a cell of the crossed margins at which it stops; null for R's rule: one (a person),
            or a hundredth of the sum of weights if that is less.

    Raises:
        EstimationError: EST-021, EST-022, EST-023 (margins that can't all be reached).
    """
    for margin in margins:
        check_classes(sample, margin)
    steps, _ = rake_passes(sample.weight, margins, limit)
    parts = [(margin.classes, step, len(margin.labels)) for margin, step in zip(margins, steps, strict=True)]
    return sample.calibrated(steps[-1], rake_residuals(parts))


def rake_passes(
    weight: Floats, margins: list[ClassMargin], limit: float | None = None, passes: int | None = None
) -> tuple[list[Floats], int]:
    """Go over the margins until they are reached.

    Args:
        limit: as in `rake`.
        passes: go over them as often as this, whatever is reached: R rakes replicates as often as the sample.

    Returns:
        The weights after each margin of the last pass, and how many passes there were.

    Raises:
        EstimationError: EST-023.
    """
    stop = min(RAKE_LIMIT, float(margins[0].totals.sum()) / 100) if limit is None else limit
    cells = _cells(margins)
    count = int(cells.max()) + 1 if cells.size else 0
    before = sums(cells, weight, count)
    for number in range(1, (passes or RAKE_PASSES) + 1):
        steps: list[Floats] = []
        for margin in margins:
            weight = scale_classes(weight, margin)
            steps.append(weight)
        after = sums(cells, weight, count)
        if (passes is None and float(np.max(np.abs(after - before))) < stop) or number == passes:
            return steps, number
        before = after
    raise EstimationError(
        "EST-023",
        f"Raking doesn't settle after {RAKE_PASSES} passes over {', '.join(margin.name for margin in margins)}.",
        "Margins that contradict each other in a sample with empty cells can't all be reached: join classes, or "
        "leave a margin out.",
    )


def calibrate(
    sample: Sample,
    variables: Sparse,
    totals: Floats,
    distance: Distance = "linear",
    bounds: tuple[float, float] | None = None,
) -> Sample:
    """Change the weights as little as possible so that the variables' weighted sums are the totals.

    Args:
        variables: one row a row of the sample, one column a variable (a class is a column of zeros and ones).
        totals: known total of each column.
        distance: "linear" is the regression estimator; "raking" keeps weights positive; "logit" needs bounds.
        bounds: smallest and largest ratio of new to old weight.

    Raises:
        EstimationError: EST-024 (totals that can't be reached, or not within the bounds).
    """
    factor = regression_factors(sample.weight, variables, totals, distance, bounds)
    weight = sample.weight * factor
    block = regression_block(variables, sample.weight, weight)
    return sample.calibrated(weight, Residuals((block,), (0,)))


def check_classes(sample: Sample, margin: ClassMargin) -> None:
    """Refuse a margin that the sample can't reach.

    Raises:
        EstimationError: EST-021 (a class with a total and no weight in the sample), EST-022 (rows in a class of total
            zero).
    """
    held = sums(margin.classes, sample.weight, len(margin.labels))
    empty = [label for label, sum_, total in zip(margin.labels, held, margin.totals, strict=True) if total and not sum_]
    if empty:
        raise EstimationError(
            "EST-021",
            f"Margin «{margin.name}»: nobody in the sample is in {', '.join(f'«{label}»' for label in empty)}, "
            "so its total can't be reached.",
            "Join the class with a neighbour in the data and in the margin.",
        )
    lost = [label for label, sum_, total in zip(margin.labels, held, margin.totals, strict=True) if sum_ and not total]
    if lost:
        raise EstimationError(
            "EST-022",
            f"Margin «{margin.name}» has a total of zero for {', '.join(f'«{label}»' for label in lost)}, which the "
            "sample has.",
            "Mend the total, or leave these rows out of the sample.",
        )


def scale_classes(weight: Floats, margin: ClassMargin) -> Floats:
    """Scale the weights of each class to its total; NaN where a class with a total is empty."""
    held = sums(margin.classes, weight, len(margin.labels))
    empty = np.where(margin.totals > 0, np.nan, 0.0)
    scale = np.divide(margin.totals, held, out=empty, where=held != 0)
    return np.asarray(weight * scale[margin.classes], np.float64)


def _cells(margins: list[ClassMargin]) -> Codes:
    cells = np.zeros(margins[0].classes.size, np.int64)
    for margin in margins:
        _, cells = np.unique(cells * len(margin.labels) + margin.classes, return_inverse=True)
    return cells


def regression_factors(
    weight: Floats, variables: Sparse, totals: Floats, distance: Distance, bounds: tuple[float, float] | None
) -> Floats:
    """The factor of each weight, by Newton's method on the calibration equations.

    Raises:
        EstimationError: EST-024.
    """
    from scipy.sparse import diags_array

    def farthest(eta: Floats) -> float:
        """How far the total is off that is farthest from reached, of its size."""
        with np.errstate(over="ignore", invalid="ignore"):
            off = totals - variables.T @ (weight * _distance(variables @ eta, distance, bounds)[0])
            size = float(np.max(np.abs(off) / (1 + np.abs(totals)), initial=0.0))
        return size if np.isfinite(size) else np.inf

    eta: Floats = np.zeros(variables.shape[1])
    misfit = farthest(eta)
    for _ in range(NEWTON_STEPS):
        factor, slope = _distance(variables @ eta, distance, bounds)
        if misfit < REACHED:
            return factor
        crossed = (variables.T @ diags_array(weight * slope) @ variables).toarray()
        step = np.linalg.pinv(crossed) @ (totals - variables.T @ (weight * factor))
        # From weights that are far off a whole step leads astray: it is shortened until it comes nearer.
        for _ in range(HALVINGS):
            if farthest(eta + step) < misfit:
                break
            step = step / 2
        eta = eta + step
        misfit = farthest(eta)
    if misfit < REACHED:
        return _distance(variables @ eta, distance, bounds)[0]
    raise EstimationError(
        "EST-024",
        f"The calibration totals can't all be reached{'' if bounds is None else ' within the bounds'}: the farthest is "
        f"off by {misfit:.2g} of its size.",
        "Look for totals that contradict each other, join small classes, or widen the bounds.",
    )


def _distance(linear: Floats, distance: Distance, bounds: tuple[float, float] | None) -> tuple[Floats, Floats]:
    """The weight's factor and its slope at each row's linear predictor."""
    low, high = bounds if bounds is not None else (-np.inf, np.inf)
    if distance == "logit":
        reach = (high - low) / ((1 - low) * (high - 1))
        grown = np.exp(np.minimum(linear * reach, 700))
        below = (high - 1) + (1 - low) * grown
        factor = (low * (high - 1) + high * (1 - low) * grown) / below
        return factor, grown * (high - low) ** 2 / below**2
    if distance == "raking":
        with np.errstate(over="ignore"):
            factor = np.exp(linear)
    else:
        factor = 1 + linear
    inside = (factor >= low) & (factor <= high)
    slope = np.where(inside, factor if distance == "raking" else 1.0, 0.0)
    return np.clip(factor, low, high), slope
