"""The questionnaire on paper: what stands there, and in whose words."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from flows.cli import app
from forms.compile import CompiledForm, compile_workbook
from forms.sheets import read_workbook
from reports.questionnaire.labels import print_text
from reports.questionnaire.model import Item, draw_up
from reports.questionnaire.page import questionnaire_page
from schemas.text import LANGUAGES

ROOT = Path(__file__).resolve().parents[1]
QUILICURA = ROOT / "forms" / "quilicura"
SHARED = ROOT.parent / "shared" / "forms"


@cache
def quilicura() -> CompiledForm:
    return compile_workbook(read_workbook(QUILICURA))


@cache
def page(language: str) -> lxml.html.HtmlElement:
    compiled = quilicura()
    return lxml.html.document_fromstring(questionnaire_page(compiled.form, compiled.specs, language))


def flat(items: tuple[Item, ...]) -> list[Item]:
    return [one for item in items for one in (item, *flat(item.items))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_asked_question_stands_once_and_in_order(language: str) -> None:
    asked = [
        field.name
        for field in quilicura().form.fields()
        if field.control and not (field.control == "input" and field.readonly == "true()")
    ]
    assert page(language).xpath("//article/code/text()") == asked
    numbers = page(language).xpath("//article/div[@class='number']/text()")
    assert numbers == [str(number) for number in range(1, len(asked) + 1)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_choice_stands_with_its_code_here_or_in_the_list_at_the_end(language: str) -> None:
    drawn = draw_up(quilicura().form, language)
    for item in flat(drawn.items):
        if item.answer in {"one", "many"} and not item.open_list:
            choices = item.choices or drawn.lists[item.letter]
            assert choices == item.node.choices, item.node.name
    shown = page(language).xpath("//section[@class='annex']//ul[@class='long']/li/code/text()")
    assert shown == [choice.value for choices in drawn.lists.values() for choice in choices]


def test_filters_limits_and_choices_are_told_in_the_readers_language() -> None:
    spanish, kreyol = (page(language).get_element_by_id("q7").text_content() for language in ("es", "ht"))
    assert "Se pregunta si «Tipo de propiedad, vista desde la calle» es" in spanish
    assert "Se acepta si la respuesta está entre 1 y 200." in spanish
    assert "Konbyen chanm oswa kay apa" in kreyol
    assert "Se pregunta" not in kreyol


def test_personal_questions_are_marked_and_nobody_elses() -> None:
    marked = page("es").xpath("//article[.//span[@class='personal']]/code/text()")
    assert marked == [field.name for field in quilicura().form.fields() if field.personal and field.control]


def test_a_quoted_answer_is_the_number_of_its_question() -> None:
    drawn = draw_up(quilicura().form, "es")
    quoting = next(item for item in flat(drawn.items) if item.node.name == "withdrawal_note")
    assert quoting.kind == "note"
    text = " ".join(page("es").text_content().split())
    assert "Código de retiro: [withdrawal_code]" in text  # computed: nobody is asked it, so it has no number
    assert "${" not in text


def test_repeats_hold_their_questions_and_say_how_often() -> None:
    boxes = page("es").xpath("//section[@class='repeat']")
    assert [box.xpath("count(.//article)") > 0 for box in boxes] == [True] * len(boxes)
    assert "Hay tantas fichas como indica" in boxes[0].text_content()


def test_the_page_asks_nothing_of_any_other_file() -> None:
    for language in LANGUAGES:
        found = page(language).xpath("//@src | //link/@href | //script | //a/@href")
        assert found == []


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("How old is the **head**?", "How old is the <strong>head</strong>?"),
        ("please *don't* read", "please <em>don&#39;t</em> read"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("# Part 1\nNext", "Part 1<br>Next"),
        ("one\n\n two", "one<br><br>two"),
        ("see [the card](http://x.example/a)", "see the card"),
        ('<span style="color:red">Red</span>', "Red"),
        ("name_of_thing and 2*3*4", "name_of_thing and 2*3*4"),
        ("${age} years", '<span class="ref">[25]</span> years'),
        ('<output value=" /data/person/age "/> years', '<span class="ref">[25]</span> years'),
        ("${unknown}", '<span class="ref">[unknown]</span>'),
    ],
)
def test_labels_are_shown_as_collect_shows_them(text: str, html: str) -> None:
    assert str(print_text(text, {"age": "25"})) == html


@given(st.text(alphabet=st.sampled_from("ab<>&\"'*_#${}[]()/= \n"), max_size=60))
def test_no_label_breaks_out_of_its_place(text: str) -> None:
    html = str(print_text(text, {"a": "1"}))
    assert re.sub(r'</?(?:strong|em)>|<br>|<span class="ref">|</span>', "", html).count("<") == 0


@pytest.mark.parametrize("name", ["unhcr_rms_capi_v3.xlsx", "who_va_2022.xlsx", "pyxform_widgets.xls"])
def test_forms_that_others_wrote_are_printed_whole(name: str) -> None:
    if not (SHARED / name).is_file():
        pytest.skip(f"{name} isn't here: real forms of others don't come with the project")
    compiled = compile_workbook(read_workbook(SHARED / name))
    tree = lxml.html.document_fromstring(questionnaire_page(compiled.form, compiled.specs, "en"))
    drawn = draw_up(compiled.form, "en")
    assert len(tree.xpath("//article")) == len([item for item in flat(drawn.items) if item.kind == "question"]) > 30
    assert "${" not in tree.text_content()


def test_a_question_without_any_text_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "survey.csv").write_text("type,name,label,hint\nselect_one yes_no,a,,Ask\ninteger,b,Age,\n")
    (tmp_path / "choices.csv").write_text("list_name,name,label\nyes_no,y,Yes\nyes_no,n,\n")
    (tmp_path / "settings.csv").write_text("form_title,form_id,version\nTiny,tiny,1\n")
    compiled = compile_workbook(read_workbook(tmp_path))
    tree = lxml.html.document_fromstring(questionnaire_page(compiled.form, compiled.specs, "ht"))
    labels = [each.text_content().strip() for each in tree.xpath("//p[@class='label']")]
    assert labels == ["a", "Age"]
    assert 'lang="ht"' in lxml.html.tostring(tree, encoding="unicode")[:40]


def test_the_command_writes_a_page_or_a_pdf(tmp_path: Path) -> None:
    run = CliRunner()
    page_file = tmp_path / "q.html"
    assert (
        run.invoke(app, ["forms", "print", str(QUILICURA), "--language", "ht", "--out", str(page_file)]).exit_code == 0
    )
    assert '<html lang="ht">' in page_file.read_text(encoding="utf-8")
    refused = run.invoke(app, ["forms", "print", str(QUILICURA), "--out", str(tmp_path / "q.docx")])
    assert refused.exit_code != 0
    assert not (tmp_path / "q.docx").exists()
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium on this machine: the PDF isn't printed")
    pdf = tmp_path / "q.pdf"
    assert run.invoke(app, ["forms", "print", str(QUILICURA), "--out", str(pdf)]).exit_code == 0
    assert pdf.read_bytes().startswith(b"%PDF-")
