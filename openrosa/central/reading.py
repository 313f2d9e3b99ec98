"""Interviews that arrived since the last ingest, read before a table is shown: what a script sends, it finds again.

Only of forms whose interviews ask for nothing more than rows. Entities, audit logs and encrypted interviews are the
business of ingest, which would not look again at an interview that is read already.
"""

from __future__ import annotations

import threading

from forms.rows import read_rows
from openrosa.central.definitions import definition, is_read_whole
from schemas.submissions import RawSubmission
from store.open import Store
from store.settings import personal_key
from store.submissions import list_unparsed
from store.tables import write_tables

MOST = 500
"""More waiting than this is left to ingest: a table must not take minutes."""

_alone = threading.Lock()


def catch_up(store: Store, form_id: str) -> int:
    """Read what waits, unless it is too much; how many interviews were read.

    Reading the same interview twice changes nothing, so an ingest at the same time does no harm.
    """
    with _alone:
        with store.read() as connection:
            waiting = list_unparsed(connection, store.blobs, form_id, MOST + 1)
        if not waiting or len(waiting) > MOST:
            return 0
        with store.begin() as connection:
            key = personal_key(connection)
        groups: dict[str, list[RawSubmission]] = {}
        for submission in waiting:
            groups.setdefault(submission.version, []).append(submission)
        groups = {version: batch for version, batch in groups.items() if is_read_whole(store, form_id, version)}
        for version, batch in groups.items():
            parsed = read_rows(definition(store, form_id, version), batch, key)
            write_tables(store, form_id, version, parsed, [row.submission_id for row in batch])
        return sum(len(batch) for batch in groups.values())
