"""What is claimed never or always to hold does so for every answer: tried one by one."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expressions.grammar import parse
from expressions.instance import Element
from expressions.records import Scope, compile_record
from expressions.targets import Place
from expressions.typing.reasoner import Demand, Reasoner
from schemas.fields import Choice, Field, Form, Group, Table

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


def choices(*codes: str) -> tuple[Choice, ...]:
    return tuple(Choice(code, {"es": code}) for code in codes)


def question(name: str, kind: str = "string", **more: object) -> Field:
    return Field(name, f"/data/{name}", kind, column=name, **{"control": "input", **more})  # type: ignore[arg-type]


A = question("a", "int")
B = question("b", "int")
X = question("x", "decimal")
S = question("s", control="select1", choices=choices("1", "2", "9"))
M = question("m", control="select", choices=choices("p", "q"))
T = question("t")
D = question("d", "date")
VALUES = {
    "a": ("", "-1", "0", "1", "2", "3"),
    "b": ("", "0", "1", "2"),
    "x": ("", "0.5", "1"),
    "s": ("", "1", "2", "9"),
    "m": ("", "p", "q", "p q"),
    "t": ("", "5", "ab"),
    "d": ("", "2026-03-31", "2026-04-01", "2026-04-02"),
}


def make_form(**changes: dict[str, object]) -> Form:
    fields = tuple(replace(field, **changes.get(field.name, {})) for field in (A, B, X, S, M, T, D))  # type: ignore[arg-type]
    return Form("f", "1", "t", Group("data", "/data", fields), (Table("main", "/data", None, fields),))


def never(text: str, form: Form, wanted: bool = True) -> bool:
    return Reasoner(form).is_impossible([Demand(parse(text), Place(form, "main", None), wanted)])


# -- by trying ---------------------------------------------------------------------------------------------------------
number = st.sampled_from(
    ["${a}", "${b}", "${x}", "${t}", "0", "1", "2", "(${a} + 1)", "(${b} - ${a})", "-1", "${s}", "'1'"]
)
day = st.sampled_from(["${d}", "today()", "date('2026-04-01')", "(today() - 1)"])
order = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
simple = st.one_of(
    st.builds(lambda left, op, right: f"{left} {op} {right}", number, order, number),
    st.builds(lambda left, op, right: f"{left} {op} {right}", day, order, day),
    st.builds(
        lambda op, code: f"${{s}} {op} '{code}'", st.sampled_from(["=", "!="]), st.sampled_from(["1", "2", "9", "7"])
    ),
    st.builds(
        lambda name, op: f"${{{name}}} {op} ''", st.sampled_from(sorted(VALUES)), st.sampled_from(["=", "!=", ">"])
    ),
    st.builds(
        lambda name, code: f"selected(${{{name}}}, '{code}')",
        st.sampled_from("ms"),
        st.sampled_from(["p", "q", "1", "z"]),
    ),
    st.builds(lambda op, n: f"count-selected(${{m}}) {op} {n}", order, st.integers(0, 3)),
    st.builds(lambda op, n: f"string-length(${{t}}) {op} {n}", order, st.integers(0, 3)),
    st.sampled_from(
        ["${a} mod 2 = 0", "true()", "false()", "${s}", "${t} = 'ab'", "${t} != '5'", "regex(${t}, '[0-9]+')"]
    ),
)
condition = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(lambda one, two, op: f"({one} {op} {two})", inner, inner, st.sampled_from(["and", "and", "or"])),
        st.builds(lambda one: f"not({one})", inner),
        st.builds(lambda one, two, three: f"if({one}, {two}, {three})", inner, inner, inner),
        st.builds(lambda one: f"(if({one}, 1, 0) = 1)", inner),
        st.builds(lambda one: f"(boolean({one}) = true())", inner),
    ),
    max_leaves=5,
)
own = st.sampled_from([". >= 0 and . <= 2", ". > 0", ". != 2", ". = 1 or . = 3", ". < 0 or . > 1"])
asked = st.sampled_from(["${a} > 0", "${a} = ''", "${b} = 1 and ${a} != 2", "not(${a} = 1)", "${a} < ${b}"])


def interviews(form: Form) -> list[dict[str, str]]:
    """Every interview that the form lets through: constraints hold, and what isn't relevant is blank."""
    found = []
    rules = [
        (field.name, compile_record(text))
        for field in form.fields()
        for text in (field.constraint, field.relevant)
        if text
    ]
    for values in list(product(*VALUES.values()))[::5]:
        answers = dict(zip(VALUES, values, strict=True))
        scope = scope_of(answers)
        if all(not answers[name] or rule.boolean(scope.root.by_name[name][0], scope) for name, rule in rules):
            found.append(answers)
    return found


def scope_of(answers: dict[str, str]) -> Scope:
    root = Element("data")
    for name, value in answers.items():
        root.append(Element(name, value))
    types = {field.path: field.type for field in make_form().fields()}
    return Scope(root, NOW, references={name: f"/data/{name}" for name in VALUES}, types=types)


FORMS = [
    make_form(),
    make_form(a={"constraint": ". >= 0 and . <= 2"}, s={"relevant": "${a} > 0"}, t={"relevant": "${s} = '1'"}),
    make_form(b={"constraint": ". = 1 or . = 2"}, m={"relevant": "${a} < ${b}"}, a={"constraint": ". != 2"}),
    make_form(
        m={"constraint": "not(selected(., 'p') and count-selected(.) > 1)"}, d={"constraint": ". <= date('2026-04-01')"}
    ),
    make_form(
        t={"constraint": "string-length(.) = 2"}, d={"relevant": "${t} = '' or ${a} = 1"}, x={"constraint": ". > 0.5"}
    ),
]


@cache
def scopes(which: int) -> list[Scope]:
    """Every fifth interview that a form lets through."""
    return [scope_of(answers) for answers in interviews(FORMS[which])]


@settings(max_examples=200, deadline=None)
@given(condition, st.integers(0, len(FORMS) - 1), st.booleans())
def test_what_is_called_impossible_happens_in_no_interview(text: str, which: int, wanted: bool) -> None:
    if never(text, FORMS[which], wanted):
        rule = compile_record(text)
        for scope in scopes(which):
            assert rule.boolean(scope.root, scope) is not wanted


# -- every pair --------------------------------------------------------------------------------------------------------
ATOMS = (
    *(
        "${a} > 1",
        "${a} >= 1",
        "${a} < 2",
        "${a} = 1",
        "${a} != 2",
        "${a} = ''",
        "2 > ${a}",
        "${a} = '2'",
        "${a} mod 2 = 0",
    ),
    *("${a} < ${b}", "${a} <= ${b}", "${a} = ${b}", "${a} + 1 = ${b}", "${b} - ${a} > 1", "${a} - ${b} > 0"),
    *("${x} > 0.5", "${x} = 1", "${x} <= 0.5", "${x} < ${b}"),
    *("${s} = '1'", "${s} != '9'", "${s} = ''", "selected(${s}, '2')", "${s} > 1", "${s}"),
    *(
        "selected(${m}, 'p')",
        "selected(${m}, 'q')",
        "${m} = ''",
        "count-selected(${m}) > 1",
        "count-selected(${m}) < 1",
    ),
    *("${t} = 'ab'", "${t} != 'ab'", "${t} > 4", "${t} = 5", "string-length(${t}) < 2", "string-length(${t}) = 2"),
    *("${d} > today()", "${d} <= today()", "${d} >= today() + 1", "${d} = date('2026-04-01')", "${d} != ''"),
    *("if(${a} > 1, ${b} = 1, ${b} = 2)", "(if(${s} = '1', 1, 0) = 1) = true()", "coalesce(${a}, 1) = 1"),
)
NAME = re.compile(r"\$\{(\w+)\}")


def _truth(text: str) -> tuple[tuple[str, ...], dict[tuple[str, ...], bool]]:
    """The questions of a condition, and its truth by their answers."""
    names = tuple(sorted({*NAME.findall(text)}))
    rule = compile_record(text)
    found = {}
    for values in product(*(VALUES[name] for name in names)):
        scope = scope_of(dict(zip(names, values, strict=True)))
        found[values] = rule.boolean(scope.root, scope)
    return names, found


def _needed(names: set[str], rules: dict[str, str]) -> tuple[str, ...]:
    """The questions, and those on which their rules depend."""
    wanted = set(names)
    while more := {other for name in wanted for other in NAME.findall(rules.get(name, ""))} - wanted:
        wanted |= more
    return tuple(sorted(wanted))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_of_every_two_conditions_only_those_that_exclude_each_other_are_called_impossible(which: int) -> None:
    form = FORMS[which]
    rules = {
        field.name: " and ".join(
            f"({text})"
            for text in (
                field.relevant,
                (field.constraint or "").replace(
                    ".",
                    f"${{{field.name}}}",
                ),
            )
            if text
        )
        for field in form.fields()
    }
    rules = {name: text for name, text in rules.items() if text}
    truths = {text: _truth(text) for text in (*ATOMS, *rules.values())}
    reasoner = Reasoner(form)
    place = Place(form, "main", None)
    signed = [(text, wanted) for text in ATOMS for wanted in (True, False)]
    called, really = 0, 0
    for (one, first), (two, second) in combinations(signed, 2):
        names = _needed({*truths[one][0], *truths[two][0]}, rules)

        def holds(text: str, answers: dict[str, str]) -> bool:
            own, table = truths[text]
            return table[tuple(answers[name] for name in own)]

        happens = any(
            holds(one, answers) is first
            and holds(two, answers) is second
            and all(not answers[name] or holds(rules[name], answers) for name in names if name in rules)
            for answers in (
                dict(zip(names, values, strict=True)) for values in product(*(VALUES[name] for name in names))
            )
        )
        claimed = reasoner.is_impossible([Demand(parse(one), place, first), Demand(parse(two), place, second)])
        assert not (claimed and happens), (one, first, two, second)
        called += claimed
        really += not happens
    # What is impossible among the few answers tried needn't be so among all: nearly all of it is found all the same.
    assert called > 0.5 * really


# -- what must be found ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "${a} > 5 and ${a} < 3",
        "${a} > 5 and ${a} < 6",
        "${x} > 5 and ${x} <= 5",
        "${a} = 1 and ${a} = 2",
        "${s} = '1' and ${s} = '2'",
        "${s} = '7'",
        "${s} > 9",
        "selected(${m}, 'p') and not(selected(${m}, 'p'))",
        "selected(${m}, 'z')",
        "count-selected(${m}) > 2",
        "count-selected(${m}) = 1 and selected(${m}, 'p') and selected(${m}, 'q')",
        "${m} = '' and selected(${m}, 'p')",
        "${t} = 'a' and ${t} = 'b'",
        "string-length(${t}) > 3 and string-length(${t}) < 3",
        "${t} = '' and ${t} != ''",
        "${a} = '' and ${a} > 0",
        "${a} > ''",
        "${d} > date('2026-01-01') and ${d} < date('2025-01-01')",
        "${d} > today() and ${d} <= today()",
        "${d} > today() and ${d} < today() + 1",
        "${a} < ${b} and ${b} < ${a}",
        "${a} < ${b} and ${b} < ${a} + 1",
        "${a} >= 5 and ${b} <= 4 and ${a} < ${b}",
        "regex(${t}, 'x') and not(regex(${t}, 'x'))",
        "(${a} * ${b} > 5) = true() and not(${a} * ${b} > 5)",
        "${t} > 5 and ${t} < 3",
        "if(${a} > 5, 1, 0) = 1 and ${a} < 3",
        "not(${a} > 5 or ${a} <= 5 or ${a} = '')",
        "(${s} = '1' or ${s} = '2') and not(${s} = '1') and ${s} != '2'",
        "1 = 2",
    ],
)
def test_contradictions_are_found(text: str) -> None:
    assert never(text, make_form())
    assert not never(text, make_form(), wanted=False)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("${a} > 2", {"a": {"constraint": ". >= 0 and . <= 2"}}),
        ("${a} = 2", {"a": {"constraint": ". != 2"}}),
        ("${a} mod 2 = 1", {"a": {"constraint": ". = 0 or . = 2"}}),
        ("${s} = '1' and ${a} = 3", {"s": {"relevant": "${a} < 3"}}),
        ("${t} = 'x' and ${a} = 3", {"t": {"relevant": "${s} = '1'"}, "s": {"relevant": "${a} < 3"}}),
        ("${d} > date('2030-01-01')", {"d": {"constraint": ". < date('2030-01-01')"}}),
        ("${t} = 'c'", {"t": {"control": "", "calculation": "if(${a} > 1, 'a', 'b')"}}),
    ],
)
def test_constraints_lists_and_relevance_are_used(text: str, changes: dict[str, dict[str, object]]) -> None:
    assert never(text, make_form(**changes))
    assert not never(text, make_form())


@pytest.mark.parametrize(
    "change",
    [{"default": "7"}, {"set_on_load": "7"}, {"calculation": "7"}, {"readonly": "true()"}, {"control": ""}],
)
def test_constraints_that_the_phone_may_not_enforce_prove_nothing(change: dict[str, object]) -> None:
    assert not never("${a} > 2", make_form(a={"constraint": ". <= 2", **change}))


@pytest.mark.parametrize(
    "text", ["${a} = random()", "once(${a}) > 5 and once(${a}) < 5", "now() > 1 and not(now() > 1)"]
)
def test_nothing_is_claimed_of_what_changes(text: str) -> None:
    assert not never(text, make_form())
    assert not never(text, make_form(), wanted=False)


def test_long_conditions_end_in_no_claim_and_soon() -> None:
    text = " and ".join(f"(${{a}} > {n} or ${{b}} = {n} or ${{t}} = '{n}')" for n in range(40))
    assert not never(text, make_form())
