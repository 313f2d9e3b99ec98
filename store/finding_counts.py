"""How many findings there are of each kind, kept beside them: a page says so without counting a million rows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select

from schemas.tables import finding_counts, findings

_KEYS = ("form_id", "origin", "rule_id", "severity", "engine_dependent")


def count_again(connection: Connection, form_id: str, origin: str, rules: Select[tuple[str]] | None = None) -> None:
    """Bring the counts of a form's findings up to date.

    Args:
        rules: ids of the rules whose findings changed; null for all.
    """
    counted: tuple[ColumnElement[bool], ...] = (findings.c.form_id == form_id, findings.c.origin == origin)
    kept: tuple[ColumnElement[bool], ...] = (finding_counts.c.form_id == form_id, finding_counts.c.origin == origin)
    if rules is not None:
        counted += (findings.c.rule_id.in_(rules),)
        kept += (finding_counts.c.rule_id.in_(rules),)
    keys = [*(findings.c[name] for name in _KEYS), findings.c.closed_at.is_(None)]
    connection.execute(delete(finding_counts).where(*kept))
    counts = select(*keys, func.count()).where(*counted).group_by(*keys)
    connection.execute(insert(finding_counts).from_select([*_KEYS, "is_open", "number"], counts))


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
    return sorted(counts, key=lambda row: (-row.open, -row.closed, row.rule_id))
