"""Tests between groups of breakdowns: those of R's `svychisq` and `svyttest` on the interviews, persons included."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from estimation.comparisons import compare_groups
from estimation.differences import group_difference, independence
from estimation.samples import build_sample
from expressions.columns import compile_columns
from reports.design_tables import design_tables, whole_tables
from reports.disclosure import protect
from schemas.estimates import Estimate, GroupTest, WeightStep
from schemas.fields import INSTANCE_ID, Field, Form, Group, Table
from schemas.workbook import Breakdown, Design, Indicator, Specs

RANDOM = np.random.default_rng(5)
HOMES, PEOPLE = 60, 150


def fields(table: str, **kinds: str) -> tuple[Field, ...]:
    root = "/data" if table == "main" else "/data/person"
    return tuple(Field(name, f"{root}/{name}", kind, "input", table, name) for name, kind in kinds.items())


MAIN, PERSON = fields("main", block="string", w="decimal"), fields("person", sex="string", works="string", age="int")
FORM = Form(
    "survey",
    "1",
    "Survey",
    Group("data", "/data", children=MAIN),
    (Table("main", "/data", None, MAIN), Table("person", "/data/person", "main", PERSON)),
)
HOME = np.sort(RANDOM.integers(0, HOMES, PEOPLE))
TABLES = {
    "main": pl.DataFrame(
        {
            INSTANCE_ID: [f"h{at:02}" for at in range(HOMES)],
            "_row_id": [""] * HOMES,
            "block": [f"b{at % 20}" for at in range(HOMES)],
            "w": RANDOM.uniform(1, 4, HOMES).round(2),
        }
    ),
    "person": pl.DataFrame(
        {
            INSTANCE_ID: [f"h{at:02}" for at in HOME],
            "_row_id": [f"person[{at}]" for at in range(PEOPLE)],
            "_parent_row_id": [""] * PEOPLE,
            "sex": RANDOM.choice(["1", "2"], PEOPLE),
            "works": RANDOM.choice(["yes", "no", "seeks", None], PEOPLE, p=[0.4, 0.3, 0.2, 0.1]),
            "age": RANDOM.integers(0, 90, PEOPLE),
        }
    ),
}


def indicator(kind: str, **columns: object) -> Indicator:
    columns = {"table": "person", "unit": "percent", "topic": "", "label": {}, "breakdowns": ("sex",)} | columns
    return Indicator(name=kind, kind=kind, **columns)  # type: ignore[arg-type]


SHARE = indicator("share", denominator="${works} != ''", numerator="${works} = 'yes'")
WORKS = indicator("distribution", value="${works}")
AGE = indicator("mean", value="${age}", unit="years")
SPECS = Specs(
    indicators=(SHARE, WORKS, AGE),
    breakdowns=(Breakdown("sex", "person", {}, "${sex}", ("1", "2")),),
    design=Design("s", probability=True, weight="${w}", psu="${block}"),
)
EVERY = {(each.name, "sex") for each in SPECS.indicators}


def compare(specs: Specs = SPECS, wanted: set[tuple[str, str]] = EVERY) -> dict[str, GroupTest]:
    return {test.indicator: test for test in compare_groups(specs, FORM, TABLES, wanted, compile_columns)}


def test_persons_are_compared_as_if_each_had_its_households_design() -> None:
    people = TABLES["person"].join(TABLES["main"].select(INSTANCE_ID, "block", "w"), on=INSTANCE_ID, how="left")
    sample = build_sample(people["w"], None, [people["block"]])
    codes = people["works"].replace_strict({"no": 0, "seeks": 1, "yes": 2}, default=None).fill_null(-1).to_numpy()
    sex = people["sex"].cast(pl.Int64).to_numpy() - 1
    found = compare()
    several = independence(sample, codes, sex)
    assert (found["distribution"].statistic, found["distribution"].p) == pytest.approx((several.statistic, several.p))
    works = independence(sample, np.where(codes < 0, -1, codes == 2), sex)
    assert (found["share"].statistic, found["share"].denominator_df) == pytest.approx(
        (works.statistic, works.denominator_df)
    )
    ages = group_difference(sample, people["age"].cast(pl.Float64).to_numpy(), sex)
    assert (found["mean"].statistic, found["mean"].p) == pytest.approx((ages.t, ages.p))
    assert [test.method for test in found.values()] == ["rao_scott", "rao_scott", "t"]


def test_only_what_is_wanted_is_compared_and_nothing_without_probabilities() -> None:
    assert set(compare(wanted={("mean", "sex")})) == {"mean"}
    assert compare(replace(SPECS, design=replace(SPECS.design, probability=False))) == {}


def test_answers_of_which_a_row_has_several_and_single_groups_have_no_test() -> None:
    several = replace(WORKS, value="concat(${works}, ' ', ${sex})")
    one = replace(SPECS.breakdowns[0], categories=("1",), value="if(${sex} = '1', '1', '')")
    assert compare(replace(SPECS, indicators=(several,))) == {}
    assert compare(replace(SPECS, breakdowns=(one,))) == {}


def cells(*, small: bool) -> list[Estimate]:
    sizes = {"total": 400, "sex=1": 397 if small else 200, "sex=2": 3 if small else 200}
    return [Estimate("share", domain, "", 50.0, "percent", n, n // 2) for domain, n in sizes.items()]


def test_a_table_with_a_withheld_cell_is_not_tested() -> None:
    assert whole_tables(protect(cells(small=False), 10)) == {("share", "sex")}
    assert whole_tables(protect(cells(small=True), 10)) == set()


def test_the_tables_of_a_release_tell_steps_margins_and_tests() -> None:
    steps = (
        WeightStep("base", 10, 10.0, 100.0, 5.0, 20.0, 1.1),
        WeightStep("calibration", 10, 100.0, 120.0, 4.0, 25.0, 1.2, (("sex=1", 70.0, 3.0, 70.0),)),
    )
    tables = {table.name: table.frame for table in design_tables(steps, tuple(compare().values()))}
    assert list(tables) == ["weights", "margins", "tests"]
    # No single weight: with the frame's count the largest would count the interviews of the smallest stratum.
    assert tables["weights"].row(1) == ("calibration", 10, 100.0, 120.0, 1.2)
    # What a class held before would count the interviews of a small class.
    assert tables["margins"].row(0) == ("calibration", "sex=1", 70.0, 70.0)
    assert tables["tests"]["indicator"].to_list() == ["share", "distribution", "mean"]
    assert design_tables((), ()) == ()
