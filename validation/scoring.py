"""How well findings match the errors that were planted in a rehearsal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.findings import Finding


@dataclass(frozen=True, slots=True)
class KindScore:
    """One kind of planted error.

    Attributes:
        planted: errors of this kind.
        found: those that some finding names: on the same interview, about one of the error's questions.
        noticed: those whose interview has a finding at all, though perhaps about another question.
        missed: (interview, questions) of those not found.
        rules: rule ids that found them, each with how many.
        alarmed: clean interviews in which one of these rules finds something too.
    """

    kind: str
    planted: int
    found: int
    noticed: int
    missed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    rules: Mapping[str, int] = field(default_factory=dict)
    alarmed: int = 0

    @property
    def recall(self) -> float:
        """Share of the planted errors that were found."""
        return self.found / self.planted if self.planted else 0.0

    @property
    def precision(self) -> float | None:
        """Share of right ones among the interviews in which the rules found something; null if they found nothing."""
        told = self.found + self.alarmed
        return self.found / told if told else None


@dataclass(frozen=True, slots=True)
class HarmlessScore:
    """One kind of act from which nothing should come: an interview sent twice, a file that came late.

    Attributes:
        planted: acts of this kind.
        kept: those whose interview is there, once.
        alarmed: those whose interview has a finding.
    """

    kind: str
    planted: int
    kept: int
    alarmed: int


@dataclass(frozen=True, slots=True)
class UnitScore:
    """Somebody whose many faults should be told together: an enumerator who makes interviews up.

    Attributes:
        unit: as findings name it, such as "enumerator:7".
        planted: faults of this unit.
        rules: rule ids that name it, each with how many findings.
        others: other units that these rules name.
    """

    kind: str
    unit: str
    planted: int
    rules: Mapping[str, int]
    others: int


@dataclass(frozen=True, slots=True)
class Score:
    """The outcome of a rehearsal.

    Attributes:
        kinds: in order of first appearance in the truth.
        clean: interviews in which nothing was planted, null if the interviews weren't given.
        alarmed: clean interviews with a finding.
        false_alarms: rule id -> findings on clean interviews.
        harmless: acts from which nothing should come, likewise in order.
        units: whom the truth says should be told, likewise.
    """

    kinds: tuple[KindScore, ...]
    clean: int | None
    alarmed: int
    false_alarms: Mapping[str, int]
    harmless: tuple[HarmlessScore, ...] = ()
    units: tuple[UnitScore, ...] = ()

    @property
    def planted(self) -> int:
        """Errors planted."""
        return sum(kind.planted for kind in self.kinds)

    @property
    def found(self) -> int:
        """Errors found."""
        return sum(kind.found for kind in self.kinds)


def score(
    truth_lines: Iterable[str],
    findings: Iterable[Finding],
    interviews: Sequence[str] | None = None,
    severities: Collection[str] = ("error", "warning"),
) -> Score:
    """Compare findings with the truth about what was planted.

    Args:
        truth_lines: JSON lines with instance_id, kind and question or questions (a name, or a list of names; none
            means that any finding on the interview counts, except those that name only questions which aren't among
            `touched`, where the line has that). Lines that expect "nothing" (an interview sent twice, a late photo)
            leave their interview clean.
        findings: of the same interviews.
        interviews: ids of all interviews, one a row of the main table, to count the clean ones.
        severities: findings of other severities count neither as found nor as false alarms. Nor do those that are
            about no single interview: what was planted is told interview by interview.
    """
    by_instance: dict[str, list[Finding]] = {}
    by_unit: dict[str, Counter[str]] = {}
    for finding in findings:
        if finding.severity not in severities:
            continue
        if finding.instance_id:
            by_instance.setdefault(finding.instance_id, []).append(finding)
        else:  # about an enumerator, a day, the survey
            by_unit.setdefault(finding.row_id.partition("/")[0], Counter())[finding.rule_id] += 1
    tallies: dict[str, _Tally] = {}
    spoiled: set[str] = set()
    rows = None if interviews is None else Counter(interviews)
    harmless: dict[str, HarmlessScore] = {}
    units: Counter[tuple[str, str]] = Counter()
    for line in truth_lines:
        if not line.strip():
            continue
        truth: dict[str, Any] = json.loads(line)
        if truth.get("expected") == "nothing":
            known = harmless.get(truth["kind"], HarmlessScore(truth["kind"], 0, 0, 0))
            kept = rows is None or rows[truth["instance_id"]] == 1
            alarms_here = truth["instance_id"] in by_instance
            counted = (known.planted + 1, known.kept + kept, known.alarmed + alarms_here)
            harmless[truth["kind"]] = HarmlessScore(truth["kind"], *counted)
            continue
        spoiled.add(truth["instance_id"])
        if truth.get("unit"):
            units[truth["kind"], truth["unit"]] += 1
        questions = _questions(truth)
        on_it = by_instance.get(truth["instance_id"], [])
        touched = frozenset(map(str, truth.get("touched") or ()))
        tallies.setdefault(truth["kind"], _Tally()).add(truth["instance_id"], questions, on_it, touched)
    alarms: dict[str, int] = {}
    alarmed = set(by_instance) - spoiled
    for instance_id in alarmed:
        for finding in by_instance[instance_id]:
            alarms[finding.rule_id] = alarms.get(finding.rule_id, 0) + 1
    return Score(
        kinds=tuple(tally.close(kind, [by_instance[key] for key in alarmed]) for kind, tally in tallies.items()),
        clean=None if interviews is None else len(set(interviews) - spoiled),
        alarmed=len(alarmed),
        false_alarms=dict(sorted(alarms.items())),
        harmless=tuple(harmless.values()),
        units=tuple(_score_unit(*key, planted, by_unit) for key, planted in units.items()),
    )


def _score_unit(kind: str, unit: str, planted: int, by_unit: Mapping[str, Mapping[str, int]]) -> UnitScore:
    rules = by_unit.get(unit, {})
    alike = unit.partition(":")[0] + ":"
    others = sum(
        name != unit and name.startswith(alike) and bool(rules.keys() & told) for name, told in by_unit.items()
    )
    return UnitScore(kind, unit, planted, dict(sorted(rules.items())), others)


@dataclass(slots=True)
class _Tally:
    planted: int = 0
    found: int = 0
    noticed: int = 0
    missed: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    rules: dict[str, int] = field(default_factory=dict)

    def add(
        self, instance_id: str, questions: tuple[str, ...], findings: list[Finding], touched: frozenset[str]
    ) -> None:
        """Count one planted error; `findings` are those on its interview."""
        self.planted += 1
        self.noticed += bool(findings)
        hits = {finding.rule_id for finding in findings if _tells(finding, set(questions), touched)}
        self.found += bool(hits)
        if not hits:
            self.missed.append((instance_id, questions))
        for rule_id in hits:
            self.rules[rule_id] = self.rules.get(rule_id, 0) + 1

    def close(self, kind: str, clean: Iterable[list[Finding]]) -> KindScore:
        """The score of this kind; `clean`: findings of each clean interview that has any."""
        rules = dict(sorted(self.rules.items()))
        alarmed = sum(any(finding.rule_id in rules for finding in findings) for findings in clean)
        return KindScore(kind, self.planted, self.found, self.noticed, tuple(self.missed), rules, alarmed)


def _questions(truth: Mapping[str, Any]) -> tuple[str, ...]:
    given = truth.get("questions", truth.get("question")) or ()
    return tuple(given.split()) if isinstance(given, str) else tuple(str(name) for name in given)


def _tells(finding: Finding, questions: set[str], touched: frozenset[str]) -> bool:
    """Whether a finding may be due to the fault."""
    if questions:
        return bool(_names(finding) & questions)
    # One about the whole interview names no question.
    return not touched or not finding.variables or bool(_names(finding) & touched)


def _names(finding: Finding) -> set[str]:
    """The questions that a finding names: its variables and the last name of its path."""
    return {*finding.variables, finding.path.rpartition("/")[2]}
