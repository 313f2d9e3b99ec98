"""The findings of a survey gone through once for its data-quality report: counted by rule, and listed in a file.

There may be a million: none is held longer than it takes to write its line.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reports.quality.contents import RuleOutcome
from schemas.fields import MAIN_TABLE
from schemas.findings import Finding, Rule, RuleSummary
from store.finding_stream import find_samples, stream_states
from store.open import Store

DUPLICATE = "field:duplicate_person"
COLUMNS = ("instance_id", "row_id", "rule_id", "severity", "state")


@dataclass(slots=True)
class FindingCounts:
    """What there was.

    Attributes:
        open, closed, accepted: rule id -> findings; an accepted one is open too.
        duplicates: interviews with an open finding of the same person twice.
        samples: rule id -> a finding, of rules that weren't evaluated and found something while answers were read.
        path: the list, one line a finding.
    """

    path: Path
    open: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    duplicates: set[str] = field(default_factory=set)
    samples: Mapping[str, Finding] = field(default_factory=dict)


def count_findings(
    store: Store,
    form_id: str,
    accepted: Collection[tuple[str, str, str]],
    runs: Sequence[RuleSummary],
    path: Path,
) -> FindingCounts:
    """Go through the findings of a form once, and list them in a file.

    Args:
        accepted: findings that a person accepted: rule id, instance id, row id.
        runs: the rules that were evaluated.
        path: of the file.
    """
    counts = FindingCounts(path)
    with path.open("w", encoding="utf-8", newline="") as file, store.read() as connection:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in stream_states(connection, form_id):
            state = "settled"
            if row.is_open:
                is_accepted = (row.rule_id, row.instance_id, row.row_id) in accepted
                state = "accepted" if is_accepted else "open"
                counts.open[row.rule_id] += 1
                counts.accepted[row.rule_id] += is_accepted
                if row.rule_id == DUPLICATE:
                    counts.duplicates.add(row.instance_id)
            else:
                counts.closed[row.rule_id] += 1
            writer.writerow((row.instance_id, row.row_id, row.rule_id, row.severity, state))
    others = (counts.open.keys() | counts.closed.keys()) - {row.rule.rule_id for row in runs}
    with store.read() as connection:
        counts.samples = find_samples(connection, form_id, others)
    return counts


def rule_outcomes(counts: FindingCounts, runs: Sequence[RuleSummary]) -> tuple[RuleOutcome, ...]:
    """Every rule that was evaluated, and those of reading that found something."""
    told: dict[str, RuleSummary] = {row.rule.rule_id: row for row in runs}
    for rule_id, found in counts.samples.items():
        rule = Rule(*(rule_id, found.kind, MAIN_TABLE, found.severity, ""), found.message, found.advice)
        told[rule_id] = RuleSummary(rule, 0, 0)
    return tuple(
        RuleOutcome(
            summary,
            counts.open[rule] + counts.closed[rule],
            counts.open[rule] - counts.accepted[rule],
            counts.accepted[rule],
        )
        for rule, summary in told.items()
    )
