"""Findings as a reader turns them over: filtered, newest first, a page at a time, and how many there are.

A page is found from where the one before ended (no `OFFSET`), over an index of what is filtered by. How many there are
is kept (`store.finding_counts`); the few that don't count (of submissions that were replaced, or told of by reading and
rules alike) are counted apart and subtracted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, literal_column, or_, select

from schemas.findings import Finding, FindingSeverity
from schemas.tables import finding_counts, finding_texts, findings, submissions
from store.finding_texts import COLUMNS
from store.standing import CHUNK, has_accepted, is_accepted, is_of_marked, is_open_of_few

State = Literal["open", "accepted", "sent_back", "closed", "all"]
"""open: of submissions that count, and nobody accepted it; accepted: the same, and somebody did; sent_back: the open
ones of interviews that were sent back; closed: what no longer holds; all: every one."""

Cursor = tuple[datetime, int]
"""Where a page ended: when its last finding was opened, and its number."""

_TOLD = ("form_id", "form_version", "instance_id", "row_id", "rule_id", "kind", "severity", "engines", "text_id")
_TIMES = (findings.c.opened_at, findings.c.closed_at)


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding as it is kept.

    Attributes:
        number: of its own, for links.
        closed_at: null while it is open.
    """

    number: int
    finding: Finding
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Some findings, newest first; `after` is where the next page begins, null if there is none."""

    rows: tuple[StoredFinding, ...]
    after: Cursor | None


def page(
    connection: Connection,
    form_id: str,
    *,
    state: State = "open",
    severity: FindingSeverity | None = None,
    rule_id: str | None = None,
    engine_dependent: bool | None = None,
    instance_id: str | None = None,
    person_id: int | None = None,
    communes: Collection[str] | None = None,
    after: Cursor | None = None,
    limit: int = 50,
    sent: Sequence[str] | None = None,
) -> FindingPage:
    """One page of the findings of a form, newest first.

    Args:
        connection: of `Store.read()` or `Store.begin()`.
        form_id: whose.
        state: see `State`.
        severity, rule_id, engine_dependent, instance_id: only those; null for all.
        person_id: only of interviews that this person sent; null for all.
        communes: only of interviews of these, and of no interview's that isn't; null for all.
        after: the `after` of the page before; null for the first page.
        limit: most findings of a page.
        sent: what `sent_by` says of the person, where it is at hand.
    """
    if person_id is not None and sent is None:
        sent = sent_by(connection, form_id, person_id)
    found = []
    # A query a commune: an index has the findings of each in order, not those of several.
    parts = [(one, commune) for one in _parts(state) for commune in ([None] if communes is None else sorted(communes))]
    for one, commune in parts:
        wanted = (severity, rule_id, engine_dependent, instance_id)
        query = _select(form_id, one, state, *wanted, few=sent is not None)
        query = query.add_columns(*_TIMES)
        query = query.where(*_in_communes(None if commune is None else [commune]))
        if sent is None:
            found.append(_newest(connection, query, after, limit + 1))
        else:
            found.append(_newest_of(connection, query, sent, after, limit + 1))
    rows = list(islice(merge(*found, key=_place, reverse=True), limit + 1))
    texts: dict[int, Row[Any]] = {}
    stored = tuple(
        StoredFinding(row.id, make_finding(connection, row[:-2], texts), row.opened_at, row.closed_at)
        for row in rows[:limit]
    )
    return FindingPage(stored, _place(rows[limit - 1]) if len(rows) > limit else None)


def _newest(connection: Connection, query: Select[Any], after: Cursor | None, limit: int) -> list[Row[Any]]:
    """The first rows after a place, newest first: those of its moment, then older ones, each straight from an index."""
    query = query.order_by(findings.c.opened_at.desc(), findings.c.id.desc())
    if after is None:
        return list(connection.execute(query.limit(limit)))
    moment, number = after
    rows = list(connection.execute(query.where(findings.c.opened_at == moment, findings.c.id < number).limit(limit)))
    if len(rows) < limit:
        rows += connection.execute(query.where(findings.c.opened_at < moment).limit(limit - len(rows)))
    return rows


def _newest_of(
    connection: Connection, query: Select[Any], instances: Sequence[str], after: Cursor | None, limit: int
) -> list[Row[Any]]:
    """The same of a few interviews, piece by piece."""
    found = [
        _newest(connection, query.where(findings.c.instance_id.in_(some)), after, limit) for some in _pieces(instances)
    ]
    return list(islice(merge(*found, key=_place, reverse=True), limit))


def sent_by(connection: Connection, form_id: str, person_id: int) -> list[str]:
    """Instance ids of what a person sent of a form."""
    query = select(submissions.c.instance_id).where(submissions.c.person_id == person_id)
    return list(connection.scalars(query.where(submissions.c.form_id == form_id)))


def _parts(state: State) -> tuple[Literal["open", "closed"], ...]:
    """Whether findings of a state are open or closed, or some are the one and some the other."""
    if state == "all":
        return ("open", "closed")
    return ("closed",) if state == "closed" else ("open",)


def _select(
    form_id: str,
    part: Literal["open", "closed"],
    state: State,
    severity: FindingSeverity | None,
    rule_id: str | None,
    engine_dependent: bool | None,
    instance_id: str | None,
    *,
    few: bool = False,
) -> Select[Any]:
    """The findings of a state that are open, or those that are closed, with these filters.

    Args:
        few: whether more conditions will name the interviews.
    """
    standing: dict[State, tuple[ColumnElement[bool], ...]] = {
        "open": (~is_accepted(),),
        # The interviews first: with few of them a database needn't look at every finding.
        "accepted": (is_of_marked(form_id, "accepted"), is_accepted()),
        "sent_back": (is_of_marked(form_id, "sent_back"), ~is_accepted()),
    }
    few = few or state in {"accepted", "sent_back"}
    query = select_findings(form_id, part, "all" if state == "all" else part, few=few)
    where = _filters(form_id, part, severity, rule_id, engine_dependent, instance_id, few=few)
    return query.where(*where, *standing.get(state, ()))


def _pieces(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), CHUNK):
        yield names[start : start + CHUNK]


def count(
    connection: Connection,
    form_id: str,
    *,
    state: State = "open",
    severity: FindingSeverity | None = None,
    rule_id: str | None = None,
    engine_dependent: bool | None = None,
    instance_id: str | None = None,
    person_id: int | None = None,
    communes: Collection[str] | None = None,
    sent: Sequence[str] | None = None,
    accepted: Mapping[tuple[str, str], int] | None = None,
) -> int:
    """How many findings the pages of `page` have together.

    Args as of `page`, and for whoever asks several times: `sent`, what `sent_by` tells of the person; `accepted`, what
    `store.standing.count_accepted` tells of these communes.
    """
    total = 0
    wanted = (severity, rule_id, engine_dependent)
    if person_id is not None or state in {"accepted", "sent_back"}:
        queries = (
            _select(form_id, one, state, *wanted, instance_id, few=True).where(*_in_communes(communes))
            for one in _parts(state)
        )
        if person_id is not None and sent is None:
            sent = sent_by(connection, form_id, person_id)
        return _count_few(connection, queries, sent)
    for one in _parts(state):
        where = (*_filters(form_id, one, *wanted, instance_id), *_in_communes(communes))
        if instance_id is None:
            total += _kept_count(connection, form_id, one, *wanted, communes)
        else:
            total += _number(connection, select(func.count()).select_from(findings).where(*where))
        rules = _told_twice(connection, form_id, rule_id)
        if rules:
            twins = select(func.count()).select_from(findings).where(*where, findings.c.rule_id.in_(rules))
            twins = twins.where(
                findings.c.origin == "parse", _has_twin(state), *((_counts(),) if one == "open" else ())
            )
            total -= _number(connection, twins)
        if one == "open":
            apart = select(submissions.c.instance_id)
            apart = apart.where(submissions.c.form_id == form_id, submissions.c.state != "current")
            if connection.execute(apart.limit(1)).first():
                query = select(func.count()).select_from(findings)
                total -= _number(connection, query.where(*where, findings.c.instance_id.in_(apart)))
        if state != "open":
            continue
        if accepted is not None and not rules and instance_id is None and engine_dependent is None:
            total -= sum(
                number
                for (rule, grade), number in accepted.items()
                if rule_id in {None, rule} and severity in {None, grade}
            )
        elif has_accepted(connection, form_id):
            chosen = _select(form_id, "open", "accepted", *wanted, instance_id, few=True)
            chosen = chosen.where(*_in_communes(communes))
            total -= _count_few(connection, (chosen,), None)
    return total


def _count_few(connection: Connection, queries: Iterable[Select[Any]], instances: Sequence[str] | None) -> int:
    """How many findings there are where they can be few: of some interviews, or of those with marks."""
    total = 0
    for query in queries:
        some: tuple[Select[Any], ...]
        if instances is None:
            some = (query,)
        else:
            some = tuple(query.where(findings.c.instance_id.in_(names)) for names in _pieces(instances))
        total += sum(_number(connection, select(func.count()).select_from(one.subquery())) for one in some)
    return total


def _kept_count(
    connection: Connection,
    form_id: str,
    state: State,
    severity: FindingSeverity | None,
    rule_id: str | None,
    engine_dependent: bool | None,
    communes: Collection[str] | None,
) -> int:
    wanted = {"severity": severity, "rule_id": rule_id, "engine_dependent": engine_dependent}
    told = [finding_counts.c[name] == value for name, value in wanted.items() if value is not None]
    if communes is not None:
        told.append(finding_counts.c.commune.in_(sorted(communes)))
    query = select(func.coalesce(func.sum(finding_counts.c.number), 0)).where(finding_counts.c.form_id == form_id)
    return int(_number(connection, query.where(finding_counts.c.is_open == (state == "open"), *told)))


def _told_twice(connection: Connection, form_id: str, rule_id: str | None) -> list[str]:
    """Rules whose findings come from reading and from rules; hardly ever any."""
    query = select(finding_counts.c.rule_id).where(finding_counts.c.form_id == form_id)
    if rule_id is not None:
        query = query.where(finding_counts.c.rule_id == rule_id)
    twice = query.group_by(finding_counts.c.rule_id).having(func.count(finding_counts.c.origin.distinct()) > 1)
    return list(connection.scalars(twice))


def select_findings(form_id: str, state: str, twins_in: str | None = None, *, few: bool = False) -> Select[Any]:
    """The rows of a form's findings in a state, open ones only of submissions that count.

    Args:
        twins_in: leave out what reading found where a rule tells of the same, open or closed as this says; null: no.
        few: whether more conditions will name the interviews.
    """
    query = select(findings.c.id, *(findings.c[name] for name in _TOLD)).where(findings.c.form_id == form_id)
    if state != "all":
        query = query.where(_is_in(findings, state, few=few))
    if state == "open":
        query = query.where(_counts())
    if twins_in is not None:
        query = query.where(or_(findings.c.origin != "parse", ~_has_twin(twins_in)))
    return query


def list_instances(connection: Connection, form_id: str, rule_id: str) -> set[str]:
    """Interviews that count and have an open finding of a rule; straight from that rule's index."""
    query = select(findings.c.instance_id).where(findings.c.form_id == form_id, findings.c.rule_id == rule_id)
    return set(connection.scalars(query.where(_is_in(findings, "open"), _counts())))


def make_finding(connection: Connection, row: Sequence[Any], texts: dict[int, Row[Any]]) -> Finding:
    """The finding of a row of `select_findings`; `texts` are those that were read before, by number."""
    _, form_id, form_version, instance_id, row_id, rule_id, kind, severity, engines, number = row
    text = texts.get(number)
    if text is None:
        columns = (finding_texts.c[name] for name in COLUMNS)
        text = texts[number] = connection.execute(select(*columns).where(finding_texts.c.id == number)).one()
    path, message, advice, variables = tuple(text)
    return Finding(
        form_id=form_id,
        form_version=form_version,
        instance_id=instance_id,
        row_id=row_id,
        rule_id=rule_id,
        kind=kind,
        severity=severity,
        path=path,
        message=message,
        advice=advice,
        variables=tuple(variables),
        engines=tuple(engines.split()),
    )


def _filters(
    form_id: str,
    state: State,
    severity: FindingSeverity | None,
    rule_id: str | None,
    engine_dependent: bool | None,
    instance_id: str | None,
    *,
    few: bool = False,
) -> tuple[ColumnElement[bool], ...]:
    wanted = {
        "severity": severity,
        "rule_id": rule_id,
        "engine_dependent": engine_dependent,
        "instance_id": instance_id,
    }
    told = (findings.c[name] == value for name, value in wanted.items() if value is not None)
    return (findings.c.form_id == form_id, _is_in(findings, state, few=few), *told)


def _in_communes(communes: Collection[str] | None) -> tuple[ColumnElement[bool], ...]:
    """Findings of interviews of these communes."""
    if communes is None:
        return ()
    # The second condition, as a literal, is that of the index: a database doesn't see it in the first.
    return findings.c.commune.in_(sorted(communes)), findings.c.commune != literal_column("''")


def _is_in(table: Any, state: str, *, few: bool = False) -> ColumnElement[bool]:  # noqa: ANN401  # a table or its alias
    is_open: ColumnElement[bool] = is_open_of_few() if few else table.c.closed_at.is_(None)
    return is_open if state == "open" else ~is_open


def _is_of_submission() -> ColumnElement[bool]:
    return and_(submissions.c.form_id == findings.c.form_id, submissions.c.instance_id == findings.c.instance_id)


def _counts() -> ColumnElement[bool]:
    """Whether the finding's submission counts: superseded, forked and held ones don't; "" is no submission."""
    return ~exists().where(_is_of_submission(), submissions.c.state != "current")


def _has_twin(state: str) -> ColumnElement[bool]:
    """Whether a rule tells of the same as reading did."""
    twin = findings.alias("twin")
    keys = [twin.c[name] == findings.c[name] for name in ("form_id", "rule_id", "instance_id", "row_id")]
    where = [] if state == "all" else [_is_in(twin, state)]
    return exists().where(twin.c.origin == "rules", *keys, *where)


def _number(connection: Connection, query: Select[Any]) -> int:
    found: int = connection.execute(query).scalar_one()
    return found


def _place(row: Row[Any]) -> Cursor:
    return row.opened_at, row.id
