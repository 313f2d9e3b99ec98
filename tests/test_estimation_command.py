"""`comunal estimate` at its edges: what is refused and in which words, shapes of files and margins, labels.

Specified in docs/methods/estimation.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from estimation.second_opinion import DesignColumns, linearise
from flows import commands_estimate
from schemas.errors import ComunalError, EstimationError

APP = typer.Typer()
commands_estimate.register(APP)
SAMPLE = Path(__file__).parent / "estimation_sample.csv"
DESIGN = ("--weights", "w", "--strata", "stratum", "--clusters", "psu", "--singleton", "skip")


def run(*words: str, file: Path = SAMPLE) -> list[dict[str, Any]]:
    done = CliRunner().invoke(APP, [str(file), *words, "--json"])
    if done.exception is not None:
        raise done.exception
    return [json.loads(line) for line in done.stdout.splitlines()]


def figures(*words: str, file: Path = SAMPLE) -> list[dict[str, Any]]:
    return [record for record in run(*words, file=file) if "estimate" in record]


def notes(*words: str, file: Path = SAMPLE) -> str:
    return " ".join(record["note"] for record in run(*words, file=file) if "note" in record)


def write(folder: Path, text: str, name: str = "table.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--weights", "w", "--strata", "stratum", "--clusters", "psu", "--mean", "age"), "EST-015"),
        (("--mean", "agee"), "EST-020"),
        (("--mean", "area"), "EST-017"),
        (("--mean", "age", "--where", "${agee} > 1"), "EST-028"),
        (("--mean", "age", "--where", "${age} >"), "EXP-004"),
        (("--mean", "age", "--where", "${age} > 1000"), "EST-043"),
        (("--share", "sex=7"), "EST-045"),
        (("--fpc", "n_psu,n_ssu", "--mean", "age"), "EST-019"),
        (("--weights", "w", "--fpc", "w", "--mean", "age"), "EST-014"),
        (("--clusters", "psu", "--fpc", "employed", "--mean", "age"), "EST-012"),
        (("--method", "brr", "--mean", "age"), "EST-041"),
        (("--replicates", "^rep", "--mean", "age"), "EST-042"),
        (("--test", "sex*w"), None),
        (("--test", "sex"), "CMD-175"),
        (("--ratio", "income"), "CMD-172"),
        (("--quantile", "income:2"), "CMD-173"),
        (("--mean", "age", "--bounds", "2,3"), "CMD-174"),
        ((), "CMD-171"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_its_code(words: tuple[str, ...], code: str | None) -> None:
    if code is None:
        assert run(*words)
        return
    with pytest.raises(ComunalError) as caught:
        run(*words)
    assert caught.value.code == code and caught.value.advice


MARGINS = {
    "EST-021": ("--poststratify", "sex,count\n1,400\n2,400\n3,10\n"),
    "EST-022": ("--poststratify", "sex,count\n1,0\n2,400\n"),
    "EST-030": ("--rake", "nothing,here\n1,2\n"),
    "EST-031": ("--poststratify", "sex,count\n1,four hundred\n2,400\n"),
    "EST-032": ("--poststratify", "sex,count\n1,4\n2,400\n1,5\n"),
    "EST-034": ("--poststratify", "area,count\nurban,400\nrural,300\n"),
    "EST-035": ("--poststratify", "sex,count\n1,400\n"),
    "EST-036": ("--rake", "variable,category,total\nsex,1,400\nsex,2,400\nemployed,0,300\nemployed,1,400\n"),
    "EST-037": ("--calibrate", "variable,category,total\nincome,,100000\n"),
    "EST-038": ("--poststratify", "variable,category,total\nsex,1,400\nsex,2,400\nemployed,0,300\nemployed,1,500\n"),
    "EST-024": ("--calibrate", "variable,category,total\n(Intercept),,800\nsex,1,100\nsex,2,600\n"),
}


@pytest.mark.parametrize("code", list(MARGINS))
def test_margins_that_make_no_sense_are_refused_with_their_code(code: str, tmp_path: Path) -> None:
    option, text = MARGINS[code]
    with pytest.raises(EstimationError) as caught:
        run(*DESIGN, option, str(write(tmp_path, text)), "--mean", "age")
    assert caught.value.code == code and caught.value.advice


@pytest.mark.parametrize(
    "text",
    [
        "variable,category,total\nsex*employed,1*0,180\nsex*employed,1*1,240\nsex*employed,2*0,210\nsex*employed,2*1,240\n",
        "sex,employed,Freq\n1,0,180\n1,1,240\n2,0,210\n2,1,240\n",
        "sex\\employed,0,1\n1,180,240\n2,210,240\n",
        "sex,0,1\n1,180,240\n2,210,240\n",
        "sex;employed;personas\n1.0;0;180\n1;1;240\n2;0;210\n2;1;240\n",
    ],
    ids=["long", "joint", "cross", "cross without a name", "semicolons"],
)
def test_one_table_of_totals_may_be_written_in_several_shapes(text: str, tmp_path: Path) -> None:
    option = ("--poststratify", str(write(tmp_path, text)))
    total, by_cell = figures(*DESIGN, *option, "--count"), figures(*DESIGN, *option, "--count", "--by", "sex,employed")
    assert total[0]["estimate"] == pytest.approx(870) and total[0]["se"] == 0
    assert [cell["estimate"] for cell in by_cell] == pytest.approx([180, 240, 210, 240])


def test_margins_whose_sums_differ_by_rounding_are_scaled_and_told(tmp_path: Path) -> None:
    text = "variable,category,total\nsex,1,400\nsex,2,400\nemployed,0,300\nemployed,1,501\n"
    assert "scaled" in notes(*DESIGN, "--rake", str(write(tmp_path, text)), "--mean", "age")


def test_rows_without_a_weight_are_left_out_and_told(tmp_path: Path) -> None:
    file = write(tmp_path, "w,y\n1,2\n,9\n3,4\nNA,9\n2,6\n")
    found = run("--weights", "w", "--mean", "y", file=file)
    assert found[0]["estimate"] == pytest.approx((2 + 12 + 12) / 6) and found[0]["n"] == 3
    assert "EST-016 2 of 5" in found[1]["note"]


def test_a_row_of_weight_zero_belongs_to_the_design_and_to_no_figure(tmp_path: Path) -> None:
    """R: svymean(~y, svydesign(id = ~1, weights = ~w)) of these rows has SE 0.6009252 and degf 2."""
    file = write(tmp_path, "w,y\n1,2\n3,4\n2,6\n0,8\n")
    found = figures("--weights", "w", "--mean", "y", file=file)[0]
    scores = np.array([1, 3, 2, 0]) * (np.array([2, 4, 6, 8]) - 26 / 6) / 6
    assert found["n"] == 3 and found["df"] == 2
    assert found["se"] == pytest.approx(np.sqrt(4 / 3 * np.sum((scores - scores.mean()) ** 2)))


@pytest.mark.parametrize(("text", "code"), [("w,y\n-1,2\n2,3\n", "EST-011"), ("w,y\n,2\nNA,3\n", "EST-018")])
def test_weights_that_cannot_be_are_refused(text: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(EstimationError) as caught:
        run("--weights", "w", "--mean", "y", file=write(tmp_path, text))
    assert caught.value.code == code


@pytest.mark.parametrize("option", ["--strata", "--clusters"])
def test_a_row_without_a_stratum_or_unit_is_refused(option: str, tmp_path: Path) -> None:
    with pytest.raises(EstimationError) as caught:
        run(option, "s", "--mean", "y", file=write(tmp_path, "s,y\na,1\n,2\na,3\n"))
    assert caught.value.code == "EST-010" and "1 of 3" in caught.value.message


def test_an_empty_denominator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EstimationError) as caught:
        run("--ratio", "y/x", file=write(tmp_path, "y,x\n1,0\n2,0\n"))
    assert caught.value.code == "EST-044"


def test_an_fpc_above_and_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EstimationError) as caught:
        run("--mean", "y", "--fpc", "f", file=write(tmp_path, "y,f\n1,0.5\n2,10\n"))
    assert caught.value.code == "EST-013"


def test_population_sizes_and_sampling_fractions_say_the_same(tmp_path: Path) -> None:
    table = pl.read_csv(SAMPLE, null_values="NA")
    drawn = table.group_by("stratum").agg(pl.col("psu").n_unique().alias("drawn"))
    share = table.join(drawn, on="stratum", maintain_order="left").with_columns(f=pl.col("drawn") / pl.col("n_psu"))
    file = tmp_path / "table.parquet"
    share.write_parquet(file)
    for words in (("--mean", "age"), ("--total", "income", "--by", "sex")):
        fractions = [one["se"] for one in figures(*DESIGN, "--fpc", "f", *words, file=file)]
        assert fractions == pytest.approx([one["se"] for one in figures(*DESIGN, "--fpc", "n_psu", *words)])


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("región,ingreso\nÑuble,1.5\nÑuble,2.5\n", "utf-8"),
        ("región,ingreso\nÑuble,1.5\nÑuble,2.5\n", "utf-8-sig"),
        ("región;ingreso\nÑuble;1,5\nÑuble;2,5\n", "cp1252"),
        ("región\tingreso\r\nÑuble\t1.5\r\nÑuble\t2.5\r\n", "utf-8"),
        ('"región","ingreso"\n"Ñuble","1.5"\n"Ñuble","2.5"\n', "utf-8"),
    ],
)
def test_files_of_other_offices_are_read(text: str, encoding: str, tmp_path: Path) -> None:
    found = figures("--mean", "ingreso", "--by", "región", file=write(tmp_path, text, encoding=encoding))
    assert (found[0]["estimate"], found[0]["domain"]) == (2.0, {"región": "Ñuble"})


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ComunalError) as caught:
        run("--mean", "b", file=write(tmp_path, "a,b\n1,2\n1,2,3,4\n"))
    assert caught.value.code == "CMD-176" and "line 3" in caught.value.message


def test_a_condition_reads_columns_bare_or_braced_and_keeps_codes_with_a_zero(tmp_path: Path) -> None:
    file = write(tmp_path, "region,edad,y\n05,20,1\n5,40,2\n13,50,4\n05,60,NA\n")
    assert figures("--mean", "y", "--where", "${region} = '05'", file=file)[0]["n"] == 1
    assert figures("--mean", "y", "--where", "edad >= 40 and edad < 60", file=file)[0]["estimate"] == 3


def test_every_category_has_its_share_and_of_zeros_and_ones_the_ones() -> None:
    shares = figures(*DESIGN, "--share", "stratum")
    assert [one["category"] for one in shares] == list("ABCDE")
    assert sum(one["estimate"] for one in shares) == pytest.approx(1)
    ones = figures(*DESIGN, "--share", "employed")
    assert [one["category"] for one in ones] == ["1"]
    assert ones[0]["estimate"] == figures(*DESIGN, "--mean", "employed")[0]["estimate"]


def survey(folder: Path, psus: int, people: int, ones: int) -> Path:
    """Two strata of `psus` units of `people`; of each unit's people the first `ones` have y = 1."""
    rows = [f"{s},{p},{1 if k < ones + (p % 2) else 0},1" for s in (1, 2) for p in range(psus) for k in range(people)]
    return write(folder, "s,p,y,one\n" + "\n".join(rows) + "\n")


@pytest.mark.parametrize("words", [("--share", "y"), ("--mean", "y"), ("--ratio", "y/one")])
def test_a_proportion_is_judged_by_its_error_however_it_is_asked(words: tuple[str, str], tmp_path: Path) -> None:
    """docs/methods/quality_label.md: few ones have a high coefficient of variation and an error small enough."""
    design = ("--strata", "s", "--clusters", "p")
    assert figures(*design, *words, file=survey(tmp_path, 10, 60, 0))[0]["label"] == "reliable"
    small = figures(*design, *words, file=survey(tmp_path, 5, 60, 3))[0]
    assert (small["df"], small["label"]) == (8, "not_reliable")


def test_a_size_is_judged_by_its_cases(tmp_path: Path) -> None:
    file = survey(tmp_path, 10, 60, 0)
    size = figures("--strata", "s", "--clusters", "p", "--total", "y", file=file)[0]
    assert size["n"] == 1200 and size["estimate"] == 10
    assert size["label"] == "not_reliable"  # ten cases


def test_a_table_with_more_than_half_not_reliable_is_told() -> None:
    assert "INE" in notes(*DESIGN, "--mean", "income", "--by", "stratum")


def test_the_bootstrap_is_that_of_its_seed_and_near_the_linear_error() -> None:
    words = (*DESIGN, "--mean", "income", "--method", "bootstrap", "--draws", "2000")
    first, again = figures(*words, "--seed", "3")[0], figures(*words, "--seed", "3")[0]
    assert first == again
    assert first["se"] != figures(*words, "--seed", "4")[0]["se"]
    assert first["se"] == pytest.approx(figures(*DESIGN, "--mean", "income")[0]["se"], rel=0.1)
    assert "seed 3" in notes(*words, "--seed", "3")


def test_lines_for_people_have_a_header_and_a_line_a_figure() -> None:
    done = CliRunner().invoke(APP, [str(SAMPLE), *DESIGN, "--mean", "income", "--by", "sex"])
    lines = done.stdout.splitlines()
    assert lines[0] == "mean income" and lines[1].split()[:3] == ["sex", "estimate", "se"]
    assert [line.split()[0] for line in lines[2:4]] == ["1", "2"]


def test_a_second_library_agrees_on_random_designs() -> None:
    """`svy` and our engine, on samples with strata, clusters, a correction, domains and rows outside of them."""
    from estimation.linear import Statistic, estimate_by_domain
    from estimation.samples import build_sample, encode

    generator = np.random.default_rng(5)
    statistics: tuple[Statistic, ...] = ("mean", "total", "ratio")
    for _ in range(4):
        n = 150
        stratum = pl.Series(generator.integers(0, 4, n)).cast(pl.String)
        psu = stratum + "-" + pl.Series(generator.integers(0, 7, n)).cast(pl.String)
        weight, y, x = (pl.Series(generator.uniform(1, 9, n)) for _ in range(3))
        size = stratum.replace_strict({str(s): 10.0 + s for s in range(4)}, return_dtype=pl.Float64)
        domain = pl.Series(generator.choice(["a", "b", ""], n))
        sample = build_sample(weight, stratum, (psu,), (size,), "center")
        codes = encode(domain.replace({"": None}))
        for statistic in statistics:
            divisor = x if statistic == "ratio" else None
            theirs = linearise(statistic, DesignColumns(weight, psu, stratum, size), domain, (y,), divisor)[0]
            lower = None if divisor is None else divisor.to_numpy()
            count = int(codes.max()) + 1
            ours = estimate_by_domain(sample, statistic, y.to_numpy(), codes, count, lower)
            for name, figure in theirs.items():
                at = codes[domain.to_list().index(name)]
                assert ours.estimate[at] == pytest.approx(figure.estimate)
                assert np.sqrt(ours.variance[at]) == pytest.approx(figure.se)
                assert ours.df[at] == figure.df


@pytest.mark.parametrize("words", [("--mean", "income"), ("--ratio", "income/age"), ("--share", "area"), ("--count",)])
def test_a_second_opinion_can_be_asked_for(words: tuple[str, ...]) -> None:
    design = ("--weights", "w", "--strata", "stratum", "--clusters", "psu", "--singleton", "skip", "--fpc", "n_psu")
    told = notes(*design, *words, "--by", "sex", "--where", "${age} > 30", "--verify")
    assert float(told.split("at most ")[1].split(" ")[0]) < 1e-12
    assert "no figures" in notes(*design, "--quantile", "age", "--verify")


def test_a_condition_reads_a_column_whose_name_has_spaces(tmp_path: Path) -> None:
    path = write(tmp_path, "factor exp,ingreso mensual,año\n2,10,1\n1,40,2\n1,20,2\n")
    words = ("--weights", "factor exp", "--mean", "ingreso mensual", "--where", "${ingreso mensual} < 30 and año > 0")
    assert figures(*words, file=path)[0]["estimate"] == pytest.approx(40 / 3)


def test_points_between_thousands_are_read_where_a_comma_is_the_decimal_sign(tmp_path: Path) -> None:
    path = write(tmp_path, "w;x\n1.234,5;10\n2.000,0;20\n999;1.030,0\n")
    total = figures("--weights", "w", "--total", "x", file=path)[0]["estimate"]
    assert total == pytest.approx(1234.5 * 10 + 2000 * 20 + 999 * 1030)


def test_a_misspelt_column_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    path = write(tmp_path, "weight,Ingreso\n1,2\n1,3\n")
    for name, advice in (("ingreso", "Did you mean «Ingreso»"), ("wieght", "Did you mean «weight»"), ("q", "It has w")):
        with pytest.raises(EstimationError, match=f"EST-020.*{advice}"):
            run("--mean", name, file=path)


def test_a_sample_of_one_row_is_refused_or_told_without_error(tmp_path: Path) -> None:
    path = write(tmp_path, "w,x\n2,5\n")
    with pytest.raises(EstimationError, match="EST-015 The sample has a single unit"):
        run("--weights", "w", "--mean", "x", file=path)
    told = figures("--weights", "w", "--mean", "x", "--singleton", "skip", file=path)[0]
    assert (told["estimate"], told["se"], told["ci_low"], told["df"]) == (5.0, None, None, 0)
    assert told["label"] == "not_reliable"


def test_an_empty_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(EstimationError, match=r"EST-018 «table\.csv» is empty"):
        run("--mean", "x", file=write(tmp_path, ""))


def test_another_standard_judges_otherwise(tmp_path: Path) -> None:
    """Eighty cases in ten units: enough for INE, too few for CEPAL."""
    rows = "".join(f"{i % 10},{i % 2}\n" for i in range(80))
    path = write(tmp_path, "c,x\n" + rows)
    labels = {
        name: figures("--clusters", "c", "--mean", "x", "--standard", name, file=path)[0]["label"]
        for name in ("ine", "cepal")
    }
    assert labels == {"ine": "weakly_reliable", "cepal": "not_reliable"}
