"""Reductions along parents: the same as a loop over rows, whatever their order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from expressions.groups import Groups

NUMBERS = st.one_of(st.just(float("nan")), st.sampled_from([0.0, -1.5, 2.0, 7.0, float("inf")]))
ROWS = st.lists(st.tuples(st.integers(-1, 4), NUMBERS, st.booleans()), max_size=14)


ASKED = st.tuples(st.integers(-1, 4), st.sampled_from([-1.0, 0.0, 1.0, 2.0, 9.0, float("nan")]))


@given(rows=ROWS, in_order=st.booleans(), asked=st.lists(ASKED, max_size=6))
def test_groups_reduce_as_a_loop_over_their_rows(
    rows: list[tuple[int, float, bool]], in_order: bool, asked: list[tuple[int, float]]
) -> None:
    rows = sorted(rows, key=lambda row: row[0]) if in_order else rows
    parents = np.array([row[0] for row in rows], dtype=np.int64)
    values = np.array([row[1] for row in rows], dtype=np.float64)
    mask = np.array([row[2] for row in rows], dtype=np.bool_)
    groups = Groups(parents, 5)
    members = [[at for at in range(len(rows)) if parents[at] == group] for group in range(5)]
    known = [[values[at] for at in some if not np.isnan(values[at])] for some in members]
    np.testing.assert_array_equal(groups.count(), [len(some) for some in members])
    np.testing.assert_array_equal(groups.count(mask), [sum(mask[at] for at in some) for some in members])
    np.testing.assert_array_equal(groups.sum(values), [sum(some) for some in known])
    np.testing.assert_array_equal(groups.extreme(values, largest=True), [max(some, default=np.nan) for some in known])
    np.testing.assert_array_equal(groups.extreme(values, largest=False), [min(some, default=np.nan) for some in known])
    wanted = np.array([group for group, _ in asked], dtype=np.int64)
    places = np.array([place for _, place in asked], dtype=np.float64)
    expected = [
        members[group][int(place) - 1] if group >= 0 and 1 <= place <= len(members[group]) else -1
        for group, place in asked
    ]
    np.testing.assert_array_equal(groups.nth(wanted, places), expected)
