"""The file for research: what never stands in it, and that nobody is alone in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from reports.anonymity import measure_anonymity
from reports.research import make_research_file, safe_columns
from schemas.errors import ReleaseError
from schemas.fields import Choice, Field, Table

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
    made = make_research_file(records(400, seed), KEYS, 5, bands=BANDS, sensitive="status", weight="weight")
    assert made.before.violating > 300
    assert measure_anonymity(made.frame, KEYS, 5).violating == made.after.violating == 0
    assert made.frame.height + made.dropped == 400 and made.dropped < 20
    assert 0 < sum(made.suppressed.values()) < 400
    assert made.after.l_smallest is not None and made.after.reidentifications is not None
    assert made.before.reidentifications is not None and made.after.reidentifications < made.before.reidentifications


def test_ages_are_told_in_bands_and_missing_ages_stay_missing() -> None:
    frame = records(300, 1).with_columns(age=pl.when(pl.int_range(300) > 3).then("age"))
    told = set(make_research_file(frame, KEYS, 3, bands=BANDS).frame["age"].to_list())
    assert told <= {"0-14", "15-29", "30-44", "45-64", "65+", None}


def test_rare_codes_are_told_together() -> None:
    country = ["ht"] * 50 + ["cu"] * 3 + ["es"] * 4
    made = make_research_file(pl.DataFrame({"country": country}), ("country",), 5)
    assert sorted(set(made.frame["country"].to_list())) == ["ht", "other"] and not made.dropped


def test_the_order_of_records_tells_nothing_of_the_order_of_interviews() -> None:
    frame = records(200, 2)
    one, two = (make_research_file(each, KEYS, 3, bands=BANDS).frame for each in (frame, frame.reverse()))
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
    made = make_research_file(records(200, 3), KEYS, 3, bands=BANDS, weight="weight")
    assert sorted(made.statement) == ["en", "es", "ht"]
    assert all(str(made.after.records) in text for text in made.statement.values())


def test_too_few_records_are_refused() -> None:
    with pytest.raises(ReleaseError, match="REL-056"):
        make_research_file(records(4, 1), KEYS, 5)


def test_sdcmicro_s_file_becomes_safe_on_its_seven_keys() -> None:
    if not SDCMICRO.exists():
        pytest.skip(f"{SDCMICRO} isn't there")
    keys = ("urbrur", "roof", "walls", "water", "electcon", "relat", "sex")
    frame = pl.read_csv(SDCMICRO, infer_schema=False, null_values=["NA", ""])
    made = make_research_file(frame, keys, 3)
    assert made.before.violating == 281
    assert made.after.violating == 0 and made.dropped < 50
