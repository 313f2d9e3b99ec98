"""What clocks and positions show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
import shapely

from tests.fieldwork_survey import START, Survey, found

AREA = shapely.box(-70.80, -33.42, -70.66, -33.30)
"""Around the survey's places."""


@pytest.mark.parametrize(
    ("check", "change", "expected"),
    [
        ("clock_ahead", lambda row: {"_received_at": row["end"] - timedelta(minutes=20)}, True),
        ("clock_ahead", lambda row: {"_received_at": row["end"] - timedelta(minutes=5)}, False),
        ("clock_mismatch", lambda row: {"today": row["today"] - timedelta(days=3)}, True),
        ("clock_mismatch", lambda row: {"today": row["today"] - timedelta(days=1)}, False),
        ("overlap", lambda row: {"start": row["start"] - timedelta(minutes=70)}, True),
        ("overlap", lambda row: {"start": row["start"] - timedelta(minutes=70), "deviceid": "other"}, False),
    ],
)
def test_interview_on_a_wrong_clock_is_named(
    check: str, change: Callable[[dict[str, Any]], dict[str, Any]], expected: bool
) -> None:
    survey = Survey()
    survey.change(survey.main[15:16], change)
    assert bool(found(survey.judge(), check)) == expected


def events(survey: Survey, seconds: float = 60) -> pl.DataFrame:
    rows = [
        {"_instance_id": row["_instance_id"], "start": row["start"] + timedelta(seconds=at * seconds)}
        | {"section": "home" if at < 6 else "work", "question": f"q{at}", "seconds": seconds}
        for row in survey.main
        for at in range(12)
    ]
    return pl.DataFrame(rows, schema_overrides={"start": pl.Datetime("ms", "UTC"), "seconds": pl.Float64})


def test_logged_events_that_are_not_of_the_interview() -> None:
    survey = Survey()
    survey.audit = events(survey)
    assert found(survey.judge(), "clock_jump") == set()
    survey.change(
        survey.main[3:4],
        lambda row: {"start": row["start"] + timedelta(hours=9)} | {"end": row["end"] + timedelta(hours=9)},
    )
    back = pl.col("start").dt.offset_by("-1h")
    is_back = (pl.col("_instance_id") == "i0005") & (pl.col("question") == "q7")
    survey.audit = survey.audit.with_columns(pl.when(is_back).then(back).otherwise("start").alias("start"))
    assert found(survey.judge(), "clock_jump") == {"i0003", "i0005"}


def test_section_that_was_rushed_through() -> None:
    survey = Survey()
    hurried = (pl.col("_instance_id") == "i0008") & (pl.col("section") == "work")
    quick = pl.when(hurried).then(3.0).otherwise("seconds")
    survey.audit = events(survey).with_columns(quick.alias("seconds"))
    (finding,) = [each for each in survey.judge().findings if each.rule_id == "field:section_short"]
    assert (finding.instance_id, finding.message["en"].endswith("Sections: work.")) == ("i0008", True)


def test_more_interviews_than_a_day_has_room_for() -> None:
    survey = Survey()
    survey.change(survey.of(2)[:15], lambda row: {"start": START, "end": START + timedelta(minutes=30)})
    evaluation = survey.judge()
    assert found(evaluation, "productivity") == {"enumerator:2/day:2026-03-02"}


@pytest.mark.parametrize(
    ("place", "check"),
    [
        ("-33.36 -70.6 0 5", "outside_commune"),
        ("-33.36 -70.657 0 5", ""),  # 280 m outside: the boundary isn't that precise
        ("-33.36 -70.73 0 80", "poor_accuracy"),
        ("unreadable", ""),
    ],
)
def test_position_outside_or_imprecise(place: str, check: str) -> None:
    survey = Survey()
    survey.personal[7] = ("i0007", "", "place", place)
    evaluation = survey.judge(boundary=AREA)
    assert [(each.rule_id, each.instance_id) for each in evaluation.findings] == (
        [(f"field:{check}", "i0007")] if check else []
    )
    assert place not in repr(list(evaluation.findings))


def test_many_interviews_at_one_spot_by_one_enumerator() -> None:
    survey = Survey()
    for at in range(60):
        survey.personal[at] = (f"i{at:04}", "", "place", f"-33.36 {-70.73 + at * 1e-7} 0 5")
    theirs = {row["_instance_id"] for row in survey.main[:60]}
    assert found(survey.judge(boundary=AREA), "same_spot") == theirs
    assert found(survey.judge(("same_spot", "most", "6"), boundary=AREA), "same_spot") == set()


def test_without_personal_answers_or_boundary_positions_are_not_checked() -> None:
    reasons = {rule.rule_id: rule.not_checked for rule in Survey().judge(personal=None).not_checked}
    assert "personal answers" in reasons["field:same_spot"]
    assert (
        "boundary" in {rule.rule_id: rule.not_checked for rule in Survey().judge().not_checked}["field:outside_commune"]
    )
