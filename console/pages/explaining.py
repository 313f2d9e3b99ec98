"""Explaining a finding: from the page of field work or of an interview, and back to it."""

from __future__ import annotations

from starlette.responses import Response

from console.acts.explaining import explain
from console.visiting import Visit


def keep(visit: Visit) -> Response:
    """Keep the explanation."""
    told = visit.posted
    instance_id, number = told.get("instance", ""), told.get("finding", "")
    explain(
        *(visit.store, visit.who, visit.about.form_id, told.get("rule", ""), instance_id, told.get("row", "")),
        told.get("body", ""),
    )
    if not instance_id:
        return visit.go(visit.in_survey("fieldwork", done="explain"))
    return visit.go(visit.in_survey("interviews", instance_id, done="explain", finding=number))
