"""Who is let in, where, and how guesses are slowed: the same table of rights at the door and at the Central API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from central_server import Central, register, running
from openrosa_phone import World, listed, message

from openrosa.access import WRONG_KEYS, Access
from openrosa.answers import Refusal
from schemas.settings import Settings
from store import passwords
from store.attempts import Rule
from store.audit import check_log, list_log
from store.forms import add_form_version
from store.open import Store
from store.passwords import set_password
from store.people import NewPerson, add_person

PASSWORD = "caballo grapa batería"
F = "/projects/1/forms/visita"
HERE, THERE = "13125", "13101"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path / "data", Settings(trust_forwarded=True))
    yield found
    found.close()


def ask(world: World, key: str, address: str) -> httpx.Response:
    headers = {"X-Forwarded-For": f"1.2.3.4, {address}"}
    return world.ask("GET", "/formList", f"/key/{key}", headers=headers)


def test_many_wrong_keys_of_one_address_are_told_to_wait_and_phones_that_were_in_are_not(world: World) -> None:
    assert ask(world, world.person.key, "10.0.0.1").status_code == 200
    answers = [ask(world, f"wrong-{number}", "10.0.0.1") for number in range(WRONG_KEYS.free + 5)]
    told = [answer.status_code for answer in answers]
    assert told[: WRONG_KEYS.free + 1] == [403] * (WRONG_KEYS.free + 1)
    assert set(told[WRONG_KEYS.free + 1 :]) == {429}
    assert answers[-1].headers["Retry-After"] == "1"
    assert "Nada se perdió" in message(answers[-1])
    # Even a right key, if it comes for the first time from there, waits; the phone that was in doesn't, nor do others.
    assert ask(world, world.statistician.key, "10.0.0.1").status_code == 429
    assert ask(world, world.person.key, "10.0.0.1").status_code == 200
    assert ask(world, world.statistician.key, "10.0.0.2").status_code == 200


def test_the_wait_grows_to_a_minute_and_ends(world: World) -> None:
    now = [0.0]
    access = Access(world.store, clock=lambda: now[0])

    def wait() -> int:
        for number in range(WRONG_KEYS.free + 10):
            with pytest.raises(Refusal) as caught:
                asyncio.run(access.person(f"wrong-{number}", "a"))
            if caught.value.code == "ACC-110":
                assert caught.value.retry_after is not None
                return caught.value.retry_after
        raise AssertionError("never slowed")

    waits = []
    for _ in range(9):
        waits.append(wait())
        now[0] += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert asyncio.run(access.person(world.person.key, "a")).name == "Rosa"


def test_wrong_names_of_a_digest_login_are_slowed_too(world: World) -> None:
    for number in range(WRONG_KEYS.free + 1):
        auth = httpx.DigestAuth(f"nobody-{number}", "x")
        assert world.ask("GET", "/formList", "", auth=auth).status_code == 401
    assert world.ask("GET", "/formList", "", auth=httpx.DigestAuth("nobody-1", "x")).status_code == 429


@pytest.mark.parametrize(
    ("role", "status"),
    [("enumerator", 200), ("supervisor", 200), ("statistician", 200), ("reviewer", 403), ("administrator", 403)],
)
def test_the_door_asks_the_table_of_rights(world: World, role: str, status: int) -> None:
    with world.store.begin() as connection:
        key = add_person(connection, "Eva", role).key
    assert ask(world, key, "10.0.0.1").status_code == status


def test_whoever_is_bound_to_communes_is_offered_their_forms_and_those_of_no_commune(world: World) -> None:
    with world.store.begin() as connection:
        for cut in (HERE, THERE):
            parts: dict[str, object] = {"version": "1", "title": cut, "workbook": None, "media": {}}
            xform = f"<x>{cut}</x>".encode()
            add_form_version(connection, world.store.blobs, form_id=f"f{cut}", xform=xform, commune=cut, **parts)  # type: ignore[arg-type]
        keys = [add_person(connection, "Eva", "enumerator", communes=bound).key for bound in ((HERE,), ())]
    offered = [{form["formID"] for form in listed(ask(world, key, "10.0.0.1"))} for key in keys]
    assert offered == [{"encuesta", f"f{HERE}"}, {"encuesta", f"f{HERE}", f"f{THERE}"}]
    # What a phone sends of another commune is taken all the same: an answer is never lost.
    assert world.send(b'<data id="f13101" version="1"><meta><instanceID>uuid:1</instanceID></meta></data>').is_success


# ------------------------------------------------------------------------------------------------------- Central API


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with running(tmp_path_factory.mktemp("access") / "data") as found, pytest.MonkeyPatch.context() as patch:
        # Hashes that cost nothing: tests/test_store_logins.py looks at the real ones.
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        register(found.store)
        with found.store.begin() as connection:
            connection.exec_driver_sql("UPDATE form_versions SET commune = '13125'")
        yield found


def person(store: Store, role: str, *communes: str, name: str = "") -> NewPerson:
    with store.begin() as connection:
        made = add_person(connection, name or f"una {role} {communes}", role, communes=communes)
        if role != "enumerator":
            set_password(connection, made.id, PASSWORD)
    return made


def client(central: Central, made: NewPerson) -> httpx.Client:
    return Central(central.store, central.url, made.login, PASSWORD).client()


def test_a_password_opens_a_session_and_both_are_in_the_log(central: Central) -> None:
    ana = person(central.store, "statistician")
    with client(central, ana) as session:
        assert session.get("/users/current").json()["id"] == ana.id
        assert session.get(f"{F}/submissions.csv.zip").status_code == 200
        assert session.get(f"{F}.svc/Submissions").status_code == 200
        assert session.get(f"{F}.svc/Submissions?$skip=1").status_code == 200
        assert session.delete("/sessions/current").status_code == 200
    with central.store.read() as connection:
        rows = list_log(connection, who=f"person {ana.id}")
        assert check_log(connection).broken_at is None
    acts = [(row.act, row.kind, row.object) for row in rows]
    exports = [("export.csv", "form", "visita"), ("export.odata", "form", "visita")]
    assert acts == [("login", "person", str(ana.id)), *exports, ("logout", "person", str(ana.id))]
    assert {row.client for row in rows} == {f"127.0.0.1 python-httpx/{httpx.__version__}"}


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("supervisor", F, 200),
        ("supervisor", f"{F}.svc/Submissions", 403),
        ("supervisor", f"{F}/submissions", 403),
        ("supervisor", "/projects/1/app-users", 403),
        ("administrator", F, 200),
        ("administrator", "/projects/1/app-users", 200),
        ("administrator", f"{F}.svc/Submissions", 403),
        ("administrator", f"{F}/submissions.csv", 403),
        ("reviewer", f"{F}.svc/Submissions", 200),
        ("reviewer", "/projects/1/app-users", 403),
        ("statistician", f"{F}.svc/Submissions", 200),
    ],
)
def test_each_role_reads_what_the_table_says(central: Central, role: str, path: str, status: int) -> None:
    with client(central, person(central.store, role, name=f"Rol {role} {path}")) as session:
        assert session.get(path).status_code == status


def test_a_statistician_of_another_commune_sees_nothing_of_this_one(central: Central) -> None:
    here, there = (person(central.store, "statistician", cut, name=f"De {cut}") for cut in (HERE, THERE))
    with client(central, here) as session:
        assert [form["xmlFormId"] for form in session.get("/projects/1/forms").json()] == ["visita"]
        assert session.get(f"{F}.svc/Submissions").status_code == 200
    with client(central, there) as session:
        assert session.get("/projects/1/forms").json() == []
        for path in (F, f"{F}.xml", f"{F}.svc/Submissions", f"{F}/submissions", f"{F}/submissions.csv.zip"):
            assert session.get(path).status_code == 403, path
        assert session.patch(F, json={"state": "closed"}).status_code == 403
        # Nor is what they aren't to know told by another status.
        assert session.get("/projects/1/forms/unknown.svc/Submissions").status_code == 403
        made = session.post("/projects/1/app-users", json={"displayName": "Rosa"}).json()
        listed_users = session.get("/projects/1/app-users").json()
        assert [user["id"] for user in listed_users] == [made["id"]]
    with client(central, here) as session:
        assert session.get("/projects/1/app-users").json() == []
        assert session.delete(f"/projects/1/app-users/{made['id']}").status_code == 404
    with central.store.read() as connection:
        refused = [row for row in list_log(connection, who=f"person {there.id}") if row.outcome == "refused"]
    assert len(refused) == 7
    assert refused[0].note == "GET /projects/{project}/forms/{form}: see_forms"


def test_wrong_passwords_are_told_to_wait_and_then_even_the_right_one(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As after six failures beyond the free ones: half a minute, which no slow machine reaches.
    monkeypatch.setattr("store.logins.PAIR", Rule(free=-5, longest=900.0))
    ana = person(central.store, "statistician", name="Impaciente")
    with httpx.Client(base_url=f"{central.url}/v1", trust_env=False) as guest:
        wrong, right = ({"email": "Impaciente", "password": word} for word in ("no es esta, seguro", PASSWORD))
        assert guest.post("/sessions", json=wrong).status_code == 401
        for body in (wrong, right):
            answer = guest.post("/sessions", json=body)
            assert (answer.status_code, answer.json()["code"]) == (429, 429.1)
            assert 1 < int(answer.headers["Retry-After"]) <= 32
        # A program that has the key isn't guessing.
        assert guest.post("/sessions", json=right | {"password": ana.key}).status_code == 200
