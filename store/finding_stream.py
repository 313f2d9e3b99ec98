"""Every finding of a form by key and state, one after the other: for logs that are larger than memory should be."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, literal, union_all

from schemas.findings import Finding
from schemas.tables import findings
from store.finding_pages import make_finding, select_findings

ROWS = 10_000
"""Rows fetched at a time."""


@dataclass(frozen=True, slots=True)
class FindingState:
    """A finding's key, and whether it is open."""

    instance_id: str
    row_id: str
    rule_id: str
    severity: str
    is_open: bool


def stream_states(connection: Connection, form_id: str) -> Iterator[FindingState]:
    """Findings that are open in submissions that count, and those that are closed, in order of instance, row and rule.

    What two origins tell of one key comes once a state. The order is that of code points, in every database.

    Args:
        connection: of `Store.read()`; it serves nothing else until the last row was taken.
        form_id: whose.
    """
    keys = ("instance_id", "row_id", "rule_id", "severity")
    columns = [findings.c[name] for name in keys]
    both = union_all(
        *(
            select_findings(form_id, state).with_only_columns(*columns, literal(state == "open").label("is_open"))
            for state in ("open", "closed")
        )
    ).subquery()
    is_postgres = connection.dialect.name == "postgresql"
    order = [both.c[name].collate("C") if is_postgres else both.c[name] for name in keys[:3]]
    query = both.select().order_by(*order, both.c.is_open.desc())
    before: tuple[str, str, str, bool] | None = None
    for row in connection.execution_options(yield_per=ROWS).execute(query):
        key = (row.instance_id, row.row_id, row.rule_id, bool(row.is_open))
        if key != before:
            yield FindingState(row.instance_id, row.row_id, row.rule_id, row.severity, bool(row.is_open))
        before = key


def find_samples(connection: Connection, form_id: str, rules: Collection[str]) -> dict[str, Finding]:
    """One finding of each of these rules, open or closed; rules without any are absent."""
    found: dict[str, Finding] = {}
    texts: dict[int, Row[Any]] = {}
    for rule in sorted(rules):
        query = select_findings(form_id, "all").where(findings.c.rule_id == rule).order_by(findings.c.id).limit(1)
        row = connection.execute(query).first()
        if row is not None:
            found[rule] = make_finding(connection, row, texts)
    return found
