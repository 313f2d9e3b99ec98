"""The record of a release: what the store keeps about a folder that was published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One published folder. It is never rewritten: it is superseded or withdrawn.

    Attributes:
        release_id: name of the folder, unique within a survey.
        survey: short name of the survey.
        form_id, form_version: the form whose answers it tells.
        made_at: when it was made, UTC.
        folder: absolute path of the folder, as text.
        checksum: lower-case hex sha256 of its CHECKSUMS.sha256, which in turn names every other file.
        submissions: interviews that the figures rest on.
        cells, primary, secondary: cells of the table, and how many of them were suppressed and why.
        rehearsal: whether it tells rehearsed interviews and no real ones.
        previous: release id that it supersedes, "" if none.
        files: number of files under the folder.
    """

    release_id: str
    survey: str
    form_id: str
    form_version: str
    made_at: datetime
    folder: str
    checksum: str
    submissions: int
    cells: int
    primary: int
    secondary: int
    rehearsal: bool = False
    previous: str = ""
    files: int = 0
