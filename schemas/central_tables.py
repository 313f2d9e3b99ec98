"""The SQL tables behind the Central API: sessions, reviews, comments and drafts of forms.

Conventions and types are those of `schemas.tables`.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text

from schemas.tables import KEY, UtcDateTime, metadata

REVIEW_STATES = ("received", "hasIssues", "edited", "approved", "rejected")

# One login by name and password or key. The token itself is nowhere; its digest is. used_at: about when it was last
# used, null until it is.
sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("person_id", KEY, ForeignKey("people.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Index(None, "expires_at"),
)

# One change of an interview's review state: a log; the latest row counts. instance_id: of the interview as first sent.
reviews = Table(
    "reviews",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("form_id", Text, nullable=False),
    Column("instance_id", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("person_id", KEY, ForeignKey("people.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("state IN ('received', 'hasIssues', 'edited', 'approved', 'rejected')", name="state"),
    Index(None, "form_id", "instance_id"),
    sqlite_autoincrement=True,
)

# One remark of a person about an interview as first sent.
comments = Table(
    "comments",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("form_id", Text, nullable=False),
    Column("instance_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("person_id", KEY, ForeignKey("people.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "form_id", "instance_id"),
    sqlite_autoincrement=True,
)

# One form version in the making; published or replaced as a whole, so one a form.
form_drafts = Table(
    "form_drafts",
    metadata,
    Column("form_id", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("xform_sha256", String(64), ForeignKey("blobs.sha256"), nullable=False),
    Column("workbook_sha256", String(64), ForeignKey("blobs.sha256")),
    Column("person_id", KEY, ForeignKey("people.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

# One media file of a draft.
form_draft_media = Table(
    "form_draft_media",
    metadata,
    Column("form_id", Text, ForeignKey("form_drafts.form_id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
