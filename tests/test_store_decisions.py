"""The log of decisions: it only grows, personal values are kept apart, and undoing is another row."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from schemas.decisions import Decision, in_force, taken_back
from schemas.errors import StoreError
from store.decisions import add_decision, add_decisions, get_decision, list_decisions, read_personal_corrections
from store.open import Store
from store.personal import PersonalAccess, list_access

FORM = "encuesta"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NAME = "Wideline Sentinel"


def correct(value: str | None, **other: object) -> Decision:
    row = Decision(
        FORM, "a", "correct", "misheard", "Ana", question="age", table="main", old="104", value=value, at=NOW
    )
    return Decision(**{name: getattr(row, name) for name in Decision.__slots__} | other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET value = '5'",
        "DELETE FROM decisions",
        "INSERT OR REPLACE INTO decisions"
        " (id, form_id, instance_id, row_id, rule_id, question, action, reason, person, at)"
        " VALUES (1, 'f', 'i', '', '', '', 'accept', 'r', 'p', '2026-01-01')",
    ],
)
def test_the_database_refuses_to_change_what_was_decided(store: Store, statement: str) -> None:
    with store.begin() as connection:
        add_decision(connection, correct("14"))
    if store.engine.dialect.name == "postgresql" and "REPLACE" in statement:
        statement = "TRUNCATE decisions"
    with pytest.raises(StoreError), store.begin() as connection:
        connection.execute(text(statement))
    with store.read() as connection:
        assert [row.value for row in list_decisions(connection, FORM)] == ["14"]


def test_a_row_comes_back_as_it_was_written(store: Store) -> None:
    row = correct("14", row_id="person[2]", rule_id="check:age", person_id=3, source="bulk", seconded_by="Luis")
    with store.begin() as connection:
        number = add_decision(connection, row)
        assert get_decision(connection, FORM, number) == Decision(
            **{name: getattr(row, name) for name in Decision.__slots__} | {"id": number}
        )
        with pytest.raises(StoreError, match=r"^STO-022"):
            get_decision(connection, "other", number)


def test_personal_values_are_kept_apart_and_reading_them_is_logged(store: Store) -> None:
    row = correct(NAME, question="name", is_personal=True, old="Widelin Sentinel")
    with store.begin() as connection:
        number = add_decision(connection, row)
        log = list_decisions(connection, FORM)
        dump = " ".join(str(found) for found in connection.execute(text("SELECT * FROM decisions")))
        dump += " ".join(str(found) for found in connection.execute(text("SELECT * FROM audit_log")))
    assert "Sentinel" not in dump
    assert (log[0].value, log[0].old, log[0].is_personal) == (None, None, True)
    assert "Sentinel" not in repr(row)
    with store.begin() as connection:
        right = PersonalAccess("Ana", "replay")
        values = read_personal_corrections(connection, right, FORM)
        assert read_personal_corrections(connection, right, "other") == {}
        assert [(read.person, read.rows) for read in list_access(connection)] == [("Ana", 1)]
    assert (values[number].value, values[number].old) == (NAME, "Widelin Sentinel")
    assert "Sentinel" not in repr(values)


def test_rows_that_follow_from_others_of_the_same_call_name_them(store: Store) -> None:
    rows = [correct("14"), correct("2", source="recalculated", cause=-1), correct("1"), correct("3", cause=-3)]
    with store.begin() as connection:
        numbers = add_decisions(connection, rows)
        log = list_decisions(connection, FORM)
    assert [row.id for row in log] == numbers
    assert [row.cause for row in log] == [None, numbers[0], None, numbers[2]]


@given(st.lists(st.integers(0, 6), max_size=14))
def test_any_path_through_undo_and_redo_equals_the_model(steps: list[int]) -> None:
    """Step 0 decides; any other takes back the row that many places before, be it a decision or an undo."""
    log: list[Decision] = []
    for number, step in enumerate(steps):
        target = number - step
        undoes = target if step and target >= 0 else None
        log.append(correct(str(number), id=number, action="undo" if undoes is not None else "correct", undoes=undoes))
        # The model: whenever something is added, everything is worked out anew by asking each row for its undoers.
    undoers = {row.id: [other for other in log if other.undoes == row.id] for row in log}

    def stands(row: Decision) -> bool:
        return not any(stands(other) for other in undoers[row.id])

    assert taken_back(log) == {row.id for row in log if not stands(row)}
    assert [row.id for row in in_force(log).decisions] == [
        row.id for row in log if stands(row) and row.action == "correct"
    ]


def test_what_follows_from_a_decision_falls_and_comes_back_with_it() -> None:
    first = correct("14", id=1)
    follows = correct("0", id=2, cause=1, source="recalculated", question="is_adult")
    undo = correct(None, id=3, action="undo", undoes=1)
    redo = correct(None, id=4, action="undo", undoes=3)
    assert [row.id for row in in_force([first, follows]).changes] == [1, 2]
    assert in_force([first, follows, undo]).changes == ()
    assert [row.id for row in in_force([first, follows, undo, redo]).changes] == [1, 2]


def test_an_exclusion_needs_two_and_ends_by_either_undo_or_inclusion() -> None:
    def row(number: int, action: str, person_id: int | None = 1, **other: object) -> Decision:
        return correct(None, id=number, action=action, person_id=person_id, **other)

    exclude, same, other = row(1, "exclude"), row(2, "second", seconds=1), row(3, "second", 2, seconds=1)
    assert in_force([exclude]).pending == (exclude,)
    assert in_force([exclude, same]).excluded == frozenset()
    assert in_force([exclude, same, other]).excluded == {"a"}
    assert in_force([exclude, same, other]).pending == ()
    assert in_force([exclude, other, row(4, "undo", undoes=3)]).pending == (exclude,)
    assert in_force([exclude, other, row(4, "undo", undoes=1)]).excluded == frozenset()
    assert in_force([exclude, other, row(4, "include")]).excluded == frozenset()
    assert in_force([exclude, other, row(4, "include"), row(5, "undo", undoes=4)]).excluded == {"a"}
