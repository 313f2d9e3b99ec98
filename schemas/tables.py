"""Every SQL table of the store, in SQLAlchemy Core: shapes only. `store/` holds the queries, Alembic the changes.

One row is one ... what the comment over each table says. Times are UTC. Digests are lower-case hex SHA-256 of the
exact bytes. Constraints are named by `NAMING`, so that a migration can name them too.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

NAMING = {
    "ix": "ix_%(table_name)s__%(column_0_N_name)s",
    "uq": "uq_%(table_name)s__%(column_0_N_name)s",
    "ck": "ck_%(table_name)s__%(constraint_name)s",
    "fk": "fk_%(table_name)s__%(column_0_N_name)s__%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite, which knows no zones, keeps it naive in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware time into UTC; a naive one is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone can't be stored")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time back aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite numbers rows by itself only if the key's type is exactly INTEGER.
KEY = BigInteger().with_variant(Integer, "sqlite")


def _key() -> Column[int]:
    return Column("id", KEY, primary_key=True, autoincrement=True)


def _digest(name: str = "sha256", *, primary_key: bool = False) -> Column[str]:
    return Column(name, String(64), primary_key=primary_key, nullable=False)


def _blob(name: str = "sha256", *, nullable: bool = False) -> Column[str]:
    return Column(name, String(64), ForeignKey("blobs.sha256"), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


# One content. `bytes` is null where the content is a file of the blob folder.
blobs = Table(
    "blobs",
    metadata,
    _digest(primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("bytes", LargeBinary),
    _time("created_at"),
)

# One person or phone with a key. The key itself is nowhere; its digest is. key_ha1: what digest authentication needs
# to know of it, as good as the key at that door; null for whoever doesn't log in so (docs/decisions/0012).
# communes: CUT codes with a space between, "" for all (`schemas.rights`). password_hash: argon2id, null for whoever
# has no password.
people = Table(
    "people",
    metadata,
    _key(),
    _text("name"),
    Column("role", String(20), nullable=False),
    _digest("key_sha256"),
    _time("created_at"),
    _time("revoked_at", nullable=True),
    Column("key_ha1", String(32)),
    Column("communes", Text, nullable=False, server_default=""),
    Column("password_hash", Text),
    UniqueConstraint("key_sha256"),
    CheckConstraint("role IN ('enumerator', 'supervisor', 'statistician', 'reviewer', 'administrator')", name="role"),
    sqlite_autoincrement=True,
)

# One version of a form, never changed once registered. state: open, closing (accepted, not offered), closed.
# commune: CUT of its design sheet, "" if that names none.
form_versions = Table(
    "form_versions",
    metadata,
    _key(),
    _text("form_id"),
    _text("version"),
    _text("title"),
    _blob("xform_sha256"),
    Column("xform_md5", String(32), nullable=False),
    _blob("workbook_sha256", nullable=True),
    Column("state", String(10), nullable=False),
    _time("created_at"),
    Column("commune", Text, nullable=False, server_default=""),
    UniqueConstraint("form_id", "version"),
    CheckConstraint("state IN ('open', 'closing', 'closed')", name="state"),
    sqlite_autoincrement=True,
)

# One media file of a form version.
form_media = Table(
    "form_media",
    metadata,
    Column("form_version_id", KEY, ForeignKey("form_versions.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    _blob(),
    Column("md5", String(32), nullable=False),
)

# One run of the parser over some submissions of one form version; their rows are its segments.
table_batches = Table(
    "table_batches",
    metadata,
    _key(),
    _text("form_id"),
    _text("version"),
    _digest("content_sha256"),
    _time("created_at"),
    UniqueConstraint("content_sha256"),
    Index(None, "form_id"),
    sqlite_autoincrement=True,
)

# One Parquet file: the rows of one table in one batch.
table_segments = Table(
    "table_segments",
    metadata,
    Column("batch_id", KEY, ForeignKey("table_batches.id"), primary_key=True),
    Column("table_name", Text, primary_key=True),
    _text("path"),
    _digest(),
    Column("rows", BigInteger, nullable=False),
)

# One interview as received. state: current, superseded (an edit replaced it), fork (a second edit of the same one,
# for a person to settle), held (an edit whose original hasn't arrived).
# batch_id: where its rows are, null until they are parsed. commune: CUT that its answers name in a survey of many
# communes, "" where they name none, null in other surveys (`store.communes`).
submissions = Table(
    "submissions",
    metadata,
    _key(),
    _text("form_id"),
    _text("version"),
    _text("instance_id"),
    _text("deprecated_id", nullable=True),
    _blob(),
    _time("received_at"),
    Column("client", String(20), nullable=False),
    Column("person_id", KEY, ForeignKey("people.id")),
    Column("state", String(10), nullable=False),
    _time("parsed_at", nullable=True),
    _text("parse_error", nullable=True),
    Column("batch_id", KEY, ForeignKey("table_batches.id")),
    Column("commune", Text),
    UniqueConstraint("form_id", "instance_id"),
    CheckConstraint("state IN ('current', 'superseded', 'fork', 'held')", name="state"),
    Index(None, "form_id", "version", "id"),
    Index(None, "batch_id"),
    sqlite_autoincrement=True,
)
# What ingest asks for again and again: the few submissions that nobody has read yet.
Index(
    "ix_submissions__unparsed",
    submissions.c.form_id,
    submissions.c.id,
    sqlite_where=submissions.c.parsed_at.is_(None),
    postgresql_where=submissions.c.parsed_at.is_(None),
)
# Whose commune is looked at: surveys of many communes alone.
Index(
    "ix_submissions__communes",
    submissions.c.form_id,
    submissions.c.commune,
    sqlite_where=submissions.c.commune.is_not(None),
    postgresql_where=submissions.c.commune.is_not(None),
)
# Edits are few: only they are indexed.
Index(
    "ix_submissions__edits",
    submissions.c.form_id,
    submissions.c.deprecated_id,
    sqlite_where=submissions.c.deprecated_id.is_not(None),
    postgresql_where=submissions.c.deprecated_id.is_not(None),
)

# So are those that don't count.
Index(
    "ix_submissions__apart",
    submissions.c.form_id,
    submissions.c.instance_id,
    sqlite_where=submissions.c.state != "current",
    postgresql_where=submissions.c.state != "current",
)

# One file sent with a submission. A second content under the same name is kept too, with is_conflict.
attachments = Table(
    "attachments",
    metadata,
    _key(),
    Column("submission_id", KEY, ForeignKey("submissions.id"), nullable=False),
    _text("name"),
    _blob(),
    _text("content_type"),
    Column("is_conflict", Boolean, nullable=False),
    _time("received_at"),
    UniqueConstraint("submission_id", "name", "sha256"),
    sqlite_autoincrement=True,
)

# One content that came under the instance id of a stored submission but differs from it.
conflicts = Table(
    "conflicts",
    metadata,
    _key(),
    Column("submission_id", KEY, ForeignKey("submissions.id"), nullable=False),
    _blob(),
    _time("received_at"),
    Column("client", String(20), nullable=False),
    Column("person_id", KEY, ForeignKey("people.id")),
    UniqueConstraint("submission_id", "sha256"),
    sqlite_autoincrement=True,
)

# One content that came as a submission and isn't one. code: of the SubmissionError.
quarantine = Table(
    "quarantine",
    metadata,
    _key(),
    _blob(),
    Column("code", String(10), nullable=False),
    _text("reason"),
    _time("received_at"),
    Column("client", String(20), nullable=False),
    Column("person_id", KEY, ForeignKey("people.id")),
    UniqueConstraint("sha256", "code"),
    sqlite_autoincrement=True,
)

# What is said of findings: path, message, advice and variables. sha256: of these (`store.finding_texts`).
finding_texts = Table(
    "finding_texts",
    metadata,
    _key(),
    _digest(),
    _text("path"),
    Column("message", JSON, nullable=False),
    Column("advice", JSON, nullable=False),
    Column("variables", JSON, nullable=False),
    UniqueConstraint("sha256"),
    sqlite_autoincrement=True,
)

# One rule that one record breaks or broke. origin: parse (found while reading) or rules (found by evaluating).
# engines: those under which it is broken, separated by spaces, "" where they weren't compared; engine_dependent: not
# all of them. text_id: row of finding_texts; no foreign key, since a check a row would cost more than the row.
# commune: of its interview, "" where that has none.
findings = Table(
    "findings",
    metadata,
    _key(),
    _text("form_id"),
    _text("form_version"),
    _text("instance_id"),
    _text("row_id"),
    _text("rule_id"),
    _text("kind"),
    Column("severity", String(10), nullable=False),
    Column("origin", String(10), nullable=False),
    _time("opened_at"),
    _time("closed_at", nullable=True),
    Column("text_id", KEY, nullable=False),
    Column("engines", String(40), nullable=False, server_default=""),
    Column("engine_dependent", Boolean, nullable=False, server_default=false()),
    Column("commune", Text, nullable=False, server_default=""),
    UniqueConstraint("form_id", "origin", "rule_id", "instance_id", "row_id"),
    CheckConstraint("severity IN ('error', 'warning', 'info')", name="severity"),
    CheckConstraint("origin IN ('parse', 'rules')", name="origin"),
    Index(None, "form_id", "instance_id"),
    sqlite_autoincrement=True,
)
# What pages of findings ask for: newest first, open ones apart from closed ones, since either may be few among many.
for _state, _where in (("open", findings.c.closed_at.is_(None)), ("closed", findings.c.closed_at.is_not(None))):
    for _name, _columns in (
        (_state, ("form_id", "opened_at", "id")),
        (f"{_state}_of_severity", ("form_id", "severity", "opened_at", "id")),
        (f"{_state}_of_rule", ("form_id", "rule_id", "opened_at", "id", "severity", "engine_dependent")),
        (f"{_state}_of_engines", ("form_id", "opened_at", "id", "severity")),
        (f"{_state}_of_commune", ("form_id", "commune", "opened_at", "id", "severity", "rule_id")),
    ):
        _some = _where & findings.c.engine_dependent if _name.endswith("engines") else _where
        _some = _where & (findings.c.commune != "") if _name.endswith("commune") else _some
        Index(
            f"ix_findings__{_name}",
            *(findings.c[name] for name in _columns),
            sqlite_where=_some,
            postgresql_where=_some,
        )

# How many findings there are of one kind; kept by whatever changes them (`store.finding_counts`).
finding_counts = Table(
    "finding_counts",
    metadata,
    Column("form_id", Text, primary_key=True),
    Column("origin", String(10), primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("severity", String(10), primary_key=True),
    Column("engine_dependent", Boolean, primary_key=True),
    Column("commune", Text, primary_key=True),
    Column("is_open", Boolean, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

# One rule as it fared when last evaluated.
rule_runs = Table(
    "rule_runs",
    metadata,
    Column("form_id", Text, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("rule", JSON, nullable=False),
    Column("checked", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    _time("evaluated_at"),
    Column("engine_dependent", BigInteger, nullable=False, server_default="0"),
)

# One release. state: draft, approved, superseded, withdrawn.
releases = Table(
    "releases",
    metadata,
    _key(),
    _text("release_id"),
    _text("form_id"),
    _text("folder"),
    _digest(),
    Column("details", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    _text("state_by", nullable=True),
    _time("state_at", nullable=True),
    _time("created_at"),
    _text("state_reason", nullable=True),
    UniqueConstraint("release_id"),
    CheckConstraint("state IN ('draft', 'approved', 'superseded', 'withdrawn')", name="state"),
    Index(None, "form_id"),
    sqlite_autoincrement=True,
)

# One secret or choice of this installation, made once.
settings = Table(
    "settings",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
