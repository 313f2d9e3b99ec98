"""What people in the field explain about findings, for whoever decides on them: it decides nothing by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from schemas.decision_tables import finding_notes
from schemas.errors import StoreError
from schemas.tables import people
from store.audit import record

LONGEST: Final = 1000
"""Characters that are kept of an explanation."""


@dataclass(frozen=True, slots=True)
class Note:
    """One explanation of the finding (rule_id, instance_id, row_id). Its repr hides the words."""

    rule_id: str
    instance_id: str
    row_id: str
    person: str
    at: datetime
    body: str = field(repr=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """The finding that it is about."""
        return (self.rule_id, self.instance_id, self.row_id)


def add_note(
    connection: Connection,
    form_id: str,
    finding: tuple[str, str, str],
    person_id: int,
    body: str,
    at: datetime | None = None,
) -> None:
    """Keep an explanation.

    Args:
        connection: of `Store.begin()`.
        finding: rule, interview ("" of findings about no single one) and row.

    Raises:
        StoreError: STO-095, nothing is said.
    """
    if not body.strip():
        raise StoreError("STO-095", "The explanation is empty.", "Say in a sentence how it came to this.")
    rule_id, instance_id, row_id = finding
    values: dict[str, object] = {"form_id": form_id, "rule_id": rule_id, "instance_id": instance_id, "row_id": row_id}
    values |= {"person_id": person_id, "at": at or datetime.now(UTC), "body": body.strip()[:LONGEST]}
    connection.execute(insert(finding_notes).values(**values))
    record(connection, "finding.explain", "interview", instance_id, note=f"form {form_id} {rule_id}", at=at)


def list_notes(connection: Connection, form_id: str, instance_id: str) -> list[Note]:
    """The explanations of an interview's findings, or with "" of those about no single one, oldest first."""
    table = finding_notes.c
    query = select(table.rule_id, table.instance_id, table.row_id, people.c.name, table.at, table.body)
    query = query.select_from(finding_notes.join(people, people.c.id == table.person_id))
    where = (table.form_id == form_id, table.instance_id == instance_id)
    return [Note(*row) for row in connection.execute(query.where(*where).order_by(table.id))]
