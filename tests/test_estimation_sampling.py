"""Sizes, allocations and draws: figures of textbooks, laws of inclusion probabilities, and draws that repeat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from estimation.allocation import allocate
from estimation.sample_size import SampleSize, Wanted, size_sample
from estimation.selection import draw, generator, inclusion_probabilities
from flows import commands_estimate, commands_sample
from schemas.errors import ComunalError, EstimationError

APP = typer.Typer()
commands_sample.register(APP)
commands_estimate.register(APP)
PARTS = st.lists(st.integers(1, 40), min_size=1, max_size=8)


def size(**wanted: float) -> SampleSize:
    return size_sample(Wanted(**wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("population", "sample"),
    [(100, 80), (220, 140), (500, 217), (1000, 278), (2000, 322), (5000, 357), (10_000, 370), (50_000, 381)],
)
def test_sizes_are_those_of_krejcie_and_morgan(population: int, sample: int) -> None:
    """Krejcie, R. and Morgan, D. (1970), Determining sample size for research activities, table 1 (95 %, 5 points)."""
    assert round(size(share=0.5, margin=0.05, population=population).completed) == sample


def test_a_share_of_one_half_within_five_points_needs_385_interviews() -> None:
    """Cochran (1977), Sampling Techniques, section 4.4: n0 = z2 pq / d2 = 384.1."""
    found = size(share=0.5, margin=0.05)
    assert (round(found.simple, 1), found.interviews) == (384.1, 385)
    assert found.margin <= 0.05 < size(share=0.5, margin=0.05).margin * 1.002


def test_the_mean_of_a_number_needs_z_times_its_spread_over_the_margin_squared() -> None:
    assert size(sd=15, margin=2).completed == pytest.approx((1.959964 * 15 / 2) ** 2, rel=1e-6)
    assert size(mean=100, sd=50, cv=0.05).completed == pytest.approx(100)
    assert size(share=0.2, cv=0.1).completed == pytest.approx(0.8 / 0.2 / 0.01)


def test_the_design_effect_of_takes_is_that_of_kish() -> None:
    """Kish (1965), Survey Sampling, section 5.4: 1 + (b - 1) rho."""
    found = size(share=0.5, margin=0.05, rho=0.05, take=11, response=0.8, domains=2)
    assert found.effect == pytest.approx(1.5)
    assert found.interviews == 577 and found.drawn == 722 and found.total == 1444 and found.psus == 2 * 53


def test_households_are_fewer_where_each_holds_several_of_those_asked_about() -> None:
    alone = size(share=0.5, margin=0.05)
    assert size(share=0.5, margin=0.05, household_size=4, eligible=0.5).drawn == -(-alone.interviews // 2)


@given(st.floats(0.05, 0.95), st.floats(0.01, 0.2), st.integers(50, 100_000), st.floats(1, 4))
def test_the_size_reaches_the_precision_asked_for(share: float, margin: float, population: int, effect: float) -> None:
    found = size(share=share, margin=margin, population=population, effect=effect)
    assert found.margin <= margin * (1 + 1e-9)
    assert found.interviews <= population


@pytest.mark.parametrize(
    "wanted",
    [
        {"margin": 0.05},
        {"share": 0.5},
        {"share": 0.5, "sd": 2, "margin": 0.05},
        {"share": 1.0, "margin": 0.05},
        {"share": 0.5, "margin": 0.05, "cv": 0.1},
        {"share": 0.5, "margin": 0.0},
        {"share": 0.5, "margin": 0.05, "response": 0.0},
        {"sd": 3, "cv": 0.1},
        {"share": 0.5, "margin": 0.05, "rho": 2.0, "take": 5},
        {"share": 0.5, "margin": 0.05, "population": 1},
    ],
)
def test_what_cannot_be_sized_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(EstimationError, match="EST-094"):
        size(**wanted)


def test_neyman_gives_most_to_where_numbers_are_spread() -> None:
    """Sizes 155, 62, 93 and standard deviations 5, 15, 10 give 775 : 930 : 930; with 40 units, 11.8 : 14.1 : 14.1."""
    sizes, spread = np.array([155.0, 62.0, 93.0]), np.array([5.0, 15.0, 10.0])
    assert allocate(40, [155, 62, 93], sizes, "neyman", spread).tolist() == [12, 14, 14]
    assert allocate(40, [155, 62, 93], sizes).tolist() == [20, 8, 12]
    assert allocate(40, [155, 62, 93], sizes, "power").tolist() == [17, 10, 13]
    assert allocate(40, [155, 62, 93], sizes, "equal").tolist() == [14, 13, 13]


@given(PARTS, st.data())
def test_an_allocation_is_whole_sums_up_and_fits_each_stratum(units: list[int], data: st.DataObject) -> None:
    least = data.draw(st.integers(0, 3))
    floor = sum(min(least, each) for each in units)
    count = data.draw(st.integers(floor, sum(units)))
    how = data.draw(st.sampled_from(["proportional", "equal", "neyman", "power"]))
    spread = np.array(data.draw(st.lists(st.floats(0, 9), min_size=len(units), max_size=len(units))))
    given_ = allocate(count, units, np.array(units, float), how, spread, least=least)
    assert given_.sum() == count
    assert all(min(least, most) <= each <= most for each, most in zip(given_, units, strict=True))


def test_an_allocation_that_cannot_be_is_refused() -> None:
    two = np.array([5.0, 5.0])
    for count, how, code in ((11, "equal", "EST-091"), (3, "equal", "EST-092"), (6, "neyman", "EST-093")):
        with pytest.raises(EstimationError, match=code):
            allocate(count, [5, 5], two, how)  # type: ignore[arg-type]


@given(st.lists(st.floats(0.1, 1000), min_size=2, max_size=30), st.data())
def test_inclusion_probabilities_sum_to_the_sample_and_follow_size(sizes: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(sizes)))
    found = inclusion_probabilities(np.array(sizes), count)
    assert found.sum() == pytest.approx(count)
    assert np.all((found > 0) & (found <= 1))
    chance = found < 1
    if chance.sum() > 1:
        ratio = found[chance] / np.array(sizes)[chance]
        assert ratio == pytest.approx(ratio[0])


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 50), min_size=2, max_size=12), st.data())
def test_a_draw_has_as_many_units_as_asked_each_once(sizes: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(sizes)))
    for method in ("pps", "systematic", "srs"):
        found = draw(method, count, np.array(sizes), generator(data.draw(st.integers(0, 99))))  # type: ignore[arg-type]
        assert np.unique(found.rows).size == found.rows.size == count
        assert np.all(found.probability[found.rows] > 0)


def test_units_come_as_often_as_their_probability_says() -> None:
    """Four thousand draws of 3 of 6: each unit's frequency within four standard errors."""
    sizes = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 30.0])
    for method in ("pps", "systematic", "srs"):
        hits, draws = np.zeros(6), 4000
        for seed in range(draws):
            found = draw(method, 3, sizes, generator(seed))  # type: ignore[arg-type]
            hits[found.rows] += 1
        p = found.probability
        assert np.all(np.abs(hits / draws - p) <= 4 * np.sqrt(p * (1 - p) / draws) + 1e-12)


def write_lists(folder: Path) -> tuple[Path, Path]:
    """Sixty blocks in three strata, and their dwellings."""
    blocks = [
        (f"b{at:02}", "norte" if at < 30 else "sur" if at < 50 else "rural", 20 + at % 7 * 10) for at in range(60)
    ]
    units = folder / "manzanas.csv"
    units.write_text("manzana;sector;viviendas\n" + "".join(f"{b};{s};{n}\n" for b, s, n in blocks), encoding="utf-8")
    homes = folder / "viviendas.csv"
    lines = "".join(f"{b},calle {at}\n" for b, _, n in blocks for at in range(n))
    homes.write_text("manzana,direccion\n" + lines, encoding="utf-8")
    return units, homes


def run(*words: object) -> list[dict[str, Any]]:
    done = CliRunner().invoke(APP, [*map(str, words), "--json"])
    if done.exception is not None:
        raise done.exception
    return [json.loads(line) for line in done.stdout.splitlines()]


def draw_both(folder: Path, seed: int = 7) -> tuple[pl.DataFrame, pl.DataFrame]:
    units, homes = write_lists(folder)
    options = ("--n", 12, "--seed", seed, "--id", "manzana", "--size", "viviendas", "--strata", "sector")
    run("sample", "units", units, *options, "--out", folder / "drawn.csv")
    options = ("--psu", "manzana", "--units", folder / "drawn.csv", "--take", 8, "--replacements", 3, "--seed", seed)
    run("sample", "households", homes, *options, "--out", folder / "homes.csv")
    return pl.read_csv(folder / "drawn.csv"), pl.read_csv(folder / "homes.csv")


def test_base_weights_add_up_to_the_dwellings_of_each_stratum(tmp_path: Path) -> None:
    units, homes = draw_both(tmp_path)
    assert units.height == 12 and units.group_by("sector").len().sort("sector")["len"].min() >= 2  # type: ignore[operator]
    sample = homes.filter(pl.col("role") == "sample").join(units.select("manzana", "sector"), on="manzana")
    assert sample.height == 12 * 8
    # Size is the number listed, so that every dwelling of a stratum has one weight and they sum to its dwellings.
    listed = pl.read_csv(tmp_path / "manzanas.csv", separator=";").group_by("sector").agg(pl.col("viviendas").sum())
    summed = sample.group_by("sector").agg(pl.col("base_weight").sum(), pl.col("base_weight").n_unique().alias("kinds"))
    for sector, dwellings in listed.iter_rows():
        row = summed.filter(pl.col("sector") == sector)
        assert row["base_weight"][0] == pytest.approx(dwellings)


def test_replacements_are_others_of_the_same_unit_in_order_of_use(tmp_path: Path) -> None:
    _, homes = draw_both(tmp_path)
    assert homes.select("manzana", "direccion").is_duplicated().sum() == 0
    spare = homes.filter(pl.col("role") == "replacement")
    assert spare.group_by("manzana").agg(pl.col("replacement")).get_column("replacement").to_list() == [[1, 2, 3]] * 12


def test_the_same_seed_gives_the_same_sample_and_another_another(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    one, two, three = (draw_both(tmp_path / name, seed) for name, seed in (("one", 7), ("two", 7), ("three", 8)))
    assert all(first.equals(second) for first, second in zip(one, two, strict=True))
    assert not one[0].equals(three[0]) and not one[1].equals(three[1])


def test_a_record_draws_the_same_again_and_tells_a_changed_list(tmp_path: Path) -> None:
    draw_both(tmp_path)
    for name in ("drawn.json", "homes.json"):
        assert run("sample", "check", tmp_path / name)[0]["same"] is True
    record = json.loads((tmp_path / "homes.json").read_text(encoding="utf-8"))
    record["result_sha256"] = "0" * 64
    (tmp_path / "forged.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ComunalError, match="CMD-266"):
        run("sample", "check", tmp_path / "forged.json")
    with (tmp_path / "viviendas.csv").open("a", encoding="utf-8") as lines:
        lines.write("b00,calle nueva\n")
    with pytest.raises(ComunalError, match="CMD-265"):
        run("sample", "check", tmp_path / "homes.json")
    (tmp_path / "no.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ComunalError, match="CMD-264"):
        run("sample", "check", tmp_path / "no.json")


def test_what_was_drawn_is_estimated_with_the_columns_that_the_draw_wrote(tmp_path: Path) -> None:
    _, homes = draw_both(tmp_path)
    homes.filter(pl.col("role") == "sample").with_columns(pl.lit(1).alias("home")).write_csv(tmp_path / "answers.csv")
    options = ("--weights", "base_weight", "--clusters", "manzana", "--total", "home")
    found = run("estimate", tmp_path / "answers.csv", *options)[0]
    assert found["estimate"] == pytest.approx(sum(20 + at % 7 * 10 for at in range(60)))


@pytest.mark.parametrize(
    ("listing", "options", "code"),
    [
        ("id,n\na,5\nb,0\n", ("--size", "n", "--n", 1), "EST-090"),
        ("id,n\na,5\nb,\n", ("--size", "n", "--n", 1), "EST-090"),
        ("id,n\na,5\nb,6\n", ("--size", "n", "--n", 3), "EST-091"),
        ("id,n\na,5\na,6\n", ("--size", "n", "--n", 1), "EST-095"),
        ("id,n\na,5\n,6\n", ("--size", "n", "--n", 1), "EST-095"),
        ("id,n\na,5\nb,6\n", ("--n", 1), "CMD-263"),
        ("id,n\na,5\nb,6\n", ("--size", "m", "--n", 1), "EST-020"),
        ("id,n\n", ("--size", "n", "--n", 1), "EST-018"),
    ],
)
def test_a_list_that_cannot_be_drawn_from_is_refused(
    listing: str, options: tuple[object, ...], code: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(listing, encoding="utf-8")
    with pytest.raises(ComunalError, match=code):
        run("sample", "units", path, "--id", "id", "--seed", 1, "--out", tmp_path / "out.csv", *options)


def test_a_drawn_unit_without_a_household_is_refused(tmp_path: Path) -> None:
    draw_both(tmp_path)
    (tmp_path / "few.csv").write_text("manzana\nb00\n", encoding="utf-8")
    options = ("--psu", "manzana", "--units", tmp_path / "drawn.csv", "--take", 1, "--seed", 1)
    with pytest.raises(EstimationError, match="EST-096"):
        run("sample", "households", tmp_path / "few.csv", *options, "--out", tmp_path / "out.csv")


def test_the_calculator_speaks_to_people() -> None:
    done = CliRunner().invoke(
        APP, ["sample", "size", "--share", "0.5", "--margin", "0.05", "--rho", "0.05", "--take", "11"]
    )
    assert "577 interviews" in done.output and "53 PSUs" in done.output
