"""What reviewers do with a data-quality report: read it, ask about it, sign it or refuse to.

Each function checks the right of whoever acts, in the commune of the report; a refusal stands in the audit log too.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reports.quality.folder import hash_folder, write_signature
from reports.signing import (
    NONCE_BYTES,
    SALT_BYTES,
    SEED_BYTES,
    DataDigests,
    Signed,
    Signer,
    SigningAct,
    canonical,
    fingerprint,
    hash_files,
    lock_key,
    make_statement,
    public_half,
    sign,
    unlock_key,
)
from schemas.errors import AccessError, ReleaseError
from schemas.rights import may
from store import quality_questions as questions
from store import quality_reports as reports
from store.audit import person_actor, record
from store.open import Store
from store.people import Person
from store.quality_questions import QuestionRow
from store.quality_reports import KeyRow, ReportRow, SignatureRow

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report as its page at the desk shows it.

    Attributes:
        may_sign, may_answer: what the person who looks may do.
    """

    report: ReportRow
    signatures: tuple[SignatureRow, ...]
    questions: tuple[QuestionRow, ...]
    may_sign: bool
    may_answer: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair just made.

    Attributes:
        public_key: base64; fingerprint: of it, to compare aloud.
        locked: the private half under the passphrase: what the person's own file holds.
    """

    public_key: str
    fingerprint: str
    locked: str


def list_reports(store: Store, person: Person, form_id: str | None = None) -> list[ReportRow]:
    """The reports that a person may read, oldest first."""
    with store.read() as connection:
        rows = reports.list_reports(connection, form_id)
    return [row for row in rows if may(person, "read_reports", row.commune)]


def open_report(store: Store, person: Person, report_id: str) -> ReportView:
    """A report with its signatures and questions.

    Raises:
        StoreError: STO-090, there is no such report. AccessError: ACC-123, the person may not read it.
    """
    report = _reachable(store, person, report_id, "read_reports")
    with store.read() as connection:
        signatures = reports.list_signatures(connection, report_id)
        asked = questions.list_questions(connection, report_id=report_id)
    return ReportView(
        report,
        tuple(signatures),
        tuple(asked),
        may_sign=may(person, "sign_report", report.commune),
        may_answer=may(person, "make_release", report.commune),
    )


def report_file(store: Store, person: Person, report_id: str, path: str) -> bytes:
    """One file of a report, to be shown: "index.html", "report.pdf", ...

    Raises:
        StoreError: STO-090. AccessError: ACC-123. ReleaseError: REL-064, the report has no such file.
    """
    report = _reachable(store, person, report_id, "read_reports")
    folder = Path(report.folder).resolve()
    file = (folder / path).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        message = f"The report {report_id} has no file of that name."
        raise ReleaseError("REL-064", message, "Open the report's first page, and go from there.")
    return file.read_bytes()


def make_signing_key(
    store: Store,
    person: Person,
    passphrase: str,
    *,
    keep: bool = True,
    at: datetime | None = None,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> NewKey:
    """Make the key pair with which a reviewer signs; the one before signs nothing more.

    Args:
        passphrase: opens the private half; known to nobody else, and not the password of the desk.
        keep: whether the store keeps the private half, under the passphrase, so that the reviewer can sign at the
            desk; false: only the caller gets it (docs/decisions: keys of reviewers).

    Raises:
        AccessError: ACC-120, the passphrase is too short; ACC-123, the person may not sign.
    """
    _require(store, person, "sign_report", None, "person", person.id)
    seed = random_bytes(SEED_BYTES)
    locked = lock_key(seed, passphrase, random_bytes(SALT_BYTES), random_bytes(NONCE_BYTES))
    return _register_key(store, person, public_half(seed), locked, keep, at)


def _register_key(
    store: Store, person: Person, public_key: str, locked: str, keep: bool, at: datetime | None
) -> NewKey:
    with store.begin() as connection:
        reports.put_signing_key(connection, person.id, public_key, locked if keep else None, at)
    return NewKey(public_key, fingerprint(public_key), locked)


def get_signing_key(store: Store, person: Person) -> KeyRow | None:
    """The key pair that a person signs with, null if they have none yet."""
    with store.read() as connection:
        return reports.get_signing_key(connection, person.id)


def sign_report(
    store: Store,
    person: Person,
    report_id: str,
    passphrase: str,
    *,
    key_file: str | None = None,
    at: datetime | None = None,
) -> SignatureRow:
    """Sign a report as it lies in its folder; the signature is laid beside its files.

    Args:
        passphrase: of the signing key.
        key_file: text of the person's own key file, where the store doesn't keep the private half.

    Raises:
        AccessError: ACC-121, ACC-122, key or passphrase; ACC-123, no right; ACC-124, no key; ACC-125, another's key.
        StoreError: STO-090. ReleaseError: REL-061, the files aren't those that were registered.
    """
    return _judge(store, person, report_id, "sign", "", passphrase, key_file, at)


def refuse_report(
    store: Store,
    person: Person,
    report_id: str,
    passphrase: str,
    reasons: str,
    *,
    key_file: str | None = None,
    at: datetime | None = None,
) -> SignatureRow:
    """Refuse a report, with reasons; signed like a signature, so that nobody refuses in another's name.

    Raises:
        StoreError: STO-092, no reason. Else as `sign_report`.
    """
    return _judge(store, person, report_id, "refuse", reasons, passphrase, key_file, at)


def ask_question(
    store: Store, person: Person, report_id: str, figure: str, question: str, *, at: datetime | None = None
) -> QuestionRow:
    """Ask about a figure of a report ("" for all of it): a task for the statistician.

    Raises:
        StoreError: STO-090; STO-094, nothing is asked. AccessError: ACC-123.
    """
    _reachable(store, person, report_id, "sign_report")
    with store.begin() as connection:
        return questions.add_question(connection, report_id, figure, question, person.id, at)


def answer_question(
    store: Store, person: Person, question_id: int, answer: str, *, at: datetime | None = None
) -> QuestionRow:
    """Answer a reviewer's question: whoever may make releases does.

    Raises:
        StoreError: STO-093, no such question, or closed; STO-094, an empty answer. AccessError: ACC-123.
    """
    _require_question(store, person, question_id, "make_release")
    with store.begin() as connection:
        return questions.answer_question(connection, question_id, answer, person.id, at)


def close_question(store: Store, person: Person, question_id: int, *, at: datetime | None = None) -> QuestionRow:
    """Be content with an answer: a reviewer is.

    Raises:
        StoreError: STO-093, no such question, or closed already. AccessError: ACC-123.
    """
    _require_question(store, person, question_id, "sign_report")
    with store.begin() as connection:
        return questions.close_question(connection, question_id, at)


def list_tasks(store: Store, person: Person, *, state: str | None = "open") -> list[QuestionRow]:
    """The questions about reports that a person may read, in one state or (null) in any."""
    readable = {row.report_id for row in list_reports(store, person)}
    with store.read() as connection:
        rows = questions.list_questions(connection, state=state)
    return [row for row in rows if row.report_id in readable]


def _judge(
    store: Store,
    person: Person,
    report_id: str,
    act: SigningAct,
    reasons: str,
    passphrase: str,
    key_file: str | None,
    at: datetime | None,
) -> SignatureRow:
    report = _reachable(store, person, report_id, "sign_report")
    seed, public_key = open_key(store, person, passphrase, key_file)
    files = hash_folder(Path(report.folder))
    if hash_files(files) != report.sha256:
        message = f"The files of {report_id} aren't those that were made: somebody changed, added or removed one."
        raise ReleaseError("REL-061", message, "Make the report again, and judge that one.")
    now = (at or datetime.now(UTC)).replace(microsecond=0)
    statement = make_statement(
        act=act,
        reasons=reasons.strip(),
        report={"id": report_id, "form": report.form_id, "commune": report.commune, "round": report.round},
        files=files,
        data=DataDigests(**report.data),
        code_version=report.code_version,
        signer=Signer(person.name, person.role),
        public_key=public_key,
        at=now,
    )
    signed = sign(statement, seed)
    row = _keep(store, person, report_id, signed, now)
    write_signature(Path(report.folder), signed)
    return row


def _keep(store: Store, person: Person, report_id: str, signed: Signed, at: datetime) -> SignatureRow:
    with store.begin() as connection:
        return reports.add_signature(
            connection,
            report_id=report_id,
            person_id=person.id,
            act=str(signed.statement["act"]),
            reasons=str(signed.statement["reasons"]),
            statement=canonical(signed.statement).decode(),
            signature=base64.b64encode(signed.signature).decode(),
            public_key=signed.public_key,
            signed_at=at,
        )


def stored_signature(row: SignatureRow) -> Signed:
    """A signature of the store as its file holds it: to lay it into a copy of the report."""
    return Signed(json.loads(row.statement), base64.b64decode(row.signature))


def open_key(store: Store, person: Person, passphrase: str, key_file: str | None) -> tuple[bytes, str]:
    """The private and the public half of the key that a person signs with now.

    Raises:
        AccessError: ACC-121, ACC-122, key or passphrase; ACC-124, no key; ACC-125, another's key.
    """
    key = get_signing_key(store, person)
    locked = key_file or (key.sealed if key else None)
    if key is None or locked is None:
        what = "has no signing key" if key is None else "keeps the signing key in a file of their own"
        advice = "Make one with comunal quality key." if key is None else "Give that file with --key."
        raise AccessError("ACC-124", f"{person.name} {what}.", advice)
    seed = unlock_key(locked, passphrase)
    if public_half(seed) != key.public_key:
        message = f"That is not the key which {person.name} signs with now ({fingerprint(key.public_key)})."
        raise AccessError("ACC-125", message, "Use the newest key, or make one with comunal quality key.")
    return seed, key.public_key


def _reachable(store: Store, person: Person, report_id: str, act: str) -> ReportRow:
    with store.read() as connection:
        report = reports.get_report(connection, report_id)
    _require(store, person, act, report.commune, "report", report_id)
    return report


def _require_question(store: Store, person: Person, question_id: int, act: str) -> None:
    with store.read() as connection:
        row = questions.get_question(connection, question_id)
    _reachable(store, person, row.report_id, act)


def _require(store: Store, person: Person, act: str, commune: str | None, kind: str, object_id: object) -> None:
    if person.revoked_at is None and may(person, act, commune):
        return
    with store.begin() as connection:
        record(connection, act, kind, object_id, outcome="refused", by=person_actor(person.id))
    message = f"A {person.role} may not do that here ({act})."
    raise AccessError("ACC-123", message, "Ask someone who may: comunal people list shows the roles.")
