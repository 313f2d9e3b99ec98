"""How many units each stratum gets. Specified in docs/methods/sampling.md, section 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from estimation.samples import Codes, Floats
from schemas.errors import EstimationError

Allocation = Literal["proportional", "equal", "neyman", "power"]
ALLOCATIONS: tuple[str, ...] = get_args(Allocation)


def allocate(
    count: int,
    units: Sequence[int],
    sizes: Floats,
    how: Allocation = "proportional",
    spread: Floats | None = None,
    power: float = 0.5,
    least: int = 2,
) -> Codes:
    """Share out a sample over strata, in whole units.

    Args:
        count: units of the whole sample.
        units: how many units each stratum has.
        sizes: size of each stratum: its people or dwellings, or its units.
        how: "proportional" to size; "equal"; "neyman", to size times standard deviation; "power", to size to the power.
        spread: for Neyman the standard deviation within each stratum.
        power: exponent, 0 (equal) to 1 (proportional).
        least: units that each stratum gets at least, as far as it has them.

    Returns:
        Units of each stratum, summing to `count`; no stratum gets more than it has.

    Raises:
        EstimationError: EST-091 (more are wanted than there are), EST-092 (fewer than the least of all strata),
            EST-093 (Neyman without standard deviations).
    """
    most = np.asarray(units, np.int64)
    floor = np.minimum(least, most)
    if count > most.sum():
        raise EstimationError(
            "EST-091", f"{count} units are wanted of a list of {int(most.sum())}.", "Draw fewer, or join strata."
        )
    if count < floor.sum():
        raise EstimationError(
            "EST-092",
            f"{count} units can't give {least} to each of {most.size} strata.",
            f"Draw {int(floor.sum())} or more, join strata, or lower --least.",
        )
    wanted = _weights(sizes, how, spread, power)
    # What a stratum can't take, or must take, is settled; the others share the rest.
    given: Floats = np.full(most.size, np.nan)
    while np.isnan(given).any():
        open_ = np.isnan(given)
        rest = count - float(np.nansum(given))
        total = float(wanted[open_].sum())
        share = np.where(open_, rest * wanted / total if total > 0 else rest / open_.sum(), given)
        high, low = open_ & (share > most), open_ & (share < floor)
        if not (high.any() or low.any()):
            given = share
        elif float((share - most)[high].sum()) >= float((floor - share)[low].sum()):
            given = np.where(high, most.astype(np.float64), given)
        else:
            given = np.where(low, floor.astype(np.float64), given)
    return _round(given, count, most)


def _weights(sizes: Floats, how: Allocation, spread: Floats | None, power: float) -> Floats:
    if how == "equal":
        return np.ones(sizes.size)
    if how == "power":
        return np.asarray(sizes**power, np.float64)
    if how == "neyman":
        if spread is None or not np.all(np.isfinite(spread) & (spread >= 0)):
            raise EstimationError(
                "EST-093",
                "Neyman's allocation needs the standard deviation of every stratum.",
                "Name the column of the list that holds it with --sd, or choose another allocation.",
            )
        return sizes * spread
    return sizes


def _round(shares: Floats, count: int, most: Codes) -> Codes:
    """Whole numbers of the same sum: the largest remainders are rounded up."""
    whole = np.floor(shares + 1e-9).astype(np.int64)
    order = np.argsort(-(shares - whole), kind="stable")
    for at in order[: count - int(whole.sum())]:
        whole[at] += whole[at] < most[at]
    for at in order:
        if whole.sum() == count:
            break
        whole[at] += whole[at] < most[at]
    return whole
