"""XForm -> field tree: paths, types, tables and columns, choices, texts, and the rows that they came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from forms.compile import CompiledForm, compile_workbook, compile_xform
from forms.fields import read_form
from forms.sheets import read_workbook, workbook_from_markdown
from schemas.errors import FormError
from schemas.fields import Field, Form, Group, Repeat, walk

SHARED = Path(__file__).resolve().parents[2] / "shared" / "forms"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real forms are not at {SHARED}")

CENSUS = """
| settings |
| | form_id | version | form_title | default_language | instance_name |
| | censo | 7 | Censo | Español (es) | ${sector} |
| survey |
| | type | name | label::Español (es) | label::English (en) | hint::Español (es) | repeat_count | choice_filter | parameters | default | calculation | relevant | constraint | constraint_message::Español (es) | required | personal | appearance |
| | start | start | | | | | | | | | | | | | | |
| | deviceid | deviceid | | | | | | | | | | | | | | |
| | audit | audit | | | | | | | | | | | | | | |
| | begin_group | home | Hogar | Home | | | | | | | | | | | | field-list |
| | select_one sectors | sector | Sector | Sector | | | | | | | | | | yes | | |
| | select_one blocks | block | Manzana | Block | | | sector = ${sector} | randomize=true | | | | | | | | |
| | integer | people | ¿Cuántas? | How many? | Cuente | | | | | | | . < 30 | Menos de 30 | yes | | |
| | end_group | | | | | | | | | | | | | | | |
| | begin_repeat | person | Persona | Person | | ${people} | | | | | ${people} > 0 | | | | | |
| | text | full_name | Nombre | Name | | | | | | | | | | | name | |
| | date | born | ¿Cuándo nació ${full_name}? | Born? | | | | | today() | | | | | | | |
| | begin_repeat | job | Trabajo | Job | | | | | | | | | | | | |
| | text | full_name2 | Dónde | Where | | | | | | | | | | | | |
| | calculate | order | | | | | | | | position(..) | | | | | | |
| | end_repeat | | | | | | | | | | | | | | | |
| | end_repeat | | | | | | | | | | | | | | | |
| | select_multiple yn or_other | needs | Necesita | Needs | | | | | | | | | | | | |
| | rank yn | ranked | Orden | Order | | | | | | | | | | | | |
| | range | scale | Escala | Scale | | | | start=1 end=5 step=1 | | | | | | | | |
| | image | photo | Foto | Photo | | | | max-pixels=800 | | | | | | | other | |
| | geopoint | place | Lugar | Place | | | | | | | | | | | position | |
| | select_one_from_file schools.csv | school | Escuela | School | | | | | | | | | | | | |
| | acknowledge | agree | Acepta | Agrees | | | | | | | | | | | | |
| | note | bye | Adiós | Bye | | | | | | | | | | | | |
| choices |
| | list_name | name | label::Español (es) | label::English (en) | sector |
| | yn | 1 | Sí | Yes | |
| | yn | 0 | No | No | |
| | sectors | n | Norte | North | |
| | sectors | s | Sur | South | |
| | blocks | 10 | Diez | Ten | n |
| | blocks | 20 | Veinte | Twenty | s |
"""  # noqa: E501 - a row is a line


@pytest.fixture(scope="module")
def census() -> CompiledForm:
    return compile_workbook(workbook_from_markdown(CENSUS, "censo"))


def field(form: Form, name: str) -> Field:
    return next(found for found in form.fields() if found.name == name)


def test_form_says_who_it_is(census: CompiledForm) -> None:
    form = census.form
    assert (form.form_id, form.version, form.title) == ("censo", "7", "Censo")
    assert form.languages == ("es", "en")
    assert form.audit
    assert form.namespace == ""
    assert form.media == ("schools.csv",)
    assert len(form.xform_md5) == 32


def test_tables_are_main_and_one_a_repeat(census: CompiledForm) -> None:
    tables = {table.name: (table.path, table.parent) for table in census.form.tables}
    assert tables == {
        "main": ("/data", None),
        "person": ("/data/person", "main"),
        "job": ("/data/person/job", "person"),
    }
    assert [found.column for found in census.form.table("person").fields] == ["full_name", "born"]
    assert [found.column for found in census.form.table("job").fields] == ["full_name2", "order"]


def test_meta_gives_columns_to_answers_and_none_to_keys(census: CompiledForm) -> None:
    columns = [found.column for found in census.form.table("main").fields]
    assert columns[-2:] == ["audit", "instanceName"] or columns[-2:] == ["instanceName", "audit"]
    assert field(census.form, "instanceID").column == ""
    assert field(census.form, "instanceID").preload == "uid"


def test_filtered_list_keeps_all_its_choices_with_labels_and_columns(census: CompiledForm) -> None:
    block = field(census.form, "block")
    assert [(choice.value, choice.label, dict(choice.columns)) for choice in block.choices] == [
        ("10", {"es": "Diez", "en": "Ten"}, {"sector": "n"}),
        ("20", {"es": "Veinte", "en": "Twenty"}, {"sector": "s"}),
    ]
    assert block.list_name == "blocks"
    assert block.itemset is not None
    assert block.itemset.startswith("randomize(instance('blocks')/root/item[")
    assert block.control == "select1"
    assert [choice.value for choice in field(census.form, "needs").choices] == ["1", "0", "other"]


def test_expressions_texts_and_rows_are_the_workbooks(census: CompiledForm) -> None:
    people = field(census.form, "people")
    assert (people.type, people.control, people.constraint, people.required) == ("int", "input", ". < 30", "true()")
    assert people.constraint_message == {"es": "Menos de 30"}
    assert people.hint == {"es": "Cuente"}
    assert people.row == 8
    born = field(census.form, "born")
    assert born.label == {"es": "¿Cuándo nació ${full_name}?", "en": "Born?"}
    assert born.set_on_load == "today()"
    assert field(census.form, "needs_other").row == field(census.form, "needs").row
    assert field(census.form, "start").preload == "timestamp/start"
    assert field(census.form, "deviceid").preload == "property/deviceid"


def test_controls_keep_their_kind_and_parameters(census: CompiledForm) -> None:
    form = census.form
    assert {name: field(form, name).control for name in ("needs", "ranked", "scale", "photo", "agree", "order")} == {
        "needs": "select",
        "ranked": "rank",
        "scale": "range",
        "photo": "upload",
        "agree": "trigger",
        "order": "",
    }
    assert dict(field(form, "scale").parameters) == {"start": "1", "end": "5", "step": "1"}
    assert field(form, "photo").media_type == "image/*"
    assert field(form, "ranked").type == "string"
    assert field(form, "school").itemset == "instance('schools')/root/item"
    assert form.instances["schools"].src == "jr://file-csv/schools.csv"


def test_groups_and_repeats_keep_relevance_count_and_appearance(census: CompiledForm) -> None:
    nodes = {node.name: node for node in walk(census.form.root) if not isinstance(node, Field)}
    home, person = nodes["home"], nodes["person"]
    assert isinstance(home, Group)
    assert (home.appearance, home.label["en"], home.row) == ("field-list", "Home", 5)
    assert isinstance(person, Repeat)
    assert (person.count, person.relevant, person.table) == ("/data/home/people", "/data/home/people  > 0", "person")


def test_personal_marks_come_from_the_workbook_alone(census: CompiledForm) -> None:
    marks = {found.name: found.personal for found in census.form.fields() if found.personal}
    assert marks == {"full_name": "name", "photo": "other", "place": "position"}
    assert b"personal" not in census.xform
    assert not any(found.personal for found in compile_xform(census.xform, {}).form.fields())


def test_external_list_is_filled_from_its_file(census: CompiledForm) -> None:
    media = {"schools.csv": "\ufeffname,label\ne1,Escuela Uno\n".encode()}
    form = compile_xform(census.xform, media).form
    assert form.instances["schools"].items == ({"name": "e1", "label": "Escuela Uno"},)


SAME_NAMES = """
| survey |
| | type | name | label |
| | begin_group | a | A |
| | text | x | X |
| | text | _y | Y |
| | end_group | | |
| | begin_group | b | B |
| | text | x | X |
| | begin_repeat | main | M |
| | text | x | X |
| | end_repeat | | |
| | end_group | | |
"""


def test_names_that_stand_twice_get_their_groups_before_them() -> None:
    form = compile_workbook(workbook_from_markdown(SAME_NAMES)).form
    assert [found.column for found in form.table("main").fields] == ["a__x", "q_y", "b__x"]
    assert [table.name for table in form.tables] == ["main", "b__main"]
    assert [found.column for found in form.table("b__main").fields] == ["x"]


HANDWRITTEN = """<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
  xmlns:jr="http://openrosa.org/javarosa" xmlns:orx="http://openrosa.org/xforms"><h:head><h:title>T</h:title><model>
  <instance><censo xmlns="http://example.org/censo" id="c" version="2"><n>3</n><g><s/></g>
  <orx:meta><orx:instanceID/></orx:meta></censo></instance>
  <bind id="nn" nodeset="/censo/n" type="xsd:integer"/><bind nodeset="g/s" type="select1"/>
  <bind nodeset="/censo/orx:meta/orx:instanceID" jr:preload="uid"/>
  <submission base64RsaPublicKey="KEY"/></model></h:head>
  <h:body><input bind="nn"><label>N</label></input><group ref="/censo/g"><select1 ref="s" appearance="minimal">
  <label>S</label><item><label>Uno</label><value>1</value></item></select1></group></h:body></h:html>"""


def test_handwritten_xform_with_inline_items_relative_paths_and_namespaces() -> None:
    form = read_form(HANDWRITTEN.encode())
    n, s = field(form, "n"), field(form, "s")
    assert (n.type, n.default, n.label) == ("int", "3", {"default": "N"})
    assert (s.path, s.type, s.control, s.list_name) == ("/censo/g/s", "string", "select1", None)
    assert [(choice.value, choice.label) for choice in s.choices] == [("1", {"default": "Uno"})]
    assert (form.namespace, form.public_key, form.version) == ("http://example.org/censo", "KEY", "2")
    assert field(form, "instanceID").preload == "uid"


@pytest.mark.parametrize(
    ("xform", "code"),
    [
        (b"<a>", "FRM-020"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "FRM-020"),
        (b"<a/>", "FRM-021"),
        (HANDWRITTEN.replace(' id="c"', "").encode(), "FRM-022"),
    ],
)
def test_what_is_no_xform_is_refused(xform: bytes, code: str) -> None:
    with pytest.raises(FormError) as excinfo:
        read_form(xform)
    assert excinfo.value.code == code


@needs_shared
@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("who_va_2022.xlsx", {"main": 449}),
        ("unhcr_rms_capi_v3.xlsx", {"main": 215, "rpt_hhmnames": 7, "S1": 39, "S2_repeat": 86}),
        ("pyxform_widgets.xls", {"main": 36}),
        ("xlsform_org_cascading.xlsx", {"main": 3}),
        ("hot_entities_registration.xls", {"main": 10}),
    ],
)
def test_real_forms_compile_and_every_select_of_theirs_has_choices(name: str, tables: dict[str, int]) -> None:
    workbook = read_workbook(SHARED / name)
    compiled = compile_workbook(workbook)
    assert {table.name: len(table.fields) for table in compiled.form.tables} == tables
    assert compile_workbook(workbook).xform == compiled.xform
    for found in compiled.form.fields():
        instance = compiled.form.instances.get(found.list_name or "")
        if found.is_select and instance is not None and instance.src is None:
            assert len(found.choices) == len(instance.items) > 0, found.path
            has_images_only = found.list_name == "happy_sad"
            assert has_images_only or all(choice.label for choice in found.choices), found.path
    for table in compiled.form.tables:
        columns = [found.column for found in table.fields]
        assert len(set(columns)) == len(columns)
        assert not any(column.startswith("_") for column in columns)
