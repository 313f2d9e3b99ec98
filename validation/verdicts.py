"""What judging a rule over a table gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from validation.chunks import Flags
from validation.relevance import Judged


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


Judge = Callable[[Judged], Verdict]
