"""Any answers come back as they were given, and columns cast together as those cast one by one."""

from __future__ import annotations

import datetime
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import pytest
from censo_rows import compile_form, raw, read
from hypothesis import given, settings
from hypothesis import strategies as st

from expressions.casting import cast_columns, cast_texts
from schemas.fields import Form


@pytest.fixture(scope="module")
def form() -> Form:
    return compile_form()


XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))
ANSWERS = st.fixed_dictionaries(
    {
        "age": st.none() | st.integers(-(2**63), 2**63 - 1),
        "income": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "born": st.none() | st.dates(datetime.date(1000, 1, 1)),
        "note": st.none() | XML_TEXT,
        "people": st.lists(st.none() | st.integers(0, 120), max_size=3),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANSWERS, max_size=4))
def test_any_answers_come_back_as_they_were_given(form: Form, interviews: list[dict[str, Any]]) -> None:
    batch = []
    for number, answers in enumerate(interviews):
        shown = {
            name: f"<{name}>{'' if value is None else escape(str(value))}</{name}>"
            for name, value in answers.items()
            if name != "people"
        }
        people = "".join(f"<person><years>{'' if age is None else age}</years></person>" for age in answers["people"])
        body = shown["age"] + shown["income"] + shown["born"] + f"<g>{shown['note']}</g><household>{people}</household>"
        batch.append(raw(body, number))
    parsed = read(form, *batch)
    large = sum(not -(2**31) <= (answers["age"] or 0) < 2**31 for answers in interviews)
    assert [found.rule_id for found in parsed.findings] == ["type:/data/age"] * large
    main = parsed.tables["main"]
    for name in ("age", "income", "born"):
        assert main[name].to_list() == [answers[name] for answers in interviews]
    assert [text or "" for text in main["note"].to_list()] == [
        (answers["note"] or "").strip() for answers in interviews
    ]
    ages = [age for answers in interviews for age in answers["people"]]
    assert parsed.tables["person"]["years"].to_list() == ages


TIMES = ("2026-1-5", "2026-11-24T10:00:00.000-03:00", "2026-11-24T10:00:00", "10:00", "1 2", "true")


@given(
    columns=st.lists(
        st.tuples(
            st.sampled_from(["int", "decimal", "date", "dateTime", "string", "time", "geopoint", "boolean"]),
            st.lists(
                st.sampled_from(
                    [None, "", " ", "7", " 7 ", "99999999999", "-1.5", "NaN", "1e999", "x", "2026-11-24", *TIMES]
                ),
                min_size=3,
                max_size=3,
            ),
        ),
        max_size=5,
    )
)
def test_columns_cast_together_are_those_cast_one_by_one(columns: list[tuple[str, list[str | None]]]) -> None:
    frame = pl.DataFrame([pl.Series(str(at), texts, dtype=pl.String) for at, (_, texts) in enumerate(columns)])
    together = cast_columns(frame, [kind for kind, _ in columns])
    for (kind, texts), (typed, bad) in zip(columns, together, strict=True):
        alone, bad_alone = cast_texts(pl.Series(texts, dtype=pl.String), kind)
        assert (typed.dtype, repr(typed.to_list())) == (alone.dtype, repr(alone.to_list()))
        assert (None if bad is None else bad.to_list()) == (None if bad_alone is None else bad_alone.to_list())
