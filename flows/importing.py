"""Import: answers collected elsewhere become submissions, stored like those from a phone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from flows.registering import load_form
from forms.exports import read_export
from store.arrivals import NewSubmission, add_submissions
from store.open import Store

BATCH = 200


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        added: submissions that are new.
        known: rows whose submission was stored before, unchanged.
        refused: rows whose instance id is stored with other answers; both are kept, a person settles it.
        unknown_columns: columns of the source that the form has no question for.
        unknown_sheets: sheets or files that are no repeat of the form.
        orphans: rows of repeats whose parent row is missing.
        unreadable: files or rows that could not be read.
    """

    form_id: str
    added: int
    known: int
    refused: int
    unknown_columns: tuple[str, ...]
    unknown_sheets: tuple[str, ...]
    orphans: int
    unreadable: tuple[str, ...]


def import_source(
    store: Store,
    form_id: str,
    source: Path,
    progress: Callable[[int, int | None], None] | None = None,
) -> ImportReport:
    """Stores every row of an export as a submission of the form's latest version.

    Raises:
        StoreError: STO-011, when the form is not registered.
        FormError: FRM-6xx, when the source can't be read or has nothing of the form.
    """
    form = load_form(store, form_id).form
    export = read_export(form, source)
    counts: Counter[str] = Counter()
    for rows in _batches(export, BATCH):
        received_at = datetime.now(UTC)
        items = [
            NewSubmission(
                form_id=form.form_id,
                version=form.version,
                instance_id=instance_id,
                xml=xml,
                received_at=received_at,
                client="import",
            )
            for instance_id, xml in rows
        ]
        with store.begin() as connection:
            counts.update(outcome.status for outcome in add_submissions(connection, store.blobs, items))
        if progress:
            progress(counts.total(), None)
    added, known = counts["added"], counts["duplicate"]
    return ImportReport(
        form_id,
        added,
        known,
        counts.total() - added - known,
        unknown_columns=tuple(export.unknown_columns),
        unknown_sheets=tuple(export.unknown_sheets),
        orphans=export.orphans.total(),
        unreadable=tuple(export.unreadable),
    )


def _batches(rows: Iterable[tuple[str, bytes]], size: int) -> Iterator[list[tuple[str, bytes]]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
