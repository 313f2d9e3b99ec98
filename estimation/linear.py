"""Taylor linearisation over any number of domains, stages and calibrations: the variance of a sum of scores.

Figure by figure it is what R's `survey` computes (`svyrecvar`, `multistage`, `onestrat`), in one pass for all domains.
Specified in docs/methods/estimation.md, sections 2 to 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from estimation.samples import Codes, Flags, Floats, Sample, Stage, sums
from estimation.singletons import refuse_singletons

Statistic = Literal["mean", "total", "ratio"]

BLOCK: Final = 16_000_000
"""Numbers (domains times units) worked on at once: 128 MB."""

DENSE: Final = 32
"""Places (domains times units) a row up to which sums are kept of all places; beyond, of those that are met."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One statistic in every domain; each attribute has one value a domain.

    Attributes:
        estimate: NaN where nothing stands in the denominator.
        variance: of the estimate under the design.
        srs: its variance under simple random sampling of as many rows, without replacement; NaN where the weights say
            that there are fewer in the population than in the sample.
        srs_replaced: the same with replacement.
        n: rows behind the estimate, of positive weight.
        size: sum of their weights.
        df: PSUs with such a row, less strata with one.
    """

    estimate: Floats
    variance: Floats
    srs: Floats
    srs_replaced: Floats
    n: Codes
    size: Floats
    df: Codes


@dataclass(frozen=True, slots=True)
class Scores:
    """The linearised statistic: a score for each row that stands in a domain; their sum's variance is the variance.

    Attributes:
        rows: numbers of the rows.
        domain: number of each row's domain.
        score: weight included.
    """

    rows: Codes
    domain: Codes
    score: Floats


def estimate_by_domain(
    sample: Sample,
    statistic: Statistic,
    values: Floats,
    domain: Codes,
    count: int,
    divisor: Floats | None = None,
    place: Codes | None = None,
    effects: bool = True,
) -> Figures:
    """Estimate a statistic in every domain, the design kept whole.

    Args:
        values: one number a row, NaN where it isn't known: such a row stands in no figure.
        domain: number of each row's domain, -1 for none.
        count: how many domains there are.
        divisor: the lower number of a ratio.
        place: for values that stand below the sample's rows (persons of sampled households), each one's row in it.
        effects: whether the variances under simple random sampling are wanted; else they are NaN.

    Raises:
        EstimationError: EST-015, when a stratum of a domain has a single unit and the design says "error".
    """
    weight = sample.weight if place is None else sample.weight[place]
    point, scores = linearise(weight, statistic, values, domain, count, divisor, effects)
    if place is not None:
        scores = Scores(place[scores.rows], scores.domain, scores.score)
    variance, df = variances(sample, scores, count)
    return Figures(point.estimate, variance, *_srs(point), point.n, point.size, df)


@dataclass(frozen=True, slots=True)
class Point:
    """Estimates without their precision, and what the design effect needs.

    Attributes:
        spread: weighted variance of the linearised variable in the domain.
    """

    estimate: Floats
    n: Codes
    size: Floats
    spread: Floats


def linearise(
    weight: Floats,
    statistic: Statistic,
    values: Floats,
    domain: Codes,
    count: int,
    divisor: Floats | None = None,
    effects: bool = True,
) -> tuple[Point, Scores]:
    """Estimate, and give each row the score whose sum varies as the estimate does."""
    inside = (domain >= 0) & np.isfinite(values)
    if divisor is not None:
        inside &= np.isfinite(divisor)
    rows = np.flatnonzero(inside)
    d, w, y = domain[rows], weight[rows], values[rows]
    n = np.bincount(d[w != 0], minlength=count).astype(np.int64)
    size = sums(d, w, count)
    wy = w * y
    total = sums(d, wy, count)
    with np.errstate(divide="ignore", invalid="ignore"):
        if statistic == "total":
            estimate, score = total, wy
        else:
            wx = w if divisor is None else w * divisor[rows]
            base = size if divisor is None else sums(d, wx, count)
            estimate = np.where(base != 0, total / base, np.nan)
            score = (wy - estimate[d] * wx) / base[d]
        spread = np.full(count, np.nan)
        if effects:
            linear = np.divide(score, w, out=np.zeros(w.size), where=w != 0)
            mean = sums(d, score, count) / size
            spread = sums(d, w * (linear - mean[d]) ** 2, count) / size * n / (n - 1)
    return Point(estimate, n, size, spread), Scores(rows, d, score)


def variances(sample: Sample, scores: Scores, count: int) -> tuple[Floats, Codes]:
    """Variance of the sum of scores in each domain, and its degrees of freedom.

    Raises:
        EstimationError: EST-015.
    """
    seen = sample.weight[scores.rows] != 0
    if sample.singleton == "error":
        for number, stage in enumerate(sample.stages):
            refuse_singletons(stage, number, scores.rows[seen])
    variance = np.zeros(count)
    df = np.zeros(count, np.int64)
    coefficients = None if sample.residuals is None else sample.residuals.coefficients(scores, count)
    center = sample.singleton == "center"
    for number, stage in enumerate(sample.stages):
        explained = None if sample.residuals is None else sample.residuals.by_unit(stage)
        for low, high, picked in _blocks(scores.domain, count, stage.size.size if explained is None else stage.units):
            place = (scores.domain[picked] - low) * stage.units + stage.unit_of_row[scores.rows[picked]]
            places = (high - low) * stage.units
            if coefficients is None or explained is None:
                keys, totals = _sum_met(place, scores.score[picked], places)
                variance[low:high] += _spread_of_met(stage, keys, totals, high - low, center)
            else:
                dense = sums(place, scores.score[picked], places).reshape(high - low, stage.units)
                dense -= (explained.T @ coefficients[low:high].T).T
                variance[low:high] += spread_of_totals(stage, dense, center)
            if number == 0:
                df[low:high] = _degrees(stage, _met(place[seen[picked]], places), high - low)
    variance[np.bincount(scores.domain, minlength=count) == 0] = np.nan
    return variance, df


def _met(place: Codes, places: int) -> Codes:
    """The places that are met, in order, each once."""
    if places <= DENSE * place.size:
        return np.flatnonzero(np.bincount(place, minlength=places))
    ordered = np.sort(place)
    return ordered[_starts(ordered)]


def _starts(ordered: Codes) -> Flags:
    """Where a value stands for the first time."""
    starts: Flags = np.ones(ordered.size, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=starts[1:])
    return starts


def _sum_met(place: Codes, values: Floats, places: int) -> tuple[Codes, Floats]:
    """The places that are met, and the sum of the values of each; where few are left out, those of sum zero may be."""
    if places <= DENSE * place.size:
        totals = sums(place, values, places)
        keys = np.flatnonzero(totals)
        return keys, totals[keys]
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    starts = _starts(ordered)
    return ordered[starts], sums(np.cumsum(starts) - 1, values[order], int(starts.sum()))


def _spread_of_met(stage: Stage, keys: Codes, totals: Floats, count: int, center: bool) -> Floats:
    """What one stage adds to the variance of each figure, from the sums of the places (domain, unit) that are met.

    The other units have the sum zero: they deviate from their group's mean by that mean, and as many are added.
    """
    domain, unit = np.divmod(keys, stage.units)
    group = stage.group_of_unit[unit]
    groups = stage.size.size
    cell = domain * groups + group
    factor = stage.square if center else stage.square_without_lone
    means = sums(cell, totals, count * groups).reshape(count, groups) / stage.size
    means[:, stage.alone] = 0.0
    own = factor[unit]
    rest = sums(stage.group_of_unit, factor, groups) - sums(cell, own, count * groups).reshape(count, groups)
    deviation = totals - means.ravel()[cell]
    around = np.where(means == 0, 0.0, means**2 * np.maximum(rest, 0.0)).sum(axis=1)
    return np.asarray(sums(domain, own * deviation**2, count) + around, np.float64)


def deviations(stage: Stage, totals: Floats, center: bool) -> tuple[Floats, Floats]:
    """Each unit's deviation from its group's mean, and the factor of its square.

    Args:
        totals: sums of scores, one row a figure, one column a unit.
        center: a unit alone in its group deviates from the grand mean of the scores, zero; else not at all.
    """
    means = np.add.reduceat(totals, stage.starts, axis=1) / stage.size
    means[:, stage.alone] = 0.0
    totals = totals - np.repeat(means, stage.size, axis=1)
    return totals, stage.square if center else stage.square_without_lone


def spread_of_totals(stage: Stage, totals: Floats, center: bool) -> Floats:
    """What one stage adds to the variance of each figure."""
    deviation, factor = deviations(stage, totals, center)
    np.square(deviation, out=deviation)
    return np.asarray(deviation @ factor, np.float64)


def covariance(sample: Sample, scores: Floats) -> Floats:
    """Covariance matrix of the sums of several scores.

    Args:
        scores: one row a row of the sample, one column a figure; zero where a row stands in no figure.
    """
    count = scores.shape[1]
    coefficients = None
    if sample.residuals is not None:
        rows = np.arange(scores.shape[0])
        each = [Scores(rows, np.zeros(rows.size, np.int64), scores[:, column]) for column in range(count)]
        coefficients = np.vstack([sample.residuals.coefficients(one, 1) for one in each])
    found = np.zeros((count, count))
    for number, stage in enumerate(sample.stages):
        if sample.singleton == "error":
            refuse_singletons(stage, number, np.flatnonzero(np.any(scores != 0, axis=1)))
        totals = np.vstack([sums(stage.unit_of_row, scores[:, c], stage.units) for c in range(count)])
        if sample.residuals is not None and coefficients is not None:
            totals -= (sample.residuals.by_unit(stage).T @ coefficients.T).T
        deviation, factor = deviations(stage, totals, sample.singleton == "center")
        found += (deviation * factor) @ deviation.T
    return found


def _srs(point: Point) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        replaced = point.spread * point.size**2 / point.n
        open_share = (point.size - point.n) / point.size
        return np.where(open_share >= 0, replaced * open_share, np.nan), replaced


def _degrees(stage: Stage, keys: Codes, count: int) -> Codes:
    """Units less groups among the places that are met, of each figure."""
    domain, unit = np.divmod(keys, stage.units)
    groups = stage.size.size
    met = np.bincount(domain * groups + stage.group_of_unit[unit], minlength=count * groups).reshape(count, groups)
    return np.asarray(met.sum(axis=1) - (met > 0).sum(axis=1), np.int64)


def _blocks(domain: Codes, count: int, units: int) -> Iterator[tuple[int, int, Flags | slice]]:
    step = max(1, BLOCK // max(units, 1))
    for low in range(0, count, step):
        high = min(low + step, count)
        if high - low == count:
            yield low, high, slice(None)
        else:
            yield low, high, (domain >= low) & (domain < high)
