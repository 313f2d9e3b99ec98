"""What a release tells beside its table: the questionnaire, how collection went, and where the figures come from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reports.differences import Snapshot
from reports.rounds import Round
from reports.tables import ReleaseTable
from schemas.errors import Problem
from schemas.fields import Form
from schemas.findings import RuleSummary
from schemas.text import LANGUAGES
from schemas.workbook import Specs


@dataclass(frozen=True, slots=True)
class Counts:
    """How many interviews there were, and why some stand in no figure.

    Attributes:
        received: interviews stored.
        accepted: interviews that the figures rest on.
        set_aside: reason's code -> interviews, e.g. "unreadable", "rule", "consent", "duplicate", "superseded".
    """

    received: int
    accepted: int
    set_aside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the figures were computed from, so that anybody with the same bytes gets the same figures.

    Attributes:
        workbook_sha256, xform_sha256: digests of the questionnaire as compiled.
        submissions_sha256: see `combine_digests`.
        code_version: version of Comunal.
        seed: of a rehearsal, null for real interviews.
        parameters: what else was chosen, name -> value.
        libraries: name -> version of what computed, the language first.
        code_sha256: of the program's own files, "" if untold.
    """

    workbook_sha256: str
    xform_sha256: str
    submissions_sha256: str
    code_version: str
    seed: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    code_sha256: str = ""


@dataclass(frozen=True, slots=True)
class CleaningRow:
    """How many records one step of cleaning touched; a release tells no count below its threshold.

    Attributes:
        step: "collection", "rule", "decision", "edit" or "imputation".
        code: of the reason, action, method ...
        records: interviews, rows or answers touched.
        of: of so many, null where there is no such number.
        rule: that was broken or decided about, "" if none.
        table, question: whose answers they are, "" where it is about interviews.
    """

    step: str
    code: str
    records: int
    of: int | None = None
    rule: str = ""
    table: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseContents:
    """Everything a release needs that isn't a figure.

    Attributes:
        specs: what Comunal's own sheets say: topics, indicators, breakdowns, design.
        rules: how each rule fared; the pages show counts below the threshold as such.
        problems: indicators and breakdowns that were left out.
        made_at: when the release is made, aware of its zone.
        previous: release id that this one supersedes, "" if none.
        rehearsal: whether the interviews were rehearsed; every page then says so.
        languages: of the pages, the first at the site's root.
        licence: SPDX name of the licence of the figures.
        publisher: who publishes, "" if unsaid.
        files: name -> bytes of files to hand out beside the tables (workbook, XForm).
        former: the release that this one is compared with figure by figure, null if none.
        cleaning: what cleaning did beyond the rules and the reasons above: decisions, edits, imputations.
        tables: further tables that stand beside those of the figures; none may hold what disclosure control withholds.
        missing_codes: codes of choices that mean that an answer isn't known.
        rounds: earlier rounds of the survey, the oldest first.
    """

    form: Form
    specs: Specs
    counts: Counts
    provenance: Provenance
    made_at: datetime
    rules: tuple[RuleSummary, ...] = ()
    problems: tuple[Problem, ...] = ()
    previous: str = ""
    rehearsal: bool = False
    languages: tuple[str, ...] = LANGUAGES
    licence: str = "CC-BY-4.0"
    publisher: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    former: Snapshot | None = None
    cleaning: tuple[CleaningRow, ...] = ()
    tables: tuple[ReleaseTable, ...] = ()
    missing_codes: frozenset[str] = frozenset()
    rounds: tuple[Round, ...] = ()

    @property
    def round(self) -> str:
        """Of the survey, as row `round` of the design sheet names it; "" if it has only one."""
        return self.specs.design.settings.get("round", "")


def combine_digests(digests: Iterable[str]) -> str:
    """One digest of many submissions: sha256 over their lower-case hex sha256, sorted, one a line.

    >>> combine_digests(["b", "a"]) == combine_digests(["a", "b"])
    True
    """
    return hashlib.sha256(list_of_digests(digests)).hexdigest()


def list_of_digests(digests: Iterable[str]) -> bytes:
    """What `combine_digests` digests: the digests sorted, one a line."""
    return "".join(f"{digest}\n" for digest in sorted(digests)).encode("ascii")
