"""Release: accepted interviews -> indicators -> protected tables -> an immutable release folder."""

from __future__ import annotations

from dataclasses import dataclass


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
