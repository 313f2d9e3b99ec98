"""cleaning.csv: what cleaning did, without the size of any group that the figures may withhold."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from reports.contents import CleaningRow
from reports.paper_tables import FEW, cleaning_table
from schemas.findings import Rule, RuleSummary


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()


def rows(*cleaning: CleaningRow, rules: tuple[RuleSummary, ...] = ()) -> list[dict[str, object]]:
    _, contents = sample.build()
    return cleaning_table(replace(contents, cleaning=cleaning, rules=rules), 10).frame.rows(named=True)


def test_what_arrived_and_was_set_aside_is_told_to_the_last_interview() -> None:
    told = [(row["code"], row["records"], row["of"]) for row in rows()]
    assert told == [("received", 1030, None), ("accepted", 1021, 1030), ("rule", 7, 1030), ("unheard_of", 2, 1030)]


@pytest.mark.parametrize(("broken", "records", "withheld"), [(0, 0, ""), (9, None, FEW), (10, 10, "")])
def test_how_often_a_rule_was_broken_is_told_from_the_threshold_and_never_to_how_many_it_applies(
    broken: int, records: int | None, withheld: str
) -> None:
    rule = Rule("constraint:/data/visa", "constraint", "person", "error", "", {})
    (row,) = [each for each in rows(rules=(RuleSummary(rule, 13, broken),)) if each["step"] == "rule"]
    assert (row["rule"], row["records"], row["of"], row["withheld"]) == (rule.rule_id, records, None, withheld)


def test_of_imputed_answers_only_the_rate_is_told_and_none_of_a_small_group() -> None:
    told = rows(
        CleaningRow("imputation", "hot_deck", 12, 100, table="person", question="age"),
        CleaningRow("imputation", "class:sector=5", 3, 9, table="person", question="age"),
    )[4:]
    assert [(row["records"], row["of"], row["percent"]) for row in told] == [(None, None, 12), (None, None, None)]


def test_decisions_and_edits_are_counted_by_rule_and_question() -> None:
    told = rows(
        CleaningRow("decision", "accept", 25, rule="check:clean"),
        CleaningRow("decision", "correct", 4, table="person", question="age"),
        CleaningRow("edit", "changed", 30, 2422, table="person", question="age"),
    )[4:]
    assert [(row["records"], row["of"], row["withheld"]) for row in told] == [
        (25, None, ""),
        (None, None, FEW),
        (30, 2422, ""),
    ]
