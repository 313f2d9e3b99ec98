"""Cells put together again: crossings and communes each in their place; labels and tests told in words."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from release_sample import COUNTRY, FORM, SEX, build

from reports.figure_tables import tabulate
from reports.results import Result, gather_results, results_by_commune
from reports.sentences import domain_label, tell, tell_quality
from reports.tables import ReleaseTable
from reports.test_sentences import tell_tests
from reports.views import draw_result, view_result
from reports.wording import Wording
from schemas.estimates import SafeCell

SPANISH = Wording("es")


def cell(domain: str, estimate: float | None = 10.0, category: str = "", **rest: object) -> SafeCell:
    values: dict[str, object] = dict.fromkeys(("se", "ci_low", "ci_high", "cv", "df", "unknown_rate"))
    told = values | {"label": "no_sampling_error", "suppressed": "", "note": ""} | rest
    n = None if estimate is None else 100
    return SafeCell("no_insurance", domain, category, estimate, "percent", n, **told)  # type: ignore[arg-type]


def results(*cells: SafeCell, breakdowns: tuple[str, ...] = ("sex", "sex*country"), **settings: str) -> Result:
    table, contents = build()
    indicator = next(each for each in contents.specs.indicators if each.name == "no_insurance")
    design = replace(contents.specs.design, settings=settings)
    specs = replace(contents.specs, indicators=(replace(indicator, breakdowns=breakdowns),), design=design)
    found = results_by_commune(replace(table, cells=cells), specs, FORM)
    return found[settings.get("of", "")][0]


CROSSED = (
    cell("total"),
    cell("sex=female", 20.0),
    cell("sex=male", 30.0),
    cell("sex=female&country=332", 40.0),
    cell("sex=male&country=332", None, suppressed="withheld"),
)


def test_a_crossing_is_a_grouping_of_its_own() -> None:
    sex, crossed = results(*CROSSED).groupings
    assert (sex.name, crossed.name, crossed.is_crossed) == ("sex", "sex*country", True)
    assert [codes for codes, _ in sex.groups] == [("female",), ("male",)]
    assert [domain_label(crossed, codes, SPANISH) for codes, _ in crossed.groups] == [
        "Mujeres, Haití",
        "Hombres, Haití",
    ]


def test_a_crossing_stands_in_the_table_and_not_in_the_chart() -> None:
    result = results(*CROSSED)
    section = tabulate(result, SPANISH).sections[-1]
    assert section.label == f"{SPANISH.pick(SEX.label)} × {SPANISH.pick(COUNTRY.label)}"
    assert [row.cells[0].text for row in section.rows] == ["40,0\xa0%", "oculto"]
    chart = draw_result(result)
    assert chart is not None and "country=332" not in chart.shapes


def test_a_communes_cells_are_its_own_and_the_whole_surveys_hold_none_of_them() -> None:
    cells = (*CROSSED, cell("commune=13125", 50.0), cell("commune=13125&sex=male", 60.0))
    own = results(*cells, communes="commune", of="13125")
    assert (own.commune, own.total.estimate) == ("13125", 50.0)
    assert set(own.cells) == {"total", "sex=male"} and own.cells["sex=male"][""].estimate == 60.0
    assert set(results(*cells, communes="commune").cells) == {each.domain for each in CROSSED}


@pytest.mark.parametrize(
    ("label", "standard", "told"),
    [
        ("reliable", "", "Según el estándar del INE, esta cifra es fiable."),
        ("weakly_reliable", "ine", "Según el estándar del INE, esta cifra es poco fiable. Úsela con cautela."),
        (
            "not_reliable",
            "cepal_2023",
            "Según el estándar de la CEPAL, esta cifra no es fiable. No conviene decidir con ella.",
        ),
        ("no_sampling_error", "", ""),
    ],
)
def test_the_label_of_quality_is_told_with_what_to_do(label: str, standard: str, told: str) -> None:
    assert tell_quality(results(cell("total", label=label)), standard, SPANISH) == told


def test_a_distribution_with_errors_shows_the_interval_in_each_cell() -> None:
    table, contents = build(precise=True)
    found = next(each for each in gather_results(table, contents.specs, FORM) if each.indicator.kind == "distribution")
    precise = {
        domain: {
            code: each
            if each.estimate is None
            else replace(each, se=1.0, ci_low=8.0, ci_high=12.5, label="not_reliable")
            for code, each in of.items()
        }
        for domain, of in found.cells.items()
    }
    view = view_result(replace(found, cells=precise), None, SPANISH)
    assert view.table.sections[0].rows[0].cells[0].aside == "8,0 – 12,5\xa0% no fiable"
    assert view.is_weak and any("8,0\xa0% y 12,5\xa0%" in sentence for sentence in view.story)


def test_tests_between_groups_are_told_by_breakdown() -> None:
    rows = pl.DataFrame({"indicator": ["no_insurance"] * 2, "breakdown": ["sex", "sex*country"], "p": [0.0004, 0.34]})
    tables = (ReleaseTable("tests", {}, rows, {}, ()),)
    assert tell_tests(results(*CROSSED), tables, SPANISH) == (
        "Sexo: las diferencias entre grupos superan el error muestral (p < 0,001).",
        "Sexo × País de nacimiento: las diferencias entre grupos no superan el error muestral (p = 0,340).",
    )
    assert tell_tests(results(*CROSSED), (), SPANISH) == ()


def test_the_most_frequent_is_not_claimed_where_one_that_is_withheld_may_be_more() -> None:
    table, contents = build()
    found = next(each for each in gather_results(table, contents.specs, FORM) if each.indicator.kind == "distribution")
    assert tell(found, SPANISH)[0].startswith("Lo más frecuente: Haití")
    hidden = replace(found.cells["total"]["332"], estimate=None, n=None, suppressed="withheld")
    cells = {**found.cells, "total": {**found.cells["total"], "332": hidden}}
    told = tell(replace(found, cells=cells), SPANISH)[0]
    assert told.startswith("De las respuestas que se publican, la más frecuente: Otro")
