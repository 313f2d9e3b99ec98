"""Release: accepted interviews -> indicators -> protected tables -> an immutable release folder."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path

import polars as pl

from estimation.indicators import estimate
from flows.registering import load_form
from reports.contents import ReleaseContents
from reports.disclosure import protect
from reports.release import publish
from schemas.errors import ReleaseError
from schemas.fields import CLIENT, INSTANCE_ID, MAIN_TABLE
from schemas.findings import Finding
from store import findings as finding_rows
from store import forms as form_rows
from store import releases, submissions
from store.open import Store
from store.tables import read_tables


@dataclass(frozen=True, slots=True)
class ReleaseReport:
    """What one release holds, and where it is.

    Attributes:
        interviews: accepted interviews behind its figures.
        figures: cells of its table, suppressed ones included.
        suppressed: cells suppressed.
        site: the page to open.
    """

    form_id: str
    release_id: str
    folder: str
    site: str
    interviews: int
    figures: int
    suppressed: int
