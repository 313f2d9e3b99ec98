"""The SQL tables of data-quality reports: what was made, who signed or refused it, what was asked.

Conventions and types are those of `schemas.tables`.
"""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from schemas.tables import KEY, UtcDateTime, metadata


def _key() -> Column[int]:
    return Column("id", KEY, primary_key=True)


def _person(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, KEY, ForeignKey("people.id"), nullable=nullable)


# One report as it was written into its folder. round: `period` of the design sheet. sha256: of its files
# (`reports.signing.hash_files`); data_sha256: of what it tells (`DataDigests.sha256`).
quality_reports = Table(
    "quality_reports",
    metadata,
    _key(),
    Column("report_id", Text, nullable=False),
    Column("form_id", Text, nullable=False),
    Column("commune", Text, nullable=False),
    Column("round", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("data_sha256", String(64), nullable=False),
    Column("data", JSON, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    UniqueConstraint("report_id"),
    Index(None, "form_id"),
    sqlite_autoincrement=True,
)

# One person's key pair for signing. sealed: the private half under the person's passphrase, null where only the
# person has it.
signing_keys = Table(
    "signing_keys",
    metadata,
    _key(),
    _person("person_id"),
    Column("public_key", String(60), nullable=False),
    Column("sealed", Text),
    Column("made_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    UniqueConstraint("public_key"),
    Index(None, "person_id"),
    sqlite_autoincrement=True,
)

# One signature or refusal; rows are only added. statement: the canonical JSON that was signed.
report_signatures = Table(
    "report_signatures",
    metadata,
    _key(),
    Column("report_id", Text, ForeignKey("quality_reports.report_id"), nullable=False),
    _person("person_id"),
    Column("act", String(10), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("signature", String(100), nullable=False),
    Column("public_key", String(60), nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    CheckConstraint("act IN ('sign', 'refuse')", name="act"),
    UniqueConstraint("signature"),
    Index(None, "report_id"),
    sqlite_autoincrement=True,
)

# One question of a reviewer about a report: a task until it is closed. figure: anchor within the report, "" for the
# whole of it. state: open, answered, closed.
report_questions = Table(
    "report_questions",
    metadata,
    _key(),
    Column("report_id", Text, ForeignKey("quality_reports.report_id"), nullable=False),
    Column("figure", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("state", String(10), nullable=False),
    _person("asked_by"),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("answer", Text, nullable=False, server_default=""),
    _person("answered_by", nullable=True),
    Column("answered_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    CheckConstraint("state IN ('open', 'answered', 'closed')", name="state"),
    Index(None, "report_id"),
    sqlite_autoincrement=True,
)
