"""The shipped questionnaire's indicators over rehearsed interviews: every one can be computed, and adds up."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estimation.indicators import estimate
from forms.compile import CompiledForm, compile_workbook
from forms.rehearsal import rehearse
from forms.rows import read_rows
from forms.sheets import read_workbook
from reports.disclosure import is_too_small, protect
from schemas.estimates import TOTAL, Estimates
from schemas.submissions import RawSubmission

FORMS = Path(__file__).resolve().parents[1] / "forms"
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def compiled() -> CompiledForm:
    return compile_workbook(read_workbook(FORMS / "quilicura"))


@pytest.fixture(scope="module")
def estimates(compiled: CompiledForm) -> Estimates:
    form = compiled.form
    batch = [
        RawSubmission(at, form.form_id, form.version, one.instance_id, AT, one.xml, "", "rehearsal")
        for at, one in enumerate(rehearse(compiled, 60, 7, AT), start=1)
    ]
    return estimate(compiled.specs, form, read_rows(form, batch, b"k" * 32).tables)


def test_every_indicator_and_breakdown_can_be_computed(compiled: CompiledForm, estimates: Estimates) -> None:
    assert estimates.problems == ()
    told = {(each.indicator, each.domain.partition("=")[0]) for each in estimates}
    for indicator in compiled.specs.indicators:
        assert {(indicator.name, name) for name in (TOTAL, *indicator.breakdowns)} <= told, indicator.name


def test_percentages_are_percentages(compiled: CompiledForm, estimates: Estimates) -> None:
    kinds = {indicator.name: indicator.kind for indicator in compiled.specs.indicators}
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for each in estimates:
        assert 0 <= each.cell_n <= each.n
        if kinds[each.indicator] in {"share", "distribution"} and each.estimate is not None:
            assert each.unit == "percent" and 0 <= each.estimate <= 100
            assert each.estimate == pytest.approx(100 * each.cell_n / each.n)
            sums[each.indicator, each.domain] += each.estimate
    for (indicator, domain), total in sums.items():
        if kinds[indicator] == "distribution":
            assert total == pytest.approx(100), (indicator, domain)


def test_the_domains_of_a_breakdown_hold_no_more_than_everybody(estimates: Estimates) -> None:
    everybody = {(each.indicator, each.category): each for each in estimates if each.domain == TOTAL}
    parts: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for each in estimates:
        if each.domain != TOTAL:
            part = parts[each.indicator, each.category, each.domain.partition("=")[0]]
            part[0] += each.n
            part[1] += each.cell_n
    for (indicator, category, _), (n, rows) in parts.items():
        assert n <= everybody[indicator, category].n and rows <= everybody[indicator, category].cell_n


def test_what_is_shown_tells_of_ten_or_more(compiled: CompiledForm, estimates: Estimates) -> None:
    threshold = compiled.specs.design.threshold
    assert threshold == 10
    table = protect(estimates, threshold)
    assert table.primary and len(table.cells) == len(estimates)
    for each, cell in zip(estimates, table.cells, strict=True):
        assert cell.suppressed or not is_too_small(each.n, each.cell_n, threshold)
