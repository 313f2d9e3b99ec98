"""What people decided about records: a log that only grows; what holds of it, `schemas.decisions` tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from schemas.decision_tables import decisions
from schemas.decisions import ACTIONS, SOURCES, Decision
from schemas.errors import StoreError
from schemas.personal_tables import access_log, personal_corrections
from store.audit import record
from store.personal import PersonalAccess
from store.standing import add_accepted, changes_marks, mark_again

__all__ = [
    "ACTIONS",
    "Decision",
    "PersonalCorrection",
    "add_decision",
    "add_decisions",
    "get_decision",
    "list_decisions",
    "read_personal_corrections",
]

CHUNK = 1000
_COLUMNS = (
    *("form_id", "instance_id", "action", "reason", "person", "row_id", "rule_id", "question", "value", "at"),
    *("table_name", "old", "person_id", "source", "undoes", "seconds", "seconded_by", "cause", "is_personal"),
)
_SELECTED = tuple(decisions.c[name] for name in (*_COLUMNS, "id"))


@dataclass(frozen=True, slots=True)
class PersonalCorrection:
    """The values of a correction of a personal question, null for blank. Its repr hides them."""

    decision_id: int
    old: str | None = field(repr=False)
    value: str | None = field(repr=False)


def add_decision(connection: Connection, decision: Decision) -> int:
    """Write a decision into the log; `at` null is now.

    Returns:
        Its number.

    Raises:
        StoreError: STO-016, no such action or source, or no reason or person.
    """
    note = f"form {decision.form_id} {decision.rule_id}".strip()
    (number,) = _add(connection, [decision])
    record(connection, f"decision.{decision.action}", "interview", decision.instance_id, note=note, at=decision.at)
    return number


def add_decisions(connection: Connection, rows: Sequence[Decision], at: datetime | None = None) -> list[int]:
    """Write many decisions of one form at once, told by one row of the audit log.

    A row's `cause` below zero names an earlier one of `rows`: -1 the first, -2 the second, and so on.

    Returns:
        Their numbers, in order.

    Raises:
        StoreError: STO-016, as `add_decision`.
    """
    if not rows:
        return []
    numbers = _add(connection, rows, at)
    actions = sorted({row.action for row in rows})
    note = f"{len(rows)} decisions: {', '.join(actions)}"
    record(connection, "decision.many", "form", rows[0].form_id, note=note, at=at)
    return numbers


def _add(connection: Connection, rows: Sequence[Decision], at: datetime | None = None) -> list[int]:
    at = at or datetime.now(UTC)
    numbers: list[int] = []
    kept_apart: list[dict[str, object]] = []
    for some in _chunks(rows):
        values = []
        for row in some:
            _check(row)
            row = replace(row, at=row.at or at)
            if row.cause is not None and row.cause < 0:
                row = replace(row, cause=numbers[-row.cause - 1])
            shown = replace(row, old=None, value=None) if row.is_personal else row
            values.append({name: _value(shown, name) for name in _COLUMNS})
        query = insert(decisions).returning(decisions.c.id, sort_by_parameter_order=True)
        numbers += connection.scalars(query, values)
        for row, number in zip(some, numbers[-len(some) :], strict=True):
            if row.is_personal:
                values_of = {"old": row.old, "value": row.value}
                kept_apart.append({"decision_id": number, "form_id": row.form_id} | values_of)
    if kept_apart:
        connection.execute(insert(personal_corrections), kept_apart)
    _mark(connection, rows)
    return numbers


def _mark(connection: Connection, rows: Sequence[Decision]) -> None:
    """Bring what stands of decisions up to date with the rows just written."""
    accepted = [row for row in rows if row.action == "accept" and row.source != "answer"]
    if accepted:
        add_accepted(connection, accepted)
    changed: dict[str, dict[str, None]] = {}
    for row in rows:
        if changes_marks(row) and (row.action != "accept" or row.source == "answer"):
            changed.setdefault(row.form_id, {})[row.instance_id] = None
    for form_id, instances in changed.items():
        names = list(instances)
        for start in range(0, len(names), CHUNK):
            some = names[start : start + CHUNK]
            mark_again(connection, form_id, some, list_decisions(connection, form_id, some))


def _chunks(rows: Sequence[Decision]) -> Iterator[list[Decision]]:
    """Pieces in which no row names a cause of the same piece: causes have their numbers by then."""
    waiting = iter(enumerate(rows))
    kept: list[Decision] = []
    first = 0
    for place, row in waiting:
        if len(kept) == CHUNK or (row.cause is not None and row.cause < 0 and -row.cause - 1 >= first):
            if kept:
                yield kept
            kept, first = [], place
        kept.append(row)
    if kept:
        yield kept


def _value(row: Decision, name: str) -> object:
    return row.table if name == "table_name" else getattr(row, name)


def _check(row: Decision) -> None:
    if row.action not in ACTIONS or row.source not in SOURCES or not row.reason.strip() or not row.person.strip():
        message = f"A decision needs an action of {', '.join(ACTIONS)}, a reason and a person."
        raise StoreError("STO-016", message, "Say what was decided, why and by whom.")


def list_decisions(connection: Connection, form_id: str, instances: Sequence[str] | None = None) -> list[Decision]:
    """The log of a form, oldest first.

    Args:
        connection: of `Store.read()` or `Store.begin()`.
        form_id: whose.
        instances: only of these interviews, few; null for all.
    """
    query = select(*_SELECTED).where(decisions.c.form_id == form_id)
    if instances is not None:
        query = query.where(decisions.c.instance_id.in_(list(instances)))
    return [Decision(*row) for row in connection.execute(query.order_by(decisions.c.id))]


def get_decision(connection: Connection, form_id: str, decision_id: int) -> Decision:
    """One row of the log.

    Raises:
        StoreError: STO-022, there is none.
    """
    where = (decisions.c.form_id == form_id, decisions.c.id == decision_id)
    row = connection.execute(select(*_SELECTED).where(*where)).first()
    if row is None:
        message = f"The log of {form_id} has no decision {decision_id}."
        raise StoreError("STO-022", message, "List the log and choose a number from it.")
    return Decision(*row)


def read_personal_corrections(
    connection: Connection, right: PersonalAccess, form_id: str, at: datetime | None = None
) -> dict[int, PersonalCorrection]:
    """The values of corrections of personal questions, by decision; the reading is logged if there are any.

    Args:
        connection: of `Store.begin()`.
        right: who reads, and why.
        form_id: whose.
        at: when, null for now.
    """
    columns = (personal_corrections.c.decision_id, personal_corrections.c.old, personal_corrections.c.value)
    query = select(*columns).where(personal_corrections.c.form_id == form_id)
    found = {row.decision_id: PersonalCorrection(*row) for row in connection.execute(query)}
    if found:
        log = {"at": at or datetime.now(UTC), "person": right.person, "reason": right.reason}
        log |= {"action": "read_personal", "form_id": form_id, "rows": len(found)}
        connection.execute(insert(access_log).values(**log))
        record(connection, "personal.read", "form", form_id, note=f"{len(found)} corrections", at=at)
    return found
