"""What a form holds that ODK Web Forms lacks: held against the shipped release, and told before a link is made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from expressions.profiles import Profile
from expressions.registry import function_names
from forms.compile import compile_workbook
from forms.sheets import read_workbook
from forms.sheets.markdown import workbook_from_markdown
from openrosa.web_files import LIBRARY, web_files
from openrosa.web_support import Lack, check_form, find_lacks
from schemas.errors import FormError

ROOT = Path(__file__).resolve().parents[1]
needs_library = pytest.mark.skipif(web_files() is None, reason="ODK Web Forms isn't built here (no Node): make web")

FUNCTION = re.compile(r'new \w*Function(?:Implementation|Alias)?(?:\$\d)?\(\s*"([a-z0-9-]+)"')
ALIAS = re.compile(r'\bmath\w*Alias\("([a-z0-9]+)"')


def form(*questions: str, survey: str = "type | name | label | relevant | appearance") -> bytes:
    rows = "\n".join(f"| | {question} |" for question in questions)
    return compile_workbook(workbook_from_markdown(f"| survey |\n| | {survey} |\n{rows}\n")).xform


@pytest.mark.parametrize("name", ["quilicura", "independencia"])
def test_the_shipped_surveys_can_be_answered_in_a_browser(name: str) -> None:
    xform = compile_workbook(read_workbook(ROOT / "forms" / name)).xform
    assert find_lacks(xform) == []
    check_form(name, xform)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("audio | q | Q | | ", "audio"),
        ("video | q | Q | | ", "video"),
        ("barcode | q | Q | | ", "barcode"),
        ("datetime | q | Q | | ", "date with a time"),
        ("geotrace | q | Q | | ", "map"),
        ("geoshape | q | Q | | ", "map"),
        ("geopoint | q | Q | | placement-map", "map"),
        ("text | q | Q | depend(1) | ", "depend()"),
        ("text | q | Q | true() and nested(depend(1)) | ", "nested()"),
    ],
)
def test_each_thing_that_a_browser_lacks_is_found_at_its_question(question: str, words: str) -> None:
    lacks = find_lacks(form(question))
    assert any(lack.path == "/data/q" and words in lack.what for lack in lacks), lacks


@pytest.mark.parametrize(
    "question",
    [
        "text | q | Q | today() > date('2020-01-01') | ",
        "geopoint | q | Q | | ",
        "image | q | Q | | ",
        "date | q | Q | | ",
        "time | q | Q | | ",
        "integer | q | Q | geofence('0 0', '0 0; 0 1; 1 1; 0 0') | ",
    ],
)
def test_what_a_browser_has_is_not_refused(question: str) -> None:
    assert find_lacks(form(question)) == []


def test_a_list_in_a_file_has_to_be_there() -> None:
    xform = form("select_one_from_file towns.csv | q | Q | | ")
    assert find_lacks(xform, ["towns.csv"]) == []
    assert find_lacks(xform) == [Lack("", "the file towns.csv, which isn't among the form's files")]
    with pytest.raises(FormError, match=r"towns\.csv"):
        check_form("f", xform)
    check_form("f", xform, ["towns.csv"])


def test_an_encrypted_form_is_refused_with_what_it_lacks() -> None:
    xform = form("text | q | Q | | ").replace(b"</model>", b'<submission action="" base64RsaPublicKey="MIIB"/></model>')
    assert find_lacks(xform) == [Lack("", "its interviews are encrypted on the phone, which no browser does")]
    with pytest.raises(FormError) as refused:
        check_form("f", xform)
    assert refused.value.code == "FRM-611"
    assert "encrypted" in refused.value.message


@needs_library
def test_the_functions_that_we_believe_in_are_those_of_the_library() -> None:
    (engine,) = LIBRARY.glob("index-*.js")
    script = engine.read_text(encoding="utf-8")
    theirs = set(FUNCTION.findall(script)) | set(ALIAS.findall(script))
    ours = {name.removeprefix("jr:") for name in function_names(Profile.WEBFORMS)}
    assert len(ours) > 80
    assert ours <= theirs
    assert theirs - ours == {"ceil"}  # another word for ceiling, which no specification has
