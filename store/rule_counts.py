"""How many findings each rule of a form has: for choosing among rules, without counting findings."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from schemas.tables import finding_counts


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many findings of one rule are open, and how many are closed, as they are kept."""

    rule_id: str
    severity: str
    open: int
    closed: int


def list_rule_counts(connection: Connection, form_id: str) -> list[RuleCount]:
    """The rules of a form that found anything, most open findings first. It reads as many rows as there are rules."""
    table = finding_counts.c
    query = select(table.rule_id, table.severity, table.is_open, func.sum(table.number))
    query = query.where(table.form_id == form_id).group_by(table.rule_id, table.severity, table.is_open)
    found: dict[tuple[str, str], list[int]] = {}
    for rule_id, severity, is_open, number in connection.execute(query):
        found.setdefault((rule_id, severity), [0, 0])[0 if is_open else 1] += int(number)
    counts = [RuleCount(*key, *numbers) for key, numbers in found.items()]
    return sorted(
        (row for row in counts if row.open or row.closed), key=lambda row: (-row.open, -row.closed, row.rule_id)
    )
