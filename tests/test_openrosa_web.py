"""Links at the door: the page of each, what it may fetch and send, and why there is none."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from openrosa_phone import FORM, MEDIA, XFORM, World, listed, listed_files, message, parts, submission

from openrosa import web
from openrosa.access import mask_keys
from openrosa.entities import attached
from openrosa.web_files import find_files, web_files
from openrosa.web_support import check_form
from openrosa.web_texts import CLOSED, PAGE
from schemas.errors import FormError, StoreError
from schemas.text import LANGUAGES
from store.entities import put_list
from store.forms import add_form_version, get_form_version, list_form_versions, set_form_state
from store.links import NewLink, add_links, get_link, list_links, revoke_links
from store.submissions import list_unparsed

needs_library = pytest.mark.skipif(web_files() is None, reason="ODK Web Forms isn't built here (no Node): make web")
BROWSER = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/142 Mobile", "Accept-Language": "ht-HT,ht;q=0.9"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def link(world: World, *, is_single: bool = True, form: str = FORM, expires_at: datetime | None = None) -> NewLink:
    with world.store.begin() as connection:
        at = datetime.now(UTC) - timedelta(days=2)
        return add_links(connection, form, 1, is_single=is_single, language="es", expires_at=expires_at, at=at)[0]


def get(world: World, path: str, **options: object) -> httpx.Response:
    return world.ask("GET", path, base="", headers=BROWSER, **options)


def send(world: World, token: str, xml: bytes, files: dict[str, bytes] | None = None) -> httpx.Response:
    return world.ask("POST", "/submission", base=f"/web/{token}", headers=BROWSER, files=parts(xml, files))


@needs_library
def test_the_page_has_the_language_of_its_link_or_the_one_asked_for(world: World) -> None:
    token = link(world).token
    page = get(world, f"/web/{token}")
    assert page.status_code == 200
    assert '<html lang="es">' in page.text
    assert PAGE["loading"]["es"] in page.text
    assert '<html lang="ht">' in get(world, f"/web/{token}?lang=ht").text
    assert '<html lang="es">' in get(world, f"/web/{token}?lang=zz").text


@needs_library
def test_nothing_of_the_page_comes_from_elsewhere_or_is_kept(world: World) -> None:
    page = get(world, f"/web/{link(world).token}")
    policy = page.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce is not None
    assert f'nonce="{nonce.group(1)}"' in page.text
    assert "http" not in policy
    assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
    assert "script-src 'self' 'nonce" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in page.headers
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)
    again = get(world, f"/web/{link(world).token}").headers["content-security-policy"]
    assert again != policy


@needs_library
def test_every_file_of_the_page_is_served_packed_and_for_ever(world: World) -> None:
    page = get(world, f"/web/{link(world).token}").text
    names = set(re.findall(r'"\./(static/[0-9a-f]+/[\w.-]+)"', page))
    assert {name.rpartition("/")[2] for name in names} >= {"page.js", "page.css", "vue.js", "web-forms.css"}
    for name in names:
        found = get(world, f"/web/{name}")
        assert found.status_code == 200, name
        assert "immutable" in found.headers["cache-control"]
        assert found.headers["content-type"].startswith(("text/javascript", "text/css"))
    folder = next(iter(names)).rpartition("/")[0]
    assert "data:font" not in get(world, f"/web/{folder}/web-forms.css").text
    assert get(world, f"/web/{folder}/web-forms.css").headers["content-encoding"] == "gzip"
    assert get(world, f"/web/{folder}/build.json").status_code == 404
    assert get(world, f"/web/{folder}/..%2F..%2Fweb.py").status_code == 404


def test_a_link_gives_its_form_and_no_other(world: World) -> None:
    with world.store.begin() as connection:
        other = add_form_version(
            connection,
            world.store.blobs,
            form_id="otra",
            version="1",
            title="Otra",
            xform=XFORM.replace(b"'encuesta'", b"'otra'"),
            workbook=None,
            media=MEDIA,
        )
    base = f"/web/{link(world).token}"
    forms = listed(get(world, f"{base}/formList"))
    assert [form["formID"] for form in forms] == [FORM]
    assert get(world, forms[0]["downloadUrl"]).content == XFORM
    for file in listed_files(get(world, forms[0]["manifestUrl"])):
        assert get(world, file["downloadUrl"]).content == MEDIA[file["filename"]]
    for tail in ("form.xml", "manifest", "media/comunas.csv"):
        assert get(world, f"{base}/forms/{other.id}/{tail}").status_code == 404
    assert send(world, base[5:], submission("uuid:x", form="otra")).status_code == 404
    assert world.counts().received == 0


@needs_library
def test_no_link_gives_a_list_of_entities_away(world: World) -> None:
    chooses = XFORM.replace(
        b"</model>", b"<instance id='households' src='jr://file-csv/households.csv'/></model>"
    ).replace(b"version='1'", b"version='2'")
    with world.store.begin() as connection:
        put_list(connection, "households", ["village"], datetime.now(UTC))
        world.add_version(connection, "2", chooses, {})
        row = get_form_version(connection, FORM)
    path = f"/forms/{row.id}/lists/households.csv"
    assert world.ask("GET", path).status_code == 200
    base = f"/web/{link(world).token}"
    assert get(world, base + path).status_code == 404
    assert get(world, f"{base}/forms/{row.id}/lists/households/integrity?id=x").status_code == 404
    assert listed_files(get(world, f"{base}/forms/{row.id}/manifest")) == []
    assert get(world, base).status_code == 501
    with pytest.raises(FormError, match="households"):
        check_form(FORM, chooses, lists=attached(world.store, row))


def test_one_person_answers_once_and_may_send_it_again(world: World) -> None:
    token = link(world).token
    first = submission("uuid:1")
    assert world.ask("HEAD", "/submission", base=f"/web/{token}").status_code == 204
    assert send(world, token, first).status_code == 201
    assert send(world, token, first, {"foto.jpg": b"\xff\xd8"}).status_code == 201
    refused = send(world, token, submission("uuid:2"))
    assert refused.status_code == 410
    assert message(refused).startswith("Yo deja reponn")
    assert world.counts().received == 1
    with world.store.read() as connection:
        found = get_link(connection, token)
    assert found is not None
    assert (found.received, found.state(datetime.now(UTC))) == (1, "used")
    page = get(world, f"/web/{token}?lang=ht")
    assert page.status_code == 410
    assert CLOSED["ACC-105"][1]["ht"] in page.text


def test_an_open_link_takes_many_interviews_of_a_browser(world: World) -> None:
    token = link(world, is_single=False).token
    for number in range(3):
        agent = {"User-Agent": "" if number else BROWSER["User-Agent"]}
        files = parts(submission(f"uuid:{number}"))
        sent = world.ask("POST", "/submission", base=f"/web/{token.upper()}", headers=agent, files=files)
        assert sent.status_code == 201
    assert world.counts().received == 3
    with world.store.read() as connection:
        assert [row.received for row in list_links(connection)] == [3]
        kept = list_unparsed(connection, world.store.blobs, FORM)
    assert {one.client for one in kept} == {"webforms"}


def test_a_refused_interview_leaves_the_link_as_it_was(world: World) -> None:
    token = link(world).token
    assert send(world, token, b"<data id='encuesta'><q>").status_code == 400
    with world.store.begin() as connection:
        set_form_state(connection, FORM, "1", "closed")
    assert send(world, token, submission("uuid:1")).status_code == 409
    with world.store.begin() as connection:
        set_form_state(connection, FORM, "1", "open")
    assert send(world, token, submission("uuid:2")).status_code == 201


def test_a_store_that_fails_leaves_the_link_as_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = link(world).token

    async def full(_: object) -> None:
        raise StoreError("STO-002", "full", "")

    with monkeypatch.context() as patch:
        patch.setattr(world.app.state.door.writer, "add", full)
        assert send(world, token, submission("uuid:1")).status_code == 503
    assert send(world, token, submission("uuid:2")).status_code == 201


@pytest.mark.parametrize("why", ["unknown", "revoked", "expired", "closed"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_without_a_form_says_why_in_the_language(world: World, why: str, language: str) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    token = link(world, expires_at=yesterday if why == "expired" else None).token
    with world.store.begin() as connection:
        if why == "revoked":
            revoke_links(connection, [1])
        if why == "closed":
            for row in list_form_versions(connection, FORM):
                set_form_state(connection, FORM, row.version, "closed")
    token = "aaaaa-aaaaa-aaaaa-aaaaa" if why == "unknown" else token
    code = {"unknown": "ACC-103", "revoked": "ACC-103", "expired": "ACC-104", "closed": "SUB-112"}[why]
    page = get(world, f"/web/{token}?lang={language}")
    status, heading, advice = CLOSED[code]
    assert page.status_code == status
    assert f'<html lang="{language}">' in page.text
    assert heading[language] in page.text.replace("&#x27;", "'")
    assert advice[language] in page.text.replace("&#x27;", "'")
    assert "<script" not in page.text
    assert send(world, token, submission("uuid:1")).status_code in {403, 409, 410}
    assert world.counts().received == 0


def test_without_the_library_the_page_says_what_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "web_files", lambda: None)
    page = get(world, f"/web/{link(world).token}")
    assert page.status_code == 503
    assert "make web" in page.text


def test_a_half_built_library_is_none(tmp_path: Path) -> None:
    assert find_files(tmp_path) is None
    (tmp_path / "build.json").write_text('{"files": {"vue.js": "", "web-forms.js": "", "web-forms.css": ""}}')
    assert find_files(tmp_path) is None
    for name in ("vue.js", "web-forms.js", "web-forms.css"):
        (tmp_path / name).write_text("")
    found = find_files(tmp_path)
    assert found is not None
    assert {"page.js", "vue.js"} <= set(found.paths)


@needs_library
def test_a_form_that_a_browser_cannot_ask_is_told_before_it_begins(world: World) -> None:
    encrypted = XFORM.replace(b"</model>", b"<submission base64RsaPublicKey='MIIB'/></model>").replace(
        b"version='1'", b"version='2'"
    )
    with world.store.begin() as connection:
        world.add_version(connection, "2", encrypted, {})
    page = get(world, f"/web/{link(world).token}?lang=ht")
    assert page.status_code == 501
    assert "Pa kòmanse" in page.text
    assert "FRM-611" in page.text


@needs_library
def test_a_title_cannot_become_part_of_the_page(world: World) -> None:
    with world.store.begin() as connection:
        add_form_version(
            connection,
            world.store.blobs,
            form_id="mala",
            version="1",
            title="</script><script>alert(1)</script>",
            xform=XFORM.replace(b"'encuesta'", b"'mala'"),
            workbook=None,
            media={},
        )
    page = get(world, f"/web/{link(world, form='mala').token}").text
    assert "<script>alert" not in page
    assert "&lt;/script&gt;" in page


def test_no_token_is_logged(world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    token = link(world).token

    def broken(*_: object) -> None:
        raise RuntimeError(token)

    monkeypatch.setattr(web, "_find", broken)
    with caplog.at_level(logging.DEBUG):
        assert get(world, f"/web/{token}").status_code == 500
    assert any(record.name == "openrosa" for record in caplog.records)
    assert token not in "".join(record.getMessage() for record in caplog.records if record.name != "httpx")
    assert mask_keys(f"GET /web/{token}/submission") == "GET /web/***/submission"


def test_every_sentence_is_in_the_three_languages() -> None:
    told = [*PAGE.values(), *(text for _, *texts in CLOSED.values() for text in texts)]
    for text in told:
        assert list(text) == list(LANGUAGES), text
        assert all(sentence.strip() for sentence in text.values()), text
        assert len(set(text.values())) == len(LANGUAGES), text
