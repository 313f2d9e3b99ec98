"""Personal answers, apart from everything else; who reads them gives a reason, and both are written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import Connection, delete, insert, select

from schemas.errors import AccessError
from schemas.personal_tables import access_log, personal_answers
from schemas.submissions import PersonalAnswer
from store.audit import record

CHUNK = 500


@dataclass(frozen=True, slots=True)
class PersonalAccess:
    """The right to read personal answers: who, and what for.

    Raises:
        AccessError: ACC-004, one of them is blank.
    """

    person: str
    reason: str

    def __post_init__(self) -> None:
        if not self.person.strip() or not self.reason.strip():
            message = "Personal answers are only read by a named person for a stated reason."
            raise AccessError("ACC-004", message, "Say who reads them and why.")


@dataclass(frozen=True, slots=True)
class AccessRow:
    """One reading of personal answers; `rows`: how many answers were read."""

    at: datetime
    person: str
    reason: str
    action: str
    form_id: str
    rows: int


def put_personal(
    connection: Connection, form_id: str, instance_ids: Sequence[str], answers: Sequence[PersonalAnswer]
) -> None:
    """Replace the personal answers of these submissions; the same again changes nothing.

    Args:
        connection: of `Store.begin()`.
        form_id: their form.
        instance_ids: submissions that were read; those without an answer lose the ones they had.
        answers: theirs.
    """
    for start in range(0, len(instance_ids), CHUNK):
        some = instance_ids[start : start + CHUNK]
        where = (personal_answers.c.form_id == form_id, personal_answers.c.instance_id.in_(some))
        connection.execute(delete(personal_answers).where(*where))
    if answers:
        connection.execute(
            insert(personal_answers),
            [
                {
                    "form_id": form_id,
                    "instance_id": answer.instance_id,
                    "personal_id": answer.personal_id,
                    "question": answer.question,
                    "row_id": answer.row_id,
                    "kind": answer.kind,
                    "value": answer.value,
                }
                for answer in answers
            ],
        )


def read_personal(
    connection: Connection,
    right: PersonalAccess,
    form_id: str,
    at: datetime | None = None,
    *,
    instance_id: str | None = None,
) -> pl.DataFrame:
    """The personal answers of a form, one row an answer; the reading is logged in the same transaction.

    Args:
        connection: of `Store.begin()`: a right that can't be logged can't be used.
        right: who reads, and why.
        form_id: whose answers.
        at: when, null for now.
        instance_id: only of that interview, null for all.

    Returns:
        personal_id, instance_id, row_id, question, kind, value: all String, in order of instance, row and asking.
    """
    names = ("personal_id", "instance_id", "row_id", "question", "kind", "value")
    columns = [personal_answers.c[name] for name in names]
    query = select(*columns).where(personal_answers.c.form_id == form_id).order_by(personal_answers.c.id)
    if instance_id is not None:
        query = query.where(personal_answers.c.instance_id == instance_id)
    # Sorted here, because databases sort texts each in their own way.
    rows = sorted((tuple(row) for row in connection.execute(query)), key=lambda row: (row[1], row[2]))
    log = {"at": at or datetime.now(UTC), "person": right.person, "reason": right.reason, "action": "read_personal"}
    connection.execute(insert(access_log).values(**log, form_id=form_id, rows=len(rows)))
    note = f"{len(rows)} answers" if instance_id is None else f"{len(rows)} answers of {instance_id}"
    record(connection, "personal.read", "form", form_id, note=note, at=at)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def list_access(connection: Connection) -> list[AccessRow]:
    """Every reading of personal answers, oldest first."""
    columns = [access_log.c[name] for name in ("at", "person", "reason", "action", "form_id", "rows")]
    return [AccessRow(*row) for row in connection.execute(select(*columns).order_by(access_log.c.id))]
