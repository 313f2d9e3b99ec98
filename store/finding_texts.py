"""What is said of findings, kept once: a million findings say some hundred things."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from schemas.findings import Finding
from schemas.tables import finding_texts
from store.inserts import keyed_insert

COLUMNS = ("path", "message", "advice", "variables")

TextKey = tuple[object, ...]


def text_key(finding: Finding) -> TextKey:
    """What two findings that say the same have in common."""
    return (finding.path, finding.variables, *finding.message.items(), None, *finding.advice.items())


def text_values(finding: Finding) -> dict[str, Any]:
    """The columns of what a finding says, and their digest."""
    values = {
        "path": finding.path,
        "message": dict(finding.message),
        "advice": dict(finding.advice),
        "variables": list(finding.variables),
    }
    return values | {"sha256": text_digest(values)}


def text_digest(values: Mapping[str, Any]) -> str:
    """What makes two texts the same: the digest of their columns.

    >>> text_digest({"path": "/a", "message": {"es": "x"}, "advice": {}, "variables": ["a"]})[:12]
    'f98dcf0b8f94'
    """
    written = json.dumps([values[name] for name in COLUMNS], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()


def put_texts(connection: Connection, texts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Keep what isn't kept yet; digest -> number of every text given."""
    rows = list({row["sha256"]: dict(row) for row in texts}.values())
    if not rows:
        return {}
    connection.execute(keyed_insert(connection, finding_texts).on_conflict_do_nothing(), rows)
    found: dict[str, int] = {}
    for start in range(0, len(rows), 500):
        digests = [row["sha256"] for row in rows[start : start + 500]]
        query = select(finding_texts.c.sha256, finding_texts.c.id).where(finding_texts.c.sha256.in_(digests))
        found |= {row.sha256: row.id for row in connection.execute(query)}
    return found
