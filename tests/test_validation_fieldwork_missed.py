"""Why the checks missed what a rehearsal planted: each sentence names the limit that the fault stayed under."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from schemas.findings import Finding
from schemas.workbook import MonitoringRow
from tests.fieldwork_survey import FORM, SELECTS, SHEET, Survey
from validation.fieldwork import make_task
from validation.fieldwork.missed import WATCHED, Explainer, Miss

PERSONAL = dict.fromkeys(("instance_id", "row_id", "question", "value"), pl.String)


SYLLABLES = ("ba", "ri", "lo", "men", "gu", "za", "tis", "per", "ko", "cha", "fu", "dor")


def name(number: int) -> str:
    """One that sounds like no other."""
    return " ".join(SYLLABLES[number // step % 12] + SYLLABLES[number // step % 7] for step in (1, 12))


def explainer(survey: Survey, *rows: tuple[str, str, str], unmade: dict[str, str] | None = None) -> Explainer:
    sheet = [MonitoringRow(*row, row=at + 2) for at, row in enumerate((*SHEET, *rows))]
    personal = pl.DataFrame(survey.personal, schema=PERSONAL, orient="row")
    task = make_task(FORM, survey.tables(), {"fieldwork_start": "2026-03-01"}, sheet, personal)
    return Explainer(task, unmade or {})


def test_a_number_says_how_far_it_lies_and_from_where_it_would_be_told() -> None:
    survey = Survey()
    survey.change(survey.main[40:41], lambda row: {"income": 2_000_000})
    explain = explainer(survey, ("outlier", "factor", "9"))
    told = explain.explain(Miss("i0040", "outlier", ("income",)))
    assert "quartile distances outside the quartiles of its 300 answers; told beyond outlier.factor = 9." in told
    assert "2000000" not in told and "2,000,000" not in told


def test_a_number_that_few_were_asked_says_so() -> None:
    survey = Survey()
    survey.change(survey.main[20:], lambda row: {"income": None})
    told = explainer(survey).explain(Miss("i0003", "outlier", ("income",)))
    assert told == "income has 20 answers; judged from outlier.min_answers = 30 on."


def test_a_made_up_interview_says_how_straight_it_is_and_whether_its_enumerator_is_named() -> None:
    survey = Survey()
    survey.change(
        survey.main[9:10], lambda row: {f"s{number}": "2" if number < 13 else "4" for number in range(SELECTS)}
    )
    explain = explainer(survey)
    told = explain.explain(Miss("i0009", "fabricated", unit_told=("field:enumerator_choices",)))
    assert "choices stand at one place of their lists" in told
    assert "straight_line.deviations = 5" in told and "duration_min_minutes = 5" in told
    assert "Who made it is named all the same: field:enumerator_choices." in told
    assert "general.min_interviews = 15" in explain.explain(Miss("i0009", "fabricated"))


def test_a_clock_a_few_hours_off_says_why_nothing_contradicts_it() -> None:
    told = explainer(Survey()).explain(Miss("i0009", "clock_drift", note="The phone's clock is off by 0.125 days."))
    assert told.startswith("The phone's clock is off by 0.125 days. It then lies within field work")
    assert "fieldwork_start = 2026-03-01" in told and "clock_ahead.minutes = 15" in told


def test_copies_say_how_probable_linkage_finds_them_or_that_it_never_compared_them() -> None:
    survey = Survey()
    firsts = [row for row in survey.people if row["_row_id"] == "person[1]"]
    names = {str(row["_instance_id"]): name(at) for at, row in enumerate(firsts)}
    alike = names["i0100"] = names["i0010"]
    survey.personal += [(key, "person[1]", "p_name", value) for key, value in names.items()]
    survey.people = [row | {"sex": "1" if row["_instance_id"] == "i0010" else "2", "years": 5} for row in firsts]
    explain = explainer(survey)
    linked = explain.explain(Miss("i0100", "misspelt_duplicate", original="i0010"))
    assert "for one household with probability 0." in linked and "probable_household.probability = 0.95" in linked
    assert "shares no key" in explain.explain(Miss("i0200", "misspelt_duplicate", original="i0010"))
    assert alike not in linked


def test_a_check_that_was_not_made_is_the_reason() -> None:
    explain = explainer(Survey(), unmade={"field:abandoned": "it is switched off in the monitoring sheet"})
    told = explain.explain(Miss("i0009", "abandoned"))
    assert told.startswith("field:abandoned wasn't judged: it is switched off in the monitoring sheet.")


def test_an_error_in_a_question_says_which_rules_could_not_be_judged_or_that_there_is_none() -> None:
    explain = explainer(Survey(), unmade={"constraint:/data/age": "once() gives another value each time"})
    assert "constraint:/data/age: once()" in explain.explain(Miss("i0009", "out_of_range", ("age",)))
    other = Finding("f", "1", "i0009", "", "check:x", "check", "error", "/data", {})
    told = explain.explain(Miss("i0009", "out_of_range", ("income",), told=(other,)))
    assert told.startswith("No rule of the form") and told.endswith("about other questions: check:x.")


def test_information_and_interviews_that_do_not_count_are_told() -> None:
    survey = Survey()
    survey.change(survey.main[9:10], lambda row: {"end": row["start"] + timedelta(minutes=30)})
    night = Finding("f", "1", "i0009", "", "field:at_night", "field", "info", "/data", {})
    told = explainer(survey).explain(Miss("i0009", "long_duration", told=(night,)))
    assert told.startswith("As information only: field:at_night. It took 30.0 minutes")
    assert "duration_max_minutes = 240" in told
    assert "isn't among those that count" in explainer(survey).explain(Miss("nowhere", "long_duration"))


@pytest.mark.parametrize("kind", WATCHED)
def test_every_kind_of_fault_of_field_work_has_a_sentence(kind: str) -> None:
    told = explainer(Survey()).explain(Miss("i0009", kind, ("size",), "A note."))
    assert told.endswith(".") and len(told) > 20
