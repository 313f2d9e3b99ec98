"""SQL tables about releases of many communes: what each was shown before publication, and what it answered."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from schemas.tables import KEY, UtcDateTime, metadata

# The figures of one release that isn't out, cut by commune. release_id: the one that a release of the same interviews,
# form and code will have. communes: CUT codes with spaces between. folder: below the data folder, a file a commune.
previews = Table(
    "previews",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("release_id", Text, nullable=False),
    Column("form_id", Text, nullable=False),
    Column("communes", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("interviews", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("release_id"),
    Index(None, "form_id"),
    sqlite_autoincrement=True,
)

# One answer of a commune to its figures; the latest of a commune counts. reason: "" for a confirmation without words.
confirmations = Table(
    "confirmations",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("release_id", Text, nullable=False),
    Column("form_id", Text, nullable=False),
    Column("commune", Text, nullable=False),
    Column("answer", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("person_id", KEY, ForeignKey("people.id")),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("answer IN ('confirmed', 'objected')", name="answer"),
    Index(None, "release_id", "commune"),
    sqlite_autoincrement=True,
)
