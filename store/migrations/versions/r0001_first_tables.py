"""First tables: contents, people, forms, submissions, parsed rows, findings, decisions, releases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "access_log",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blobs")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint("action IN ('accept', 'exclude', 'include', 'correct')", name=op.f("ck_decisions__action")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_decisions__form_id_instance_id"), "decisions", ["form_id", "instance_id"], unique=False)
    op.create_table(
        "findings",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("form_version", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.Column("advice", sa.JSON(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.CheckConstraint("origin IN ('parse', 'rules')", name=op.f("ck_findings__origin")),
        sa.CheckConstraint("severity IN ('error', 'warning', 'info')", name=op.f("ck_findings__severity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sa.UniqueConstraint(
            "form_id",
            "origin",
            "rule_id",
            "instance_id",
            "row_id",
            name=op.f("uq_findings__form_id_origin_rule_id_instance_id_row_id"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_findings__form_id_instance_id"), "findings", ["form_id", "instance_id"], unique=False)
    op.create_table(
        "people",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.CheckConstraint("role IN ('enumerator', 'statistician', 'reviewer')", name=op.f("ck_people__role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("key_sha256", name=op.f("uq_people__key_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "personal_answers",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("personal_id", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_answers")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_personal_answers__form_id_instance_id"), "personal_answers", ["form_id", "instance_id"], unique=False
    )
    op.create_table(
        "releases",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_by", sa.Text(), nullable=True),
        sa.Column("state_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'approved', 'superseded', 'withdrawn')", name=op.f("ck_releases__state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("release_id", name=op.f("uq_releases__release_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_releases__form_id"), "releases", ["form_id"], unique=False)
    op.create_table(
        "rule_runs",
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("evaluated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("form_id", "rule_id", name=op.f("pk_rule_runs")),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "table_batches",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_table_batches")),
        sa.UniqueConstraint("content_sha256", name=op.f("uq_table_batches__content_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_table_batches__form_id"), "table_batches", ["form_id"], unique=False)
    op.create_table(
        "form_versions",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("xform_sha256", sa.String(length=64), nullable=False),
        sa.Column("xform_md5", sa.String(length=32), nullable=False),
        sa.Column("workbook_sha256", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("state IN ('open', 'closing', 'closed')", name=op.f("ck_form_versions__state")),
        sa.ForeignKeyConstraint(
            ["workbook_sha256"], ["blobs.sha256"], name=op.f("fk_form_versions__workbook_sha256__blobs")
        ),
        sa.ForeignKeyConstraint(["xform_sha256"], ["blobs.sha256"], name=op.f("fk_form_versions__xform_sha256__blobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_versions")),
        sa.UniqueConstraint("form_id", "version", name=op.f("uq_form_versions__form_id_version")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "quarantine",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("client", sa.String(length=20), nullable=False),
        sa.Column("person_id", KEY, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_quarantine__person_id__people")),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_quarantine__sha256__blobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("sha256", "code", name=op.f("uq_quarantine__sha256_code")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "submissions",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("deprecated_id", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("client", sa.String(length=20), nullable=False),
        sa.Column("person_id", KEY, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("parsed_at", TIME, nullable=True),
        sa.Column("parse_error", sa.Text(), nullable=True),
        sa.Column("batch_id", KEY, nullable=True),
        sa.CheckConstraint("state IN ('current', 'superseded', 'fork', 'held')", name=op.f("ck_submissions__state")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["table_batches.id"], name=op.f("fk_submissions__batch_id__table_batches")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_submissions__person_id__people")),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_submissions__sha256__blobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("form_id", "instance_id", name=op.f("uq_submissions__form_id_instance_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_submissions__batch_id"), "submissions", ["batch_id"], unique=False)
    op.create_index(
        "ix_submissions__edits",
        "submissions",
        ["form_id", "deprecated_id"],
        unique=False,
        sqlite_where=sa.text("deprecated_id IS NOT NULL"),
        postgresql_where=sa.text("deprecated_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_submissions__form_id_version_id"), "submissions", ["form_id", "version", "id"], unique=False
    )
    op.create_index(
        "ix_submissions__unparsed",
        "submissions",
        ["form_id", "id"],
        unique=False,
        sqlite_where=sa.text("parsed_at IS NULL"),
        postgresql_where=sa.text("parsed_at IS NULL"),
    )
    op.create_table(
        "table_segments",
        sa.Column("batch_id", KEY, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["table_batches.id"], name=op.f("fk_table_segments__batch_id__table_batches")
        ),
        sa.PrimaryKeyConstraint("batch_id", "table_name", name=op.f("pk_table_segments")),
    )
    op.create_table(
        "attachments",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("submission_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("is_conflict", sa.Boolean(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_attachments__sha256__blobs")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_attachments__submission_id__submissions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("submission_id", "name", "sha256", name=op.f("uq_attachments__submission_id_name_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "conflicts",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("submission_id", KEY, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("client", sa.String(length=20), nullable=False),
        sa.Column("person_id", KEY, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_conflicts__person_id__people")),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_conflicts__sha256__blobs")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_conflicts__submission_id__submissions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflicts")),
        sa.UniqueConstraint("submission_id", "sha256", name=op.f("uq_conflicts__submission_id_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "form_media",
        sa.Column("form_version_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["form_version_id"], ["form_versions.id"], name=op.f("fk_form_media__form_version_id__form_versions")
        ),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_form_media__sha256__blobs")),
        sa.PrimaryKeyConstraint("form_version_id", "name", name=op.f("pk_form_media")),
    )
