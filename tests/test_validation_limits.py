"""What can't be judged is said, and the rest is judged all the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from slow_reader import SlowReader

from expressions.columns import ColumnExpr
from expressions.lowering import Plan
from expressions.rowwise import RowKind
from forms.compile import CompiledForm, compile_workbook
from forms.rows import read_rows
from forms.sheets.markdown import workbook_from_markdown
from schemas.findings import Rule
from schemas.submissions import RawSubmission
from validation.checks import check_rules
from validation.evaluate import evaluate_rules
from validation.evaluation import Evaluation
from validation.order import END, START, time_fields
from validation.rules import form_rules

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def compile_form(*rows: str, choices: tuple[str, ...] = ()) -> CompiledForm:
    """A form with columns type, name, relevant, constraint, required, calculation, choice_filter, personal."""
    header = "| | type | name | label | relevant | constraint | required | calculation | choice_filter | personal |"
    lines = ["| survey | | | | | | | | | |", header]
    for row in rows:
        kind, name, *rest = (cell.strip() for cell in row.split("|"))
        label = "" if kind == "calculate" else name
        lines.append(f"| | {kind} | {name} | {label} | {' | '.join([*rest, *[''] * (6 - len(rest))])} |")
    if choices:
        lines += ["| choices | | | |", "| | list_name | name | label | kind |", *(f"| | {line} |" for line in choices)]
    return compile_workbook(workbook_from_markdown("\n".join(lines)))


def judge(compiled: CompiledForm, *answers: str, **more: Any) -> Evaluation:  # noqa: ANN401
    form = compiled.form
    batch = [
        RawSubmission(at, form.form_id, "", f"uuid:{at}", NOW, f'<data id="{form.form_id}">{body}</data>'.encode(), "")
        for at, body in enumerate(answers)
    ]
    rules = form_rules(form) + check_rules(compiled.specs, form)
    parsed = read_rows(form, batch, b"k")
    unreadable = [finding for finding in parsed.findings if finding.kind == "type"]
    return evaluate_rules(form, rules, parsed.tables, parsed=unreadable, **more)


def broken(evaluation: Evaluation) -> set[tuple[str, str]]:
    return {(finding.rule_id, finding.instance_id) for finding in evaluation.findings}


def reasons(evaluation: Evaluation) -> dict[str, str]:
    return {rule.rule_id: rule.not_checked for rule in evaluation.not_checked}


UNKNOWABLE = ("integer | a", "integer | b | once(random()) > 0.5 | . < 5 | yes", "integer | c | ${b} > 1 || yes")


def test_rules_that_need_an_unknowable_relevance_are_not_checked_and_the_others_are() -> None:
    evaluation = judge(compile_form(*UNKNOWABLE), "<a>1</a><b>9</b><c/>")
    assert set(reasons(evaluation)) == {"relevant:/data/b", "required:/data/b"}
    assert "/data/b" in reasons(evaluation)["required:/data/b"]
    assert broken(evaluation) == {("constraint:/data/b", "uuid:0"), ("required:/data/c", "uuid:0")}


def test_expression_that_fails_over_answers_is_not_checked_and_quotes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ColumnExpr.planned

    def fail(self: ColumnExpr, kind: RowKind) -> tuple[Plan, pl.Expr]:
        if "/data/a" in self.text:
            raise pl.exceptions.ComputeError("conversion of 'sentinel' failed")
        return whole(self, kind)

    monkeypatch.setattr(ColumnExpr, "planned", fail)
    form = compile_form("integer | a", "integer | b | ${a} > 1 | . < 5 | yes", "integer | c || ${a} < . | yes")
    evaluation = judge(form, "<a>1</a><b/><c>2</c>", "<a>1</a><b>9</b><c/>", chunk_rows=1)
    assert set(reasons(evaluation)) == {"relevant:/data/b", "required:/data/b", "constraint:/data/c"}
    assert not any("sentinel" in reason for reason in reasons(evaluation).values())
    assert broken(evaluation) == {("constraint:/data/b", "uuid:1"), ("required:/data/c", "uuid:1")}
    assert all(item.checked == 0 for item in evaluation.summaries if item.rule.not_checked)


def test_changing_values_are_not_recalculated() -> None:
    rows = ("calculate | a |||| now()", "calculate | b |||| once(uuid())", "calculate | c |||| 1 + 1")
    assert set(reasons(judge(compile_form(*rows), "<a/><b/><c>2</c>"))) == {
        "calculation:/data/a",
        "calculation:/data/b",
    }


def test_today_is_the_day_of_the_interview() -> None:
    form = compile_form("end | end", "date | born || . <= today()")
    late = "<end>2020-01-02T12:00:00.000Z</end><born>2020-01-03</born>"
    fine = "<end>2020-01-02T12:00:00.000Z</end><born>2020-01-02</born>"
    assert broken(judge(form, late, fine)) == {("constraint:/data/born", "uuid:0")}


def test_days_are_told_in_the_time_zone_given() -> None:
    form = compile_form("end | end", "date | born || . <= today()")
    evening = "<end>2020-01-02T22:00:00.000-03:00</end><born>2020-01-03</born>"
    assert broken(judge(form, evening)) == set(), "in UTC it is the third already"
    assert broken(judge(form, evening, zone="America/Santiago")) == {("constraint:/data/born", "uuid:0")}


def test_choices_of_a_file_that_was_not_given_are_not_checked() -> None:
    evaluation = judge(compile_form("select_one_from_file towns.csv | town"), "<town>x</town>")
    assert "file" in reasons(evaluation)["choice:/data/town"]


CHOICES = ("l | a | A | x", "l | b | B | y", "l | c | C | x")


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("select_one l", "a", set()),
        ("select_one l", "b", {"choice_filter:/data/q"}),
        ("select_one l", "z", {"choice:/data/q"}),
        ("select_one l", "", set()),
        ("select_multiple l", "a c", set()),
        ("select_multiple l", "c b", {"choice_filter:/data/q"}),
        ("select_multiple l", "a z", {"choice:/data/q"}),
        ("rank l", "c a", set()),
    ],
)
def test_filtered_choices(kind: str, answer: str, expected: set[str]) -> None:
    form = compile_form("text | k", f"{kind} | q ||||| kind = ${{k}}", choices=CHOICES)
    rule_ids = {rule_id for rule_id, _ in broken(judge(form, f"<k>x</k><q>{answer}</q>"))}
    assert rule_ids == expected


def test_randomized_choices_are_filtered_like_others() -> None:
    rows = "| survey | | | | | |\n| | type | name | label | parameters | choice_filter |\n| | text | k | K | | |\n"
    rows += "| | select_one l | q | Q | randomize=true, seed=${k} | kind = ${k} |\n"
    lists = "\n".join(
        ["| choices | | | |", "| | list_name | name | label | kind |", *(f"| | {row} |" for row in CHOICES)]
    )
    form = compile_workbook(workbook_from_markdown(rows + lists))
    evaluation = judge(form, "<k>x</k><q>b</q>", "<k>x</k><q>c</q>")
    assert broken(evaluation) == {("choice_filter:/data/q", "uuid:0")}
    assert evaluation.not_checked == ()


def test_choices_may_be_the_rows_of_a_repeat() -> None:
    rows = "begin repeat | person", "text | first", "end repeat | ", "select_one ${first} | head"
    form = compile_form(*rows)
    people = "<person><first>Ana</first></person><person><first>Luc</first></person>"
    evaluation = judge(form, f"{people}<head>Luc</head>", f"{people}<head>Eva</head>")
    assert broken(evaluation) == {("choice:/data/head", "uuid:1")}


def test_constraint_evaluated_row_by_row_sees_its_own_answer() -> None:
    text = "count(instance('l')/root/item[kind = current()/../k][name = current()/.]) = 1"
    form = compile_form("select_one l | x", "text | k", f"text | q || {text}", choices=CHOICES)
    evaluation = judge(form, "<x>a</x><k>x</k><q>c</q>", "<x>a</x><k>x</k><q>b</q>")
    assert broken(evaluation) == {("constraint:/data/q", "uuid:1")}


def test_count_of_a_question_that_some_rows_are_not_asked_is_not_checked() -> None:
    rows = ("begin repeat | p", "integer | age", "text | job | ${age} > 14", "end repeat | ")
    form = compile_form(*rows, "calculate | jobs |||| count(${job})", "calculate | people |||| count(${age})")
    row = "<p><age>9</age></p><p><age>30</age><job>x</job></p>"
    evaluation = judge(form, f"{row}<jobs>1</jobs><people>2</people>")
    assert set(reasons(evaluation)) == {"calculation:/data/jobs"}
    assert broken(evaluation) == set()


@pytest.mark.parametrize(
    ("kind", "calculation", "stored", "stale"),
    [
        ("integer", "7 div 2", "3", False),
        ("decimal", "0.1 + 0.2", "0.3", False),
        ("decimal", "0.1 + 0.2", "0.31", True),
        ("text", "${a} > 1", "true", False),
        ("text", "${a} > 1", "1", False),
        ("text", "${a} > 1", "0", True),
        ("text", "concat(${a}, ' ')", "2", False),
        ("text", "${d}", "2026-01-02T00:00:00.000-03:00", False),
        ("text", "${d}", "2026-01-03T00:00:00.000-03:00", True),
        ("text", "${none}", "", False),
        ("text", "${none} + 1", "", False),
        ("text", "concat(${a}, 'x')", "", True),
        ("date", "date(${d} + 1)", "2026-01-03", False),
    ],
)
def test_stored_calculations_are_compared_by_meaning(kind: str, calculation: str, stored: str, stale: bool) -> None:
    form = compile_form("integer | a", "date | d", "integer | none", f"{kind} | q |||| {calculation}")
    evaluation = judge(form, f"<a>2</a><d>2026-01-02</d><none/><q>{stored}</q>")
    assert broken(evaluation) == ({("calculation:/data/q", "uuid:0")} if stale else set())


def test_rule_of_an_unknown_question_is_not_checked() -> None:
    form = compile_form("integer | a")
    rule = Rule("constraint:/data/ghost", "constraint", "main", "error", ". > 1", {})
    tables = {"main": pl.DataFrame({"_instance_id": ["u"], "_row_id": [""], "a": [1]})}
    assert "no such question" in reasons(evaluate_rules(form.form, [rule], tables))[rule.rule_id]


def test_rows_without_their_submission_are_left_to_the_suite() -> None:
    form = compile_form("begin repeat | p", "integer | age || . < 5", "end repeat | ")
    main = pl.DataFrame({"_instance_id": ["u"], "_row_id": [""]})
    keys = {
        "_instance_id": ["u", "ghost"],
        "_row_id": ["p[1]", "p[1]"],
        "_parent_row_id": ["", ""],
        "_position": [1, 1],
    }
    tables = {"main": main, "p": pl.DataFrame({**keys, "age": [9, 9]})}
    assert {item.instance_id for item in evaluate_rules(form.form, form_rules(form.form), tables).findings} == {"u"}


def test_first_of_several_end_times_is_the_interviews_own() -> None:
    rows = (
        "start | begun",
        "end | done",
        "integer | age",
        "begin group | away | ${age} = 0",
        "end | gave_up",
        "end group | ",
    )
    fields = time_fields(compile_form(*rows).form)
    assert {name: field.name for name, field in fields.items()} == {START: "begun", END: "done"}


CHAIN = ("integer | a", "integer | b | ${a} != 5", "integer | c | ${b} != 7 | . < 9 | yes", "integer | d")


def test_nothing_is_found_that_rests_on_an_unreadable_answer_however_far() -> None:
    evaluation = judge(compile_form(*CHAIN), "<a>five</a><b/><c/><d/>", "<a>1</a><b/><c/><d/>")
    assert broken(evaluation) == {("type:/data/a", "uuid:0"), ("required:/data/c", "uuid:1")}


def test_nothing_is_found_that_rests_on_an_unreadable_answer_in_its_own_row_of_a_repeat() -> None:
    rows = ("begin repeat | p", "integer | age", "text | school | ${age} < 18 || yes", "end repeat | ")
    evaluation = judge(compile_form(*rows), "<p><age>six</age></p><p><age>6</age></p>")
    found = [(item.rule_id, item.row_id) for item in evaluation.findings]
    assert found == [("type:/data/p/age", "p[1]"), ("required:/data/p/school", "p[2]")]


ROSTER = (
    "begin repeat | p",
    "integer | age",
    "text | school | ${age} < 18 || yes",
    "integer | older || . <= OVER_ALL",
    "text | heir | OVER_ALL > 1 || yes",
    "end repeat | ",
    "integer | n || . = sum(${age})",
)


@pytest.mark.parametrize(
    "over_all",
    ["sum(../../p/age)", "count(../../p[age > 5])", "indexed-repeat(${age}, ${p}, 1)", "sum(${p}[position() > 0]/age)"],
)
def test_a_rule_over_all_rows_rests_on_an_unreadable_answer_in_any_of_them(over_all: str) -> None:
    compiled = compile_form(*(row.replace("OVER_ALL", over_all) for row in ROSTER))
    body = "<p><age>six</age><older>9</older></p><p><age>60</age><older>900</older></p><n>5</n>"
    expected = {("type:/data/p/age", "p[1]")}
    assert {(item.rule_id, item.row_id) for item in judge(compiled, body).findings} == expected
    reader = SlowReader(compiled, f"<data>{body}</data>".encode(), now=NOW)
    assert reader.broken() == expected
    mended = {(item.rule_id, item.row_id) for item in judge(compiled, body.replace("six", "66")).findings}
    assert mended == SlowReader(compiled, f"<data>{body}</data>".replace("six", "66").encode(), now=NOW).broken()
    assert ("constraint:/data/p/older", "p[2]") in mended


def test_bare_null_is_blank() -> None:
    form = compile_form("integer | a", "calculate | b |||| if(${a} = 1, 5, null)")
    evaluation = judge(form, "<a>1</a><b>5</b>", "<a>2</a><b/>", "<a>2</a><b>5</b>")
    assert evaluation.not_checked == ()
    assert broken(evaluation) == {("calculation:/data/b", "uuid:2")}
