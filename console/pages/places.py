"""Places in the queue of findings, as addresses tell them."""

from __future__ import annotations

from datetime import UTC, datetime

from store.finding_pages import Cursor, StoredFinding


def place(row: StoredFinding) -> Cursor:
    """Where a finding stands in the queue."""
    return row.opened_at, row.number


def write_cursor(after: Cursor) -> str:
    """A place as text for addresses."""
    return f"{after[0].astimezone(UTC).isoformat()}_{after[1]}"


def read_cursor(text: str) -> Cursor | None:
    """The place of such a text, null if it is none: one then begins at the beginning.

    >>> read_cursor("2026-11-24T10:00:00+00:00_7"), read_cursor("x")
    ((datetime.datetime(2026, 11, 24, 10, 0, tzinfo=datetime.timezone.utc), 7), None)
    """
    moment, _, number = text.rpartition("_")
    try:
        told = datetime.fromisoformat(moment)
        return (told if told.tzinfo else told.replace(tzinfo=UTC), int(number))
    except ValueError:
        return None
