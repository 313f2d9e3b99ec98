"""Lists of entities as phones fetch them: manifest, CSV, and which entities are gone."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from lxml import etree

from openrosa.app import create_app
from schemas.entities import EntityAction
from store.entities import mark_deleted, put_list
from store.entity_changes import Source, apply_action
from store.forms import add_form_version
from store.open import Store, open_store
from store.people import add_person

AT = datetime(2026, 3, 2, tzinfo=UTC)
OAK, ELM = "5b9cf8d1-106f-4004-844f-c072d76762ed", "22525f8e-4f2d-41ed-94da-4c46a2478448"
MANIFEST = "{http://openrosa.org/xforms/xformsManifest}"
XFORM = b'<h:html xmlns:h="u"><instance id="t" src="jr://file-csv/trees.csv"/><instance src="jr://file-csv/x.csv"/></h:html>'


@pytest.fixture
def served(tmp_path: Path) -> tuple[Store, str]:
    store = open_store(tmp_path / "data")
    with store.begin() as connection:
        for form_id, xform, media in (
            ("visit", XFORM, {}),
            ("fixed", XFORM, {"trees.csv": b"name,label\n"}),
            ("plain", b"<h:html xmlns:h='u'/>", {}),
        ):
            add_form_version(
                connection,
                store.blobs,
                form_id=form_id,
                version="1",
                title=form_id,
                xform=xform,
                workbook=None,
                media=media,
            )
        key = add_person(connection, "Rosa", "enumerator").key
        put_list(connection, "trees", ["species"], AT)
        for number, (uuid, name) in enumerate(((OAK, "oak"), (ELM, "elm"))):
            action = EntityAction("trees", uuid, create=True, label=name, data={"species": name})
            apply_action(connection, action, Source("register", f"uuid:{number}", AT))
    return store, key


def _get(served: tuple[Store, str], path: str) -> httpx.Response:
    store, key = served
    app = create_app(store)

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            return await client.get(path if path.startswith("http") else f"/key/{key}{path}")

    return asyncio.run(get())


def _manifests(served: tuple[Store, str]) -> dict[str, str]:
    root = etree.fromstring(_get(served, "/formList").content)
    return {form.findtext("{*}formID", ""): form.findtext("{*}manifestUrl", "") for form in root}


def test_list_stands_in_the_manifest_of_forms_that_choose_from_it(served: tuple[Store, str]) -> None:
    addresses = _manifests(served)
    assert not addresses["plain"]
    root = etree.fromstring(_get(served, addresses["visit"]).content)
    (file,) = root
    assert file.get("type") == "entityList"
    assert file.findtext(f"{MANIFEST}filename") == "trees.csv"
    answer = _get(served, file.findtext(f"{MANIFEST}downloadUrl", ""))
    assert answer.headers["content-type"].startswith("text/csv")
    assert file.findtext(f"{MANIFEST}hash") == "md5:" + hashlib.md5(answer.content, usedforsecurity=False).hexdigest()
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows == [
        {"name": OAK, "label": "oak", "__version": "1", "species": "oak"},
        {"name": ELM, "label": "elm", "__version": "1", "species": "elm"},
    ]
    # A file that was registered with the form is the form's own.
    (fixed,) = etree.fromstring(_get(served, addresses["fixed"]).content)
    assert fixed.get("type") is None


def test_phone_learns_which_of_its_entities_are_gone(served: tuple[Store, str]) -> None:
    (file,) = etree.fromstring(_get(served, _manifests(served)["visit"]).content)
    with served[0].begin() as connection:
        mark_deleted(connection, "trees", OAK, AT)
    answer = _get(served, f"{file.findtext(f'{MANIFEST}integrityUrl')}?id={OAK},{ELM},unknown")
    assert answer.headers["X-OpenRosa-Version"] == "1.0"
    root = etree.fromstring(answer.content)
    assert [(entity.get("id"), entity.findtext("deleted")) for entity in root[0]] == [(OAK, "true"), (ELM, "false")]
    changed = _get(served, file.findtext(f"{MANIFEST}downloadUrl", ""))
    assert OAK not in changed.text


@pytest.mark.parametrize("name", ["forms/1/lists/x.csv", "forms/3/lists/trees.csv", "forms/9/lists/trees/integrity"])
def test_lists_are_given_only_through_a_form_that_chooses_from_them(served: tuple[Store, str], name: str) -> None:
    assert _get(served, f"/{name}").status_code == 404


def test_lists_need_a_key(served: tuple[Store, str]) -> None:
    store, _ = served
    for path in ("lists/trees.csv", "lists/trees/integrity"):
        assert _get((store, "nobody"), f"/forms/1/{path}").status_code in {401, 403}
        assert _get(served, f"http://door/forms/1/{path}").status_code == 401
