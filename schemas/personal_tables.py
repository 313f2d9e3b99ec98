"""The SQL tables of personal answers, and of who read them. Nothing else in the database holds either.

Conventions and types are those of `schemas.tables`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from schemas.tables import KEY, UtcDateTime, metadata

# One answer to a question marked personal. Nothing else in the database or the tables holds it but the raw bytes.
personal_answers = Table(
    "personal_answers",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("form_id", Text, nullable=False),
    Column("instance_id", Text, nullable=False),
    Column("row_id", Text, nullable=False),
    Column("personal_id", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("value", Text, nullable=False),
    Index(None, "form_id", "instance_id"),
    sqlite_autoincrement=True,
)

# One reading of personal answers: who, why, how many.
access_log = Table(
    "access_log",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("form_id", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# The values of one correction of a personal question; null is blank. decision_id: row of `decisions`.
personal_corrections = Table(
    "personal_corrections",
    metadata,
    Column("decision_id", BigInteger, primary_key=True, autoincrement=False),
    Column("form_id", Text, nullable=False),
    Column("old", Text),
    Column("value", Text),
    Index(None, "form_id"),
)
