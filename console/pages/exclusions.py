"""Exclusions that wait for a second person."""

from __future__ import annotations

from starlette.responses import Response

from console.acts import deciding
from console.surveys import load_survey, zone_of
from console.visiting import Visit
from schemas.decisions import in_force
from store.standing import list_marked


def show(visit: Visit) -> Response:
    """The interviews, why each is to be excluded, and what the person who looks may do."""
    form_id = visit.about.form_id
    with visit.store.read() as connection:
        names = list_marked(connection, form_id, "pending", visit.within)
    log = [row for name in names for row in deciding.list_log(visit.store, visit.who, form_id, name)]
    return visit.page(
        "exclusions.html",
        section="findings",
        rows=sorted(in_force(log).pending, key=lambda row: row.id or 0),
        zone=zone_of(load_survey(visit.store, form_id)),
    )
