"""The log of a survey as a spreadsheet in the sector's shape: a row a cell, an exclusion or an acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.acts.grounds import read_log
from console.acts.rights import require
from console.surveys import load_survey
from schemas.decisions import Decision
from schemas.errors import DecisionError
from schemas.fields import MAIN_TABLE
from store.communes import list_within
from store.interviews import list_latest
from store.open import Store
from store.people import Person
from store.tables import read_tables
from validation.cleaning.cells import Key, Questions, locate, to_texts
from validation.cleaning.edited import replay_decisions
from validation.cleaning.log import ChangeType

COLUMNS = (
    *("uuid", "question", "old_value", "new_value", "change_type"),
    *("table", "row", "reason", "who", "when", "finding", "source"),
)


@dataclass(frozen=True, slots=True)
class ExportedLog:
    """A log to be written: rows of `COLUMNS`, and how many were left out because they are about personal questions."""

    rows: tuple[tuple[str, ...], ...]
    personal: int


def export_log(store: Store, form_id: str, *, person: Person | None = None) -> ExportedLog:
    """What holds of a survey's decisions, a cell once: from what was received to what it holds now.

    Args:
        store: where the log is.
        form_id: of the survey.
        person: whoever may see personal answers, and wants the corrections of them too; the reading is logged. Null
            leaves them out.

    Raises:
        AccessError: ACC-123, the person may not see them. StoreError: STO-011, no such form.
    """
    within = None if person is None else require(store, person, "see_personal", form_id)
    form = load_survey(store, form_id).form
    tables = read_tables(store, form_id, form)
    with store.read() as connection:
        latest = list_latest(connection, form_id)
        mine = None if within is None else list_within(connection, form_id, within)
    reader = "" if person is None else person.name
    log = read_log(store, form_id, reader, with_personal=person is not None)
    log = [row for row in log if mine is None or row.instance_id in mine]
    edited = replay_decisions(form, tables, log, latest=latest)
    questions = Questions(form)
    last: dict[tuple[str, str, str, str], Decision] = {}
    first: dict[tuple[str, str, str, str], Decision] = {}
    for row in edited.applied:
        cell = (row.instance_id, row.table, row.row_id, row.question)
        first.setdefault(cell, row)
        last[cell] = row
    found: list[tuple[str, ...]] = []
    personal = 0
    keys: dict[str, list[Key]] = {}
    for cell in last:
        keys.setdefault(cell[1] or MAIN_TABLE, []).append((cell[0], cell[2]))
    places = {table: locate(tables[table], some) for table, some in keys.items() if table in tables}
    for cell, row in last.items():
        field = questions.find(row.question, row.table)
        if field is None:
            raise DecisionError("DEC-004", f"{form_id} has no question {row.question} any more.", "Look at the log.")
        if field.personal and person is None:
            personal += 1
            continue
        place = places[field.table][cell[0], cell[2]]
        received = to_texts(tables[field.table][field.column][place : place + 1])[0]
        old = first[cell].old if field.personal else received
        if old == row.value:
            continue
        found.append(_row(row, old, ChangeType.BLANK if row.value is None else ChangeType.CHANGE))
    others = [row for row in edited.log.decisions if row.action in {"exclude", "accept"}]
    for row in others:
        if row.action == "accept":
            found.append(_row(row, None, ChangeType.NONE))
        elif row.instance_id in edited.excluded:
            found.append(_row(row, None, ChangeType.REMOVE))
    return ExportedLog(tuple(found), personal)


def _row(row: Decision, old: str | None, kind: ChangeType) -> tuple[str, ...]:
    at = "" if row.at is None else row.at.isoformat(timespec="seconds")
    values: Sequence[str | None] = (
        *(row.instance_id, row.question, old, row.value, kind.value),
        *(row.table, row.row_id, row.reason, row.person, at, row.rule_id, row.source),
    )
    return tuple(value or "" for value in values)
