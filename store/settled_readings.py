"""Findings of reading (an answer that is no value of its type) that a correction settles, or that come back with it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row

from schemas.findings import Finding
from schemas.tables import findings
from store.finding_changes import FindingChanges, Scope, put
from store.finding_pages import make_finding, select_findings

FindingKey = tuple[str, str, str]
"""Rule id, instance id, row id."""

_PARSE = "parse"
_CHUNK = 500


def settle_readings(
    connection: Connection,
    form_id: str,
    corrected: Collection[FindingKey],
    restored: Collection[FindingKey],
    at: datetime | None = None,
) -> FindingChanges:
    """Close what a correction in force settles, and open again what one settled that was taken back.

    Args:
        connection: of `Store.begin()`.
        form_id: whose.
        corrected: findings about cells that hold a corrected answer.
        restored: findings about cells whose corrections were all taken back.
        at: when, null for now.
    """
    gone, back = frozenset(corrected), frozenset(restored)
    instances = sorted({instance for _, instance, _ in gone | back})
    kept: list[Finding] = []
    touched: set[str] = set()
    texts: dict[int, Row[Any]] = {}
    for start in range(0, len(instances), _CHUNK):
        query = select_findings(form_id, "all").add_columns(findings.c.closed_at)
        some = findings.c.instance_id.in_(instances[start : start + _CHUNK])
        for row in connection.execute(query.where(findings.c.origin == _PARSE, some)):
            key = (row.rule_id, row.instance_id, row.row_id)
            is_open = row.closed_at is None
            stays = key not in gone and (is_open or key in back)
            if stays:
                kept.append(make_finding(connection, row[:-1], texts))
            if stays != is_open:
                touched.add(row.instance_id)
    if not touched:
        return FindingChanges(0, 0, 0)
    mine = [row for row in kept if row.instance_id in touched]
    return put(connection, Scope(form_id, _PARSE, instances=touched), mine, at or datetime.now(UTC))
