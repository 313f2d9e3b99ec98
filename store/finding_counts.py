"""How many findings there are of each kind, kept beside them: a page says so without counting a million rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select

from schemas.tables import finding_counts, findings
from store.inserts import keyed_insert

Counts = Counter[tuple[object, ...]]

_KEYS = ("form_id", "origin", "rule_id", "severity", "engine_dependent", "commune")


def count_again(connection: Connection, form_id: str, origin: str) -> None:
    """Bring the counts of a form's findings up to date by counting all of them."""
    connection.execute(
        delete(finding_counts).where(finding_counts.c.form_id == form_id, finding_counts.c.origin == origin)
    )
    keys = _keys()
    counted = (findings.c.form_id == form_id, findings.c.origin == origin)
    counts = select(*keys, func.count()).where(*counted).group_by(*keys)
    connection.execute(insert(finding_counts).from_select([*_KEYS, "is_open", "number"], counts))


def count_of(connection: Connection, form_id: str, origin: str, instances: Table) -> Counts:
    """How many findings of each kind these interviews have."""
    keys = _keys()
    counted = (findings.c.form_id == form_id, findings.c.origin == origin)
    query = select(*keys, func.count()).where(*counted, findings.c.instance_id.in_(select(instances.c.instance_id)))
    return Counter({tuple(row[:-1]): row[-1] for row in connection.execute(query.group_by(*keys))})


def count_on(connection: Connection, before: Counts, after: Counts) -> None:
    """Bring the counts up to date from what some interviews had before a change and after it."""
    names = (*_KEYS, "is_open")
    # In one order, so that two that count at once wait for each other and don't lock each other out.
    changed = sorted((key for key in before.keys() | after.keys() if before[key] != after[key]), key=repr)
    if not changed:
        return
    added = keyed_insert(connection, finding_counts)
    total = finding_counts.c.number + added.excluded.number
    connection.execute(
        added.on_conflict_do_update(index_elements=names, set_={"number": total}),
        [dict(zip(names, key, strict=True)) | {"number": after[key] - before[key]} for key in changed],
    )
    mine = {(key[0], key[1]) for key in changed}
    for form_id, origin in mine:
        where = (finding_counts.c.form_id == form_id, finding_counts.c.origin == origin, finding_counts.c.number == 0)
        connection.execute(delete(finding_counts).where(*where))


def _keys() -> list[ColumnElement[object]]:
    return [*(findings.c[name] for name in _KEYS), findings.c.closed_at.is_(None)]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many findings of one rule are open, and how many are closed, as they are kept."""

    rule_id: str
    severity: str
    open: int
    closed: int


def list_rule_counts(connection: Connection, form_id: str, communes: Collection[str] | None = None) -> list[RuleCount]:
    """The rules of a form that found anything, most open findings first. It reads as many rows as there are rules.

    Args:
        connection: of `Store.read()`.
        form_id: whose.
        communes: only in interviews of these; null for all.
    """
    table = finding_counts.c
    query = select(table.rule_id, table.severity, table.is_open, func.sum(table.number))
    if communes is not None:
        query = query.where(table.commune.in_(sorted(communes)))
    query = query.where(table.form_id == form_id).group_by(table.rule_id, table.severity, table.is_open)
    found: dict[tuple[str, str], list[int]] = {}
    for rule_id, severity, is_open, number in connection.execute(query):
        found.setdefault((rule_id, severity), [0, 0])[0 if is_open else 1] += int(number)
    counts = [RuleCount(*key, *numbers) for key, numbers in found.items()]
    return sorted(counts, key=lambda row: (-row.open, -row.closed, row.rule_id))
