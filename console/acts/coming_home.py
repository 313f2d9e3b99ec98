"""Answers that came home for interviews that were sent back: each is taken or refused, either way a row of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from console.acts.deciding import decide
from console.acts.rights import require
from console.acts.sending_back import Proposal, list_proposals, list_remarks
from console.acts.wishes import Change, Decided, Outlook, Wish
from console.surveys import load_survey
from schemas.decisions import CHANGING, Decision, in_force
from schemas.errors import DecisionError
from schemas.fields import MAIN_TABLE, ROW_ID
from store.audit import acting, person_actor
from store.communes import list_within
from store.decisions import add_decision, list_decisions
from store.interviews import Interview, list_interviews
from store.one_interview import read_one
from store.open import Store
from store.people import Person
from validation.cleaning.cells import Questions, to_texts
from validation.cleaning.edited import replay_decisions

Standing = Literal["waiting", "taken", "refused", "replaced"]
ANSWER = "answer:"
"""How the rule of a decision about an answer begins; the id of the follow-up interview comes after it."""

SAME = "asked again: the answer is the same"


@dataclass(frozen=True, slots=True)
class Answered:
    """One question that was asked again.

    Attributes:
        before: what the interview holds, as its text; value: what was answered now. Null is blank.
        standing: waiting for a decision, taken, refused, or replaced by a later answer.
    """

    question: str
    row_id: str
    before: str | None = field(repr=False)
    value: str | None = field(repr=False)
    standing: Standing

    @property
    def is_same(self) -> bool:
        """Whether the answer is what the interview holds already."""
        return self.before == self.value

    @property
    def key(self) -> str:
        """A name of it within its return, for forms."""
        return f"{self.row_id}:{self.question}"


@dataclass(frozen=True, slots=True)
class Return:
    """One follow-up interview: what was asked, why, and what came home.

    Attributes:
        instance_id: of the interview that was sent back.
        person: who answered, "" if unknown; remark: what they said about it.
        reason, rule_id: of the sending back; "" if nobody finds it.
    """

    answer_id: str
    instance_id: str
    at: datetime
    person: str
    remark: str = field(repr=False)
    reason: str = ""
    rule_id: str = ""
    answers: tuple[Answered, ...] = ()

    @property
    def waiting(self) -> tuple[Answered, ...]:
        """The answers on which somebody has to decide."""
        return tuple(one for one in self.answers if one.standing == "waiting")


def list_returns(store: Store, person: Person, form_id: str) -> list[Return]:
    """What came home, oldest first.

    Raises:
        AccessError: ACC-123, no right to see interviews there.
    """
    proposals = list_proposals(store, person, form_id)
    within = require(store, person, "see_interviews", form_id)
    if within is not None and proposals:
        with store.read() as connection:
            ours = list_within(connection, form_id, within)
        proposals = [one for one in proposals if one.instance_id in ours]
    if not proposals:
        return []
    grouped: dict[str, list[Proposal]] = {}
    for one in proposals:
        grouped.setdefault(one.answer_id, []).append(one)
    last = {(one.instance_id, one.row_id, one.question): one.answer_id for one in proposals}
    remarks = list_remarks(store, form_id)
    found = []
    for answer_id, mine in grouped.items():
        with store.read() as connection:
            family = list_interviews(connection, form_id, mine[0].instance_id)
        if family:
            found.append(_return(store, form_id, answer_id, mine, family[0], last, remarks.get(answer_id, ("", ""))))
    return found


def _return(
    store: Store,
    form_id: str,
    answer_id: str,
    mine: Sequence[Proposal],
    interview: Interview,
    last: dict[tuple[str, str, str], str],
    told: tuple[str, str],
) -> Return:
    names = sorted({interview.instance_id, interview.current_id, mine[0].instance_id})
    with store.read() as connection:
        log = list_decisions(connection, form_id, names)
    form = load_survey(store, form_id, interview.version).form
    latest = {name: interview.current_id for name in names if name != interview.current_id}
    raw = read_one(store, form_id, interview.current_id, form)
    tables = replay_decisions(form, raw, log, latest=latest).tables
    questions = Questions(form)
    answers = []
    for one in mine:
        asked = questions.find(one.question)
        if asked is None or asked.column not in tables[asked.table].columns:
            continue
        frame = tables[asked.table]
        rows = frame.filter(frame[ROW_ID] == one.row_id) if asked.table != MAIN_TABLE else frame
        before = to_texts(rows[asked.column])[0] if rows.height else None
        is_last = last[one.instance_id, one.row_id, one.question] == answer_id
        answers.append(Answered(one.question, one.row_id, before, one.value, _standing(one, log, is_last=is_last)))
    sent = next((row for row in reversed(log) if row.action == "send_back"), None)
    return Return(
        answer_id=answer_id,
        instance_id=mine[0].instance_id,
        at=mine[0].at,
        person=told[0],
        remark=told[1],
        reason=sent.reason if sent else "",
        rule_id=sent.rule_id if sent else "",
        answers=tuple(answers),
    )


def _standing(one: Proposal, log: Sequence[Decision], *, is_last: bool) -> Standing:
    for row in in_force(log).decisions:
        if row.source != "answer" or row.rule_id != ANSWER + one.answer_id:
            continue
        if (row.question, row.row_id) == (one.question, one.row_id):
            return "taken" if row.action in CHANGING or row.reason == SAME else "refused"
    return "waiting" if is_last else "replaced"


def take_answers(
    store: Store,
    person: Person,
    form_id: str,
    answer_id: str,
    only: str = "",
    *,
    reason: str = "",
    force: bool = False,
    at: datetime | None = None,
) -> Decided:
    """Take what came home: all that waits of one follow-up interview, judged together, or one question of it.

    An answer that is what the interview holds already changes nothing, and is written down as asked again.

    Args:
        only: `Answered.key`; "" for all.
        reason: more than that it was answered.
        force: take it though it opens an error; the reason then says why.

    Raises:
        AccessError: ACC-123. DecisionError: DEC-016, nothing waits there; else as `decide`.
    """
    require(store, person, "decide_finding", form_id)
    found, waiting = _find(store, person, form_id, answer_id, only)
    told = reason.strip() or f"answered in {answer_id}"
    changed = tuple(Change(one.question, one.value, one.row_id) for one in waiting if not one.is_same)
    decided = Decided((), Outlook())
    if changed:
        wish = Wish("correct", found.instance_id, told, ANSWER + answer_id, changes=changed)
        decided = decide(store, person, form_id, wish, force=force, source="answer", at=at)
    same = [one for one in waiting if one.is_same]
    numbers = _write(store, person, form_id, found, same, SAME, at)
    return replace(decided, ids=(*decided.ids, *numbers))


def refuse_answers(
    store: Store,
    person: Person,
    form_id: str,
    answer_id: str,
    reason: str,
    only: str = "",
    *,
    at: datetime | None = None,
) -> Decided:
    """Leave the interview as it is: what came home isn't taken, for a reason.

    Raises:
        AccessError: ACC-123. DecisionError: DEC-001, no reason; DEC-016, nothing waits there.
    """
    require(store, person, "decide_finding", form_id)
    if not reason.strip():
        raise DecisionError("DEC-001", "A decision needs a reason.", "Say why, in a sentence.")
    found, waiting = _find(store, person, form_id, answer_id, only)
    return Decided(_write(store, person, form_id, found, waiting, reason.strip(), at), Outlook())


def _find(store: Store, person: Person, form_id: str, answer_id: str, only: str) -> tuple[Return, list[Answered]]:
    found = next((row for row in list_returns(store, person, form_id) if row.answer_id == answer_id), None)
    waiting = [one for one in found.waiting if only in {"", one.key}] if found else []
    if found is None or not waiting:
        raise DecisionError("DEC-016", "No answer waits there for a decision.", "Look at the list again.")
    return found, waiting


def _write(
    store: Store,
    person: Person,
    form_id: str,
    found: Return,
    answers: Sequence[Answered],
    reason: str,
    at: datetime | None,
) -> tuple[int, ...]:
    """Rows of the log that leave the interview's answers as they are."""
    rows = [
        Decision(
            form_id,
            found.instance_id,
            "accept",
            reason,
            person.name,
            row_id=one.row_id,
            rule_id=ANSWER + found.answer_id,
            question=one.question,
            person_id=person.id,
            source="answer",
            at=at,
        )
        for one in answers
    ]
    with acting(person_actor(person.id)), store.begin() as connection:
        return tuple(add_decision(connection, row) for row in rows)
