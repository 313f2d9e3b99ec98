"""Sessions, reviews, comments and drafts of forms: what the Central API adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124a"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sessions__person_id__people")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions__expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint(
            "state IN ('received', 'hasIssues', 'edited', 'approved', 'rejected')", name=op.f("ck_reviews__state")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reviews__person_id__people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reviews__form_id_instance_id"), "reviews", ["form_id", "instance_id"], unique=False)
    op.create_table(
        "comments",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_comments__person_id__people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_comments__form_id_instance_id"), "comments", ["form_id", "instance_id"], unique=False)
    op.create_table(
        "form_drafts",
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("xform_sha256", sa.String(length=64), nullable=False),
        sa.Column("workbook_sha256", sa.String(length=64), nullable=True),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_form_drafts__person_id__people")),
        sa.ForeignKeyConstraint(
            ["workbook_sha256"], ["blobs.sha256"], name=op.f("fk_form_drafts__workbook_sha256__blobs")
        ),
        sa.ForeignKeyConstraint(["xform_sha256"], ["blobs.sha256"], name=op.f("fk_form_drafts__xform_sha256__blobs")),
        sa.PrimaryKeyConstraint("form_id", name=op.f("pk_form_drafts")),
    )
    op.create_table(
        "form_draft_media",
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["form_id"], ["form_drafts.form_id"], name=op.f("fk_form_draft_media__form_id__form_drafts")
        ),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_form_draft_media__sha256__blobs")),
        sa.PrimaryKeyConstraint("form_id", "name", name=op.f("pk_form_draft_media")),
    )
