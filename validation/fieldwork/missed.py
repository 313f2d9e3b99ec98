"""Why the checks missed a fault that a rehearsal planted: which limit it stayed under, or why nothing can see it.

Sentences are for operators. They tell limits, distances and names of questions, never an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from schemas.fields import INSTANCE_ID, RECEIVED_AT
from schemas.findings import Finding
from validation.evaluation import NotChecked
from validation.fieldwork.catalogue import CHECKS
from validation.fieldwork.lines import ANSWERED, BEYOND, COUNT, measure_lines
from validation.fieldwork.linkage import link_households
from validation.fieldwork.outliers import DIFFERENT, DISTANCE, GIVEN, VARIED, measure_distances
from validation.fieldwork.parameters import PREFIX
from validation.fieldwork.task import ANSWERS, Task
from validation.order import END, START

_BY_NAME = {check.name: check for check in CHECKS}
_NOTHING = pl.DataFrame(schema={INSTANCE_ID: pl.String})
_CLOCKS = ("outside_period", "clock_ahead", "clock_mismatch", "clock_jump", "overlap")

WATCHED: Mapping[str, tuple[str, ...]] = {
    "duplicate_person": ("duplicate_person", "duplicate_id", "near_identical", "probable_household"),
    "misspelt_duplicate": ("probable_household", "duplicate_id", "near_identical"),
    "fabricated": ("straight_line", "short_duration"),
    "clock_drift": _CLOCKS,
    "no_consent": ("no_consent",),
    "abandoned": ("abandoned",),
    "outlier": ("outlier",),
    "roster_size": ("roster_size",),
    "outside_commune": ("outside_commune",),
    "long_duration": ("long_duration",),
    "impossible_duration": ("impossible_duration", "short_duration"),
}
"""Kind of planted fault -> the field-work checks that are there for it; other kinds are for rules of the form."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A planted fault that no finding names.

    Attributes:
        note: what the rehearsal says it did.
        original: the interview that it copies, "" if it is none.
        told: findings on its interview, those of severity info and those about other questions among them.
        unit_told: rules that name the enumerator whose fault it is.
    """

    instance_id: str
    kind: str
    questions: tuple[str, ...] = ()
    note: str = ""
    original: str = ""
    told: tuple[Finding, ...] = ()
    unit_told: tuple[str, ...] = ()


class Explainer:
    """Explains the misses of one rehearsal; what several need is measured once.

    Args:
        task: what the checks looked at.
        unmade: rule id -> why it wasn't judged, of all rules of the form, its sheets and field work.
    """

    def __init__(self, task: Task, unmade: Mapping[str, str]) -> None:
        self.task = task
        self._unmade = unmade
        self._reasons: Mapping[str, Callable[[Miss, Mapping[str, Any]], str]] = {
            "duplicate_person": self._linked,
            "misspelt_duplicate": self._linked,
            "fabricated": self._fabricated,
            "clock_drift": self._clock,
            "no_consent": self._consent,
            "abandoned": self._abandoned,
            "outlier": self._outlier,
            "roster_size": self._roster,
            "outside_commune": self._place,
            "long_duration": self._duration,
            "impossible_duration": self._duration,
        }

    def explain(self, miss: Miss) -> str:
        """One or more sentences."""
        found = self.task.interviews.filter(pl.col(INSTANCE_ID) == miss.instance_id)
        if found.is_empty():
            return "The interview isn't among those that count: superseded, excluded, or not read yet."
        told = sorted({row.rule_id for row in miss.told if row.severity == "info"})
        parts = [f"As information only: {', '.join(told)}."] if told else []
        watched = [PREFIX + name for name in WATCHED.get(miss.kind, ())]
        parts += [f"{name} wasn't judged: {self._unmade[name]}." for name in watched if name in self._unmade]
        reason = self._reasons.get(miss.kind)
        parts.append(self._rules(miss) if reason is None else reason(miss, found.row(0, named=True)))
        return " ".join(parts)

    @cached_property
    def lines(self) -> pl.DataFrame:
        """`lines.measure_lines` of all interviews."""
        return measure_lines(self.task)

    @cached_property
    def pairs(self) -> pl.DataFrame | NotChecked:
        """Every pair of interviews that linkage compares, with its probability."""
        return link_households(self.task, 0.0)

    @cached_property
    def distances(self) -> dict[str, pl.DataFrame]:
        """`outliers.measure_distances` by name of question."""
        return {field.name: frame for field, frame in measure_distances(self.task)}

    def _limit(self, check: str, name: str) -> float:
        return self.task.parameters.number(check, name, _BY_NAME[check].defaults)

    def _rules(self, miss: Miss) -> str:
        """Why no rule of the form told a fault in one question."""
        asked = ", ".join(miss.questions) or "the interview"
        about = {rule: why for rule, why in self._unmade.items() if rule.rpartition("/")[2] in miss.questions}
        if about:
            reasons = "; ".join(f"{rule}: {why}" for rule, why in sorted(about.items()))
            return f"Rules about {asked} that can't be judged: {reasons}."
        others = sorted({row.rule_id for row in miss.told})
        told = f" Its findings are about other questions: {', '.join(others)}." if others else ""
        return f"No rule of the form or its sheet checks forbids it in {asked}.{told}"

    def _fabricated(self, miss: Miss, row: Mapping[str, Any]) -> str:
        lines = self.lines.filter(pl.col(INSTANCE_ID) == miss.instance_id).row(0, named=True)
        least, share, far = (self._limit("straight_line", name) for name in ("min_answers", "share", "deviations"))
        if lines[ANSWERED] < least:
            told = f"It answers {lines[ANSWERED]} choices of lists; fewer than straight_line.min_answers = {least:g}."
        else:
            told = (
                f"{lines[COUNT]} of its {lines[ANSWERED]} choices stand at one place of their lists, "
                f"{lines[BEYOND]:.2f} deviations beyond what is usual; told from straight_line.share = {share:g} and"
                f" more than straight_line.deviations = {far:g} on; of enumerators with many such interviews from"
                f" enumerator_lines.deviations = {self._limit('enumerator_lines', 'deviations'):g} on."
            )
        lasted = _minutes(row)
        settings = self.task.settings
        if lasted is not None and lasted >= settings.duration_min_minutes:
            told += (
                f" It took {lasted:.0f} minutes; shorter than duration_min_minutes = {settings.duration_min_minutes:g}"
            )
            told += " is told."
        if miss.unit_told:
            return f"{told} Who made it is named all the same: {', '.join(miss.unit_told)}."
        enough = self.task.general("min_interviews")
        return f"{told} Checks on enumerators judge who made general.min_interviews = {enough:g} interviews or more."

    def _clock(self, miss: Miss, row: Mapping[str, Any]) -> str:
        settings = self.task.settings
        first, last = settings.fieldwork_start or "none", settings.fieldwork_end or "none"
        unknown = "" if row[RECEIVED_AT] is not None else ", arrival unknown"
        ahead = self._limit("clock_ahead", "minutes")
        return (
            f"{miss.note} It then lies within field work (fieldwork_start = {first}, fieldwork_end = {last}), not after"
            f" its arrival (clock_ahead.minutes = {ahead:g}{unknown}); its own log and date moved with it, and no other"
            " interview of that phone was open then: an interview could have been held at that hour."
        )

    def _outlier(self, miss: Miss, row: Mapping[str, Any]) -> str:
        least, factor = self._limit("outlier", "min_answers"), self._limit("outlier", "factor")
        parts = []
        for name in miss.questions:
            mine = self.distances.get(name, _NOTHING).filter(pl.col(INSTANCE_ID) == miss.instance_id)
            if mine.is_empty():
                continue
            far = mine.sort(DISTANCE, nulls_last=True, descending=True).row(0, named=True)
            if far[GIVEN] < least:
                parts.append(f"{name} has {far[GIVEN]} answers; judged from outlier.min_answers = {least:g} on.")
            elif far[DIFFERENT] < VARIED:
                parts.append(f"{name} has {far[DIFFERENT]} different answers; judged from {VARIED} on.")
            elif far[DISTANCE] is None:
                parts.append(f"All answers to {name} are nearly the same; no distance can be told.")
            else:
                parts.append(
                    f"{name} lies {max(far[DISTANCE], 0):.1f} quartile distances outside the quartiles of its"
                    f" {far[GIVEN]} answers; told beyond outlier.factor = {factor:g}."
                )
        return " ".join(parts) or f"{', '.join(miss.questions)} isn't among the numbers that outlier looks at."

    def _linked(self, miss: Miss, row: Mapping[str, Any]) -> str:
        if not miss.original or self.task.personal is None:
            return "It isn't known of which interview it is a copy, or personal answers weren't read."
        least = self._limit("probable_household", "probability")
        pairs = self.pairs
        if isinstance(pairs, NotChecked):
            return f"Linkage: {pairs.reason}."
        two = [miss.instance_id, miss.original]
        both = pairs.filter(pl.col("left").is_in(two) & pl.col("right").is_in(two))
        if both.is_empty():
            return (
                "It shares no key with the interview that it copies (telephone, document, address, names by sound, date"
                " of birth), or only keys that many have, so that the two weren't compared."
            )
        chance = both["probability"][0]
        told = f"told from probable_household.probability = {least:g} on"
        return f"Linkage takes the two for one household with probability {chance:.2f}; {told}."

    def _duration(self, miss: Miss, row: Mapping[str, Any]) -> str:
        lasted = _minutes(row)
        if lasted is None:
            return "It has no start or no end."
        settings = self.task.settings
        return (
            f"It took {lasted:.1f} minutes for {row[ANSWERS]} answers; told are more than duration_max_minutes ="
            f" {settings.duration_max_minutes:g}, and less than duration_seconds_per_answer ="
            f" {settings.duration_seconds_per_answer:g} for each answer."
        )

    def _abandoned(self, miss: Miss, row: Mapping[str, Any]) -> str:
        share, least = self._limit("abandoned", "last_share"), self.task.general("min_answers")
        return (
            f"It has {row[ANSWERS]} answers (general.min_answers = {least:g}), or one of the last questions is answered"
            f" (abandoned.last_share = {share:g})."
        )

    def _consent(self, miss: Miss, row: Mapping[str, Any]) -> str:
        most = self._limit("no_consent", "most_answers")
        return (
            f"It counts from more than no_consent.most_answers = {most:g} answers after the question on; it has fewer."
        )

    def _roster(self, miss: Miss, row: Mapping[str, Any]) -> str:
        named = " ".join(self.task.parameters.names("roster_size", "rosters", _BY_NAME["roster_size"].defaults))
        return f"roster_size.rosters = {named or 'nothing'} doesn't name {', '.join(miss.questions)}."

    def _place(self, miss: Miss, row: Mapping[str, Any]) -> str:
        band = self._limit("outside_commune", "band_metres")
        return f"Its position is missing, or less than outside_commune.band_metres = {band:g} outside the boundary."


def _minutes(row: Mapping[str, Any]) -> float | None:
    start, end = row[START], row[END]
    return None if start is None or end is None else float((end - start).total_seconds()) / 60
