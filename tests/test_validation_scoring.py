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


def test_a_finding_about_another_question_than_the_fault_touched_is_chance() -> None:
    lines = [truth(key, "clock_drift", touched=["start", "end"]) for key in "abc"]
    findings = [
        finding("a", "field:interpreter", "/data", "interpreter"),
        finding("b", "field:clock_ahead", "/data"),
        finding("c", "field:outside_period", "/data", "start"),
    ]
    (kind,) = score(lines, findings).kinds
    assert (kind.found, kind.noticed, kind.missed) == (2, 3, (("a", ()),))


def test_acts_from_which_nothing_should_come_are_counted_too() -> None:
    lines = [truth(key, "duplicate_send", expected="nothing") for key in "abcd"]
    result = score(lines, [finding("b", "check:x", "/data", "age")], ["a", "b", "c", "c"])
    (act,) = result.harmless
    assert (act.kind, act.planted, act.kept, act.alarmed) == ("duplicate_send", 4, 2, 1)
    assert (result.clean, result.alarmed) == (3, 1)


def test_the_enumerator_who_makes_interviews_up_is_looked_for_among_the_findings() -> None:
    def about(unit: str, rule: str) -> Finding:
        return Finding("f", "1", "", unit, f"field:{rule}", "field", "warning", "/data", {})

    lines = [truth(key, "fabricated", unit="enumerator:7") for key in "ab"]
    findings = [
        about("enumerator:7/question:age", "enumerator_mean"),
        about("enumerator:7/question:sex", "enumerator_mean"),
        about("enumerator:7", "dont_know_by_enumerator"),
        about("enumerator:8/question:sex", "enumerator_mean"),
        about("enumerator:9", "productivity"),
    ]
    (unit,) = score(lines, findings).units
    assert (unit.unit, unit.planted, unit.others) == ("enumerator:7", 2, 1)
    assert unit.rules == {"field:dont_know_by_enumerator": 1, "field:enumerator_mean": 2}
