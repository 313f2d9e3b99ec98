"""The SQL table of what people decided about records: it only grows, and the database itself refuses anything else.

Conventions and types are those of `schemas.tables`; what a row means is told in `schemas.decisions`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, String, Table, Text, false

from schemas.tables import KEY, UtcDateTime, metadata

ACTION_CHECK = "action IN ('accept', 'correct', 'blank', 'exclude', 'include', 'send_back', 'undo', 'second')"

# One decision about a record. Of a personal question `old` and `value` are null: its values are in
# `personal_corrections`.
decisions = Table(
    "decisions",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("form_id", Text, nullable=False),
    Column("instance_id", Text, nullable=False),
    Column("row_id", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("action", String(10), nullable=False),
    Column("value", Text),
    Column("reason", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("table_name", Text, nullable=False, server_default=""),
    Column("old", Text),
    Column("person_id", BigInteger),
    Column("source", String(12), nullable=False, server_default="desk"),
    Column("undoes", BigInteger),
    Column("seconds", BigInteger),
    Column("seconded_by", Text),
    Column("cause", BigInteger),
    Column("is_personal", Boolean, nullable=False, server_default=false()),
    CheckConstraint(ACTION_CHECK, name="action"),
    Index(None, "form_id", "instance_id"),
    sqlite_autoincrement=True,
)

# What stands of those decisions (`store.standing`), so that pages and counts need no log: an accepted finding by its
# key; an interview that was sent back, waits for a second person to exclude it, or is excluded, with rule and row "".
standing_marks = Table(
    "standing_marks",
    metadata,
    Column("form_id", Text, primary_key=True),
    Column("instance_id", Text, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("row_id", Text, primary_key=True),
    Column("mark", String(10), primary_key=True),
    CheckConstraint("mark IN ('accepted', 'sent_back', 'pending', 'excluded')", name="mark"),
    Index(None, "form_id", "mark", "rule_id"),
)

# What somebody in the field says about a finding, for whoever decides: it decides nothing. Rows are only added.
finding_notes = Table(
    "finding_notes",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("form_id", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("instance_id", Text, nullable=False),
    Column("row_id", Text, nullable=False),
    Column("person_id", KEY, ForeignKey("people.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "form_id", "instance_id"),
    sqlite_autoincrement=True,
)
