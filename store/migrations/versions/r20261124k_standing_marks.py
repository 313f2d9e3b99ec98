"""What stands of people's decisions, beside the findings; why a release was withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "20261124k"
down_revision = "20261124j"

MARKS = sa.table(
    "standing_marks", *(sa.column(name) for name in ("form_id", "instance_id", "rule_id", "row_id", "mark"))
)
LOG = (
    *("id", "form_id", "instance_id", "rule_id", "row_id", "action"),
    *("undoes", "seconds", "seconded_by", "person", "person_id"),
)


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "standing_marks",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("form_id", "instance_id", "rule_id", "row_id")),
        sa.Column("mark", sa.String(length=10), nullable=False),
        sa.CheckConstraint(
            "mark IN ('accepted', 'sent_back', 'pending', 'excluded')", name=op.f("ck_standing_marks__mark")
        ),
        sa.PrimaryKeyConstraint("form_id", "instance_id", "rule_id", "row_id", "mark", name=op.f("pk_standing_marks")),
    )
    op.create_index(op.f("ix_standing_marks__form_id_mark_rule_id"), "standing_marks", ["form_id", "mark", "rule_id"])
    op.add_column("releases", sa.Column("state_reason", sa.Text(), nullable=True))
    log = sa.table("decisions", *(sa.column(name) for name in LOG))
    wanted = log.c.action.in_(("accept", "exclude", "include", "second", "send_back", "undo"))
    rows = op.get_bind().execute(sa.select(*log.columns).where(wanted).order_by(log.c.id)).all()
    found = sorted(_marks(rows))
    if found:
        columns = [column.name for column in MARKS.columns]
        op.bulk_insert(MARKS, [dict(zip(columns, one, strict=True)) for one in found])


def _marks(rows: Sequence[sa.Row[Any]]) -> set[tuple[str, str, str, str, str]]:
    """The marks of the log as it was when this table came."""
    off: set[int] = set()
    for row in reversed(rows):
        if row.action == "undo" and row.id not in off and row.undoes is not None:
            off.add(row.undoes)
    standing = {row.id: row for row in rows if row.id not in off}
    found: dict[tuple[str, str, str, str], str] = {}
    accepted = set()
    for row in standing.values():
        interview = (row.form_id, row.instance_id, "", "")
        first = standing.get(row.seconds)
        match row.action:
            case "accept":
                accepted.add((row.form_id, row.instance_id, row.rule_id, row.row_id, "accepted"))
            case "exclude" if found.get(interview) != "excluded":
                found[interview] = "excluded" if row.seconded_by else "pending"
            case "second" if first is not None and found.get(interview) and not _is_same(first, row):
                found[interview] = "excluded"
            case "include":
                found.pop(interview, None)
            case "send_back":
                accepted.add((*interview, "sent_back"))
    return accepted | {(*key, mark) for key, mark in found.items()}


def _is_same(one: sa.Row[Any], other: sa.Row[Any]) -> bool:
    if one.person_id is not None and other.person_id is not None:
        return bool(one.person_id == other.person_id)
    return bool(one.person == other.person)
