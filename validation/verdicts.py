"""What judging a rule over a table gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from validation.chunks import Flags
from validation.distinct import Columns
from validation.relevance import Judged, Kind


@dataclass(frozen=True, slots=True)
class Verdict:
    """One flag a row.

    Attributes:
        applies: whether the rule has something to say of the row.
        fails: whether the row breaks it; only where it applies.
        original: whether the rows are the chunk's own, and not those left once irrelevant ones are gone.
    """

    applies: Flags
    fails: Flags
    original: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """How a rule is judged.

    Attributes:
        verdict: over the rows of its table in a chunk.
        needs: values that it asks `Judged` for, so that those of many rules can be made in one pass.
    """

    verdict: Callable[[Judged], Verdict]
    needs: tuple[tuple[Columns, Kind], ...] = ()
