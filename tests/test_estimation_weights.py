"""From the frame to the weights: each step by hand, and the sheet `design` through the whole of it.

Specified in docs/methods/weights.md.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimation.indicators import estimate
from estimation.linear import estimate_by_domain
from estimation.samples import build_sample
from estimation.weights import kish_effect, trim, weigh_by_frame, weigh_by_probability, weigh_response
from expressions.columns import compile_columns
from schemas.errors import EstimationError
from schemas.estimates import Estimates
from schemas.fields import Field, Form, Group, Table
from schemas.workbook import Breakdown, Design, Indicator, Specs


def field(name: str, table: str = "main", kind: str = "string") -> Field:
    folder = "/data" if table == "main" else "/data/person"
    return Field(name, f"{folder}/{name}", kind, "input", table, name)


MAIN_FIELDS = (field("sector"), field("w", kind="decimal"), field("size"), field("done"), field("p", kind="decimal"))
PERSON_FIELDS = (field("sex", "person"), field("country", "person"), field("age", "person", "int"))
FORM = Form(
    "survey",
    "1",
    "Survey",
    Group("data", "/data", children=MAIN_FIELDS),
    (Table("main", "/data", None, MAIN_FIELDS), Table("person", "/data/person", "main", PERSON_FIELDS)),
)
HOUSES = 24
MAIN = pl.DataFrame(
    {
        "_instance_id": [f"i{n}" for n in range(HOUSES)],
        "_row_id": [""] * HOUSES,
        "sector": ["north" if n < 10 else "south" for n in range(HOUSES)],
        "w": [2.0 + n % 3 for n in range(HOUSES)],
        "size": ["big" if n % 2 else "small" for n in range(HOUSES)],
        "done": ["no" if n in (3, 15) else "yes" for n in range(HOUSES)],
        "p": [0.1] * HOUSES,
    }
)
PEOPLE = [
    (f"i{n}", f"person[{k}]", "", "1" if (n + k) % 2 else "2", ("332", "604", "152")[(n * k) % 3], 20 + n + k)
    for n in range(HOUSES)
    for k in range(1, 2 + n % 3)
]
PERSON = pl.DataFrame(
    PEOPLE, schema=["_instance_id", "_row_id", "_parent_row_id", "sex", "country", "age"], orient="row"
)
TABLES = {"main": MAIN, "person": PERSON}
BREAKDOWNS = (
    Breakdown("sector", "main", {}, "${sector}"),
    Breakdown("size", "main", {}, "${size}"),
    Breakdown("sex", "person", {}, "${sex}"),
    Breakdown("country", "person", {}, "${country}"),
)
COUNT = Indicator("people", "t", "count", "person", {}, "people", breakdowns=("sex", "country", "sector"))
HOUSEHOLDS = Indicator("houses", "t", "count", "main", {}, "households", breakdowns=("sector", "size"))
AGE = Indicator("age", "t", "mean", "person", {}, "years", value="${age}")


def run(settings: dict[str, str], probability: bool = True, weight: str | None = "${w}", **more: str) -> Estimates:
    design = Design("survey", probability=probability, weight=weight, settings={"table_rule": "no"} | settings, **more)  # type: ignore[arg-type]
    return estimate(
        Specs(indicators=(COUNT, HOUSEHOLDS, AGE), breakdowns=BREAKDOWNS, design=design), FORM, TABLES, compile_columns
    )


def figure(found: Estimates, indicator: str, domain: str) -> tuple[float | None, float | None]:
    one = next(each for each in found if (each.indicator, each.domain) == (indicator, domain))
    return one.estimate, one.se


def test_frame_counts_over_interviews_are_base_weights() -> None:
    weights = weigh_by_frame(pl.Series(["a", "a", "b", None]), {"a": 10, "b": 7, "c": 1})
    assert weights[:3].tolist() == [5.0, 5.0, 7.0] and np.isnan(weights[3])


def test_a_stratum_without_a_count_in_the_frame_is_named() -> None:
    with pytest.raises(EstimationError, match="«b»") as caught:
        weigh_by_frame(pl.Series(["a", "b"]), {"a": 10})
    assert caught.value.code == "EST-050"


def test_selection_probabilities_are_inverted_and_held_to_their_range() -> None:
    assert weigh_by_probability(pl.Series([0.5, 1.0])).tolist() == [2.0, 1.0]
    with pytest.raises(EstimationError) as caught:
        weigh_by_probability(pl.Series([0.5, 0.0, 1.5]))
    assert caught.value.code == "EST-051" and "2 of 3" in caught.value.message


def test_those_who_answered_stand_for_their_class() -> None:
    weights = weigh_response(
        np.array([2.0, 2.0, 4.0, 3.0]), np.array([True, False, True, True]), pl.Series(["a", "a", "a", "b"])
    )
    assert weights.tolist() == pytest.approx([8 / 3, 0.0, 16 / 3, 3.0])


def test_a_class_in_which_nobody_answered_is_named() -> None:
    with pytest.raises(EstimationError, match="«b»") as caught:
        weigh_response(np.ones(2), np.array([True, False]), pl.Series(["a", "b"]))
    assert caught.value.code == "EST-052"


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=30))
def test_trimming_keeps_the_sum_where_a_weight_is_within_the_bounds(values: list[float]) -> None:
    weights = np.array(values)
    trimmed = trim(weights, 0.3, 3.0)
    median = float(np.median(weights))
    inside = (weights > 0.3 * median) & (weights < 3 * median)
    if inside.any():
        assert trimmed.sum() == pytest.approx(weights.sum())
    assert trimmed[~inside].tolist() == pytest.approx(np.clip(weights, 0.3 * median, 3 * median)[~inside].tolist())


def test_unequal_weights_cost_one_plus_the_square_of_their_variation() -> None:
    weights = np.array([1.0, 2.0, 3.0, 6.0, 0.0, np.nan])
    held = weights[:4]
    assert kish_effect(weights) == pytest.approx(1 + (held.std() / held.mean()) ** 2)


def test_each_step_is_told_with_what_it_did() -> None:
    found = run({"response": "${done} = 'yes'", "response_class": "${sector}", "trim": "0.6 1.4"})
    assert [(step.name, step.rows) for step in found.weighting] == [("base", 24), ("response", 22), ("trim", 22)]
    base, response, trimmed = found.weighting
    assert base.after == response.before == pytest.approx(response.after) == pytest.approx(trimmed.after)
    assert response.effect > 1 and trimmed.largest <= response.largest
    assert found.problems == ()


def test_frame_rows_of_the_sheet_make_the_weights() -> None:
    found = run({"frame:north": "100", "frame:south": "280"}, weight=None, strata="${sector}")
    assert figure(found, "houses", "sector=north") == (pytest.approx(100), pytest.approx(0, abs=1e-9))
    assert figure(found, "houses", "sector=south")[0] == pytest.approx(280)


def test_one_margin_of_interviews_is_reached_and_has_no_error_left() -> None:
    found = run({"margin:sector:north": "40", "margin:sector:south": "90"})
    assert figure(found, "houses", "sector=south") == (pytest.approx(90), pytest.approx(0, abs=1e-9))
    assert found.weighting[-1].name == "calibration"
    assert [(name, total, pytest.approx(total)) for name, total, _, after in found.weighting[-1].margins] == [
        (name, total, after) for name, total, _, after in found.weighting[-1].margins
    ]
    plain = run({})
    assert figure(found, "age", "total") != figure(plain, "age", "total")


def test_several_margins_of_interviews_are_raked() -> None:
    found = run(
        {"margin:sector:north": "40", "margin:sector:south": "90", "margin:size:big": "60", "margin:size:small": "70"}
    )
    for domain, total in (("sector=north", 40), ("sector=south", 90), ("size=big", 60), ("size=small", 70)):
        assert figure(found, "houses", domain)[0] == pytest.approx(total, rel=1e-5)


def test_margins_of_people_are_reached_with_one_weight_a_household() -> None:
    found = run(
        {"margin:country:332": "80", "margin:country:604": "40", "margin:sex:1": "75", "calibrate_bounds": "0.2 5"}
    )
    assert found.problems == ()
    for domain, total in (("country=332", 80), ("country=604", 40), ("sex=1", 75)):
        estimate_, se = figure(found, "people", domain)
        assert estimate_ == pytest.approx(total, rel=1e-5) and se == pytest.approx(0, abs=1e-5)
    _, se = figure(found, "people", "sector=south")
    assert se is not None and se > 0.1


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (
            {
                "margin:sector:north": "40",
                "margin:sector:south": "90",
                "margin:size:big": "60",
                "margin:size:small": "7",
            },
            "EST-036",
        ),
        ({"margin:sector:north": "40", "margin:sector:south": "9", "margin:sector:west": "5"}, "EST-021"),
        ({"margin:sector:north": "40"}, "EST-035"),
        ({"margin:sector:north": "many"}, "EST-031"),
        ({"margin:nowhere:1": "40"}, "EST-054"),
        ({"margin:sector:north": "40", "calibrate": "magic"}, "EST-055"),
        ({"margin:country:999": "40"}, "EST-021"),
        ({"margin:country:332": "8000", "calibrate_bounds": "0.9 1.1"}, "EST-024"),
        ({"margin:country:332": "80", "calibrate_bounds": "high"}, "EST-053"),
    ],
)
def test_margins_that_cannot_be_reached_leave_the_weights_as_they_were(settings: dict[str, str], code: str) -> None:
    found, plain = run(settings), run({})
    assert [problem.code for problem in found.problems] == [code]
    assert "before calibration" in found.problems[0].message
    assert found.estimates == plain.estimates


def test_weights_that_are_missing_or_not_positive_are_counted_and_stand_in_no_figure() -> None:
    found = run({}, weight="${w} - 2")
    assert [problem.code for problem in found.problems] == ["EST-026"]
    assert "8 of 24" in found.problems[0].message
    assert next(each for each in found if each.indicator == "houses").n == 16


@pytest.mark.parametrize(("rule", "is_stated"), [("center", True), ("skip", True), ("error", False)])
def test_a_stratum_with_one_psu_is_told_and_treated_as_the_sheet_says(rule: str, is_stated: bool) -> None:
    lone = MAIN.with_columns(sector=pl.when(pl.arange(HOUSES) == 0).then(pl.lit("west")).otherwise("sector"))
    design = Design("s", probability=True, weight="${w}", strata="${sector}", settings={"singleton": rule})
    specs = Specs(indicators=(HOUSEHOLDS,), breakdowns=BREAKDOWNS, design=design)
    found = estimate(specs, FORM, {**TABLES, "main": lone}, compile_columns)
    codes = {problem.code for problem in found.problems}
    assert "EST-027" in codes and ("EST-015" not in codes) is is_stated
    assert any(each.se for each in found) is is_stated


def test_people_of_sampled_households_vary_as_clusters_do() -> None:
    """The pipeline's error of a figure about people is that of a table of people whose clusters are the interviews."""
    people = PERSON.join(MAIN, on="_instance_id", maintain_order="left")
    sample = build_sample(people["w"], people["sector"], (people["_instance_id"],))
    whole = np.zeros(people.height, np.int64)
    wanted = estimate_by_domain(sample, "mean", people["age"].cast(pl.Float64).to_numpy(), whole, 1)
    found = run({}, strata="${sector}")
    assert figure(found, "age", "total") == (
        pytest.approx(wanted.estimate[0]),
        pytest.approx(float(np.sqrt(wanted.variance[0]))),
    )


def test_a_convenience_sample_may_be_weighted_and_still_has_no_standard_error() -> None:
    found = run({"margin:sector:north": "40", "margin:sector:south": "90"}, probability=False)
    assert figure(found, "houses", "sector=south") == (pytest.approx(90), None)
    assert {each.label for each in found} == {"no_sampling_error"}
