"""The page of methods says how this survey's figures were made: its weights, its errors, its standard of quality."""

from __future__ import annotations

from dataclasses import replace

import pytest
from release_sample import build

from reports.design_tables import design_tables
from reports.site import build_site
from schemas.estimates import WeightStep

STEPS = (
    WeightStep("base", 1021, 1021.0, 27_123.4, 12.5, 99.0, 1.21),
    WeightStep(
        "calibration",
        1021,
        27_123.4,
        27_429.0,
        8.25,
        140.0,
        1.63,
        (("country=332", 14_667.0, 5.0, 14_667.0), ("sex*country=1*332", 9.0, 2.0, 9.0)),
    ),
)


def method_page(settings: dict[str, str], steps: tuple[WeightStep, ...] = (), weight: str | None = None) -> str:
    table, contents = build(precise=True)
    design = contents.specs.design
    design = replace(design, weight=weight, settings=dict(design.settings) | settings)
    contents = replace(contents, specs=replace(contents.specs, design=design), tables=design_tables(steps, ()))
    pages = build_site("sample-1", table, contents, {})
    return pages["metodo.html"].decode() + pages["en/metodo.html"].decode()


def test_the_steps_of_the_weights_and_the_totals_they_reach_are_shown() -> None:
    page = method_page({"frame:1": "27000"}, STEPS)
    for told in (
        "Cómo se hicieron los pesos",
        "How the weights were made",
        "27.123",
        "27,429",
        "1.63",
    ):
        assert told in page, told
    assert "Country of birth: Haiti" in page and "14.667" in page and "sex*country=1*332" in page
    assert "12,50" not in page and "12.50" not in page
    assert "Each case counts by its weight." in page and "there are no weights" not in page


@pytest.mark.parametrize(
    ("settings", "told", "not_told"),
    [
        ({}, "standard of INE", "CEPAL"),
        ({"quality_standard": "cepal"}, "criteria of CEPAL (2020)", "standard of INE"),
        ({"quality_standard": "cepal_2023"}, "criteria of CEPAL (2023)", "standard of INE"),
        ({}, "Taylor linearisation", "replicates of the weights"),
        ({"variance": "jackknife"}, "replicates of the weights", "Taylor linearisation"),
        ({}, "there are no weights", "How the weights were made"),
    ],
)
def test_what_the_design_chose_is_what_the_page_says(settings: dict[str, str], told: str, not_told: str) -> None:
    page = method_page(settings)
    assert told in page and not_told not in page
