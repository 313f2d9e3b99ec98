"""Findings: their texts kept once, the engines under which they hold, and the indices of their pages."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "20261124d"
down_revision = "20261124c"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXTS = ("path", "message", "advice", "variables")


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "finding_texts",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.Column("advice", sa.JSON(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_texts")),
        sa.UniqueConstraint("sha256", name=op.f("uq_finding_texts__sha256")),
        sqlite_autoincrement=True,
    )
    op.add_column("findings", sa.Column("text_id", KEY, nullable=False, server_default="0"))
    op.add_column("findings", sa.Column("engines", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("findings", sa.Column("engine_dependent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("rule_runs", sa.Column("engine_dependent", sa.BigInteger(), nullable=False, server_default="0"))
    _move_texts(op.get_bind())
    for name in TEXTS:
        op.drop_column("findings", name)
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("findings", "text_id", server_default=None)
    for state, condition in (("open", "closed_at IS NULL"), ("closed", "closed_at IS NOT NULL")):
        for first in ("", "rule_id"):
            names = ["form_id", first, "opened_at", "id", "severity", "engine_dependent", "origin"]
            op.create_index(
                f"ix_findings__{state}{'_of_rule' if first else ''}",
                "findings",
                [name for name in names if name],
                sqlite_where=sa.text(condition),
                postgresql_where=sa.text(condition),
            )


def _said() -> list[sa.ColumnClause[object]]:
    return [sa.column("path", sa.Text), *(sa.column(name, sa.JSON) for name in TEXTS[1:])]


def _move_texts(connection: sa.Connection) -> None:
    """Every different text into its own row, in the order of findings, and its number into theirs."""
    findings = sa.table("findings", sa.column("id", KEY), sa.column("text_id", KEY), *_said())
    texts = sa.table("finding_texts", sa.column("id", KEY), sa.column("sha256", sa.String), *_said())
    known: dict[str, int] = {}
    moved: list[dict[str, int]] = []
    for row in connection.execute(sa.select(findings.c.id, *(findings.c[name] for name in TEXTS))):
        said = [row.path, row.message, row.advice, row.variables]
        digest = hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
        if digest not in known:
            known[digest] = len(known) + 1
            text = dict(zip(TEXTS, said, strict=True))
            connection.execute(sa.insert(texts).values(id=known[digest], sha256=digest, **text))
        moved.append({"number": row.id, "text": known[digest]})
    if moved:
        where = findings.c.id == sa.bindparam("number")
        connection.execute(sa.update(findings).where(where).values(text_id=sa.bindparam("text")), moved)
    if known and connection.dialect.name == "postgresql":
        connection.execute(
            sa.text("SELECT setval(pg_get_serial_sequence('finding_texts', 'id'), :last)"), {"last": len(known)}
        )
