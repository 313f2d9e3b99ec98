"""Forms made, drafted and published through the Central API; submissions sent, edited and settled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from forms.sheets import read_workbook_bytes, write_xlsx
from forms.sheets.markdown import workbook_from_markdown
from store.edits import keep_edit
from store.forms import get_form_version, read_workbook
from store.submissions import read_submission
from tests.central_server import LIST, Central, register, running, xlsx
from tests.test_openrosa_central_rights import SENT, XLSX, XML, F

FORMS = "/projects/1/forms"


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    with running(tmp_path / "data") as found:
        yield found


@pytest.fixture
def client(central: Central) -> Iterator[httpx.Client]:
    with central.client() as found:
        yield found


@pytest.fixture
def published(central: Central, client: httpx.Client) -> httpx.Client:
    register(central.store)
    return client


@pytest.fixture
def sent(published: httpx.Client) -> httpx.Client:
    assert published.post(f"{F}/submissions", content=SENT, headers=XML).status_code == 200
    return published


def test_a_form_is_a_draft_until_it_is_published(client: httpx.Client) -> None:
    draft = client.post(f"{FORMS}?ignoreWarnings=True&publish=False", content=xlsx(), headers=XLSX).json()
    assert (draft["xmlFormId"], draft["publishedAt"]) == ("visita", None)
    assert client.get(F).json() == draft == client.get(f"{F}/draft").json()
    assert client.get(FORMS).json() == [draft]
    assert client.get(f"{F}.xml").status_code == 404
    (wanted,) = client.get(f"{F}/draft/attachments").json()
    assert (wanted["name"], wanted["exists"]) == ("list.csv", False)
    added = client.post(f"{F}/draft/attachments/list.csv", content=LIST).json()
    assert (added["success"], added["hash"]) == (True, hashlib.md5(LIST, usedforsecurity=False).hexdigest())
    assert client.post(f"{F}/draft/publish").json() == {"success": True}
    assert client.get(f"{F}/draft").status_code == 404
    xml = client.get(f"{F}.xml").content
    assert client.get(F).json()["hash"] == hashlib.md5(xml, usedforsecurity=False).hexdigest()
    (file,) = client.get(f"{F}/attachments").json()
    assert file["exists"]
    assert client.get(f"{F}/attachments/list.csv").content == LIST
    assert client.get(f"{F}.xlsx").status_code == 200


def test_a_form_with_errors_is_refused_with_the_row_of_each(client: httpx.Client) -> None:
    table = """
    | survey |                |      |       |
    |        | type           | name | label |
    |        | select_one nil | q    | Q     |
    |        | integer        | q    | Q     |
    """
    book = write_xlsx(workbook_from_markdown(table, "mala"))
    refused = client.post(FORMS, content=book, headers=XLSX)
    assert (refused.status_code, refused.json()["code"]) == (400, 400.15)
    errors = refused.json()["details"]["error"]
    assert {(error["sheet"], error["row"]) for error in errors} >= {("survey", 2), ("survey", 3)}
    assert client.get(FORMS).json() == []


def test_warnings_are_minded_unless_told_otherwise(client: httpx.Client) -> None:
    table = """
    | survey   |         |      |       |         |
    |          | type    | name | label | default |
    |          | integer | q    | Q     | dos     |
    | settings |         |
    |          | form_id |
    |          | tibia   |
    """
    book = write_xlsx(workbook_from_markdown(table, "tibia"))
    refused = client.post(FORMS, content=book, headers=XLSX)
    assert (refused.status_code, refused.json()["code"]) == (400, 400.16)
    assert client.post(f"{FORMS}?ignoreWarnings=True", content=book, headers=XLSX).status_code == 200


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"no workbook", XLSX["Content-Type"], 400.15),
        (b"<html/>", "application/xml", 400.15),
        (b"<broken", "application/xml", 400.15),
        (b"x", "text/plain", 400.8),
        (b"x", "application/vnd.ms-excel", 400.15),
    ],
)
def test_what_is_no_form_is_refused(client: httpx.Client, content: bytes, kind: str, code: float) -> None:
    refused = client.post(FORMS, content=content, headers={"Content-Type": kind})
    assert (refused.status_code, refused.json()["code"]) == (400, code), refused.text


def test_a_known_form_is_drafted_not_made_and_a_version_is_never_published_twice(published: httpx.Client) -> None:
    again = published.post(f"{FORMS}?ignoreWarnings=true", content=xlsx(version="2"), headers=XLSX)
    assert (again.status_code, again.json()["code"]) == (409, 409.3)
    other = published.post(f"{F}/draft?ignoreWarnings=true", content=xlsx("otra"), headers=XLSX)
    assert other.status_code == 400
    assert published.post(f"{F}/draft").json() == {"success": True}
    assert published.post(f"{F}/draft/publish").status_code == 409
    assert published.post(f"{F}/draft/publish?version=2026-11").json() == {"success": True}
    assert [row["version"] for row in published.get(f"{F}/versions").json()] == ["2026-11", "1"]


def test_a_version_given_at_publishing_stands_in_the_xform_and_in_the_workbook(
    central: Central, published: httpx.Client
) -> None:
    published.post(f"{F}/draft")
    published.post(f"{F}/draft/publish?version=nueva")
    assert b'version="nueva"' in published.get(f"{F}.xml").content
    with central.store.read() as connection:
        book = read_workbook(connection, central.store.blobs, get_form_version(connection, "visita"))
    assert book is not None
    (row,) = read_workbook_bytes("visita.xlsx", book).rows("settings")
    assert row.cells["version"] == "nueva"
    assert published.get(f"{F}.svc/Submissions").status_code == 200
    assert "jefe" not in published.get(f"{F}.svc/$metadata").text


def test_the_same_submission_again_is_itself_and_another_under_its_id_is_refused(sent: httpx.Client) -> None:
    again = sent.post(f"{F}/submissions", content=SENT, headers=XML)
    assert (again.status_code, again.json()["instanceId"]) == (200, "uuid:1")
    other = sent.post(f"{F}/submissions", content=SENT.replace("<edad>7", "<edad>8"), headers=XML)
    assert (other.status_code, other.json()["code"]) == (409, 409.1)
    assert len(sent.get(f"{F}/submissions").json()) == 1


@pytest.mark.parametrize(
    ("xml", "status"),
    [
        ("<data", 400),
        ("", 400),
        (SENT.replace('id="visita"', 'id="otra"'), 400),
        (SENT.replace('version="1"', 'version="9"'), 404),
    ],
)
def test_what_is_no_submission_of_the_form_is_refused(published: httpx.Client, xml: str, status: int) -> None:
    assert published.post(f"{F}/submissions", content=xml, headers=XML).status_code == status


def test_a_closed_form_takes_no_submission(published: httpx.Client) -> None:
    assert published.patch(F, json={"state": "closed"}).json()["state"] == "closed"
    refused = published.post(f"{F}/submissions", content=SENT, headers=XML)
    assert (refused.status_code, refused.json()["code"]) == (409, 409.2)


def edit_of(client: httpx.Client, new: str, old: str) -> str:
    xml = client.get(f"{F}/submissions/uuid:1.xml").text
    marks = f"<deprecatedID>{old}</deprecatedID><instanceID>{new}</instanceID>"
    before, _, after = xml.partition("<meta>")
    return f"{before}<meta>{marks}</meta>{after.partition('</meta>')[2]}"


def test_an_edit_gets_back_the_personal_answers_of_the_rows_that_it_kept(central: Central, sent: httpx.Client) -> None:
    sent.post(f"{F}/submissions/uuid:1/attachments/foto.jpg", content=b"photo")
    edit = edit_of(sent, "uuid:2", "uuid:1")
    first = edit[edit.index("<persona>") : edit.index("</persona>") + len("</persona>")]
    assert "Secreta" not in edit
    changed = sent.put(f"{F}/submissions/uuid:1", content=edit.replace(first, ""), headers=XML)
    assert changed.status_code == 200, changed.text
    assert changed.json()["instanceId"] == "uuid:1"
    assert changed.json()["currentVersion"]["instanceId"] == "uuid:2"
    assert changed.json()["reviewState"] == "edited"
    with central.store.read() as connection:
        kept = read_submission(connection, central.store.blobs, "visita", "uuid:2")
    assert b"<jefe>Rosa Secreta</jefe>" in kept.xml
    assert b"<persona><edad>7</edad><nombre>Luz Secreta</nombre></persona>" in kept.xml
    assert kept.attachments == ("foto.jpg",)
    (row,) = sent.get(f"{F}.svc/Submissions").json()["value"]
    assert (row["__id"], row["__system"]["edits"], row["__system"]["reviewState"]) == ("uuid:1", 1, "edited")
    (below,) = sent.get(f"{F}.svc/Submissions.persona").json()["value"]
    assert (below["edad"], below["__Submissions-id"]) == (7, "uuid:1")
    assert len(sent.get(f"{F}/submissions").json()) == 1
    assert sent.get(f"{F}/submissions/uuid:2").json()["instanceId"] == "uuid:1"


def test_a_table_read_again_shows_what_came_in_between(central: Central, sent: httpx.Client) -> None:
    def seen() -> list[tuple[str, int, str | None, int]]:
        rows = sent.get(f"{F}.svc/Submissions").json()["value"]
        system = [(row["__id"], row["hogar"]["dormitorios"], row["__system"]) for row in rows]
        return [(key, rooms, said["reviewState"], said["attachmentsPresent"]) for key, rooms, said in system]

    assert seen() == [("uuid:1", 2, None, 0)]
    sent.patch(f"{F}/submissions/uuid:1", json={"reviewState": "hasIssues"})
    sent.post(f"{F}/submissions/uuid:1/attachments/foto.jpg", content=b"photo")
    assert seen() == [("uuid:1", 2, "hasIssues", 1)]
    for new, rooms in (("uuid:2", "4"), ("uuid:3", "5")):
        edit = edit_of(sent, new, "uuid:1" if new == "uuid:2" else "uuid:2").replace(
            "<dormitorios>2", f"<dormitorios>{rooms}"
        )
        sent.put(f"{F}/submissions/uuid:1", content=edit.replace("<dormitorios>4", "<dormitorios>5"), headers=XML)
    assert seen() == [("uuid:1", 5, "edited", 1)]
    with central.store.begin() as connection:
        keep_edit(connection, "visita", "uuid:1", person="Ana", reason="La primera era la buena.")
    assert seen() == [("uuid:1", 2, "edited", 1)]


def test_a_mark_brings_no_personal_answer_into_another_question(sent: httpx.Client) -> None:
    edit = edit_of(sent, "uuid:2", "uuid:1")
    moved = edit.replace("<dormitorios>2", "<dormitorios>***/data/jefe")
    swapped = edit.replace("***/data/jefe", "***/data/persona[1]/nombre")
    for xml in (moved, swapped, edit.replace("***/data/jefe", "***/data/nothing")):
        refused = sent.put(f"{F}/submissions/uuid:1", content=xml, headers=XML)
        assert (refused.status_code, refused.json()["code"]) == (400, 400.19)
        assert "Secreta" not in refused.text


def test_an_edit_must_name_the_version_that_it_replaces(sent: httpx.Client) -> None:
    assert sent.put(f"{F}/submissions/uuid:1", content=edit_of(sent, "uuid:2", "uuid:1"), headers=XML).is_success
    late = sent.put(f"{F}/submissions/uuid:1", content=edit_of(sent, "uuid:3", "uuid:1"), headers=XML)
    assert (late.status_code, late.json()["details"]) == (409, {"expected": "uuid:2"})
    second = sent.put(f"{F}/submissions/uuid:1", content=edit_of(sent, "uuid:3", "uuid:2"), headers=XML)
    assert second.json()["edits"] == 2
    assert sent.put(f"{F}/submissions/uuid:9", content=SENT, headers=XML).status_code == 404


def test_the_latest_review_or_edit_is_the_state(sent: httpx.Client) -> None:
    one = f"{F}/submissions/uuid:1"
    states = []
    for state in ("hasIssues", "approved", None, "rejected"):
        states.append(sent.patch(one, json={"reviewState": state}).json()["reviewState"])
    assert states == ["hasIssues", "approved", None, "rejected"]
    assert (
        sent.get(f"{F}.svc/Submissions?$filter=__system/reviewState eq 'rejected'&$count=true").json()["@odata.count"]
        == 1
    )
    sent.put(one, content=edit_of(sent, "uuid:2", "uuid:1"), headers=XML)
    assert sent.get(one).json()["reviewState"] == "edited"
    log = [entry["details"]["reviewState"] for entry in sent.get(f"{one}/audits").json()]
    assert log == ["rejected", "received", "approved", "hasIssues"]


def test_entities_are_made_changed_and_deleted_with_their_versions_minded(client: httpx.Client) -> None:
    lists = "/projects/1/datasets"
    assert client.get(lists).json() == []
    assert client.get(f"{lists}/trees").status_code == 404
    assert client.post(lists, json={"name": "trees"}).json()["approvalRequired"] is False
    assert client.post(lists, json={"name": "trees"}).status_code == 409
    for name, status in (("kind", 200), ("kind", 409), ("label", 400), ("__x", 400), ("a b", 400)):
        assert client.post(f"{lists}/trees/properties", json={"name": name}).status_code == status, name
    one = f"{lists}/trees/entities/7f3b1a52-6d1c-4a58-9b9e-0c7d4f6e2a11"
    tree = {"uuid": one.rpartition("/")[2], "label": "Quillay", "data": {"kind": "quillay"}}
    assert client.post(f"{lists}/trees/entities", json=tree).json()["currentVersion"]["version"] == 1
    assert client.post(f"{lists}/trees/entities", json=tree).status_code == 409
    for wrong in (
        {"label": ""},
        {"label": "x", "data": {"age": "1"}},
        {"label": "x", "data": {"kind": 1}},
        {"uuid": "x", "label": "y"},
    ):
        assert client.post(f"{lists}/trees/entities", json=wrong).status_code == 400, wrong
    many = {"entities": [{"label": "Boldo"}, {"label": ""}], "source": {"name": "f.csv"}}
    assert client.post(f"{lists}/trees/entities", json=many).status_code == 400
    assert len(client.get(f"{lists}/trees/entities").json()) == 1
    assert client.patch(one, json={"label": "x"}).json()["code"] == 400.2
    assert client.patch(f"{one}?baseVersion=1", json={"label": "Otro"}).json()["currentVersion"]["version"] == 2
    stale = client.patch(f"{one}?baseVersion=1", json={"label": "Tarde"})
    assert (stale.status_code, stale.json()["code"], stale.json()["details"]["current"]) == (409, 409.15, 2)
    changed = client.patch(f"{one}?force=True", json={"data": {"kind": "litre"}}).json()
    assert (changed["currentVersion"]["label"], changed["currentVersion"]["data"]) == ("Otro", {"kind": "litre"})
    table = f"{lists}/trees.svc/Entities"
    found = client.get(table, params={"$filter": "kind eq 'litre' and __system/version ge 3", "$count": "true"}).json()
    assert (found["@odata.count"], found["value"][0]["__system"]["updates"]) == (1, 2)
    assert client.get(f"{lists}/trees.svc").json()["value"][0]["name"] == "Entities"
    assert b'Name="kind"' in client.get(f"{lists}/trees.svc/$metadata").content
    assert client.get(f"{lists}/trees/entities.csv").text.splitlines()[0] == "name,label,__version,kind"
    assert client.delete(one).json() == {"success": True}
    assert client.get(one).status_code == 404
    assert client.get(table).json()["value"] == []


def test_an_enumerator_is_given_a_form_and_loses_the_others(central: Central, published: httpx.Client) -> None:
    user = published.post("/projects/1/app-users", json={"displayName": "Equipo"}).json()
    assert published.get("/projects/1/app-users").json()[0]["token"] is None
    register(central.store, "otra")
    base = f"{published.base_url}key/{user['token']}/projects/1/formList"
    assert published.get(base).text.count("<xform>") == 2
    assert published.post(f"{F}/assignments/2/{user['id']}").json() == {"success": True}
    assert published.get(base).text.count("<xform>") == 1
    assert published.get(f"{F}/assignments").json() == [{"actorId": user["id"], "roleId": 2}]
    assert published.get("/projects/1/forms/otra/assignments").json() == []
    assert published.delete(f"{F}/assignments/2/{user['id']}").json() == {"success": True}
    assert published.delete(f"/projects/1/app-users/{user['id']}").json() == {"success": True}
    assert published.get("/projects/1/app-users").json() == []
