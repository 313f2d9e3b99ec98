"""Findings and how each rule fared: keyed, so that judging again opens what is new and closes what no longer holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select

from schemas.decisions import in_force
from schemas.findings import Finding, Rule, RuleSummary
from schemas.tables import findings, rule_runs
from store.decisions import list_decisions
from store.finding_changes import FindingChanges, Scope, put
from store.finding_pages import (
    FindingPage,
    StoredFinding,
    count,
    make_finding,
    page,
    select_findings,
)
from store.interviews import list_latest

__all__ = [
    "FindingChanges",
    "FindingPage",
    "StoredFinding",
    "blocked_instances",
    "count",
    "list_blocking",
    "list_findings",
    "list_rule_runs",
    "page",
    "put_findings",
    "put_parse_findings",
    "put_rule_runs",
]

PARSE, RULES = "parse", "rules"
_Key = tuple[str, str, str]


def put_findings(
    connection: Connection,
    form_id: str,
    found: Iterable[Finding],
    rules_evaluated: Collection[str],
    at: datetime | None = None,
    *,
    instances: Collection[str] | None = None,
) -> FindingChanges:
    """Bring the findings of evaluated rules up to date; the same again changes nothing.

    Args:
        connection: of `Store.begin()`.
        form_id: form of all of them.
        found: what the rules found over the whole form; read once. Of two with the same rule, instance and row, the
            first counts.
        rules_evaluated: ids of the rules that were evaluated: their open findings that weren't found again close.
            A rule that could not be evaluated isn't among them: its findings stay.
        at: when, null for now.
        instances: the interviews that were looked at, the findings of others stay; null for all.
    """
    scope = Scope(form_id, RULES, closing=set(rules_evaluated), instances=instances)
    return put(connection, scope, found, at or datetime.now(UTC))


def put_parse_findings(
    connection: Connection, form_id: str, instance_ids: Sequence[str], found: Sequence[Finding], at: datetime
) -> None:
    """Bring what reading these submissions found up to date; `write_tables` calls it in its transaction."""
    if not found:
        before = exists().where(findings.c.form_id == form_id, findings.c.origin == PARSE)
        if not connection.execute(select(before)).scalar_one():
            return
    put(connection, Scope(form_id, PARSE, instances=instance_ids), found, at)


def list_findings(
    connection: Connection,
    form_id: str,
    state: str = "open",
    kinds: Collection[str] | None = None,
    *,
    instance_id: str | None = None,
    communes: Collection[str] | None = None,
) -> list[Finding]:
    """Findings of a form, in order of instance, row and rule.

    Args:
        connection: of `Store.read()` or `Store.begin()`.
        form_id: whose.
        state: "open" (of submissions that count), "closed" or "all".
        kinds: only those; null for all.
        instance_id: only of that submission; null for all.
        communes: only of interviews of these; null for all.
    """
    query = select_findings(form_id, state).order_by(findings.c.id)
    if communes is not None:
        query = query.where(findings.c.commune.in_(sorted(communes)))
    if instance_id is not None:
        query = query.where(findings.c.instance_id == instance_id)
    if kinds is not None:
        query = query.where(findings.c.kind.in_(sorted(kinds)))
    listed: dict[_Key, Finding] = {}
    texts: dict[int, Row[Any]] = {}
    for row in connection.execute(query):
        # Both origins may tell of the same: once is enough.
        key = row[3:6]
        if key not in listed:
            listed[key] = make_finding(connection, row, texts)
    # Sorted here, because databases sort texts each in their own way.
    return [listed[key] for key in sorted(listed)]


def blocked_instances(connection: Connection, form_id: str) -> set[str]:
    """Instances that no release may count: an open error that nobody accepted, or an exclusion by two people."""
    now = in_force(list_decisions(connection, form_id))
    query = select_findings(form_id, "open").where(findings.c.severity == "error", findings.c.instance_id != "")
    errors = {
        row.instance_id
        for row in connection.execute(query)
        if (row.rule_id, row.instance_id, row.row_id) not in now.accepted
    }
    latest = list_latest(connection, form_id)
    return errors | {latest.get(name, name) for name in now.excluded}


def list_blocking(connection: Connection, form_id: str) -> dict[str, list[tuple[str, str]]]:
    """Instance id -> rule and row of its open findings of severity error that nobody accepted."""
    accepted = in_force(list_decisions(connection, form_id)).accepted
    query = select_findings(form_id, "open").where(findings.c.severity == "error", findings.c.instance_id != "")
    found: dict[str, list[tuple[str, str]]] = {}
    for row in connection.execute(query):
        if (row.rule_id, row.instance_id, row.row_id) not in accepted:
            found.setdefault(row.instance_id, []).append((row.rule_id, row.row_id))
    return found


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
            "engine_dependent": summary.engine_dependent,
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
    columns = (rule_runs.c.rule, rule_runs.c.checked, rule_runs.c.failed, rule_runs.c.engine_dependent)
    query = select(*columns).where(rule_runs.c.form_id == form_id)
    summaries = []
    for values, *counts in connection.execute(query.order_by(rule_runs.c.position)):
        rule = Rule(**(values | {"variables": tuple(values["variables"])}))
        summaries.append(RuleSummary(rule, *counts))
    return summaries
