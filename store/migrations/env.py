"""What Alembic runs to migrate: the caller's own connection and transaction, nothing from any file."""

from __future__ import annotations

from alembic import context

from schemas.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
