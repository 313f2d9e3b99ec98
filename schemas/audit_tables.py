"""The SQL table of the audit log: one row an act, each row sealed to the one before it.

Conventions and types are those of `schemas.tables`. The database itself refuses to change or delete a row: see the
triggers in the migration that made the table.
"""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from schemas.tables import KEY, UtcDateTime, metadata

# One act of a person or a program. id: 1, 2, 3 ... without a gap. who: "person 7", "operator NAME" (at the command
# line), "nobody" (a login that failed), "comunal" (a flow). kind and object: what it was done to, by id. note: words
# of the program, never an answer. sha256: of this row and of the former row's digest (`store.audit.seal`).
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("former_sha256", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
)
