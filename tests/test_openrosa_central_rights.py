"""Who may do what at the Central API; what is never told to anybody; sessions, and what the log holds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import update

from openrosa.central.calls import show_accesses
from schemas.central_tables import sessions
from schemas.tables import form_versions
from store.open import Store
from store.people import add_person, list_people, revoke_person
from store.sessions import IDLE, LIFETIME, add_session, end_session, get_person_by_token, mark_used
from tests.central_server import Central, register, running

F = "/projects/1/forms/visita"
SOME = ("13125", "13101 13125", "01101")
XML = {"Content-Type": "application/xml"}
XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
SENT = (
    '<data id="visita" version="1"><hogar><dormitorios>2</dormitorios></hogar><jefe>Rosa Secreta</jefe>'
    "<puerta>-33.111 -70.222 0 0</puerta><foto>foto.jpg</foto><cara>cara.jpg</cara>"
    "<persona><edad>36</edad><nombre>Rosa Secreta</nombre></persona>"
    "<persona><edad>7</edad><nombre>Luz Secreta</nombre></persona>"
    "<meta><instanceID>uuid:1</instanceID></meta></data>"
)


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with running(tmp_path_factory.mktemp("central") / "data") as found:
        register(found.store)
        with found.client() as client:
            assert client.post(f"{F}/submissions", content=SENT, headers=XML).status_code == 200
        yield found


def person(central: Central, role: str) -> Central:
    with central.store.begin() as connection:
        made = add_person(connection, f"una {role}", role)
    return Central(central.store, central.url, made.name, made.key)


def test_an_enumerators_key_gives_no_data_out(central: Central) -> None:
    phone = person(central, "enumerator")
    with httpx.Client(base_url=f"{central.url}/v1", trust_env=False) as guest:
        login = guest.post("/sessions", json={"email": phone.name, "password": phone.key})
        assert (login.status_code, login.json()["code"]) == (403, 403.1)
        for path in ("/projects", f"{F}.svc/Submissions", f"{F}/submissions"):
            assert guest.get(path, auth=(phone.name, phone.key)).status_code == 403
            assert guest.get(path).status_code == 401
            assert guest.get(f"/key/{phone.key}{path}").status_code == 404


def test_a_reviewer_reads_reviews_and_remarks_and_changes_nothing_else(central: Central) -> None:
    with person(central, "reviewer").client() as client:
        assert client.get(f"{F}.svc/Submissions").status_code == 200
        assert client.patch(f"{F}/submissions/uuid:1", json={"reviewState": "hasIssues"}).status_code == 200
        assert client.post(f"{F}/submissions/uuid:1/comments", json={"body": "¿Dos?"}).status_code == 200
        for method, path in (
            ("POST", f"{F}/submissions"),
            ("PUT", f"{F}/submissions/uuid:1"),
            ("POST", "/projects/1/forms"),
            ("POST", f"{F}/draft"),
            ("POST", "/projects/1/app-users"),
            ("PATCH", F),
        ):
            assert client.request(method, path, content=b"{}").status_code == 403, path


def test_of_a_survey_of_many_communes_people_of_one_get_the_blank_form_and_no_data(central: Central) -> None:
    with central.store.begin() as connection:
        connection.execute(update(form_versions).values(commune="13101 13125"))
        made = [add_person(connection, f"de {cuts}", "statistician", communes=cuts.split()) for cuts in SOME]
    try:
        of_one, of_all, of_other = (Central(central.store, central.url, one.name, one.key) for one in made)
        with of_one.client() as client:
            assert [form["xmlFormId"] for form in client.get("/projects/1/forms").json()] == ["visita"]
            assert client.get(f"{F}.xml").status_code == 200
            for path in (f"{F}.svc/Submissions", f"{F}/submissions", f"{F}/submissions/uuid:1"):
                assert client.get(path).status_code == 403, path
        with of_all.client() as client:
            assert client.get(f"{F}.svc/Submissions").status_code == 200
        with of_other.client() as client:
            assert client.get("/projects/1/forms").json() == []
            assert client.get(f"{F}.xml").status_code == 403
    finally:
        with central.store.begin() as connection:
            connection.execute(update(form_versions).values(commune=""))


def test_a_session_ends_by_log_out_by_time_and_with_its_persons_key(store: Store) -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    with store.begin() as connection:
        made = add_person(connection, "Ana", "statistician")
        (ana,) = list_people(connection)
        first, second = add_session(connection, ana, at), add_session(connection, ana, at)
        assert get_person_by_token(connection, first.token, at) == ana
        almost = timedelta(seconds=1)
        assert get_person_by_token(connection, first.token, at + IDLE - almost) == ana
        assert get_person_by_token(connection, first.token, at + IDLE) is None
        mark_used(connection, first.token, at + LIFETIME - IDLE)
        assert get_person_by_token(connection, first.token, at + LIFETIME - almost) == ana
        assert get_person_by_token(connection, first.token, at + LIFETIME) is None
        assert end_session(connection, first.token)
        assert not end_session(connection, first.token)
        assert get_person_by_token(connection, first.token, at) is None
        revoke_person(connection, made.id)
        assert get_person_by_token(connection, second.token, at) is None
        add_session(connection, ana, at + LIFETIME)
        assert connection.execute(sessions.select()).all()[0].token_sha256 != second.token
        assert len(connection.execute(sessions.select()).all()) == 1
    assert second.token not in repr(second)


def test_log_out_makes_the_token_worthless(central: Central) -> None:
    with central.client() as client:
        assert client.delete("/sessions/current").json() == {"success": True}
        assert client.get("/users/current").status_code == 401
        token = client.headers["authorization"].removeprefix("Bearer ")
    with central.client() as client:
        assert client.delete(f"/sessions/{token}").status_code == 404


def test_neither_keys_nor_tokens_nor_answers_reach_the_log_or_the_database(
    central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with central.client() as client:
        token = client.headers["authorization"].removeprefix("Bearer ")
        client.get(f"{F}.svc/Submissions?$filter=jefe eq 'Rosa Secreta'")
        client.get(f"{F}/submissions/uuid:1")
        client.delete(f"/sessions/{token}")
    log = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("openrosa"))
    assert "GET /v1/projects/{project}/forms/{form}/submissions/{instance} by person 1: 200" in log
    for secret in (token, central.key, "Secreta", "uuid:1"):
        assert secret not in log
    stored = b"".join(path.read_bytes() for path in central.store.data.glob("comunal.db*"))
    assert token.encode() not in stored
    assert central.key.encode() not in stored


def test_accesses_are_shown_where_no_other_log_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("openrosa.central")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", False)
    show_accesses()
    show_accesses()
    assert len(logger.handlers) == 1
    assert logger.isEnabledFor(logging.INFO)


def test_a_key_isnt_taken_in_the_clear_over_a_network(central: Central) -> None:
    with httpx.Client(base_url=f"{central.url}/v1", trust_env=False) as guest:
        auth = (central.name, central.key)
        response = guest.get("/projects", auth=auth, headers={"Host": "survey.example.org"})
        assert (response.status_code, response.json()["code"]) == (401, 401.3)


def test_no_answer_of_a_personal_question_comes_out_of_any_address(central: Central) -> None:
    with central.client() as client:
        for name in ("foto.jpg", "cara.jpg"):
            sent = client.post(f"{F}/submissions/uuid:1/attachments/{name}", content=b"photo of " + name.encode())
            assert sent.json() == {"success": True}
        paths = [f"{F}/{path}" for path in ("submissions", "submissions/uuid:1", "submissions/uuid:1.xml", "fields")]
        paths += [f"{F}/submissions.{kind}" for kind in ("csv", "geojson")]
        paths += [f"{F}.svc/{path}" for path in ("Submissions?$expand=*", "Submissions.persona", "$metadata")]
        answers = {path: client.get(path) for path in paths}
        assert {response.status_code for response in answers.values()} == {200}
        for path, response in answers.items():
            for told in ("Secreta", "-33.111", "-70.222"):
                assert told not in response.text, path
        assert client.get(f"{F}/submissions/uuid:1/attachments/foto.jpg").content == b"photo of foto.jpg"
        refused = client.get(f"{F}/submissions/uuid:1/attachments/cara.jpg")
        assert (refused.status_code, b"photo" in refused.content) == (403, False)
        names = [field["path"] for field in client.get(f"{F}/fields").json()]
        assert "/jefe" not in names
        assert "/persona/edad" in names


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/nothing", b"", 404, 404.1),
        ("GET", "/projects/2", b"", 404, 404.1),
        ("PUT", "/projects/1", b"", 405, 405.1),
        ("GET", "/projects/1/forms/unknown", b"", 404, 404.1),
        ("GET", "/projects/1/forms/unknown/submissions", b"", 404, 404.1),
        ("GET", "/projects/1/forms/unknown.svc/Submissions", b"", 404, 404.1),
        ("POST", "/projects/1/app-users", b"{", 400, 400.1),
        ("POST", "/projects/1/app-users", b"[]", 400, 400.1),
        ("POST", "/projects/1/app-users", b"{}", 400, 400.2),
        ("POST", "/projects/1/app-users", b'{"displayName": " "}', 400, 400.8),
        ("DELETE", "/projects/1/app-users/1", b"", 404, 404.1),
        ("POST", f"{F}/assignments/2/1", b"", 400, 400.8),
        ("PATCH", f"{F}/submissions/uuid:1", b'{"reviewState": "good"}', 400, 400.8),
        ("PATCH", f"{F}/submissions/uuid:1", b"{}", 400, 400.2),
        ("PATCH", F, b'{"state": "ajar"}', 400, 400.8),
        ("DELETE", f"{F}/draft", b"", 404, 404.1),
        ("POST", f"{F}/draft/publish", b"", 404, 404.1),
        ("GET", f"{F}/submissions/uuid:1/attachments/nothing", b"", 403, 403.1),
        ("POST", f"{F}/submissions/uuid:1/attachments/nothing", b"x", 404, 404.1),
    ],
)
def test_a_refusal_has_centrals_shape(
    central: Central, method: str, path: str, content: bytes, status: int, code: float
) -> None:
    with central.client() as client:
        response = client.request(method, path, content=content)
        assert (response.status_code, response.json()["code"]) == (status, code), response.text
        assert response.json()["message"]
