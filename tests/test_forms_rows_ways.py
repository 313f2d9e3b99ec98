"""Reading submissions the short way and the long way: both yield the same, whatever the bytes."""

from __future__ import annotations

import pytest
from censo_rows import KEY, RECEIVED, compile_form, first, raw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forms.rows import read_rows
from forms.rows.fast import FastReader
from schemas.fields import Form
from schemas.submissions import ParsedBatch, RawSubmission


@pytest.fixture(scope="module")
def form() -> Form:
    return compile_form()


def both_ways(form: Form, batch: list[RawSubmission], monkeypatch: pytest.MonkeyPatch) -> ParsedBatch:
    """Read a batch the short way where possible, and hold that the long way reads the same."""
    with monkeypatch.context() as patch:
        patch.setattr("forms.rows.walk.MIN_FAST", 0)
        short = read_rows(form, batch, KEY)
        patch.setattr("forms.rows.walk.MIN_FAST", len(batch) + 1)
        long = read_rows(form, batch, KEY)
    assert short.failed == long.failed
    assert short.personal == long.personal
    assert sorted(map(repr, short.findings)) == sorted(map(repr, long.findings))
    for name, table in long.tables.items():
        assert short.tables[name].equals(table), name
    return short


COLLECT = (
    '<?xml version=\'1.0\' ?><data id="censo" version="1" xmlns:jr="http://openrosa.org/javarosa">'
    "<start>2026-11-24T10:00:00.000-03:00</start><head>Ana</head><age>31</age><income /><born>1995-02-28</born>"
    "<works>1</works><needs>1 0</needs><home>-33.1 -70.1 0 0</home><photo>a.jpg</photo><g><note>Sí, sí</note></g>"
    "<household><street>Sur 1</street><person><years>5</years></person><person><phone>1</phone></person></household>"
    "<household/><household><person/></household>"
    "<meta><instanceID>uuid:1</instanceID></meta></data>"
)


def test_collects_own_writing_is_read_the_short_way(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = FastReader(form)
    assert reader.match(COLLECT.encode()) is not None
    orx = COLLECT.replace("<meta>", '<orx:meta xmlns:orx="http://openrosa.org/xforms">').replace(
        "</meta>", "</orx:meta>"
    )
    orx = orx.replace("instanceID>", "orx:instanceID>").replace("</instanceID", "</orx:instanceID")
    assert reader.match(orx.encode()) is not None
    batch = [
        RawSubmission(n, "censo", "1", f"uuid:{n}", RECEIVED, text.encode(), "")
        for n, text in enumerate((COLLECT, orx))
    ]
    parsed = both_ways(form, batch, monkeypatch)
    assert parsed.tables["person"].height == 6
    assert len(parsed.personal) == 8


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('id="censo"', 'id="otro"'),
        ('id="censo"', 'id="censo" id="censo"'),
        ('id="censo"', 'id="censo" encrypted="yes"'),
        ('version="1"', 'version="2"'),
        ('version="1"', "version=1"),
        ("31", "3<!-- c -->1"),
        ("31", "<![CDATA[31]]>"),
        ("31", "]]>"),
        ("31", "&amp;"),
        ("31", "&#49;"),
        ("Sí, sí", "&lt;b&gt; &amp;lt; &quot;D&apos;Artagnan&quot; &amp;amp;"),
        ("Sur 1", "Sur &amp; Norte"),
        ("Sí, sí", "&lt"),
        ("Sí, sí", "&nbsp;"),
        ("31", "\x01"),
        ("31", "3\r1"),
        ("<age>31</age>", ""),
        ("<age>31</age>", "<age>31</age><age>32</age>"),
        ("<age>31</age>", "<edad>31</edad>"),
        ("<age>31</age>", '<age a="1">31</age>'),
        ("<age>31</age><income />", "<income /><age>31</age>"),
        ("</meta>", ""),
        ("uuid:1", " "),
        ("<meta>", "<orx:meta>"),
        ("<household/>", '<household jr:template=""/>'),
        ("<household/>", "<age>5</age><household/>"),
        ("</data>", "</data><data/>"),
        ("</data>", "</data>\n"),
        ("<?xml version='1.0' ?>", "<?xml version='1.0' encoding='ISO-8859-1'?>"),
        ("<?xml version='1.0' ?>", "<!DOCTYPE data>"),
    ],
)
def test_both_ways_of_reading_agree_on_every_deviation(
    form: Form, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    assert old in COLLECT
    xml = COLLECT.replace(old, new, 1).encode()
    both_ways(form, [RawSubmission(1, "censo", "1", "uuid:1", RECEIVED, xml, "")], monkeypatch)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(COLLECT.encode())), st.integers(0, 30), st.binary(max_size=6) | st.sampled_from(
    [b"<", b">", b"/", b"<a/>", b"</g>", b"&#65;", b"&amp;", b"&", b" ", b"\n", b"<age/>", b"\xc3\xb1"]
))  # fmt: skip
def test_both_ways_of_reading_agree_on_damaged_bytes(
    form: Form, monkeypatch: pytest.MonkeyPatch, place: int, cut: int, put: bytes
) -> None:
    data = COLLECT.encode()
    xml = data[:place] + put + data[place + cut :]
    both_ways(form, [RawSubmission(1, "censo", "1", "uuid:1", RECEIVED, xml, "")], monkeypatch)


@pytest.mark.parametrize("blank", ["", " "])
def test_a_personal_answer_left_blank_has_no_mark_whichever_way_it_is_read(
    form: Form, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    written = f"<head>{blank}</head><household><street>{blank}</street></household>"
    parsed = both_ways(form, [raw(written)], monkeypatch)
    assert not parsed.personal
    for name, question in (("main", "head"), ("household", "street")):
        row = first(parsed, name)
        assert (row[question], row["_personal_id"]) == (None, None)
