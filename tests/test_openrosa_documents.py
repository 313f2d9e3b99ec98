"""Form list, form, manifest and media as a phone fetches them, and what must not stand in them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from openrosa.access import Access, KeyFilter, mask_keys
from openrosa.answers import REFUSALS, Refusal, language_of
from openrosa.app import create_app
from openrosa.documents import ListedFile, ListedForm, write_form_list, write_manifest, write_response
from openrosa.receive import file_name
from schemas.settings import Settings
from schemas.text import LANGUAGES
from store.forms import add_form_version, set_form_state
from store.open import Store, open_store
from store.people import add_person, revoke_person

LIST = "{http://openrosa.org/xforms/xformsList}"
MANIFEST = "{http://openrosa.org/xforms/xformsManifest}"
XFORM = "<?xml version='1.0'?>\r\n<h:html xmlns:h='u'><!-- ñ -->\t</h:html>\n".encode()
MEDIA = {"comunas.csv": b"name,label\n1,Quilicura\n", "mapa ñ #1.png": b"\x89PNG"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "data") as opened:
        with opened.begin() as connection:
            for form_id, version, media in (("a&b <c>", "1", MEDIA), ("simple", "", {}), ("simple", "2", {})):
                add_form_version(
                    connection,
                    opened.blobs,
                    form_id=form_id,
                    version=version,
                    title=f"Encuesta {form_id}",
                    xform=XFORM,
                    workbook=None,
                    media=media,
                )
        yield opened


@pytest.fixture
def key(store: Store) -> str:
    with store.begin() as connection:
        return add_person(connection, "Rosa", "enumerator").key


def fetch(store: Store, path: str, method: str = "GET", base: str = "", **options: object) -> httpx.Response:
    settings = options.pop("settings", None)
    app = create_app(store, base, settings=settings)  # type: ignore[arg-type]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://phone.example:8080") as client:
            return await client.request(method, path, **options)  # type: ignore[arg-type]

    return asyncio.run(ask())


def entries(response: httpx.Response) -> list[dict[str, str]]:
    root = etree.fromstring(response.content)
    assert root.tag == f"{LIST}xforms"
    assert root.nsmap == {None: LIST[1:-1]}
    return [{str(child.tag).removeprefix(LIST): child.text or "" for child in entry} for entry in root]


@pytest.mark.parametrize("prefix", ["/key/{}", "/v1/key/{}/projects/1"])
def test_a_phone_gets_form_and_media_with_the_hashes_it_was_told(store: Store, key: str, prefix: str) -> None:
    base = prefix.format(key)
    response = fetch(store, f"{base}/formList?deviceID=collect%3Aabc")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/xml; charset=utf-8"
    assert response.headers["x-openrosa-version"] == "1.0"
    assert response.headers["cache-control"] == "no-store"
    first, second = entries(response)
    assert (first["formID"], first["name"], first["version"]) == ("a&b <c>", "Encuesta a&b <c>", "1")
    assert (second["formID"], second["version"]) == ("simple", "2")
    assert "manifestUrl" not in second
    assert first["downloadUrl"].startswith(f"http://phone.example:8080{base}/")
    form = fetch(store, first["downloadUrl"])
    assert form.content == XFORM
    assert first["hash"] == f"md5:{hashlib.md5(form.content, usedforsecurity=False).hexdigest()}"
    manifest = fetch(store, first["manifestUrl"] + "?deviceID=collect%3Aabc")
    root = etree.fromstring(manifest.content)
    assert root.tag == f"{MANIFEST}manifest"
    assert manifest.headers["x-openrosa-version"] == "1.0"
    got = {}
    for file in root:
        content = fetch(store, str(file.findtext(f"{MANIFEST}downloadUrl"))).content
        assert file.findtext(f"{MANIFEST}hash") == f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"
        got[str(file.findtext(f"{MANIFEST}filename"))] = content
    assert got == MEDIA


def test_the_list_can_be_asked_for_one_form_and_by_head(store: Store, key: str) -> None:
    assert [entry["formID"] for entry in entries(fetch(store, f"/key/{key}/formList?formID=simple"))] == ["simple"]
    assert entries(fetch(store, f"/key/{key}/formList?formID=none")) == []
    head = fetch(store, f"/key/{key}/formList", "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["x-openrosa-version"] == "1.0"


def test_a_closing_form_is_not_offered_but_its_bytes_stay_reachable(store: Store, key: str) -> None:
    (url,) = [e["downloadUrl"] for e in entries(fetch(store, f"/key/{key}/formList")) if e["formID"] == "simple"]
    with store.begin() as connection:
        set_form_state(connection, "simple", "2", "closing")
    assert [entry["formID"] for entry in entries(fetch(store, f"/key/{key}/formList"))] == ["a&b <c>"]
    assert fetch(store, url).content == XFORM


@pytest.mark.parametrize(
    ("settings", "headers", "expected"),
    [
        (Settings(), {"Host": "encuesta.cl"}, "http://encuesta.cl/"),
        (Settings(), {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}, "http://phone.example:8080/"),
        (
            Settings(trust_forwarded=True),
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "encuesta.cl"},
            "https://encuesta.cl/",
        ),
        (Settings(public_url="https://datos.cl/odk"), {"Host": "inside:1"}, "https://datos.cl/odk/"),
    ],
)
def test_addresses_are_those_under_which_the_phone_reaches_us(
    store: Store, key: str, settings: Settings, headers: dict[str, str], expected: str
) -> None:
    listed = entries(fetch(store, f"/key/{key}/formList", settings=settings, headers=headers))
    assert {entry["downloadUrl"].partition("key/")[0] for entry in listed} == {expected}


def test_below_an_outer_path_the_addresses_have_it(store: Store, key: str) -> None:
    listed = entries(fetch(store, f"/recibir/key/{key}/formList", base="/recibir"))
    assert listed[0]["downloadUrl"].startswith("http://phone.example:8080/recibir/key/")
    assert fetch(store, listed[0]["downloadUrl"], base="/recibir").content == XFORM


@pytest.mark.parametrize("path", ["forms/99/form.xml", "forms/99/manifest", "forms/1/media/none.png", "nothing", ""])
def test_what_is_not_there_is_404_with_a_sentence(store: Store, key: str, path: str) -> None:
    response = fetch(store, f"/key/{key}/{path}")
    assert response.status_code == 404
    assert "dirección" in response.text


def test_a_store_that_fails_gives_500_and_never_a_shorter_list(store: Store, key: str) -> None:
    with store.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE form_media RENAME TO elsewhere")
    response = fetch(store, f"/key/{key}/formList")
    assert response.status_code == 500
    assert b"xforms>" not in response.content


def test_a_bug_is_answered_with_a_sentence_and_logged_without_its_text(
    store: Store, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("Rosa Díaz, RUN 11.111.111-1")

    monkeypatch.setattr("openrosa.offering.list_offered_to", fail)
    response = fetch(store, f"/key/{key}/formList")
    assert response.status_code == 500
    assert "teléfono" in response.text
    assert "ValueError at " in caplog.text
    assert "Díaz" not in caplog.text + response.text
    assert key not in caplog.text


def test_the_front_page_speaks_three_languages_and_tells_no_secret(store: Store, key: str) -> None:
    response = fetch(store, "/")
    assert response.status_code == 200
    for part in ('lang="es"', 'lang="ht"', 'lang="en"', "ODK Collect"):
        assert part in response.text
    for secret in (key, "simple", "a&b", "http"):
        assert secret not in response.text.replace('http-equiv="', "")


def test_a_key_is_believed_for_some_seconds_and_then_asked_again(store: Store, key: str) -> None:
    now = [100.0]
    access = Access(store, clock=lambda: now[0])
    assert asyncio.run(access.person(key)).name == "Rosa"
    with store.begin() as connection:
        revoke_person(connection, 1)
    assert asyncio.run(access.person(key)).name == "Rosa"
    now[0] += 6
    with pytest.raises(Refusal, match="ACC-101"):
        asyncio.run(access.person(key))


def test_not_endlessly_many_keys_are_remembered(store: Store, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrosa.access._MOST", 1)
    with store.begin() as connection:
        other = add_person(connection, "Jean", "statistician").key
    access = Access(store)
    names = [asyncio.run(access.person(one)).name for one in (key, other, key)]
    assert names == ["Rosa", "Jean", "Rosa"]


def test_keys_are_hidden_in_whatever_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    import logging

    logger = logging.getLogger("test.keys")
    hiding = KeyFilter()
    logger.addFilter(hiding)
    logger.warning('%s - "GET %s HTTP/1.1"', "127.0.0.1", "/v1/key/s3cr3t/projects/1/formList")
    logger.removeFilter(hiding)
    assert "s3cr3t" not in caplog.text
    assert "/v1/key/***/projects/1/formList" in caplog.text


@given(st.text(st.characters(codec="utf-8", exclude_characters="/?\"' \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85"), min_size=1))
def test_no_key_survives_masking(key: str) -> None:
    if not key.split() or key.split() != [key]:
        return
    assert mask_keys(f"POST /key/{key}/submission?deviceID=x") == "POST /key/***/submission?deviceID=x"


XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))


@given(XML_TEXT, XML_TEXT, XML_TEXT)
def test_documents_hold_any_text_unchanged(form_id: str, name: str, message: str) -> None:
    form = ListedForm(form_id, "1", name, "0" * 32, "http://x/?a=1&b=2", None)
    entry = etree.fromstring(write_form_list([form]))[0]
    assert entry.findtext(f"{LIST}formID") == form_id
    assert entry.findtext(f"{LIST}name") == (name.strip() or form_id)
    assert entry.findtext(f"{LIST}downloadUrl") == "http://x/?a=1&b=2"
    file = etree.fromstring(write_manifest([ListedFile(name, "0" * 32, "http://x")]))[0]
    assert file.findtext(f"{MANIFEST}filename") == name
    assert etree.fromstring(write_response(message))[0].text == (message or None)


@pytest.mark.parametrize("name", [None, "", "  ", "dir/", "a\nb", "a\0b", "x" * 256])
def test_a_file_needs_a_name_that_can_be_shown(name: str | None) -> None:
    with pytest.raises(Refusal, match="SUB-106"):
        file_name(name)


@given(st.text(min_size=1))
def test_a_file_name_never_has_a_folder(name: str) -> None:
    try:
        base = file_name(name)
    except Refusal:
        return
    assert "/" not in base
    assert "\\" not in base
    assert base == base.strip() != ""


def test_every_refusal_speaks_every_language_and_none_asks_for_a_password() -> None:
    for code, answer in REFUSALS.items():
        assert set(answer.text) == set(LANGUAGES), code
        assert all(answer.text.values()), code
        assert answer.status not in {200, 201, 202, 204, 401}, code
        assert 400 <= answer.status < 500, code


@pytest.mark.parametrize(("header", "expected"), [("en-GB;q=0.9", "en"), ("fr", "es"), ("xx,,ht", "ht")])
def test_the_first_language_that_we_speak_is_taken(header: str, expected: str) -> None:
    assert language_of(header) == expected
