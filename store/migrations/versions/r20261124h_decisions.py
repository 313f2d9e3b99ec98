"""Decisions: old values, undoing, a second person, sources; personal values apart; a log that only grows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124h"
down_revision = "20261124g"

ACTIONS = "action IN ('accept', 'correct', 'blank', 'exclude', 'include', 'send_back', 'undo', 'second')"
REFUSAL = "the log of decisions only grows"
BIG = sa.BigInteger()


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("table_name", sa.Text(), server_default="", nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("person_id", BIG, nullable=True),
        sa.Column("source", sa.String(length=12), server_default="desk", nullable=False),
        sa.Column("undoes", BIG, nullable=True),
        sa.Column("seconds", BIG, nullable=True),
        sa.Column("seconded_by", sa.Text(), nullable=True),
        sa.Column("cause", BIG, nullable=True),
        sa.Column("is_personal", sa.Boolean(), server_default=sa.false(), nullable=False),
    ]


def _forbid_changes() -> None:
    """Have the database itself refuse whatever isn't one more row at the end."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION decisions_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER decisions_rows BEFORE UPDATE OR DELETE ON decisions "
            "FOR EACH ROW EXECUTE FUNCTION decisions_refuse()"
        )
        op.execute(
            "CREATE TRIGGER decisions_all BEFORE TRUNCATE ON decisions "
            "FOR EACH STATEMENT EXECUTE FUNCTION decisions_refuse()"
        )
        return
    for name, event, when in (
        ("update", "UPDATE", ""),
        ("delete", "DELETE", ""),
        # INSERT OR REPLACE deletes without asking the trigger for deletions.
        ("insert", "INSERT", " WHEN EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id)"),
    ):
        op.execute(
            f"CREATE TRIGGER decisions_{name} BEFORE {event} ON decisions{when} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )


def upgrade() -> None:
    """Bring the schema one step on."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_decisions__action"), "decisions", type_="check")
    # SQLite makes the table anew; its check isn't copied.
    with op.batch_alter_table("decisions", table_kwargs={"sqlite_autoincrement": True}) as batch:
        for column in _columns():
            batch.add_column(column)
        batch.create_check_constraint(op.f("ck_decisions__action"), ACTIONS)
    # Until now an exclusion was one person's.
    op.execute("UPDATE decisions SET seconded_by = person WHERE action = 'exclude'")
    op.create_table(
        "personal_corrections",
        sa.Column("decision_id", BIG, autoincrement=False, nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_personal_corrections")),
    )
    op.create_index(op.f("ix_personal_corrections__form_id"), "personal_corrections", ["form_id"])
    _forbid_changes()
