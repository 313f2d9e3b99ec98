"""Data-quality reports: what was made, who signs with which key, signatures, questions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124i"
down_revision = "20261124h"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
REFUSAL = "signatures are only added"


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "quality_reports",
        sa.Column("id", KEY, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("report_id", "form_id", "commune", "round")),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("data_sha256", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_reports")),
        sa.UniqueConstraint("report_id", name=op.f("uq_quality_reports__report_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_quality_reports__form_id"), "quality_reports", ["form_id"])
    op.create_table(
        "signing_keys",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("public_key", sa.String(length=60), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_signing_keys__person_id__people")),
        sa.UniqueConstraint("public_key", name=op.f("uq_signing_keys__public_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_signing_keys__person_id"), "signing_keys", ["person_id"])
    _signatures()
    _questions()


def _signatures() -> None:
    op.create_table(
        "report_signatures",
        sa.Column("id", KEY, nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(length=100), nullable=False),
        sa.Column("public_key", sa.String(length=60), nullable=False),
        sa.Column("signed_at", TIME, nullable=False),
        sa.CheckConstraint("act IN ('sign', 'refuse')", name=op.f("ck_report_signatures__act")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_signatures")),
        sa.ForeignKeyConstraint(
            ["report_id"], ["quality_reports.report_id"], name=op.f("fk_report_signatures__report_id__quality_reports")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_report_signatures__person_id__people")),
        sa.UniqueConstraint("signature", name=op.f("uq_report_signatures__signature")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_report_signatures__report_id"), "report_signatures", ["report_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION report_signatures_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER report_signatures_rows BEFORE UPDATE OR DELETE ON report_signatures "
            "FOR EACH ROW EXECUTE FUNCTION report_signatures_refuse()"
        )
        op.execute(
            "CREATE TRIGGER report_signatures_all BEFORE TRUNCATE ON report_signatures "
            "FOR EACH STATEMENT EXECUTE FUNCTION report_signatures_refuse()"
        )
        return
    for name, event, when in (
        ("update", "UPDATE", ""),
        ("delete", "DELETE", ""),
        # INSERT OR REPLACE deletes without asking the trigger for deletions.
        ("insert", "INSERT", " WHEN EXISTS (SELECT 1 FROM report_signatures WHERE id = NEW.id)"),
    ):
        op.execute(
            f"CREATE TRIGGER report_signatures_{name} BEFORE {event} ON report_signatures{when} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )


def _questions() -> None:
    op.create_table(
        "report_questions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by", KEY, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_by", KEY, nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("closed_at", TIME, nullable=True),
        sa.CheckConstraint("state IN ('open', 'answered', 'closed')", name=op.f("ck_report_questions__state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_questions")),
        sa.ForeignKeyConstraint(
            ["report_id"], ["quality_reports.report_id"], name=op.f("fk_report_questions__report_id__quality_reports")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["people.id"], name=op.f("fk_report_questions__asked_by__people")),
        sa.ForeignKeyConstraint(["answered_by"], ["people.id"], name=op.f("fk_report_questions__answered_by__people")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_report_questions__report_id"), "report_questions", ["report_id"])
