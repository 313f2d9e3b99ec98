"""Surveys of many communes: of which one each interview and finding is, counts by it, previews and their answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124l"
down_revision = "20261124k"

KEYS = ("form_id", "origin", "rule_id", "severity", "engine_dependent")
PAGE = ("form_id", "commune", "opened_at", "id", "severity", "rule_id")


def upgrade() -> None:
    """Bring the schema one step on."""
    op.add_column("submissions", sa.Column("commune", sa.Text(), nullable=True))
    op.create_index(
        "ix_submissions__communes",
        "submissions",
        ["form_id", "commune"],
        sqlite_where=sa.text("commune IS NOT NULL"),
        postgresql_where=sa.text("commune IS NOT NULL"),
    )
    op.add_column("findings", sa.Column("commune", sa.Text(), server_default="", nullable=False))
    for state, condition in (("open", "closed_at IS NULL"), ("closed", "closed_at IS NOT NULL")):
        where = sa.text(f"{condition} AND commune != ''")
        op.create_index(
            f"ix_findings__{state}_of_commune", "findings", list(PAGE), sqlite_where=where, postgresql_where=where
        )
    _count_by_commune()
    op.create_table(
        "previews",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("release_id", "form_id", "communes", "folder")),
        sa.Column("interviews", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_previews")),
        sa.UniqueConstraint("release_id", name=op.f("uq_previews__release_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_previews__form_id"), "previews", ["form_id"])
    op.create_table(
        "confirmations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("release_id", "form_id", "commune")),
        sa.Column("answer", sa.String(length=10), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("reason", "person")),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmations")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_confirmations__person_id__people")),
        sa.CheckConstraint("answer IN ('confirmed', 'objected')", name=op.f("ck_confirmations__answer")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_confirmations__release_id_commune"), "confirmations", ["release_id", "commune"])


def _count_by_commune() -> None:
    """Counts get one more key; no database changes a primary key in place as another does, so they are made anew."""
    op.drop_table("finding_counts")
    op.create_table(
        "finding_counts",
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("engine_dependent", sa.Boolean(), nullable=False),
        sa.Column("commune", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*KEYS, "commune", "is_open", name=op.f("pk_finding_counts")),
    )
    names = (*KEYS, "commune")
    findings = sa.table("findings", *(sa.column(name) for name in (*names, "closed_at")))
    counts = sa.table("finding_counts", *(sa.column(name) for name in (*names, "is_open", "number")))
    keys = [*(findings.c[name] for name in names), findings.c.closed_at.is_(None)]
    rows = sa.select(*keys, sa.func.count()).group_by(*keys)
    op.execute(counts.insert().from_select([*names, "is_open", "number"], rows))
