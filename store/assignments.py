"""Which forms a person is to fill. Whoever has no assignment is offered every form."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from schemas.door_tables import assignments
from schemas.rights import concerns
from store.audit import record
from store.forms import FormVersionRow, list_offered
from store.inserts import keyed_insert


def add_assignment(connection: Connection, person_id: int, form_id: str, at: datetime | None = None) -> None:
    """Offer a form to a person; the same again changes nothing.

    Raises:
        StoreError: STO-007, there is no such person.
    """
    row = {"person_id": person_id, "form_id": form_id, "created_at": at or datetime.now(UTC)}
    added = keyed_insert(connection, assignments).on_conflict_do_nothing().returning(assignments.c.person_id)
    if connection.scalar(added, row) is not None:
        record(connection, "person.assign", "person", person_id, note=f"form {form_id}", at=at)


def remove_assignment(connection: Connection, person_id: int, form_id: str) -> None:
    """Offer it no longer; what the person sends of it is taken all the same."""
    where = (assignments.c.person_id == person_id, assignments.c.form_id == form_id)
    if connection.execute(delete(assignments).where(*where)).rowcount > 0:
        record(connection, "person.unassign", "person", person_id, note=f"form {form_id}")


def list_assigned(connection: Connection, person_id: int) -> frozenset[str]:
    """Ids of the forms assigned to a person; empty means all of them."""
    query = select(assignments.c.form_id).where(assignments.c.person_id == person_id)
    return frozenset(connection.scalars(query))


def list_offered_to(connection: Connection, person_id: int, communes: Collection[str]) -> list[FormVersionRow]:
    """What a person's phone is offered: the open forms assigned to them, of their communes.

    Args:
        connection: of `Store.read()`.
        person_id: who; without an assignment they are offered every form.
        communes: CUT codes to which they are bound, none for all. A form that names no commune is for everybody.
    """
    assigned = list_assigned(connection, person_id)
    return [
        row
        for row in list_offered(connection)
        if (not assigned or row.form_id in assigned) and (not row.commune or concerns(row.commune, communes))
    ]
