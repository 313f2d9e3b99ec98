"""The rules that a form implies, and those of the `checks` sheet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forms.compile import CompiledForm, compile_workbook
from forms.sheets.markdown import workbook_from_markdown
from schemas.findings import Rule
from schemas.text import LANGUAGES
from schemas.workbook import Check, Specs
from validation.checks import check_rules
from validation.rules import form_rules, question_names
from validation.sentences import quote_label, write_message

FORM = """
| survey | | | | | | | | | | | |
| | type | name | label::es | label::en | relevant | constraint | constraint_message::es | required | calculation | choice_filter | repeat_count |
| | start | begun | | | | | | | | | |
| | text | who | Nombre | Name | | | | yes | | | |
| | integer | age | Edad de ${who} | Age | | . < 120 | Menos de 120 | | | | |
| | select_one reg | region | Región | Region | ${age} > 17 | | | | | | |
| | select_one com | comuna | Comuna | Commune | | | | | | reg=${region} | |
| | integer | n | Cuántos | How many | | | | | | | |
| | calculate | double | | | | | | | ${age} * 2 | | |
| | note | thanks | Gracias | Thanks | | | | yes | | | |
| | begin repeat | person | Persona | Person | ${n} > 0 | | | | | | ${n} + 1 |
| | integer | p_age | Edad | Age | | . <= ${age} | | ${n} > 1 | | | |
| | end repeat | | | | | | | | | | |
| choices | | | | | |
| | list_name | name | label::es | label::en | reg |
| | reg | a | A | A | |
| | com | a1 | A1 | A1 | a |
| checks | | | | | |
| | name | table | expression | severity | message::es |
| | adult | | ${age} >= 18 | warning | Es menor de edad. |
| | young | person | ${p_age} < ${age} | error | Es mayor. |
| | ghost | dog | ${p_age} < ${age} | error | Ladra. |
"""  # noqa: E501  a table is read in rows


@pytest.fixture(scope="module")
def compiled() -> CompiledForm:
    return compile_workbook(workbook_from_markdown(FORM))


@pytest.fixture(scope="module")
def rules(compiled: CompiledForm) -> dict[str, Rule]:
    found = form_rules(compiled.form)
    by_id = {rule.rule_id: rule for rule in found}
    assert len(by_id) == len(found), "rule ids are unique"
    return by_id


@pytest.mark.parametrize(
    ("rule_id", "table", "severity", "variables"),
    [
        ("type:/data/begun", "main", "error", ("begun",)),
        ("type:/data/age", "main", "error", ("age",)),
        ("required:/data/who", "main", "error", ("who",)),
        ("constraint:/data/age", "main", "error", ("age",)),
        ("relevant:/data/region", "main", "error", ("region", "age")),
        ("choice:/data/region", "main", "error", ("region",)),
        ("choice:/data/comuna", "main", "error", ("comuna", "region")),
        ("choice_filter:/data/comuna", "main", "error", ("comuna", "region")),
        ("calculation:/data/double", "main", "warning", ("double", "age")),
        ("repeat:/data/person", "main", "error", ("person_count", "n")),
        ("relevant:/data/person/p_age", "person", "error", ("p_age", "n")),
        ("required:/data/person/p_age", "person", "error", ("p_age", "n")),
        ("constraint:/data/person/p_age", "person", "error", ("p_age", "age")),
    ],
)
def test_form_implies_rule(
    rules: dict[str, Rule], rule_id: str, table: str, severity: str, variables: tuple[str, ...]
) -> None:
    rule = rules[rule_id]
    assert (rule.table, rule.severity, rule.variables) == (table, severity, variables)
    assert rule.kind in {"type", "choice", "required", "constraint", "relevant", "calculation", "repeat"}
    assert all(rule.message[language] and rule.advice[language] for language in LANGUAGES)


def test_form_implies_nothing_else(rules: dict[str, Rule]) -> None:
    others = {rule_id for rule_id in rules if not rule_id.startswith(("type:", "calculation:"))}
    assert "required:/data/thanks" not in others, "nobody can answer a note"
    assert len(others) == 10
    assert {rule_id for rule_id in rules if rule_id.startswith("calculation:")} == {
        "calculation:/data/double",
        "calculation:/data/person_count",
    }
    assert not any("instanceID" in rule_id for rule_id in rules)


def test_authors_message_is_used_in_its_language_and_a_sentence_in_the_others(rules: dict[str, Rule]) -> None:
    message = rules["constraint:/data/age"].message
    assert message["es"] == "Menos de 120"
    assert message["en"] == "“Age”: the answer does not meet the question's condition: the answer is less than 120."
    assert message["ht"].startswith("«Edad de …»")


def test_message_without_language_serves_everybody() -> None:
    assert write_message("required", {}, "age", own={"default": "Please"}) == dict.fromkeys(LANGUAGES, "Please")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ({}, "«age»"),
        ({"es": "**Edad** de ${who}\n en años"}, "«Edad de … en años»"),
        ({"es": 'Edad de <output value=" /data/who "/>'}, "«Edad de …»"),
        ({"es": '<span style="color:red">Edad</span>'}, "«Edad»"),
        ({"en": "Age"}, "«Age»"),
        ({"es": "x" * 500}, "«" + "x" * 139 + "…»"),
    ],
)
def test_label_is_quoted_without_markup_or_answers(label: dict[str, str], expected: str) -> None:
    assert quote_label(label, "age", "es") == expected


def test_question_names_ignores_literals_and_unknown_names() -> None:
    known = frozenset({"age", "sex", "head"})
    assert question_names("${age} = '${sex}' or /data/group/head = \"../sex\" or count(/data/person) > 1", known) == (
        "age",
        "head",
    )


def test_checks_become_rules_in_the_order_of_the_sheet(compiled: CompiledForm) -> None:
    found = check_rules(compiled.specs, compiled.form)
    assert [rule.rule_id for rule in found] == ["check:adult", "check:young", "check:ghost"]
    adult, young, ghost = found
    assert (adult.table, adult.severity, adult.variables) == ("main", "warning", ("age",))
    assert adult.message["ht"] == "Es menor de edad.", "a language without a message reads another's"
    assert (young.table, young.variables) == ("person", ("p_age", "age"))
    assert "dog" in ghost.not_checked


def test_check_names_the_variables_that_its_author_lists(compiled: CompiledForm) -> None:
    check = Check("adult", "main", "${age} >= 18", "grave", {"es": "Menor"}, variables=("who",))
    (rule,) = check_rules(replace(Specs(), checks=(check,)), compiled.form)
    assert rule.variables == ("who",)
    assert rule.severity == "error", "a severity that we don't know is the gravest"
