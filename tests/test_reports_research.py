"""The file for research: what never stands in it, and that nobody is alone in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from reports.anonymity import measure_anonymity
from reports.research import ResearchRules, make_research_file, safe_columns
from schemas.errors import ReleaseError
from schemas.fields import Choice, Field, Table
from schemas.workbook import Design

KEYS = ("sex", "age", "country", "sector")
BANDS = {"age": (0, 15, 30, 45, 65)}
SDCMICRO = Path(__file__).resolve().parents[2] / "shared" / "reference" / "sdcmicro_testdata.csv"


def records(count: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "sex": random.choice(["f", "m"], count),
            "age": random.integers(0, 90, count),
            "country": random.choice(["ht", "pe", "ve", "cu", "es"], count, p=[0.6, 0.2, 0.15, 0.03, 0.02]),
            "sector": random.choice(["1", "2", "3"], count),
            "status": random.choice(["a", "b", "c"], count),
            "weight": random.uniform(10, 60, count),
        }
    )


@pytest.mark.parametrize("seed", range(4))
def test_every_combination_of_keys_stands_for_k(seed: int) -> None:
    made = make_research_file(records(400, seed), ResearchRules(KEYS, 5, BANDS, "status"), "weight")
    assert made.before.violating > 300
    assert measure_anonymity(made.frame, KEYS, 5).violating == made.after.violating == 0
    assert made.frame.height + made.dropped == 400 and made.dropped < 20
    assert 0 < sum(made.suppressed.values()) < 400
    assert made.after.l_smallest is not None and made.after.reidentifications is not None
    assert made.before.reidentifications is not None and made.after.reidentifications < made.before.reidentifications


def test_ages_are_told_in_bands_and_missing_ages_stay_missing() -> None:
    frame = records(300, 1).with_columns(age=pl.when(pl.int_range(300) > 3).then("age"))
    told = set(make_research_file(frame, ResearchRules(KEYS, 3, BANDS)).frame["age"].to_list())
    assert told <= {"0-14", "15-29", "30-44", "45-64", "65+", None}


def test_rare_codes_are_told_together() -> None:
    country = ["ht"] * 50 + ["cu"] * 3 + ["es"] * 4
    made = make_research_file(pl.DataFrame({"country": country}), ResearchRules(("country",), 5))
    assert sorted(set(made.frame["country"].to_list())) == ["ht", "other"] and not made.dropped


def test_the_order_of_records_tells_nothing_of_the_order_of_interviews() -> None:
    frame = records(200, 2)
    one, two = (make_research_file(each, ResearchRules(KEYS, 3, BANDS)).frame for each in (frame, frame.reverse()))
    assert one.select(KEYS).equals(two.select(KEYS))


def test_names_places_and_free_text_never_stand_in_it() -> None:
    fields = (
        Field("age", "/d/age", "int", "input", "main", "age"),
        Field("name", "/d/name", "string", "input", "main", "name", personal="name"),
        Field("where", "/d/where", "geopoint", "input", "main", "where"),
        Field("words", "/d/words", "string", "input", "main", "words"),
        Field("sex", "/d/sex", control="select1", table="main", column="sex", choices=(Choice("f", {}),)),
    )
    assert safe_columns(Table("main", "/d", None, fields)) == ["age", "sex"]


def test_the_statement_is_in_three_languages() -> None:
    made = make_research_file(records(200, 3), ResearchRules(KEYS, 3, BANDS), "weight")
    assert sorted(made.statement) == ["en", "es", "ht"]
    assert all(str(made.after.records) in text for text in made.statement.values())


def test_too_few_records_are_refused() -> None:
    with pytest.raises(ReleaseError, match="REL-056"):
        make_research_file(records(4, 1), ResearchRules(KEYS, 5))


def test_sdcmicro_s_file_becomes_safe_on_its_seven_keys() -> None:
    if not SDCMICRO.exists():
        pytest.skip(f"{SDCMICRO} isn't there")
    keys = ("urbrur", "roof", "walls", "water", "electcon", "relat", "sex")
    frame = pl.read_csv(SDCMICRO, infer_schema=False, null_values=["NA", ""])
    made = make_research_file(frame, ResearchRules(keys, 3))
    assert made.before.violating == 281
    assert made.after.violating == 0 and made.dropped < 50


@pytest.mark.parametrize("seed", range(3))
def test_diversity_is_reported_or_enforced_as_the_design_says(seed: int) -> None:
    frame = records(400, seed).with_columns(
        status=pl.when(pl.col("country") == "pe").then(pl.lit("a")).otherwise(pl.col("status"))
    )
    told = make_research_file(frame, ResearchRules(KEYS, 3, BANDS, "status", 2))
    assert told.after.l_violating
    held = make_research_file(frame, ResearchRules(KEYS, 3, BANDS, "status", 2, enforce=True))
    assert held.after.l_violating == 0 and held.after.violating == 0
    assert held.frame.height > 200
    assert f"In {told.after.l_violating} records" in told.statement["en"]


def test_the_share_of_answers_taken_out_is_told_for_each_key() -> None:
    made = make_research_file(records(400, 1), ResearchRules(KEYS, 5, BANDS))
    assert sum(made.suppressed.values()) > 0
    for name in KEYS:
        assert made.shares[name] == made.suppressed[name] / 400
        if made.shares[name]:
            assert f"{name} {made.shares[name]:.1%}" in made.statement["es"]


def test_the_design_sheet_says_how_safe_a_file_must_be() -> None:
    rows = {
        "research_keys": "sex age, country",
        "research_k": "7",
        "research_bands": "age 0 15 30; income 0, 1000",
        "research_sensitive": "status",
        "research_diversity": "3 enforce",
    }
    rules = ResearchRules.read(Design("s", "", settings=rows))
    assert rules == ResearchRules(
        ("sex", "age", "country"), 7, {"age": [0, 15, 30], "income": [0, 1000]}, "status", 3, enforce=True
    )
    assert ResearchRules.read(Design("s", "")) == ResearchRules(())
    for name, text in (("research_k", "many"), ("research_diversity", "2 perhaps"), ("research_bands", "age old")):
        with pytest.raises(ReleaseError, match="REL-055"):
            ResearchRules.read(Design("s", "", settings={name: text}))
