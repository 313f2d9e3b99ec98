"""Submissions -> typed tables, personal answers kept apart, findings of what can't be read."""

from __future__ import annotations

import datetime

import polars as pl
import pytest
from censo_rows import RECEIVED, compile_form, first, only, raw, read, rules

from expressions.casting import cast_texts
from forms.envelopes import MESSAGES
from forms.rows import read_rows
from schemas.fields import PRESENT, Form
from schemas.submissions import RawSubmission


@pytest.fixture(scope="module")
def form() -> Form:
    return compile_form()


def test_answers_get_the_types_of_their_questions(form: Form) -> None:
    body = (
        "<start>2026-11-24T10:00:00.000-03:00</start><age>31</age><income>1500.50</income><born>1995-02-28</born>"
        "<hour>09:30:00.000-03:00</hour><when>2026-11-24T03:40:56.39+00:00</when><works>1</works><needs>1 0</needs>"
        "<place>-33.36 -70.72 480.0 4.9</place><photo>a.jpg</photo><g><note>Ñandú &amp; más</note></g>"
    )
    parsed = read(form, raw(body))
    assert not parsed.findings
    row = first(parsed)
    assert row["start"] == datetime.datetime(2026, 11, 24, 13, tzinfo=datetime.UTC)
    assert row["when"] == datetime.datetime(2026, 11, 24, 3, 40, 56, 390_000, tzinfo=datetime.UTC)
    assert (row["age"], row["income"], row["born"]) == (31, 1500.5, datetime.date(1995, 2, 28))
    assert (row["hour"], row["works"], row["needs"]) == ("09:30:00.000-03:00", "1", "1 0")
    assert row["note"] == "Ñandú & más"
    assert row["_instance_id"] == "uuid:1"
    assert (row["_row_id"], row["_form_version"], row["_client"], row["_received_at"]) == ("", "1", "collect", RECEIVED)


def test_tables_have_their_types_also_without_rows(form: Form) -> None:
    parsed = read(form)
    schema = parsed.tables["main"].schema
    assert schema["age"] == pl.Int64
    assert schema["income"] == pl.Float64
    assert schema["born"] == pl.Date
    assert schema["when"] == pl.Datetime("ms", "UTC")
    assert schema["head"] == pl.String
    assert schema == read(form, raw("<age>1</age>")).tables["main"].schema
    assert parsed.tables["person"].columns[:5] == [
        "_instance_id",
        "_row_id",
        "_parent_row_id",
        "_position",
        "_personal_id",
    ]


def test_nested_repeats_get_row_ids_parents_and_positions_in_document_order(form: Form) -> None:
    persons = "".join(f"<person><years>{age}</years></person>" for age in (5, 6))
    body = f"<household>{persons}</household><household/><household>{persons}</household>"
    parsed = read(form, raw(body, 1), raw(f"<household>{persons}</household>", 2))
    assert not parsed.findings
    households = parsed.tables["household"]
    assert households["_row_id"].to_list() == ["household[1]", "household[2]", "household[3]", "household[1]"]
    assert households["_parent_row_id"].to_list() == ["", "", "", ""]
    table = parsed.tables["person"].select("_instance_id", "_row_id", "_parent_row_id", "_position", "years")
    assert table.rows() == [
        ("uuid:1", "household[1]/person[1]", "household[1]", 1, 5),
        ("uuid:1", "household[1]/person[2]", "household[1]", 2, 6),
        ("uuid:1", "household[3]/person[1]", "household[3]", 1, 5),
        ("uuid:1", "household[3]/person[2]", "household[3]", 2, 6),
        ("uuid:2", "household[1]/person[1]", "household[1]", 1, 5),
        ("uuid:2", "household[1]/person[2]", "household[1]", 2, 6),
    ]


def test_personal_answers_are_kept_apart_under_the_same_id_at_every_reading(form: Form) -> None:
    body = (
        "<head>María Secreta</head><home>-33.1 -70.1 0 0</home><household><street>Calle Oculta 7</street>"
        "<person><phone>+56 9 1111</phone></person><person><years>3</years></person></household>"
    )
    parsed, again = read(form, raw(body)), read(form, raw(body))
    row = first(parsed)
    assert (row["head"], row["home"]) == (PRESENT, PRESENT)
    kept = {(answer.row_id, answer.question): (answer.kind, answer.value) for answer in parsed.personal}
    assert kept == {
        ("", "head"): ("name", "María Secreta"),
        ("", "home"): ("position", "-33.1 -70.1 0 0"),
        ("household[1]", "street"): ("address", "Calle Oculta 7"),
        ("household[1]/person[1]", "phone"): ("phone", "+56 9 1111"),
    }
    ids = {answer.row_id: answer.personal_id for answer in parsed.personal}
    assert row["_personal_id"] == ids[""]
    assert len(set(ids.values())) == 3
    assert parsed.tables["person"]["_personal_id"].to_list() == [ids["household[1]/person[1]"], None]
    assert parsed.personal == again.personal
    assert read_rows(form, [raw(body)], b"another key").personal[0].personal_id != ids[""]
    shown = repr(parsed)
    assert "Secreta" not in shown
    assert "Oculta" not in shown
    assert "1111" not in shown


@pytest.mark.parametrize("blank", ["<age/>", "<age></age>", "<age> \n </age>", ""])
def test_blank_answers_are_null_and_no_finding(form: Form, blank: str) -> None:
    parsed = read(form, raw(f"{blank}<head> </head><note/>".replace("<note/>", "")))
    assert first(parsed)["age"] is None
    assert first(parsed)["head"] is None
    assert not parsed.findings
    assert not parsed.personal


@pytest.mark.parametrize(
    ("text", "found"), [("2147483647", 0), ("-2147483648", 0), ("2147483648", 1), ("-3000000000", 1)]
)
def test_whole_number_beyond_32_bits_is_a_finding_and_keeps_its_value(form: Form, text: str, found: int) -> None:
    parsed = read(form, raw(f"<age> {text} </age>"))
    assert [finding.rule_id for finding in parsed.findings] == ["type:/data/age"] * found
    assert first(parsed)["age"] == int(text)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ("age", "doce"),
        ("age", "12.7"),
        ("age", "1e3"),
        ("age", "9223372036854775808"),
        ("age", "１２"),
        ("income", "mucho"),
        ("income", "NaN"),
        ("income", "inf"),
        ("income", "1e999"),
        ("income", "1,5"),
        ("born", "2026-02-30"),
        ("born", "24/11/2026"),
        ("born", "2026-1-5"),
        ("when", "2026-11-24"),
        ("when", "2026-11-24T25:00:00.000-03:00"),
        ("start", "2026-13-24T10:00:00.000-03:00"),
        ("hour", "9 de la mañana"),
        ("hour", "25:00:00"),
        ("place", "-133.0 -70.7 0 0"),
        ("place", "-33.0 -190.7 0 0"),
        ("place", "cerca"),
    ],
)
def test_text_that_is_no_value_of_the_type_is_a_finding_without_the_text(form: Form, node: str, text: str) -> None:
    parsed = read(form, raw(f"<{node}>{text}</{node}>"))
    found = only(parsed)
    assert (found.rule_id, found.severity, found.kind) == (f"type:/data/{node}", "error", "type")
    assert (found.path, found.variables, found.instance_id) == (f"/data/{node}", (node,), "uuid:1")
    assert set(found.message) == {"es", "ht", "en"}
    assert text not in repr(found)
    assert first(parsed)[node] is None


def test_findings_in_repeats_name_the_row(form: Form) -> None:
    body = "<household><person/><person><years>x</years></person></household>"
    assert rules(read(form, raw(body))) == [
        ("type:/data/household/person/years", "error", "household[1]/person[2]"),
    ]


def test_a_personal_answer_of_the_wrong_type_is_kept_apart_and_reported(form: Form) -> None:
    parsed = read(form, raw("<home>en la esquina</home>"))
    assert only(parsed).rule_id == "type:/data/home"
    assert first(parsed)["home"] == PRESENT
    assert parsed.personal[0].value == "en la esquina"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T10:00:00.000-03:00", 13),
        ("2026-11-24T10:00:00.00-03:00", 13),
        ("2026-11-24T10:00:00-03:00", 13),
        ("2026-11-24T10:00:00.000-03", 13),
        ("2026-11-24T10:00:00.000-0300", 13),
        ("2026-11-24T10:00:00.000Z", 10),
        ("2026-11-24T10:00:00.000+00:00", 10),
        ("2026-11-24T10:00:00.000-00:00", 10),
        (" 2026-11-24T10:00:00 ", 10),
    ],
)
def test_every_engines_way_of_writing_a_time_is_read(text: str, expected: int) -> None:
    typed, bad = cast_texts(pl.Series("t", [text, None]), "dateTime")
    assert bad is None
    assert typed.to_list() == [datetime.datetime(2026, 11, 24, expected, tzinfo=datetime.UTC), None]


@pytest.mark.parametrize(
    ("body", "rule", "path"),
    [
        ("<extra>1</extra>", "structure:unknown_node", "/data/extra"),
        ("<g><extra/></g>", "structure:unknown_node", "/data/g/extra"),
        ("<age><b>1</b></age>", "structure:unknown_node", "/data/age/b"),
        ("<age>1</age><age>2</age>", "structure:duplicate_node", "/data/age"),
        ("<photo>b.jpg</photo>", "attachment:missing", "/data/photo"),
    ],
)
def test_what_the_form_does_not_expect_is_a_warning(form: Form, body: str, rule: str, path: str) -> None:
    found = only(read(form, raw(body)))
    assert (found.rule_id, found.severity, found.path) == (rule, "warning", path)


def test_one_warning_a_row_names_every_unknown_node(form: Form) -> None:
    assert set(only(read(form, raw("<x/><y/><g><z/></g>"))).variables) == {"x", "y", "z"}


def test_the_first_of_two_answers_to_one_question_is_used(form: Form) -> None:
    assert first(read(form, raw("<age/><age>2</age><age>3</age>")))["age"] == 2


def test_another_version_and_a_missing_instance_id_are_warnings(form: Form) -> None:
    assert rules(read(form, raw("", attributes='id="censo" version="2"'))) == [("structure:version", "warning", "")]
    assert rules(read(form, raw("", meta="<meta><instanceID/></meta>"))) == [
        ("structure:no_instance_id", "warning", "")
    ]
    assert rules(read(form, raw("", meta=""))) == [("structure:no_instance_id", "warning", "")]


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (b"<data", "SUB-006"),
        (b'<otra id="censo"/>', "SUB-010"),
        (b'<data id="otro"/>', "SUB-010"),
        (b'<data id="censo" encrypted="yes"/>', "SUB-011"),
        (b'<!DOCTYPE data><data id="censo"/>', "SUB-005"),
    ],
)
def test_bytes_that_cannot_be_read_fail_alone(form: Form, xml: bytes, code: str) -> None:
    broken = RawSubmission(7, "censo", "1", "uuid:7", RECEIVED, xml, "0" * 64)
    parsed = read(form, broken, raw("<age>1</age>", 8))
    assert parsed.failed == {7: MESSAGES[code]["es"]}
    assert parsed.tables["main"]["_instance_id"].to_list() == ["uuid:8"]


@pytest.mark.parametrize(
    "xml",
    [
        '<data id="censo" version="1" xmlns:orx="http://openrosa.org/xforms"><age>31</age><g><note>x</note></g>'
        "<orx:meta><orx:instanceID>uuid:1</orx:instanceID></orx:meta></data>",
        '<data xmlns="http://opendatakit.org/submissions" id="censo" version="1"><age>31</age><g><note>x</note></g>'
        '<meta xmlns="http://openrosa.org/xforms"><instanceID>uuid:1</instanceID></meta></data>',
        '<?xml version="1.0"?>\n<data id="censo" version="1">\n  <age>31</age>\n  <photo />\n  <g>\n    <note>x</note>'
        "\n  </g>\n  <meta>\n    <instanceID>uuid:1</instanceID>\n  </meta>\n</data>\n",
        '<data id="censo" version="1"><age>3<!-- c -->1</age><g><note><![CDATA[x]]></note></g>'
        '<household xmlns:jr="http://openrosa.org/javarosa" jr:template=""><street/></household>'
        "<meta><instanceID>uuid:1</instanceID></meta></data>",
    ],
)
def test_namespaces_indentation_comments_and_templates_are_tolerated(form: Form, xml: str) -> None:
    submission = RawSubmission(1, "censo", "1", "uuid:1", RECEIVED, xml.encode(), "0" * 64)
    parsed = read(form, submission)
    assert not parsed.findings
    assert (first(parsed)["age"], first(parsed)["note"]) == (31, "x")
    assert parsed.tables["household"].height == 0


def test_many_shapes_and_chunks_keep_the_order_of_the_batch(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forms.rows.CHUNK", 3)
    monkeypatch.setattr("forms.rows.plan.MAX_LAYOUTS", 2)
    bodies = ["<household/>" * (number % 4) + (f"<age>{number}</age>" if number % 3 else "") for number in range(20)]
    parsed = read(form, *(raw(body, number) for number, body in enumerate(bodies)))
    assert not parsed.findings
    assert parsed.tables["main"]["age"].to_list() == [number if number % 3 else None for number in range(20)]
    assert parsed.tables["household"].height == sum(number % 4 for number in range(20))


def test_an_edit_may_name_the_submission_it_replaces(form: Form) -> None:
    meta = "<meta><instanceID>uuid:1</instanceID><deprecatedID>uuid:0</deprecatedID></meta>"
    assert not read(form, raw("", meta=meta)).findings
