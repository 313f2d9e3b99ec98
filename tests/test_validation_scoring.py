"""Findings against the truth about planted errors."""

from __future__ import annotations

import json

from schemas.findings import Finding
from validation.scoring import score


def finding(instance_id: str, rule_id: str, path: str, *variables: str, severity: str = "error") -> Finding:
    return Finding("f", "1", instance_id, "", rule_id, "check", severity, path, {}, {}, variables)  # type: ignore[arg-type]


def truth(instance_id: str, kind: str, **more: object) -> str:
    return json.dumps({"instance_id": instance_id, "kind": kind, **more})


def test_planted_errors_are_found_by_interview_and_question() -> None:
    lines = [
        truth("a", "constraint", question="age"),
        truth("b", "constraint", question="age"),
        truth("c", "duplicate", questions=[]),
        truth("d", "skip", questions=["sex", "age"]),
        truth("e", "skip", questions="sex age"),
        truth("y", "duplicate_send", questions=[], expected="nothing"),
        "",
    ]
    findings = [
        finding("a", "constraint:/data/age", "/data/age", "age"),
        finding("a", "check:x", "/data", "age"),
        finding("b", "constraint:/data/n", "/data/n", "n"),
        finding("c", "field:duplicate_person", "/data"),
        finding("d", "relevant:/data/g/sex", "/data/g/sex"),
        finding("e", "field:at_night", "/data", "sex", severity="info"),
        finding("z", "check:x", "/data", "age"),
        finding("z", "check:y", "/data", "age"),
    ]
    result = score(lines, findings, interviews=["a", "b", "c", "d", "e", "y", "z"])
    constraint, duplicate, skip = result.kinds
    assert (constraint.planted, constraint.found, constraint.noticed) == (2, 1, 2)
    assert constraint.missed == (("b", ("age",)),)
    assert constraint.rules == {"check:x": 1, "constraint:/data/age": 1}
    assert (constraint.recall, constraint.alarmed, constraint.precision) == (0.5, 1, 0.5)
    assert (duplicate.planted, duplicate.found, duplicate.recall, duplicate.precision) == (1, 1, 1.0, 1.0)
    assert (skip.planted, skip.found, skip.noticed) == (2, 1, 1)
    assert (result.planted, result.found) == (5, 3)
    assert (result.clean, result.alarmed) == (2, 1)
    assert result.false_alarms == {"check:x": 1, "check:y": 1}


def test_nothing_planted_nothing_found() -> None:
    result = score([], [])
    assert (result.kinds, result.clean, result.alarmed, result.planted) == ((), None, 0, 0)


def test_findings_about_no_single_interview_are_no_false_alarms() -> None:
    result = score(
        [truth("a", "constraint")], [finding("", "field:enumerator_mean", "/data", severity="warning")], ["a", "b"]
    )
    assert (result.found, result.alarmed, result.false_alarms) == (0, 0, {})
