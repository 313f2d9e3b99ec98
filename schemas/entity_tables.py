"""The SQL tables of lists of entities.

Conventions and types are those of `schemas.tables`.
"""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from schemas.tables import KEY, UtcDateTime, metadata

# One list of entities: what forms are about, told apart by an id of their own. Its columns come in order of number.
entity_lists = Table(
    "entity_lists",
    metadata,
    Column("name", Text, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)
entity_properties = Table(
    "entity_properties",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("list_name", Text, ForeignKey("entity_lists.name"), nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("list_name", "name"),
    sqlite_autoincrement=True,
)

# One entity as it is now. conflict: null, or soft or hard while somebody is to look at it.
entities = Table(
    "entities",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("list_name", Text, ForeignKey("entity_lists.name"), nullable=False),
    Column("uuid", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("conflict", String(4)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),
    UniqueConstraint("list_name", "uuid"),
    CheckConstraint("conflict IN ('soft', 'hard')", name="conflict"),
    sqlite_autoincrement=True,
)

# One version of an entity, never changed: what it then was, what was sent, and which submission or person made it.
# base_version, trunk_version, branch_id: as the phone sent them.
entity_versions = Table(
    "entity_versions",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("entity_id", KEY, ForeignKey("entities.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("received", JSON, nullable=False),
    Column("form_id", Text),
    Column("instance_id", Text),
    Column("base_version", Integer),
    Column("trunk_version", Integer),
    Column("branch_id", Text, nullable=False),
    Column("conflict", String(4)),
    Column("person", Text),
    Column("reason", Text),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("entity_id", "version"),
    UniqueConstraint("entity_id", "form_id", "instance_id"),
    CheckConstraint("conflict IN ('soft', 'hard')", name="conflict"),
    sqlite_autoincrement=True,
)

# One change made without a network whose predecessor on that phone hasn't arrived.
entity_backlog = Table(
    "entity_backlog",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("list_name", Text, ForeignKey("entity_lists.name"), nullable=False),
    Column("uuid", Text, nullable=False),
    Column("form_id", Text, nullable=False),
    Column("instance_id", Text, nullable=False),
    Column("action", JSON, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("form_id", "instance_id", "list_name", "uuid"),
    Index(None, "list_name", "uuid"),
    sqlite_autoincrement=True,
)
