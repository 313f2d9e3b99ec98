"""Sent back: what came home from the phones, beside what the interviews hold, to be taken or refused."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from starlette.responses import Response

from console.acts import coming_home, deciding
from console.acts.coming_home import ANSWER, Answered
from console.acts.wishes import Change, Outlook, Wish
from console.answers import tell
from console.surveys import load_survey, zone_of
from console.visiting import Visit
from schemas.errors import ComunalError, DecisionError, StoreError
from schemas.fields import Field
from store.findings import list_rule_runs
from store.standing import list_marked

SHOWN: Final = 50
"""Returns that a page shows; whoever decides on them sees the next."""


def show(visit: Visit) -> Response:
    """What waits first, then what was decided."""
    return _page(visit)


def _page(
    visit: Visit, *, error: ComunalError | None = None, opens: Outlook | None = None, chosen: str = "", only: str = ""
) -> Response:
    form_id = visit.about.form_id
    compiled = load_survey(visit.store, form_id)
    fields = {field.column: field for field in compiled.form.fields()}
    found = coming_home.list_returns(visit.store, visit.who, form_id, SHOWN)
    number = coming_home.count_waiting(visit.store, visit.who, form_id)
    with visit.store.read() as connection:
        out = list_marked(connection, form_id, "sent_back", visit.within)
        rules = {row.rule.rule_id: row.rule for row in list_rule_runs(connection, form_id)}
    waiting = [row for row in found if row.waiting]
    there = {row.instance_id for row in waiting}
    done = visit.request.query_params.get("done", "")
    return visit.page(
        "returns.html",
        200 if error is None else error.http_status,
        section="returns",
        waiting=waiting,
        number=number,
        decided=[row for row in reversed(found) if not row.waiting],
        out=[name for name in out if name not in there],
        rules=rules,
        told=_Telling(visit, fields, zone_of(compiled)),
        labels={name: visit.words.pick(field.label) or name for name, field in fields.items()},
        zone=zone_of(compiled),
        error=error,
        opens=opens,
        chosen=chosen,
        only=only,
        notice=f"done_{done}" if done in {"take", "refuse"} else "",
    )


class _Telling:
    """Answers' texts in words, as an interview's page has them."""

    def __init__(self, visit: Visit, fields: dict[str, Field], zone: tzinfo) -> None:
        self._visit, self._fields, self._zone = visit, fields, zone

    def __call__(self, one: Answered, value: str | None) -> str:
        asked = self._fields.get(one.question)
        if value is None or asked is None:
            return value or ""
        return tell(asked, value, self._visit.words, self._zone)


def decide(visit: Visit) -> Response:
    """Take or refuse the answers of one follow-up interview, or one of them."""
    told, form_id = visit.posted, visit.about.form_id
    answer_id, only, act = str(visit.request.path_params["answer"]), told.get("only", ""), told.get("act", "")
    reason = told.get("reason", "").strip()[:1000]
    try:
        if act == "refuse":
            coming_home.refuse_answers(visit.store, visit.who, form_id, answer_id, reason, only)
        else:
            force = "force" in told
            coming_home.take_answers(visit.store, visit.who, form_id, answer_id, only, reason=reason, force=force)
    except (DecisionError, StoreError) as error:
        opens = _outlook(visit, answer_id, only) if error.code == "DEC-010" else None
        return _page(visit, error=error, opens=opens, chosen=answer_id, only=only)
    return visit.go(visit.in_survey("returns", done="refuse" if act == "refuse" else "take"))


def _outlook(visit: Visit, answer_id: str, only: str) -> Outlook | None:
    """What taking these answers would bring, where it opens an error."""
    form_id = visit.about.form_id
    row = coming_home.read_return(visit.store, visit.who, form_id, answer_id)
    if row is None:
        return None
    mine = [one for one in row.waiting if only in {"", one.key} and not one.is_same]
    changes = tuple(Change(one.question, one.value, one.row_id) for one in mine)
    wish = Wish("correct", row.instance_id, "look", ANSWER + answer_id, changes=changes)
    return deciding.preview(visit.store, visit.who, form_id, wish)
