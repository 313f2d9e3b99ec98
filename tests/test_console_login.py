"""Logging in: the cookie, wrong passwords, waiting, and nobody sent elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_visitors import Client, serve, visit

from store.open import Store, open_store
from store.passwords import set_password
from store.people import add_person

PASSWORD = "tres gatos en la mesa"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as store:
        with store.begin() as connection:
            person = add_person(connection, "Ana Soto", "statistician")
            set_password(connection, person.id, PASSWORD)
        yield store


@pytest.fixture
def client(store: Store) -> Client:
    return visit(serve(store), store).client


def log_in(client: Client, password: str = PASSWORD, **fields: str) -> tuple[int, str, str]:
    answer = client.post("/desk/login", data={"name": "ana-soto-1", "password": password} | fields)
    return answer.status_code, answer.headers.get("location", ""), answer.headers.get("set-cookie", "")


def test_the_session_cookie_is_for_this_desk_alone(client: Client) -> None:
    status, location, cookie = log_in(client)
    assert (status, location) == (303, "/desk/")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/desk/" in cookie
    assert client.get("/desk/").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/desk/people", "/desk/people"),
        ("https://evil.test/", "/desk/"),
        ("//evil.test/desk/", "/desk/"),
        ("/desk/\\evil.test", "/desk/"),
        ("/deskevil", "/desk/"),
        ("/desk/\nx", "/desk/"),
    ],
)
def test_after_login_one_goes_where_one_wanted_within_the_desk(client: Client, wanted: str, location: str) -> None:
    assert log_in(client, next=wanted)[1] == location


def test_wrong_passwords_are_told_alike_and_then_wait(client: Client) -> None:
    first = client.post("/desk/login", data={"name": "ana-soto-1", "password": "no"}, headers={"accept-language": "es"})
    nobody = client.post("/desk/login", data={"name": "nadie", "password": "no"}, headers={"accept-language": "es"})
    assert first.status_code == nobody.status_code == 403
    assert first.text == nobody.text
    statuses = [log_in(client, "no")[0] for _ in range(5)]
    assert statuses[-1] == 429
    assert log_in(client)[0] == 429, "a right password waits too"


def test_the_language_is_kept_and_asked_of_the_browser(client: Client) -> None:
    assert 'lang="ht"' in client.get("/desk/login", headers={"accept-language": "ht,es;q=0.5"}).text
    answer = client.get("/desk/language/en?next=/desk/login")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/login")
    assert '<html lang="en">' in client.get("/desk/login", headers={"accept-language": "ht"}).text


def test_a_form_larger_than_any_of_ours_is_refused(client: Client) -> None:
    assert client.post("/desk/login", content=b"name=" + b"a" * 300_000).status_code == 413
