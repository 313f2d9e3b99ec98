"""Decisions about findings and interviews: one function an act.

Each checks the right, runs the form's logic again before it accepts a correction, and leaves a row in the log of
decisions and one in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from console.acts.changing import (
    RefusedChange,
    Wanted,
    change_rows,
    derived_rows,
    explain,
    find_cell,
    weigh_changes,
    write_changes,
)
from console.acts.differences import differences, weigh_undo
from console.acts.grounds import Ground, ground_of_one, reader
from console.acts.rights import require, require_within
from console.acts.sending_back import put_on_phone
from console.acts.wishes import Change, Decided, InterviewView, Outlook, Wish
from schemas.decisions import CHANGING, CellChange, Decision, InForce, in_force, taken_back
from schemas.errors import DecisionError
from schemas.fields import INSTANCE_ID, MAIN_TABLE
from schemas.findings import Finding
from store.audit import acting, person_actor
from store.communes import list_within
from store.decisions import add_decision, get_decision, list_decisions
from store.findings import list_findings
from store.open import Store
from store.people import Person
from validation.cleaning.cells import Questions
from validation.cleaning.weighing import Weighed

__all__ = ["Change", "Decided", "Outlook", "Wish", "decide", "list_log", "preview", "read_interview", "second", "undo"]

_RIGHTS = {
    "accept": "decide_finding",
    "correct": "decide_finding",
    "blank": "decide_finding",
    "exclude": "decide_exclusion",
    "include": "decide_exclusion",
    "second": "decide_exclusion",
    "send_back": "send_back",
}


def preview(store: Store, person: Person, form_id: str, wish: Wish) -> Outlook:
    """What a decision would bring; nothing is written.

    Raises:
        AccessError: ACC-123, no right. DecisionError: DEC-001 to DEC-009, it can't be taken.
    """
    check_wish(store, person, form_id, wish)
    with acting(person_actor(person.id)):
        ground = ground_of_one(store, form_id, wish.instance_id, reader(person))
        return _weigh(store, person, form_id, ground, wish)[0]


def decide(
    store: Store,
    person: Person,
    form_id: str,
    wish: Wish,
    *,
    force: bool = False,
    source: str = "desk",
    at: datetime | None = None,
) -> Decided:
    """Take a decision.

    Args:
        store: where.
        person: who decides.
        form_id: of the interview.
        wish: what is decided.
        force: take a correction though it opens an error; the reason then says why.
        source: see `schemas.decisions.SOURCES`.
        at: when, null for now.

    Raises:
        AccessError: ACC-123, no right. DecisionError: DEC-001 no reason, DEC-002 no such action, DEC-003 no such
            interview, DEC-004 to DEC-008 a change that can't be made, DEC-009 no such open finding, DEC-010 it would
            open an error.
    """
    check_wish(store, person, form_id, wish)
    with acting(person_actor(person.id)):
        ground = ground_of_one(store, form_id, wish.instance_id, reader(person))
        outlook, weighed = _weigh(store, person, form_id, ground, wish)
        instance_id = _instance(ground)
        if weighed is not None:
            if outlook.needs_force and not force:
                raise _opens_error(outlook)
            wanted = [Wanted(change, wish.reason, wish.rule_id, source) for change in outlook.changes]
            rows = change_rows(person, form_id, wanted, weighed.derived)
            numbers = write_changes(store, ground, form_id, rows, weighed, [instance_id], at)
            return Decided(tuple(numbers), outlook)
        row = _plain_row(person, form_id, wish, instance_id, source, at)
        with store.begin() as connection:
            number = add_decision(connection, row)
        if wish.action == "send_back":
            put_on_phone(store, form_id, row, number, *_to_ask(store, ground, wish))
    return Decided((number,), outlook, pending=wish.action == "exclude")


def undo(
    store: Store, person: Person, form_id: str, decision_id: int, reason: str, at: datetime | None = None
) -> Decided:
    """Take an earlier decision back, an undoing too: another row of the log says so.

    Raises:
        AccessError: ACC-123, no right. StoreError: STO-022, no such decision. DecisionError: DEC-001 no reason, DEC-011
            it was taken back already, DEC-012 it follows from another, which is the one to take back.
    """
    with store.read() as connection:
        row = get_decision(connection, form_id, decision_id)
        target = row
        while target.action == "undo" and target.undoes is not None:
            target = get_decision(connection, form_id, target.undoes)
    require_within(store, person, _RIGHTS[target.action], form_id, [row.instance_id])
    _require_reason(reason)
    if row.source == "recalculated":
        message = f"Decision {decision_id} follows from decision {row.cause}."
        raise DecisionError("DEC-012", message, f"Take back decision {row.cause}.")
    with acting(person_actor(person.id)):
        ground = ground_of_one(store, form_id, row.instance_id, reader(person))
        if decision_id in taken_back(ground.log):
            raise DecisionError("DEC-011", f"Decision {decision_id} was taken back already.", "Look at the log.")
        fresh = Decision(
            form_id, row.instance_id, "undo", reason, person.name, person_id=person.id, undoes=decision_id, at=at
        )
        after = ground.replayed([*ground.log, replace(fresh, id=_next(ground.log))])
        changes = differences(ground, after)
        weighed = weigh_undo(ground, changes)
        rows = [fresh, *derived_rows(person, form_id, weighed.derived, -1)]
        numbers = write_changes(store, ground, form_id, rows, weighed, [_instance(ground)], at)
    outlook = Outlook(weighed.closes, weighed.opens, weighed.derived, tuple(changes))
    return Decided(tuple(numbers), outlook)


def second(store: Store, person: Person, form_id: str, decision_id: int, at: datetime | None = None) -> Decided:
    """Confirm an exclusion that somebody else asked for: it counts from now on.

    Raises:
        AccessError: ACC-123, no right. StoreError: STO-022, no such decision. DecisionError: DEC-013, nothing waits
            under that number; DEC-014, it was the same person.
    """
    require(store, person, _RIGHTS["second"], form_id)
    with store.read() as connection:
        row = get_decision(connection, form_id, decision_id)
    require_within(store, person, _RIGHTS["second"], form_id, [row.instance_id])
    with store.read() as connection:
        pending = in_force(list_decisions(connection, form_id, [row.instance_id])).pending
    if decision_id not in {one.id for one in pending}:
        message = f"Decision {decision_id} is no exclusion that waits for a second person."
        raise DecisionError("DEC-013", message, "List the pending exclusions and choose a number from them.")
    if row.person_id == person.id:
        message = "Whoever asks for an exclusion doesn't confirm it."
        raise DecisionError("DEC-014", message, "Ask a second person with the right to.")
    fresh = Decision(
        form_id, row.instance_id, "second", row.reason, person.name, person_id=person.id, seconds=decision_id, at=at
    )
    with acting(person_actor(person.id)), store.begin() as connection:
        number = add_decision(connection, fresh)
    return Decided((number,), Outlook())


def list_log(store: Store, person: Person, form_id: str, instance_id: str | None = None) -> list[Decision]:
    """The log of decisions, oldest first, without the values of personal questions.

    Raises:
        AccessError: ACC-123, no right to see findings there.
    """
    within = require(store, person, "see_findings", form_id)
    with store.read() as connection:
        log = list_decisions(connection, form_id, None if instance_id is None else [instance_id])
        mine = None if within is None else list_within(connection, form_id, within)
    return [row for row in log if mine is None or row.instance_id in mine]


def read_interview(store: Store, person: Person, form_id: str, instance_id: str) -> InterviewView:
    """One interview as received and as it stands, with its findings and decisions.

    Raises:
        AccessError: ACC-123, no right to see interviews there. DecisionError: DEC-003, no such interview.
    """
    require_within(store, person, "see_interviews", form_id, [instance_id])
    with acting(person_actor(person.id)):
        ground = ground_of_one(store, form_id, instance_id, reader(person))
    now = _instance(ground)
    with store.read() as connection:
        found = list_findings(connection, form_id, instance_id=now)
    standing: InForce = ground.edited.log
    return InterviewView(
        form_id=form_id,
        instance_id=now,
        version=ground.compiled.form.version,
        raw=ground.raw,
        edited=ground.edited.tables,
        findings=tuple(found),
        log=tuple(replace(row, old=None, value=None) if row.is_personal else row for row in ground.log),
        holds=frozenset(row.id for row in standing.decisions if row.id is not None),
        excluded=now in standing.excluded,
        pending=next(iter(standing.pending), None),
    )


def check_wish(store: Store, person: Person, form_id: str, wish: Wish) -> None:
    """Whether a person may ask for that, and says why.

    Raises:
        AccessError: ACC-123, no right. DecisionError: DEC-001 no reason, DEC-002 no such action.
    """
    right = _RIGHTS.get(wish.action)
    if right is None or wish.action == "second":
        choices = ", ".join(name for name in _RIGHTS if name != "second")
        raise DecisionError("DEC-002", f"There is no action {wish.action!r}.", f"Choose one of {choices}.")
    require_within(store, person, right, form_id, [wish.instance_id] if wish.instance_id else [])
    _require_reason(wish.reason)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise DecisionError("DEC-001", "A decision needs a reason.", "Say why, in a sentence.")


def _weigh(store: Store, person: Person, form_id: str, ground: Ground, wish: Wish) -> tuple[Outlook, Weighed | None]:
    """What a wish would bring; the weighing is null for actions that change no answer."""
    if wish.action in CHANGING:
        changes = _changes(ground, wish)
        if any(change.is_personal for change in changes):
            require(store, person, "see_personal", form_id)
        weighed = weigh_changes(ground, changes)
        return Outlook(
            (*weighed.closes, *_settled(ground, changes)), weighed.opens, weighed.derived, tuple(changes)
        ), weighed
    if wish.action == "accept":
        with store.read() as connection:
            found = list_findings(connection, form_id, instance_id=_instance(ground))
        mine = [row for row in found if (row.rule_id, row.row_id) == (wish.rule_id, wish.row_id)]
        if not mine:
            message = f"The interview has no open finding of {wish.rule_id or 'that rule'} there."
            raise DecisionError("DEC-009", message, "Name the rule and the row as the finding does.")
        return Outlook(closes=tuple(mine)), None
    return Outlook(), None


def _changes(ground: Ground, wish: Wish) -> list[CellChange]:
    if not wish.changes:
        raise DecisionError("DEC-015", "The correction names no question.", "Name a question and its new value.")
    found = []
    for change in wish.changes:
        value = None if wish.action == "blank" else change.value
        try:
            found.append(find_cell(ground, _instance(ground), replace(change, value=value))[1])
        except RefusedChange as refusal:
            raise explain(refusal, change.question) from None
    return found


def _to_ask(store: Store, ground: Ground, wish: Wish) -> tuple[list[str], Finding | None]:
    """The questions that an enumerator is to ask again: those named, else those of the finding; and the finding."""
    with store.read() as connection:
        found = list_findings(connection, ground.compiled.form.form_id, instance_id=_instance(ground))
    finding = next((row for row in found if (row.rule_id, row.row_id) == (wish.rule_id, wish.row_id)), None)
    named = [change.question for change in wish.changes] or list(finding.variables if finding else ())
    questions = Questions(ground.compiled.form)
    asked = [field.column for name in named if (field := questions.find(name)) is not None]
    return asked, finding


def _settled(ground: Ground, changes: Sequence[CellChange]) -> list[Finding]:
    questions = Questions(ground.compiled.form)
    keys = set()
    for change in changes:
        field = questions.find(change.question, change.table)
        if field is not None:
            keys.add((f"type:{field.path}", change.row_id))
    return [row for row in ground.readings.open if (row.rule_id, row.row_id) in keys]


def _opens_error(outlook: Outlook) -> DecisionError:
    rules = sorted({row.rule_id for row in outlook.opens if row.severity == "error"})
    message = f"The correction would open an error: {', '.join(rules)}."
    return DecisionError("DEC-010", message, "Correct the other answers with it, or force it and say why.")


def _instance(ground: Ground) -> str:
    return str(ground.raw[MAIN_TABLE][INSTANCE_ID][0])


def _next(log: Sequence[Decision]) -> int:
    return max((row.id or 0 for row in log), default=0) + 1


def _plain_row(
    person: Person, form_id: str, wish: Wish, instance_id: str, source: str, at: datetime | None
) -> Decision:
    return Decision(
        form_id=form_id,
        instance_id=instance_id,
        action=wish.action,
        reason=wish.reason,
        person=person.name,
        person_id=person.id,
        row_id=wish.row_id,
        rule_id=wish.rule_id,
        source=source,
        at=at,
    )
