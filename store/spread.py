"""Whether a survey's interviews have a commune each; apart, since what keeps findings asks it too."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from schemas.tables import submissions


def is_spread(connection: Connection, form_id: str) -> bool:
    """Whether any interview of the form has a commune of its own."""
    some = exists().where(submissions.c.form_id == form_id, submissions.c.commune.is_not(None))
    return bool(connection.execute(select(some)).scalar_one())
