"""Files that came with quarantined bytes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124j"
down_revision = "20261124i"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "quarantine_attachments",
        sa.Column("quarantine_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["quarantine_id"],
            ["quarantine.id"],
            name=op.f("fk_quarantine_attachments__quarantine_id__quarantine"),
        ),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_quarantine_attachments__sha256__blobs")),
        sa.PrimaryKeyConstraint("quarantine_id", "name", "sha256", name=op.f("pk_quarantine_attachments")),
    )
