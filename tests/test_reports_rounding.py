"""Controlled rounding, and the parameters of disclosure control as the design sheet sets them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.dense_tables import audit_pattern, protect_counts, with_margins
from reports.disclosure import protect
from reports.rules import DisclosureRules
from schemas.errors import ReleaseError
from schemas.estimates import Estimate
from schemas.workbook import Design

rows = st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=2, max_size=4)


def cells(table: list[list[int]]) -> list[Estimate]:
    named = {"total": [sum(column) for column in zip(*table, strict=True)]}
    named |= {f"d={at}": row for at, row in enumerate(table)}
    return [
        Estimate("i", domain, f"c{at}", 100 * hit / sum(row) if sum(row) else None, "percent", sum(row), hit)
        for domain, row in named.items()
        for at, hit in enumerate(row)
    ]


@given(rows, st.sampled_from([3, 5]))
@settings(max_examples=25, deadline=None)
def test_law_rounded_counts_are_multiples_that_add_up(table: list[list[int]], base: int) -> None:
    true = cells(table)
    safe = protect(true, DisclosureRules(method="rounding", base=base)).cells
    assert not any(cell.suppressed for cell in safe)
    hits = [0 if not cell.n else round((cell.estimate or 0) * cell.n / 100) for cell in safe]
    assert all(hit % base == 0 and (cell.n or 0) % base == 0 for hit, cell in zip(hits, safe, strict=True))
    assert all(abs(hit - cell.cell_n) < 3 * base for hit, cell in zip(hits, true, strict=True))
    for at in range(3):
        assert hits[at] == sum(hits[at + 3 :: 3])
    for start in range(0, len(hits), 3):
        assert sum(hits[start : start + 3]) == safe[start].n


def test_weighted_figures_arent_rounded() -> None:
    with pytest.raises(ReleaseError, match="REL-058"):
        protect([Estimate("i", "total", "", 50.0, "percent", 90, 45, se=2.0)], DisclosureRules(method="rounding"))


def test_the_design_sheet_sets_the_rules() -> None:
    rows = {"dominance": "3 75%", "p_percent": "0.2", "group_disclosure": "no", "disclosure_method": "rounding 5"}
    found = DisclosureRules.read(Design("s", threshold=8, settings=rows))
    assert found == DisclosureRules(8, 4, 3, 0.75, 0.2, 0, "rounding", 5)
    assert DisclosureRules.read(Design("s", threshold=10)) == DisclosureRules()


@pytest.mark.parametrize("row", [("dominance", "two"), ("p_percent", "-1"), ("disclosure_method", "rounding 4")])
def test_a_row_that_cant_be_read_is_told(row: tuple[str, str]) -> None:
    with pytest.raises(ReleaseError, match="REL-055"):
        DisclosureRules.read(Design("s", settings=dict([row])))


def test_dc_06_a_dominated_sum_is_withheld_and_hidden_beside_enough() -> None:
    """In d=1 two of twelve hold 95 %; the others together must hide the largest within 10 %."""
    sums = {
        "total": (1000.0, 400.0, 300.0),
        "d=0": (80.0, 8.0, 8.0),
        "d=1": (800.0, 400.0, 360.0),
        "d=2": (120.0, 9, 9),
    }
    figures = [
        Estimate("rent", domain, "", 1.0, "clp", n, n, parts=parts)
        for (domain, parts), n in zip(sums.items(), (60, 20, 12, 28), strict=True)
    ]
    rules = DisclosureRules.of(10)
    assert rules.shortfall(sums["d=1"]) > 0 and rules.shortfall(sums["d=2"]) == 0
    assert [cell.suppressed for cell in protect(figures, rules).cells] == ["", "secondary", "primary", ""]


def test_dc_07_all_or_none_of_a_small_base_is_withheld() -> None:
    rules = DisclosureRules.of(10)
    assert rules.reveals_group(Estimate("i", "d=0", "", 100.0, "percent", 19, 19))
    assert rules.reveals_group(Estimate("i", "d=0", "", 0.0, "percent", 19, 0))
    assert not rules.reveals_group(Estimate("i", "d=0", "", 100.0, "percent", 20, 20))
    assert not rules.reveals_group(Estimate("i", "d=0", "c", 0.0, "percent", 19, 0))


def test_a_table_with_all_margins_is_protected_against_who_knows_all_other_blocks() -> None:
    counts = np.random.default_rng(3).poisson([[4.0, 12, 30, 2]], (9, 4))[:, :, None] * np.array([1, 2])
    full, hidden = with_margins(counts), protect_counts(counts, 10)
    assert hidden[(full > 0) & (full < 10)].all()
    audit = audit_pattern(full, hidden, 10)
    assert audit.cells > 20 and audit.narrow == 0
    lone = (full > 0) & (full < 10)
    assert audit_pattern(full, lone, 10).narrow
