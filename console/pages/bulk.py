"""One decision about every open finding of a rule: told first, with what it would come to, and then taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from console.acts.bulk import bulk
from console.acts.wishes import BulkOutcome, Change, Wish
from console.correcting import read_bulk_inputs, read_changes
from console.surveys import load_survey
from console.visiting import Visit
from schemas.errors import ComunalError, DecisionError, StoreError
from schemas.findings import Rule
from store import findings
from store.finding_pages import sent_by
from store.people import Person, get_person

ACTIONS: Final = {
    "accept": "decide_finding",
    "correct": "decide_finding",
    "blank": "decide_finding",
    "send_back": "send_back",
}
"""What may be decided of many at once, and the right that it needs; the act checks it again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks about.

    Attributes:
        number: open findings of the rule, of that person's interviews if one is named.
        person: null for everybody's.
    """

    rule: Rule
    number: int
    person: Person | None


def _asked(visit: Visit) -> Asked:
    told, form_id = visit.request.query_params, visit.about.form_id
    wanted, sender = told.get("rule", ""), told.get("person", "")
    with visit.store.read() as connection:
        person = get_person(connection, int(sender)) if sender.isdecimal() else None
        runs = findings.list_rule_runs(connection, form_id)
        number_id = None if person is None else person.id
        number = findings.count(connection, form_id, rule_id=wanted, person_id=number_id, communes=visit.within)
    rule = next((row.rule for row in runs if row.rule.rule_id == wanted), None)
    if rule is None:
        raise StoreError("STO-013", "There is no such rule in this survey.", "Choose it in the queue of findings.")
    return Asked(rule, number, person)


def show(visit: Visit) -> Response:
    """The rule, and the ways of deciding about all that it found."""
    return _page(visit)


def _page(
    visit: Visit,
    *,
    wish: Wish | None = None,
    outcome: BulkOutcome | None = None,
    is_done: bool = False,
    error: ComunalError | None = None,
) -> Response:
    asked = _asked(visit)
    form = load_survey(visit.store, visit.about.form_id).form
    labels = {field.name: visit.words.pick(field.label) or field.name for field in form.fields()}
    return visit.page(
        "bulk.html",
        200 if error is None else error.http_status,
        section="findings",
        rule=asked.rule,
        number=asked.number,
        person=asked.person,
        inputs=read_bulk_inputs(form, asked.rule.variables, visit.words, with_personal=visit.may("see_personal")),
        actions=[action for action, right in ACTIONS.items() if visit.may(right)],
        questions=[(name, labels.get(name, name)) for name in asked.rule.variables],
        wish=wish,
        outcome=outcome,
        is_done=is_done,
        error=error,
    )


def decide(visit: Visit) -> Response:
    """Tell what the decision would come to; once confirmed, take it."""
    told, form_id = visit.posted, visit.about.form_id
    asked = _asked(visit)
    action = told.get("action", "") if told.get("action", "") in ACTIONS else ""
    wish = Wish(
        action=action,
        instance_id="",
        reason=told.get("reason", "").strip()[:1000],
        changes=_changes(visit, asked.rule, action),
    )
    instances = None
    if asked.person is not None:
        with visit.store.read() as connection:
            instances = sent_by(connection, form_id, asked.person.id)
    is_done = "confirm" in told
    try:
        outcome = bulk(
            *(visit.store, visit.who, form_id, wish),
            rule_id=asked.rule.rule_id,
            instances=instances,
            dry_run=not is_done,
        )
    except (DecisionError, StoreError) as error:
        return _page(visit, error=error)
    return _page(visit, wish=wish, outcome=outcome, is_done=is_done)


def _changes(visit: Visit, rule: Rule, action: str) -> tuple[Change, ...]:
    if action != "correct":
        return tuple(Change(name, None) for name in visit.everything.get("question", ()))
    form = load_survey(visit.store, visit.about.form_id).form
    inputs = read_bulk_inputs(form, rule.variables, visit.words, with_personal=visit.may("see_personal"))
    return read_changes(inputs, visit.everything)
