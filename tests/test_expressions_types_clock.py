"""`today()` and `now()` over stored interviews: by what the form itself records, never by when the phone was online."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from expressions.columns import compile_columns
from expressions.rowwise import evaluate_rowwise
from schemas.errors import ExpressionError
from schemas.fields import INSTANCE_ID, RECEIVED_AT, Field, Form, Group, Table

BORN = Field("born", "/data/born", "date", column="born")
ARRIVED = datetime(2026, 4, 9, 3, tzinfo=UTC)


def form(*more: Field) -> Form:
    fields = (BORN, *more)
    return Form("f", "1", "t", Group("data", "/data", fields), (Table("main", "/data", None, fields),))


def tables(**columns: pl.Series) -> dict[str, pl.DataFrame]:
    own = {INSTANCE_ID: ["uuid:1"], RECEIVED_AT: [ARRIVED], "born": [date(2026, 4, 2)]}
    return {"main": pl.DataFrame(own).with_columns(**columns)}


@pytest.mark.parametrize(
    "text", ["${born} <= today()", "if(${born} = '', 1, now() > 5)", "pulldata('a', 'b', 'c', today())"]
)
def test_a_form_that_records_no_time_has_no_today(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_columns(text, form(), "main", allow_rowwise=True)
    assert caught.value.code == "EXP-112"
    assert "does not record when the interview was held" in caught.value.message


def test_nor_has_it_row_by_row() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate_rowwise("${born} <= today()", form(), "main", None, tables())
    assert caught.value.code == "EXP-112"


@pytest.mark.parametrize("zone", ["America/Santiago", "UTC", "Asia/Kathmandu"])
def test_the_day_in_a_today_question_is_today_in_every_zone(zone: str) -> None:
    held = Field("held", "/data/held", "date", column="held", preload="date/today")
    frames = tables(held=pl.Series([date(2026, 4, 1)]))
    found = compile_columns("today()", form(held), "main", zone=zone)
    assert found.string(frames).to_list() == ["2026-04-01"]
    assert evaluate_rowwise("today()", form(held), "main", None, frames, zone=zone).to_list() == ["2026-04-01"]


def test_the_end_of_the_interview_comes_before_its_day_and_its_arrival() -> None:
    held = Field("held", "/data/held", "date", column="held", preload="date/today")
    end = Field("fin", "/data/fin", "dateTime", column="fin", preload="timestamp/end")
    frames = tables(held=pl.Series([date(2026, 4, 1)]), fin=pl.Series([datetime(2026, 4, 3, 12, tzinfo=UTC)]))
    assert compile_columns("today()", form(held, end), "main").string(frames).to_list() == ["2026-04-03"]


def test_an_interview_that_lacks_its_time_is_judged_as_of_its_arrival() -> None:
    end = replace(BORN, name="fin", path="/data/fin", type="dateTime", column="fin", preload="timestamp/end")
    frames = tables(fin=pl.Series([None], dtype=pl.Datetime("ms", "UTC")))
    assert compile_columns("${born} <= today()", form(end), "main").boolean(frames).to_list() == [True]
