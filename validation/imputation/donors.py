"""Who gives: interviews that count, sorted within classes, the nearest one first.

In a class with few donors, or where an answer that tells the class is itself to be changed, those of the whole table
are ranked by Gower's distance; so are those outside a class of which nobody fits.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, ROW_ID, Form
from validation.cleaning.cells import Typed
from validation.imputation.plan import Column

FEW = 5
"""Donors that a class needs."""
MOST_RANKED = 5_000
"""Donors that are ranked by distance: of more, so many drawn."""


@dataclass(frozen=True, slots=True)
class Donor:
    """One row that may give.

    Attributes:
        row: its number in the table of donors.
        instance_id: its interview.
        is_near: whether it was found by its distance, and not in the class.
    """

    table: str
    row: int
    instance_id: str
    row_id: str
    is_near: bool = False


@dataclass(slots=True)
class _Deck:
    """The donors of one table, by class and in order."""

    members: dict[tuple[Typed, ...], list[int]]
    keys: dict[tuple[Typed, ...], list[tuple[float, ...]]]


@dataclass(slots=True)
class Donors:
    """The interviews that give.

    Args:
        tables: with the rows of interviews that count alone.
        seed: of the order in which donors that are alike come.
    """

    form: Form
    tables: Mapping[str, pl.DataFrame]
    seed: str
    used: dict[tuple[str, int], int] = field(default_factory=dict)
    _frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    _decks: dict[tuple[str, tuple[Column, ...], tuple[Column, ...]], _Deck] = field(default_factory=dict)
    _columns: dict[Column, list[Typed]] = field(default_factory=dict)
    _draws: dict[str, list[float]] = field(default_factory=dict)
    _codes: dict[tuple[str, Column], npt.NDArray[Any]] = field(default_factory=dict)

    def value(self, donor: Donor, column: str) -> Typed:
        """What a donor answered."""
        return self._values(donor.table, (donor.table, column))[donor.row]

    def ranked(
        self,
        table: str,
        classes: tuple[Column, ...],
        order: tuple[Column, ...],
        known: Mapping[Column, Typed],
        near: Sequence[Column],
        own: str,
        most: int,
        skip: int = 0,
    ) -> list[Donor]:
        """Donors for a row, the nearest first.

        Args:
            classes, order: columns that tell the class, and by which a class is sorted.
            known: the row's answers to these, and to `near`; without those that are to be changed.
            near: columns by which distance is told where the class has few donors.
            own: instance id of the row's interview, which doesn't give to itself.
            most: donors wanted; `skip` the nearest that were had already.
        """
        if self.tables.get(table) is None:
            return []
        wanted = skip + most + 1
        deck = self._deck(table, classes, order)
        key = tuple(known.get(column) for column in classes)
        members = deck.members.get(key, []) if all(column in known for column in classes) else []
        numbers: list[int] = []
        if len(members) >= FEW:
            at = bisect_left(deck.keys[key], (*(_rank(known.get(column)) for column in order), _draw(self.seed, own)))
            numbers = [members[place] for place in _outward(at, len(members), wanted, bool(order))]
        within = len(numbers)
        if within < wanted and classes:
            beside = set(members if within else ())
            far = self._by_distance(table, [*dict.fromkeys((*classes, *order, *near))], known, own)
            numbers += [number for number in far if number not in beside]
        elif within < wanted and not within:
            numbers = self._by_distance(table, [*dict.fromkeys((*order, *near))], known, own)
        frame = self._frame(table)
        ids, rows = frame[INSTANCE_ID], frame[ROW_ID]
        found = [
            Donor(table, number, ids[number], rows[number], is_near=place >= within)
            for place, number in enumerate(numbers[:wanted])
        ]
        return [donor for donor in found if donor.instance_id != own][skip : skip + most]

    # -- decks -------------------------------------------------------------------------------------------------------
    def _frame(self, table: str) -> pl.DataFrame:
        """The rows of a table, in an order that doesn't depend on arrival."""
        if table not in self._frames:
            self._frames[table] = self.tables[table].sort(INSTANCE_ID, ROW_ID)
        return self._frames[table]

    def _values(self, table: str, column: Column) -> list[Typed]:
        """The answers to a question, of this table or one above, by the rows of the table."""
        key = (f"{table}:{column[0]}", column[1])
        if key not in self._columns:
            frame = self._frame(table)
            if column[0] == table:
                found = frame.get_column(column[1]) if column[1] in frame.columns else None
            elif column[0] == MAIN_TABLE and column[1] in self.tables[MAIN_TABLE].columns:
                main = self.tables[MAIN_TABLE].select(INSTANCE_ID, pl.col(column[1]).alias("_value"))
                joined = frame.select(INSTANCE_ID).join(main, on=INSTANCE_ID, how="left", maintain_order="left")
                found = joined["_value"]
            else:
                found = None
            self._columns[key] = [None] * frame.height if found is None else found.to_list()
        return self._columns[key]

    def _drawn(self, table: str) -> list[float]:
        if table not in self._draws:
            frame = self._frame(table)
            pairs = zip(frame[INSTANCE_ID].to_list(), frame[ROW_ID].to_list(), strict=True)
            self._draws[table] = [_draw(self.seed, f"{instance}|{row}") for instance, row in pairs]
        return self._draws[table]

    def _deck(self, table: str, classes: tuple[Column, ...], order: tuple[Column, ...]) -> _Deck:
        key = (table, classes, order)
        if key not in self._decks:
            height = self._frame(table).height
            told = [self._values(table, column) for column in classes]
            ranks = [[_rank(value) for value in self._values(table, column)] for column in order]
            draws = self._drawn(table)
            members: dict[tuple[Typed, ...], list[int]] = {}
            for row in range(height):
                members.setdefault(tuple(values[row] for values in told), []).append(row)
            keys: dict[tuple[Typed, ...], list[tuple[float, ...]]] = {}
            for name, rows in members.items():
                rows.sort(key=lambda row: (*(rank[row] for rank in ranks), draws[row]))
                keys[name] = [(*(rank[row] for rank in ranks), draws[row]) for row in rows]
            self._decks[key] = _Deck(members, keys)
        return self._decks[key]

    # -- distance ----------------------------------------------------------------------------------------------------
    def _by_distance(self, table: str, columns: Sequence[Column], known: Mapping[Column, Typed], own: str) -> list[int]:
        """Rows by Gower's distance over the questions that are known; those alike in the order of their draws."""
        draws = self._drawn(table)
        height = len(draws)
        chosen = np.arange(height)
        if height > MOST_RANKED:
            chosen = np.argsort(np.array(draws), kind="stable")[:MOST_RANKED]
        total = np.zeros(len(chosen))
        for column in columns:
            value = known.get(column)
            if value is None:
                continue
            total += self._apart(table, column, value)[chosen]
        turn = (np.array(draws)[chosen] - _draw(self.seed, own)) % 1.0
        return [int(chosen[place]) for place in np.lexsort((turn, total))]

    def _apart(self, table: str, column: Column, value: Typed) -> npt.NDArray[np.float64]:
        """How far each donor's answer is from a value, from 0 to 1; 1 where there is none."""
        key = (table, column)
        if key not in self._codes:
            values = self._values(table, column)
            is_measured = all(_is_measured(each) for each in values if each is not None)
            self._codes[key] = (
                np.array([np.nan if each is None else _rank(each) for each in values])
                if is_measured and values
                else np.array(["" if each is None else str(each) for each in values], dtype=object)
            )
        codes = self._codes[key]
        if codes.dtype == object:
            differs: npt.NDArray[np.float64] = (codes != str(value)).astype(np.float64)
            return differs
        spread = np.nanmax(codes) - np.nanmin(codes) if np.isfinite(codes).any() else 0.0
        if not spread or not _is_measured(value):
            return np.nan_to_num(np.where(codes == _rank(value), 0.0, 1.0), nan=1.0)
        apart: npt.NDArray[np.float64] = np.minimum(np.abs(codes - _rank(value)) / spread, 1.0)
        return np.nan_to_num(apart, nan=1.0)


def _outward(at: int, size: int, most: int, is_sorted: bool) -> list[int]:
    """Places from one on: the one before it, the one at it, and so on outwards; round and round where unsorted."""
    if not is_sorted:
        return [(at + step) % size for step in range(min(most, size))]
    found: list[int] = []
    for step in range(size):
        for place in (at - 1 - step, at + step):
            if 0 <= place < size:
                found.append(place)
        if len(found) >= most:
            break
    return found


def _is_measured(value: object) -> bool:
    return not isinstance(value, str | bool)


def _rank(value: Typed) -> float:
    """A value's place in the order of its kind; what is blank comes first."""
    if value is None:
        return -np.inf
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        # Eight letters are enough to tell neighbours.
        return float(int.from_bytes(value.encode()[:8].ljust(8, b"\0"), "big"))
    return float(value.toordinal())


def _draw(seed: str, text: str) -> float:
    """A number from 0 to 1 that only depends on what is given."""
    return int.from_bytes(hashlib.blake2b(f"{seed}|{text}".encode(), digest_size=8).digest(), "big") / 2**64
