"""How many findings there are of each kind, kept beside them: a page says so without counting a million rows."""

from __future__ import annotations

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
