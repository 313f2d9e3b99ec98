"""The shipped surveys: complete in three languages, with every module and indicator, and accepted by ODK."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pyxform

from expressions.instance import Element
from expressions.records import compile_record
from expressions.scope import Scope
from forms.compile import CompiledForm, compile_workbook
from forms.rehearsal import rehearse
from forms.sheets import read_workbook
from schemas.fields import Field
from schemas.text import LANGUAGES
from schemas.workbook import Row, Workbook

FORMS = Path(__file__).resolve().parents[1] / "forms"
SURVEYS = ("quilicura", "independencia", "tres_comunas")
LANGUAGE_NAMES = ("Español (es)", "Kreyòl ayisyen (ht)", "English (en)")
STRUCTURE = ("begin", "end", "calculate", "start", "today", "deviceid", "username", "audit", "note")
PUBLISHED_2015 = {"332": 694, "604": 102, "170": 77, "218": 22}
"""Respondents by country of birth in the Consulta of 2015 (ISBN 978-956-8961-01-5); 126 were born elsewhere."""


@pytest.fixture(scope="module")
def workbook() -> Workbook:
    return read_workbook(FORMS / "quilicura")


@pytest.fixture(scope="module")
def compiled(workbook: Workbook) -> CompiledForm:
    return compile_workbook(workbook)


def asked(workbook: Workbook) -> list[Row]:
    return [row for row in workbook.rows("survey") if not row.cells["type"].startswith(STRUCTURE)]


def translated(row: Row, base: str) -> list[bool]:
    """Whether the text is there, language by language."""
    return [bool(row.cells.get(f"{base}::{name}", "").strip()) for name in LANGUAGE_NAMES]


def untranslated(workbook: Workbook) -> Iterator[str]:
    needed = {
        "choices": ("label",),
        "topics": ("label", "intro"),
        "indicators": ("label", "description"),
        "breakdowns": ("label",),
        "checks": ("message", "advice"),
    }
    for row in workbook.rows("survey"):
        kind, name = row.cells["type"], row.cells.get("name", "")
        shown = not kind.startswith(("end", "calculate", "start", "today", "deviceid", "username", "audit"))
        for base, must in (
            ("label", shown),
            ("hint", False),
            ("constraint_message", "constraint" in row.cells),
            ("required_message", "required" in row.cells),
        ):
            found = translated(row, base)
            if (must or any(found)) and not all(found):
                yield f"survey {name} {base}"
    for sheet, bases in needed.items():
        for row in workbook.rows(sheet):
            for base in bases:
                if not all(translated(row, base)):
                    yield f"{sheet} {row.cells.get('name')} {base}"


@pytest.mark.parametrize("survey", SURVEYS)
def test_every_text_stands_in_spanish_kreyol_and_english(survey: str) -> None:
    assert list(untranslated(read_workbook(FORMS / survey))) == []


@pytest.mark.parametrize("survey", SURVEYS)
def test_a_question_reads_differently_in_each_language(survey: str) -> None:
    same = []
    for row in asked(read_workbook(FORMS / survey)):
        texts = {row.cells[f"label::{name}"] for name in LANGUAGE_NAMES}
        if len(texts) < len(LANGUAGE_NAMES):
            same.append(row.cells["name"])
    assert same == []


@pytest.mark.parametrize("survey", SURVEYS)
def test_it_compiles_without_a_warning(survey: str) -> None:
    compiled = compile_workbook(read_workbook(FORMS / survey))
    assert compiled.warnings == ()
    assert compiled.form.form_id == survey
    assert set(compiled.form.languages) == set(LANGUAGES)


def test_modules_0_to_14_stand_in_the_order_of_the_form(workbook: Workbook) -> None:
    files = dict.fromkeys(Path(row.file).stem for row in workbook.rows("survey"))
    assert [int(name.partition("_")[0]) for name in files] == list(range(15))


def test_at_least_130_questions_are_really_asked(workbook: Workbook) -> None:
    names = {row.cells["name"] for row in asked(workbook)}
    assert len(names) == len(asked(workbook)) >= 130


def test_items_of_the_census_keep_its_names(compiled: CompiledForm) -> None:
    names = {field.name for field in compiled.form.fields()}
    census = {"p24_lug_resid5", "p25_lug_nacimiento", "p26_llegada_periodo", "p27_nacionalidad", "p29_afrodescendencia"}
    letters = dict(zip("abcdef", ("ver", "oir", "mover", "cogni", "cuidado", "comunic"), strict=True))
    assert census <= names
    assert {name for name in names if name.startswith("p32")} == {f"p32{a}_dificultad_{b}" for a, b in letters.items()}


def test_countries_have_m49_codes_and_cover_the_published_ones(workbook: Workbook) -> None:
    codes = {row.cells["name"] for row in workbook.rows("choices") if row.cells["list_name"] == "country"}
    assert len(codes) > 60
    assert all(re.fullmatch(r"[1-9][0-9]{0,2}|-99", code) for code in codes)
    # Bolivia, Argentina, Brazil, Paraguay, Venezuela, El Salvador, Mexico, Dominican Republic, Jamaica, Cuba,
    # Palestine, China, Chile.
    others = {"68", "32", "76", "600", "862", "222", "484", "214", "388", "192", "275", "156", "152"}
    assert others | set(PUBLISHED_2015) <= codes


def test_only_these_questions_are_personal(compiled: CompiledForm) -> None:
    kinds = {field.name: field.personal for field in compiled.form.fields() if field.personal}
    assert kinds == {
        "address": "address",
        "person_name": "name",
        "child_document": "document",
        "resp_run": "document",
        "phone": "phone",
        "position": "position",
        "observations": "other",
    }


def test_no_label_and_no_calculation_repeats_a_personal_answer(compiled: CompiledForm) -> None:
    private = [field.path for field in compiled.form.fields() if field.personal]
    for field in compiled.form.fields():
        texts = [field.calculation or "", *field.label.values(), *field.hint.values()]
        assert not [path for path in private if any(path in text for text in texts)], field.name


def test_no_personal_question_is_required(compiled: CompiledForm) -> None:
    assert [field.name for field in compiled.form.fields() if field.personal and field.required] == []


def test_questions_about_papers_offer_no_answer(compiled: CompiledForm) -> None:
    for name in ("p27_nacionalidad", "document_status", "child_identifier", "has_run", "id_state", "discriminated"):
        field = find(compiled, name)
        assert "-99" in {choice.value for choice in field.choices}, name


def test_everything_after_the_consent_depends_on_it(compiled: CompiledForm) -> None:
    groups = [node for node in compiled.form.root.children if not isinstance(node, Field) and node.name != "meta"]
    after = groups[2:]
    assert len(after) == 13
    assert all("/consent" in (node.relevant or "") for node in after)


def find(compiled: CompiledForm, name: str) -> Field:
    return next(field for field in compiled.form.fields() if field.name == name)


def test_the_31_indicators_are_all_there(workbook: Workbook) -> None:
    numbers = {int(row.cells["number"]) for row in workbook.rows("indicators")}
    assert numbers == set(range(1, 32))


def test_sheets_name_only_what_exists(compiled: CompiledForm) -> None:
    form, specs = compiled.form, compiled.specs
    names = {field.name for field in form.fields()} | {table.name for table in form.tables}
    tables = {table.name for table in form.tables}
    topics = {topic.name for topic in specs.topics}
    breakdowns = {breakdown.name for breakdown in specs.breakdowns}
    expressions = [check.expression for check in specs.checks]
    for indicator in specs.indicators:
        assert indicator.topic in topics and indicator.table in tables, indicator.name
        assert set(indicator.breakdowns) <= breakdowns, indicator.name
        expressions += [indicator.universe or "", indicator.denominator or "", indicator.numerator or ""]
        expressions.append(indicator.value or "")
        assert not indicator.categories or set(indicator.categories) <= set(indicator.category_labels), indicator.name
    for breakdown in specs.breakdowns:
        assert breakdown.table in tables
        assert set(breakdown.categories) == set(breakdown.category_labels), breakdown.name
        expressions.append(breakdown.value)
    expressions += [row.when or "" for row in specs.rehearsal]
    used = {name for text in expressions for name in re.findall(r"\$\{(\w+)\}", text)}
    assert used <= names, used - names
    assert {row.question for row in specs.rehearsal} <= names
    assert {name for check in specs.checks for name in check.variables} <= names


def test_names_in_comunals_own_sheets_are_unique(compiled: CompiledForm) -> None:
    specs = compiled.specs
    for rows in (specs.topics, specs.indicators, specs.breakdowns, specs.checks):
        assert [name for name, times in Counter(row.name for row in rows).items() if times > 1] == []


def test_at_least_25_checks_look_across_answers_and_people(compiled: CompiledForm) -> None:
    checks = compiled.specs.checks
    across = [check for check in checks if len(set(re.findall(r"\$\{(\w+)\}", check.expression))) >= 2]
    assert len(across) >= 25
    assert {check.table for check in checks} == {"main", "visit", "person", "functioning"}
    assert [check.name for check in checks if "count(${person}[" in check.expression]


def test_the_design_is_that_of_a_survey_without_probabilities(compiled: CompiledForm) -> None:
    design = compiled.specs.design
    assert (design.survey, design.commune, design.probability, design.threshold) == ("quilicura", "13125", False, 10)
    assert set(design.title) == set(LANGUAGES)


def test_the_rehearsal_holds_the_published_shares_of_2015(workbook: Workbook) -> None:
    weights = {
        row.cells["value"]: int(row.cells["weight"])
        for row in workbook.rows("rehearsal")
        if row.cells["question"] == "p25_lug_nacimiento_esp" and row.cells.get("when") == "position(..) = 1"
    }
    assert {code: weights.pop(code) for code in PUBLISHED_2015} == PUBLISHED_2015
    assert sum(weights.values()) == 126


def test_rehearsed_interviews_are_accepted_and_complete(compiled: CompiledForm) -> None:
    interviews = list(rehearse(compiled, 40, 11, datetime(2026, 11, 2, 9, tzinfo=UTC)))
    troubles = {note.kind for interview in interviews for note in interview.notes}
    assert troubles <= {"quota_redrawn"}
    for interview in interviews:
        assert b"<result_code>110</result_code>" in interview.xml
        assert interview.xml.count(b"<functioning>") == interview.xml.count(b"<person>") > 0


def test_a_run_is_judged_by_its_check_digit(compiled: CompiledForm) -> None:
    field = find(compiled, "resp_run")
    assert field.constraint is not None
    judge = compile_record(field.constraint)
    node = Element.from_xml(b"<resp_run/>")
    scope = Scope(node, datetime(2026, 11, 2, 9, tzinfo=UTC))
    verdicts = {}
    for text in ("12345678-5", "12345678-6", "11111111-1", "7654321-6", "6000016-k", "6000016-K", "100000007-5", "1-9"):
        node.text = text
        verdicts[text] = bool(judge.boolean(node, scope))
    assert verdicts == {text: is_valid(text) for text in verdicts}
    assert verdicts["12345678-5"] and not verdicts["12345678-6"] and not verdicts["1-9"]


def is_valid(text: str) -> bool:
    """Modulus 11 as the Registro Civil publishes it, for bodies of seven to nine digits."""
    body, digit = text.split("-")
    total = sum(int(figure) * (2 + place % 6) for place, figure in enumerate(reversed(body)))
    expected = "0K987654321"[total % 11]
    return 7 <= len(body) <= 9 and digit.upper() == expected


@pytest.mark.slow
@pytest.mark.parametrize("survey", SURVEYS)
def test_odk_validate_accepts_it(survey: str, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None:
        pytest.skip("Java isn't installed: ODK Validate can't run.")
    jar = Path(pyxform.__file__).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"
    form = tmp_path / "form.xml"
    form.write_bytes(compile_workbook(read_workbook(FORMS / survey)).xform)
    run = subprocess.run([java, "-jar", str(jar), str(form)], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
