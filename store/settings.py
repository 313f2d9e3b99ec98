"""Secrets of this installation that are made once and never change."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, select

from schemas.tables import settings
from store.inserts import keyed_insert

_PERSONAL_KEY = "personal_key"


def personal_key(connection: Connection) -> bytes:
    """The 32 random bytes from which ids of personal answers are derived; made at the first call.

    Args:
        connection: of `Store.begin()`; a reading one will do once the key exists.
    """
    query = select(settings.c.value).where(settings.c.name == _PERSONAL_KEY)
    value = connection.scalar(query)
    if value is None:
        row = {"name": _PERSONAL_KEY, "value": secrets.token_bytes(32)}
        connection.execute(keyed_insert(connection, settings).on_conflict_do_nothing(), row)
        value = connection.scalar(query)
    return bytes(value or b"")
