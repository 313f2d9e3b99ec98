"""How many records of a microdata file stand alone: k-anonymity, l-diversity and the risk in the population.

A class is all records that can't be told apart by the keys (quasi-identifiers). A key that is missing in a record may
be any value, so that the record belongs to every class it could fit, as R's `sdcMicro` counts (`freqCalc`, alpha 1).

Sources: Sweeney (2002), k-anonymity; Machanavajjhala et al. (2007), distinct l-diversity; for the individual risk
Benedetti and Franconi (1998) with the closed forms and the approximation of Franconi and Polettini (2004), equation 5,
which `sdcMicro` uses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.errors import ReleaseError


@dataclass(frozen=True, slots=True)
class Anonymity:
    """What the keys give away.

    Attributes:
        records: in the file.
        classes: different combinations of keys that occur.
        k: asked for.
        violating: records in a class of fewer than k.
        unique: records that are alone.
        smallest: size of the smallest class.
        l_smallest: fewest different values of the sensitive column within a class; null where none was named.
        l_violating: records in a class of fewer than l values; null where none was named.
        reidentifications: expected number in the population, of the weights; null without weights.
    """

    records: int
    classes: int
    k: int
    violating: int
    unique: int
    smallest: int
    l_smallest: int | None = None
    l_violating: int | None = None
    reidentifications: float | None = None


def measure_anonymity(
    frame: pl.DataFrame,
    keys: Sequence[str],
    k: int,
    *,
    sensitive: str | None = None,
    diversity: int = 2,
    weight: str | None = None,
    missing_is_any: bool = True,
) -> Anonymity:
    """Measures a file of one row a record; a null is a missing key.

    Args:
        frame: one row a record.
        keys: columns by which a record could be recognised.
        k: fewest records that must look alike.
        sensitive: a column whose values must differ within a class.
        diversity: fewest different values of it (l).
        weight: column of the records' weights: how many people of the population each stands for.
        missing_is_any: a missing key fits every value; else missing is a value of its own.

    Raises:
        ReleaseError: REL-040, a column isn't there, or k is less than 2; REL-041, a weight is missing or below 1.
    """
    wanted = [*keys, *(name for name in (sensitive, weight) if name)]
    if absent := [name for name in wanted if name not in frame.columns]:
        raise ReleaseError(
            "REL-040", f"The file has no column {', '.join(absent)}.", f"It has {', '.join(frame.columns[:20])}."
        )
    if k < 2 or not keys:
        raise ReleaseError("REL-040", f"k is {k} and there are {len(keys)} keys.", "Ask for k of 2 or more and a key.")
    weights = _weights(frame, weight)
    found = group_alike(frame, keys, sensitive, missing_is_any=missing_is_any)
    risk = None
    if weights is not None:
        sums = np.array([weights[group].sum() for group in found.members])
        own = np.array([len(group) for group in found.members])
        risk = float(
            sum(_risk(int(found.sizes[at]), float(sums[fit].sum())) * own[at] for at, fit in enumerate(found.fits))
        )
    size_of_record, distinct = found.size_of_record, found.values_of_record
    return Anonymity(
        records=frame.height,
        classes=len(found.members),
        k=k,
        violating=int((size_of_record < k).sum()),
        unique=int((size_of_record == 1).sum()),
        smallest=int(found.sizes.min(initial=frame.height)),
        l_smallest=None if distinct is None else int(distinct.min(initial=len(distinct))),
        l_violating=None if distinct is None else int((distinct < diversity).sum()),
        reidentifications=risk,
    )


@dataclass(frozen=True, slots=True)
class Alike:
    """Records by what can't be told apart.

    Attributes:
        members: of each combination of keys, its records.
        fits: of each, the combinations that it may be, itself included.
        sizes: of each, how many records it may be.
        size_of_record: the same for each record.
        values_of_record: how many different values of the sensitive column these have; null where none was named.
    """

    members: list[list[int]]
    fits: list[list[int]]
    sizes: NDArray[np.int64]
    size_of_record: NDArray[np.int64]
    values_of_record: NDArray[np.int64] | None


def group_alike(
    frame: pl.DataFrame, keys: Sequence[str], sensitive: str | None = None, *, missing_is_any: bool = True
) -> Alike:
    """Groups records as `measure_anonymity` counts them."""
    patterns = frame.select(keys).with_row_index("at").group_by(keys, maintain_order=True).agg(pl.col("at"), n=pl.len())
    members: list[list[int]] = patterns["at"].to_list()
    fits = _fitting(patterns.select(keys), missing_is_any)
    own = patterns["n"].to_numpy()
    sizes = np.array([int(own[fit].sum()) for fit in fits], dtype=np.int64)
    distinct = None
    if sensitive is not None:
        values = frame[sensitive].to_list()
        sets = [{values[at] for at in group if values[at] is not None} for group in members]
        varied = np.array([len(set().union(*(sets[index] for index in fit))) for fit in fits], dtype=np.int64)
        distinct = _spread(varied, members, frame.height)
    return Alike(members, fits, sizes, _spread(sizes, members, frame.height), distinct)


def _weights(frame: pl.DataFrame, weight: str | None) -> NDArray[np.float64] | None:
    if weight is None:
        return None
    values = frame[weight].cast(pl.Float64, strict=False)
    if values.null_count() or (values < 1).any():
        raise ReleaseError(
            "REL-041",
            f"{weight} is missing, no number or less than 1 in a record, so that it isn't people it stands for.",
            "Give the sampling weights (number of people of the population), not weights scaled to the sample.",
        )
    return values.to_numpy()


def _spread(of_pattern: NDArray[np.int64], members: Sequence[Sequence[int]], records: int) -> NDArray[np.int64]:
    """A figure of each pattern, given to each of its records."""
    spread = np.zeros(records, dtype=np.int64)
    for value, group in zip(of_pattern, members, strict=True):
        spread[group] = value
    return spread


def _fitting(patterns: pl.DataFrame, missing_is_any: bool) -> list[list[int]]:
    """For each pattern those (itself included) that it can't be told apart from."""
    whole = [True] * patterns.height
    if missing_is_any:
        whole = patterns.select(pl.all_horizontal(pl.all().is_not_null())).to_series().to_list()
    fits = [[at] for at in range(patterns.height)]
    codes = (
        np.column_stack([_codes(column) for column in patterns.get_columns()]) if patterns.width else np.zeros((0, 0))
    )
    for at in (at for at, complete in enumerate(whole) if not complete):
        alike = ((codes == codes[at]) | (codes < 0) | (codes[at] < 0)).all(axis=1)
        for other in np.flatnonzero(alike).tolist():
            if other != at:
                fits[at].append(other)
                if whole[other]:
                    fits[other].append(at)
    return fits


def _codes(column: pl.Series) -> NDArray[np.int64]:
    """Small numbers for a column's values; -1 for a missing one."""
    ranks = column.cast(pl.String).rank("dense").cast(pl.Int64).fill_null(-1)
    return ranks.to_numpy()


def _risk(sample: int, population: float) -> float:
    """Chance that a record of a class is found, given how many are in the sample and (estimated) in the population."""
    share = sample / population
    if share >= 1:
        return 1 / sample
    odds = share / (1 - share)
    if sample == 1:
        return odds * math.log(1 / share)
    if sample == 2:
        return odds - odds**2 * math.log(1 / share)
    return share / (sample - (1 - share))
