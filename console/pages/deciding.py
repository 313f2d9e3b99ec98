"""Deciding about an interview: the acts check what was asked for and do it; the page tells what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.responses import Response

from console.acts import deciding
from console.acts.wishes import Change, Outlook, Wish
from console.correcting import read_changes, read_inputs
from console.pages import interview
from console.pages.interview import Seen
from console.visiting import Visit
from schemas.decisions import CHANGING
from schemas.errors import DecisionError, StoreError


@dataclass(frozen=True, slots=True)
class Proposal:
    """A correction that was asked for and not yet confirmed, with what it would bring."""

    wish: Wish
    outlook: Outlook
    number: int
    sent: dict[str, tuple[str, ...]] = field(repr=False)


def decide(visit: Visit) -> Response:
    """Take the decision that was asked for; of a correction, first tell what it would bring."""
    seen = interview.look_up(visit)
    try:
        wish = _read_wish(visit, seen)
        if wish.action in CHANGING and "confirm" not in visit.posted:
            outlook = deciding.preview(visit.store, visit.who, visit.about.form_id, wish)
            number = int(visit.posted.get("finding") or 0)
            proposal = Proposal(wish, outlook, number, _sent(visit))
            if visit.is_partial:
                return visit.page("outlook.html", proposal=proposal, seen=seen, labels=_labels(visit, seen))
            return interview.page_of(visit, seen, {}, proposal=proposal)
        force = "force" in visit.posted
        decided = deciding.decide(visit.store, visit.who, visit.about.form_id, wish, force=force)
    except (DecisionError, StoreError) as error:
        if visit.is_partial:
            return visit.page("refused.html", error=error)
        return interview.page_of(visit, interview.look_up(visit), {}, error=error)
    done = "pending" if decided.pending else wish.action
    return visit.go(visit.in_survey("interviews", seen.interview.instance_id, done=done))


def undo(visit: Visit) -> Response:
    """Take a decision back."""
    return _about_a_row(visit, "undo")


def second(visit: Visit) -> Response:
    """Confirm somebody else's exclusion."""
    return _about_a_row(visit, "second")


def _about_a_row(visit: Visit, act: str) -> Response:
    seen = interview.look_up(visit)
    number = visit.posted.get("decision", "")
    try:
        known = {row.id for row in interview.log_of(visit, seen)}
        if not number.isdecimal() or int(number) not in known:
            raise DecisionError("DEC-011", "There is no such decision about this interview.", "Look at the log.")
        if act == "undo":
            reason = visit.posted.get("reason", "")
            deciding.undo(visit.store, visit.who, visit.about.form_id, int(number), reason)
        else:
            deciding.second(visit.store, visit.who, visit.about.form_id, int(number))
    except (DecisionError, StoreError) as error:
        return interview.page_of(visit, interview.look_up(visit), {}, error=error)
    return visit.go(visit.in_survey("interviews", seen.interview.instance_id, done=act))


def _read_wish(visit: Visit, seen: Seen) -> Wish:
    told = visit.posted
    action = told.get("action", "")
    changes: tuple[Change, ...] = ()
    row = next((row for row in seen.open if str(row.number) == told.get("finding", "")), None)
    if action in CHANGING:
        if row is None:
            raise DecisionError("DEC-009", "The finding isn't open any more.", "Look at the interview again.")
        changes = _read_changes(visit, seen, row.number, action)
    return Wish(
        action=action,
        instance_id=seen.interview.current_id,
        reason=told.get("reason", "").strip()[:1000],
        rule_id=row.finding.rule_id if row and action not in {"exclude", "include"} else "",
        row_id=row.finding.row_id if row and action not in {"exclude", "include"} else "",
        changes=changes,
    )


def _read_changes(visit: Visit, seen: Seen, number: int, action: str) -> tuple[Change, ...]:
    finding = next(row.finding for row in seen.open if row.number == number)
    _, named = interview.read_answers(visit, seen, {})
    inputs = read_inputs(seen.compiled.form, finding, named, visit.words, with_personal=visit.may("see_personal"))
    if action == "blank":
        wanted = visit.everything.get("blank", ())
        return tuple(Change(one.question, None, one.row_id) for one in inputs if one.name in wanted)
    return read_changes(inputs, visit.everything)


def _sent(visit: Visit) -> dict[str, tuple[str, ...]]:
    """What the form of confirming sends again."""
    return {name: values for name, values in visit.everything.items() if name not in {"csrf", "confirm", "force"}}


def _labels(visit: Visit, seen: Seen) -> dict[str, str]:
    return {each.column: visit.words.pick(each.label) or each.name for each in seen.compiled.form.fields()}
