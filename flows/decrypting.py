"""Encrypted submissions at ingest: opened where their private key is at hand; else they wait.

The interview is opened in memory, and only its typed rows are stored. Its photos and recordings are stored in the clear
beside the encrypted ones, under the names that the interview gives them, so that a reviewer can look at them.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from forms.audit import AUDIT_FILE
from forms.encryption import DAMAGED, INCOMPLETE, MESSAGES, WRONG_KEY, decrypt_submission, is_encrypted
from schemas.errors import SubmissionError
from schemas.fields import Form
from schemas.findings import Finding, FindingSeverity
from schemas.submissions import RawSubmission
from schemas.text import Text
from store.arrivals import NewAttachment, add_files
from store.attachments import read_files
from store.open import Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

DAMAGED_RULE = "encryption:damaged"
UNSIGNED_RULE = "encryption:unsigned"
_ADVICE: Text = {
    "es": "Conserve la encuesta como está y averigüe en el teléfono; si sigue ahí, envíela otra vez.",
    "ht": "Kite ankèt la jan li ye epi chèche sou telefòn nan; si li la toujou, voye l ankò.",
    "en": "Keep the interview as it is and look on the phone; if it is still there, send it again.",
}
_UNSIGNED: Text = {
    "es": "La encuesta cifrada no trae firma: no se puede comprobar que llegó entera.",
    "ht": "Ankèt chifre a pa gen siyati: nou pa ka verifye si li rive nèt.",
    "en": "The encrypted interview carries no signature: whether it is whole can't be checked.",
}


@dataclass(slots=True)
class Opened:
    """A batch after opening.

    Attributes:
        batch: submissions in the clear, in the same order; those that wait or failed are not among them.
        audits: submission id -> `audit.csv` of an encrypted submission.
        failed: submission id -> sentence, for contents that are damaged or changed.
        waiting: encrypted submissions without their key, or with files still on the phone.
    """

    batch: list[RawSubmission] = field(default_factory=list)
    audits: dict[int, bytes] = field(default_factory=dict, repr=False)
    failed: dict[int, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    waiting: int = 0


def open_batch(store: Store, form: Form, batch: Sequence[RawSubmission], private_key: RSAPrivateKey | None) -> Opened:
    """Open the encrypted submissions of a batch of one form version; the others pass as they are.

    Photos and recordings are stored in the clear; opening the same submission again stores nothing new.
    """
    opened = Opened()
    for raw in batch:
        if not _is_encrypted(raw):
            opened.batch.append(raw)
        elif private_key is None:
            opened.waiting += 1
        else:
            _open(store, form, raw, private_key, opened)
    return opened


def _is_encrypted(raw: RawSubmission) -> bool:
    try:
        return is_encrypted(raw.xml)
    except SubmissionError:
        return False  # reading the rows says what is wrong


def _open(store: Store, form: Form, raw: RawSubmission, private_key: RSAPrivateKey, opened: Opened) -> None:
    with store.read() as connection:
        files = read_files(connection, store.blobs, raw.submission_id)
    try:
        clear = decrypt_submission(raw.xml, files, private_key, keep=None)
    except SubmissionError as error:
        if error.code in {WRONG_KEY, INCOMPLETE}:
            opened.waiting += 1
        else:
            opened.failed[raw.submission_id] = MESSAGES[DAMAGED]["es"]
            opened.findings.append(_finding(form, raw, DAMAGED_RULE, "error", MESSAGES[DAMAGED]))
        return
    opened.batch.append(replace(raw, xml=clear.xml, attachments=clear.attachments))
    if AUDIT_FILE in clear.files:
        opened.audits[raw.submission_id] = clear.files[AUDIT_FILE]
    _keep_files(store, raw, clear.files)
    if not clear.is_signed:
        opened.findings.append(_finding(form, raw, UNSIGNED_RULE, "warning", _UNSIGNED))


def _keep_files(store: Store, raw: RawSubmission, files: Mapping[str, bytes]) -> None:
    """Store the files in the clear; not the log of events, which is a table already."""
    held = [
        NewAttachment(name, store.blobs.hold(content), mimetypes.guess_type(name)[0] or "")
        for name, content in files.items()
        if name != AUDIT_FILE
    ]
    if held:
        with store.begin() as connection:
            add_files(connection, store.blobs, raw.submission_id, held, raw.received_at)


def _finding(form: Form, raw: RawSubmission, rule_id: str, severity: FindingSeverity, message: Text) -> Finding:
    return Finding(
        form_id=form.form_id,
        form_version=raw.version,
        instance_id=raw.instance_id,
        row_id="",
        rule_id=rule_id,
        kind="structure",
        severity=severity,
        path=form.root.path,
        message=message,
        advice=_ADVICE,
    )
