"""Answers that came home for interviews that were sent back: each is taken or refused, either way a row of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from store.interviews import Interview, list_interviews, list_latest
from store.one_interview import read_one
from store.open import Store
from store.people import Person
from validation.cleaning.cells import Questions, to_texts
from validation.cleaning.edited import replay_decisions

Standing = Literal["waiting", "taken", "refused", "replaced"]
ANSWER = "answer:"
"""How the rule of a decision about an answer begins; the id of the follow-up interview comes after it."""

CHUNK = 500
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


def list_returns(store: Store, person: Person, form_id: str, most: int | None = None) -> list[Return]:
    """What came home, oldest first.

    Args:
        most: at most so many that wait, the oldest, and so many that were decided on, the latest; null for all.

    Raises:
        AccessError: ACC-123, no right to see interviews there.
    """
    grouped = _standings(store, form_id, _proposals(store, person, form_id))
    waiting = [name for name, rows in grouped.items() if any(one == "waiting" for _, one in rows)]
    decided = [name for name in grouped if name not in set(waiting)]
    shown = set(grouped) if most is None else {*waiting[:most], *decided[-most:]}
    return _read(store, form_id, {name: rows for name, rows in grouped.items() if name in shown})


def read_return(store: Store, person: Person, form_id: str, answer_id: str) -> Return | None:
    """What came home with one follow-up interview, null if there is none such.

    Raises:
        AccessError: ACC-123, no right to see interviews there.
    """
    proposals = _proposals(store, person, form_id)
    grouped = _standings(store, form_id, proposals)
    found = _read(store, form_id, {name: rows for name, rows in grouped.items() if name == answer_id})
    return found[0] if found else None


def _read(store: Store, form_id: str, grouped: Mapping[str, Sequence[tuple[Proposal, Standing]]]) -> list[Return]:
    remarks = list_remarks(store, form_id) if grouped else {}
    found = []
    for answer_id, rows in grouped.items():
        with store.read() as connection:
            family = list_interviews(connection, form_id, rows[0][0].instance_id)
        if family:
            found.append(_return(store, form_id, answer_id, rows, family[0], remarks.get(answer_id, ("", ""))))
    return found


def count_waiting(store: Store, person: Person, form_id: str) -> int:
    """How many answers wait for a decision; no interview is read for it.

    Raises:
        AccessError: ACC-123, no right to see interviews there.
    """
    grouped = _standings(store, form_id, _proposals(store, person, form_id))
    return sum(one == "waiting" for rows in grouped.values() for _, one in rows)


def _proposals(store: Store, person: Person, form_id: str) -> list[Proposal]:
    proposals = list_proposals(store, person, form_id)
    within = require(store, person, "see_interviews", form_id)
    if within is None or not proposals:
        return proposals
    with store.read() as connection:
        ours = list_within(connection, form_id, within)
    return [one for one in proposals if one.instance_id in ours]


def _standings(store: Store, form_id: str, proposals: Sequence[Proposal]) -> dict[str, list[tuple[Proposal, Standing]]]:
    """Follow-up interview -> its answers and what became of each."""
    if not proposals:
        return {}
    names = {one.instance_id for one in proposals}
    decided: dict[tuple[str, str, str], Standing] = {}
    with store.read() as connection:
        latest = list_latest(connection, form_id)
        family = sorted(names | {latest.get(name, name) for name in names})
        for start in range(0, len(family), CHUNK):
            for row in in_force(list_decisions(connection, form_id, family[start : start + CHUNK])).decisions:
                if row.source == "answer":
                    is_taken = row.action in CHANGING or row.reason == SAME
                    decided[row.rule_id, row.question, row.row_id] = "taken" if is_taken else "refused"
    last = {(one.instance_id, one.row_id, one.question): one.answer_id for one in proposals}
    found: dict[str, list[tuple[Proposal, Standing]]] = {}
    for one in proposals:
        is_last = last[one.instance_id, one.row_id, one.question] == one.answer_id
        waits: Standing = "waiting" if is_last else "replaced"
        key = (ANSWER + one.answer_id, one.question, one.row_id)
        found.setdefault(one.answer_id, []).append((one, decided.get(key, waits)))
    return found


def _return(
    store: Store,
    form_id: str,
    answer_id: str,
    mine: Sequence[tuple[Proposal, Standing]],
    interview: Interview,
    told: tuple[str, str],
) -> Return:
    first = mine[0][0]
    names = sorted({interview.instance_id, interview.current_id, first.instance_id})
    with store.read() as connection:
        log = list_decisions(connection, form_id, names)
    form = load_survey(store, form_id, interview.version).form
    latest = {name: interview.current_id for name in names if name != interview.current_id}
    raw = read_one(store, form_id, interview.current_id, form)
    tables = replay_decisions(form, raw, log, latest=latest).tables
    questions = Questions(form)
    answers = []
    for one, standing in mine:
        asked = questions.find(one.question)
        if asked is None or asked.column not in tables[asked.table].columns:
            continue
        frame = tables[asked.table]
        rows = frame.filter(frame[ROW_ID] == one.row_id) if asked.table != MAIN_TABLE else frame
        before = to_texts(rows[asked.column])[0] if rows.height else None
        answers.append(Answered(one.question, one.row_id, before, one.value, standing))
    sent = next((row for row in reversed(log) if row.action == "send_back"), None)
    return Return(
        answer_id=answer_id,
        instance_id=first.instance_id,
        at=first.at,
        person=told[0],
        remark=told[1],
        reason=sent.reason if sent else "",
        rule_id=sent.rule_id if sent else "",
        answers=tuple(answers),
    )


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
    found = read_return(store, person, form_id, answer_id)
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
