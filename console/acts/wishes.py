"""What people ask of records at the desk or the command line, and what they are told back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from schemas.decisions import CellChange, Decision
from schemas.findings import Finding


@dataclass(frozen=True, slots=True)
class Change:
    """One answer wanted: of a question (name or column), in the interview or in a row of a repeat; null is blank."""

    question: str
    value: str | None = field(repr=False)
    row_id: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A decision as somebody asks for it.

    Attributes:
        action: accept, correct, blank, exclude, include or send_back.
        rule_id, row_id: the finding that is decided is (rule_id, instance_id, row_id); "" where none is.
        changes: of `correct` and `blank`; several are judged together, as one decision of several rows. Of `send_back`
            the questions to ask again, whatever their values; without any, those of the finding.
    """

    action: str
    instance_id: str
    reason: str
    rule_id: str = ""
    row_id: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a decision would bring, nothing of it written yet.

    Attributes:
        closes, opens: findings of the form's logic.
        derived: calculations told anew and answers blanked that follow from the changes. Personal ones hide values.
        changes: the answers that change, as they are and as they would be.
    """

    closes: tuple[Finding, ...] = ()
    opens: tuple[Finding, ...] = ()
    derived: tuple[CellChange, ...] = ()
    changes: tuple[CellChange, ...] = ()

    @property
    def needs_force(self) -> bool:
        """Whether it would open an error, so that it is taken only with `force`."""
        return any(row.severity == "error" for row in self.opens)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision taken: its rows in the log, those that follow among them.

    Attributes:
        pending: whether it waits for a second person.
    """

    ids: tuple[int, ...]
    outlook: Outlook
    pending: bool = False


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What one decision about many findings came to.

    Attributes:
        refused: reason -> findings left undecided.
        closes, opens: findings of the form's logic, of interviews whose answers change.
    """

    decided: int
    refused: Mapping[str, int]
    ids: tuple[int, ...] = ()
    closes: int = 0
    opens: int = 0


@dataclass(frozen=True, slots=True)
class InterviewView:
    """One interview as it was received and as it stands, beside its findings and decisions.

    Attributes:
        instance_id: under which it counts now.
        raw, edited: table name -> frame of its rows; personal answers only as marks.
        findings: open ones.
        log: every decision about it, oldest first, values of personal questions hidden.
        holds: ids of those of `log` that nobody took back.
        excluded: whether it counts nowhere.
        pending: the exclusion that waits for a second person, null if none does.
    """

    form_id: str
    instance_id: str
    version: str
    raw: Mapping[str, pl.DataFrame]
    edited: Mapping[str, pl.DataFrame]
    findings: tuple[Finding, ...]
    log: tuple[Decision, ...]
    holds: frozenset[int]
    excluded: bool
    pending: Decision | None
