"""Ingest: raw submissions -> typed tables, one per repeat; incremental and idempotent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flows.decrypting import Opened, open_batch
from flows.entities import apply_entities
from flows.keys import require_fitting
from flows.reading import ReadBatch, Readers, count_processes
from flows.registering import load_form
from flows.spreading import communes_of_batch
from forms.audit import AUDIT_FILE, AUDIT_TABLE, read_audits
from forms.compile import CompiledForm
from schemas.errors import CommandError
from schemas.fields import Form
from schemas.submissions import ParsedBatch, RawSubmission
from store import forms as form_rows
from store import submissions, tables
from store.attachments import read_named
from store.compaction import compact_tables
from store.complaints import translated
from store.open import Store
from store.settings import personal_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

BATCH = 2_000
"""Submissions read at once: about 8 MB of XML, so that memory stays flat however many wait."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one run of ingest did.

    Attributes:
        read: submissions that were new and are now rows.
        failed: submissions that could not be read at all; they stay stored, marked with the reason.
        rows: table -> rows written.
        waiting: encrypted submissions without their private key, or with files still on the phone; a later run with
            the key reads them.
        findings: what could not be read within submissions that otherwise were (a text in an integer, ...).
    """

    form_id: str
    read: int
    failed: int
    findings: int
    rows: dict[str, int] = field(default_factory=dict)
    waiting: int = 0


def ingest(
    store: Store,
    form_id: str,
    progress: Callable[[int, int | None], None] | None = None,
    private_key: RSAPrivateKey | None = None,
    processes: int | None = None,
) -> IngestReport:
    """Reads every submission of the form that waits, each by the version it was made with.

    A run that is cut off continues where it stopped: a batch's rows and the mark that it was read are one
    transaction. A second run finds nothing to do.

    Args:
        private_key: of an encrypted survey; without it encrypted submissions wait.
        processes: that read XML; null for as many as are worth while. The result is the same whatever it is.

    Raises:
        StoreError: STO-011, when the form is not registered.
        CommandError: CMD-126, when the private key fits no version of the form.
    """
    load_form(store, form_id)
    if private_key is not None:
        require_fitting(private_key, _versions(store, form_id))
    with store.begin() as connection:
        key = personal_key(connection)
    with store.read() as connection:
        total = submissions.count_submissions(connection, form_id).unparsed
    run = _Run(store, form_id, progress, total)
    after = 0
    with Readers(store.data, key, processes or count_processes(total), run.keep) as readers:
        while True:
            with store.read() as connection:
                waiting = submissions.list_unparsed(connection, store.blobs, form_id, BATCH, after)
            if not waiting:
                break
            after = waiting[-1].submission_id
            for work in run.open(waiting, private_key):
                with translated():
                    readers.read(work, work.form, work.opened.batch)
    if run.read:
        compact_tables(store, form_id)
    return IngestReport(form_id, run.read, run.failed, run.found, dict(run.rows), run.encrypted)


def read_again(store: Store, form_id: str, *, has_key: bool = False) -> int:
    """Let the next ingest read every submission of the form again, from the bytes as they were received.

    What is read replaces what an earlier reading left, batch by batch; until then the old rows stay, so that nothing
    is missing meanwhile and a run that is cut off goes on where it stopped. Decisions stay: they stand in their log.

    Args:
        store: where they are.
        form_id: whose.
        has_key: whether the ingest has the private key of an encrypted survey.

    Returns:
        How many submissions will be read.

    Raises:
        StoreError: STO-011, when the form is not registered.
        CommandError: CMD-128, when the survey is encrypted and there is no key: its rows could not be made again.
    """
    load_form(store, form_id)
    if not has_key and any(form.public_key for form in _versions(store, form_id)):
        raise CommandError(
            "CMD-128",
            f"{form_id} is encrypted: without its private key its submissions can't be read again.",
            "Give --private-key FILE.",
        )
    with store.begin() as connection:
        return submissions.mark_unparsed(connection, form_id)


@dataclass(frozen=True, slots=True)
class _Work:
    """Submissions of one version that are to be read, and everything received of which they are a part."""

    version: str
    compiled: CompiledForm
    received: list[RawSubmission]
    opened: Opened

    @property
    def form(self) -> Form:
        """That of the version."""
        return self.compiled.form


@dataclass(slots=True)
class _Run:
    """One run of ingest: what is done before and after batches are read, and its counts."""

    store: Store
    form_id: str
    progress: Callable[[int, int | None], None] | None
    total: int
    read: int = 0
    failed: int = 0
    found: int = 0
    encrypted: int = 0
    rows: Counter[str] = field(default_factory=Counter)

    def open(self, waiting: list[RawSubmission], private_key: RSAPrivateKey | None) -> list[_Work]:
        """Decrypt and apply entities, in order of arrival; one piece of work a version."""
        store = self.store
        groups = _by_version(waiting)
        forms = {version: load_form(store, self.form_id, version) for version in groups}
        clear = {version: open_batch(store, forms[version].form, some, private_key) for version, some in groups.items()}
        changes = apply_entities(store, [(forms[version], raw) for version in clear for raw in clear[version].batch])
        found = []
        for version, received in groups.items():
            opened = clear[version]
            self.encrypted += opened.waiting
            if opened.batch or opened.failed:
                opened.findings += changes.get(version, [])
                found.append(_Work(version, forms[version], received, opened))
        return found

    def keep(self, work: _Work, done: ReadBatch) -> None:
        """Store a batch that was read."""
        parsed = _with_audits(self.store, work.form, work.opened, done.parsed)
        segments = (*done.segments, *tables.write_segments(self.store.data, self.form_id, parsed.tables))
        batch = [raw for raw in work.received if raw.submission_id in work.opened.failed] + work.opened.batch
        instances = [raw.instance_id for raw in batch]
        tables.register_tables(
            *(self.store, self.form_id, work.version, segments, parsed, [raw.submission_id for raw in batch]),
            instance_ids=instances,
            communes=communes_of_batch(self.store.data, work.compiled, segments, instances),
        )
        self.read += len(batch) - len(parsed.failed)
        self.failed += len(parsed.failed)
        self.found += len(parsed.findings)
        self.rows.update({table.name: 0 for table in work.form.tables})
        self.rows.update({segment.table: segment.rows for segment in segments})
        if self.progress:
            self.progress(self.read + self.failed, self.total)


def _versions(store: Store, form_id: str) -> list[Form]:
    with store.read() as connection:
        rows = form_rows.list_form_versions(connection, form_id)
    return [load_form(store, form_id, row.version).form for row in rows]


def _with_audits(store: Store, form: Form, opened: Opened, parsed: ParsedBatch) -> ParsedBatch:
    """The same with the events of the batch's audit files, and with what opening it found.

    An audit file that comes late has its submission read again.
    """
    parsed = replace(
        parsed,
        findings=(*parsed.findings, *opened.findings),
        failed={**parsed.failed, **opened.failed},
    )
    batch = [raw for raw in opened.batch if AUDIT_FILE in raw.attachments and raw.submission_id not in parsed.failed]
    if not form.audit or not batch:
        return parsed
    plain = [raw.submission_id for raw in batch if raw.submission_id not in opened.audits]
    with store.read() as connection:
        files = read_named(connection, store.blobs, plain, AUDIT_FILE)
    audits = read_audits(form, batch, files | opened.audits)
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
