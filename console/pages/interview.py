"""One interview: its findings, its answers as they stand beside them, and what people did about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from console.acts.explaining import read_notes
from console.answers import Answer, Reader, Section, Where
from console.correcting import Input, read_inputs
from console.pages.places import place
from console.surveys import load_survey, zone_of
from console.visiting import Visit
from forms.compile import CompiledForm
from schemas.decisions import Decision, InForce, in_force, taken_back
from schemas.errors import ComunalError, StoreError
from store import findings
from store.communes import communes_of
from store.decisions import list_decisions
from store.finding_pages import StoredFinding
from store.interview_findings import list_of_interview
from store.interviews import Interview, list_interviews
from store.one_interview import read_one
from store.personal import PersonalAccess, read_personal
from validation.cleaning.edited import replay_decisions

if TYPE_CHECKING:
    from console.pages.deciding import Proposal

MOST = 200
"""Findings of one interview that are shown; nobody decides more at once."""

NEAR = 40
"""Findings among which the next interview of the queue is looked for."""

_RANK = {"error": 0, "warning": 1, "info": 2}
RIGHTS = {
    "accept": "decide_finding",
    "correct": "decide_finding",
    "blank": "decide_finding",
    "exclude": "decide_exclusion",
    "include": "decide_exclusion",
    "send_back": "send_back",
}
"""The right that each way of deciding needs, to offer nobody what they may not do; the acts check it again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An interview as it was found for one request."""

    interview: Interview
    compiled: CompiledForm
    open: tuple[StoredFinding, ...]
    closed: tuple[StoredFinding, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision as the page tells it.

    Attributes:
        holds: nobody took it back; can_undo, can_second: what the person who looks may do about it.
    """

    row: Decision
    holds: bool
    is_pending: bool
    can_undo: bool
    can_second: bool


def look_up(visit: Visit) -> Seen:
    """The interview of the address.

    Raises:
        StoreError: STO-013, there is none of that id.
    """
    form_id, instance_id = visit.about.form_id, str(visit.request.path_params["instance"])
    with visit.store.read() as connection:
        found = list_interviews(connection, form_id, instance_id)
        if not found or not _is_mine(visit, found[0].current_id):
            raise StoreError("STO-013", "There is no such interview in this survey.", "Open it from the findings.")
        now = found[0].current_id
        opened = list_of_interview(connection, form_id, now, "open")[:MOST]
        closed = list_of_interview(connection, form_id, now, "closed")[::-1][:MOST]
    ranked = sorted(opened, key=lambda row: (_RANK[row.finding.severity], row.finding.rule_id, row.number))
    return Seen(found[0], load_survey(visit.store, form_id, found[0].version), tuple(ranked), tuple(closed))


def _is_mine(visit: Visit, instance_id: str) -> bool:
    """Whether the interview is of a commune that this person sees of the survey."""
    if visit.within is None:
        return True
    with visit.store.read() as connection:
        return communes_of(connection, visit.about.form_id, [instance_id]).get(instance_id) in visit.within


def log_of(visit: Visit, seen: Seen) -> list[Decision]:
    """The decisions about the interview, oldest first."""
    names = {seen.interview.instance_id, seen.interview.current_id}
    with visit.store.read() as connection:
        return list_decisions(connection, visit.about.form_id, sorted(names))


def show(visit: Visit) -> Response:
    """The interview, personal answers hidden."""
    return page_of(visit, look_up(visit), {})


def show_personal(visit: Visit) -> Response:
    """The same with its personal answers, for a reason that is written down; nothing of them is in an address."""
    seen = look_up(visit)
    reason = visit.posted.get("reason", "").strip()
    if not reason:
        return page_of(visit, seen, {}, notice="personal_reason_missing")
    right = PersonalAccess(f"person {visit.who.id}", reason[:300])
    with visit.store.begin() as connection:
        rows = read_personal(connection, right, visit.about.form_id, instance_id=seen.interview.current_id)
    revealed = {(row["row_id"], row["question"]): row["value"] for row in rows.iter_rows(named=True)}
    return page_of(visit, seen, revealed)


def read_answers(visit: Visit, seen: Seen, revealed: Mapping[Where, str]) -> tuple[list[Section], dict[Where, Answer]]:
    """The answers as decisions left them: in sections, and by row and question."""
    form, now = seen.compiled.form, seen.interview.current_id
    raw = read_one(visit.store, visit.about.form_id, now, form)
    latest = {seen.interview.instance_id: now} if now != seen.interview.instance_id else {}
    reader = Reader(
        form=form,
        tables=replay_decisions(form, raw, log_of(visit, seen), latest=latest).tables,
        words=visit.words,
        zone=zone_of(seen.compiled),
        concerned=_concerned(seen.open),
        revealed=revealed,
    )
    sections = reader.sections()
    return sections, {(answer.row_id, answer.name): answer for part in sections for answer in part.answers}


def page_of(
    visit: Visit,
    seen: Seen,
    revealed: Mapping[Where, str],
    *,
    notice: str = "",
    proposal: Proposal | None = None,
    error: ComunalError | None = None,
) -> Response:
    """The page of an interview."""
    sections, named = read_answers(visit, seen, revealed)
    log = log_of(visit, seen)
    standing = in_force(log)
    done = visit.request.query_params.get("done", "")
    return visit.page(
        "interview.html",
        200 if error is None else error.http_status,
        section="findings",
        seen=seen,
        sections=sections,
        named=named,
        zone=zone_of(seen.compiled),
        chosen=str(proposal.number) if proposal else visit.request.query_params.get("finding", ""),
        is_revealed=bool(revealed),
        has_personal=any(answer.is_personal for part in sections for answer in part.answers),
        notice=notice or (f"done_{done}" if visit.words.has(f"notice.done_{done}") else ""),
        error=error,
        proposal=proposal,
        inputs=_inputs(visit, seen, named),
        labels={field.column: visit.words.pick(field.label) or field.name for field in seen.compiled.form.fields()},
        accepted={(row.rule_id, row.row_id): row for row in standing.decisions if row.action == "accept"},
        is_excluded=bool(standing.excluded),
        log=_entries(visit, log, standing),
        rights={action: visit.may(right) for action, right in RIGHTS.items()},
        following=_following(visit, seen),
        notes=read_notes(visit.store, visit.who, visit.about.form_id, seen.interview.current_id),
    )


def _inputs(visit: Visit, seen: Seen, named: Mapping[Where, Answer]) -> dict[int, list[Input]]:
    if not visit.may("decide_finding"):
        return {}
    sees = visit.may("see_personal")
    return {
        row.number: read_inputs(seen.compiled.form, row.finding, named, visit.words, with_personal=sees)
        for row in seen.open
    }


def _entries(visit: Visit, log: list[Decision], standing: InForce) -> list[Entry]:
    off, waiting = taken_back(log), {row.id for row in standing.pending}
    by_id = {row.id: row for row in log}
    found = []
    for row in log:
        target = row
        while target.action == "undo" and target.undoes in by_id:
            target = by_id[target.undoes]
        holds = row.id not in off
        # What follows from another decision is taken back with it.
        mine = row.action != "second" and row.cause is None and row.source != "recalculated"
        found.append(
            Entry(
                row=row,
                holds=holds,
                is_pending=row.id in waiting,
                can_undo=holds and mine and visit.may(RIGHTS.get(target.action, "decide_finding")),
                can_second=row.id in waiting and row.person_id != visit.who.id and visit.may("decide_exclusion"),
            )
        )
    return found[::-1]


def _following(visit: Visit, seen: Seen) -> str:
    """The address of the next interview in the queue, "" if there is none: where the chosen finding's page goes on."""
    told = visit.request.query_params.get("finding", "")
    chosen = next((row for row in seen.open if str(row.number) == told), seen.open[0] if seen.open else None)
    severity = chosen.finding.severity if chosen else None
    with visit.store.read() as connection:
        rows = findings.page(
            *(connection, visit.about.form_id),
            severity=severity,
            communes=visit.within,
            after=place(chosen) if chosen else None,
            limit=NEAR,
        ).rows
    here = {seen.interview.instance_id, seen.interview.current_id, ""}
    row = next((row for row in rows if row.finding.instance_id not in here), None)
    if row is None:
        return ""
    return visit.in_survey("interviews", row.finding.instance_id, finding=str(row.number))


def _concerned(found: tuple[StoredFinding, ...]) -> frozenset[Where]:
    """Rows and questions that open findings name; a question of another row than the finding's counts in any."""
    told = set()
    for row in found:
        for name in row.finding.variables:
            told |= {(row.finding.row_id, name), ("", name)}
    return frozenset(told)
