"""How much each person has sent: for an enumerator's own page, counted where submissions are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from schemas.tables import form_versions, submissions


@dataclass(frozen=True, slots=True)
class OwnProgress:
    """What one person has sent of one form; `since`: of it, received from a moment on."""

    form_id: str
    title: str
    interviews: int
    since: int
    last_at: datetime


def list_own_progress(connection: Connection, person_id: int, since: datetime) -> list[OwnProgress]:
    """The forms of which a person sent interviews, latest first; edits of an interview count as that interview."""
    sent = submissions.c
    named = select(form_versions.c.form_id, form_versions.c.title).order_by(form_versions.c.id)
    titles = {row.form_id: row.title for row in connection.execute(named)}
    query = select(
        sent.form_id,
        func.count(),
        func.sum(case((sent.received_at >= since, 1), else_=0)),
        func.max(sent.received_at),
    ).where(sent.person_id == person_id, sent.deprecated_id.is_(None))
    rows = connection.execute(query.group_by(sent.form_id))
    found = [OwnProgress(form, titles.get(form, form), int(all_), int(new), last) for form, all_, new, last in rows]
    return sorted(found, key=lambda row: row.last_at, reverse=True)
