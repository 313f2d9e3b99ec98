"""Names, keys, assignments and test addresses in the store, on each database; and what is refused at the door."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrosa.access import Access, Unauthenticated
from openrosa.answers import Refusal
from openrosa.app import create_app
from openrosa.digest import NONCE_SECONDS, WINDOW, Nonces, read_claim
from schemas.errors import AccessError, StoreError
from store.arrivals import NewAttachment, NewSubmission, add_submissions
from store.assignments import add_assignment, list_assigned, remove_assignment
from store.drafts import put_draft
from store.forms import add_form_version
from store.open import Store, open_store
from store.people import add_person, get_login, get_person, ha1_of, login_of, revoke_person
from store.trials import add_trial, as_version, count_trials, get_trial, open_trial

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_a_login_is_known_until_it_is_revoked(store: Store) -> None:
    with store.begin() as connection:
        person = add_person(connection, "  Ñandú Díaz ", "enumerator", login=True)
        assert person.login == f"nandu-diaz-{person.id}"
        found = get_login(connection, person.login)
        assert found is not None
        assert (found[0], found[1]) == (get_person(connection, person.id), ha1_of(person.login, person.key))
        for other in ("", "nandu-diaz-", f"otra-{person.id}", "nandu-diaz-999", f"nandu-diaz-{'9' * 30}", "a-²"):
            assert get_login(connection, other) is None
        revoke_person(connection, person.id)
        assert get_login(connection, person.login) is None
        with pytest.raises(AccessError, match=r"^ACC-003"):
            get_person(connection, 99)


@given(st.text(), st.integers(1, 10**9))
def test_a_login_has_plain_letters_and_is_one_persons_alone(name: str, number: int) -> None:
    login = login_of(name, number)
    assert login.isascii()
    assert login.replace("-", "").isalnum()
    assert login.rpartition("-")[2] == str(number)
    assert ":" not in login


def test_assignments_are_kept_once_and_taken_back(store: Store) -> None:
    with store.begin() as connection:
        person = add_person(connection, "Rosa", "enumerator")
        for form_id in ("b", "a", "b"):
            add_assignment(connection, person.id, form_id)
        assert list_assigned(connection, person.id) == {"a", "b"}
        remove_assignment(connection, person.id, "a")
        remove_assignment(connection, person.id, "never")
        assert list_assigned(connection, person.id) == {"b"}
        assert list_assigned(connection, 99) == frozenset()
    with pytest.raises(StoreError, match=r"^STO-007"), store.begin() as connection:
        add_assignment(connection, 99, "a")


def test_a_test_address_leads_to_the_draft_of_the_moment(store: Store) -> None:
    with store.begin() as connection:
        person = add_person(connection, "Rosa", "statistician")
        first, second = open_trial(connection, "f"), open_trial(connection, "f")
        assert get_trial(connection, second) is None
        for version in ("1", "2"):
            put_draft(
                connection,
                store.blobs,
                form_id="f",
                version=version,
                title="F",
                xform=version.encode(),
                workbook=None,
                media={"a.csv": b"x"},
                person_id=person.id,
            )
        draft = get_trial(connection, second)
        assert draft is not None
        row = as_version(connection, store.blobs, draft)
        assert (row.version, row.state, row.xform_md5) == ("2", "draft", hashlib.md5(b"2").hexdigest())  # noqa: S324
        assert [(file.name, file.md5) for file in row.media] == [("a.csv", hashlib.md5(b"x").hexdigest())]  # noqa: S324
        assert get_trial(connection, first) is None


def test_trials_are_kept_once_with_their_files(store: Store) -> None:
    def sent(xml: bytes, *files: bytes) -> NewSubmission:
        held = tuple(NewAttachment("a.jpg", store.blobs.hold(file)) for file in files)
        return NewSubmission("f", "1", "uuid:1", xml, NOW, attachments=held)

    with store.begin() as connection:
        numbers = [
            add_trial(connection, store.blobs, sent(*one)) for one in ((b"1",), (b"1", b"x"), (b"1", b"x"), (b"2",))
        ]
        assert (numbers[0], numbers[0], count_trials(connection, "f")) == (numbers[1], numbers[2], 2)
        files = connection.exec_driver_sql("SELECT trial_id, name FROM trial_attachments").all()
        assert [tuple(file) for file in files] == [(numbers[0], "a.jpg")]


def test_files_of_a_conflict_are_kept_once_on_each_database(store: Store) -> None:
    def sent(xml: bytes, file: bytes) -> NewSubmission:
        return NewSubmission(
            "f", "1", "uuid:1", xml, NOW, attachments=(NewAttachment("a.jpg", store.blobs.hold(file)),)
        )

    with store.begin() as connection:
        more = {"title": "F", "xform": b"<x/>", "workbook": None, "media": {}}
        add_form_version(connection, store.blobs, form_id="f", version="1", **more)  # type: ignore[arg-type]
        items = [sent(b"<a/>", b"1"), sent(b"<b/>", b"2"), sent(b"<b/>", b"2"), sent(b"<b/>", b"3")]
        outcomes = add_submissions(connection, store.blobs, items)
        assert [outcome.status for outcome in outcomes] == ["added", "conflict", "conflict", "conflict"]
        assert connection.exec_driver_sql("SELECT count(*) FROM conflict_attachments").scalar() == 2
        assert connection.exec_driver_sql("SELECT count(*) FROM attachments").scalar() == 1


@pytest.fixture
def opened(tmp_path: Path) -> Store:
    return open_store(tmp_path / "data")


def basic(name: str, key: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{key}".encode()).decode()


def test_a_password_in_the_clear_is_looked_at_only_where_nobody_else_can_read_it(opened: Store) -> None:
    with opened, opened.begin() as connection:
        rosa = add_person(connection, "Rosa", "enumerator")
        reviewer = add_person(connection, "Eva", "reviewer", login=True)
    access = Access(opened)

    def login(header: str, *, is_secure: bool = True) -> str:
        return asyncio.run(access.login(header, "GET", {"/formList"}, is_secure=is_secure)).name

    assert login(basic("rosa", rosa.key)) == login(basic(rosa.login, rosa.key)) == "Rosa"
    for wrong in (basic("Eva", rosa.key), basic("rosa", "x"), "Basic ??", "Basic eA==", "Basic /w==", "", "Bearer x"):
        with pytest.raises(Unauthenticated):
            login(wrong)
    with pytest.raises(Unauthenticated):
        login(basic("rosa", rosa.key), is_secure=False)
    with pytest.raises(Refusal, match="ACC-102"):
        login(basic("Eva", reviewer.key))


def test_whoever_may_not_use_the_door_hears_so_after_a_right_digest(opened: Store) -> None:
    with opened, opened.begin() as connection:
        people = [
            add_person(connection, name, role, login=True) for name, role in (("Eva", "reviewer"), ("Jo", "enumerator"))
        ]
    app = create_app(opened)

    async def ask(login: str, key: str) -> int:
        auth = httpx.DigestAuth(login, key)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://h", auth=auth) as client:
            return (await client.get("/formList")).status_code

    assert [asyncio.run(ask(person.login, person.key)) for person in people] == [403, 200]


def test_a_nonce_serves_rising_counters_within_a_window_and_its_time() -> None:
    now = [1000.0]
    nonces = Nonces(lambda: now[0], secret=b"s")
    nonce = nonces.make()
    counts = [1, 1, 2, 4, 3, 3, 4, 100, 100 - WINDOW + 1, 100 - WINDOW, 5]
    used = [nonces.use(nonce, f"{count:08x}") for count in counts]
    assert used == [True, False, True, True, True, False, False, True, True, False, False]
    assert not Nonces(lambda: now[0], secret=b"other").use(nonce, "00000200")
    assert not nonces.use("", "00000001")
    assert not nonces.use("é" * 94, "00000001")
    now[0] += NONCE_SECONDS + 1
    assert not nonces.use(nonce, "00000200")


def test_not_endlessly_many_nonces_and_logins_are_remembered(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrosa.digest._MOST", 2)
    nonces = Nonces(lambda: 0.0)
    made = [nonces.make() for _ in range(3)]
    assert all(nonces.use(nonce, "00000001") for nonce in made)
    assert len(nonces._used) == 2
    assert not nonces.use(made[2], "00000001")
    monkeypatch.setattr("openrosa.access._MOST", 1)
    with opened, opened.begin() as connection:
        people = [add_person(connection, name, "enumerator", login=True) for name in ("Ana", "Eva")]
    app = create_app(opened)

    async def ask() -> list[int]:
        found = []
        for person in (*people, *people):
            auth = httpx.DigestAuth(person.login, person.key)
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://h", auth=auth) as client:
                found.append((await client.get("/formList")).status_code)
        return found

    assert asyncio.run(ask()) == [200] * 4


@given(st.text())
def test_no_header_is_too_strange_to_be_read(header: str) -> None:
    assert read_claim(header) is None
    read_claim(f"Digest {header}")
