"""What people in the field explain about findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124m"
down_revision = "20261124l"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "finding_notes",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("form_id", "rule_id", "instance_id", "row_id")),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_finding_notes__person_id__people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_notes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_finding_notes__form_id_instance_id"), "finding_notes", ["form_id", "instance_id"])
