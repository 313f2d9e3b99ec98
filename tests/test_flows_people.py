"""`comunal people`: cards that a phone can scan, lists, passwords, and the log of all that."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from phone_cards import scan
from sqlalchemy import text
from typer.testing import CliRunner, Result

import flows.handing_out
from flows.cli import app
from flows.key_sheet import STEPS, WARNING, write_sheet
from flows.printing import find_browser
from openrosa.settings_qr import LOCKS
from schemas.errors import AccessError, CommandError
from store.open import open_store
from store.passwords import get_credentials, is_right
from store.people import get_login, get_person_by_key, list_people

OPENROSA = Path(__file__).resolve().parents[2] / "shared" / "OPENROSA.md"
URL = "https://encuesta.example"
FORM = """| survey | | | |
| | type | name | label |
| | text | q | Pregunta |
| settings | | | |
| | form_id | version | form_title |
| | {id} | 1 | {title} |
| design | | |
| | setting | value |
| | commune | {cut} |
"""
PEOPLE = """\ufeffname;role;communes
Rosa Ñancupil;;13125
Jean <b>Louverture</b>;Enumerator;13125, 13101

Marie Étienne;supervisor;13101
Ana Pérez;statistician;
"""


def comunal(data: Path, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data", str(data), "--json"], input=typed)


def records(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def refusal(result: Result) -> str:
    assert isinstance(result.exception, AccessError | CommandError), result.output
    return result.exception.code


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def add_form(data: Path, form_id: str, title: str, cut: str) -> None:
    file = data.parent / f"{form_id}.md"
    file.write_text(FORM.format(id=form_id, title=title, cut=cut), encoding="utf-8")
    records(comunal(data, "forms", "add", str(file)))


def add_list(data: Path, *more: str) -> list[dict[str, object]]:
    file = data.parent / "gente.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    return records(comunal(data, "people", "add", "--from", str(file), "--url", f"{URL}/", *more))


def test_a_list_becomes_a_sheet_of_cards_that_phones_can_scan(data: Path) -> None:
    add_form(data, "quinta", "Encuesta de Quinta", "13125")
    add_form(data, "segunda", "Otra encuesta", "13101")
    out = data.parent / "hoja.html"
    told = add_list(data, "--sheet", str(out))
    assert [person["role"] for person in told] == ["enumerator", "enumerator", "supervisor", "statistician"]
    assert out.stat().st_mode & 0o777 == 0o600
    page = out.read_text(encoding="utf-8")
    cards = scan(page)
    assert [card.name for card in cards] == ["Rosa Ñancupil", "Jean <b>Louverture</b>", "Marie Étienne", "Ana Pérez"]
    rosa, jean, marie, ana = cards
    assert rosa.settings == {
        "general": {
            "server_url": f"{URL}/key/{told[0]['key']}",
            "form_update_mode": "match_exactly",
            "autosend": "wifi_and_cellular",
            "metadata_username": "rosa-nancupil-1",
        },
        "admin": dict(LOCKS),
        "project": {"name": "Encuesta de Quinta", "icon": "E", "color": "#1f5f8b"},
    }
    assert [card.settings["general"]["server_url"].rpartition("/")[2] for card in cards] == [p["key"] for p in told]
    # Each is told of the forms that the phone will be offered.
    assert "Quilicura Encuesta de Quinta" in rosa.text
    assert "Otra" not in rosa.text
    assert "Encuesta de Quinta · Otra encuesta" in jean.text
    assert "Supervisor/a / Sipèvizè Santiago Otra encuesta" in marie.text
    assert marie.settings["admin"] == dict(LOCKS)
    assert ana.settings["admin"] == {}
    for steps, warning in zip(STEPS, WARNING, strict=True):
        for sentence in (*steps, warning):
            assert re.sub("<.*?>", "", sentence) in rosa.text
    # Nothing is loaded from elsewhere, and the key stands only in the code.
    assert not re.search(r"(src|href)=|url\(|@import", page)
    assert all(str(person["key"]) not in page for person in told)


def test_a_card_for_a_digest_login_says_name_and_password_too(data: Path) -> None:
    out = data.parent / "hoja.html"
    told = add_list(data, "--sheet", str(out), "--login")
    (rosa, *_) = scan(out.read_text(encoding="utf-8"))
    general = rosa.settings["general"]
    assert (general["server_url"], general["username"]) == (URL, "rosa-nancupil-1")
    assert general["password"] == told[0]["key"]
    assert f"Contraseña / Modpas {told[0]['key']}" in rosa.text
    assert rosa.settings["project"] == {"name": "Comunal", "icon": "C", "color": "#1f5f8b"}


def _listed(chapter: str, name: str) -> str:
    (line,) = re.findall(rf"^- {name}(?: \(.*?\))?: (.*)$", chapter, re.M)
    return re.sub(r"\(.*?\)", "", line)


def test_every_setting_is_one_that_collect_knows(data: Path) -> None:
    if not OPENROSA.is_file():
        pytest.skip("the list of Collect's settings (../shared/OPENROSA.md) isn't here")
    out = data.parent / "hoja.html"
    add_list(data, "--sheet", str(out), "--login")
    chapter = OPENROSA.read_text(encoding="utf-8").partition("### Settings QR")[2].partition("\n###")[0]
    for card in scan(out.read_text(encoding="utf-8")):
        assert set(card.settings) == {"general", "admin", "project"}
        for part, values in card.settings.items():
            known = set(re.findall(r"\w+", _listed(chapter, part)))
            assert set(values) <= known, part
            kind = bool if part == "admin" else str
            assert all(type(value) is kind for value in values.values())


def test_two_sheets_of_many_people_have_a_page_for_each_four(data: Path) -> None:
    out = data.parent / "hoja.html"
    file = data.parent / "gente.csv"
    file.write_text("name\n" + "".join(f"Persona {number}\n" for number in range(9)), encoding="utf-8")
    records(comunal(data, "people", "add", "--from", str(file), "--sheet", str(out)))
    page = out.read_text(encoding="utf-8")
    assert page.count('<section class="page">') == 3
    assert write_sheet([]).count("<section") == 0


def test_a_sheet_is_printed_as_pdf(data: Path) -> None:
    try:
        find_browser()
    except CommandError:
        pytest.skip("no Chromium or Chrome is installed: apt-get install chromium")
    out = data.parent / "hoja.pdf"
    add_list(data, "--sheet", str(out))
    printed = out.read_bytes()
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    assert out.stat().st_mode & 0o777 == 0o600


def test_new_keys_go_into_force_with_their_sheet_and_the_old_ones_out_of_it(data: Path) -> None:
    told = add_list(data)
    first = data.parent / "hoja.html"
    assert refusal(comunal(data, "people", "sheet", "--out", str(first))) == "CMD-075"
    records(comunal(data, "people", "sheet", "--new-keys", "--out", str(first), "--url", URL))
    cards = scan(first.read_text(encoding="utf-8"))
    assert [card.name for card in cards] == ["Rosa Ñancupil", "Jean <b>Louverture</b>"]
    with open_store(data) as store, store.read() as connection:
        for card, old in zip(cards, told, strict=False):
            assert get_person_by_key(connection, str(old["key"])) is None
            found = get_person_by_key(connection, card.settings["general"]["server_url"].rpartition("/")[2])
            assert found is not None
            assert (found.id, found.name) == (old["id"], card.name)
        # The others' keys stay.
        assert get_person_by_key(connection, str(told[3]["key"])) is not None


def test_a_sheet_that_cannot_be_written_leaves_every_key_in_force(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = add_list(data)

    def fail(page: str) -> bytes:
        raise CommandError("CMD-072", "no PDF")

    monkeypatch.setattr(flows.handing_out, "find_browser", lambda: None)
    monkeypatch.setattr(flows.handing_out, "print_pdf", fail)
    out = data.parent / "hoja.pdf"
    sheet = ("people", "sheet", "--new-keys", "--out", str(out))
    assert refusal(comunal(data, *sheet)) == "CMD-072"
    monkeypatch.setattr(flows.handing_out, "print_pdf", lambda page: b"%PDF")
    assert refusal(comunal(data, *sheet, "1", "99")) == "ACC-003"
    assert not out.exists()
    assert refusal(comunal(data, *sheet, "--role", "reviewer")) == "CMD-074"
    with open_store(data) as store, store.read() as connection:
        assert all(get_person_by_key(connection, str(person["key"])) is not None for person in told)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "CMD-073", "columns are none"),
        (b"nombre,role\nAna,\n", "CMD-073", "nombre"),
        (b"name,phone\nAna,1\n", "CMD-073", "phone"),
        (b"name,role\n\n,\n", "CMD-073", "no rows"),
        (b"name\n\xff\xfe\n", "CMD-073", "UTF-8"),
        (b"name,role\nAna,\nEva,queen\n", "ACC-002", "Person 2 of the list"),
        (b"name,communes\nAna,13125\nEva,13125 99999\n", "ACC-005", "99999"),
        (b"name,role\nAna,\n ,enumerator\n", "ACC-002", "Person 2 of the list"),
    ],
)
def test_a_list_that_cannot_be_used_is_told_and_nobody_is_added(
    data: Path, content: bytes, code: str, words: str
) -> None:
    file = data.parent / "gente.csv"
    file.write_bytes(content)
    result = comunal(data, "people", "add", "--from", str(file))
    assert refusal(result) == code
    assert words in str(result.exception)
    with open_store(data) as store, store.read() as connection:
        assert list_people(connection) == []


def test_a_password_is_typed_piped_or_made_and_never_shown_unasked(data: Path) -> None:
    add_list(data)
    typed = comunal(data, "people", "password", "4", "--stdin", typed="una frase bastante larga\n")
    assert records(typed) == [{"id": 4, "login": "ana-perez-4"}]
    assert "frase" not in typed.output
    with open_store(data) as store, store.read() as connection:
        assert is_right(get_credentials(connection, "ana-perez-4"), "una frase bastante larga")
    (made,) = records(comunal(data, "people", "password", "4", "--generate"))
    with open_store(data) as store, store.read() as connection:
        found = get_credentials(connection, "Ana Pérez")
        assert is_right(found, str(made["password"]))
        assert not is_right(found, "una frase bastante larga")
    assert refusal(comunal(data, "people", "password", "4", typed="corta\n")) == "ACC-006"
    assert refusal(comunal(data, "people", "password", "1", "--generate")) == "ACC-008"
    assert refusal(comunal(data, "people", "password", "9", "--generate")) == "ACC-003"


def test_roles_communes_and_keys_are_changed_and_the_list_tells(data: Path) -> None:
    told = add_list(data)
    records(comunal(data, "people", "role", "2", "supervisor"))
    records(comunal(data, "people", "communes", "2", "05101"))
    records(comunal(data, "people", "communes", "1", "--all"))
    assert refusal(comunal(data, "people", "communes", "1", "5101")) == "ACC-005"
    assert comunal(data, "people", "communes", "1").exit_code == 2
    (renewed,) = records(comunal(data, "people", "key", "3", "--login"))
    records(comunal(data, "people", "revoke", "1"))
    assert refusal(comunal(data, "people", "key", "1")) == "ACC-009"
    rows = records(comunal(data, "people", "list"))
    assert [(row["role"], row["communes"], row["key"]) for row in rows] == [
        ("enumerator", [], "revoked"),
        ("supervisor", ["05101"], "in force"),
        ("supervisor", ["13101"], "in force"),
        ("statistician", [], "in force"),
    ]
    with open_store(data) as store, store.read() as connection:
        assert get_person_by_key(connection, str(told[2]["key"])) is None
        assert get_login(connection, str(renewed["username"])) is not None


def test_the_log_tells_what_was_done_and_whether_it_is_whole(data: Path) -> None:
    told = add_list(data)
    comunal(data, "people", "password", "4", "--stdin", typed="una frase bastante larga\n")
    rows = records(comunal(data, "people", "log", "--last", "2"))
    assert [(row["act"], row["object"]) for row in rows] == [("person.add", "4"), ("person.password", "4")]
    assert all(str(row["who"]).startswith("operator ") for row in rows)
    plain = CliRunner().invoke(app, ["people", "log", "--data", str(data)])
    assert "person 4 (Ana Pérez)" in plain.stdout
    assert str(told[3]["key"]) not in plain.stdout
    (check,) = records(comunal(data, "people", "log", "--check"))
    assert (check["rows"], check["broken_at"]) == (5, None)
    with open_store(data) as store, store.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_log_delete"))
        connection.execute(text("DELETE FROM audit_log WHERE id = 3"))
    broken = comunal(data, "people", "log", "--check")
    assert (broken.exit_code, json.loads(broken.stdout)["broken_at"]) == (1, 3)
