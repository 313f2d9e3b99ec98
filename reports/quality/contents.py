"""What a data-quality report is made of, as the rooms below hand it over; nothing here holds an answer but tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from reports.signing import DataDigests
from schemas.fields import Form
from schemas.findings import RuleSummary
from schemas.text import LANGUAGES, Text
from schemas.workbook import Specs


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What the store has received for the form.

    Attributes:
        received: interviews; edits of an interview counted with it.
        superseded: former versions of interviews that were edited.
        unsettled: second edits of one interview, and edits whose original didn't come.
        unread: not parsed yet; failed: unreadable.
        conflicts: other contents that came under the id of a stored interview; quarantined: no submissions.
    """

    received: int
    superseded: int = 0
    unsettled: int = 0
    unread: int = 0
    failed: int = 0
    conflicts: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One rule before and after people decided.

    Attributes:
        summary: how it fared when it was last evaluated.
        found: findings that there ever were; open: those that still are; accepted: those that a person accepted as
            true.
    """

    summary: RuleSummary
    found: int
    open: int
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate that was computed elsewhere, e.g. AAPOR's RR1.

    Attributes:
        name: its code: the page's text of it is `rate.CODE`.
        numerator, of: counts of sampled units.
    """

    name: str
    numerator: int
    of: int


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided, counted.

    Attributes:
        actions: action -> rows of the log in force ("accept", "correct", "blank", "exclude", "send_back", ...).
        sources: source -> rows in force that changed an answer ("desk", "import", "bulk", "imputation", ...).
        questions: question -> (answers corrected, blanked, imputed).
        excluded: interviews that count nowhere; pending: exclusions that wait for a second person.
        undone: rows that were taken back.
    """

    actions: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)
    questions: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    excluded: int = 0
    pending: int = 0
    undone: int = 0


@dataclass(frozen=True, slots=True)
class ImputedQuestion:
    """Answers to one question that the program put in.

    Attributes:
        domain: "total", or the class of donors ("sex=1").
        of: rows with an answer.
        missing, failed, opened: imputed answers, by what was there before: none, one that a rule couldn't stand, a
            question that wasn't asked.
    """

    question: str
    table: str
    domain: str
    of: int
    missing: int
    failed: int
    opened: int

    @property
    def imputed(self) -> int:
        """All of them."""
        return self.missing + self.failed + self.opened


@dataclass(frozen=True, slots=True)
class Imputations:
    """What imputation did, where the workbook turns it on.

    Attributes:
        seed: of its draws.
        outcomes: what became of interviews that were to be mended ("imputed", "no_donor" ...) -> interviews.
        questions: answers by question, and by class of donors.
    """

    seed: str
    outcomes: Mapping[str, int]
    questions: tuple[ImputedQuestion, ...] = ()


@dataclass(frozen=True, slots=True)
class QualityContents:
    """Everything that a report tells.

    Attributes:
        report_id: its name.
        form, specs: the newest version of the questionnaire.
        made_at: when, aware of its zone.
        code_version: version of Comunal.
        digests: of the data.
        arrivals: what came.
        accepted: typed tables of the interviews that count, decisions applied and nothing imputed.
        set_aside: reason's code -> interviews that count nowhere, each once.
        rules: every rule, in the order in which it was evaluated.
        decided: what people decided.
        who: name of the column of `accepted`'s main table that tells the enumerator, null if none does.
        area: name of the column that tells the sampling unit, null if none does.
        target: interviews that were planned, null if the workbook doesn't say.
        rates: response rates.
        unknown_codes: codes that stand for “don't know” or a refusal.
        docs: path of Great Expectations' pages below the report's folder, "" if they weren't built.
        logs: path -> the logs behind the figures, as bytes or as a file that holds them.
        days: first and last day of field work, ISO dates, "" if nothing came.
        days_held: whether these are days of interviews, and not of arrival.
        reasons: why a check wasn't made, as its summary says -> the same in the languages of the report.
        imputation: what imputation did, null where it is off.
    """

    report_id: str
    form: Form
    specs: Specs
    made_at: datetime
    code_version: str
    digests: DataDigests
    arrivals: Arrivals
    accepted: Mapping[str, pl.DataFrame] = field(repr=False)
    set_aside: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[RuleOutcome, ...] = ()
    decided: Decided = field(default_factory=Decided)
    who: str | None = None
    area: str | None = None
    target: int | None = None
    rates: tuple[Rate, ...] = ()
    unknown_codes: frozenset[str] = frozenset()
    docs: str = ""
    logs: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False)
    rehearsal: bool = False
    languages: tuple[str, ...] = LANGUAGES
    days: tuple[str, str] = ("", "")
    days_held: bool = False
    reasons: Mapping[str, Text] = field(default_factory=dict)
    imputation: Imputations | None = None
