"""The audit log: who did what to what and when, and whether the chain of its rows is whole."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from console.visiting import Visit
from store.audit import check_log, list_log
from store.people import list_people

SHOWN: Final = 200
KINDS: Final = ("login", "decision", "personal", "person", "flow", "release", "form", "interview")
"""Acts by which the log can be filtered: the first part of their names."""


def show(visit: Visit) -> Response:
    """The latest rows, of everybody or of some."""
    told = visit.request.query_params
    with visit.store.read() as connection:
        who, act = told.get("who", ""), told.get("act", "")
        rows = list_log(connection, who=who, act=act, last=SHOWN)[::-1]
        chain = check_log(connection) if told.get("check") else None
        people = {f"person {person.id}": person.name for person in list_people(connection)}
    return visit.page(
        "audit.html", section="audit", rows=rows, chain=chain, people=people, who=who, act=act, kinds=KINDS, shown=SHOWN
    )
