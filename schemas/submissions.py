"""A submission on its way: from raw bytes to the rows of typed tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from schemas.findings import Finding


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the root and `meta` of a submission say, read without its form.

    Attributes:
        form_id: `id` attribute of the root.
        version: `version` attribute, "" if absent.
        instance_id: `meta/instanceID`, "" if absent (then one is derived from the bytes).
        deprecated_id: `meta/deprecatedID` of an edit, null if none.
        instance_name: `meta/instanceName`, null if none.
    """

    form_id: str
    version: str
    instance_id: str
    deprecated_id: str | None = None
    instance_name: str | None = None


@dataclass(frozen=True, slots=True)
class RawSubmission:
    """A stored submission as ingest reads it.

    Attributes:
        submission_id: the store's own key, rising in order of arrival.
        xml: exactly the bytes received.
        sha256: lower-case hex digest of `xml`.
        client: see `schemas.fields.CLIENT`.
        attachments: names of the files stored with it.
    """

    submission_id: int
    form_id: str
    version: str
    instance_id: str
    received_at: datetime
    xml: bytes
    sha256: str
    client: str = "unknown"
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonalAnswer:
    """One answer to a question marked `personal`. Its repr hides the value.

    Attributes:
        personal_id: random id of the row it belongs to.
        instance_id, row_id: the row.
        question: name of the question.
        kind: name, document, phone, address, position or other.
    """

    personal_id: str
    instance_id: str
    row_id: str
    question: str
    kind: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ParsedBatch:
    """What reading a batch of submissions of one form version yields.

    Attributes:
        tables: table name -> typed frame, sorted by submission and then by position (parents in the order of
            their own table), with the key columns of `schemas.fields`. Columns: int -> Int64, decimal -> Float64,
            date -> Date, dateTime -> Datetime(ms, UTC), boolean and everything else -> String. Blank is null.
        personal: the answers kept apart; the frames hold `PRESENT` in their place.
        findings: what could not be read (a text in an integer, an unknown node, a missing attachment).
        failed: submission id -> sentence, for bytes that could not be read at all.
    """

    tables: Mapping[str, pl.DataFrame]
    personal: tuple[PersonalAnswer, ...] = ()
    findings: tuple[Finding, ...] = ()
    failed: Mapping[int, str] = field(default_factory=dict)
