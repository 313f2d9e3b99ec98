"""Each interview is judged by the engine that made it, and findings say where the engines disagree."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from forms.compile import CompiledForm, compile_workbook
from forms.rows import read_rows
from forms.sheets.markdown import workbook_from_markdown
from schemas.findings import Finding
from schemas.submissions import RawSubmission
from validation import engines
from validation.evaluate import evaluate_rules
from validation.evaluation import Evaluation
from validation.rules import form_rules

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FORM = """
| survey | | | | | | |
| | type | name | label | relevant | constraint | required |
| | start | begun | | | | |
| | integer | age | Age | | . < 100 | |
| | date | day | Day | | . > '2024-01-01' | |
| | text | code | Code | | regex(., '[0-9]+') | |
| | integer | later | Later | ${day} > '2024-01-01' | | |
| | begin repeat | person | Person | | | |
| | text | tag | Tag | | regex(., '[a-z]+') | |
| | end repeat | | | | | |
"""


@pytest.fixture(scope="module")
def compiled() -> CompiledForm:
    return compile_workbook(workbook_from_markdown(FORM))


def judge(compiled: CompiledForm, *answers: tuple[str, str]) -> Evaluation:
    """Judge interviews, each the client that made it and its answers."""
    form = compiled.form
    batch = [
        RawSubmission(
            at, form.form_id, "", f"uuid:{at}", NOW, f'<data id="{form.form_id}">{xml}</data>'.encode(), "", who
        )
        for at, (who, xml) in enumerate(answers)
    ]
    return evaluate_rules(form, form_rules(form), read_rows(form, batch, b"k").tables)


def broken(evaluation: Evaluation) -> dict[tuple[str, str, str], tuple[str, ...]]:
    return {(row.rule_id, row.instance_id, row.row_id): row.engines for row in evaluation.findings}


ALL = ("javarosa", "webforms", "enketo")


@pytest.mark.parametrize("client", ["collect", "unknown", "import", "rehearsal"])
def test_clients_with_javarosa_and_unknown_ones_are_judged_by_javarosa(compiled: CompiledForm, client: str) -> None:
    found = broken(judge(compiled, (client, "<code>a12b</code><age>120</age>")))
    assert found == {
        ("constraint:/data/code", "uuid:0", ""): ("javarosa",),
        ("constraint:/data/age", "uuid:0", ""): ALL,
    }


@pytest.mark.parametrize("client", ["webforms", "enketo"])
def test_browsers_are_judged_by_their_own_engine(compiled: CompiledForm, client: str) -> None:
    answers = "<code>a12b</code><day>2025-02-01</day><later>3</later><age>120</age>"
    assert broken(judge(compiled, (client, answers))) == {("constraint:/data/age", "uuid:0", ""): ALL}


def test_relevance_that_engines_tell_differently_is_said(compiled: CompiledForm) -> None:
    evaluation = judge(compiled, ("collect", "<day>2025-02-01</day><later>3</later>"), ("collect", "<later>3</later>"))
    assert broken(evaluation) == {
        ("constraint:/data/day", "uuid:0", ""): ("javarosa",),
        ("relevant:/data/later", "uuid:0", ""): ("javarosa",),
        ("relevant:/data/later", "uuid:1", ""): ALL,
    }
    counted = {row.rule.rule_id: (row.failed, row.engine_dependent) for row in evaluation.summaries if row.failed}
    assert counted == {"constraint:/data/day": (1, 1), "relevant:/data/later": (2, 1)}


def test_the_message_says_who_would_accept_the_answer(compiled: CompiledForm) -> None:
    both, one = judge(compiled, ("collect", "<age>120</age>"), ("collect", "<code>a12b</code>")).findings
    assert isinstance(one, Finding)
    assert "ODK Web Forms, Enketo lo aceptaría" in one.message["es"]
    assert "t ap aksepte" in one.message["ht"]
    assert "would accept it" in one.message["en"]
    assert "would accept" not in both.message["en"]


def test_mixed_clients_keep_the_order_of_interviews_and_rows(compiled: CompiledForm) -> None:
    rows = "<person><tag>1</tag></person><person><tag>ab</tag></person><person><tag>2</tag></person>"
    evaluation = judge(compiled, ("enketo", rows), ("collect", f"{rows}<age>300</age>"), ("webforms", rows))
    assert [(row.rule_id.partition(":")[0], row.instance_id, row.row_id) for row in evaluation.findings] == [
        ("constraint", "uuid:0", "person[1]"),
        ("constraint", "uuid:0", "person[3]"),
        ("constraint", "uuid:1", ""),
        ("constraint", "uuid:1", "person[1]"),
        ("constraint", "uuid:1", "person[3]"),
        ("constraint", "uuid:2", "person[1]"),
        ("constraint", "uuid:2", "person[3]"),
    ]
    tags = next(row for row in evaluation.summaries if row.rule.rule_id == "constraint:/data/person/tag")
    assert (tags.checked, tags.failed, tags.engine_dependent) == (9, 6, 0)


def test_beyond_a_bound_findings_are_left_without_comparison(
    compiled: CompiledForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "MOST_INTERVIEWS", 1)
    found = broken(judge(compiled, *[("collect", "<code>x1</code>")] * 2))
    assert list(found.values()) == [("javarosa",), ()]


def test_clients_of_engines() -> None:
    tables = {"main": pl.DataFrame({"_instance_id": ["a", "b"], "_client": [None, "enketo"]})}
    split = [(profile.value, numbers.to_list()) for profile, numbers in engines.split_by_engine(tables)]
    assert split == [("javarosa", [0]), ("enketo", [1])]


def test_a_question_hidden_with_the_one_before_it_is_no_matter_of_engines() -> None:
    form = """
| survey | | | | |
| | type | name | label | relevant |
| | integer | people | People | |
| | begin repeat | person | Person | ${people} > 0 |
| | integer | age | Age | |
| | text | school | School | ${age} < 18 |
| | text | grade | Grade | ${school} = 'yes' |
| | end repeat | | | |
"""
    rows = "<person><age>40</age><school>yes</school><grade>3</grade></person>"
    found = broken(
        judge(
            compile_workbook(workbook_from_markdown(form)), ("collect", f"<people>1</people>{rows}"), ("collect", rows)
        )
    )
    assert {key[0] for key in found} == {f"relevant:/data/person/{name}" for name in ("age", "school", "grade")}
    assert set(found.values()) == {ALL}
