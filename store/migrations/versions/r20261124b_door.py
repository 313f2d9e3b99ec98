"""The door in: digest login, assignments, test addresses, and the files of disputed submissions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124b"
down_revision = "20261124a"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def _owner(table: str, column: str, owner: str, key: str = "id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{owner}.{key}"], name=op.f(f"fk_{table}__{column}__{owner}"))


def upgrade() -> None:
    """Bring the schema one step on."""
    op.add_column("people", sa.Column("key_ha1", sa.String(length=32), nullable=True))
    op.create_table(
        "assignments",
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        _owner("assignments", "person_id", "people"),
        sa.PrimaryKeyConstraint("person_id", "form_id", name=op.f("pk_assignments")),
    )
    op.create_table(
        "trial_addresses",
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("form_id", name=op.f("pk_trial_addresses")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_trial_addresses__token_sha256")),
    )
    op.create_table(
        "trials",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("client", sa.String(length=20), nullable=False),
        _owner("trials", "sha256", "blobs", "sha256"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trials")),
        sa.UniqueConstraint("form_id", "instance_id", "sha256", name=op.f("uq_trials__form_id_instance_id_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "trial_attachments",
        sa.Column("trial_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        _owner("trial_attachments", "trial_id", "trials"),
        _owner("trial_attachments", "sha256", "blobs", "sha256"),
        sa.PrimaryKeyConstraint("trial_id", "name", "sha256", name=op.f("pk_trial_attachments")),
    )
    op.create_table(
        "conflict_attachments",
        sa.Column("conflict_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        _owner("conflict_attachments", "conflict_id", "conflicts"),
        _owner("conflict_attachments", "sha256", "blobs", "sha256"),
        sa.PrimaryKeyConstraint("conflict_id", "name", "sha256", name=op.f("pk_conflict_attachments")),
    )
