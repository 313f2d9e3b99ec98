"""k-anonymity, l-diversity and population risk of a microdata file."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from flows.cli import app
from reports.anonymity import measure_anonymity
from schemas.errors import ReleaseError

TESTDATA = Path(__file__).resolve().parents[2] / "shared" / "reference" / "sdcmicro_testdata.csv"
KEYS = ["urbrur", "roof", "walls", "water", "electcon", "relat", "sex"]


@pytest.mark.skipif(not TESTDATA.exists(), reason="sdcMicro's testdata (shared/reference) isn't here")
def test_sdcmicros_own_file_has_the_violations_that_sdcmicro_publishes() -> None:
    """Source: sdcMicro's `print` of its testdata: 157 and 281; 10.78 expected re-identifications (0.24 %)."""
    frame = pl.read_csv(TESTDATA, infer_schema=False)
    two = measure_anonymity(frame, KEYS, 2)
    three = measure_anonymity(frame, KEYS, 3, weight="sampling_weight")
    assert (two.records, two.violating, three.violating) == (4580, 157, 281)
    assert three.reidentifications == pytest.approx(10.78, abs=0.005)


def test_a_missing_key_fits_every_value_or_is_a_value_of_its_own() -> None:
    frame = pl.DataFrame({"a": ["x", "x", "y", None], "b": ["1", "1", "2", "2"]})
    assert measure_anonymity(frame, ["a", "b"], 2).violating == 0
    assert measure_anonymity(frame, ["a", "b"], 2, missing_is_any=False).violating == 2


def test_a_class_that_shares_its_sensitive_value_is_counted() -> None:
    frame = pl.DataFrame({"a": ["x", "x", "y", "y"], "illness": ["hiv", "hiv", "flu", "none"]})
    found = measure_anonymity(frame, ["a"], 2, sensitive="illness")
    assert (found.violating, found.l_violating, found.l_smallest) == (0, 2, 1)


def test_a_column_that_is_not_there_and_a_weight_that_is_none_get_coded_messages() -> None:
    frame = pl.DataFrame({"a": ["x"], "w": ["0.2"]})
    with pytest.raises(ReleaseError, match="nope") as caught:
        measure_anonymity(frame, ["nope"], 2)
    assert caught.value.code == "REL-040"
    with pytest.raises(ReleaseError) as caught:
        measure_anonymity(frame, ["a"], 2, weight="w")
    assert caught.value.code == "REL-041"


RECORDS = st.lists(
    st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from(["1", "2", None]), st.sampled_from(["p", "q"])),
    min_size=1,
    max_size=25,
)


@given(RECORDS, st.integers(2, 4))
def test_the_count_is_that_of_comparing_every_pair(records: list[tuple[str | None, ...]], k: int) -> None:
    def alike(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> bool:
        return all(a is None or b is None or a == b for a, b in zip(one[:2], other[:2], strict=True))

    frame = pl.DataFrame(records, schema={"a": pl.String, "b": pl.String, "s": pl.String}, orient="row")
    groups = [[other for other in records if alike(one, other)] for one in records]
    found = measure_anonymity(frame, ["a", "b"], k, sensitive="s")
    assert found.violating == sum(len(group) < k for group in groups)
    assert found.unique == sum(len(group) == 1 for group in groups)
    assert found.l_violating == sum(len({record[2] for record in group}) < 2 for group in groups)


def test_the_command_prints_the_count_and_fails_where_asked_to(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("a,b\n1,x\n1,x\n2,NA\n")
    arguments = ["disclosure", "anonymity", str(file), "--keys", "a,b", "--k", "2"]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.output.splitlines()[0]) == (
        0,
        "1 of 3 records violate 2-anonymity (33.33%) on a, b.",
    )
    assert CliRunner().invoke(app, [*arguments, "--strict"]).exit_code == 1
