"""Ingest: raw submissions -> typed tables, one per repeat; incremental and idempotent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from flows.registering import load_form
from forms.audit import AUDIT_FILE, AUDIT_TABLE, read_audits
from forms.rows import read_rows
from schemas.fields import Form
from schemas.submissions import ParsedBatch, RawSubmission
from store import submissions, tables
from store.attachments import read_named
from store.compaction import compact_tables
from store.open import Store
from store.settings import personal_key

BATCH = 2_000
"""Submissions read at once: about 8 MB of XML, so that memory stays flat however many wait."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one run of ingest did.

    Attributes:
        read: submissions that were new and are now rows.
        failed: submissions that could not be read at all; they stay stored, marked with the reason.
        rows: table -> rows written.
        findings: what could not be read within submissions that otherwise were (a text in an integer, ...).
    """

    form_id: str
    read: int
    failed: int
    findings: int
    rows: dict[str, int] = field(default_factory=dict)


def ingest(store: Store, form_id: str, progress: Callable[[int, int | None], None] | None = None) -> IngestReport:
    """Reads every submission of the form that waits, each by the version it was made with.

    A run that is cut off continues where it stopped: a batch's rows and the mark that it was read are one
    transaction. A second run finds nothing to do.

    Raises:
        StoreError: STO-011, when the form is not registered.
    """
    load_form(store, form_id)
    with store.begin() as connection:
        key = personal_key(connection)
    with store.read() as connection:
        total = submissions.count_submissions(connection, form_id).unparsed
    read = failed = found = 0
    rows: Counter[str] = Counter()
    while True:
        with store.read() as connection:
            waiting = submissions.list_unparsed(connection, store.blobs, form_id, BATCH)
        if not waiting:
            break
        for version, batch in _by_version(waiting).items():
            form = load_form(store, form_id, version).form
            parsed = _with_audits(store, form, batch, read_rows(form, batch, key))
            tables.write_tables(store, form_id, version, parsed, [row.submission_id for row in batch])
            read += len(batch) - len(parsed.failed)
            failed += len(parsed.failed)
            found += len(parsed.findings)
            rows.update({name: frame.height for name, frame in parsed.tables.items()})
        if progress:
            progress(read + failed, total)
    if read:
        compact_tables(store, form_id)
    return IngestReport(form_id, read, failed, found, dict(rows))


def _with_audits(store: Store, form: Form, batch: list[RawSubmission], parsed: ParsedBatch) -> ParsedBatch:
    """The same with the events of the batch's audit files; one that comes late has its submission read again."""
    have = [
        raw.submission_id for raw in batch if AUDIT_FILE in raw.attachments and raw.submission_id not in parsed.failed
    ]
    if not form.audit or not have:
        return parsed
    with store.read() as connection:
        audits = read_audits(form, batch, read_named(connection, store.blobs, have, AUDIT_FILE))
    return replace(
        parsed,
        tables={**parsed.tables, AUDIT_TABLE: audits.table},
        findings=(*parsed.findings, *audits.findings),
    )


def _by_version(waiting: list[RawSubmission]) -> dict[str, list[RawSubmission]]:
    groups: dict[str, list[RawSubmission]] = {}
    for submission in waiting:
        groups.setdefault(submission.version, []).append(submission)
    return groups
