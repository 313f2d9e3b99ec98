"""Rules over columns find what a slow reader finds, interview by interview, and however the interviews are cut."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import cache
from xml.sax.saxutils import escape

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slow_reader import SlowReader

from forms.compile import CompiledForm, compile_workbook
from forms.rows import read_rows
from forms.sheets.markdown import workbook_from_markdown
from schemas.fields import Field, Node, Repeat
from schemas.submissions import ParsedBatch, RawSubmission
from validation.checks import check_rules
from validation.evaluate import evaluate_rules
from validation.evaluation import Evaluation
from validation.rules import form_rules

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

FORM = """
| survey | | | | | | | | | |
| | type | name | label | relevant | constraint | required | calculation | choice_filter | repeat_count |
| | integer | age | Age | | . < 90 | yes | | | |
| | select_one yn | adult | Adult | ${age} >= 18 | | ${age} != 30 | | | |
| | begin group | outer | Outer | ${adult} = 'y' or ${age} = 5 | | | | | |
| | select_one yn | a | A | | . = 'y' or ${age} > 3 | | | | |
| | begin group | inner | Inner | ${a} = 'y' | | | | | |
| | decimal | b | B | | . >= ${age} | yes | | | |
| | select_multiple list | m | M | ${b} > 10 | count-selected(.) < 3 | | | | |
| | end group | | | | | | | | |
| | end group | | | | | | | | |
| | select_one list | c | C | selected(${m}, 'p') | | yes | | kind = ${a} | |
| | calculate | twice | | | | | ${age} * 2 | | |
| | calculate | told | | ${age} > 3 | | | if(${c} = '', 'none', ${c}) | | |
| | integer | n | N | ${told} != 'q' | | | | | |
| | begin repeat | person | Person | ${age} > 1 | | | | | ${n} |
| | integer | p_age | Age | | . <= ${age} | yes | | | |
| | select_one list | p_list | L | ${p_age} > 2 | | yes | | kind = ${adult} | |
| | begin repeat | trip | Trip | ${p_list} != 'q' | | | | | |
| | integer | year | Y | ${p_age} > 1 | . > ${p_age} | ${age} > 20 | | | |
| | end repeat | | | | | | | | |
| | calculate | years | | | | | count(${trip}) | | |
| | end repeat | | | | | | | | |
| | calculate | oldest | | | | | max(${p_age}) | | |
| | integer | last | Last | ${oldest} > 4 | . = count(${p_age}) | | | | |
| choices | | | | |
| | list_name | name | label | kind |
| | yn | y | Y | |
| | yn | n | N | |
| | list | p | P | y |
| | list | q | Q | n |
| | list | r | R | y |
| checks | | | | |
| | name | table | expression | severity |
| | sum | main | sum(${p_age}) <= 100 or ${n} = 2 | error |
| | row | person | ${p_age} != ${n} | warning |
| | deep | trip | ${year} != ${age} or ${p_age} > 4 | warning |
"""

NUMBERS = ("", "1", "2", "3", "4", "5", "10", "19", "30", "95")
YESNO = ("", "y", "n")
LIST = ("", "p", "q", "r")


@cache
def compiled() -> CompiledForm:
    return compile_workbook(workbook_from_markdown(FORM))


def make_interview(chance: random.Random) -> bytes:
    """A random interview in which all nodes stand, filled without regard to any rule."""
    by_name = {"adult": YESNO, "a": YESNO, "c": LIST, "p_list": LIST, "told": ("", "none", *LIST[1:])}

    def write(node: Node) -> str:
        if isinstance(node, Field):
            if not node.column:
                return ""
            if node.name == "m":
                value = " ".join(code for code in LIST[1:] if chance.random() < 0.5)
            else:
                value = chance.choice(by_name.get(node.name, NUMBERS))
            return f"<{node.name}>{escape(value)}</{node.name}>"
        if node.name == "meta":
            return ""
        times = chance.randrange(4) if isinstance(node, Repeat) else 1
        return "".join(f"<{node.name}>{''.join(map(write, node.children))}</{node.name}>" for _ in range(times))

    body = "".join(map(write, compiled().form.root.children))
    return f'<data id="form" version="">{body}<meta><instanceID>x</instanceID></meta></data>'.encode()


def parse(interviews: list[bytes]) -> ParsedBatch:
    form = compiled().form
    batch = [
        RawSubmission(at, form.form_id, form.version, f"uuid:{at}", NOW, xml, "") for at, xml in enumerate(interviews)
    ]
    return read_rows(form, batch, b"key")


def judge(tables: dict[str, pl.DataFrame], chunk_rows: int) -> Evaluation:
    form = compiled().form
    return evaluate_rules(form, form_rules(form) + check_rules(compiled().specs, form), tables, chunk_rows=chunk_rows)


def keys(evaluation: Evaluation, at: int) -> set[tuple[str, str]]:
    return {(item.rule_id, item.row_id) for item in evaluation.findings if item.instance_id == f"uuid:{at}"}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_columns_find_what_a_slow_reader_finds(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    interviews = [make_interview(chance) for _ in range(12)]
    evaluation = judge(dict(parse(interviews).tables), 5)
    assert evaluation.not_checked == ()
    for at, xml in enumerate(interviews):
        assert keys(evaluation, at) == SlowReader(compiled(), xml, now=NOW).broken(), xml.decode()


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_result_does_not_depend_on_how_interviews_are_cut(seed: int, chunk_rows: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    tables = dict(parse([make_interview(chance) for _ in range(23)]).tables)
    whole, cut = judge(tables, 1000), judge(tables, chunk_rows)
    assert list(cut.findings) == list(whole.findings)
    assert cut.summaries == whole.summaries
    assert len(whole.findings) > 0


def test_order_of_rows_does_not_matter() -> None:
    chance = random.Random(7)  # noqa: S311
    tables = dict(parse([make_interview(chance) for _ in range(30)]).tables)
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=3) for name, frame in tables.items()}
    plain, mixed = judge(tables, 7), judge(shuffled, 7)
    assert {(f.instance_id, f.row_id, f.rule_id) for f in mixed.findings} == {
        (f.instance_id, f.row_id, f.rule_id) for f in plain.findings
    }
    assert mixed.summaries == plain.summaries
