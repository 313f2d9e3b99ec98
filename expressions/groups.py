"""Rows below each row above: how many, their sum, largest, smallest and k-th; plain numpy.

Rows stand in the order of the rows above them nearly always, and then each group is a run: it is reduced where it
stands. Rows in any other order are grouped by number first; the values are the same.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MOST_ROWS = 2.0**62


class Groups:
    """The rows of one table by their rows in a table above.

    Args:
        parents: for each row the index of its row above, -1 if there is none.
        size: rows of the table above.
    """

    def __init__(self, parents: Indices, size: int) -> None:
        self._parents = parents
        self._size = size

    @cached_property
    def _starts(self) -> Indices | None:
        """Where each group starts, and the end; null where groups aren't runs one after the other."""
        parents = self._parents
        if len(parents) and (parents[0] < 0 or bool((parents[1:] < parents[:-1]).any())):
            return None
        counts = np.bincount(parents, minlength=self._size)
        return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)))

    @cached_property
    def _full(self) -> Indices:
        """Groups with rows, where groups are runs."""
        starts = self._starts
        return np.empty(0, dtype=np.int64) if starts is None else np.flatnonzero(starts[1:] > starts[:-1])

    def count(self, mask: Flags | None = None) -> Floats:
        """Rows below each row above, where the mask holds; null is everywhere."""
        if self._starts is not None and mask is None:
            return np.diff(self._starts).astype(np.float64)
        known = self._parents >= 0 if self._starts is None else None
        kept = known if mask is None else mask if known is None else mask & known
        parents = self._parents if kept is None else self._parents[kept]
        return np.bincount(parents, minlength=self._size).astype(np.float64)

    def sum(self, values: Floats) -> Floats:
        """Sum of the values below each row above; NaN counts as nothing."""
        if self._starts is not None:
            filled = np.where(np.isnan(values), 0.0, values)
            return np.bincount(self._parents, weights=filled, minlength=self._size).astype(np.float64)
        known = ~np.isnan(values) & (self._parents >= 0)
        # Of no rows at all numpy makes whole numbers.
        return np.bincount(self._parents[known], weights=values[known], minlength=self._size).astype(np.float64)

    def extreme(self, values: Floats, *, largest: bool) -> Floats:
        """Largest or smallest value below each row above; NaN where there is none."""
        # These two pass over NaN, but for groups that have nothing else.
        reduce = (np.fmax if largest else np.fmin).reduceat
        result = np.full(self._size, np.nan)
        starts = self._starts
        if starts is not None:
            if len(self._full):
                result[self._full] = reduce(values, starts[self._full])
            return result
        known = self._parents >= 0
        parents, found = self._parents[known], values[known]
        if len(parents):
            order = np.argsort(parents, kind="stable")
            parents, found = parents[order], found[order]
            firsts = np.flatnonzero(np.concatenate(([True], parents[1:] != parents[:-1])))
            result[parents[firsts]] = reduce(found, firsts)
        return result

    def nth(self, wanted: Indices, places: Floats) -> Indices:
        """Index of the k-th row below a given row above, -1 if it has no such row.

        Args:
            wanted: rows above, one per asker; -1 for none.
            places: k from 1, one per asker.
        """
        if not len(self._parents) or not self._size:
            return np.full(len(places), -1, dtype=np.int64)
        # Beyond the largest table, and where it isn't known, there is no row.
        known = np.abs(places) < _MOST_ROWS
        whole = (places if known.all() else np.where(known, places, 0)).astype(np.int64)
        order: Indices | None = None
        if self._starts is not None:
            above = np.maximum(wanted, 0) if len(wanted) and wanted.min() < 0 else wanted
            first, last = self._starts[above], self._starts[1:][above]
        else:
            order = np.argsort(self._parents, kind="stable")
            in_order = self._parents[order]
            first = np.searchsorted(in_order, wanted, side="left")
            last = np.searchsorted(in_order, wanted, side="right")
        index = first + whole - 1
        good = (whole >= 1) & (index < last) & (wanted >= 0)
        if order is not None:
            index = order[np.clip(index, 0, len(order) - 1)]
        index[~good] = -1
        return index
