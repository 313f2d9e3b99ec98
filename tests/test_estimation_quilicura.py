"""The shipped questionnaire's indicators over rehearsed interviews: every one can be computed, and adds up."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from estimation.indicators import estimate
from forms.compile import CompiledForm, compile_workbook
from forms.rehearsal import rehearse
from forms.rows import read_rows
from forms.sheets import read_workbook
from reports.disclosure import is_too_small, protect
from schemas.estimates import TOTAL, Estimates
from schemas.submissions import RawSubmission

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
COUNTRIES = {"HAITÍ": "332", "VENEZUELA": "862", "PERÚ": "604", "COLOMBIA": "170"}
FORMS = Path(__file__).resolve().parents[1] / "forms"
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def compiled() -> CompiledForm:
    return compile_workbook(read_workbook(FORMS / "quilicura"))


@pytest.fixture(scope="module")
def tables(compiled: CompiledForm) -> Mapping[str, pl.DataFrame]:
    form = compiled.form
    batch = [
        RawSubmission(at, form.form_id, form.version, one.instance_id, AT, one.xml, "", "rehearsal")
        for at, one in enumerate(rehearse(compiled, 150, 7, AT), start=1)
    ]
    return read_rows(form, batch, b"k" * 32).tables


@pytest.fixture(scope="module")
def estimates(compiled: CompiledForm, tables: Mapping[str, pl.DataFrame]) -> Estimates:
    return estimate(compiled.specs, compiled.form, tables)


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


def read_margins(commune: str) -> dict[str, str]:
    """Foreign residents of a commune by country of birth (INE and SERMIG, 2022), as rows of the sheet `design`."""
    path = REFERENCE / "migrants_by_commune_and_country_2022.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this checkout")
    totals: dict[str, float] = defaultdict(float)
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter=";"):
            if row["cut_comuna"] == commune and row["pais"] != "PAÍS IGNORADO":
                totals[COUNTRIES.get(row["pais"], "other")] += float(row["estimacion"])
    return {f"margin:person_country:{code}": f"{total:.0f}" for code, total in totals.items()}


@pytest.mark.parametrize("weight", ["100", None])
def test_the_rehearsed_interviews_are_weighted_to_the_communes_real_residents_by_country(
    compiled: CompiledForm, tables: Mapping[str, pl.DataFrame], weight: str | None
) -> None:
    """From a rough base weight, and from none: the margins are reached all the same."""
    margins = read_margins("13125")
    assert margins["margin:person_country:332"] == "14667"
    design = compiled.specs.design
    design = replace(design, weight=weight, settings=dict(design.settings) | margins)
    found = estimate(replace(compiled.specs, design=design), compiled.form, tables)
    assert found.problems == ()
    step = found.weighting[-1]
    print(f"{step.name}: {step.before:,.0f} -> {step.after:,.0f} interviews, effect {step.effect:.2f}")
    for name, total, before, after in step.margins:
        print(f"  {name}: total {total:,.0f}, before {before:,.0f}, reached {after:,.0f}")
        assert after == pytest.approx(total, rel=1e-6)
    people = {each.domain: each for each in found if each.indicator == "migrants_counted"}
    assert people["person_country=332"].estimate == pytest.approx(14_667, rel=1e-6)
    total = people[TOTAL].estimate
    assert total == pytest.approx(sum(float(each) for each in margins.values()), rel=1e-3)
    # A sample without known probabilities may be weighted; it gets no standard error all the same.
    assert all(each.se is None and each.label == "no_sampling_error" for each in found)
