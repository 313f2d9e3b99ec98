"""Designs written in a workbook's sheet `design` give the figures of R's survey: stages, fpc, replicates, calibration.

The figures are those of `estimation_r_survey.csv`, which the command `comunal estimate` is held against too.
"""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest

from estimation.indicators import estimate
from schemas.estimates import Estimates
from schemas.fields import INSTANCE_ID, Field, Form, Group, Table
from schemas.workbook import Breakdown, Design, Indicator, Specs

HERE = Path(__file__).parent
KINDS = {"stratum": "string", "psu": "string", "ssu": "string", "sex": "string", "area": "string", "unit": "string"}
BASE = "--weights w --strata stratum --clusters psu --singleton center"
TWO = "--weights w --strata stratum --clusters 'psu,ssu' --fpc 'n_psu,n_ssu' --singleton center"
SEX = {"margin:sex:1": "420", "margin:sex:2": "450"}


def read_sample() -> tuple[Form, pl.DataFrame]:
    frame = pl.read_csv(
        HERE / "estimation_sample.csv", null_values=["NA", ""], schema_overrides=dict.fromkeys(KINDS, pl.String)
    )
    kinds = {name: KINDS.get(name, "decimal") for name in frame.columns}
    fields = tuple(Field(name, f"/data/{name}", kind, "input", "main", name) for name, kind in kinds.items())
    form = Form(
        "sample", "1", "Sample", Group("data", "/data", children=fields), (Table("main", "/data", None, fields),)
    )
    rows = frame.with_columns(pl.Series(INSTANCE_ID, [f"i{at:03}" for at in range(frame.height)]))
    return form, rows.with_columns(pl.lit("").alias("_row_id"))


FORM, MAIN = read_sample()


def indicator(name: str, kind: str, **columns: object) -> Indicator:
    return Indicator(name, "", kind, "main", {}, "", breakdowns=("sex",), **columns)  # type: ignore[arg-type]


INDICATORS = (
    indicator("mean", "mean", value="${income}"),
    indicator("ratio", "ratio", numerator="${income}", denominator="${age}"),
    indicator("quarter", "quantile", value="${income}", quantile=0.25),
    indicator("median", "quantile", value="${income}"),
    indicator("employed", "share", denominator="${employed} >= 0", numerator="${employed} = 1"),
)


def run(psu: str = "${psu}", strata: str | None = "${stratum}", **settings: str) -> Estimates:
    design = Design(
        "s", probability=True, weight="${w}", psu=psu, strata=strata, settings={"table_rule": "no"} | settings
    )
    breakdowns = (Breakdown("sex", "main", {}, "${sex}", ("1", "2")),)
    return estimate(Specs(indicators=INDICATORS, breakdowns=breakdowns, design=design), FORM, {"main": MAIN})


def figures_of_r(options: str) -> dict[str, tuple[float, float, float | None]]:
    """Domain -> estimate, standard error and lower end, as R gives them for these options of the command."""
    with (HERE / "estimation_r_survey.csv").open(encoding="utf-8") as lines:
        rows = [
            row for row in csv.DictReader(lines) if (row["file"], row["options"]) == ("estimation_sample.csv", options)
        ]
    assert rows, options
    return {
        f"sex={row['key']}" if "--by" in options else "total": (
            float(row["estimate"]),
            float(row["se"]),
            float(row["low"]) if row["low"] else None,
        )
        for row in rows
    }


def check(found: Estimates, name: str, options: str, scale: float = 1.0) -> None:
    told = {each.domain: each for each in found if each.indicator == name}
    for domain, (point, se, low) in figures_of_r(options).items():
        one = told[domain]
        assert (one.estimate, one.se) == pytest.approx((scale * point, scale * se), rel=1e-6), (options, domain)
        if low is not None:
            assert one.ci_low == pytest.approx(scale * low, rel=1e-6), (options, domain)


def test_strata_and_units() -> None:
    found = run()
    check(found, "mean", f"{BASE} --mean income")
    check(found, "mean", f"{BASE} --mean income --by sex")
    check(found, "ratio", f"{BASE} --ratio income/age")
    check(found, "employed", f"{BASE} --share employed --interval logit", 100)


def test_quantiles_with_the_interval_of_woodruff() -> None:
    found = run()
    check(found, "quarter", f"{BASE} --quantile income:0.25")
    check(found, "median", f"{BASE} --quantile income:0.5")


def test_two_stages_with_their_populations() -> None:
    found = run(fpc="${n_psu}", ssu="${ssu}", fpc2="${n_ssu}")
    assert [problem.code for problem in found.problems] == ["EST-027"]  # a stratum with one unit is told
    check(found, "mean", f"{TWO} --mean income")
    check(found, "mean", f"{TWO} --mean income --by sex")
    check(found, "median", f"{TWO} --quantile income:0.5")


def test_two_stages_with_calibrated_weights() -> None:
    found = run(fpc="${n_psu}", ssu="${ssu}", fpc2="${n_ssu}", **SEX)
    check(found, "mean", f"{TWO} --poststratify SEX --mean income")


def test_the_jackknife() -> None:
    found = run(variance="jackknife")
    check(found, "mean", f"{BASE} --method jackknife --mean income --by sex")
    check(found, "ratio", f"{BASE} --method jackknife --ratio income/age")


def test_the_jackknife_calibrates_each_replicate_anew() -> None:
    found = run("${unit}", None, variance="jackknife", **SEX)
    options = "--weights w --clusters unit --method jackknife --poststratify SEX"
    check(found, "mean", f"{options} --mean income")
    check(found, "mean", f"{options} --mean income --by sex")


def test_the_bootstrap_is_near_linearisation_and_repeats() -> None:
    found, again, plain = run(variance="bootstrap"), run(variance="bootstrap"), run()
    assert found.estimates == again.estimates
    assert found.estimates[0].se == pytest.approx(plain.estimates[0].se, rel=0.25)
    assert found.estimates[0].se != plain.estimates[0].se


def test_replicate_weights_that_came_with_the_answers() -> None:
    """Jackknife weights made beforehand and kept as questions: the figures are those of the jackknife."""
    from estimation.replicates import jackknife
    from estimation.samples import build_sample

    made = jackknife(build_sample(MAIN["w"], None, [MAIN["unit"]]))
    sample = build_sample(MAIN["w"], None, [MAIN["unit"]])
    factors = made.factors(0, made.scales.size)[sample.first.unit_of_row]
    names = [f"repw{at}" for at in range(made.scales.size)]
    columns = [pl.Series(name, factors[:, at] * MAIN["w"].to_numpy()) for at, name in enumerate(names)]
    settings = {"table_rule": "no", "replicate_weights": "^repw[0-9]+$", "replicate_type": "JK1"}
    design = Design("s", probability=True, weight="${w}", psu="${unit}", settings=settings)
    specs = Specs(indicators=INDICATORS[:2], breakdowns=(Breakdown("sex", "main", {}, "${sex}"),), design=design)
    found = estimate(specs, FORM, {"main": MAIN.with_columns(columns)})
    check(found, "mean", "--weights w --clusters unit --method jackknife --mean income")
    check(found, "ratio", "--weights w --clusters unit --method jackknife --ratio income/age")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"variance": "magic"}, "EST-059"),
        ({"variance": "brr"}, "EST-041"),
        ({"replicate_weights": "^none"}, "EST-042"),
        ({"replicate_weights": "("}, "EST-042"),
        ({"fpc2": "${n_ssu}"}, "EST-058"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told_and_variances_are_linearised(
    settings: dict[str, str], code: str
) -> None:
    found = run(**settings)
    assert code in [problem.code for problem in found.problems]
    assert found.estimates[0].se == pytest.approx(run().estimates[0].se)
