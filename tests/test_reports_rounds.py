"""Earlier rounds: read from their folders, held against now where one definition and two errors allow it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html
from release_sample import build

from estimation.differences import round_difference
from reports.release import publish, release_files
from reports.results import gather_results
from reports.rounds import Measured, Round, read_round, read_rounds, tell_rounds
from reports.wording import Wording
from schemas.estimates import SafeTable
from schemas.workbook import Specs


def is_beyond(now: Measured, then: Measured) -> bool:
    return round_difference(now, then).p < 0.05


def shifted(table: SafeTable, points: float) -> SafeTable:
    cells = [
        replace(cell, estimate=cell.estimate + points)
        if cell.indicator == "no_insurance" and cell.estimate is not None
        else cell
        for cell in table.cells
    ]
    return replace(table, cells=tuple(cells))


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of 2024 with sampling errors: 25 per cent without insurance, standard error 2."""
    table, contents = build(precise=True)
    design = replace(contents.specs.design, period="2024")
    folder = tmp_path_factory.mktemp("releases") / "sample-2024"
    publish(folder, table, replace(contents, specs=replace(contents.specs, design=design)))
    return folder


def compare(earlier: Path, points: float, **changes: object) -> tuple[tuple[Round, ...], SafeTable, Specs]:
    table, contents = build(precise=True)
    table = shifted(table, points)
    specs = replace(contents.specs, **changes) if changes else contents.specs  # type: ignore[arg-type]
    return read_rounds([earlier], table, specs, is_beyond, rehearsal=True), table, specs


def test_a_round_is_what_its_release_published(earlier: Path) -> None:
    found = read_round(earlier)
    assert found is not None and (found.name, found.release_id) == ("2024", "sample-2024")
    figure = found.figures["no_insurance", "total", ""]
    assert (figure.estimate, figure.se, figure.df) == (pytest.approx(24.97551, abs=1e-5), 2.0, 40)
    assert ("rare", "total", "") not in found.figures  # withheld there


@pytest.mark.parametrize(("points", "beyond"), [(3.0, False), (8.0, True), (-8.0, True)])
def test_a_difference_is_told_from_sampling_error_where_both_have_one(
    earlier: Path, points: float, beyond: bool
) -> None:
    """The standard error of the difference is the root of 8; 5.66 points are its double."""
    (found,), table, specs = compare(earlier, points)
    assert found.beyond["no_insurance", "total", ""] is beyond
    _, contents = build(precise=True)
    result = next(each for each in gather_results(table, specs, contents.form) if each.indicator.name == "no_insurance")
    (told,) = tell_rounds(result, (found,), "", Wording("es"))
    sign = "+" if points > 0 else "−"
    reading = "supera" if beyond else "no supera"
    assert told.replace("\xa0", " ") == f"2024: 25,0 % (diferencia {sign}{abs(points):.1f}".replace(".", ",") + (
        f" puntos; {reading} el error muestral (95 %))."
    )


def test_figures_without_error_are_shown_and_not_judged(earlier: Path) -> None:
    (found,), _, _ = compare(earlier, 0.0)
    assert ("mean_age", "total", "") in found.figures and ("mean_age", "total", "") not in found.beyond


def test_a_changed_definition_is_said_and_not_judged(earlier: Path) -> None:
    _, contents = build(precise=True)
    other = [
        replace(each, numerator="${insurance} = 'fonasa'") if each.name == "no_insurance" else each
        for each in contents.specs.indicators
    ]
    (found,), _, _ = compare(earlier, 8.0, indicators=tuple(other))
    assert found.changed == {"no_insurance"} and not [key for key in found.beyond if key[0] == "no_insurance"]


def test_the_same_round_corrected_is_no_earlier_round(earlier: Path) -> None:
    _, contents = build(precise=True)
    design = replace(contents.specs.design, period="2024")
    assert compare(earlier, 0.0, design=design)[0] == ()


def test_rehearsed_rounds_are_not_held_against_real_figures(earlier: Path) -> None:
    table, contents = build(precise=True)
    assert read_rounds([earlier], table, contents.specs, is_beyond) == ()


def test_a_folder_without_tables_is_passed_over(tmp_path: Path) -> None:
    table, contents = build()
    assert read_rounds([tmp_path], table, contents.specs, is_beyond, rehearsal=True) == ()


def test_the_site_has_a_page_and_a_table_of_rounds(earlier: Path) -> None:
    rounds, table, _ = compare(earlier, 8.0)
    _, contents = build(precise=True)
    files = release_files("sample-2026", table, replace(contents, rounds=rounds))
    page = html.fromstring(files["site/en/rondas.html"])
    rows = {
        row[0].text_content(): [cell.text_content().strip() for cell in row[1:]] for row in page.xpath("//tbody/tr")
    }
    assert rows["Without health insurance"] == [
        "25.0%",
        "33.0%",
        "+8.0 points",
        "beyond sampling error (95%)",
    ]
    assert rows["Very rare"] == ["not published", "withheld", "–", "–"]
    told = list(csv.DictReader(io.StringIO(files["site/datos/rondas.csv"].decode())))
    total = next(row for row in told if row["indicator"] == "no_insurance" and row["domain"] == "total")
    assert (total["round"], total["difference"], total["beyond_sampling_error"]) == ("2024", "8.0", "yes")
    assert not [row for row in told if row["indicator"] == "rare" and row["domain"] == "total"]
