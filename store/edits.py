"""Edits of sent interviews: which of several submissions of one household counts.

An edit is a new submission that names the one it replaces (its deprecatedID). They may come in any order, twice, or
without the original. A new edit is `held`, until the one it replaces, D, is there and not held itself:

    D is current      the edit becomes current, D superseded
    D is a fork       the edit becomes the fork, D superseded
    D is superseded   the edit becomes a fork: a person must settle which of the two edits counts

Counting a held or a forked one at once might count a household twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from schemas.decision_tables import decisions
from schemas.errors import StoreError
from schemas.tables import submissions
from store.audit import record

CURRENT, SUPERSEDED, FORK, HELD = "current", "superseded", "fork", "held"
_PLACED = {CURRENT: CURRENT, FORK: FORK, SUPERSEDED: FORK}


def first_state(instance_id: str, deprecated_id: str | None) -> str:
    """The state in which a submission is stored; one that names itself replaces nothing."""
    return HELD if deprecated_id is not None and deprecated_id != instance_id else CURRENT


def settle_edits(connection: Connection, added: Iterable[tuple[str, str]]) -> None:
    """Bring the states up to date after submissions were added.

    Args:
        connection: the transaction that added them.
        added: (form id, instance id), in order of arrival.
    """
    waiting = deque(added)
    while waiting:
        form_id, instance_id = waiting.popleft()
        state, deprecated_id = _look_up(connection, form_id, instance_id)
        if state == HELD and not _place(connection, form_id, instance_id, str(deprecated_id)):
            continue
        successors = (
            select(submissions.c.instance_id)
            .where(submissions.c.form_id == form_id, submissions.c.deprecated_id == instance_id)
            .where(submissions.c.state == HELD, submissions.c.instance_id != instance_id)
            .order_by(submissions.c.id)
        )
        waiting.extend((form_id, successor) for successor in connection.scalars(successors))


def by_form(keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Form id -> instance ids: SQLite reads the whole table for pairs in one `IN`, and only an index for this."""
    found: dict[str, list[str]] = {}
    for form_id, instance_id in sorted(keys):
        found.setdefault(form_id, []).append(instance_id)
    return found


def _look_up(connection: Connection, form_id: str, instance_id: str) -> tuple[str | None, str | None]:
    query = select(submissions.c.state, submissions.c.deprecated_id)
    query = query.where(submissions.c.form_id == form_id, submissions.c.instance_id == instance_id)
    row = connection.execute(query).first()
    return (None, None) if row is None else (row.state, row.deprecated_id)


def _set(connection: Connection, form_id: str, instance_ids: Iterable[str], state: str) -> None:
    where = (submissions.c.form_id == form_id, submissions.c.instance_id.in_(list(instance_ids)))
    connection.execute(update(submissions).where(*where).values(state=state))


def _place(connection: Connection, form_id: str, edit: str, original: str) -> bool:
    state, _ = _look_up(connection, form_id, original)
    if state is None or state == HELD:
        return False
    _set(connection, form_id, [edit], _PLACED[state])
    _set(connection, form_id, [original], SUPERSEDED)
    return True


def _family(connection: Connection, form_id: str, instance_id: str) -> set[str]:
    """Every submission that is tied to this one by edits, itself included."""
    family: set[str] = set()
    waiting = [instance_id]
    while waiting:
        member = waiting.pop()
        if member in family:
            continue
        family.add(member)
        _, original = _look_up(connection, form_id, member)
        query = select(submissions.c.instance_id)
        query = query.where(submissions.c.form_id == form_id, submissions.c.deprecated_id == member)
        waiting += [*connection.scalars(query), *([original] if original is not None else [])]
    return family


def keep_edit(
    connection: Connection, form_id: str, instance_id: str, *, person: str, reason: str, at: datetime | None = None
) -> None:
    """Settle a fork, or let a held edit count: this one is current, all others of its family superseded.

    Raises:
        StoreError: STO-013, there is no such submission.
    """
    state, _ = _look_up(connection, form_id, instance_id)
    if state is None:
        raise StoreError("STO-013", f"There is no submission {instance_id!r} of form {form_id!r}.", "Check the id.")
    _set(connection, form_id, _family(connection, form_id, instance_id), SUPERSEDED)
    _set(connection, form_id, [instance_id], CURRENT)
    row = {"form_id": form_id, "instance_id": instance_id, "row_id": "", "rule_id": "", "question": ""}
    row |= {"action": "include", "reason": reason, "person": person}
    connection.execute(insert(decisions).values(**row, at=at or datetime.now(UTC)))
    record(connection, "decision.include", "interview", instance_id, note=f"form {form_id}: this edit counts", at=at)
