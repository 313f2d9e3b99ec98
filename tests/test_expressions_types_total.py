"""Every tree can be reasoned about and has a type, whatever it holds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings

from expressions.grammar import parse
from expressions.syntax import Expr
from expressions.targets import Place
from expressions.typing.differences import find_differences
from expressions.typing.faults import find_faults
from expressions.typing.reasoner import Demand, Reasoner
from expressions.typing.types import Types
from schemas.fields import Choice, Field, Form, Group, Table

_SPEC = importlib.util.spec_from_file_location("trees", Path(__file__).with_name("test_expressions_grammar.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)

NAMES = ("age", "p1_edad", "año", "kinship-code", "a.b", "div", "or", "mod", "text", "x·y")
KINDS = (
    {"type": "int"},
    {"type": "string"},
    {"type": "date"},
    {"type": "string", "control": "select", "choices": (Choice("p", {}), Choice("q", {}))},
    {"type": "decimal"},
    {"type": "string", "control": "select1", "choices": (Choice("1", {}), Choice("2", {}))},
    {"type": "dateTime"},
)
FIELDS = tuple(
    Field(name, f"/data/{name}", column=name, **KINDS[number % len(KINDS)])  # type: ignore[arg-type]
    for number, name in enumerate(NAMES)
)
FORM = Form("f", "1", "t", Group("data", "/data", FIELDS), (Table("main", "/data", None, FIELDS),))
PLACE = Place(FORM, "main", None)
REASONER = Reasoner(FORM)
DOMAINS = {field.path: REASONER.domain(field) for field in FIELDS}


@settings(max_examples=200, deadline=None)
@given(_MODULE.TREES)
def test_every_tree_has_a_type_and_can_be_reasoned_about(tree: Expr) -> None:
    types = Types(PLACE, DOMAINS)
    assert types.of(tree).kind in {"num", "str", "bool", "date", "dateTime", "any"}
    for fault in [*find_faults(tree, types), *find_differences(tree, types, True)]:
        assert fault.message
        assert fault.advice
    never, always = (REASONER.is_impossible([Demand(tree, PLACE, wanted)]) for wanted in (True, False))
    assert not (never and always)


@pytest.mark.parametrize(
    ("text", "kind", "low", "high"),
    [
        ("${age}", "num", float("-inf"), float("inf")),
        ("5 + 2 * 3", "num", 11, 11),
        ("-2.5", "num", -2.5, -2.5),
        ("count(${age}) - 1", "num", -1, float("inf")),
        ("${año} + 1", "date", float("-inf"), float("inf")),
        ("${año} - ${año}", "num", float("-inf"), float("inf")),
        ("today()", "date", float("-inf"), float("inf")),
        ("now()", "dateTime", float("-inf"), float("inf")),
        ("${age} > 5", "bool", float("-inf"), float("inf")),
        ("if(${age} > 5, 1, 3)", "num", 1, 3),
        ("coalesce(${age}, 0)", "num", float("-inf"), float("inf")),
        ("if(${age} > 5, 1, 'x')", "any", float("-inf"), float("inf")),
        ("concat(${age}, 'x')", "str", float("-inf"), float("inf")),
        ("unheard-of(1)", "any", float("-inf"), float("inf")),
        ("${nobody}", "any", float("-inf"), float("inf")),
    ],
)
def test_types_and_bounds(text: str, kind: str, low: float, high: float) -> None:
    found = Types(PLACE, DOMAINS).of(parse(text))
    assert (found.kind, found.low, found.high) == (kind, low, high)


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("${age}", True),
        ("coalesce(${age}, 0)", False),
        ("coalesce(${age}, '')", True),
        ("5 div 0", True),
        ("1 + 1", False),
    ],
)
def test_what_may_be_blank(text: str, blank: bool) -> None:
    assert Types(PLACE, DOMAINS).of(parse(text)).may_be_blank is blank
