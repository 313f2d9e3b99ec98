"""Findings counted by kind, and pages of each severity, of each rule and of those that depend on the engine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124g"
down_revision = "20261124f"

KEYS = ("form_id", "origin", "rule_id", "severity", "engine_dependent")
PAGES = {
    "": ("form_id", "opened_at", "id"),
    "_of_severity": ("form_id", "severity", "opened_at", "id"),
    "_of_rule": ("form_id", "rule_id", "opened_at", "id", "severity", "engine_dependent"),
    "_of_engines": ("form_id", "opened_at", "id", "severity"),
}


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "finding_counts",
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("engine_dependent", sa.Boolean(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*KEYS, "is_open", name=op.f("pk_finding_counts")),
    )
    findings = sa.table("findings", *(sa.column(name) for name in (*KEYS, "closed_at")))
    counts = sa.table("finding_counts", *(sa.column(name) for name in (*KEYS, "is_open", "number")))
    keys = [*(findings.c[name] for name in KEYS), findings.c.closed_at.is_(None)]
    op.execute(
        counts.insert().from_select([*KEYS, "is_open", "number"], sa.select(*keys, sa.func.count()).group_by(*keys))
    )
    for state, condition in (("open", "closed_at IS NULL"), ("closed", "closed_at IS NOT NULL")):
        for first in ("", "_of_rule"):
            op.drop_index(f"ix_findings__{state}{first}", table_name="findings")
        for name, columns in PAGES.items():
            dependent = " AND engine_dependent" if name == "_of_engines" else ""
            op.create_index(
                f"ix_findings__{state}{name}",
                "findings",
                list(columns),
                sqlite_where=sa.text(condition + (f"{dependent} = 1" if dependent else "")),
                postgresql_where=sa.text(condition + dependent),
            )
    op.create_index(
        "ix_submissions__apart",
        "submissions",
        ["form_id", "instance_id"],
        sqlite_where=sa.text("state != 'current'"),
        postgresql_where=sa.text("state != 'current'"),
    )
