"""The queue of findings: gravest first, filtered by rule and question, a page at a time."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast, get_args

from starlette.responses import Response

from console.pages.places import place, read_cursor, write_cursor
from console.surveys import load_survey, zone_of
from console.visiting import Visit
from schemas.communes import name_of
from schemas.decisions import in_force
from schemas.fields import Form
from schemas.findings import FindingSeverity, Rule
from schemas.rights import RIGHTS, is_spread
from schemas.text import pick
from store import findings
from store.communes import count_by_commune
from store.decisions import list_decisions
from store.finding_counts import RuleCount, list_rule_counts
from store.finding_pages import State, sent_by
from store.people import list_people
from store.standing import count_accepted

PER_PAGE: Final = 40
SEVERITIES: Final = ("error", "warning", "info")
SENDS: Final = "send_submission"
STATES: Final = get_args(State)
_MOST_RULES: Final = 60
"""Rules whose findings are turned over together when one asks by question."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What one looks for; "" is everything.

    Attributes:
        severity: error, warning, info or "all".
        person: number of whoever sent the interviews.
        commune: CUT of the interviews, in a survey of many communes.
    """

    severity: str
    state: str
    rule: str
    question: str
    person: str
    commune: str = ""

    def address(self, visit: Visit, **other: str) -> str:
        """The queue with these filters, some of them others."""
        told = {name: getattr(self, name) for name in ("severity", "state", "rule", "question", "person", "commune")}
        return visit.in_survey("findings", **(told | other))


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """A rule that found something, for choosing: its sentence, and how many."""

    rule_id: str
    severity: str
    sentence: str
    number: int


def read_communes(visit: Visit, connection: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - of the store's room
    """Code and name of the communes that a person may choose from in a survey of many, in order of name; else none."""
    if not is_spread(visit.about.commune):
        return []
    mine = visit.within
    cuts = [cut for cut in count_by_commune(connection, visit.about.form_id) if cut and (mine is None or cut in mine)]
    return sorted(((cut, name_of(cut)) for cut in cuts), key=lambda one: one[1])


def read_filters(visit: Visit, counts: list[RuleCount], commune: str = "") -> Filters:
    """The filters of the address; without a severity the gravest that has open findings."""
    told = visit.request.query_params
    first = next((one for one in SEVERITIES if any(row.open for row in counts if row.severity == one)), "all")
    narrow = any(told.get(name) for name in ("rule", "question", "person", "state"))
    severity = told.get("severity", "" if narrow else first) or "all"
    state, person = told.get("state", "open"), told.get("person", "")
    return Filters(
        severity=severity if severity in SEVERITIES else "all",
        state=state if state in STATES else "open",
        rule=told.get("rule", ""),
        question=told.get("question", ""),
        person=person if person.isdecimal() and len(person) < 10 else "",
        commune=commune,
    )


def show(visit: Visit) -> Response:
    """The queue."""
    form_id = visit.about.form_id
    compiled = load_survey(visit.store, form_id)
    with visit.store.read() as connection:
        communes = read_communes(visit, connection)
        chosen = visit.request.query_params.get("commune", "")
        chosen = chosen if chosen in dict(communes) else ""
        mine = frozenset({chosen}) if chosen else visit.within
        accepted = count_accepted(connection, form_id, mine)
        counts = _without_accepted(list_rule_counts(connection, form_id, mine), accepted)
        rules = {row.rule.rule_id: row.rule for row in findings.list_rule_runs(connection, form_id)}
        filters = read_filters(visit, counts, chosen)
        wanted = _rules_wanted(filters, counts, rules)
        severity = None if filters.severity == "all" else cast(FindingSeverity, filters.severity)
        state = cast(State, filters.state)
        person = int(filters.person) if filters.person else None
        sent = None if person is None else sent_by(connection, form_id, person)
        after = read_cursor(visit.request.query_params.get("after", ""))
        rows, following = [], after
        pages = [
            findings.page(
                *(connection, form_id),
                state=state,
                severity=severity,
                rule_id=rule,
                person_id=person,
                communes=mine,
                after=after,
                limit=PER_PAGE,
                sent=sent,
            )
            for rule in wanted
        ]
        rows = list(heapq.merge(*(page.rows for page in pages), key=place, reverse=True))
        following = place(rows[PER_PAGE - 1]) if len(rows) > PER_PAGE or any(page.after for page in pages) else None
        told = partial(findings.count, connection, form_id, state=state, communes=mine)
        number_of = partial(told, person_id=person, sent=sent, accepted=accepted)
        number = sum(number_of(severity=severity, rule_id=rule) for rule in wanted)
        tabs = {one: number_of(severity=one) for one in SEVERITIES}
        senders = [(str(one.id), one.name) for one in list_people(connection) if (one.role, SENDS) in RIGHTS]
        log = list_decisions(connection, form_id, sorted({row.finding.instance_id for row in rows[:PER_PAGE]}))
    standing = in_force(log)
    return visit.page(
        "findings.html",
        section="findings",
        filters=filters,
        rows=rows[:PER_PAGE],
        number=number,
        tabs=tabs,
        after=write_cursor(following) if following else "",
        is_first=after is None,
        rule_choices=_choices(visit, filters, counts, rules),
        questions=_questions(visit, counts, rules, compiled.form),
        labels=labels_of(compiled.form, visit.words.language),
        zone=zone_of(compiled),
        accepted=standing.accepted,
        excluded=standing.excluded,
        sent_back=standing.sent_back,
        states=STATES,
        senders=senders,
        communes=communes,
    )


def _without_accepted(counts: list[RuleCount], accepted: dict[tuple[str, str], int]) -> list[RuleCount]:
    """The counts, open ones without those that somebody accepted."""
    return [replace(row, open=row.open - accepted.get((row.rule_id, row.severity), 0)) for row in counts]


def _rules_wanted(filters: Filters, counts: list[RuleCount], rules: dict[str, Rule]) -> list[str | None]:
    """Ids of the rules to show, null for all at once."""
    if filters.rule:
        return [filters.rule]
    if filters.question:
        about: dict[str | None, None] = {
            row.rule_id: None for row in counts if _is_about(rules.get(row.rule_id), filters.question)
        }
        return list(about)[:_MOST_RULES]
    return [None]


def _is_about(rule: Rule | None, question: str) -> bool:
    return rule is not None and question in rule.variables


def _choices(visit: Visit, filters: Filters, counts: list[RuleCount], rules: dict[str, Rule]) -> list[RuleChoice]:
    found = []
    for row in counts:
        number = {"open": row.open, "closed": row.closed}.get(filters.state, row.open + row.closed)
        if number and filters.severity in {"all", row.severity}:
            rule = rules.get(row.rule_id)
            sentence = visit.words.pick(rule.message) if rule else row.rule_id
            found.append(RuleChoice(row.rule_id, row.severity, sentence or row.rule_id, number))
    return found


def _questions(visit: Visit, counts: list[RuleCount], rules: dict[str, Rule], form: Form) -> list[tuple[str, str]]:
    """Name and label of the questions that findings are about, in the form's order."""
    told = {name for row in counts if row.rule_id in rules for name in rules[row.rule_id].variables}
    labels = labels_of(form, visit.words.language)
    return [(name, labels.get(name) or name) for name in dict.fromkeys(f.name for f in form.fields()) if name in told]


def labels_of(form: Form, language: str) -> dict[str, str]:
    """Name of each question -> its label, plain, in a language."""
    return {field.name: pick(field.label, language) for field in form.fields()}
