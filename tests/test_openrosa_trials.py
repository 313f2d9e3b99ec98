"""Drafts under their test addresses: tried on a phone, apart from the survey."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openrosa_phone as phone
import pytest

from store.drafts import drop_draft
from store.submissions import list_unparsed
from store.trials import count_trials

World, message, xml = phone.World, phone.message, phone.submission


@pytest.fixture
def world(tmp_path: Path) -> Iterator[object]:
    made = World(tmp_path / "data")
    yield made
    made.close()


def trials(world: World) -> int:
    with world.store.read() as connection:
        return count_trials(connection, phone.FORM)


@pytest.mark.parametrize("kind", ["ours", "central"])
def test_a_draft_is_offered_under_its_test_address_and_nowhere_else(world: World, kind: str) -> None:
    ours = world.draft(xform=b"<borrador/>", media={"lista.csv": b"a,b\n"})
    base = ours if kind == "ours" else f"/v1{ours}/projects/1/forms/{phone.FORM}/draft"
    (form,) = phone.listed(world.ask("GET", "/formList", base))
    assert (form["formID"], form["version"]) == (phone.FORM, "borrador")
    assert form["hash"] == f"md5:{phone.md5(b'<borrador/>')}"
    assert form["downloadUrl"].startswith(f"http://phone.example:8080{base}/forms/")
    assert world.ask("GET", form["downloadUrl"]).content == b"<borrador/>"
    (file,) = phone.listed_files(world.ask("GET", form["manifestUrl"]))
    assert file["hash"] == f"md5:{phone.md5(b'a,b' + bytes([10]))}"
    assert world.ask("GET", file["downloadUrl"]).content == b"a,b\n"
    assert [entry["version"] for entry in phone.listed(world.ask("GET", "/formList"))] == ["1"]
    number = form["downloadUrl"].split("/forms/")[-1]
    assert world.ask("GET", f"/forms/{number}").status_code == 404


def test_what_is_sent_to_a_test_address_is_kept_and_is_no_part_of_the_survey(world: World) -> None:
    base = world.draft()
    assert world.ask("HEAD", "/submission", base).status_code == 204
    for answer in ("sí", "sí", "no"):
        response = world.send(xml("uuid:1", answer, version="borrador"), {"foto.jpg": answer.encode()}, base=base)
        assert (response.status_code, "Prueba" in message(response)) == (201, True)
    assert trials(world) == 2
    assert world.counts().received == 0
    with world.store.read() as connection:
        assert list_unparsed(connection, world.store.blobs, phone.FORM) == []
    # The same instance in earnest is a new one.
    assert world.send(xml("uuid:1")).status_code == 201
    assert world.counts().received == 1


def test_a_test_address_takes_its_form_alone_and_keeps_damaged_bytes_like_any_other(world: World) -> None:
    base = world.draft()
    assert world.send(xml("uuid:1", form="otra"), base=base).status_code == 404
    assert world.send(xml("uuid:1")[:-5], base=base).status_code == 400
    assert (trials(world), world.counts().quarantined) == (0, 1)


def test_a_new_draft_comes_to_phones_that_have_the_address_and_never_under_an_old_hash(world: World) -> None:
    first = world.draft(xform=b"<uno/>")
    (before,) = phone.listed(world.ask("GET", "/formList", first))
    second = world.draft(version="borrador 2", xform=b"<dos/>")
    assert world.ask("GET", "/formList", first).status_code == 404
    (after,) = phone.listed(world.ask("GET", "/formList", second))
    assert world.ask("GET", after["downloadUrl"]).content == b"<dos/>"
    stale = before["downloadUrl"].replace(first, second)
    assert world.ask("GET", stale).status_code == 404


def test_without_a_draft_the_address_leads_nowhere(world: World) -> None:
    base = world.draft()
    with world.store.begin() as connection:
        drop_draft(connection, phone.FORM)
    for method, path in (("GET", "/formList"), ("HEAD", "/submission"), ("POST", "/submission")):
        assert world.ask(method, path, base).status_code == 404
        assert world.ask(method, path, "/test/unknown").status_code == 404
