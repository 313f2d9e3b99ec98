"""Home: what needs this person now, survey by survey."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.responses import Response

from console.surveys import Survey, list_surveys
from console.visiting import Visit
from store import findings
from store.submissions import count_submissions


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
    return visit.page("home.html", section="home", boards=boards)


def _board(visit: Visit) -> Board:
    survey, needs = visit.about, []
    with visit.store.read() as connection:
        counts = count_submissions(connection, survey.form_id)
        for severity in ("error", "warning"):
            number = findings.count(connection, survey.form_id, severity=severity)
            needs.append(Need(severity, number, visit.in_survey("findings", severity=severity), severity == "error"))
    return Board(survey, counts.current, tuple(need for need in needs if need.number))
