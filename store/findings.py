"""Findings and how each rule fared: keyed, so that judging again opens what is new and closes what no longer holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, or_, select, update

from schemas.findings import Finding, Rule, RuleSummary
from schemas.tables import findings, rule_runs, submissions
from store.decisions import list_decisions

CHUNK = 500
PARSE, RULES = "parse", "rules"
_Key = tuple[str, str, str]
_CONTENT = ("form_version", "kind", "severity", "path", "message", "advice", "variables")


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """How many findings were opened (or opened again), kept open, and closed."""

    opened: int
    kept: int
    closed: int


def _content(finding: Finding) -> dict[str, Any]:
    return {
        "form_version": finding.form_version,
        "kind": finding.kind,
        "severity": finding.severity,
        "path": finding.path,
        "message": dict(finding.message),
        "advice": dict(finding.advice),
        "variables": list(finding.variables),
    }


def put_findings(
    connection: Connection,
    form_id: str,
    found: Iterable[Finding],
    rules_evaluated: Collection[str],
    at: datetime | None = None,
) -> FindingChanges:
    """Bring the findings of evaluated rules up to date; the same again changes nothing.

    Args:
        connection: of `Store.begin()`.
        form_id: form of all of them.
        found: what the rules found over the whole form. Of two with the same rule, instance and row, the first counts.
        rules_evaluated: ids of the rules that were evaluated: their open findings that weren't found again close.
            A rule that could not be evaluated isn't among them: its findings stay.
        at: when, null for now.
    """
    is_judged = findings.c.origin == RULES
    return _put(connection, form_id, RULES, found, is_judged, set(rules_evaluated), at or datetime.now(UTC))


def put_parse_findings(
    connection: Connection, form_id: str, instance_ids: Sequence[str], found: Iterable[Finding], at: datetime
) -> None:
    """Bring what reading these submissions found up to date; `write_tables` calls it in its transaction."""
    by_instance: dict[str, list[Finding]] = {}
    for finding in found:
        by_instance.setdefault(finding.instance_id, []).append(finding)
    for start in range(0, len(instance_ids), CHUNK):
        some = instance_ids[start : start + CHUNK]
        theirs = [finding for instance_id in some for finding in by_instance.get(instance_id, ())]
        is_theirs = (findings.c.origin == PARSE) & findings.c.instance_id.in_(some)
        _put(connection, form_id, PARSE, theirs, is_theirs, None, at)


def _put(
    connection: Connection,
    form_id: str,
    origin: str,
    found: Iterable[Finding],
    where: ColumnElement[bool],
    closing: set[str] | None,
    at: datetime,
) -> FindingChanges:
    """Insert, update, open again and close. `closing`: rules whose findings may close, null for all."""
    columns = (findings.c.rule_id, findings.c.instance_id, findings.c.row_id, findings.c.id, findings.c.closed_at)
    query = select(*columns, *(findings.c[name] for name in _CONTENT)).where(findings.c.form_id == form_id, where)
    old = {(row.rule_id, row.instance_id, row.row_id): row for row in connection.execute(query)}
    new: dict[_Key, Finding] = {}
    for finding in found:
        new.setdefault((finding.rule_id, finding.instance_id, finding.row_id), finding)
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    kept = 0
    for key, finding in new.items():
        content = _content(finding)
        if key not in old:
            identity = {"form_id": form_id, "origin": origin, "opened_at": at}
            fresh.append(identity | dict(zip(("rule_id", "instance_id", "row_id"), key, strict=True)) | content)
            continue
        row = old[key]
        was_open = row.closed_at is None
        kept += was_open
        if not was_open or any(row._mapping[name] != content[name] for name in _CONTENT):
            changed.append({"number": row.id, **content})
            if not was_open:
                reopening = update(findings).where(findings.c.id == row.id)
                connection.execute(reopening.values(opened_at=at, closed_at=None))
    gone = [
        {"number": row.id, "at": at}
        for key, row in old.items()
        if key not in new and row.closed_at is None and (closing is None or key[0] in closing)
    ]
    by_number = update(findings).where(findings.c.id == bindparam("number"))
    if fresh:
        connection.execute(insert(findings), fresh)
    if changed:
        connection.execute(by_number.values({name: bindparam(name) for name in _CONTENT}), changed)
    if gone:
        connection.execute(by_number.values(closed_at=bindparam("at")), gone)
    return FindingChanges(len(new) - kept, kept, len(gone))


def _counts() -> ColumnElement[bool]:
    """Whether the finding's submission counts: superseded, forked and held ones don't; "" is no submission."""
    return or_(submissions.c.state.is_(None), submissions.c.state == "current")


def _with_submissions() -> Any:  # noqa: ANN401  # SQLAlchemy's own type for a join is private
    is_same = (submissions.c.form_id == findings.c.form_id) & (submissions.c.instance_id == findings.c.instance_id)
    return findings.outerjoin(submissions, is_same)


def list_findings(connection: Connection, form_id: str, state: str = "open") -> list[Finding]:
    """Findings of a form, in order of instance, row and rule.

    Args:
        connection: of `Store.read()` or `Store.begin()`.
        form_id: whose.
        state: "open" (of submissions that count), "closed" or "all".
    """
    columns = [findings.c[name] for name in ("instance_id", "row_id", "rule_id", *_CONTENT)]
    query = select(*columns).select_from(_with_submissions()).where(findings.c.form_id == form_id)
    if state == "open":
        query = query.where(findings.c.closed_at.is_(None), _counts())
    elif state == "closed":
        query = query.where(findings.c.closed_at.is_not(None))
    listed: dict[_Key, Finding] = {}
    for row in connection.execute(query.order_by(findings.c.id)):
        values: dict[str, Any] = dict(row._mapping)
        values["variables"] = tuple(values["variables"])
        # Both origins may tell of the same: once is enough.
        listed.setdefault((row.instance_id, row.row_id, row.rule_id), Finding(form_id=form_id, **values))
    # Sorted here, because databases sort texts each in their own way.
    return [listed[key] for key in sorted(listed)]


def blocked_instances(connection: Connection, form_id: str) -> set[str]:
    """Instances that no release may count: an open finding of severity error that nobody accepted, or excluded."""
    accepted: set[_Key] = set()
    excluded: set[str] = set()
    for decision in list_decisions(connection, form_id):
        if decision.action == "accept":
            accepted.add((decision.rule_id, decision.instance_id, decision.row_id))
        elif decision.action == "exclude":
            excluded.add(decision.instance_id)
        elif decision.action == "include":
            excluded.discard(decision.instance_id)
    errors = {
        finding.instance_id
        for finding in list_findings(connection, form_id)
        if finding.severity == "error"
        and finding.instance_id
        and (finding.rule_id, finding.instance_id, finding.row_id) not in accepted
    }
    return errors | excluded


def put_rule_runs(
    connection: Connection, form_id: str, summaries: Sequence[RuleSummary], at: datetime | None = None
) -> None:
    """Replace how the rules of a form fared with the latest evaluation."""
    at = at or datetime.now(UTC)
    connection.execute(delete(rule_runs).where(rule_runs.c.form_id == form_id))
    rows = [
        {
            "form_id": form_id,
            "rule_id": summary.rule.rule_id,
            "position": position,
            "rule": _rule_values(summary.rule),
            "checked": summary.checked,
            "failed": summary.failed,
            "evaluated_at": at,
        }
        for position, summary in enumerate(summaries)
    ]
    if rows:
        connection.execute(insert(rule_runs), rows)


def _rule_values(rule: Rule) -> Mapping[str, Any]:
    return asdict(rule) | {"message": dict(rule.message), "advice": dict(rule.advice)}


def list_rule_runs(connection: Connection, form_id: str) -> list[RuleSummary]:
    """How each rule fared when last evaluated, in the order in which they were given."""
    query = select(rule_runs.c.rule, rule_runs.c.checked, rule_runs.c.failed).where(rule_runs.c.form_id == form_id)
    summaries = []
    for values, checked, failed in connection.execute(query.order_by(rule_runs.c.position)):
        rule = Rule(**(values | {"variables": tuple(values["variables"])}))
        summaries.append(RuleSummary(rule, checked, failed))
    return summaries
