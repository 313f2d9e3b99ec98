"""Every address of the desk, and the right that opens it: a table to be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from console.pages import (
    audit,
    bulk,
    deciding,
    exclusions,
    explaining,
    fieldwork,
    findings,
    flows,
    home,
    interview,
    login,
    people,
    preview,
    releases,
    reports,
    returns,
)
from console.visiting import Visit

ANYBODY = "anybody"
"""In place of a right: no login is needed."""

EVERYONE = ""
"""In place of a right: whoever is logged in."""


@dataclass(frozen=True, slots=True)
class Page:
    """One address.

    Attributes:
        act: the right (`schemas.rights.ACTS`) that opens it; in addresses with {form}, in that survey's commune.
        answer: what makes the page; it runs in a thread.
    """

    method: str
    path: str
    act: str
    answer: Callable[[Visit], Response]


PAGES: tuple[Page, ...] = (
    Page("GET", "/login", ANYBODY, login.show),
    Page("POST", "/login", ANYBODY, login.log_in),
    Page("GET", "/language/{language}", ANYBODY, login.choose_language),
    Page("POST", "/logout", EVERYONE, login.log_out),
    Page("GET", "/", EVERYONE, home.show),
    Page("GET", "/s/{form}/findings", "see_findings", findings.show),
    Page("GET", "/s/{form}/interviews/{instance}", "see_interviews", interview.show),
    Page("POST", "/s/{form}/interviews/{instance}/personal", "see_personal", interview.show_personal),
    Page("GET", "/s/{form}/flows", "run_flow", flows.show),
    Page("POST", "/s/{form}/flows", "run_flow", flows.start),
    Page("POST", "/s/{form}/interviews/{instance}/decide", "see_interviews", deciding.decide),
    Page("POST", "/s/{form}/interviews/{instance}/undo", "see_interviews", deciding.undo),
    Page("POST", "/s/{form}/interviews/{instance}/second", "decide_exclusion", deciding.second),
    Page("GET", "/s/{form}/releases", "approve_release", releases.show),
    Page("GET", "/s/{form}/releases/{release}", "approve_release", releases.show_one),
    Page("POST", "/s/{form}/releases/{release}", "withdraw_release", releases.set_state),
    Page("GET", "/s/{form}/releases/{release}/files/{path:path}", "approve_release", releases.read_file),
    Page("GET", "/s/{form}/preview", "confirm_figures", preview.show),
    Page("GET", "/s/{form}/preview/{commune}", "confirm_figures", preview.show_one),
    Page("POST", "/s/{form}/preview/{commune}", "confirm_figures", preview.answer),
    Page("GET", "/people", "manage_people", people.show),
    Page("POST", "/people", "manage_people", people.add),
    Page("POST", "/people/cards", "manage_people", people.print_cards),
    Page("POST", "/people/{number:int}", "manage_people", people.change),
    Page("GET", "/audit", "see_audit_log", audit.show),
    Page("GET", "/s/{form}/fieldwork", "see_progress", fieldwork.show),
    Page("GET", "/mine", "see_own_progress", fieldwork.show_own),
    Page("GET", "/s/{form}/reports", "read_reports", reports.show),
    Page("POST", "/s/{form}/reports", "sign_report", reports.make_key),
    Page("GET", "/s/{form}/reports/{report}", "read_reports", reports.show_one),
    Page("POST", "/s/{form}/reports/{report}", "read_reports", reports.act),
    Page("GET", "/s/{form}/reports/{report}/files/{path:path}", "read_reports", reports.read_file),
    Page("GET", "/s/{form}/exclusions", "decide_exclusion", exclusions.show),
    Page("POST", "/s/{form}/explain", "send_back", explaining.keep),
    Page("GET", "/s/{form}/returns", "see_interviews", returns.show),
    Page("POST", "/s/{form}/returns/{answer}", "decide_finding", returns.decide),
    Page("GET", "/s/{form}/bulk", "send_back", bulk.show),
    Page("POST", "/s/{form}/bulk", "send_back", bulk.decide),
)
