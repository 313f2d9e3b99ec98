"""A cleaning log in the sector's shape, replayed over a flat table."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.cleaning.log import ChangeType, match_columns, read_rows
from validation.cleaning.replay import Replayed, replay

NAMES = ["start", "uuid", "age", "sex", "job", "arrived"]
RAW = [
    ["08:00", "a", "180", "f", "cook", "2019-04-01"],
    ["09:00", "b", "23", "m", "NA", "2020-05-02"],
    ["10:00", "c", "45", "f", "driver", "2021-06-03"],
    ["11:00", "d", "67", "m", "", "2022-07-04"],
]
HEADER = ["uuid", "question", "old_value", "new_value", "change_type", "issue"]


def table(rows: list[list[str]]) -> pl.DataFrame:
    names = [f"column_{number + 1}" for number in range(len(NAMES))]
    return pl.DataFrame(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def run(log: list[list[str]], rows: list[list[str]] | None = None, **options: bool) -> Replayed:
    read = read_rows([[*row, "why"] for row in log], match_columns(HEADER))
    return replay(table(RAW if rows is None else rows), NAMES, "uuid", read, **options)


def cells(result: Replayed) -> list[list[str]]:
    return [list(row) for row in result.table.rows()]


def reasons(result: Replayed) -> list[tuple[int, str]]:
    return [(row.number, row.reason) for row in result.refused]


def test_each_change_type_does_what_it_says_and_nothing_else() -> None:
    result = run(
        [
            ["a", "age", "180", "18", "change_response"],
            ["c", "job", "driver", "", "blank_response"],
            ["d", "", "", "", "remove_survey"],
            ["b", "sex", "m", "m", "no_action"],
        ]
    )
    assert cells(result) == [
        ["08:00", "a", "18", "f", "cook", "2019-04-01"],
        RAW[1],
        ["10:00", "c", "45", "f", "", "2021-06-03"],
    ]
    assert dict(result.applied) == dict.fromkeys(ChangeType, 1)
    assert (result.cells, result.removed, result.refused) == (2, 1, ())


def test_each_bad_row_is_refused_with_its_reason_and_the_good_ones_apply() -> None:
    result = run(
        [
            ["z", "age", "1", "2", "change_response"],
            ["a", "wage", "1", "2", "change_response"],
            ["a", "age", "181", "18", "change_response"],
            ["a", "age", "180", "eighteen", "change_response"],
            ["a", "age", "180", "18", "change_response"],
            ["a", "age", "180", "18", "change_response"],
            ["a", "age", "180", "19", "change_response"],
            ["a", "arrived", "2019-04-01", "April", "change_response"],
            ["b", "sex", "m", "f", "improve"],
            ["", "sex", "m", "f", "change_response"],
            ["b", "", "m", "f", "change_response"],
            ["b", "uuid", "b", "x", "change_response"],
            ["c", "sex", "", "m", "change_response"],
            ["c", "sex", "", "x", "change_response"],
        ]
    )
    assert reasons(result) == [
        (2, "unknown_key"),
        (3, "unknown_question"),
        (4, "stale_old_value"),
        (5, "wrong_type"),
        (7, "twice"),
        (8, "stale_old_value"),
        (9, "wrong_type"),
        (10, "unknown_change_type"),
        (11, "no_key"),
        (12, "no_question"),
        (13, "key_column"),
        (15, "contradicts"),
    ]
    assert [row[2] for row in cells(result)] == ["18", "23", "45", "67"]
    assert cells(result)[2][3] == "m"


def test_a_reason_names_the_column_and_the_row_but_no_value() -> None:
    result = run([["a", "job", "secret-old", "secret-new", "change_response"]])
    assert "job" in result.refused[0].sentence
    assert "secret" not in result.refused[0].sentence and "cook" not in result.refused[0].sentence


def test_undo_is_another_row() -> None:
    there = ["a", "age", "180", "18", "change_response"]
    back = ["a", "age", "18", "180", "change_response"]
    assert cells(run([there, back])) == RAW
    assert run([there, back]).cells == 0


def test_old_values_are_compared_as_spreadsheets_rewrite_them() -> None:
    rows = [["", "a", "5", "TRUE", "NA", "1"], ["", "b", "6", "FALSE", "x", "2"], ["", "c", "7", "FALSE", "y", "3"]]
    log = [
        ["a", "age", "5.0", "8", "change_response"],
        ["a", "sex", "true", "FALSE", "change_response"],
        ["a", "job", "", "cook", "change_response"],
    ]
    assert run(log, rows).refused == ()


def test_a_key_that_several_records_carry_can_be_removed_but_not_changed() -> None:
    rows = [RAW[0], RAW[0], RAW[1]]
    result = run([["a", "age", "180", "18", "change_response"], ["a", "", "", "", "remove_survey"]], rows)
    assert reasons(result) == [(2, "ambiguous_key")]
    assert cells(result) == [RAW[1]]


def test_the_names_of_other_tools_for_the_same_columns_are_read() -> None:
    assert match_columns(["X_uuid", "Questions", "Old value", "new.value", "Change Type"]) == {
        "key": 0,
        "question": 1,
        "old": 2,
        "new": 3,
        "type": 4,
    }
    assert match_columns(["uuid", "hh", "question", "new_value", "action"], "hh")["key"] == 1


def test_a_text_column_takes_a_number_and_types_can_be_left_unchecked() -> None:
    assert run([["a", "job", "cook", "7", "change_response"]]).refused == ()
    assert run([["a", "age", "180", "dk", "change_response"]], check_types=False).refused == ()


ROW = st.tuples(
    st.sampled_from(["a", "b", "c", "d", "z"]),
    st.sampled_from(["age", "sex", "job", "nope"]),
    st.sampled_from(["", "180", "f", "cook", "NA", "5"]),
    st.sampled_from(["", "18", "m", "baker", "5"]),
    st.sampled_from([*(kind.value for kind in ChangeType), "odd"]),
)


@given(st.lists(ROW, max_size=12))
def test_every_row_is_counted_once_and_a_refused_row_changes_nothing(log: list[tuple[str, ...]]) -> None:
    result = run([list(row) for row in log])
    assert sum(result.applied.values()) + sum(result.already.values()) + len(result.refused) == len(log)
    refused = {row.number for row in result.refused}
    good = [list(row) for number, row in enumerate(log, start=2) if number not in refused]
    again = run(good)
    assert cells(again) == cells(result)
    assert again.refused == ()


@given(st.lists(ROW, max_size=12))
def test_columns_and_the_order_of_rows_stay(log: list[tuple[str, ...]]) -> None:
    result = run([list(row) for row in log])
    kept = [row[1] for row in cells(result)]
    assert kept == [key for key in "abcd" if key in kept]
    assert result.table.columns == table(RAW).columns


CELL = st.tuples(
    st.sampled_from(["b", "b", "c"]),
    st.just("job"),
    st.sampled_from(["", "NA", "cook", "baker", "driver"]),
    st.sampled_from(["", "cook", "baker", "driver"]),
    st.sampled_from(["change_response", "change_response", "change_response", "blank_response", "remove_survey"]),
)


@settings(max_examples=600, deadline=None)
@given(st.lists(CELL, max_size=9), st.sampled_from(["", "NA", "cook", "driver"]))
def test_any_log_over_its_own_result_changes_nothing(log: list[tuple[str, ...]], held: str) -> None:
    rows = [[*RAW[1][:4], held, RAW[1][5]], RAW[2]]
    # A table of few rows loses the evidence for a type by the log itself; types are another test.
    once = cells(run([list(row) for row in log], rows, check_types=False))
    if once:
        assert cells(run([list(row) for row in log], once, check_types=False)) == once


def test_a_row_that_an_earlier_one_contradicts_stays_refused_when_the_log_is_replayed_onto_its_own_result() -> None:
    log = [["b", "age", "23", "24", "change_response"], ["b", "age", "", "50", "change_response"]]
    once = run(log)
    assert reasons(once) == [(3, "contradicts")]
    again = run(log, cells(once))
    assert (cells(again), reasons(again)) == (cells(once), [(3, "contradicts")])
