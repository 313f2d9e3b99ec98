"""One decision about every open finding of a rule: told first, with what it would come to, and then taken."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from console.acts.bulk import bulk
from console.acts.wishes import BulkOutcome, Change, Wish
from console.surveys import load_survey
from console.visiting import Visit
from schemas.errors import ComunalError, DecisionError, StoreError
from schemas.findings import Rule
from store import findings

ACTIONS: Final = {"accept": "decide_finding", "blank": "decide_finding", "send_back": "send_back"}
"""What may be decided of many at once, and the right that it needs; the act checks it again."""


def _rule(visit: Visit) -> tuple[Rule, int]:
    """The rule of the address and how many open findings it has."""
    wanted = visit.request.query_params.get("rule", "")
    with visit.store.read() as connection:
        runs = findings.list_rule_runs(connection, visit.about.form_id)
        number = findings.count(connection, visit.about.form_id, rule_id=wanted, communes=visit.within)
    rule = next((row.rule for row in runs if row.rule.rule_id == wanted), None)
    if rule is None:
        raise StoreError("STO-013", "There is no such rule in this survey.", "Choose it in the queue of findings.")
    return rule, number


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
    rule, number = _rule(visit)
    form = load_survey(visit.store, visit.about.form_id).form
    labels = {field.name: visit.words.pick(field.label) or field.name for field in form.fields()}
    return visit.page(
        "bulk.html",
        200 if error is None else error.http_status,
        section="findings",
        rule=rule,
        number=number,
        actions=[action for action, right in ACTIONS.items() if visit.may(right)],
        questions=[(name, labels.get(name, name)) for name in rule.variables],
        wish=wish,
        outcome=outcome,
        is_done=is_done,
        error=error,
    )


def decide(visit: Visit) -> Response:
    """Tell what the decision would come to; once confirmed, take it."""
    told = visit.posted
    wish = Wish(
        action=told.get("action", "") if told.get("action", "") in ACTIONS else "",
        instance_id="",
        reason=told.get("reason", "").strip()[:1000],
        changes=tuple(Change(name, None) for name in visit.everything.get("question", ())),
    )
    rule, _ = _rule(visit)
    is_done = "confirm" in told
    try:
        outcome = bulk(visit.store, visit.who, visit.about.form_id, wish, rule_id=rule.rule_id, dry_run=not is_done)
    except (DecisionError, StoreError) as error:
        return _page(visit, error=error)
    return _page(visit, wish=wish, outcome=outcome, is_done=is_done)
