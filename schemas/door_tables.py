"""The SQL tables that only the door in uses.

Assignments, test addresses and what they got, files of disputed and of quarantined contents, links for answering in a
browser.

Conventions and types are those of `schemas.tables`.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from schemas.tables import KEY, UtcDateTime, metadata

# One form that one person is to fill. Who has none is offered every form.
assignments = Table(
    "assignments",
    metadata,
    Column("person_id", KEY, ForeignKey("people.id"), primary_key=True),
    Column("form_id", Text, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)

# The test address of a form's draft. Its token is nowhere; the digest is.
trial_addresses = Table(
    "trial_addresses",
    metadata,
    Column("form_id", Text, primary_key=True),
    Column("token_sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("token_sha256"),
)

# One content sent to a test address. No part of the survey: nothing ever reads it into tables.
trials = Table(
    "trials",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("form_id", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("instance_id", Text, nullable=False),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("client", String(20), nullable=False),
    UniqueConstraint("form_id", "instance_id", "sha256"),
    sqlite_autoincrement=True,
)

# One file sent with such a content.
trial_attachments = Table(
    "trial_attachments",
    metadata,
    Column("trial_id", KEY, ForeignKey("trials.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), primary_key=True),
    Column("content_type", Text, nullable=False),
)

# One file that came with a disputed content (`schemas.tables.conflicts`): never mixed with the stored submission's.
conflict_attachments = Table(
    "conflict_attachments",
    metadata,
    Column("conflict_id", KEY, ForeignKey("conflicts.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), primary_key=True),
    Column("content_type", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
)

# One file that came with bytes that are no submission (`schemas.tables.quarantine`).
quarantine_attachments = Table(
    "quarantine_attachments",
    metadata,
    Column("quarantine_id", KEY, ForeignKey("quarantine.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sha256", String(64), ForeignKey("blobs.sha256"), primary_key=True),
    Column("content_type", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
)

# One link under which a form is answered in a browser. Its token is nowhere; the digest is. is_single: for one person,
# good for one interview. claim_sha256: digest of token and instance id together, so that the database alone can't tell
# which link gave which interview; for the same reason the day of use is kept and not the moment.
web_links = Table(
    "web_links",
    metadata,
    Column("id", KEY, primary_key=True, autoincrement=True),
    Column("form_id", Text, nullable=False),
    Column("token_sha256", String(64), nullable=False),
    Column("language", String(2), nullable=False),
    Column("is_single", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("claim_sha256", String(64)),
    Column("claimed_at", UtcDateTime),
    Column("received", Integer, nullable=False),
    Column("used_on", Date),
    UniqueConstraint("token_sha256"),
    sqlite_autoincrement=True,
)
