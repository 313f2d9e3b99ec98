"""Expressions over columns: the same meaning as at single nodes, and a refusal with a reason where there is none."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import expressions_form
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expressions.answers import SAMPLE, Answers
from expressions.columns import compile_columns
from expressions.exact import exactly
from expressions.functions.number import round_java
from expressions.lowering import lists
from expressions.rowwise import evaluate_rowwise
from schemas.errors import ExpressionError
from schemas.fields import Field, Form

FORM: Form = expressions_form.FORM

TABLES: dict[str, pl.DataFrame] = expressions_form.random_tables(seed=7, interviews=40)
ZONE = "America/Santiago"


def _field(name: str) -> Field:
    return next(field for field in FORM.fields() if field.name == name)


def _tables() -> dict[str, pl.DataFrame]:
    """Three interviews, of two persons, none and one."""
    utc = UTC
    main = pl.DataFrame(
        {
            "_instance_id": ["u1", "u2", "u3"],
            "_row_id": [""] * 3,
            "n": [5, None, 0],
            "x": [1.5, None, -2.5],
            "a": ["x", None, "y z"],
            "doc": ["***", None, "***"],
            "end": [datetime(2026, 4, 1, 1, tzinfo=utc), None, None],
            "_received_at": [datetime(2026, 4, 2, tzinfo=utc)] * 3,
        }
    ).with_columns(pl.col("end", "_received_at").dt.cast_time_unit("ms"))
    person = pl.DataFrame(
        {
            "_instance_id": ["u1", "u1", "u3"],
            "_row_id": ["person[1]", "person[2]", "person[1]"],
            "_parent_row_id": [""] * 3,
            "_position": [1, 2, 1],
            "kin": ["1", "2", "1"],
            "age": [30, None, 8],
        }
    )
    return {"main": main, "person": person, "visit": TABLES["visit"].clear()}


@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        ("${n} > 3", "main", ["true", "false", "false"]),
        ("not(${n} > 3)", "main", ["false", "true", "true"]),
        ("${n} != 5", "main", ["false", "true", "true"]),
        ("${n} = ''", "main", ["false", "true", "false"]),
        ("${n} + 1", "main", ["6", "NaN", "1"]),
        ("round(${x})", "main", ["2", "NaN", "-2"]),
        ("string(${x})", "main", ["1.5", "", "-2.5"]),
        ("${n} div 0", "main", ["Infinity", "NaN", "NaN"]),
        ("if(${n} > 3, ${n}, 'few')", "main", ["5", "few", "few"]),
        ("count(${person})", "main", ["2", "0", "1"]),
        ("count(${person}[${kin} = '1'])", "main", ["1", "0", "1"]),
        ("count(/data/g/person[kin = '1'])", "main", ["1", "0", "1"]),
        ("sum(${age})", "main", ["30", "0", "8"]),
        ("max(${age})", "main", ["30", "NaN", "8"]),
        ("join(' ', ${kin})", "main", ["1 2", "", "1"]),
        ("indexed-repeat(${age}, ${person}, 1)", "main", ["30", "", "8"]),
        ("${person}[position() = 2]/kin", "main", ["2", "", ""]),
        ("${n} + ${age}", "person", ["35", "NaN", "8"]),
        ("count(${person})", "person", ["2", "2", "1"]),
        ("sum(${age})", "person", ["30", "0", "8"]),
        ("sum(${person}[${kin} = '1']/age)", "person", ["30", "30", "8"]),
        ("position(.)", "person", ["1", "2", "1"]),
        ("${age} = indexed-repeat(${age}, ${person}, 1)", "person", ["true", "false", "true"]),
        ("today()", "main", ["2026-03-31", "2026-04-01", "2026-04-01"]),
        ("${doc} != ''", "main", ["true", "false", "true"]),
        ("5", "main", ["5", "5", "5"]),
        ("if(${n} > 3, ${n}, /data/n/null)", "main", ["5", "", ""]),
    ],
)
def test_an_expression_has_one_value_per_row(text: str, table: str, expected: list[str]) -> None:
    tables = _tables()
    assert compile_columns(text, FORM, table, zone=ZONE).string(tables).to_list() == expected


def test_a_question_gives_dots_their_meaning() -> None:
    tables = _tables()
    assert compile_columns(". > 3 and ../kin = '1'", FORM, "person", _field("age")).boolean(tables).to_list() == [
        True,
        False,
        True,
    ]
    assert compile_columns("position(..)", FORM, "person", _field("age")).number(tables).to_list() == [1.0, 2.0, 1.0]


def test_a_question_gives_dots_their_meaning_row_by_row_too() -> None:
    text = ". > 3 and sin(0) = 0"
    compiled = compile_columns(text, FORM, "person", _field("age"), allow_rowwise=True)
    assert (compiled.is_columnar, compiled.names) == (False, {"age"})
    assert compiled.boolean(_tables()).to_list() == [True, False, True]


def test_deep_arithmetic_stays_quick() -> None:
    """Each level names its operand several times; without care, a check digit grows to billions of terms."""
    text = "${n}"
    for _ in range(25):
        text = f"round(({text} mod 97) div 3 + 1)"
    found = compile_columns(text, FORM, "main").number(TABLES)
    assert found.to_list() == evaluate_rowwise(text, FORM, "main", None, TABLES, kind="number").to_list()


def test_results_have_the_promised_types() -> None:
    tables = _tables()
    compiled = compile_columns("${n}", FORM, "main")
    assert compiled.boolean(tables).to_list() == [True, False, False]
    assert compiled.number(tables).to_list() == [5.0, None, 0.0]
    assert compiled.string(tables).to_list() == ["5", "", "0"]
    assert [compiled.boolean(tables).dtype, compiled.number(tables).dtype] == [pl.Boolean, pl.Float64]


def test_tables_without_rows_give_no_values() -> None:
    tables = {name: frame.clear() for name, frame in TABLES.items()}
    for text in ("5", "${n} > 1", "count(${person})", "sum(${age})", "join(',', ${kin})", "today()"):
        assert compile_columns(text, FORM, "main").string(tables).to_list() == []


def test_a_column_that_an_older_version_lacks_is_blank() -> None:
    tables = _tables() | {"main": _tables()["main"].drop("n")}
    assert compile_columns("${n} = ''", FORM, "main").boolean(tables).to_list() == [True] * 3
    assert compile_columns("${n} + ${age}", FORM, "person").number(tables).to_list() == [None] * 3


def test_names_tell_the_questions_used() -> None:
    compiled = compile_columns("sum(${person}[${kin} = '1']/age) > ${n}", FORM, "main")
    assert compiled.names == {"kin", "age", "n"}
    assert compile_columns(
        "instance('regions')/root/item[name = ${region}]/zone", FORM, "main", allow_rowwise=True
    ).names == {"region"}


@pytest.mark.parametrize(
    ("text", "table", "code", "position"),
    [
        ("1 +", "main", "EXP-004", 3),
        ("nonsense(1)", "main", "EXP-020", 0),
        ("${nobody} > 1", "main", "EXP-101", 0),
        ("1 = /data/nobody", "main", "EXP-102", 4),
        ("${age} > 3", "main", "EXP-103", 0),
        ("${person} = 1", "main", "EXP-103", 0),
        ("count(5)", "main", "EXP-103", 6),
        ("${clock} > 3", "main", "EXP-104", 0),
        ("position(..)", "person", "EXP-105", 0),
        ("/data/* > 1", "main", "EXP-107", 6),
        ("instance('regions')/root/item/name", "main", "EXP-108", 0),
        ("instance('nobody')/root/item[name = ${a}]/zone", "main", "EXP-108", 0),
        ("instance('letters')/root/item[kind = ${a}]/name", "main", "EXP-108", 0),
        ("count(instance('letters')/root/item[position() = 2])", "main", "EXP-108", 36),
        ("count(instance('letters')/root/item[../kind = ${a}])", "main", "EXP-108", 36),
        ("count(instance('letters')/root/item[a = instance('regions')/root/item[a = b]/c])", "main", "EXP-108", 40),
        ("count(instance('letters')/root/item[1])", "main", "EXP-108", 36),
        ("count(instance('letters')/root/item/low)", "main", "EXP-108", 6),
        ("jr:choice-name(${region}, ${a})", "main", "EXP-108", 26),
        ("pulldata('nothing', 'price', 'code', ${a})", "main", "EXP-108", 0),
        ("regex(${a}, ${a})", "main", "EXP-109", 12),
        ("random() > 0.5", "main", "EXP-110", 0),
        ("count(${person}[1])", "main", "EXP-111", 16),
        ("${doc} = '12'", "main", "EXP-120", 0),
        ("string-length(${doc})", "main", "EXP-120", 14),
        ("concat(${name})", "person", "EXP-120", 7),
        ("if(${n} > 1, ${doc}, '') = 'x'", "main", "EXP-120", 13),
    ],
)
def test_what_has_no_columnar_form_is_refused_with_its_place(text: str, table: str, code: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_columns(text, FORM, table)
    assert (caught.value.code, caught.value.position) == (code, position)
    assert caught.value.advice


@pytest.mark.parametrize(
    "text", ["${doc} = '***'", "concat(${doc}, 'x')", "instance('regions')/root/item[name = ${doc}]"]
)
def test_personal_answers_are_refused_row_by_row_too(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate_rowwise(text, FORM, "main", None, TABLES)
    assert caught.value.code == "EXP-120"


def test_whether_a_personal_question_was_answered_may_be_asked() -> None:
    for text in ("${doc} != ''", "not(${doc} = '')", "boolean(${doc})", "if(${doc}, 1, 0) = 1", "${doc} and true()"):
        found = compile_columns(text, FORM, "main").boolean(TABLES)
        assert found.to_list() == TABLES["main"].get_column("doc").is_not_null().to_list()
        assert evaluate_rowwise(text, FORM, "main", None, TABLES, kind="boolean").to_list() == found.to_list()


def test_lists_are_evaluated_row_by_row_where_that_is_allowed() -> None:
    text = "instance('regions')/root/item[position() = 1]/zone"
    compiled = compile_columns(text, FORM, "main", allow_rowwise=True)
    assert (compiled.is_columnar, set(compiled.string(TABLES).to_list())) == (False, {"centre"})


def test_lists_are_looked_up_over_columns() -> None:
    compiled = compile_columns("instance('regions')/root/item[name = ${region}]/zone", FORM, "main")
    expected = [{"13": "centre", "1": "north", None: ""}[region] for region in TABLES["main"].get_column("region")]
    assert (compiled.is_columnar, compiled.string(TABLES).to_list()) == (True, expected)
    labels = compile_columns("jr:choice-name(${region}, '/data/region')", FORM, "main")
    assert set(labels.string(TABLES).to_list()) == {"Metropolitana", "Tarapacá", ""}


@pytest.mark.parametrize(
    "text",
    [
        "count(instance('letters')/root/item[name = current()/../a]) > 0",
        "count(instance('letters')/root/item[kind = '1'][selected(current()/../a, name)]) = 1",
        "instance('letters')/root/item[name = current()/.]/low",
        "count(instance('letters')/root/item[name = current()/../../data/a and low < ${x}])",
        "current()/../n > current()/.",
    ],
)
@pytest.mark.parametrize("cells", [1, 1_000_000])
def test_current_is_the_question_within_conditions_on_lists(
    text: str, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "CELLS", cells)
    field = next(field for field in FORM.fields() if field.name == "a")
    compiled = compile_columns(text, FORM, "main", field)
    expected = evaluate_rowwise(text, FORM, "main", field, TABLES, kind="string").to_list()
    assert compiled.string(TABLES).to_list() == expected


def test_unsorted_tables_give_the_same_counts() -> None:
    shuffled = TABLES | {"person": TABLES["person"].sample(fraction=1.0, shuffle=True, seed=3)}
    for text in ("count(${person})", "sum(${age})", "max(${age})", "count(${visit})"):
        compiled = compile_columns(text, FORM, "main")
        assert compiled.number(shuffled).to_list() == compiled.number(TABLES).to_list()


def test_answers_that_come_late_are_found_too() -> None:
    texts = ["a"] * SAMPLE + ["", None, "b c", "a"]
    answers = Answers(pl.Series(texts, dtype=pl.String))
    assert answers.contain("c").to_list() == [text == "b c" for text in texts]
    assert answers.contain("").to_list()[SAMPLE:] == [True, True, False, False]


@given(
    places=st.integers(1, 12),
    whole=st.integers(-(10**8), 10**8),
    step=st.sampled_from([-math.inf, 0.0, math.inf]),
    others=st.lists(st.floats(allow_nan=False), max_size=5),
)
def test_columns_are_rounded_on_the_digits_as_written(
    places: int, whole: int, step: float, others: list[float]
) -> None:
    half = (2 * whole + 1) / (2 * 10.0**places)
    values = [math.nextafter(half, step) if step else half, whole / 10.0**places, *others]
    compiled = compile_columns(f"round(${{x}}, {places})", FORM, "main")
    frame = TABLES["main"].head(1).select(pl.exclude("x")).join(pl.DataFrame({"x": values}), how="cross")
    found = compiled.number({"main": frame}).to_list()
    assert [(one, math.copysign(1, one)) for one in found] == [
        (expected, math.copysign(1, expected)) for expected in (round_java(value, places) for value in values)
    ]


@given(
    values=st.lists(st.one_of(st.integers(-(2**31), 2**31).map(float), st.none(), st.just(-0.0)), min_size=1),
    divisor=st.integers(-(2**31), 2**31),
)
def test_remainders_of_whole_numbers_are_those_of_any(values: list[float | None], divisor: int) -> None:
    by = pl.lit(float(divisor))
    quick, slow = (
        pl.DataFrame({"x": values}, schema={"x": pl.Float64}).with_columns(y=by).select(found)["x"].to_list()
        for found in (exactly(np.fmod, pl.col("x"), by), exactly(np.fmod, pl.col("x"), pl.col("y")))
    )
    assert list(map(repr, quick)) == list(map(repr, slow))


@given(
    texts=st.lists(st.sampled_from(["", " ", "a", "b", "a b", " a", "a ", "ab", "a  b", "b a c", None]), max_size=8),
    choice=st.sampled_from(["a", "b", "", " ", "a b", "ab", "a  b", " a"]),
)
def test_answers_are_looked_into_as_texts_padded_with_spaces_would_be(texts: list[str | None], choice: str) -> None:
    found = Answers(pl.Series(texts, dtype=pl.String)).contain(choice)
    assert found.to_list() == [f" {choice.strip()} " in f" {text or ''} " for text in texts]
    assert Answers(pl.Series(texts, dtype=pl.String)).count().to_list() == [len((text or "").split()) for text in texts]
