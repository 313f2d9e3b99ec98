"""Indicators over small tables whose figures can be counted by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl
import pytest

from estimation.indicators import estimate
from schemas.errors import ExpressionError
from schemas.estimates import Estimate, Estimates
from schemas.fields import Form, Group, Table
from schemas.workbook import Breakdown, Design, Indicator, Specs

FORM = Form(
    "survey",
    "1",
    "Survey",
    Group("data", "/data"),
    (
        Table("main", "/data", None, ()),
        Table("person", "/data/person", "main", ()),
        Table("trip", "/data/person/trip", "person", ()),
    ),
)

MAIN = pl.DataFrame(
    {"_instance_id": ["a", "b", "c"], "_row_id": ["", "", ""], "sector": ["north", "south", None], "w": [1.0, 2.0, 4.0]}
)
PERSON = pl.DataFrame(
    [
        # interview, row, sex, age, works
        ("a", "person[1]", "female", 30, "yes"),
        ("a", "person[2]", "male", 40, "no"),
        ("b", "person[1]", "female", 50, "yes"),
        ("b", "person[2]", "female", 8, None),
        ("c", "person[1]", "male", 20, "yes"),
        ("c", "person[2]", "male", None, "dont_know"),
    ],
    schema=["_instance_id", "_row_id", "sex", "age", "works"],
    orient="row",
).with_columns(pl.lit("").alias("_parent_row_id"))
TRIP = pl.DataFrame(
    {
        "_instance_id": ["a", "b", "b"],
        "_row_id": ["person[2]/trip[1]", "person[1]/trip[1]", "person[2]/trip[1]"],
        "_parent_row_id": ["person[2]", "person[1]", "person[2]"],
        "days": [3, 4, 5],
    }
)
TABLES = {"main": MAIN, "person": PERSON, "trip": TRIP}


@dataclass(frozen=True)
class SqlColumn:
    """Stands in for the compiler of expressions: SQL over one table, `${name}` as a name."""

    text: str
    table: str

    def _evaluate(self, tables: Mapping[str, pl.DataFrame]) -> pl.Series:
        return tables[self.table].select(pl.sql_expr(self.text.replace("${", "").replace("}", "")).alias("v"))["v"]

    boolean = number = string = _evaluate


def compile_sql(text: str, form: Form, table: str) -> SqlColumn:
    if "nonsense" in text:
        raise ExpressionError("EXP-101", "There is no question «nonsense».", "Mend the name.", 0)
    return SqlColumn(text, table)


def indicator(kind: str, **columns: object) -> Indicator:
    texts: dict[str, object] = {"table": "person", "unit": "percent", "topic": "work", "label": {"en": "A figure"}}
    return Indicator(name="figure", kind=kind, **(texts | columns))  # type: ignore[arg-type]


SEX = Breakdown("sex", "person", {"en": "Sex"}, "${sex}", ("male", "female"))
SECTOR = Breakdown("sector", "main", {"en": "Sector"}, "${sector}")


def run(
    *indicators: Indicator, breakdowns: tuple[Breakdown, ...] = (SEX, SECTOR), design: Design | None = None
) -> Estimates:
    specs = Specs(indicators=indicators, breakdowns=breakdowns, design=design or Design("survey"))
    return estimate(specs, FORM, TABLES, compile_sql)


def figures(estimates: Estimates) -> dict[tuple[str, str], tuple[float | None, int, int]]:
    return {(e.domain, e.category): (e.estimate, e.n, e.cell_n) for e in estimates}


WORKS = indicator(
    "share",
    universe="${age} >= 15",
    denominator="${works} IN ('yes', 'no')",
    numerator="${works} = 'yes'",
    breakdowns=("sex", "sector"),
)


def test_a_share_is_per_cent_of_the_rows_whose_answer_is_known() -> None:
    """docs/methods/shares.md, section 3."""
    assert figures(run(WORKS)) == {
        ("total", ""): (75.0, 4, 3),
        ("sex=male", ""): (50.0, 2, 1),
        ("sex=female", ""): (100.0, 2, 2),
        ("sector=north", ""): (50.0, 2, 1),
        ("sector=south", ""): (100.0, 1, 1),
    }


def test_unknown_answers_are_a_rate_of_the_universe() -> None:
    """docs/methods/shares.md, section 4."""
    total = next(iter(run(replace(WORKS, universe=None))))
    assert total.unknown_rate == pytest.approx(2 / 6)


def test_a_design_without_known_probabilities_states_no_error() -> None:
    for figure in run(WORKS):
        assert (figure.se, figure.ci_low, figure.ci_high, figure.cv, figure.df) == (None,) * 5
        assert figure.label == "no_sampling_error"


def test_a_count_counts_the_rows_where_the_numerator_holds() -> None:
    """docs/methods/totals.md, section 3."""
    women = indicator("count", numerator="${sex} = 'female'", unit="people", breakdowns=("sector",))
    assert figures(run(women)) == {
        ("total", ""): (3.0, 3, 3),
        ("sector=north", ""): (1.0, 1, 1),
        ("sector=south", ""): (2.0, 2, 2),
    }


def test_a_mean_leaves_out_rows_without_a_number() -> None:
    """docs/methods/means.md, section 3."""
    age = run(indicator("mean", value="${age}", unit="years")).estimates[0]
    assert (age.estimate, age.n, age.cell_n) == (pytest.approx(29.6), 5, 5)
    assert age.unknown_rate == pytest.approx(1 / 6)


def test_a_ratio_is_sum_over_sum_times_its_scale() -> None:
    """docs/methods/means.md, section 4."""
    men = indicator(
        "ratio",
        numerator="CASE WHEN ${sex} = 'male' THEN 1 ELSE 0 END",
        denominator="CASE WHEN ${sex} = 'female' THEN 1 ELSE 0 END",
        scale=100.0,
        unit="men per 100 women",
    )
    assert figures(run(men)) == {("total", ""): (100.0, 6, 3)}


def test_a_distribution_groups_unlisted_codes_as_other() -> None:
    """docs/methods/shares.md, section 5."""
    works = indicator("distribution", value="${works}", categories=("yes", "no"))
    assert figures(run(works)) == {
        ("total", "yes"): (60.0, 5, 3),
        ("total", "no"): (20.0, 5, 1),
        ("total", "other"): (20.0, 5, 1),
    }


def test_several_answers_count_in_each_category() -> None:
    languages = {"main": MAIN.with_columns(pl.Series("spoken", ["es ht", "es", None]))}
    spoken = indicator("distribution", table="main", value="${spoken}")
    found = estimate(Specs(indicators=(spoken,), design=Design("s")), FORM, languages, compile_sql)
    assert figures(found) == {("total", "es"): (100.0, 2, 2), ("total", "ht"): (50.0, 2, 1)}


def test_a_grouping_of_the_interview_reaches_the_rows_of_a_repeat_within_a_repeat() -> None:
    days = indicator("mean", table="trip", value="${days}", unit="days", breakdowns=("sector", "sex"))
    assert figures(run(days)) == {
        ("total", ""): (4.0, 3, 3),
        ("sector=north", ""): (3.0, 1, 1),
        ("sector=south", ""): (4.5, 2, 2),
        ("sex=male", ""): (3.0, 1, 1),
        ("sex=female", ""): (4.5, 2, 2),
    }


def test_weights_count_where_the_design_has_them() -> None:
    weighted = run(replace(WORKS, breakdowns=()), design=Design("survey", weight="${w}"))
    assert figures(weighted) == {("total", ""): (pytest.approx(100 * 7 / 8), 4, 3)}


def test_an_empty_domain_has_no_figure() -> None:
    nobody = run(replace(WORKS, universe="${age} > 200", breakdowns=())).estimates[0]
    assert (nobody.estimate, nobody.n, nobody.note) == (None, 0, "empty_domain")


@pytest.mark.parametrize(
    ("empty", "words"),
    [
        (indicator("share", universe="${age} > 200", numerator="${works} = 'yes'"), "nobody stands in its denominator"),
        (indicator("mean", universe="${age} > 200", value="${age}"), "nobody stands in its denominator"),
        (indicator("ratio", numerator="${age}", denominator="${age} - ${age}"), "sums to zero over 5 rows"),
        (indicator("distribution", universe="${age} > 200", value="${works}"), "nobody stands in its denominator"),
    ],
)
def test_an_indicator_without_a_denominator_is_told_and_the_others_stand(empty: Indicator, words: str) -> None:
    found = run(replace(empty, name="empty", row=9), WORKS)
    assert [(problem.code, problem.row) for problem in found.problems] == [("EST-060", 9)]
    assert words in found.problems[0].message
    assert figures(Estimates(tuple(each for each in found if each.indicator == "figure"))) == figures(run(WORKS))


def test_a_count_of_nobody_is_zero_and_no_problem() -> None:
    found = run(indicator("count", universe="${age} > 200", unit="people"))
    assert (found.estimates[0].estimate, found.problems) == (0.0, ())


def test_an_indicator_that_cannot_be_evaluated_leaves_the_others_unharmed() -> None:
    broken = replace(WORKS, name="broken", numerator="${nonsense} = 1", row=7)
    found = run(broken, WORKS)
    assert {e.indicator for e in found} == {"figure"}
    assert [(p.code, p.sheet, p.row) for p in found.problems] == [("EXP-101", "indicators", 7)]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (indicator("share"), "EST-004"),
        (indicator("median"), "EST-005"),
        (indicator("count", table="absent"), "EST-001"),
        (indicator("count", breakdowns=("absent",)), "EST-006"),
        (indicator("count", table="main", breakdowns=("sex",)), "EST-002"),
    ],
)
def test_a_row_that_makes_no_sense_becomes_a_problem(broken: Indicator, code: str) -> None:
    assert [p.code for p in run(broken).problems] == [code]


def test_a_table_that_is_mostly_not_reliable_is_left_out_with_a_problem_in_its_place() -> None:
    found = run(replace(WORKS, row=3), design=Design("survey", probability=True))
    assert [each.domain for each in found] == ["total"]
    assert [(p.code, p.row) for p in found.problems] == [("EST-057", 3), ("EST-057", 3)]
    assert "figure by sex: 2 of 2 figures are not reliable" in found.problems[0].message


def test_tables_of_many_communes_that_are_not_published_are_told_in_one_message() -> None:
    communes = Breakdown("place", "main", {}, "${sector}", ("north", "south"))
    design = Design("survey", probability=True, communes="place")
    one = replace(WORKS, breakdowns=("place*sex",), row=3)
    found = run(one, breakdowns=(SEX, communes), design=design)
    assert [each.domain for each in found] == ["total", "place=south&sex=male", "place=south&sex=female"]
    assert len(found.problems) == 1
    assert "figure by place*sex in commune north: 2 of 2 figures" in found.problems[0].message
    both = run(replace(one, universe=None, denominator=None), breakdowns=(SEX, communes), design=design)
    assert [each.domain for each in both] == ["total", "place=south&sex=male", "place=south&sex=female"]


def test_the_quality_standard_is_chosen_in_the_design() -> None:
    unknown = run(WORKS, design=Design("survey", probability=True, settings={"quality_standard": "eurostat"}))
    assert unknown.problems[0].code == "EST-056"
    cepal = run(WORKS, design=Design("survey", probability=True, settings={"quality_standard": "cepal"}))
    assert "standard «cepal»" in cepal.problems[-1].message


def test_a_design_row_that_cannot_be_evaluated_takes_away_precision_not_figures() -> None:
    design = Design("survey", probability=True, weight="${w}", strata="${nonsense}")
    found = run(replace(WORKS, breakdowns=()), design=design)
    assert [(e.estimate, e.se) for e in found] == [(pytest.approx(87.5), None)]
    assert [(p.code, p.sheet) for p in found.problems] == [("EXP-101", "design")]


def test_precision_of_a_share_in_a_probability_sample_stays_within_bounds() -> None:
    found: list[Estimate] = list(run(WORKS, design=Design("survey", probability=True, weight="${w}")))
    total = found[0]
    assert total.se is not None and total.ci_low is not None and total.ci_high is not None
    assert 0 < total.ci_low < 87.5 < total.ci_high < 100
    assert total.df == 2  # three interviews are the three PSUs of one stratum
    assert total.label == "not_reliable"


def test_a_crossing_tells_every_pair_of_listed_categories_and_only_met_ones_of_others() -> None:
    crossed = run(replace(WORKS, breakdowns=("sex*sector",)))
    assert figures(crossed) == {
        ("total", ""): (75.0, 4, 3),
        ("sex=male&sector=north", ""): (0.0, 1, 0),
        ("sex=female&sector=north", ""): (100.0, 1, 1),
        ("sex=female&sector=south", ""): (100.0, 1, 1),
    }
    listed = replace(SECTOR, categories=("north", "south"))
    whole = run(replace(WORKS, breakdowns=("sector*sex",)), breakdowns=(SEX, listed))
    assert [each.domain for each in whole][1:] == [
        "sector=north&sex=male",
        "sector=north&sex=female",
        "sector=south&sex=male",
        "sector=south&sex=female",
    ]
    empty = whole.estimates[3]
    assert (empty.estimate, empty.n, empty.note) == (None, 0, "empty_domain")


@pytest.mark.parametrize(
    "columns",
    [
        {"kind": "count", "unit": "people"},
        {"kind": "mean", "value": "${age}", "unit": "years"},
        {"kind": "quantile", "value": "${age}", "unit": "years"},
        {"kind": "ratio", "numerator": "${age}", "denominator": "${age} + 1"},
        {"kind": "distribution", "value": "${works}"},
    ],
)
@pytest.mark.parametrize("probability", [False, True])
def test_a_crossed_domain_has_the_figure_of_its_rows_alone(columns: dict[str, object], probability: bool) -> None:
    """Every kind: the crossing says of a group what the universe reduced to that group says."""
    design = Design("survey", probability=probability, weight="${w}", settings={"table_rule": "no"})
    one = indicator(**columns)  # type: ignore[arg-type]
    crossed = run(replace(one, breakdowns=("sector*sex",)), design=design)
    for sector, sex in (("north", "male"), ("north", "female"), ("south", "female")):
        alone = run(
            replace(one, universe=f"${{sex}} = '{sex}'", breakdowns=("sector",)),
            design=design,
        )
        for found in (each for each in alone if each.domain == f"sector={sector}"):
            domain = f"sector={sector}&sex={sex}"
            same = [each for each in crossed if (each.domain, each.category) == (domain, found.category)]
            rate = same[0].unknown_rate  # told wherever an answer isn't known somewhere
            assert same == [replace(found, domain=domain, unknown_rate=rate)]


def test_the_median_is_the_smallest_value_that_half_of_the_weight_reaches() -> None:
    age = indicator("quantile", value="${age}", unit="years", breakdowns=("sex",))
    assert figures(run(age)) == {
        ("total", ""): (30.0, 5, 5),
        ("sex=male", ""): (20.0, 2, 2),
        ("sex=female", ""): (30.0, 3, 3),
    }
    assert run(replace(age, quantile=0.9)).estimates[0].estimate == 50.0
    assert [each.code for each in run(replace(age, quantile=1.5)).problems] == ["EST-008"]
    precise = run(age, design=Design("survey", probability=True)).estimates[0]
    # With three interviews the share's interval reaches beyond one: Woodruff's has no upper end, as in R.
    assert (precise.ci_low, precise.ci_high, precise.df, precise.label) == (8.0, None, 2, "not_reliable")


@pytest.mark.parametrize(("name", "code"), [("sex*sex", "EST-007"), ("sex*absent", "EST-006"), ("sex*", "EST-006")])
def test_a_crossing_that_makes_no_sense_becomes_a_problem(name: str, code: str) -> None:
    found = run(replace(WORKS, breakdowns=(name, "sex"), row=4))
    assert [(each.code, each.sheet, each.row) for each in found.problems] == [(code, "indicators", 4)]
    assert [each.domain for each in found] == ["total", "sex=male", "sex=female"]


def test_a_crossing_with_a_table_that_does_not_enclose_the_rows_becomes_a_problem() -> None:
    homes = indicator("count", table="main", breakdowns=("sector*sex",))
    assert [each.code for each in run(homes).problems] == ["EST-002"]
