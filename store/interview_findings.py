"""The findings of one interview, straight from the index of interviews however many others there are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from schemas.tables import findings
from store.finding_pages import State, StoredFinding, make_finding, select_findings


def list_of_interview(connection: Connection, form_id: str, instance_id: str, state: State) -> list[StoredFinding]:
    """All findings of an interview in a state, oldest first.

    Args:
        connection: of `Store.read()` or `Store.begin()`.
        form_id: its form.
        instance_id: under which it counts.
        state: "open", "closed" or "all".
    """
    query = select_findings(form_id, state, twins_in=state).where(findings.c.instance_id == instance_id)
    # Ordered here: a database that orders by time would read everybody's findings in that order.
    rows = connection.execute(query.add_columns(findings.c.opened_at, findings.c.closed_at))
    texts: dict[int, Row[Any]] = {}
    found = [
        StoredFinding(row.id, make_finding(connection, row[:-2], texts), row.opened_at, row.closed_at) for row in rows
    ]
    return sorted(found, key=lambda row: (row.opened_at, row.number))
