"""Variances by replication: jackknife, balanced half-samples, bootstrap, and replicate weights that come with a file.

As R's `as.svrepdesign` and `svrepdesign` make and use them. Specified in docs/methods/estimation.md, section 8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from estimation.linear import Statistic
from estimation.samples import Codes, Floats, Sample
from estimation.singletons import refuse_singletons
from schemas.errors import EstimationError

Method = Literal["jackknife", "bootstrap", "brr"]
Reweigh = Callable[[Floats], Floats]
"""Weights of all rows -> the same, calibrated anew."""

GivenType = Literal["BRR", "Fay", "JK1", "JKn", "JK2", "bootstrap", "ACS", "successive-difference", "other"]

CHUNK: Final = 64
"""Replicates whose row weights are made at once."""


@dataclass(frozen=True, slots=True)
class Replicates:
    """Sets of weights, each as a factor of every PSU's or row's weight.

    Attributes:
        factors: numbers of the first replicate wanted and of the one after the last -> their factors, one row a unit,
            one column a replicate. The unit is the PSU, or the row where weights came with a file.
        scales: for each replicate what the square of its deviation is multiplied by.
        by_row: whether units are rows.
    """

    factors: Callable[[int, int], Floats]
    scales: Floats
    by_row: bool = False


def jackknife(sample: Sample) -> Replicates:
    """Each PSU left out once: JK1 without strata, JKn with them.

    A PSU alone in its stratum stops ("error"), is never left out ("skip"), or is left out with the other strata scaled
    up ("center"), as R's `jknweights` does under `fail`, `remove` and `adjust`.

    Raises:
        EstimationError: EST-015.
    """
    stage = sample.first
    strata = stage.size.size
    n = stage.size[stage.group_of_unit].astype(np.float64)
    alone = stage.alone[stage.group_of_unit]
    _stop_at_singletons(sample)
    scales = stage.open_share * (n - 1) / n
    raised = sample.singleton == "center" and strata > 1
    if raised:
        scales = np.where(alone, (strata - 1) / strata, scales)
    left_out = np.flatnonzero(scales > 0)

    def factors(start: int, stop: int) -> Floats:
        left = left_out[start:stop]
        same = stage.group_of_unit[:, None] == stage.group_of_unit[left][None, :]
        made = np.where(same, (n[left] / np.maximum(n[left] - 1, 1))[None, :], 1.0)
        if raised:
            made[:, alone[left]] = strata / (strata - 1)
        made[left, np.arange(left.size)] = 0.0
        return np.asarray(made, np.float64)

    return Replicates(factors, scales[left_out])


def bootstrap(sample: Sample, replicates: int, seed: int) -> Replicates:
    """Rao and Wu's bootstrap: in each stratum n - 1 of n PSUs drawn with replacement (R's `subbootstrap`).

    The finite population correction isn't used. A PSU alone in its stratum stays as it is.
    """
    stage = sample.first
    _stop_at_singletons(sample)
    generator = np.random.default_rng(seed)
    factors = np.ones((stage.units, replicates))
    for start, size in zip(stage.starts, stage.size, strict=True):
        if size > 1:
            drawn = generator.multinomial(int(size) - 1, np.full(int(size), 1 / size), size=replicates)
            factors[start : start + size] = drawn.T * (size / (size - 1))
    return _kept(factors, np.full(replicates, 1 / (replicates - 1)))


def half_samples(sample: Sample) -> Replicates:
    """Balanced repeated replication: of each stratum's two PSUs one counts twice.

    Raises:
        EstimationError: EST-041, when a stratum hasn't two PSUs.
    """
    from scipy.linalg import hadamard

    stage = sample.first
    if np.any(stage.size != 2):
        raise EstimationError(
            "EST-041",
            f"{int(np.sum(stage.size != 2))} of {stage.size.size} strata haven't two PSUs, which half-samples need.",
            "Use --method jackknife, or give the replicate weights that came with the file.",
        )
    order = 1 << int(stage.size.size).bit_length()
    chosen = hadamard(order)[1 : stage.size.size + 1]
    factors = np.empty((stage.units, order))
    factors[0::2], factors[1::2] = np.where(chosen > 0, 2.0, 0.0), np.where(chosen > 0, 0.0, 2.0)
    return _kept(factors, np.full(order, 1 / order))


def given(weights: Floats, base: Floats, kind: GivenType, combined: bool = True, rho: float = 0.0) -> Replicates:
    """Replicate weights that came with a file.

    Args:
        weights: one row a row of the table, one column a replicate.
        base: the sampling weights.
        kind: how they were made, as in R's `svrepdesign`.
        combined: whether they include the sampling weight.
        rho: Fay's coefficient.
    """
    count = weights.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = np.where(base[:, None] != 0, weights / base[:, None], 0.0) if combined else weights
    scale = {
        "BRR": 1 / count,
        "Fay": 1 / (count * (1 - rho) ** 2),
        "JK1": (count - 1) / count,
        "JK2": 1.0,
        "bootstrap": 1 / max(count - 1, 1),
        "ACS": 4 / count,
        "successive-difference": 4 / count,
        "other": 1.0,
        "JKn": 1.0,
    }[kind]
    scales = np.full(count, scale)
    if kind == "JKn":
        scales = 1 / factors.max(axis=0)
    return _kept(factors, scales, by_row=True)


def replicate_by_domain(
    sample: Sample,
    replicates: Replicates,
    statistic: Statistic,
    values: Floats,
    domain: Codes,
    count: int,
    divisor: Floats | None = None,
    reweigh: Reweigh | None = None,
    at: Codes | None = None,
) -> Floats:
    """Variance of a statistic in every domain, from its replicates' squared distances from their mean.

    Args:
        sample: the sample before calibration.
        reweigh: calibrates a replicate's weights; replicates for which it can't are left out.
        at: for values that stand below the sample's rows (persons of sampled households), each one's row in it.
    """
    from scipy.sparse import csr_array

    inside = (domain >= 0) & np.isfinite(values)
    if divisor is not None:
        inside &= np.isfinite(divisor)
    rows = np.flatnonzero(inside)
    below = None if statistic == "total" else (np.ones(rows.size) if divisor is None else divisor[rows])
    whole = replicates.by_row or reweigh is not None
    own = rows if at is None else at[rows]
    place = own if whole else sample.first.unit_of_row[own]
    weight = np.ones(rows.size) if whole else sample.weight[own]
    shape = (count, sample.weight.size if whole else sample.first.units)
    upper = csr_array((values[rows] * weight, (domain[rows], place)), shape=shape)
    lower = None if below is None else csr_array((below * weight, (domain[rows], place)), shape=shape)
    parts: list[Floats] = []
    for start in range(0, replicates.scales.size, CHUNK):
        some = replicates.factors(start, min(start + CHUNK, replicates.scales.size))
        weights = _row_weights(sample, replicates, some, reweigh) if whole else some
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(upper @ weights if lower is None else (upper @ weights) / (lower @ weights))
    thetas = np.hstack(parts)
    known = np.isfinite(thetas)
    used = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, thetas, 0).sum(axis=1) / used
    squares = np.where(known, (thetas - mean[:, None]) ** 2, 0.0)
    variance: Floats = squares @ replicates.scales
    variance[np.bincount(domain[rows], minlength=count) == 0] = np.nan
    return variance


def calibrated_replicates(raw: Sample, weight: Floats, replicates: Replicates, reweigh: Reweigh) -> Replicates:
    """The same replicates, each calibrated anew, as factors of the calibrated weight.

    Args:
        raw: the sample before calibration.
        weight: its calibrated weights.
    """
    parts = [
        _row_weights(raw, replicates, replicates.factors(start, min(start + CHUNK, replicates.scales.size)), reweigh)
        for start in range(0, replicates.scales.size, CHUNK)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = np.where(weight[:, None] != 0, np.hstack(parts) / weight[:, None], 0.0)
    return _kept(factors, replicates.scales, by_row=True)


def given_degrees(replicates: Replicates, base: Floats, domain: Codes, count: int) -> Codes:
    """Degrees of freedom of replicate weights in every domain: their rank less one, as R's `degf`."""
    found = np.zeros(count, np.int64)
    weights = replicates.factors(0, replicates.scales.size) * base[:, None]
    for number in range(count):
        part = weights[domain == number]
        if part.size:
            crossed = part.T @ part
            found[number] = (
                np.linalg.matrix_rank(crossed, tol=1e-10 * max(float(np.trace(crossed)), 1e-300), hermitian=True) - 1
            )
    return found


def _kept(factors: Floats, scales: Floats, by_row: bool = False) -> Replicates:
    return Replicates(lambda start, stop: factors[:, start:stop], scales, by_row)


def _row_weights(sample: Sample, replicates: Replicates, factors: Floats, reweigh: Reweigh | None) -> Floats:
    rows = factors if replicates.by_row else factors[sample.first.unit_of_row]
    weights = rows * sample.weight[:, None]
    if reweigh is None:
        return np.asarray(weights, np.float64)
    for column in range(weights.shape[1]):
        try:
            weights[:, column] = reweigh(weights[:, column])
        except EstimationError:
            # A class that this replicate left empty: its figures aren't known.
            weights[:, column] = np.nan
    return np.asarray(weights, np.float64)


def _stop_at_singletons(sample: Sample) -> None:
    if sample.singleton == "error":
        refuse_singletons(sample.first, 0, np.arange(sample.weight.size))
