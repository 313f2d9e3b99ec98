"""Home: what needs this person now, survey by survey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from starlette.responses import Response

from console.acts import coming_home, confirming, releasing, reviewing
from console.acts.managing import logs_in
from console.pages.fieldwork import read_standing
from console.surveys import Survey, list_surveys, load_survey, zone_of
from console.visiting import Visit
from forms.compile import CompiledForm
from forms.followups import followup_id
from schemas.rights import is_spread
from store import findings
from store.communes import count_by_commune
from store.forms import list_form_versions
from store.people import list_people
from store.quality_reports import ReportRow
from store.releases import list_releases
from store.standing import count_marked
from store.submissions import SubmissionCounts, count_submissions

QUICK: Final = 20_000
"""Interviews of which home tells how progress stands; of more only the page of field work does: it takes a second."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits: a text's key, how many, and where to see to it."""

    key: str
    number: int
    address: str
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A survey and what waits there."""

    survey: Survey
    interviews: int
    needs: tuple[Need, ...]


def show(visit: Visit) -> Response:
    """The first page; whoever only sends interviews has the own progress for it."""
    if not visit.may("log_in"):
        return visit.go(visit.url("mine"))
    surveys = list_surveys(visit.store, visit.who, "see_progress")
    boards = [_board(replace(visit, survey=survey)) for survey in surveys]
    return visit.page("home.html", section="home", boards=boards, needs=_house(visit))


def _house(visit: Visit) -> tuple[Need, ...]:
    """What waits whatever the survey: people who can't log in yet."""
    if not visit.may("manage_people") or visit.may("see_progress"):
        return ()
    with visit.store.read() as connection:
        people = list_people(connection)
    number = sum(one.revoked_at is None and not one.has_password and logs_in(one.role) for one in people)
    return (Need("no_password", number, visit.url("people")),) if number else ()


def _board(visit: Visit) -> Board:
    compiled = load_survey(visit.store, visit.about.form_id)
    with visit.store.read() as connection:
        counts = count_submissions(connection, visit.about.form_id)
        here = count_by_commune(connection, visit.about.form_id) if visit.within is not None else {}
    current = counts.current if visit.within is None else sum(here.get(cut, 0) for cut in visit.within)
    needs = [*_of_findings(visit), *_of_previews(visit), *_of_releases(visit), *_of_reports(visit, compiled)]
    needs += _of_field(visit, compiled, counts)
    told = sorted((need for need in needs if need.number), key=lambda need: not need.is_urgent)
    return Board(visit.about, current, tuple(told))


def _of_findings(visit: Visit) -> list[Need]:
    form_id, needs = visit.about.form_id, []
    with visit.store.read() as connection:
        if visit.may("decide_finding") or visit.may("send_back"):
            for severity in ("error", "warning"):
                number = findings.count(connection, form_id, severity=severity, communes=visit.within)
                address = visit.in_survey("findings", severity=severity)
                needs.append(Need(severity, number, address, severity == "error"))
        if visit.may("decide_exclusion"):
            # One's own wait for somebody else: they are told apart on the page.
            number = count_marked(connection, form_id, "pending", visit.within)
            needs.append(Need("exclusion", number, visit.in_survey("exclusions")))
        if visit.may("see_interviews") and list_form_versions(connection, followup_id(form_id)):
            number = count_marked(connection, form_id, "sent_back", visit.within)
            needs.append(Need("out", number, visit.in_survey("returns")))
    return needs


def _of_previews(visit: Visit) -> list[Need]:
    """Communes of the person that were shown figures and haven't answered."""
    if not visit.who.communes or not is_spread(visit.about.commune) or not visit.may(confirming.ACT):
        return []
    found = confirming.list_standing(visit.store, visit.who, visit.about.form_id)
    number = sum(one.answer is None for one in found[1]) if found else 0
    return [Need("preview", number, visit.in_survey("preview"), is_urgent=True)]


def _of_releases(visit: Visit) -> list[Need]:
    if not visit.may("approve_release"):
        return []
    with visit.store.read() as connection:
        rows = [row for row in list_releases(connection, visit.about.form_id) if row.state == "draft"]
    mine = [row for row in rows if not releasing.is_maker(row, visit.who)]
    # The latest counts: whoever approves it lets the ones before lie.
    return [Need("candidate", 1, visit.in_survey("releases", mine[-1].release_id))] if mine else []


def _of_reports(visit: Visit, compiled: CompiledForm) -> Iterator[Need]:
    if not visit.may("read_reports"):
        return
    reports = reviewing.list_reports(visit.store, visit.who, visit.about.form_id)
    tasks = [row for row in reviewing.list_tasks(visit.store, visit.who, state=None) if _is_of(row.report_id, reports)]
    address = visit.in_survey("reports")
    if visit.may("make_release"):
        yield Need("question", sum(row.state == "open" for row in tasks), address, is_urgent=True)
    if visit.may("sign_report"):
        yield Need("answered", sum(row.state == "answered" for row in tasks), address)
    if reports and not reviewing.open_report(visit.store, visit.who, reports[-1].report_id).signatures:
        last = visit.in_survey("reports", reports[-1].report_id)
        if visit.may("sign_report"):
            yield Need("sign", 1, last, is_urgent=True)
        elif visit.may("make_release") and releasing.requires_signature(compiled.specs.design):
            yield Need("signature", 1, last)


def _is_of(report_id: str, reports: list[ReportRow]) -> bool:
    return any(row.report_id == report_id for row in reports)


def _of_field(visit: Visit, compiled: CompiledForm, counts: SubmissionCounts) -> Iterator[Need]:
    form_id = visit.about.form_id
    if visit.may("decide_finding"):
        number = coming_home.count_waiting(visit.store, visit.who, form_id)
        yield Need("return", number, visit.in_survey("returns"), is_urgent=True)
    if visit.may("run_flow") and visit.desk.runner is not None:
        yield Need("unread", counts.unparsed, visit.in_survey("flows"))
    if visit.may("send_back") and counts.current <= QUICK:
        yield Need("late", _behind(visit, compiled), visit.in_survey("fieldwork"))


def _behind(visit: Visit, compiled: CompiledForm) -> int:
    """How many complete interviews are missing to what was expected by today; 0 without a plan."""
    now = visit.desk.now().astimezone(zone_of(compiled))
    rows = read_standing(visit.store, compiled, now, visit.within).of("commune")
    expected, complete = (rows[0]["expected"], rows[0]["complete"]) if rows else (None, 0)
    return 0 if expected is None else max(0, int(expected) - int(complete))
