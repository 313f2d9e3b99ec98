"""The days of field work are those of interviews, by the clock of the place; findings are listed one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.quality_days import fieldwork_days
from flows.quality_findings import count_findings, rule_outcomes
from schemas.fields import Field, Form, Group, Table
from schemas.findings import Finding, Rule, RuleSummary
from store.findings import put_findings
from store.open import Store

START = Field("begun", "/data/begun", type="dateTime", column="begun", preload="timestamp/start")
TODAY = Field("day", "/data/day", type="date", column="day", preload="date/today")


def form(*fields: Field) -> Form:
    return Form("f", "1", "F", Group("data", "/data", fields), (Table("main", "/data", None, fields),))


def main(arrived: list[datetime], **columns: Any) -> pl.DataFrame:  # noqa: ANN401
    frame = {"_instance_id": [f"uuid:{number}" for number in range(len(arrived))], "_received_at": arrived}
    return pl.DataFrame(frame | columns)


SENT = [datetime(2026, 3, 9, 12, tzinfo=UTC), datetime(2026, 3, 10, 1, tzinfo=UTC)]


def test_an_interview_late_in_the_evening_belongs_to_the_day_on_the_wall() -> None:
    begun = [datetime(2026, 3, 2, 13, tzinfo=UTC), datetime(2026, 3, 6, 2, 30, tzinfo=UTC)]
    tables = {"main": main(SENT, begun=begun)}
    assert fieldwork_days(form(START), tables, "America/Santiago") == ("2026-03-02", "2026-03-05", True)
    assert fieldwork_days(form(START), tables, "UTC") == ("2026-03-02", "2026-03-06", True)


def test_a_day_after_arrival_is_a_wrong_clock() -> None:
    begun = [datetime(2026, 3, 2, 13, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)]
    assert fieldwork_days(form(START), {"main": main(SENT, begun=begun)}, "UTC") == ("2026-03-02", "2026-03-02", True)


def test_the_recorded_day_and_then_the_log_stand_in_for_a_start() -> None:
    tables = {"main": main(SENT, begun=[None, None], day=[date(2026, 3, 1), None])}
    dtyped = {"main": tables["main"].with_columns(pl.col("begun").cast(pl.Datetime("ms", "UTC")))}
    assert fieldwork_days(form(START, TODAY), dtyped, "UTC") == ("2026-03-01", "2026-03-01", True)
    audit = pl.DataFrame(
        {
            "_instance_id": ["uuid:1", "uuid:1"],
            "start": [datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)],
        }
    )
    assert fieldwork_days(form(START, TODAY), dtyped | {"_audit": audit}, "UTC") == ("2026-03-01", "2026-03-04", True)


def test_without_any_of_them_the_days_are_those_of_arrival() -> None:
    assert fieldwork_days(form(), {"main": main(SENT)}, "America/Santiago") == ("2026-03-09", "2026-03-09", False)
    assert fieldwork_days(form(), {"main": main([]).clear()}, "UTC") == ("", "", False)


def finding(rule: str, instance: str, row: str = "", **more: Any) -> Finding:  # noqa: ANN401
    return Finding("f", "1", instance, row, rule, "check", "error", "/data", {"en": "No."}, **more)


def test_findings_are_counted_by_rule_and_listed_in_order(store: Store, tmp_path: Path) -> None:
    still = [finding("check:b", "uuid:Z"), finding("check:a", "uuid:a"), finding("check:a", "uuid:a", "person[10]")]
    with store.begin() as connection:
        put_findings(connection, "f", [*still, finding("check:a", "uuid:ñ")], {"check:a", "check:b"})
        put_findings(connection, "f", still, {"check:a", "check:b"})
    rule = Rule("check:a", "check", "main", "error", "", {"en": "No."})
    runs = [RuleSummary(rule, 9, 2)]
    found = count_findings(store, "f", {("check:a", "uuid:a", "")}, runs, tmp_path / "findings.csv")
    assert (tmp_path / "findings.csv").read_text(encoding="utf-8").splitlines() == [
        "instance_id,row_id,rule_id,severity,state",
        "uuid:Z,,check:b,error,open",
        "uuid:a,,check:a,error,accepted",
        "uuid:a,person[10],check:a,error,open",
        "uuid:ñ,,check:a,error,settled",
    ]
    outcomes = {row.summary.rule.rule_id: (row.found, row.open, row.accepted) for row in rule_outcomes(found, runs)}
    assert outcomes == {"check:a": (3, 1, 1), "check:b": (1, 1, 0)}, "a rule that only reading knows is told of too"
