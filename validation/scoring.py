"""How well findings match the errors that were planted in a rehearsal."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
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
class Score:
    """The outcome of a rehearsal.

    Attributes:
        kinds: in order of first appearance in the truth.
        clean: interviews in which nothing was planted, null if the interviews weren't given.
        alarmed: clean interviews with a finding.
        false_alarms: rule id -> findings on clean interviews.
    """

    kinds: tuple[KindScore, ...]
    clean: int | None
    alarmed: int
    false_alarms: Mapping[str, int]

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
    interviews: Collection[str] | None = None,
    severities: Collection[str] = ("error", "warning"),
) -> Score:
    """Compare findings with the truth about what was planted.

    Args:
        truth_lines: JSON lines with instance_id, kind and question or questions (a name, or a list of names; none
            means that any finding on the interview counts). Lines that expect "nothing" (an interview sent twice, a
            late photo) leave their interview clean.
        findings: of the same interviews.
        interviews: ids of all interviews, to count the clean ones.
        severities: findings of other severities count neither as found nor as false alarms. Nor do those that are
            about no single interview: what was planted is told interview by interview.
    """
    by_instance: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity in severities and finding.instance_id:  # others are about enumerators, days, the survey
            by_instance.setdefault(finding.instance_id, []).append(finding)
    tallies: dict[str, _Tally] = {}
    spoiled: set[str] = set()
    for line in truth_lines:
        if not line.strip():
            continue
        truth: dict[str, Any] = json.loads(line)
        if truth.get("expected") == "nothing":
            continue
        spoiled.add(truth["instance_id"])
        questions = _questions(truth)
        on_it = by_instance.get(truth["instance_id"], [])
        tallies.setdefault(truth["kind"], _Tally()).add(truth["instance_id"], questions, on_it)
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
    )


@dataclass(slots=True)
class _Tally:
    planted: int = 0
    found: int = 0
    noticed: int = 0
    missed: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    rules: dict[str, int] = field(default_factory=dict)

    def add(self, instance_id: str, questions: tuple[str, ...], findings: list[Finding]) -> None:
        """Count one planted error; `findings` are those on its interview."""
        self.planted += 1
        self.noticed += bool(findings)
        hits = {finding.rule_id for finding in findings if not questions or _names(finding) & set(questions)}
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


def _names(finding: Finding) -> set[str]:
    """The questions that a finding names: its variables and the last name of its path."""
    return {*finding.variables, finding.path.rpartition("/")[2]}
