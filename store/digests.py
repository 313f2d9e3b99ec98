"""Digests of stored submissions: what a release names as its source."""

from __future__ import annotations

from sqlalchemy import Connection, select

from schemas.tables import submissions


def list_digests(connection: Connection, form_id: str) -> dict[str, str]:
    """Instance id -> lower-case hex SHA-256 of the XML, of the current submissions of a form."""
    query = (
        select(submissions.c.instance_id, submissions.c.sha256)
        .where(submissions.c.form_id == form_id, submissions.c.state == "current")
        .order_by(submissions.c.id)
    )
    return {row.instance_id: row.sha256 for row in connection.execute(query)}
