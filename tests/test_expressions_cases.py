"""Meaning by engine: one row a case in `expressions_cases.csv`; JavaRosa's were answered by JavaRosa itself."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from expressions.cases import evaluate_case, evaluate_on_submission
from expressions.instance import Element
from expressions.profiles import Profile
from expressions.records import compile_record, to_boolean, to_number, to_string
from expressions.scope import Scope
from schemas.errors import ExpressionError

DOCUMENT = (
    b"<data><a>x</a><n>5</n><d>2024-01-31</d><dt>2024-01-31T10:30:00.000Z</dt><t>10:30:00.000Z</t><b>1</b><m>a b</m>"
    b"<blank/><inner><person><age>3</age><name>A</name><child><c>1</c></child><child><c>2</c></child></person>"
    b"<person><age>9</age><name>B</name><child><c>7</c></child></person><person><age/><name/></person></inner>"
    b"<irr><x>1</x></irr></data>"
)
TYPES = {
    "/data/n": "int",
    "/data/d": "date",
    "/data/dt": "dateTime",
    "/data/t": "time",
    "/data/b": "boolean",
    "/data/inner/person/age": "int",
    "/data/inner/person/child/c": "int",
}
NOW = datetime(2026, 4, 1, 15, 30, tzinfo=UTC)
_SPEC = spec_from_file_location("list_conformance", Path(__file__).parents[1] / "docs" / "list_conformance.py")
assert _SPEC is not None
assert _SPEC.loader is not None
conformance = module_from_spec(_SPEC)
_SPEC.loader.exec_module(conformance)
CASES = list(csv.DictReader((Path(__file__).parent / "expressions_cases.csv").read_text(encoding="utf-8").splitlines()))
SHARED = Path(__file__).resolve().parents[2] / "shared" / "xpath_cases.jsonl"
FLOORS = {"webforms": 1303, "enketo": 862, "javarosa": 326}
"""Cases that must pass; docs/conformance.md says why not the others."""


def _scope() -> Scope:
    root = Element.from_xml(DOCUMENT)
    irrelevant = root.child("irr")
    assert irrelevant is not None
    irrelevant.relevant = False
    return Scope(root, NOW, types=TYPES)


def _find(root: Element, path: str) -> Element:
    node = root
    for part in path.split("/")[2:]:
        name, _, place = part.rstrip("]").partition("[")
        node = node.by_name[name][int(place or 1) - 1]
    return node


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['engine']}: {case['expression']}")
def test_expression_means_what_its_engine_says(case: dict[str, str]) -> None:
    scope = _scope()
    profile = Profile(case["engine"])
    node = _find(scope.root, case["context"])
    if case["type"] == "error":
        with pytest.raises(ExpressionError):
            compile_record(case["expression"], profile).evaluate(node, scope)
        return
    value = compile_record(case["expression"], profile).evaluate(node, scope)
    match case["type"]:
        case "boolean":
            assert to_boolean(value, profile) is (case["expected"] == "true")
        case "number":
            expected = float(case["expected"].replace("Infinity", "inf"))
            found = to_number(value, profile)
            assert found == expected or (math.isnan(found) and math.isnan(expected))
        case _:
            assert to_string(value, profile) == case["expected"]


RECORDED = datetime(2026, 11, 23, 20, tzinfo=UTC)
"""When the engines' results were recorded; some of them hold today's date."""


def test_engines_own_test_suites_pass_at_or_above_the_floor() -> None:
    if not SHARED.exists():
        pytest.skip(f"the engines' test suites aren't at {SHARED}")
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in SHARED.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        total[case["engine"]] += 1
        passed[case["engine"]] += conformance.holds(case, evaluate_case(case, RECORDED))
    print({engine: f"{passed[engine]} of {total[engine]}" for engine in FLOORS})
    assert {engine: passed[engine] >= floor for engine, floor in FLOORS.items()} == dict.fromkeys(FLOORS, True)


def test_the_conformance_page_is_what_the_cases_say() -> None:
    if not SHARED.exists():
        pytest.skip(f"the engines' test suites aren't at {SHARED}")
    page = conformance.write_page(SHARED.parent)
    assert conformance.PAGE.read_text(encoding="utf-8") == page, "run docs/list_conformance.py"
    assert conformance.REASONS["open"] not in page


FORM = """<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><model>
<instance><data><n/><c/><kept/></data></instance>
<instance id="fruits"><root><item><name>a</name><label>Apple</label></item></root></instance>
<bind nodeset="/data/n" type="int"/><bind nodeset="/data/kept" type="int" calculate="/data/n * 2"/>
</model></h:head><h:body><select1 ref="/data/c"><itemset nodeset="instance('fruits')/root/item"><value ref="name"/>
<label ref="label"/></itemset></select1></h:body></h:html>"""


def test_a_form_gives_a_case_its_lists_types_and_labels() -> None:
    case = {"context_xml": "<data><n>5.0</n><c>a</c><kept>10</kept></data>", "form_xml": FORM}
    assert evaluate_case(case | {"expr": "jr:choice-name(/data/c, '/data/c')"})["value"] == "Apple"
    assert evaluate_case(case | {"expr": "count(instance('fruits')/root/item)"})["value"] == 1.0
    assert evaluate_case(case | {"expr": "/data/n = '5'", "type": "boolean"})["value"] is True


def test_a_whole_forms_calculations_are_computed_again() -> None:
    whole = {"form_xml": FORM, "final_instance_xml": "<data><n>5</n><c>a</c><kept>10</kept></data>"}
    assert evaluate_case(whole) == {"value": {}, "type": "calculations", "computed": 1}
    stale = whole | {"final_instance_xml": "<data><n>5</n><c>a</c><kept>11</kept></data>"}
    assert evaluate_case(stale)["value"] == {"/data/kept[1]": "10"}
    assert evaluate_case({"form_xml": FORM})["error"].startswith("EXP-043")
    assert evaluate_case(whole | {"form_xml": "<h:html"})["error"].startswith("EXP-040")
    assert evaluate_case(whole | {"form_xml": "<html/>"})["error"].startswith("EXP-043")


def test_a_case_without_type_keeps_the_values_own() -> None:
    def evaluate(expr: str, **more: str) -> dict[str, Any]:
        return evaluate_case({"expr": expr, "context_xml": "<data><a>2</a><a>3</a></data>", **more}, NOW)

    assert evaluate("1 + 1") == {"value": 2.0, "type": "number"}
    assert evaluate("1 div 0") == {"value": "Infinity", "type": "number"}
    assert evaluate("today()") == {"value": "2026-04-01", "type": "date"}
    assert evaluate("now()", tz="America/Santiago") == {"value": "2026-04-01T12:30:00.000-03:00", "type": "dateTime"}
    assert evaluate("/data/a") == {"value": ["/data[1]/a[1]", "/data[1]/a[2]"], "type": "nodeset"}
    assert evaluate("true()") == {"value": True, "type": "boolean"}
    assert evaluate("'x'") == {"value": "x", "type": "string"}


def test_a_case_that_cannot_be_evaluated_gives_its_error() -> None:
    assert evaluate_case({"expr": "1 +"})["error"].startswith("EXP-004")
    assert evaluate_case({"expr": "nonsense()"})["error"].startswith("EXP-020")
    assert evaluate_case({"expr": "1", "engine": "abacus"})["error"].startswith("EXP-041")
    assert evaluate_case({"expr": "1", "context_node": "/data/none"})["error"].startswith("EXP-042")
    assert evaluate_case({"expr": "1", "context_xml": "<data>"})["error"].startswith("EXP-040")


def test_a_wrong_call_is_an_error_only_when_it_is_reached() -> None:
    assert evaluate_case({"expr": "false() and nonsense()"}) == {"value": False, "type": "boolean"}
    with pytest.raises(ExpressionError):
        compile_record("false() and nonsense()")


def test_an_expression_on_a_submission_finds_questions_by_name() -> None:
    xml = b'<data id="f"><g><age>31</age></g><person><age>5</age></person><person/></data>'
    assert evaluate_on_submission("${age} >= 15", xml) == {"value": True, "type": "boolean"}
    assert evaluate_on_submission("count(${person})", xml) == {"value": 2.0, "type": "number"}
    assert evaluate_on_submission("g/age", xml) == {"value": ["/data[1]/g[1]/age[1]"], "type": "nodeset"}
    assert evaluate_on_submission("${nobody}", xml)["error"].startswith("EXP-022")
    assert evaluate_on_submission("1", b"no xml")["error"].startswith("EXP-040")


def test_entities_are_never_expanded() -> None:
    bomb = b'<!DOCTYPE d [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;">]><d>&b;</d>'
    assert evaluate_on_submission("string(.)", bomb)["value"] == ""
    assert "error" in evaluate_case({"expr": "string(.)", "context_xml": bomb.decode(), "engine": "enketo"})
