"""Large tables: what boxes and partial programmes prove of a cell is true of the whole table, sums of sums included."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.axes import Axis, Path
from reports.boxes import room_of
from reports.dense_attack import Rooms, attack_codes
from reports.dense_tables import audit_pattern, cover_lines, owed_widths, protect_counts, with_margins
from reports.equations import Equation, Interval, System, feasible_intervals

COMMUNES = Axis.nested(["north", "north", "north", "south", "south", "south", "south", "east"])
AGES = Axis.nested(["young", "young", "old", "old"])


def made(shape: tuple[int, ...], seed: int) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    return random.poisson(random.lognormal(1.2, 1.3, shape))


def exact(full: NDArray[np.int64], hidden: NDArray[np.bool_], axes: list[Axis]) -> dict[int, Interval]:
    """All intervals of the whole table, over all numbers."""
    number = np.arange(full.size).reshape(full.shape)
    equations = []
    for index, axis in enumerate(axes):
        lines = np.moveaxis(number, index, -1).reshape(-1, full.shape[index])
        for whole, parts in axis.children.items():
            factors = (*(1.0 for _ in parts), -1.0)
            equations += [Equation(tuple(line[[*parts, whole]].tolist()), factors) for line in lines]
    values = full.ravel().astype(float)
    lower, upper = np.where(hidden.ravel(), 0.0, values), np.where(hidden.ravel(), 1e4, values)
    system = System(lower, upper, tuple(equations), np.zeros(full.size, np.bool_))
    return feasible_intervals(system, np.flatnonzero(hidden).tolist())


CASES = [
    ((8, 5, 2), [Axis.flat(8), Axis.flat(5), Axis.flat(2)]),
    ((8, 4, 2), [COMMUNES, AGES, Axis.flat(2)]),
    ((8, 4), [COMMUNES, AGES]),
]


@pytest.mark.parametrize(("shape", "axes"), CASES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_protected_table_keeps_every_cell_in_the_interval_owed_to_it(
    shape: tuple[int, ...], axes: list[Axis], seed: int
) -> None:
    counts = made(shape, seed)
    full, hidden = with_margins(counts, axes), protect_counts(counts, 10, axes=axes)
    small = (full > 0) & (full < 10)
    assert hidden[small].all() and small.sum() > 10
    assert not hidden.all()
    owed = owed_widths(full, hidden, 10).ravel()
    found = exact(full, hidden, axes)
    assert all(found[at].width >= owed[at] - 1e-6 for at in found)
    assert audit_pattern(full, hidden, 10, axes=axes).narrow == 0


@pytest.mark.parametrize(("shape", "axes"), CASES)
def test_what_is_proved_of_a_cell_is_never_more_than_the_truth(shape: tuple[int, ...], axes: list[Axis]) -> None:
    full = with_margins(made(shape, 7), axes)
    hidden = cover_lines(full, (full > 0) & (full < 10), 10, axes)
    up, down = room_of(full, hidden, axes)
    rooms = Rooms(up.copy(), down.copy(), owed_widths(full, hidden, 10))
    attack_codes(full, hidden, axes, rooms)
    assert (rooms.up >= up).all() and (rooms.down >= down).all()
    values = full.ravel()
    for at, interval in exact(full, hidden, axes).items():
        assert min(rooms.up.ravel()[at], 1000.0) <= interval.high - values[at] + 1e-5
        assert rooms.down.ravel()[at] <= values[at] - interval.low + 1e-5
        assert np.where(hidden, 0.0, rooms.up).max() == 0.0


def test_hiding_the_small_cells_alone_is_seen_as_too_little() -> None:
    full = with_margins(made((8, 4), 1), [COMMUNES, AGES])
    audit = audit_pattern(full, (full > 0) & (full < 10), 10, axes=[COMMUNES, AGES])
    assert audit.narrow > 0 and len(audit.places) == audit.narrow


def test_sums_of_sums_are_those_of_the_codes() -> None:
    counts = made((8, 4), 5)
    full = with_margins(counts, [COMMUNES, AGES])
    assert full.shape == (12, 7)
    assert full[8, 4] == counts[:3, :2].sum() and full[10, 6] == counts[7].sum() and full[11, 6] == counts.sum()


def test_paths_leave_every_sum_as_it_is() -> None:
    for axis in (COMMUNES, AGES, Axis.flat(3)):
        for path in axis.paths:
            move = np.zeros(len(axis.parents))
            move[list(path.plus)], move[list(path.minus)] = 1, -1
            for whole, parts in axis.children.items():
                assert move[list(parts)].sum() == move[whole]
    assert COMMUNES.path(0, 1) == Path((0,), (1,))
    assert COMMUNES.path(0, 4) == Path((0, 8), (4, 9))
    assert COMMUNES.path(7, None) == Path((7, 10, 11), ())


def test_in_no_sum_a_cell_is_hidden_alone() -> None:
    axes = [COMMUNES, AGES]
    full = with_margins(made((8, 4), 9), axes)
    hidden = cover_lines(full, (full > 0) & (full < 10), 10, axes)
    for index, axis in enumerate(axes):
        values, flags = np.moveaxis(full, index, -1), np.moveaxis(hidden, index, -1)
        for (whole, parts), line in itertools.product(axis.children.items(), np.ndindex(*values.shape[:-1])):
            codes = [*parts, whole]
            told = flags[line][codes]
            others = values[line][codes][~told] > 0
            assert told.sum() != 1 or not others.any()
