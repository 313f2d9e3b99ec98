"""Disclosure control: the rule at its bounds, and its laws over random tables.

Requirements DC-01 to DC-04 stand in reports/disclosure.py and docs/methods/disclosure.md.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from reports.disclosure import is_too_small, protect
from schemas.estimates import Estimate, SafeTable


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("groups", Path(__file__).with_name("disclosure_groups.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["groups"] = module
    spec.loader.exec_module(module)
    return module


find_groups = _load().find_groups


def share(domain: str, n: int, rows: int, indicator: str = "i", category: str = "") -> Estimate:
    return Estimate(indicator, domain, category, 100 * rows / n if n else None, "percent", n, rows)


def shares(total: tuple[int, int], *domains: tuple[int, int]) -> list[Estimate]:
    return [share("total", *total)] + [share(f"d={at}", *domain) for at, domain in enumerate(domains)]


def marks(table: SafeTable) -> list[str]:
    return [cell.suppressed for cell in table.cells]


@pytest.mark.parametrize(
    ("base", "rows", "small"),
    [(100, 9, True), (100, 10, False), (100, 91, True), (100, 90, False), (100, 0, False), (100, 100, False)],
)
def test_dc_01_small_rows_and_small_remainders_are_withheld(base: int, rows: int, small: bool) -> None:
    assert is_too_small(base, rows, 10) is small


@pytest.mark.parametrize(("base", "small"), [(9, True), (10, False), (0, False)])
def test_dc_01_a_small_base_is_withheld_even_with_no_rows(base: int, small: bool) -> None:
    assert is_too_small(base, 0, 10) is small


def test_dc_02_a_lone_withheld_domain_takes_the_next_smallest_with_it() -> None:
    assert marks(protect(shares((150, 75), (80, 40), (9, 5), (61, 30)), 10)) == ["", "", "primary", "secondary"]


def test_dc_02_two_withheld_domains_that_hold_too_few_together_take_a_third() -> None:
    table = protect(shares((108, 58), (60, 30), (40, 20), (4, 4), (4, 4)), 10)
    assert marks(table) == ["", "", "secondary", "primary", "primary"]


def test_dc_02_people_left_out_of_a_breakdown_are_a_hidden_domain() -> None:
    """Three of 103 gave no sex: with both sexes shown, subtraction would tell of those three."""
    table = protect(shares((103, 60), (60, 35), (40, 22)), 10)
    assert marks(table) == ["", "", "secondary"]


def test_dc_02_a_lone_withheld_category_takes_the_next_smallest_with_it() -> None:
    rows = {"haiti": 60, "peru": 25, "cuba": 5, "spain": 10}
    table = protect([share("total", 100, count, category=code) for code, count in rows.items()], 10)
    assert marks(table) == ["", "", "primary", "secondary"]


def test_dc_02_the_sum_is_withheld_where_nothing_else_is_left() -> None:
    """The only domain with rows equals the total: the total would give it away."""
    cells = [
        share("total", 60, 30, category="a"),
        share("total", 60, 30, category="b"),
        share("d=x", 60, 30, category="a"),
        share("d=x", 60, 30, category="b"),
        share("e=y", 5, 5, category="a"),
        share("e=y", 5, 0, category="b"),
        share("e=z", 55, 25, category="a"),
        share("e=z", 55, 30, category="b"),
    ]
    table = protect(cells, 10)
    assert marks(table)[4:] == ["primary", "primary", "secondary", "secondary"]


def test_dc_04_a_withheld_cell_shows_nothing() -> None:
    cell = Estimate("i", "total", "", 12.0, "percent", 5, 5, 1.0, 2.0, 3.0, 0.1, 4, "reliable", 0.5, "note")
    safe = protect([cell], 10).cells[0]
    shown = (safe.estimate, safe.n, safe.se, safe.ci_low, safe.ci_high, safe.cv, safe.df, safe.unknown_rate)
    assert shown == (None,) * 8 and (safe.label, safe.note, safe.suppressed) == ("", "", "primary")


def test_dc_04_the_rate_of_unknown_answers_is_withheld_where_few_gave_none() -> None:
    few = Estimate("i", "total", "", 50.0, "percent", 95, 40, unknown_rate=0.05)
    many = Estimate("i", "total", "", 50.0, "percent", 80, 40, unknown_rate=0.2)
    assert [cell.unknown_rate for cell in protect([few], 10).cells + protect([many], 10).cells] == [None, 0.2]


def test_the_statement_counts_what_was_withheld_in_three_languages() -> None:
    table = protect(shares((150, 75), (80, 40), (9, 5), (61, 30)), 10)
    assert (table.primary, table.secondary, table.threshold) == (1, 1, 10)
    assert sorted(table.statement) == ["en", "es", "ht"]
    assert all("10" in text for text in table.statement.values())


# Random tables of one indicator: rows by domain of a breakdown and category, and rows left out of the breakdown.
counts = st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=1, max_size=5)
left_out = st.lists(st.integers(0, 15), min_size=3, max_size=3)


def distribution(rows: Sequence[Sequence[int]], rest: Sequence[int]) -> list[Estimate]:
    everybody = [sum(column) for column in zip(*rows, rest, strict=True)]
    named = {"total": everybody} | {f"d={at}": list(row) for at, row in enumerate(rows)}
    return [
        share(domain, sum(row), count, category=f"c{at}")
        for domain, row in named.items()
        for at, count in enumerate(row)
    ]


@given(counts, left_out, st.integers(1, 12))
@settings(max_examples=150, deadline=None)
def test_law_no_published_cell_is_below_the_threshold(rows: list[list[int]], rest: list[int], threshold: int) -> None:
    cells = distribution(rows, rest)
    for cell, safe in zip(cells, protect(cells, threshold).cells, strict=True):
        if not safe.suppressed:
            assert not is_too_small(cell.n, cell.cell_n, threshold)


@given(counts, left_out, st.integers(1, 12))
@settings(max_examples=150, deadline=None)
def test_law_no_sum_has_exactly_one_hidden_part(rows: list[list[int]], rest: list[int], threshold: int) -> None:
    cells = distribution(rows, rest)
    safe = protect(cells, threshold).cells
    for group in find_groups(cells)["i"]:
        hidden = [at for at in group.members if safe[at].suppressed]
        sum_is_shown = group.whole is None or not safe[group.whole].suppressed
        if sum_is_shown and len(hidden) == 1 and not group.rest_n:
            # Nothing else is left to hide: a single category is all of its domain, and says nothing about anybody.
            assert group.whole is None and len(group.members) == 1


@given(counts, left_out, st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_law_no_withheld_cell_can_be_computed_again(rows: list[list[int]], rest: list[int], threshold: int) -> None:
    """An intruder with a linear programme: knows every sum shown, every cell shown, and that no count is negative."""
    cells = distribution(rows, rest)
    safe = protect(cells, threshold).cells
    for at, low, high in feasible_intervals(cells, safe):
        if safe[at].suppressed == "primary" and cells[at].cell_n:
            assert high - low > 1e-6


@given(counts, left_out)
def test_law_threshold_zero_withholds_nothing(rows: list[list[int]], rest: list[int]) -> None:
    assert not any(marks(protect(distribution(rows, rest), 0)))


@given(counts, left_out, st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_law_protecting_twice_is_the_same(rows: list[list[int]], rest: list[int], threshold: int) -> None:
    cells = distribution(rows, rest)
    assert protect(cells, threshold) == protect(iter(cells), threshold)


def feasible_intervals(cells: Sequence[Estimate], safe: Sequence[object]) -> list[tuple[int, float, float]]:
    # A domain's n stands beside each of its categories: it is known as long as one of them is shown.
    groups = [
        group
        for group in find_groups(cells)["i"]
        if group.whole is not None or not all(getattr(safe[at], "suppressed") for at in group.members)  # noqa: B009
    ]
    hidden = [at for at, cell in enumerate(safe) if getattr(cell, "suppressed")]  # noqa: B009
    column = {at: index for index, at in enumerate(hidden)}
    width = len(hidden) + len(groups)
    matrix, right = np.zeros((len(groups), width)), np.zeros(len(groups))
    for row, group in enumerate(groups):
        whole = cells[group.members[0]].n if group.whole is None else cells[group.whole].cell_n
        if group.whole in column:
            matrix[row, column[group.whole]] = -1
        else:
            right[row] = whole
        for member in group.members:
            if member in column:
                matrix[row, column[member]] = 1
            else:
                right[row] -= cells[member].cell_n
        if group.rest_n:
            matrix[row, len(hidden) + row] = 1
    found = []
    for at in hidden:
        target = np.zeros(width)
        target[column[at]] = 1
        ends = [linprog(sign * target, A_eq=matrix, b_eq=right, bounds=(0, 10_000)) for sign in (1, -1)]
        assert all(end.success for end in ends)
        found.append((at, float(ends[0].fun), float(-ends[1].fun)))
    return found
