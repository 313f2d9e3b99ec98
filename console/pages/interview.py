"""One interview: its findings, its answers beside them, and what people did about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from console.answers import Answer, Reader, Section, Where
from console.surveys import load_survey, zone_of
from console.visiting import Visit
from forms.compile import CompiledForm
from schemas.errors import StoreError
from store import findings
from store.finding_pages import StoredFinding
from store.interviews import Interview, list_interviews
from store.one_interview import read_one
from store.personal import PersonalAccess, read_personal

MOST = 200
"""Findings of one interview that are shown; nobody decides more at once."""

_RANK = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Seen:
    """An interview as it was found for one request."""

    interview: Interview
    compiled: CompiledForm
    open: tuple[StoredFinding, ...]
    closed: tuple[StoredFinding, ...]


def look_up(visit: Visit) -> Seen:
    """The interview of the address.

    Raises:
        StoreError: STO-013, there is none of that id.
    """
    form_id, instance_id = visit.about.form_id, str(visit.request.path_params["instance"])
    with visit.store.read() as connection:
        found = list_interviews(connection, form_id, instance_id)
        if not found:
            raise StoreError("STO-013", "There is no such interview in this survey.", "Open it from the findings.")
        pages = {
            state: findings.page(connection, form_id, state=state, instance_id=found[0].current_id, limit=MOST).rows
            for state in ("open", "closed")
        }
    opened = sorted(pages["open"], key=lambda row: (_RANK[row.finding.severity], row.finding.rule_id, row.number))
    return Seen(found[0], load_survey(visit.store, form_id, found[0].version), tuple(opened), pages["closed"])


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


def page_of(visit: Visit, seen: Seen, revealed: Mapping[Where, str], notice: str = "") -> Response:
    """The page of an interview."""
    reader = Reader(
        form=seen.compiled.form,
        tables=read_one(visit.store, visit.about.form_id, seen.interview.current_id, seen.compiled.form),
        words=visit.words,
        zone=zone_of(seen.compiled),
        concerned=_concerned(seen.open),
        revealed=revealed,
    )
    sections = reader.sections()
    return visit.page(
        "interview.html",
        section="findings",
        seen=seen,
        sections=sections,
        named=_named(sections),
        zone=reader.zone,
        chosen=visit.request.query_params.get("finding", ""),
        is_revealed=bool(revealed),
        has_personal=any(answer.is_personal for section in sections for answer in section.answers),
        notice=notice,
    )


def _concerned(found: tuple[StoredFinding, ...]) -> frozenset[Where]:
    """Rows and questions that open findings name; a question of another row than the finding's counts in any."""
    told = set()
    for row in found:
        for name in row.finding.variables:
            told |= {(row.finding.row_id, name), ("", name)}
    return frozenset(told)


def _named(sections: list[Section]) -> dict[Where, Answer]:
    return {(answer.row_id, answer.name): answer for section in sections for answer in section.answers}
