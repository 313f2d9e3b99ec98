"""Comunal's own sheets -> specifications."""

from __future__ import annotations

import pytest

from forms.compile import compile_workbook
from forms.lint import check_workbook
from forms.sheets import workbook_from_markdown
from forms.specs import read_specs
from schemas.errors import FormError

FORM = """
| survey |
| | module | type | name | label | personal |
| | 00_a | integer | age | Edad | |
| | 00_a | select_one sex | sex | Sexo | |
| | 00_a | text | who | Nombre | name |
| choices |
| | module | list_name | name | label::Español (es) | label::English (en) |
| | a | sex | f | Mujer | Woman |
| | a | sex | m | Hombre | Man |
| | a | age_group | 0-14 | Niñez | Children |
| | a | age_group | 15+ | Resto | Others |
| topics |
| | name | label::es | intro::es |
| | people | Personas | Quiénes son |
| indicators |
| | name | topic | kind | table | label::es | unit | universe | denominator | numerator | value | scale | categories | list | breakdowns | source |
| | adults | people | share | main | Adultos | percent | | ${age} != '' | ${age} >= 18 | | | | | sex age_group | INE |
| | sexes | people | distribution | | Sexo | percent | | | | ${sex} | | | | | |
| | groups | people | distribution | main | Edades | percent | | | | if(${age} < 15, '0-14', '15+') | 100 | | age_group | | |
| breakdowns |
| | name | table | label::es | value | categories | list |
| | sex | main | Sexo | ${sex} | f m | |
| | age_group | main | Edad | if(${age} < 15, '0-14', '15+') | | age_group |
| checks |
| | name | table | expression | severity | message::es | advice::es | variables |
| | adult | main | ${age} >= 18 | warning | Es menor | Revise | age, ${sex} |
| design |
| | setting | value | note |
| | survey | prueba | |
| | commune | 13125 | |
| | probability | no | |
| | title::es | Encuesta | |
| | title::en | Survey | |
| | threshold | 5 | |
| | frame::norte | 120 | of the census |
| rehearsal |
| | question | value | weight | when |
| | age | 18..90 | 2.5 | |
| | sex | f | | ${age} > 5 |
"""  # noqa: E501 - a row is a line


def test_sheets_become_specifications() -> None:
    specs = compile_workbook(workbook_from_markdown(FORM)).specs
    adults, sexes, groups = specs.indicators
    assert (adults.kind, adults.numerator, adults.universe, adults.scale) == ("share", "${age} >= 18", None, 1.0)
    assert (adults.breakdowns, adults.label, adults.source, adults.row) == (
        ("sex", "age_group"),
        {"es": "Adultos"},
        "INE",
        2,
    )
    assert sexes.table == "main"
    assert sexes.categories == ()
    assert sexes.category_labels["f"] == {"es": "Mujer", "en": "Woman"}
    assert groups.categories == ("0-14", "15+")
    assert groups.scale == 100.0
    assert specs.topics[0].intro == {"es": "Quiénes son"}
    assert specs.breakdowns[0].categories == ("f", "m")
    assert specs.breakdowns[1].category_labels["15+"]["en"] == "Others"
    assert specs.checks[0].variables == ("age", "sex")
    assert specs.checks[0].severity == "warning"
    assert [(row.value, row.weight, row.when) for row in specs.rehearsal] == [
        ("18..90", 2.5, None),
        ("f", 1.0, "${age} > 5"),
    ]
    design = specs.design
    assert (design.survey, design.commune, design.probability, design.threshold) == ("prueba", "13125", False, 5)
    assert design.title == {"es": "Encuesta", "en": "Survey"}
    assert design.settings["frame::norte"] == "120"


def test_own_sheets_and_columns_leave_the_xform_alone() -> None:
    bare = FORM.split("| topics |")[0]
    for column in ("module", "personal"):
        assert column.encode() not in compile_workbook(workbook_from_markdown(FORM)).xform
    assert compile_workbook(workbook_from_markdown(FORM)).xform == compile_workbook(workbook_from_markdown(bare)).xform


def test_a_filter_column_called_module_stays() -> None:
    text = """
    | survey |
    | | type | name | label | choice_filter |
    | | select_one l | a | A | module = 'x' |
    | choices |
    | | list_name | name | label | module |
    | | l | 1 | Uno | x |
    """
    assert b"<module>x</module>" in compile_workbook(workbook_from_markdown(text)).xform


def test_a_workbook_without_own_sheets_has_empty_specifications_and_its_name_as_form_id() -> None:
    compiled = compile_workbook(
        workbook_from_markdown("| survey |\n| | type | name | label |\n| | note | a | A |", "mi_form")
    )
    assert compiled.form.form_id == "mi_form"
    assert compiled.specs.indicators == ()
    assert compiled.specs.design.survey == "mi_form"
    assert compiled.specs.design.threshold == 10


@pytest.mark.parametrize("text", ["diez", "-1", "nan", "inf"])
def test_a_number_that_is_none_is_refused_with_its_cell(text: str) -> None:
    table = f"| rehearsal |\n| | question | value | weight |\n| | a | x | {text} |"
    with pytest.raises(FormError, match="'rehearsal', row 2, column 'weight'") as excinfo:
        read_specs(workbook_from_markdown(table))
    assert excinfo.value.code == "FRM-301"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("| choices |\n| | list_name | name | label |\n| | l | a | A |\n| other |\n| | a |\n| | b |", "FRM-006"),
        ("| survey |\n| | type | name | label |\n| | wibble | a | A |", "FRM-030"),
    ],
)
def test_a_workbook_that_cannot_be_compiled_says_why(text: str, code: str) -> None:
    with pytest.raises(FormError) as excinfo:
        compile_workbook(workbook_from_markdown(text))
    assert excinfo.value.code == code


def test_external_choices_become_a_file_of_the_form() -> None:
    text = """
    | survey |
    | | type | name | label | choice_filter |
    | | text | s | S | |
    | | select_one_external towns | t | T | s=${s} |
    | external_choices |
    | | list_name | name | s |
    | | towns | a | x |
    | choices |
    | | list_name | name | label |
    | | l | a | A |
    """
    compiled = compile_workbook(workbook_from_markdown(text))
    assert b"towns" in compiled.media["itemsets.csv"]


def test_rows_of_monitoring_are_read_and_their_severities_checked() -> None:
    sheet = """
| survey |
| | type | name | label |
| | integer | age | Edad |
| monitoring |
| | name | parameter | value | severity | on |
| | productivity | most_a_day | 12 | info | |
| | overlap | | | | no |
| | outlier | factor | 4 | grave | |
| | | factor | 4 | | |
"""
    workbook = workbook_from_markdown(sheet)
    rows = read_specs(workbook).monitoring
    told = [(row.name, row.parameter, row.value, row.severity, row.on) for row in rows]
    assert told[:2] == [("productivity", "most_a_day", "12", "info", ""), ("overlap", "", "", "", "no")]
    assert len(told) == 3
    codes = [problem.code for problem in check_workbook(workbook) if problem.sheet == "monitoring"]
    assert codes == ["FRM-309"]
