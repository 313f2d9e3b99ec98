"""Decisions replayed over typed tables: types kept, stale ones told, repeats by row, any path through undo."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from decided_survey import FORM, SHEETS
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.compile import compile_workbook
from forms.sheets.markdown import workbook_from_markdown
from schemas.decisions import Decision
from schemas.fields import PRESENT
from validation.cleaning.cells import normal_text, refuse_answer
from validation.cleaning.edited import Edited, replay_decisions

SURVEY = compile_workbook(workbook_from_markdown(SHEETS, FORM)).form
FIELDS = {field.name: field for field in SURVEY.fields()}
MAIN = pl.DataFrame(
    {
        "_instance_id": ["a", "b", "c"],
        "_row_id": ["", "", ""],
        "head": [PRESENT, PRESENT, None],
        "rooms": pl.Series([1, 2, None], dtype=pl.Int64),
        "rent": [10.5, None, 3.0],
        "moved": [date(2020, 1, 5), None, date(2021, 2, 6)],
        "heating": ["gas wood", "gas", None],
    }
)
PERSON = pl.DataFrame(
    {
        "_instance_id": ["a", "a", "b"],
        "_row_id": ["person[1]", "person[2]", "person[1]"],
        "age": pl.Series([40, 9, 30], dtype=pl.Int64),
        "works": ["yes", None, "no"],
    }
)
TABLES = {"main": MAIN, "person": PERSON}


def change(number: int, instance: str, question: str, old: str | None, new: str | None, row: str = "") -> Decision:
    action = "blank" if new is None else "correct"
    return Decision(FORM, instance, action, "r", "p", row, question=question, old=old, value=new, id=number)


def undo(number: int, target: int) -> Decision:
    return Decision(FORM, "a", "undo", "r", "p", undoes=target, id=number)


def replay(*log: Decision, **more: object) -> Edited:
    return replay_decisions(SURVEY, TABLES, log, **more)  # type: ignore[arg-type]


def test_values_keep_the_type_of_their_column_and_nothing_else_changes() -> None:
    edited = replay(
        change(1, "a", "rooms", "1", "7"),
        change(2, "b", "rent", None, "99.25"),
        change(3, "c", "moved", "2021-02-06", "2022-03-07"),
        change(4, "a", "heating", "gas wood", None),
        change(5, "a", "age", "9", "19", "person[2]"),
    )
    assert edited.tables["main"].schema == MAIN.schema
    assert edited.tables["main"]["rooms"].to_list() == [7, 2, None]
    assert edited.tables["main"]["rent"].to_list() == [10.5, 99.25, 3.0]
    assert edited.tables["main"]["moved"].to_list() == [date(2020, 1, 5), None, date(2022, 3, 7)]
    assert edited.tables["main"]["heating"].to_list() == [None, "gas", None]
    assert edited.tables["person"]["age"].to_list() == [40, 19, 30]
    assert edited.tables["person"]["works"].equals(PERSON["works"])
    assert (edited.cells, len(edited.applied), edited.stale) == (5, 5, ())
    assert MAIN["rooms"].to_list() == [1, 2, None]


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (change(1, "a", "rooms", "5", "7"), "stale_old_value"),
        (change(1, "z", "rooms", "1", "7"), "unknown_row"),
        (change(1, "a", "age", "40", "7", "person[8]"), "unknown_row"),
        (change(1, "a", "height", "1", "7"), "unknown_question"),
        (change(1, "a", "rooms", "1", "many"), "wrong_type"),
    ],
)
def test_what_does_not_apply_any_more_is_told(decision: Decision, reason: str) -> None:
    edited = replay(decision)
    assert [(row.decision.id, row.reason) for row in edited.stale] == [(1, reason)]
    assert all(edited.tables[name].equals(TABLES[name]) for name in TABLES)


def test_an_interview_that_says_what_the_correction_says_is_no_longer_changed() -> None:
    edited = replay(change(1, "a", "rooms", "5", "1"))
    assert (edited.cells, edited.stale) == (0, ())


def test_what_rests_on_a_stale_correction_is_stale_too_and_a_later_one_is_not() -> None:
    log = (change(1, "a", "rooms", "5", "6"), change(2, "a", "rooms", "6", "7"), change(3, "a", "rooms", "1", "8"))
    edited = replay(*log)
    assert [row.decision.id for row in edited.stale] == [1, 2]
    assert edited.tables["main"]["rooms"].to_list() == [8, 2, None]


def test_personal_values_go_where_personal_answers_are_and_tables_hold_marks() -> None:
    rows = {
        "instance_id": "a",
        "row_id": "",
        "question": "head",
        "kind": "name",
        "value": "Widelin",
        "personal_id": "x",
    }
    log = (change(1, "a", "head", "Widelin", "Wideline"), change(2, "c", "head", None, "Ana"))
    edited = replay(*log, personal=pl.DataFrame([rows]))
    assert edited.tables["main"]["head"].to_list() == [PRESENT, PRESENT, PRESENT]
    assert edited.personal is not None
    assert dict(edited.personal.select("instance_id", "value").rows()) == {"a": "Wideline", "c": "Ana"}
    without = replay(*log)
    assert without.tables["main"].equals(edited.tables["main"])


STEP = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(["a", "b", "c"]), st.one_of(st.none(), st.integers(0, 4))),
    st.tuples(st.just("undo"), st.just(""), st.integers(1, 12)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=12))
def test_any_sequence_of_decisions_undoing_and_redoing_equals_the_model(
    steps: list[tuple[str, str, int | None]],
) -> None:
    """The model: what is not taken back is done over again from the start, each on what it saw when it was decided."""
    log: list[Decision] = []
    for number, (kind, instance, value) in enumerate(steps, start=1):
        if kind == "undo":
            assert value is not None
            if value >= number:
                continue
            log.append(undo(number, value))
        else:
            now = dict(replay(*log).tables["main"].select("_instance_id", "rooms").rows())[instance]
            old, new = (None if one is None else str(one) for one in (now, value))
            log.append(change(number, instance, "rooms", old, new))
    undoers = {row.id: [other for other in log if other.undoes == row.id] for row in log}

    def stands(row: Decision) -> bool:
        return not any(stands(other) for other in undoers[row.id])

    model = dict(MAIN.select("_instance_id", "rooms").rows())
    for row in log:
        if row.action != "undo" and stands(row):
            model[row.instance_id] = None if row.value is None else int(row.value)
    edited = replay(*log)
    assert edited.stale == ()
    assert dict(edited.tables["main"].select("_instance_id", "rooms").rows()) == model
    assert all(replay(*log).tables[name].equals(edited.tables[name]) for name in TABLES)


ANY_STEP = st.one_of(
    st.tuples(st.just("set"), st.sampled_from("abc"), st.sampled_from(["rooms", "rent"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["exclude", "include"]), st.sampled_from("abc"), st.just(""), st.just(0)),
    st.tuples(st.just("undo"), st.just("a"), st.just(""), st.integers(1, 12)),
)


def survey_after(log: list[Decision]) -> tuple[object, ...]:
    """What a survey holds: its answers, the interviews that count nowhere, and what no longer applies."""
    edited = replay(*log)
    kept = MAIN["_instance_id"].filter(~MAIN["_instance_id"].is_in(sorted(edited.excluded))).to_list()
    return edited.tables["main"].rows(), kept, edited.excluded, [row.decision.id for row in edited.stale]


@settings(max_examples=200, deadline=None)
@given(st.lists(ANY_STEP, min_size=1, max_size=10))
def test_taking_the_last_row_back_is_as_if_it_had_never_been_and_taking_that_back_as_if_it_stood(
    steps: list[tuple[str, str, str, int]],
) -> None:
    """After corrections of the same answer by the same value, exclusions, inclusions, undoing and redoing."""
    log: list[Decision] = []
    for kind, instance, question, value in steps:
        number = len(log) + 1
        if kind == "undo":
            if value >= number:
                continue
            log.append(undo(number, value))
        elif kind == "set":
            now = dict(replay(*log).tables["main"].select("_instance_id", question).rows())[instance]
            old = None if now is None else str(now)
            log.append(change(number, instance, question, old, str(value) if question == "rooms" else f"{value}.0"))
        else:
            log.append(
                Decision(FORM, instance, kind, "r", "p", seconded_by="q" if kind == "exclude" else None, id=number)
            )
        if not log:
            continue
        last = log[-1].id
        assert last is not None
        before, after = survey_after(log[:-1]), survey_after(log)
        back, again = undo(last + 1, last), undo(last + 2, last + 1)
        assert survey_after([*log, back]) == before
        assert survey_after([*log, back, again]) == after
        assert survey_after([*log, back, again, undo(last + 3, last + 2)]) == before


@pytest.mark.parametrize(
    ("question", "text", "normal", "refusal"),
    [
        ("rooms", "5.0", "5", ""),
        ("rooms", " 5 ", "5", ""),
        ("rooms", "5.5", "5.5", "wrong_type"),
        ("rent", "5", "5.0", ""),
        ("moved", "2020-13-01", "2020-13-01", "wrong_type"),
        ("works", "yes", "yes", ""),
        ("works", "Yes", "Yes", "unlisted_choice"),
        ("heating", " wood  gas", "wood gas", ""),
        ("heating", "", None, ""),
    ],
)
def test_answers_are_read_as_spreadsheets_write_them_and_judged_by_their_question(
    question: str, text: str, normal: str | None, refusal: str
) -> None:
    assert normal_text(FIELDS[question], text) == normal
    assert refuse_answer(FIELDS[question], normal, SURVEY) == refusal
