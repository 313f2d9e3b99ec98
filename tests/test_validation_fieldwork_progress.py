"""Progress, enumerators' tables, and response rates as AAPOR defines them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from schemas.workbook import MonitoringRow
from tests.fieldwork_survey import FORM, SHEET, Survey, found
from validation.fieldwork import enumerators, progress, responses
from validation.fieldwork.response import response_rates

PERIOD = {"timezone": "America/Santiago", "fieldwork_start": "2026-03-01", "fieldwork_end": "2026-03-20"}


def sheet(*rows: tuple[str, str, str]) -> list[MonitoringRow]:
    return [MonitoringRow(*row, row=at) for at, row in enumerate((*SHEET, *rows), 2)]


def test_rates_are_those_of_the_definitions() -> None:
    counts = {"110": 400, "120": 50, "211": 150, "220": 100, "232": 30, "310": 120, "390": 60, "451": 90, "x": 4}
    codes = pl.DataFrame({"_code": [code for code, times in counts.items() for _ in range(times)]})
    (row,) = response_rates(codes).iter_rows(named=True)
    e = 730 / 820
    assert row["e"] == pytest.approx(e)
    assert row["unknown_code"] == 4
    expected = {"RR1": 400 / 910, "RR2": 450 / 910, "RR3": 400 / (730 + e * 180), "RR4": 450 / (730 + e * 180)}
    expected |= {"RR5": 400 / 730, "RR6": 450 / 730, "COOP1": 400 / 630, "COOP2": 450 / 630, "COOP3": 400 / 600}
    expected |= {"COOP4": 450 / 600, "REF1": 150 / 910, "REF3": 150 / 730, "CON1": 630 / 910, "CON3": 630 / 730}
    assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_nothing_is_divided_by_nothing() -> None:
    (row,) = response_rates(pl.DataFrame({"_code": []}, schema={"_code": pl.String})).iter_rows(named=True)
    assert (row["RR1"], row["I"]) == (None, 0)


def test_progress_against_sample_quota_and_day() -> None:
    survey = Survey()
    survey.change(survey.main[:20], lambda row: {"result": "220"})
    rows = [("general", "target", "600"), ("general", "psu_target", "14")]
    rows += [("behind_schedule", "quota_question", "tongue"), ("behind_schedule", "quota", "en=300 ht=100 fr=50")]
    table = progress(FORM, survey.tables(), PERIOD, sheet(*rows), datetime(2026, 3, 10, 12, tzinfo=UTC))
    total = table.row(0, named=True)
    assert (total["kind"], total["target"], total["expected"]) == ("commune", 600, 300)
    assert (total["interviews"], total["complete"], total["last_day"]) == (300, 280, date(2026, 3, 9))
    quotas = {row["name"]: (row["target"], row["expected"]) for row in table.filter(kind="quota").iter_rows(named=True)}
    assert quotas == {"en": (300, 150), "ht": (100, 50), "fr": (50, 25)}
    assert table.filter(kind="quota", name="fr")["complete"].to_list() == [0]
    units = table.filter(kind="psu")
    assert units.height == 20
    judged = survey.judge(*rows, settings=PERIOD, today=datetime(2026, 3, 12, tzinfo=UTC))
    assert found(judged, "behind_schedule") == {"commune:f", "quota:fr", "quota:en"}
    assert len(found(judged, "psu_exceeded")) == 18


def test_enumerators_table() -> None:
    survey = Survey()
    survey.change(survey.of(3)[:15], lambda row: {"result": "211", "consent": "no"})
    table = enumerators(FORM, survey.tables(), PERIOD, sheet())
    assert table["enumerator"].to_list() == [str(number) for number in range(1, 11)]
    third = table.row(2, named=True)
    assert (third["interviews"], third["complete"], third["refusals"], third["days"]) == (30, 15, 0.5, 8)
    assert 25 <= third["median_minutes"] < 45
    evaluation = survey.judge()
    assert found(evaluation, "refusals_by_enumerator") == {"enumerator:3"}


def test_low_response_is_told_once_for_the_commune() -> None:
    survey = Survey()
    survey.change(survey.main[::2] + survey.main[1:40:2], lambda row: {"result": "220"})
    assert found(survey.judge(), "response_rate") == {"commune:f"}
    rates = responses(FORM, survey.tables(), PERIOD, sheet())
    assert rates is not None
    assert rates["RR1"].to_list() == [pytest.approx(130 / 300)]
    assert responses(FORM, survey.tables(), PERIOD) is None
