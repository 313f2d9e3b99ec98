"""`comunal explain INSTANCE`: who sees what of one interview, and in which words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.encrypting import encrypt_sends
from flows.explaining import explain
from flows.ingesting import ingest
from flows.registering import add_form
from forms.encryption.keys import make_private_key, public_text
from forms.rehearsal.interviews import Send
from schemas.decisions import Decision
from schemas.errors import AccessError, CommandError
from store.arrivals import NewAttachment, NewSubmission, add_submissions
from store.audit import list_log
from store.decisions import add_decision
from store.open import Store, open_store
from store.people import add_person, revoke_person
from store.personal import list_access

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SENTINEL = "Zentinela Cantante"
FORM = """
| survey |
| | type | name | label::(es) | label::(ht) | label::(en) | relevant | constraint | required | calculation | personal |
| | start | begun | | | | | | | | |
| | text | name | Nombre | Non | Name | | string-length(.) < 5 | | | name |
| | calculate | greeting | | | | | | | concat('Hola ', ${name}) | |
| | integer | age | Edad | Laj | Age | | . < 120 | yes | | |
| | text | code | Clave | Kòd | Code | | regex(., '[0-9]+') | | | |
| | select_one yn | works | ¿Trabaja? | Èske li travay? | Works? | ${age} >= 15 | | yes | | |
| | calculate | double | | | | | | | ${age} * 2 | |
| | begin repeat | person | Persona | Moun | Person | | | | | |
| | integer | years | Años | Ane | Years | | . <= ${age} | | | |
| | end repeat | | | | | | | | | |
| | calculate | key | | | | | | | once(uuid()) | |
| choices |
| | list_name | name | label::(es) | label::(ht) | label::(en) |
| | yn | 1 | Sí | Wi | Yes |
| | yn | 0 | No | Non | No |
| settings |
| | form_id | version | default_language |
| | hogar | VERSION | (es) |
"""
ANSWERS = (
    f"<begun>2026-11-24T10:00:00Z</begun><name>{SENTINEL}</name><greeting>Hola {SENTINEL}</greeting><age>47</age>"
    "<code>a12b</code><works/><double>90</double><person><years>12</years></person><person><years>48</years></person>"
    "<key>k</key>"
)


def write(instance: str, answers: str = ANSWERS, replaces: str = "", version: str = "1") -> NewSubmission:
    old = f"<deprecatedID>{replaces}</deprecatedID>" if replaces else ""
    meta = f"<meta><instanceID>{instance}</instanceID>{old}</meta>"
    xml = f'<data id="hogar" version="{version}">{answers}{meta}</data>'.encode()
    return NewSubmission("hogar", version, instance, xml, NOW, deprecated_id=replaces or None, client="collect")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain")
    with open_store(folder / "data") as store:
        for version in ("1", "2"):
            form = folder / f"hogar{version}.md"
            text = FORM.replace("VERSION", version)
            text = text.replace(". < 120", ". < 40") if version == "2" else text
            form.write_text(text, encoding="utf-8")
            assert add_form(store, form).version == version
        edited = [write("uuid:old"), write("uuid:new", ANSWERS.replace(">47<", ">x<"), "uuid:old")]
        newer = write("uuid:v2", version="2")
        rest = [write("uuid:a"), *edited, newer, write("uuid:c")]
        with store.begin() as connection:
            add_submissions(connection, store.blobs, rest)
            for role in ("statistician", "supervisor", "enumerator", "reviewer"):
                add_person(connection, f"Persona {role}", role)
            revoke_person(connection, 4)
        ingest(store, "hogar")
        with store.begin() as connection:
            add_submissions(connection, store.blobs, [write("uuid:unread")])
    return folder / "data"


def run(data: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["explain", "--data", str(data), *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_broken_rules_come_first_with_names_of_answers_only(data: Path) -> None:
    text = run(data, "uuid:a")
    assert re.findall(r"^(NO SE CUMPLE|SIN REVISAR)  (\S+)(?:  (\S+))?", text, re.MULTILINE) == [
        ("NO SE CUMPLE", "constraint:/data/name", ""),
        ("NO SE CUMPLE", "constraint:/data/code", ""),
        ("NO SE CUMPLE", "required:/data/works", ""),
        ("NO SE CUMPLE", "calculation:/data/double", ""),
        ("NO SE CUMPLE", "constraint:/data/person/years", "person[2]"),
        ("SIN REVISAR", "calculation:/data/key", ""),
    ]
    assert "Depende de: works «¿Trabaja?», age «Edad»" in text
    for answer in (SENTINEL, "a12b", "47", "90", "48"):
        assert answer not in text


def test_the_program_that_would_accept_an_answer_is_named(data: Path) -> None:
    text = run(data, "uuid:a", "--rule", "code", "--language", "en")
    assert "By program: ODK Collect: broken; ODK Web Forms: accepted; Enketo: accepted" in text


def test_a_supervisor_sees_answers_but_no_personal_ones(data: Path) -> None:
    text = run(data, "uuid:a", "--all", "--person", "2", "--reason", "review")
    assert "age = 47" in text
    assert "years [person[2]] = 48" in text
    assert "double = recalculado: 94" in text
    assert "name = (personal: no se muestra)" in text
    assert "greeting = (personal: no se muestra)" in text
    assert SENTINEL not in text


def test_a_statistician_sees_personal_answers_and_that_is_written_down(data: Path) -> None:
    text = run(data, "uuid:a", "--rule", "constraint:/data/name", "--person", "1", "--reason", "called back")
    assert f"name = {SENTINEL}" in text
    with open_store(data) as store, store.read() as connection:
        read = [row for row in list_access(connection) if row.person == "person 1"]
        acts = list_log(connection, act="interview")
    assert [(row.reason, row.rows) for row in read] == [("called back", 1)]
    assert [(row.object, row.outcome, row.note) for row in acts][-1] == ("uuid:a", "done", "answers for person 1")
    assert all(SENTINEL not in str(row) for row in [*acts, *read])


@pytest.mark.parametrize("person", [3, 4])
def test_without_the_right_nothing_is_shown_and_the_attempt_is_kept(data: Path, person: int) -> None:
    with open_store(data) as store:
        with pytest.raises(AccessError, match="no right") as refused:
            explain(store, "uuid:a", person_id=person, reason="curious")
        with store.read() as connection:
            last = list_log(connection, act="interview")[-1]
    assert refused.value.code == "ACC-013"
    assert (last.outcome, last.note) == ("refused", f"answers for person {person}")


def test_an_edited_interview_is_explained_by_the_edit_that_counts(data: Path) -> None:
    for name in ("uuid:old", "uuid:new"):
        text = run(data, name, "--person", "2", "--reason", "review")
        assert "Corregida 1 vez; cuenta uuid:new" in text
        assert "NO SE CUMPLE  type:/data/age" in text
        assert "age = (no se puede leer)" in text
        assert "constraint:/data/person/years" not in text


def test_an_interview_is_judged_by_its_own_form_version(data: Path) -> None:
    with open_store(data) as store:
        found = {name: broken(store, name) for name in ("uuid:a", "uuid:v2")}
    assert found["uuid:v2"] - found["uuid:a"] == {"constraint:/data/age"}


def test_corrections_are_judged_and_exclusions_told(data: Path) -> None:
    with open_store(data) as store:
        assert "required:/data/works" in broken(store, "uuid:c")
        with store.begin() as connection:
            more = {"question": "works", "value": "1", "table": "main"}
            add_decision(connection, decide("correct", rule_id="required:/data/works", **more))
        assert "required:/data/works" not in broken(store, "uuid:c")
        with store.begin() as connection:
            add_decision(connection, decide("exclude", seconded_by="Persona reviewer"))
    text = run(data, "uuid:c")
    assert "Respuestas cambiadas por decisiones: 1" in text
    assert "Excluida por decisión" in text


def decide(action: str, **more: Any) -> Decision:  # noqa: ANN401
    return Decision("hogar", "uuid:c", action, "they called back", "Persona statistician", **more)


def test_an_encrypted_interview_is_explained_once_its_key_was_there(tmp_path: Path) -> None:
    key = make_private_key(2048)
    form = tmp_path / "hogar.md"
    form.write_text(FORM.replace("VERSION", "1"), encoding="utf-8")
    with open_store(tmp_path / "data") as store:
        add_form(store, form, public_key=public_text(key))
        plain = write("uuid:secret")
        (sent,) = encrypt_sends([Send("uuid:secret", plain.xml, {})], public_text(key))
        files = tuple(NewAttachment(name, store.blobs.hold(content)) for name, content in sent.attachments.items())
        with store.begin() as connection:
            add_submissions(connection, store.blobs, [replace(plain, xml=sent.xml, attachments=files)])
        ingest(store, "hogar")
        with pytest.raises(CommandError, match="encrypted and waits for its key"):
            explain(store, "uuid:secret")
        ingest(store, "hogar", private_key=key)
        assert "constraint:/data/code" in broken(store, "uuid:secret")


def broken(store: Store, name: str) -> set[str]:
    return {one.rule.rule_id for one in explain(store, name).rules if one.state == "broken"}


@pytest.mark.parametrize("language", ["es", "ht", "en"])
def test_every_language_says_everything(data: Path, language: str) -> None:
    text = run(data, "uuid:a", "--all", "--language", language, "--person", "2", "--reason", "review")
    state = {"es": "NADA QUE JUZGAR", "ht": "ANYEN POU JIJE", "en": "NOTHING TO JUDGE"}
    assert f"{state[language]}  choice:/data/works" in text
    assert {"es": "otro valor", "ht": "lòt valè", "en": "another value"}[language] in text


def test_machines_get_an_object_a_rule(data: Path) -> None:
    lines = [json.loads(line) for line in run(data, "uuid:a", "--json").splitlines()]
    years = next(line for line in lines if line["rule"] == "constraint:/data/person/years")
    assert (years["state"], years["row"], years["engines"]) == (
        "broken",
        "person[2]",
        {"javarosa": True, "webforms": True, "enketo": True},
    )
    assert [value["question"] for value in years["values"]] == ["years", "age"]
    assert all("value" not in value for value in years["values"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("uuid:nobody",), "CMD-145"),
        (("uuid:a", "--form", "other"), "CMD-145"),
        (("uuid:unread",), "CMD-146"),
        (("uuid:a", "--person", "1"), "CMD-147"),
        (("uuid:a", "--reason", "x"), "CMD-147"),
        (("uuid:a", "--rule", "nothing"), "CMD-148"),
        (("uuid:a", "--language", "fr"), "CMD-140"),
    ],
)
def test_what_cannot_be_explained_is_told(data: Path, words: tuple[str, ...], code: str) -> None:
    result = CliRunner().invoke(app, ["explain", "--data", str(data), *words])
    assert isinstance(result.exception, CommandError)
    assert result.exception.code == code
