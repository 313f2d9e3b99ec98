"""Lists of entities: properties, entities, their versions, and changes that wait for an earlier one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124c"
down_revision = "20261124b"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
CONFLICT = "conflict IN ('soft', 'hard')"


def _of_list(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}__list_name__entity_lists")
    return sa.ForeignKeyConstraint(["list_name"], ["entity_lists.name"], name=name)


def upgrade() -> None:
    """Bring the schema one step on."""
    op.create_table(
        "entity_lists",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_entity_lists")),
    )
    op.create_table(
        "entity_properties",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _of_list("entity_properties"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entity_properties")),
        sa.UniqueConstraint("list_name", "name", name=op.f("uq_entity_properties__list_name_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "entities",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("conflict", sa.String(length=4), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME, nullable=True),
        _of_list("entities"),
        sa.CheckConstraint(CONFLICT, name=op.f("ck_entities__conflict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entities")),
        sa.UniqueConstraint("list_name", "uuid", name=op.f("uq_entities__list_name_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "entity_versions",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("entity_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("received", sa.JSON(), nullable=False),
        sa.Column("form_id", sa.Text(), nullable=True),
        sa.Column("instance_id", sa.Text(), nullable=True),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("trunk_version", sa.Integer(), nullable=True),
        sa.Column("branch_id", sa.Text(), nullable=False),
        sa.Column("conflict", sa.String(length=4), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["entities.id"], name=op.f("fk_entity_versions__entity_id__entities")),
        sa.CheckConstraint(CONFLICT, name=op.f("ck_entity_versions__conflict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entity_versions")),
        sa.UniqueConstraint("entity_id", "version", name=op.f("uq_entity_versions__entity_id_version")),
        sa.UniqueConstraint(
            "entity_id", "form_id", "instance_id", name=op.f("uq_entity_versions__entity_id_form_id_instance_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "entity_backlog",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("form_id", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("action", sa.JSON(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        _of_list("entity_backlog"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entity_backlog")),
        sa.UniqueConstraint(
            "form_id",
            "instance_id",
            "list_name",
            "uuid",
            name=op.f("uq_entity_backlog__form_id_instance_id_list_name_uuid"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_entity_backlog__list_name_uuid"), "entity_backlog", ["list_name", "uuid"], unique=False)
