"""Data-quality reports: which were made, who signed or refused them, and with which keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from schemas.errors import StoreError
from schemas.quality_tables import quality_reports, report_signatures, signing_keys
from store.audit import record
from store.inserts import keyed_insert


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One report.

    Attributes:
        commune: CUT, "" if the survey names none.
        round: the period that the survey names.
        folder: where its files are.
        sha256: of its files; data_sha256: of what it tells; data: the digests behind that.
    """

    report_id: str
    form_id: str
    commune: str
    round: str
    folder: str
    sha256: str
    data_sha256: str
    data: Mapping[str, Any]
    code_version: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """One signature or refusal.

    Attributes:
        act: "sign" or "refuse".
        statement: the canonical JSON that was signed; signature: base64.
    """

    id: int
    report_id: str
    person_id: int
    act: str
    reasons: str
    statement: str = field(repr=False)
    signature: str = field(repr=False)
    public_key: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A person's key pair in force.

    Attributes:
        sealed: the private half under the person's passphrase, null where only the person has it.
    """

    person_id: int
    public_key: str
    sealed: str | None = field(repr=False)
    made_at: datetime


_REPORT = tuple(quality_reports.c[name] for name in ReportRow.__slots__)
_SIGNATURE = tuple(report_signatures.c[name] for name in SignatureRow.__slots__)
_KEY = tuple(signing_keys.c[name] for name in KeyRow.__slots__)


def add_report(connection: Connection, report: ReportRow) -> ReportRow:
    """Register a report; the same again is the same row.

    Raises:
        StoreError: STO-091, the id is taken by a report with other contents.
    """
    values = {name: getattr(report, name) for name in ReportRow.__slots__} | {"data": dict(report.data)}
    added = keyed_insert(connection, quality_reports).on_conflict_do_nothing(index_elements=["report_id"])
    if connection.scalar(added.returning(quality_reports.c.id), values) is not None:
        record(connection, "report.add", "report", report.report_id, note=f"sha256 {report.sha256}", at=report.made_at)
    row = get_report(connection, report.report_id)
    if (row.form_id, row.sha256, row.data_sha256) != (report.form_id, report.sha256, report.data_sha256):
        message = f"The report {report.report_id!r} exists and has other contents."
        raise StoreError("STO-091", message, "A report is never rewritten: make a new one.")
    return row


def get_report(connection: Connection, report_id: str) -> ReportRow:
    """One report.

    Raises:
        StoreError: STO-090, there is none of that id.
    """
    row = connection.execute(select(*_REPORT).where(quality_reports.c.report_id == report_id)).first()
    if row is None:
        message = f"There is no data-quality report {report_id!r}."
        raise StoreError("STO-090", message, "Make one with comunal quality report, or list those that there are.")
    return ReportRow(**row._mapping)


def list_reports(connection: Connection, form_id: str | None = None) -> list[ReportRow]:
    """The reports of one form or of all, oldest first."""
    query = select(*_REPORT).order_by(quality_reports.c.id)
    if form_id is not None:
        query = query.where(quality_reports.c.form_id == form_id)
    return [ReportRow(**row._mapping) for row in connection.execute(query)]


def put_signing_key(
    connection: Connection, person_id: int, public_key: str, sealed: str | None, at: datetime | None = None
) -> KeyRow:
    """Give a person a key pair to sign with; the one before signs nothing more, and what it signed stays good."""
    now = at or datetime.now(UTC)
    former = (signing_keys.c.person_id == person_id) & signing_keys.c.revoked_at.is_(None)
    connection.execute(update(signing_keys).where(former).values(revoked_at=now))
    values = {"person_id": person_id, "public_key": public_key, "sealed": sealed, "made_at": now}
    connection.execute(insert(signing_keys).values(**values))
    kept = "own file" if sealed is None else "sealed in the store"
    record(connection, "report.key", "person", person_id, note=f"{public_key} {kept}", at=at)
    return KeyRow(**values)  # type: ignore[arg-type]


def get_signing_key(connection: Connection, person_id: int) -> KeyRow | None:
    """The key pair that a person signs with, null if they have none."""
    query = select(*_KEY).where(signing_keys.c.person_id == person_id, signing_keys.c.revoked_at.is_(None))
    row = connection.execute(query.order_by(signing_keys.c.id.desc())).first()
    return None if row is None else KeyRow(**row._mapping)


def find_signing_key(connection: Connection, public_key: str) -> KeyRow | None:
    """The key pair in force with this public half, null if there is none."""
    query = select(*_KEY).where(signing_keys.c.public_key == public_key, signing_keys.c.revoked_at.is_(None))
    row = connection.execute(query).first()
    return None if row is None else KeyRow(**row._mapping)


def add_signature(
    connection: Connection,
    *,
    report_id: str,
    person_id: int,
    act: str,
    statement: str,
    signature: str,
    public_key: str,
    signed_at: datetime,
    reasons: str = "",
) -> SignatureRow:
    """Keep a signature or refusal.

    Raises:
        StoreError: STO-090, there is no such report; STO-092, a refusal without a reason.
    """
    get_report(connection, report_id)
    if act == "refuse" and not reasons.strip():
        raise StoreError("STO-092", "A refusal without a reason.", "Say what keeps the report from being signed.")
    values: dict[str, Any] = {"report_id": report_id, "person_id": person_id, "act": act, "reasons": reasons.strip()}
    values |= {"statement": statement, "signature": signature, "public_key": public_key, "signed_at": signed_at}
    number = connection.execute(insert(report_signatures).values(**values).returning(report_signatures.c.id))
    record(connection, f"report.{act}", "report", report_id, note=f"key {public_key}", at=signed_at)
    return SignatureRow(id=number.scalar_one(), **values)


def list_signatures(connection: Connection, report_id: str) -> list[SignatureRow]:
    """Signatures and refusals of a report, oldest first."""
    query = select(*_SIGNATURE).where(report_signatures.c.report_id == report_id).order_by(report_signatures.c.id)
    return [SignatureRow(**row._mapping) for row in connection.execute(query)]


def standing_signatures(connection: Connection, form_id: str, data_sha256: str) -> list[SignatureRow]:
    """What the people who judged reports of exactly these data last said: their signature, or their refusal.

    Args:
        data_sha256: `reports.signing.DataDigests.sha256` of the data as they are.
    """
    of_data = select(quality_reports.c.report_id).where(
        quality_reports.c.form_id == form_id, quality_reports.c.data_sha256 == data_sha256
    )
    query = select(*_SIGNATURE).where(report_signatures.c.report_id.in_(of_data)).order_by(report_signatures.c.id)
    last = {row.person_id: SignatureRow(**row._mapping) for row in connection.execute(query)}
    return list(last.values())
