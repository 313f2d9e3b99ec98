"""Expressions as sentences: as reviewed in `expressions_sentences.csv`, and for every tree whatever it holds."""

from __future__ import annotations

import csv
import importlib.util
import json
import string
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

from expressions.grammar import parse
from expressions.sentences import condition_sentence, plain_label, value_sentence
from expressions.sentences.phrases import LANGUAGES, PHRASES, listed
from expressions.sentences.rules import explain_constraint, explain_form
from expressions.syntax import Expr, Reference, walk
from expressions.targets import Place
from flows.cli import app
from schemas.errors import ExpressionError
from schemas.fields import Field, Form, Group, Table
from schemas.workbook import Breakdown, Check, Indicator, Specs
from validation.rules import form_rules


def _beside(name: str) -> ModuleType:
    """Another file of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FORM = _beside("expressions_sentences_form").FORM
TREES = _beside("test_expressions_grammar").TREES
CASES = Path(__file__).with_name("expressions_sentences.csv")
XPATH = Path(__file__).resolve().parents[2] / "shared" / "xpath_cases.jsonl"
INDEPENDENCIA = Path(__file__).resolve().parents[1] / "forms" / "independencia"
QUESTIONS = {field.name: field for field in FORM.fields()}


def golden() -> list[dict[str, str]]:
    with CASES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("case", golden(), ids=lambda case: case["expression"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_read_as_reviewed(case: dict[str, str], language: str) -> None:
    field = QUESTIONS.get(case["at"])
    say = value_sentence if case["at"] == "=" else condition_sentence
    found = say(case["expression"], Place(FORM, case["table"], field), language, field.path if field else None)
    assert found == case[language]


NAMES = ("age", "p1_edad", "año", "kinship-code", "a.b", "div", "or", "mod", "text", "x·y")


def _labelled(name: str, number: int) -> Field:
    label = f"Label {string.ascii_uppercase[number]}" if number % 2 else ""
    kind = ("int", "string", "date")[number % 3]
    return Field(name, f"/data/{name}", kind, column=name, label={"es": label}, control="input")


FIELDS = tuple(_labelled(name, number) for number, name in enumerate(NAMES))
OTHER_FORM = Form("f", "1", "t", Group("data", "/data", FIELDS), (Table("main", "/data", None, FIELDS),))
CALLED = {field.name: field.label["es"] or field.name for field in FIELDS}


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_every_tree_has_a_sentence_that_names_its_questions(tree: Expr) -> None:
    for language in LANGUAGES:
        for say in (condition_sentence, value_sentence):
            found = say(tree, Place(OTHER_FORM, "main", None), language)
            assert found.strip()
            for node in walk(tree):
                if isinstance(node, Reference):
                    assert CALLED.get(node.name, node.name) in found or node.name in found


@pytest.mark.skipif(not XPATH.is_file(), reason=f"the cases are not at {XPATH}")
def test_every_expression_of_the_engines_own_tests_has_a_sentence() -> None:
    said = 0
    for line in XPATH.read_text(encoding="utf-8").splitlines():
        try:
            tree = parse(json.loads(line)["expr"])
        except ExpressionError:
            continue
        assert all(condition_sentence(tree, Place(FORM, "main", None), language) for language in LANGUAGES)
        said += 1
    assert said > 2_000


def test_every_phrase_takes_as_many_parts_in_each_language() -> None:
    assert {key for key, texts in PHRASES.items() if len({text.count("{}") for text in texts}) != 1} == set()


@pytest.mark.parametrize(
    ("parts", "key", "expected"),
    [
        (["«a»", "«Igual»"], "and", "«a» e «Igual»"),
        (["«a»", "«Hielo»"], "and", "«a» y «Hielo»"),
        (["«a»", "«Otro»"], "or", "«a» u «Otro»"),
        (["7", "8"], "or", "7 u 8"),
        (["a", "b", "c"], "or", "a, b o c"),
    ],
)
def test_spanish_joins_by_sound(parts: list[str], key: str, expected: str) -> None:
    assert listed(parts, key, "es") == expected


def test_labels_never_quote_an_answer() -> None:
    label = {"es": "Edad de **${nombre}** <output value='/data/n'/>"}
    assert plain_label(label, "edad", "es") == "Edad de … …"


def test_constraints_without_message_tell_what_they_demand() -> None:
    bare = Field(
        "edad",
        "/data/edad",
        "int",
        column="edad",
        label={"es": "Edad"},
        control="input",
        constraint=". >= 0 and . <= 120",
    )
    told = Field(
        "n",
        "/data/n",
        "int",
        column="n",
        control="input",
        constraint=". > 0",
        constraint_message={"es": "Más de cero."},
    )
    fields = (bare, told)
    form = Form("f", "1", "t", Group("data", "/data", fields), (Table("main", "/data", None, fields),))
    messages = {rule.rule_id: rule.message for rule in form_rules(form)}
    assert messages["constraint:/data/edad"]["es"] == (
        "«Edad»: la respuesta no cumple la condición de la pregunta: la respuesta está entre 0 y 120."
    )
    assert messages["constraint:/data/n"]["es"] == "Más de cero."
    assert messages["constraint:/data/n"]["en"].endswith("condition: the answer is more than 0.")
    assert explain_constraint(form, bare, "en") == "the answer is between 0 and 120"


def test_own_sheets_are_told_too() -> None:
    specs = Specs(
        indicators=(
            Indicator(
                "i", "t", "ratio", "main", {"es": "Razón"}, "", universe="${edad} >= 15", numerator="${personas}", row=2
            ),
        ),
        breakdowns=(Breakdown("b", "main", {"es": "Sexo"}, "${sexo}"),),
        checks=(
            Check("c", "persona", "${edad_p} < 15", "error", {"es": "Menor"}),
            Check("d", "gone", "1 = 1", "error", {}),
        ),
    )
    assert [
        (one.sheet, one.kind, one.sentence) for one in explain_form(FORM, specs, "es") if one.sheet != "survey"
    ] == [
        ("checks", "expression", "Debe cumplirse que «Edad de la persona» es menos de 15."),
        ("indicators", "universe", "Se refiere a quienes cumplen que «Edad» es 15 o más."),
        ("indicators", "numerator", "Se suma «Personas en el hogar»."),
        ("breakdowns", "value", "El valor es «Sexo»."),
    ]


def test_the_command_prints_every_rule_in_the_language_asked_for() -> None:
    spoken = CliRunner().invoke(app, ["forms", "explain", str(INDEPENDENCIA), "--language", "en", "--expressions"])
    assert spoken.exit_code == 0
    assert "Accepted if the answer is between 1 and 15." in spoken.output
    assert ". >= 1 and . <= 15" in spoken.output
    lines = CliRunner().invoke(app, ["forms", "explain", str(INDEPENDENCIA), "--json"]).output.splitlines()
    assert {json.loads(line)["sheet"] for line in lines} >= {"survey", "checks", "indicators", "breakdowns"}


def test_the_command_refuses_other_languages() -> None:
    assert CliRunner().invoke(app, ["forms", "explain", str(INDEPENDENCIA), "--language", "xx"]).exit_code != 0
