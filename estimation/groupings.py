"""The groups in which a workbook's figures are told: its breakdowns, and crossings of several (`sex*age_group`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from estimation.columns import Columns
from estimation.measures import category_order, in_categories
from estimation.samples import Codes
from schemas.domains import crossed, join
from schemas.errors import EstimationError
from schemas.fields import MAIN_TABLE
from schemas.workbook import Breakdown


class Groupings:
    """The breakdowns as numbers of domains, each read once a table.

    Args:
        breakdowns: by name.
    """

    def __init__(self, breakdowns: Mapping[str, Breakdown], columns: Columns) -> None:
        self.breakdowns = breakdowns
        self._columns = columns
        self._single: dict[tuple[str, str], tuple[Codes, tuple[str, ...]]] = {}
        self._known: dict[tuple[str, str], tuple[Codes, tuple[str, ...]]] = {}

    def named(self, name: str) -> tuple[Breakdown, ...]:
        """The breakdowns of a crossing, in order; one for a breakdown alone.

        Raises:
            EstimationError: EST-006 (no such breakdown), EST-007 (a breakdown crossed with itself).
        """
        names = crossed(name)
        for one in names:
            if one not in self.breakdowns:
                raise EstimationError(
                    "EST-006", f"There is no breakdown «{one}».", "Add it to sheet breakdowns or mend the name."
                )
        if len(set(names)) < len(names):
            raise EstimationError(
                "EST-007", f"«{name}» crosses a breakdown with itself.", "Write each breakdown of a crossing once."
            )
        return tuple(self.breakdowns[one] for one in names)

    def read(self, name: str, table: str) -> tuple[Codes, tuple[str, ...]]:
        """The number of each row's domain, -1 where the breakdown leaves it out; and the domains ("sex=female").

        A crossing has every combination of its codes where each breakdown lists its categories; else those that a row
        of the table is in.

        Raises:
            EstimationError: EST-001 to EST-003, EST-006, EST-007.
            ExpressionError: EXP-*.
        """
        key = (name, table)
        if key not in self._known:
            self._known[key] = self._read(self.named(name), table)
        return self._known[key]

    def _read(self, breakdowns: Sequence[Breakdown], table: str) -> tuple[Codes, tuple[str, ...]]:
        read = [self._codes(breakdown, table) for breakdown in breakdowns]
        numbers = read[0][0]
        places: list[tuple[int, ...]] = [(at,) for at in range(len(read[0][1]))]
        for codes, order in read[1:]:
            out = (numbers < 0) | (codes < 0)
            numbers = np.where(out, -1, numbers * len(order) + codes)
            places = [(*place, at) for place in places for at in range(len(order))]
        if len(read) > 1 and not all(breakdown.categories for breakdown in breakdowns):
            met = np.flatnonzero(np.bincount(numbers[numbers >= 0], minlength=len(places)))
            again = np.full(len(places) + 1, -1, np.int64)
            again[met] = np.arange(met.size)
            numbers, places = again[numbers], [places[at] for at in met]
        names = [breakdown.name for breakdown in breakdowns]
        domains = tuple(
            join((name, order[at]) for name, (_, order), at in zip(names, read, place, strict=True)) for place in places
        )
        return numbers, domains

    def _codes(self, breakdown: Breakdown, table: str) -> tuple[Codes, tuple[str, ...]]:
        key = (breakdown.name, table)
        if key not in self._single:
            source = breakdown.table or MAIN_TABLE
            codes = in_categories(self._columns.codes(breakdown.value, table, source), breakdown.categories)
            order = category_order(codes, breakdown.categories)
            numbers = {code: number for number, code in enumerate(order)}
            domain = codes.replace_strict(numbers, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()
            self._single[key] = domain, order
        return self._single[key]
