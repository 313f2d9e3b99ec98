"""What is called alike in every engine is so, whatever is answered."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expressions.alike import means_the_same
from expressions.columns import compile_columns
from expressions.profiles import Profile
from forms.compile import compile_workbook
from forms.sheets.markdown import workbook_from_markdown
from schemas.fields import INSTANCE_ID, ROW_ID

FORM = compile_workbook(
    workbook_from_markdown(
        """
| survey | | | |
| | type | name | label |
| | integer | age | Age |
| | integer | years | Years |
| | decimal | rate | Rate |
| | text | code | Code |
| | select_multiple s | many | Many |
| | date | day | Day |
| choices | | | |
| | list_name | name | label |
| | s | a | A |
| | s | b | B |
"""
    )
).form
ATOMS = (
    "${age} > 15",
    "${age} = 5",
    "${age} - ${years} != 3",
    "-${age} * 2 <= ${years} + 1",
    "${rate} >= 0.3",
    "${rate} * 10 < ${age}",
    "${code} = 'a'",
    "'' != ${code}",
    "/data/code != 'b'",
    "${code} = '5.0'",
    "selected(${many}, 'a')",
    "selected(${code}, 'b')",
    "true()",
)
CONDITIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map("not({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: "({} {} {})".format(*parts)),
    ),
    max_leaves=6,
)
WHOLE = st.none() | st.integers(-30, 30) | st.sampled_from([2_000_000_000])
ROWS = st.lists(
    st.tuples(
        WHOLE,
        WHOLE,
        st.none() | st.floats(-1e9, 1e9, allow_nan=False) | st.sampled_from([0.1, 0.3, 1e-9]),
        st.none() | st.sampled_from(["a", "b", "a b", "5", "5.0", "1,5", "1e3", "2024-01-01", "0", "NaN", "é"]),
        st.none() | st.sampled_from(["a", "b", "a b", "b a"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(CONDITIONS, ROWS)
def test_engines_agree_on_what_is_called_alike(text: str, rows: list[tuple[object, ...]]) -> None:
    assert means_the_same(text, FORM, "main", None)
    schema = {"age": pl.Int64, "years": pl.Int64, "rate": pl.Float64, "code": pl.String, "many": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    keys = [pl.Series(INSTANCE_ID, [f"uuid:{at}" for at in range(len(rows))]), pl.Series(ROW_ID, [""] * len(rows))]
    tables = {"main": frame.with_columns(keys)}
    found = [
        compile_columns(text, FORM, "main", allow_rowwise=True, profile=profile).boolean(tables).to_list()
        for profile in Profile
    ]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    "text",
    [
        "${code} = 5",
        "${code} > 5",
        "${age}",
        "${code} = ${many}",
        "${code} = '2024-01-01'",
        "${rate} = 0.3",
        "${rate} * 10 = 3",
        "${day} > '2024-01-01'",
        "${day} <= today()",
        "regex(${code}, '[0-9]+')",
        "selected(${age}, '5')",
        "selected(${many}, 'a b')",
        "selected(${many}, '')",
        "${age} div 2 > 1",
        "${age} > 1e3",
        "${age} > '5'",
        "${nothing} = 'a'",
        "round(${rate}) > 1",
        "${age} >",
    ],
)
def test_what_may_differ_is_not_called_alike(text: str) -> None:
    assert not means_the_same(text, FORM, "main", None)
