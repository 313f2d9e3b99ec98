"""A release in the formats of others, each read by a program that isn't ours where there is one."""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import re
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from lxml import etree
from openpyxl import load_workbook

from reports.contents import CleaningRow, ReleaseContents
from reports.disclosure import veil
from reports.formats.common import Names, code_all, name_area
from reports.formats.ddi_nodes import DDI
from reports.formats.files import format_files
from reports.formats.hxl import TAGS
from reports.formats.ine import DICTIONARY
from reports.tables import release_tables
from schemas.domains import parts
from schemas.estimates import SafeTable
from schemas.fields import Choice, Field, Group, Table

HERE = Path(__file__).parent
XSD = "{http://www.w3.org/2001/XMLSchema}"
NAMES = {"d": DDI}


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", HERE / "release_sample.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()
AGE, INSURANCE, NAME = sample.FIELDS
FIELDS = (
    replace(AGE, row=2, relevant="/data/present = 'yes'", constraint=". >= 0 and . < 120", required="true()"),
    replace(INSURANCE, row=3, choices=(*INSURANCE.choices, Choice("-99", sample.words("No sabe", "Pa konnen", "?")))),
    replace(NAME, row=4, label=sample.words("¿Cómo se llama\x0b?", "Ki jan?", "Name?")),
    Field("adult", "/data/person/adult", "string", "", "person", "adult", calculation="/data/person/age >= 18", row=5),
    Field("came", "/data/came", "date", "input", "main", "came", sample.words("¿Cuándo llegó?", "Kilè?", "When?")),
    Field("where", "/data/where", "geopoint", "input", "main", "where", personal="position"),
)


def contents_of(**changes: object) -> ReleaseContents:
    _, contents = sample.build()
    person = Group("person", "/data/person", FIELDS[:4], sample.words("Personas", "Moun", "People"), row=1)
    form = replace(
        contents.form,
        root=Group("data", "/data", (person, *FIELDS[4:])),
        tables=(Table("main", "/data", None, FIELDS[4:]), Table("person", "/data/person", "main", FIELDS[:4])),
    )
    told = {"missing_codes": frozenset({"-99"}), "publisher": "Municipalidad & Cía", "form": form}
    return replace(contents, **(told | changes))


def write(contents: ReleaseContents, table: SafeTable | None = None) -> dict[str, bytes]:
    table = veil(table or sample.build()[0])
    tables = {each.name: each.frame for each in release_tables(table.cells, contents.specs, contents.form)}
    return format_files("sample-2026-1", table, tables, contents)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return write(contents_of())


def read_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_the_codebook_is_valid_ddi(files: dict[str, bytes]) -> None:
    schema = etree.XMLSchema(etree.parse(HERE / "data" / "ddi_codebook_2_5_subset.xsd"))
    for data in (files["formats/ddi.xml"], write(replace(contents_of(), rehearsal=False))["formats/ddi.xml"]):
        assert schema.validate(etree.fromstring(data)), schema.error_log


def test_our_own_schema_refuses_what_the_official_one_does(files: dict[str, bytes]) -> None:
    schema = etree.XMLSchema(etree.parse(HERE / "data" / "ddi_codebook_2_5_subset.xsd"))
    whole = files["formats/ddi.xml"].decode()
    for before, after in (
        ('version="2.5"', 'version="2.4"'),
        ("<titl ", "<IDNo>x</IDNo><titl "),
        ("</useStmt>", "<confDec>again</confDec></useStmt>"),
        ('intrvl="contin"', 'intrvl="sometimes"'),
        ('missing="Y"', 'missing="maybe"'),
    ):
        assert before in whole
        assert not schema.validate(etree.fromstring(whole.replace(before, after).encode())), before


def test_whatever_the_codebook_refers_to_stands_in_it(files: dict[str, bytes]) -> None:
    root = etree.fromstring(files["formats/ddi.xml"])
    identities = [node.get("ID") for node in root.iter() if node.get("ID")]
    assert len(identities) == len(set(identities)) > len(FIELDS)
    named = [node.get(name, "") for node in root.iter() for name in ("var", "files")]
    assert {each for text in named for each in text.split()} <= set(identities)


def test_the_codebook_is_valid_by_the_official_schema(files: dict[str, bytes]) -> None:
    path = os.environ.get("COMUNAL_DDI_SCHEMA")
    if not path:
        pytest.skip("COMUNAL_DDI_SCHEMA names no codebook.xsd of the DDI Alliance")
    official = etree.parse(path)
    namespace = official.getroot().get("targetNamespace") or DDI
    for node in list(official.iter(f"{XSD}annotation")):  # those of 2.6 stand where none may
        node.getparent().remove(node)
    version = namespace.rpartition(":")[2].replace("_", ".")
    written = files["formats/ddi.xml"].replace(DDI.encode(), namespace.encode())
    written = written.replace(b'version="2.5"', f'version="{version}"'.encode(), 1)
    schema = etree.XMLSchema(official)
    assert schema.validate(etree.fromstring(written)), schema.error_log


def test_each_variable_has_its_question_in_three_languages_its_filter_and_its_codes(files: dict[str, bytes]) -> None:
    root = etree.fromstring(files["formats/ddi.xml"])
    variables = {node.get("name"): node for node in root.iterfind(".//d:dataDscr/d:var", NAMES)}
    assert list(variables)[:6] == ["age", "insurance", "name", "adult", "came", "where"]
    assert set(list(variables)[6:]) == {each.name for each in sample.INDICATORS}
    age = variables["age"]
    assert [node.text for node in age.iterfind("d:qstn/d:qstnLit", NAMES)] == [
        "¿Qué edad tiene?",
        "Ki laj?",
        "How old?",
    ]
    assert age.get("intrvl") == "contin"
    assert all("present" in (node.text or "") for node in age.iterfind("d:qstn/d:preQTxt", NAMES))
    assert len(age.findall("d:universe", NAMES)) == len(age.findall("d:codInstr", NAMES)) == 3
    categories = variables["insurance"].findall("d:catgry", NAMES)
    assert [(node.findtext("d:catValu", "", NAMES), node.get("missing")) for node in categories] == [
        ("none", "N"),
        ("fonasa", "N"),
        ("-99", "Y"),
    ]
    assert [node.get("VALUE") for node in variables["insurance"].iterfind("d:invalrng/d:item", NAMES)] == ["-99"]
    assert variables["adult"].findtext("d:derivation/d:drvcmd", "", NAMES) == "/data/person/age >= 18"
    assert variables["name"].findtext("d:security", "", NAMES).startswith("Dato personal")
    assert variables["name"].find("d:qstn/d:qstnLit", NAMES).text == "¿Cómo se llama ?"


def test_indicators_are_variables_that_name_the_questions_they_are_computed_from(files: dict[str, bytes]) -> None:
    root = etree.fromstring(files["formats/ddi.xml"])
    told = root.find(".//d:var[@name='no_insurance']", NAMES)
    insurance, age = (root.find(f".//d:var[@name='{name}']", NAMES).get("ID") for name in ("insurance", "age"))
    assert set(told.find("d:derivation", NAMES).get("var").split()) == {insurance, age}
    commands = [node.text for node in told.iterfind("d:derivation/d:drvcmd", NAMES)]
    assert "numerator: ${insurance} = 'none'" in commands
    groups = {node.get("name"): node.get("var").split() for node in root.iterfind(".//d:varGrp", NAMES)}
    assert told.get("ID") in groups["health"] and insurance in groups["person"]


def test_sdmx_is_read_and_validated_by_pysdmx(files: dict[str, bytes], tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pysdmx.io import get_datasets, read_sdmx

        for name in ("sdmx.csv", "sdmx_structure.xml"):
            (tmp_path / name).write_bytes(files[f"formats/{name}"])
        message = read_sdmx(tmp_path / "sdmx_structure.xml", validate=True)
        (dataset,) = get_datasets(tmp_path / "sdmx.csv", tmp_path / "sdmx_structure.xml", validate=True)
    table, _ = sample.build()
    codes = {each.id: {code.id for code in each.items} for each in message.structures if each.id.startswith("CL_")}
    assert len(dataset.data) == len(table.cells)
    assert dataset.data["STRUCTURE" if "STRUCTURE" in dataset.data else "INDICATOR"].notna().all()
    assert set(dataset.data["INDICATOR"]) <= codes["CL_INDICATOR"]
    assert set(dataset.data["B_COUNTRY"]) <= codes["CL_B_COUNTRY"] >= {"_T", "332", "862"}
    keys = ["INDICATOR", "REF_AREA", "B_SEX", "B_COUNTRY", "CATEGORY", "TIME_PERIOD"]
    assert not dataset.data.duplicated(keys).any()


def test_sdmx_says_of_a_withheld_figure_only_that_it_is_withheld(files: dict[str, bytes]) -> None:
    table, _ = sample.build()
    rows = read_rows(files["formats/sdmx.csv"])
    hidden = [row for row in rows if row["CONF_STATUS"] == "C"]
    assert len(hidden) == sum(bool(cell.suppressed) for cell in table.cells) > 3
    for row in hidden:
        assert row["OBS_STATUS"] == "Q"
        assert not any(
            row[name] for name in ("OBS_VALUE", "CASES", "STD_ERR", "CI_LOW", "CI_HIGH", "CV", "DF", "QUALITY")
        )
    assert {row["CONF_STATUS"] for row in rows} == {"C", "F"}
    assert {row["STRUCTURE_ID"] for row in rows} == {"COMUNAL:S_SAMPLE(1.0.0)"}


def test_hxl_has_one_row_of_tags_and_empty_values_where_a_figure_is_withheld(files: dict[str, bytes]) -> None:
    heads, tags, *rows = list(csv.reader(io.StringIO(files["formats/hxl.csv"].decode())))
    assert heads == list(TAGS) and tags == list(TAGS.values())
    assert all(re.fullmatch(r"#[a-z][a-z0-9_]*(\+[a-z][a-z0-9_]*)*", tag) for tag in tags)
    table, _ = sample.build()
    told = [dict(zip(heads, row, strict=True)) for row in rows]
    assert len(told) == len(table.cells)
    hidden = [row for row in told if row["withheld"]]
    assert hidden and not any(row[name] for row in hidden for name in ("value", "cases", "interval_low", "quality"))
    first = told[7]
    assert (first["indicator"], first["category"], first["category_es"]) == ("country_of_birth", "332", "Haití")
    assert (first["country_code"], first["value"]) == ("CHL", "67.972576")


def test_one_commune_or_many_tell_where_each_figure_is_of() -> None:
    contents = contents_of()
    one = replace(contents.specs.design, commune="13125")
    rows = read_rows(write(replace(contents, specs=replace(contents.specs, design=one)))["formats/hxl.csv"])
    assert {row["commune"] for row in rows[1:]} == {"Quilicura"}
    many = replace(contents.specs.design, commune="", settings={"communes": "commune"})
    names = Names.of(replace(contents, specs=replace(contents.specs, design=many)))
    assert names.place("commune=13101&sex=1") == ("13101", (("sex", "1"),))
    assert names.place("sex=1") == ("", (("sex", "1"),))
    both = replace(many, settings={"communes": "commune", "regions": "region"})
    names = Names.of(replace(contents, specs=replace(contents.specs, design=both)))
    assert names.place("region=13") == ("13", ()) and names.place("total") == ("", ())
    assert names.place("region=13&commune=13125&sex=1") == ("13125", (("sex", "1"),))
    assert (name_area("13125"), name_area("13"), name_area("?")) == ("Quilicura", "Metropolitana de Santiago", "?")


def test_the_year_of_reference_is_that_of_field_work_then_of_the_period_then_of_the_release() -> None:
    contents = contents_of()
    design = contents.specs.design
    for changed, year in (
        (replace(design, settings={"fieldwork_start": "2015-08-01"}, period="2016"), "2015"),
        (replace(design, settings={}, period="Enero de 2016"), "2016"),
        (replace(design, settings={}, period=""), "2026"),
    ):
        assert Names.of(replace(contents, specs=replace(contents.specs, design=changed))).period == year


def test_ine_s_dictionary_has_every_variable_with_its_special_codes(files: dict[str, bytes]) -> None:
    rows = read_rows(files["formats/ine_diccionario.csv"])
    assert list(rows[0]) == list(DICTIONARY)
    told = {row["Nombre"]: row for row in rows}
    assert told["insurance"]["Códigos especiales"] == "-99 = No sabe"
    assert told["insurance"]["Longitud"] == "6" and told["insurance"]["Tipo"] == "Código"
    assert (told["age"]["Obligatoriedad"], told["age"]["Formato"], told["age"]["Nivel"]) == ("Sí", "entero", "person")
    assert told["adult"]["Origen"] == "Derivada" and told["name"]["Origen"].startswith("Dato personal")
    assert told["came"]["Formato"] == "AAAA-MM-DD"
    imputed = contents_of(cleaning=(CleaningRow("imputation", "hot_deck", 20, 1021, question="age"),))
    again = {row["Nombre"]: row["Imputación"] for row in read_rows(write(imputed)["formats/ine_diccionario.csv"])}
    assert (again["age"], again["insurance"]) == ("Sí", "No")


def test_ine_s_workbook_holds_the_same_two_sheets(files: dict[str, bytes]) -> None:
    book = load_workbook(io.BytesIO(files["formats/ine.xlsx"]))
    assert book.sheetnames == ["ficha", "diccionario"]
    for sheet, name in (("ficha", "ine_ficha.csv"), ("diccionario", "ine_diccionario.csv")):
        written = [[cell.value or "" for cell in row] for row in book[sheet].iter_rows()]
        assert written == list(csv.reader(io.StringIO(files[f"formats/{name}"].decode())))
    ficha = dict(list(csv.reader(io.StringIO(files["formats/ine_ficha.csv"].decode()))))
    assert ficha["Institución"] == "Municipalidad & Cía" and ficha["Entrevistas aceptadas"] == "1021"


def test_no_format_holds_a_number_that_the_tables_withhold() -> None:
    """The mean of five people, by a number that nothing else has, is sought in every file."""
    from reports.disclosure import protect

    estimates = [
        replace(figure, estimate=77_123.456, n=5, cell_n=5) if figure.indicator == "rent" else figure
        for figure in sample.estimates()
    ]
    written = write(contents_of(), protect(estimates, 10))
    assert not any(b"77123" in data for data in written.values())
    assert b"77123" in write(contents_of(), protect(estimates, 0))["formats/sdmx.csv"]


def test_codes_that_strict_formats_refuse_become_others_that_stay_apart() -> None:
    coded = code_all(["a b", "a.b", "a_b", "ñ", "", "-1"])
    assert len(set(coded.values())) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9_@$-]+", code) for code in coded.values())


def test_every_domain_of_the_figures_stands_in_the_table_of_domains() -> None:
    table, contents = sample.build()
    crossed = replace(table.cells[0], domain="sex=female&country=332")
    tables = {each.name: each.frame for each in release_tables((*table.cells, crossed), contents.specs, contents.form)}
    domains = tables["domains"]
    assert set(tables["estimates"]["domain"]) <= set(domains["domain"]) and domains["domain"].is_unique().all()
    row = domains.row(by_predicate=pl.col("domain") == crossed.domain, named=True)
    assert (row["breakdown"], row["code"], row["label_es"]) == ("sex*country", "female&332", "Mujeres, Haití")
    assert all(parts(domain) is not None for domain in domains["domain"])
