"""Envelopes: what the door in accepts of a submission's bytes, and in which words it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forms.envelopes import MAX_ID, MESSAGES, read_envelope
from schemas.errors import SubmissionError
from schemas.submissions import Envelope

META = "<instanceID>uuid:1</instanceID>"


def code_of(xml: bytes) -> str:
    with pytest.raises(SubmissionError) as excinfo:
        read_envelope(xml)
    return excinfo.value.code


@pytest.mark.parametrize(
    "xml",
    [
        f'<data id="f" version="2"><meta>{META}</meta></data>',
        f'<?xml version="1.0" encoding="UTF-8"?>\n<data id="f" version="2">\n <meta>\n  {META}\n </meta>\n</data>\n',
        '<data id="f" version="2" xmlns:orx="http://openrosa.org/xforms"><orx:meta><orx:instanceID> uuid:1 '
        "</orx:instanceID></orx:meta></data>",
        '<data xmlns="http://example.org" id="f" version="2"><meta xmlns="http://openrosa.org/xforms">'
        f"{META}</meta></data>",
        f'\ufeff<data id="f" version="2"><!-- c --><meta><?p i?>{META}<!-- <!DOCTYPE x> --></meta></data>',
        f'<data id="f" version="2"><a><![CDATA[<!DOCTYPE x>]]></a><meta>{META}</meta></data>',
    ],
)
def test_every_way_of_writing_an_envelope_is_read(xml: str) -> None:
    assert read_envelope(xml.encode()) == Envelope("f", "2", "uuid:1")


def test_edits_and_names_are_read_and_blank_ones_are_null() -> None:
    xml = (
        '<data id="f"><meta><instanceID>uuid:2</instanceID><deprecatedID>uuid:1</deprecatedID>'
        "<instanceName>  </instanceName></meta></data>"
    )
    assert read_envelope(xml.encode()) == Envelope("f", "", "uuid:2", "uuid:1", None)


def test_a_submission_without_meta_has_a_blank_instance_id() -> None:
    assert read_envelope(b'<data id="f"><instanceID>uuid:no</instanceID></data>').instance_id == ""


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (b"", "SUB-001"),
        (b" \n", "SUB-001"),
        (b'<data id="f">' + b" " * (16 * 1024 * 1024) + b"</data>", "SUB-002"),
        (b'<data id="f"><a>\0</a></data>', "SUB-003"),
        (b'<data id="f"><a>\xff\xfe</a></data>', "SUB-004"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><data id="f"/>', "SUB-004"),
        ('<?xml version="1.0"?><data id="f"/>'.encode("utf-16"), "SUB-003"),
        (b'<!DOCTYPE data><data id="f"/>', "SUB-005"),
        (b'<!DOCTYPE data [<!ENTITY a "b">]><data id="f"><a>&a;</a></data>', "SUB-005"),
        (b'<!DOCTYPE data SYSTEM "file:///etc/passwd"><data id="f"/>', "SUB-005"),
        (b"<!-- <![CDATA[ --><!DOCTYPE data><data id='f'><a>]]></a></data>", "SUB-005"),
        (b'<data id="f"><a>cut', "SUB-006"),
        (b'<data id="f"><a></b></data>', "SUB-006"),
        (b'<data id="f"><a>A & B</a></data>', "SUB-006"),
        (b'<data id="f"><a>1 < 2</a></data>', "SUB-006"),
        (b'<data id="f"><a>&unknown;</a></data>', "SUB-006"),
        (b'<data id="f"><a>&#0;</a></data>', "SUB-006"),
        (b'<data id="f"/><data id="f"/>', "SUB-006"),
        (b"not xml at all", "SUB-006"),
        (b'<data id="f">' + b"<a>" * 120 + b"</a>" * 120 + b"</data>", "SUB-007"),
        (b'<data id="f">' + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</data>", "SUB-007"),
        (b"<data/>", "SUB-008"),
        (b'<data id=" "/>', "SUB-008"),
        (b'<data id="' + b"x" * (MAX_ID + 1) + b'"/>', "SUB-009"),
        (b'<data id="f"><meta><instanceID>a\nb</instanceID></meta></data>', "SUB-009"),
    ],
)
def test_bytes_that_are_no_submission_are_refused_with_a_code(xml: bytes, code: str) -> None:
    assert code_of(xml) == code


def test_refusals_speak_spanish_first_and_english_too() -> None:
    with pytest.raises(SubmissionError) as excinfo:
        read_envelope(b"")
    assert excinfo.value.message == f"{MESSAGES['SUB-001']['es']} / {MESSAGES['SUB-001']['en']}"
    assert all(set(text) == {"es", "ht", "en"} and all(text.values()) for text in MESSAGES.values())


def test_depth_just_within_the_bound_is_accepted() -> None:
    xml = b'<data id="f">' + b"<a>" * 99 + b"</a>" * 99 + b"</data>"
    assert read_envelope(xml).form_id == "f"


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="<>/!?[]&;#x0\"'= abcid-\n", max_size=80).map(str.encode))
def test_any_bytes_are_an_envelope_or_refused_with_a_code(data: bytes) -> None:
    try:
        assert read_envelope(data).form_id
    except SubmissionError as error:
        assert error.code in MESSAGES
