"""Rules on today() in forms that don't record when the interview was made."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expressions.clock import with_clock
from expressions.columns import compile_columns
from expressions.growing import grows_with_today
from flows.checking import check
from flows.ingesting import ingest
from flows.registering import add_form
from forms.compile import CompiledForm, compile_workbook
from forms.rows import read_rows
from forms.sheets.markdown import workbook_from_markdown
from schemas.fields import INSTANCE_ID, ROW_ID
from schemas.submissions import RawSubmission
from store import findings as finding_rows
from store.arrivals import NewAttachment, NewSubmission, add_submissions
from store.open import open_store
from validation.checks import check_rules
from validation.evaluate import evaluate_rules
from validation.evaluation import Evaluation
from validation.rules import form_rules

RECEIVED = datetime(2026, 3, 10, 22, tzinfo=UTC)
FORM = """
| survey | | | | | |
| | type | name | label | constraint | relevant |
| | date | born | Born | . <= today() | |
| | date | planned | Planned | . >= today() | |
| | date | recent | Recent | not(. > today()) and . > date('2020-01-01') | |
| | date | same | Same | . = today() | |
| | integer | age | Age | | ${born} < today() |
| | begin repeat | child | Child | | |
| | date | seen | Seen | . <= today() + 1 | |
| | end repeat | | | | |
AUDIT
| settings |
| | form_id | version |
| | clockless | 1 |
| checks |
| | name | table | expression | severity | message |
| | not_future | main | ${born} = '' or ${born} <= today() | error | M |
"""


@cache
def compiled(audit: str = "") -> CompiledForm:
    return compile_workbook(workbook_from_markdown(FORM.replace("AUDIT", audit)))


def judge(*answers: str) -> Evaluation:
    made = compiled()
    form = made.form
    batch = [
        RawSubmission(at, "clockless", "1", f"uuid:{at}", RECEIVED, f'<data id="clockless">{xml}</data>'.encode(), "")
        for at, xml in enumerate(answers)
    ]
    return evaluate_rules(
        form, [*form_rules(form), *check_rules(made.specs, form)], read_rows(form, batch, b"k").tables
    )


def broken(evaluation: Evaluation) -> set[tuple[str, str, str]]:
    return {(row.rule_id, row.instance_id, row.row_id) for row in evaluation.findings}


def test_a_day_after_the_arrival_was_in_the_future_whenever_the_interview_was_made() -> None:
    found = broken(judge("<born>2026-03-15</born>", "<born>2026-03-11</born>", "<born>2026-03-01</born>"))
    assert found == {("constraint:/data/born", "uuid:0", ""), ("check:not_future", "uuid:0", "")}


def test_the_same_in_rows_of_a_repeat_and_in_other_writings() -> None:
    rows = "<child><seen>2026-03-12</seen></child><child><seen>2026-03-13</seen></child>"
    found = broken(judge(f"<recent>2026-03-13</recent>{rows}", "<recent>2019-01-01</recent>"))
    assert found == {
        ("constraint:/data/recent", "uuid:0", ""),
        ("constraint:/data/recent", "uuid:1", ""),
        ("constraint:/data/child/seen", "uuid:0", "child[2]"),
    }


def test_what_another_day_would_decide_otherwise_is_not_judged() -> None:
    evaluation = judge("<planned>1990-01-01</planned><same>2050-01-01</same><born>2026-03-01</born><age>4</age>")
    assert broken(evaluation) == set()
    reasons = {rule.rule_id for rule in evaluation.not_checked if "EXP-112" in rule.not_checked}
    assert {"constraint:/data/planned", "constraint:/data/same", "relevant:/data/age"} <= reasons
    counts = {row.rule.rule_id: row.checked for row in evaluation.summaries}
    assert counts["constraint:/data/born"] == 0  # it may have been made before that day


def test_engines_agree_that_a_day_is_in_the_future() -> None:
    finding = next(iter(judge("<born>2026-03-15</born>").findings))
    assert finding.engines == ("javarosa", "webforms", "enketo")


def test_the_log_of_events_tells_when_the_interview_was_made(tmp_path: Path) -> None:
    source = tmp_path / "clockless.md"
    source.write_text(FORM.replace("AUDIT", "| | audit | audit | | | |"), encoding="utf-8")
    start = int(datetime(2026, 3, 2, 15, tzinfo=UTC).timestamp() * 1000)
    log = f"event,node,start,end\nform start,,{start},\nquestion,/data/born,{start},{start + 60_000}\n"
    answers = "<born>2026-03-05</born><planned>2026-03-01</planned><same>2026-03-02</same>"
    with open_store(tmp_path / "data") as store:
        assert add_form(store, source).version == "1"
        rows = []
        for name, files in (("uuid:logged", True), ("uuid:bare", False)):
            xml = f'<data id="clockless" version="1">{answers}<meta><instanceID>{name}</instanceID>'
            xml += "<audit>audit.csv</audit></meta></data>" if files else "</meta></data>"
            held = (NewAttachment("audit.csv", store.blobs.hold(log.encode()), "text/csv"),) if files else ()
            rows.append(NewSubmission("clockless", "1", name, xml.encode(), RECEIVED, attachments=held))
        with store.begin() as connection:
            add_submissions(connection, store.blobs, rows)
        ingest(store, "clockless")
        report = check(store, "clockless", expectations=False)
        with store.read() as connection:
            found = finding_rows.list_findings(connection, "clockless")
    # Made on 2 March: the fifth was still to come, the first was past. Of the other nothing is known.
    assert {(row.rule_id, row.instance_id) for row in found if row.kind in {"constraint", "check"}} == {
        ("constraint:/data/born", "uuid:logged"),
        ("constraint:/data/planned", "uuid:logged"),
        ("check:not_future", "uuid:logged"),
    }
    checked = {row.rule.rule_id: row.checked for row in report.summaries}
    assert checked["constraint:/data/same"] == 1


CONDITIONS = st.recursive(
    st.sampled_from(
        [
            "${born} <= today()",
            "today() > ${born}",
            "not(${born} > today())",
            "today() - ${born} >= 3",
            "(${born} - today()) div 7 < 2",
            "${born} > date('2020-01-01')",
            "${born} >= today()",
            "${born} = today()",
            "int(today() - ${born}) < 10",
        ]
    ),
    lambda inner: st.one_of(
        inner.map("not({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: "({} {} {})".format(*parts)),
    ),
    max_leaves=4,
)
DAYS = st.dates(date(2019, 6, 1), date(2021, 6, 1))


@settings(deadline=None, max_examples=60)
@given(CONDITIONS, DAYS, DAYS, st.integers(0, 400))
def test_what_grows_with_today_never_falls(text: str, born: date, day: date, more: int) -> None:
    if not grows_with_today(text):
        return
    form = with_clock(compiled().form, "clock")
    moments = [datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(days=n) for n in (0, more)]
    frame = pl.DataFrame({INSTANCE_ID: ["a", "b"], ROW_ID: ["", ""], "born": [born, born], "clock": moments})
    before, after = compile_columns(text, form, "main").boolean({"main": frame}).to_list()
    assert before <= after


@pytest.mark.parametrize(
    ("text", "grows"),
    [
        (". <= today()", True),
        (". < now() and ${a} = 1", True),
        ("not(. > today())", True),
        ("today() - . > 365", True),
        (". - today() <= 30", True),
        ("date(today()) >= .", True),
        (". >= today()", False),
        (". = today()", False),
        ("not(. <= today())", False),
        ("format-date(today(), '%Y') >= '2020'", False),
        ("${a} * today() > 5", False),
        ("if(. <= today(), true(), false())", False),
        (". <= 5", False),
        (". <= today(", False),
    ],
)
def test_which_conditions_grow_with_today(text: str, grows: bool) -> None:
    assert grows_with_today(text) is grows
