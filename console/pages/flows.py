"""The page of flows: what may be run, what is running, and what the last runs did."""

from __future__ import annotations

from starlette.responses import Response

from console.runs import FLOWS, FlowRunner
from console.surveys import load_survey, zone_of
from console.visiting import Visit
from schemas.errors import CommandError
from store.audit import record
from store.people import list_people


def runner_of(visit: Visit) -> FlowRunner:
    """Who runs flows.

    Raises:
        CommandError: CMD-261, nobody does.
    """
    if visit.desk.runner is None:
        raise CommandError("CMD-261", "Nobody runs flows for this desk.", "Start it with comunal desk or comunal up.")
    return visit.desk.runner


def show(visit: Visit) -> Response:
    """The page, or for htmx the list of runs alone."""
    runs = runner_of(visit).list_runs(visit.about.form_id)
    running = {run.flow for run in runs if not run.is_over}
    template = "runs.html" if visit.is_partial else "flows.html"
    zone = zone_of(load_survey(visit.store, visit.about.form_id))
    return visit.page(
        template, section="flows", runs=runs, running=running, flows=FLOWS, zone=zone, people=_people(visit)
    )


def start(visit: Visit) -> Response:
    """Have a flow run; the page then shows how it goes."""
    flow = visit.posted.get("flow", "")
    right = "make_release" if flow == "release" else "run_flow"
    if flow not in FLOWS or not visit.may(right):
        raise CommandError("CMD-262", "There is no such flow.", f"Use one of {', '.join(FLOWS)}.")
    parameters = {"expectations": "expectations" in visit.posted} if flow == "check" else {}
    run = runner_of(visit).start(flow, visit.about.form_id, parameters, f"person {visit.who.id}")
    with visit.store.begin() as connection:
        record(connection, f"flow.{flow}", "form", visit.about.form_id, note=f"run {run.run_id}")
    return visit.go(visit.in_survey("flows"))


def _people(visit: Visit) -> dict[str, str]:
    with visit.store.read() as connection:
        return {f"person {person.id}": person.name for person in list_people(connection)}
