"""OData filters and orders: what they mean, and where they say that they are wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrosa.central.columns import Column, compile_filter, compile_orders, kind_of
from openrosa.central.filters import FilterRefused, parse_filter, parse_orders

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FRAME = pl.DataFrame(
    {
        "age": [36, 7, None, 80],
        "rent": [2.5, None, 0.0, -1.0],
        "name": ["O'Higgins", "ñandú", None, "casa"],
        "day": [date(2026, 1, 1), date(2026, 11, 24), None, date(2020, 2, 29)],
        "at": [datetime(2026, 1, 1, 3, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC), None, NOW],
    },
    schema_overrides={"at": pl.Datetime("ms", "UTC")},
)
COLUMNS = {name: Column(name, kind_of(kind)) for name, kind in FRAME.schema.items()} | {
    "__system/submissionDate": Column("at", "dateTime")
}


def rows(text: str) -> list[int]:
    """Places of the rows that a filter keeps."""
    frame = FRAME.with_row_index("place")
    return frame.filter(compile_filter(parse_filter(text), COLUMNS, NOW)).get_column("place").to_list()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("age eq 36", [0]),
        ("age ne 36", [1, 2, 3]),
        ("age neq 36", [1, 2, 3]),
        ("age eq null", [2]),
        ("null ne age", [0, 1, 3]),
        ("age lt 36", [1]),
        ("age le 36", [0, 1]),
        ("not (age le 36)", [2, 3]),
        ("not age le 36", [2, 3]),
        ("age gt 7 and age lt 80", [0]),
        ("age eq 7 or age eq 80 and rent eq 0", [1]),
        ("(age eq 7 or age eq 80) and rent lt 0", [3]),
        ("age add 1 eq 8", [1]),
        ("age sub 1 mul 2 eq 34", [0]),
        ("(age sub 1) mul 2 eq 70", [0]),
        ("age mod 2 eq 1", [1]),
        ("rent eq -1", [3]),
        ("-rent gt 0.5", [3]),
        ("age div 2 eq 18", [0]),
        ("name eq 'O''Higgins'", [0]),
        ("contains(name,'and')", [1]),
        ("startswith(name, 'ñ') or endswith(name, 'sa')", [1, 3]),
        ("contains(name, '.*')", []),
        ("length(name) eq 5", [1]),
        ("tolower(name) eq 'o''higgins'", [0]),
        ("concat(name, 's') eq 'casas'", [3]),
        ("name in ('casa', 'ñandú')", [1, 3]),
        ("age in (7)", [1]),
        ("day eq 2020-02-29", [3]),
        ("day ge 2026-01-01", [0, 1]),
        ("year(day) eq 2026 and month(day) eq 11", [1]),
        ("at lt 2026-01-01T00:00:00-03:00", []),
        ("at le 2026-01-01T00:00:00-03:00", [0]),
        ("at eq 2026-11-24", [1]),
        ("at lt now()", [0, 1]),
        ("hour(at) eq 12", [3]),
        ("date(__system/submissionDate) eq 2026-11-24", [1, 3]),
        ("round(rent) eq 2 or floor(rent) eq -1", [0, 3]),
        ("true", [0, 1, 2, 3]),
        ("true and not false", [0, 1, 2, 3]),
    ],
)
def test_a_filter_keeps_the_rows_that_odata_says(text: str, kept: list[int]) -> None:
    assert rows(text) == kept


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 0, "the end"),
        ("age eq", 6, "the end"),
        ("age eq 1 1", 9, "expected an operator"),
        ("age eq 'x", 7, "never ends"),
        ("ages eq 1", 0, "no property 'ages'"),
        ("age eq 1 and name eq 5", 18, "text can't be compared with number"),
        ("age eq 'x'", 4, "number can't be compared with text"),
        ("age", 0, "expected boolean, found number"),
        ("not age", 0, "expected boolean"),
        ("foo(age) eq 1", 0, "no function foo()"),
        ("contains(name) eq true", 0, "takes 2 arguments"),
        ("year(name) eq 1", 0, "expected dateTime or date"),
        ("age eq 12x", 7, "no number, date or time"),
        ("age eq 1_000", 7, "no number, date or time"),
        ("at gt 2026-01-01T00:00:00", 6, "no number, date or time"),
        ("age eq 1 ; drop", 9, "';' means nothing"),
        ("(age eq 1", 9, "expected ')'"),
        ("name/ eq 1", 9, "expected an operator or the end"),
        ("a/(b)", 2, "expected a name after '/'"),
        ("(" * 70 + "true" + ")" * 70, 60, "nested too deeply"),
        ("true" + " or true" * 200, 1205, "more than 150 operators"),
        ("x" * 5000, 4000, "longer than"),
    ],
)
def test_a_wrong_filter_says_where_and_why(text: str, position: int, reason: str) -> None:
    with pytest.raises(FilterRefused) as caught:
        compile_filter(parse_filter(text), COLUMNS, NOW)
    assert caught.value.status == 400
    assert caught.value.details is not None
    assert (caught.value.details["position"], reason in caught.value.message) == (position, True), caught.value.message


@given(st.text(alphabet="ageqnot 'and(1-0T:.),/ñ_$xlr", max_size=60))
def test_any_text_is_read_or_refused_with_a_place_within_it(text: str) -> None:
    try:
        compile_filter(parse_filter(text), COLUMNS, NOW)
    except FilterRefused as refused:
        assert refused.details is not None
        assert 0 <= refused.details["position"] <= len(text)


@given(st.text(max_size=40))
def test_a_quoted_text_is_the_same_text(value: str) -> None:
    quoted = value.replace("'", "''")
    frame = pl.DataFrame({"name": [value, value + "x"]})
    kept = frame.filter(compile_filter(parse_filter(f"name eq '{quoted}'"), COLUMNS, NOW))
    assert kept.get_column("name").to_list() == [value]


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_numbers_compare_as_numbers_do(one: int, other: int) -> None:
    frame = pl.DataFrame({"age": [one]})
    kept = frame.filter(compile_filter(parse_filter(f"age lt {other} or age sub 1 ge {other}"), COLUMNS, NOW))
    assert kept.height == int(one < other or one - 1 >= other)


def test_orders_name_columns_and_directions() -> None:
    orders = parse_orders("__system/submissionDate desc, age,rent asc")
    assert compile_orders(orders, COLUMNS) == (["at", "age", "rent"], [True, False, False])
    for text in ("", "age down", "age,", "nothing"):
        with pytest.raises(FilterRefused):
            compile_orders(parse_orders(text), COLUMNS)
