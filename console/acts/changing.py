"""Answers that change: what somebody wants, checked against the form; what follows; and the rows that tell of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from console.acts.grounds import Ground
from console.acts.wishes import Change
from schemas.decisions import CellChange, Decision
from schemas.errors import DecisionError
from schemas.fields import Field
from store.decisions import add_decisions
from store.findings import put_findings
from store.open import Store
from store.people import Person
from store.settled_readings import settle_readings
from validation.cleaning.cells import Questions, locate, normal_text, refuse_answer, to_texts
from validation.cleaning.readings import split_readings
from validation.cleaning.weighing import Weighed, weigh

FOLLOWS = "follows from the correction"
_REFUSALS: Mapping[str, tuple[str, str, str]] = {
    "unknown_question": ("DEC-004", "the form has no such question, or several", "Write its name as in the workbook."),
    "unknown_row": ("DEC-005", "the interview has no such row", "Name the row as the tables do, e.g. person[2]."),
    "wrong_type": ("DEC-006", "the new value is none of the question's type", "Whole numbers, dates as 2026-11-24."),
    "unlisted_choice": ("DEC-007", "the new value isn't a code of the question's list", "Give the code, not a label."),
    "no_change": ("DEC-008", "the question holds that already", "Nothing is to be done."),
}


class RefusedChange(Exception):
    """Why an answer can't be changed so: a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """One answer that somebody wants changed, and what its row in the log says of it."""

    change: CellChange
    reason: str
    rule_id: str = ""
    source: str = "desk"


def find_cell(ground: Ground, instance_id: str, change: Change, table: str = "") -> tuple[Field, CellChange]:
    """The question that a change is about, and the change with what the cell holds now.

    Raises:
        RefusedChange: unknown_question, unknown_row, wrong_type, unlisted_choice, no_change.
    """
    form = ground.compiled.form
    field = Questions(form).find(change.question, table)
    if field is None:
        raise RefusedChange("unknown_question")
    frame = ground.edited.tables[field.table]
    key = (instance_id, change.row_id)
    place = locate(frame, [key]).get(key)
    if place is None or field.column not in frame.columns:
        raise RefusedChange("unknown_row")
    new = normal_text(field, change.value)
    if reason := refuse_answer(field, new, form):
        raise RefusedChange(reason)
    old = _personal_value(ground, field, key) if field.personal else to_texts(frame[field.column][place : place + 1])[0]
    if old == new:
        raise RefusedChange("no_change")
    return field, CellChange(instance_id, field.table, change.row_id, field.column, old, new, bool(field.personal))


def _personal_value(ground: Ground, field: Field, key: tuple[str, str]) -> str | None:
    held = ground.interviews.personal
    mine = held.filter((held["instance_id"] == key[0]) & (held["row_id"] == key[1]) & (held["question"] == field.name))
    return None if mine.is_empty() else str(mine["value"][0])


def explain(refusal: RefusedChange, question: str) -> DecisionError:
    """A refused change as an error that names the question, never a value."""
    code, found, advice = _REFUSALS[refusal.reason]
    return DecisionError(code, f"{question} can't be changed so: {found}.", advice)


def weigh_changes(ground: Ground, changes: Sequence[CellChange]) -> Weighed:
    """What changes bring with them."""
    keys = {(f"type:{_path(ground, row)}", row.instance_id, row.row_id) for row in changes}
    parsed = [row for row in ground.readings.open if (row.rule_id, row.instance_id, row.row_id) not in keys]
    form = ground.compiled.form
    return weigh(form, ground.rules, ground.interviews, changes, zone=ground.zone, parsed=parsed)


def _path(ground: Ground, change: CellChange) -> str:
    field = Questions(ground.compiled.form).find(change.question, change.table)
    return "" if field is None else field.path


def change_rows(
    person: Person, form_id: str, wanted: Sequence[Wanted], derived: Iterable[CellChange], first: int = 0
) -> list[Decision]:
    """The rows of one interview's changes: the first of them, and all others that hold as long as it does.

    Args:
        first: how many rows stand before them in the same call of `add_decisions`.
    """
    cause = -(first + 1)
    rows = []
    for number, one in enumerate(wanted):
        row = _row(person, form_id, one.change, one.reason, one.source)
        rows.append(replace(row, rule_id=one.rule_id, cause=cause if number else None))
    return [*rows, *derived_rows(person, form_id, derived, cause)]


def derived_rows(person: Person, form_id: str, derived: Iterable[CellChange], cause: int) -> list[Decision]:
    """The rows of what follows from others; `cause` as of `add_decisions`."""
    return [replace(_row(person, form_id, one, FOLLOWS, "recalculated"), cause=cause) for one in derived]


def _row(person: Person, form_id: str, change: CellChange, reason: str, source: str) -> Decision:
    return Decision(
        form_id=form_id,
        instance_id=change.instance_id,
        action="blank" if change.new is None else "correct",
        reason=reason,
        person=person.name,
        person_id=person.id,
        row_id=change.row_id,
        question=change.question,
        table=change.table,
        old=change.old,
        value=change.new,
        source=source,
        is_personal=change.is_personal,
    )


def write_changes(
    store: Store,
    ground: Ground,
    form_id: str,
    rows: Sequence[Decision],
    weighed: Weighed,
    instances: Collection[str],
    at: datetime | None,
) -> list[int]:
    """Write rows into the log and bring the findings of their interviews up to date, in one transaction."""
    looked_at = frozenset(instances)
    with store.begin() as connection:
        numbers = add_decisions(connection, rows, at)
        log = [*ground.log, *(replace(row, id=number) for row, number in zip(rows, numbers, strict=True))]
        holds = (row for row in weighed.holds if row.instance_id in looked_at)
        put_findings(connection, form_id, holds, weighed.judged, at, instances=looked_at)
        split = split_readings(ground.compiled.form, ground.readings.open, log, ground.replayed(log))
        settle_readings(connection, form_id, split.corrected, split.restored, at)
    return numbers
