"""People: two more roles, communes, passwords, sessions that end when idle; forms by commune; the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124f"
down_revision = "20261124e"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
OLD_ROLES = "role IN ('enumerator', 'statistician', 'reviewer')"
NEW_ROLES = "role IN ('enumerator', 'supervisor', 'statistician', 'reviewer', 'administrator')"
REFUSAL = "the audit log only grows"


def _widen_roles() -> None:
    """Let people have the new roles."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_people__role"), "people", type_="check")
        op.create_check_constraint(op.f("ck_people__role"), "people", NEW_ROLES)
        return
    # SQLite can't change a check, and the table can't be made anew while others point to it. A check that no stored
    # row breaks may be changed in the text of the schema: https://www.sqlite.org/lang_altertable.html, section 7.
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    statement = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'people'"
    connection.exec_driver_sql(statement, (OLD_ROLES, NEW_ROLES))
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
    text = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'people'").scalar_one()
    if NEW_ROLES not in text or connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one() != "ok":
        raise RuntimeError("the check of people's roles isn't the one that was made with the table")


def _forbid_changes() -> None:
    """Have the database itself refuse whatever isn't one more row at the end."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log "
            "FOR EACH ROW EXECUTE FUNCTION audit_log_refuse()"
        )
        op.execute(
            "CREATE TRIGGER audit_log_all BEFORE TRUNCATE ON audit_log "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()"
        )
        return
    for name, event, when in (
        ("update", "UPDATE", ""),
        ("delete", "DELETE", ""),
        # INSERT OR REPLACE deletes without asking the trigger for deletions.
        ("insert", "INSERT", " WHEN EXISTS (SELECT 1 FROM audit_log WHERE id >= NEW.id)"),
    ):
        op.execute(
            f"CREATE TRIGGER audit_log_{name} BEFORE {event} ON audit_log{when} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )


def upgrade() -> None:
    """Bring the schema one step on."""
    _widen_roles()
    op.add_column("people", sa.Column("communes", sa.Text(), server_default="", nullable=False))
    op.add_column("people", sa.Column("password_hash", sa.Text(), nullable=True))
    op.add_column("form_versions", sa.Column("commune", sa.Text(), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("used_at", TIME, nullable=True))
    op.create_table(
        "audit_log",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("former_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    _forbid_changes()
