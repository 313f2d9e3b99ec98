"""Rules judged over the rows of interviews, from the XML that phones send to findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from forms.compile import CompiledForm, compile_workbook
from forms.rows import read_rows
from forms.sheets.markdown import workbook_from_markdown
from schemas.findings import Finding
from schemas.submissions import ParsedBatch, RawSubmission
from validation.checks import check_rules
from validation.evaluate import evaluate_rules
from validation.evaluation import Evaluation
from validation.rules import form_rules

HOUSEHOLD = """
| survey | | | | | | | | | | |
| | type | name | label | relevant | constraint | required | calculation | choice_filter | repeat_count | personal |
| | start | begun | | | | | | | | |
| | integer | age | Age | | . >= 18 and . < 120 | yes | | | | |
| | text | who | Name | | string-length(.) > 2 | yes | | | | name |
| | select_one region | region | Region | | | | | | | |
| | select_one commune | commune | Commune | ${region} != '' | | yes | | reg = ${region} | | |
| | select_multiple langs | langs | Languages | | not(selected(., 'none') and count-selected(.) > 1) | | | | | |
| | decimal | rent | Rent | ${commune} != '' | . > 0 | | | | | |
| | begin group | work | Work | ${age} < 65 | | | | | | |
| | select_one yn | works | Works | | | yes | | | | |
| | integer | hours | Hours | ${works} = 'yes' | . <= 100 | yes | | | | |
| | end group | | | | | | | | | |
| | calculate | double | | | | | ${age} * 2 | | | |
| | geopoint | place | Place | | | | | | | |
| | integer | n | How many | | | yes | | | | |
| | begin repeat | person | Person | | | | | | ${n} | |
| | integer | p_age | Age | | . <= ${age} | yes | | | | |
| | text | school | School | ${p_age} < 18 | | yes | | | | |
| | end repeat | | | | | | | | | |
| choices | | | | |
| | list_name | name | label | reg |
| | region | a | A | |
| | region | b | B | |
| | commune | a1 | A1 | a |
| | commune | b1 | B1 | b |
| | langs | es | Es | |
| | langs | ht | Ht | |
| | langs | none | None | |
| | yn | yes | Yes | |
| | yn | no | No | |
| checks | | | | | |
| | name | table | expression | severity | message::es |
| | rent_and_work | main | not(${rent} > 100 and ${works} = 'no') | warning | Arriendo caro sin trabajo. |
| | adults | main | count(${p_age}) = 0 or max(${p_age}) >= 18 | error | Sin adultos. |
| settings | | |
| | form_id | version |
| | hh | 1 |
"""

GOOD: dict[str, Any] = {
    "begun": "2026-03-01T10:00:00.000-03:00",
    "age": "30",
    "who": "Ana",
    "region": "a",
    "commune": "a1",
    "langs": "es ht",
    "rent": "120.5",
    "work": {"works": "yes", "hours": "40"},
    "double": "60",
    "place": "-33.36 -70.72 0 0",
    "n": "2",
    "person": [{"p_age": "30", "school": ""}, {"p_age": "9", "school": "E-1"}],
}


@pytest.fixture(scope="module")
def household() -> CompiledForm:
    return compile_workbook(workbook_from_markdown(HOUSEHOLD))


def to_xml(answers: Mapping[str, Any], form_id: str = "hh", version: str = "1", instance_id: str = "uuid:1") -> bytes:
    def write(value: object, name: str) -> str:
        if isinstance(value, list):
            return "".join(write(item, name) for item in value)
        if isinstance(value, Mapping):
            return f"<{name}>{''.join(write(child, key) for key, child in value.items())}</{name}>"
        return f"<{name}>{value}</{name}>"

    body = "".join(write(value, name) for name, value in answers.items() if value is not None)
    meta = f"<meta><instanceID>{instance_id}</instanceID></meta>" if instance_id else ""
    return f'<data id="{form_id}" version="{version}">{body}{meta}</data>'.encode()


def parse(compiled: CompiledForm, interviews: Sequence[bytes]) -> ParsedBatch:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    batch = [
        RawSubmission(number, compiled.form.form_id, "1", f"uuid:{number}", now, xml, "", "collect")
        for number, xml in enumerate(interviews)
    ]
    return read_rows(compiled.form, batch, b"key")


def kept(batch: ParsedBatch) -> pl.DataFrame:
    names = ("instance_id", "row_id", "question", "value")
    rows = [[getattr(answer, name) for name in names] for answer in batch.personal]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def judge(compiled: CompiledForm, interviews: Sequence[bytes], **more: Any) -> Evaluation:  # noqa: ANN401
    batch = parse(compiled, interviews)
    assert not batch.failed
    rules = form_rules(compiled.form) + check_rules(compiled.specs, compiled.form)
    options = {"personal": kept(batch), "parsed": batch.findings} | more
    return evaluate_rules(compiled.form, rules, batch.tables, **options)


def broken(evaluation: Evaluation) -> set[tuple[str, str]]:
    return {(finding.rule_id, finding.row_id) for finding in evaluation.findings}


def change(**answers: Any) -> dict[str, Any]:  # noqa: ANN401
    return GOOD | answers


PERSON = "person[1]"


@dataclass(frozen=True)
class Damage:
    answers: dict[str, Any]
    expected: set[tuple[str, str]]
    version: str = "1"
    instance_id: str = "uuid:1"


DAMAGES = {
    "nothing": Damage(GOOD, set()),
    "required empty": Damage(change(work={"works": "", "hours": ""}), {("required:/data/work/works", "")}),
    "required node absent": Damage(change(work={}), {("required:/data/work/works", "")}),
    "required empty, and what hangs on it": Damage(
        change(age="", double=""),
        {
            ("required:/data/age", ""),
            ("relevant:/data/work/works", ""),
            ("relevant:/data/work/hours", ""),
            ("constraint:/data/person/p_age", PERSON),
            ("constraint:/data/person/p_age", "person[2]"),
        },
    ),
    "constraint broken": Damage(
        change(age="17", double="34"), {("constraint:/data/age", ""), ("constraint:/data/person/p_age", PERSON)}
    ),
    "constraint broken by a list": Damage(change(langs="es none"), {("constraint:/data/langs", "")}),
    "constraint on a personal answer": Damage(change(who="X"), {("constraint:/data/who", "")}),
    "unknown choice": Damage(change(langs="es xx"), {("choice:/data/langs", "")}),
    "unknown single choice": Damage(change(commune="zz"), {("choice:/data/commune", "")}),
    "choice outside the filter": Damage(change(commune="b1"), {("choice_filter:/data/commune", "")}),
    "text in integer": Damage(change(n="two"), {("type:/data/n", "")}),
    "decimal in integer": Damage(change(age="30.7"), {("type:/data/age", "")}),
    "integer over 64 bits": Damage(
        change(work={"works": "yes", "hours": "99999999999999999999"}), {("type:/data/work/hours", "")}
    ),
    "integer over 32 bits": Damage(
        change(work={"works": "yes", "hours": "9999999999"}), {("type:/data/work/hours", "")}
    ),
    "bad date": Damage(change(begun="yesterday"), {("type:/data/begun", "")}),
    "unknown extra node": Damage(change(extra="1"), {("structure:unknown_node", "")}),
    "value under an irrelevant question": Damage(
        change(work={"works": "no", "hours": "40"}, rent="90"), {("relevant:/data/work/hours", "")}
    ),
    "value under an irrelevant group": Damage(
        change(age="70", double="140"), {("relevant:/data/work/works", ""), ("relevant:/data/work/hours", "")}
    ),
    "value that hangs on a value that hangs on a blank": Damage(
        change(region=""), {("relevant:/data/commune", ""), ("relevant:/data/rent", "")}
    ),
    "stale calculate": Damage(change(double="58"), {("calculation:/data/double", "")}),
    "calculate written otherwise": Damage(change(double="60.0"), set()),
    "n 5, two present": Damage(change(n="5"), {("repeat:/data/person", "")}),
    "n 1, two present": Damage(change(n="1"), {("repeat:/data/person", "")}),
    "wrong version": Damage(GOOD, {("structure:version", "")}, version="0"),
    "no instanceID": Damage(GOOD, {("structure:no_instance_id", "")}, instance_id=""),
    "latitude -133": Damage(change(place="-133.36 -70.72 0 0"), {("type:/data/place", "")}),
    "required in a row of a repeat": Damage(
        change(person=[{"p_age": ""}, {"p_age": "30"}]), {("required:/data/person/p_age", PERSON)}
    ),
    "irrelevant in a row of a repeat": Damage(
        change(person=[{"p_age": "30", "school": "E-1"}, {"p_age": "9", "school": "E-1"}]),
        {("relevant:/data/person/school", PERSON)},
    ),
    "check of the workbook": Damage(change(work={"works": "no", "hours": ""}), {("check:rent_and_work", "")}),
    "check over a repeat": Damage(
        change(person=[{"p_age": "9", "school": "a"}, {"p_age": "9", "school": "b"}]), {("check:adults", "")}
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_noticed_and_nothing_else(household: CompiledForm, name: str) -> None:
    damage = DAMAGES[name]
    xml = to_xml(damage.answers, version=damage.version, instance_id=damage.instance_id)
    evaluation = judge(household, [xml])
    assert broken(evaluation) == damage.expected
    assert [rule.rule_id for rule in evaluation.not_checked] == []


def test_every_rule_is_summarised_with_rows_checked_and_failed(household: CompiledForm) -> None:
    interviews = [to_xml(GOOD), to_xml(change(age="17", double="34")), to_xml(change(age="x"))]
    evaluation = judge(household, interviews)
    by_id = {item.rule.rule_id: (item.checked, item.failed) for item in evaluation.summaries}
    assert by_id["constraint:/data/age"] == (2, 1)
    assert by_id["type:/data/age"] == (3, 1)
    assert by_id["required:/data/person/p_age"] == (6, 0)
    assert by_id["constraint:/data/person/p_age"] == (6, 1)
    assert by_id["check:adults"] == (3, 0)
    assert by_id["repeat:/data/person"] == (3, 0)
    assert by_id["relevant:/data/work/hours"] == (1, 0)


def test_rule_on_an_unreadable_answer_waits_for_its_correction(household: CompiledForm) -> None:
    persons = [{"p_age": "x", "school": "E-1"}, {"p_age": "", "school": ""}]
    evaluation = judge(household, [to_xml(change(person=persons))])
    assert broken(evaluation) == {
        ("type:/data/person/p_age", PERSON),
        ("required:/data/person/p_age", "person[2]"),
    }, "the other row is judged as ever"


def test_finding_carries_path_version_and_sentences_but_no_answer(household: CompiledForm) -> None:
    evaluation = judge(household, [to_xml(change(who="Zz"))])
    (finding,) = evaluation.findings
    assert isinstance(finding, Finding)
    assert (finding.form_id, finding.form_version, finding.instance_id) == ("hh", "1", "uuid:0")
    assert (finding.path, finding.kind, finding.severity) == ("/data/who", "constraint", "error")
    assert "Zz" not in repr(finding)
    assert set(finding.message) == {"es", "ht", "en"}


def test_rules_on_personal_answers_are_not_checked_without_them(household: CompiledForm) -> None:
    evaluation = judge(household, [to_xml(change(who="X"))], personal=None)
    assert [rule.rule_id for rule in evaluation.not_checked] == ["constraint:/data/who"]
    assert "who" in evaluation.not_checked[0].not_checked
    assert broken(evaluation) == set()


def test_missing_personal_answer_is_noticed_without_reading_any(household: CompiledForm) -> None:
    evaluation = judge(household, [to_xml(change(who=""))], personal=None)
    assert broken(evaluation) == {("required:/data/who", "")}


def test_findings_behave_as_a_sequence(household: CompiledForm) -> None:
    findings = judge(household, [to_xml(change(age="17")), to_xml(change(n="two"))]).findings
    listed = list(findings)
    assert len(findings) == len(listed) > 3
    assert [findings[number] for number in range(len(findings))] == listed
    assert findings[-1] == listed[-1]
    assert findings[1:3] == listed[1:3]
    with pytest.raises(IndexError):
        findings[len(findings)]


def test_rule_that_can_not_be_evaluated_is_listed_and_finds_nothing(household: CompiledForm) -> None:
    rules = form_rules(household.form)
    strange = [rule for rule in rules if rule.rule_id == "constraint:/data/age"]
    broken_rule = replace(strange[0], expression=". > unheard-of(3)")
    batch = parse(household, [to_xml(change(age="17"))])
    evaluation = evaluate_rules(household.form, [broken_rule], batch.tables)
    assert "unheard-of" in evaluation.summaries[0].rule.not_checked
    assert (evaluation.summaries[0].checked, len(evaluation.findings)) == (0, 0)


def test_no_interviews_no_findings(household: CompiledForm) -> None:
    evaluation = judge(household, [])
    assert len(evaluation.findings) == 0
    assert all((item.checked, item.failed) == (0, 0) for item in evaluation.summaries)
