"""Links under which a form is answered in a browser."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124e"
down_revision = "20261124d"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "web_links",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("is_single", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("claim_sha256", sa.String(length=64), nullable=True),
        sa.Column("claimed_at", TIME, nullable=True),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_links")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_web_links__token_sha256")),
        sqlite_autoincrement=True,
    )
