"""Passwords and logging in: what is kept, how long a guess takes, and how guesses are slowed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from schemas.errors import AccessError
from schemas.tables import people
from store import passwords
from store.attempts import FORGET_SECONDS, Attempts, Rule
from store.audit import list_log
from store.logins import NAME, REMEMBERED_SECONDS, Logins, TooManyAttempts
from store.open import Store
from store.passwords import Credentials, generate_password, get_credentials, set_password
from store.people import add_person, get_person, renew_key, revoke_person, set_role
from store.sessions import add_session, get_person_by_token

PASSWORD = "caballo grapa batería"
OTHER = "correcto velero nube"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashes that cost nothing; one test looks at the real ones."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


def add(opened: Store, name: str, role: str = "statistician", password: str | None = PASSWORD) -> tuple[int, str]:
    with opened.begin() as connection:
        made = add_person(connection, name, role)
        if password is not None:
            set_password(connection, made.id, password)
    return made.id, made.key


def make(opened: Store) -> tuple[Logins, Clock]:
    clock = Clock()
    return Logins(opened, Attempts(clock), clock), clock


def test_a_password_is_kept_as_argon2id_with_the_parameters_of_the_rfc(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    number, _ = add(store, "Ana")
    with store.read() as connection:
        kept = connection.scalar(select(people.c.password_hash).where(people.c.id == number))
    assert str(kept).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in str(kept)
    assert make(store)[0].check("Ana", PASSWORD).id == number


@pytest.mark.parametrize("name", ["Ana Núñez", " ana núñez ", "ana-nunez-1", "Ana Nún\u0303ez"])
def test_a_person_logs_in_with_either_name_however_it_is_typed(store: Store, name: str) -> None:
    number, _ = add(store, "Ana Núñez")
    logins, _ = make(store)
    assert logins.check(name, PASSWORD).id == number
    # Keyboards write the accent in one sign or two.
    assert logins.check(name, "caballo grapa bateri\u0301a").id == number


def test_two_people_of_one_name_log_in_by_their_login_names(store: Store) -> None:
    first, _ = add(store, "Ana")
    second, _ = add(store, "Ana", password=OTHER)
    logins, _ = make(store)
    with pytest.raises(AccessError, match="ACC-010"):
        logins.check("Ana", PASSWORD)
    assert (logins.check("ana-1", PASSWORD).id, logins.check("ana-2", OTHER).id) == (first, second)


def test_a_key_still_opens_sessions_for_programs(store: Store) -> None:
    number, key = add(store, "Ana", password=None)
    logins, _ = make(store)
    assert logins.check("ANA", key).id == number
    with pytest.raises(AccessError, match="ACC-010"):
        logins.check("Eva", key)


def test_an_enumerators_key_logs_in_nowhere_and_they_get_no_password(store: Store) -> None:
    number, key = add(store, "Rosa", "enumerator", None)
    with pytest.raises(AccessError, match="ACC-012"):
        make(store)[0].check("Rosa", key)
    with pytest.raises(AccessError, match="ACC-008"), store.begin() as connection:
        set_password(connection, number, PASSWORD)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "ACC-006"),
        ("once signos", "ACC-006"),
        ("x" * 201, "ACC-006"),
        ("aaaaaaaabbbb", "ACC-007"),
        ("ana maria vidal", "ACC-007"),
        ("Ana Maria Vidal1", "ACC-007"),
    ],
)
def test_a_weak_password_is_refused_and_not_repeated(store: Store, password: str, code: str) -> None:
    with pytest.raises(AccessError, match=code) as caught:
        add(store, "Ana Maria Vidal", password=password)
    assert not password or password not in str(caught.value)


def test_generated_passwords_are_strong_enough_and_all_different(store: Store) -> None:
    made = {generate_password() for _ in range(100)}
    assert len(made) == 100
    add(store, "Ana", password=made.pop())


def test_another_password_role_key_or_a_revocation_ends_what_was_open(store: Store) -> None:
    number, key = add(store, "Ana")
    logins, _ = make(store)

    def still_in() -> bool:
        with store.begin() as connection:
            return get_person_by_token(connection, session.token) is not None

    for change in ("password", "key", "role", "revoke"):
        with store.begin() as connection:
            session = add_session(connection, get_person(connection, number))
        assert still_in()
        with store.begin() as connection:
            if change == "password":
                set_password(connection, number, OTHER)
            elif change == "key":
                renew_key(connection, number)
            elif change == "role":
                set_role(connection, number, "reviewer")
            else:
                revoke_person(connection, number)
        assert not still_in(), change
    for secret in (PASSWORD, OTHER, key):
        with pytest.raises(AccessError, match="ACC-010"):
            logins.check("Ana", secret)


def test_whoever_becomes_an_enumerator_loses_the_password(store: Store) -> None:
    number, _ = add(store, "Ana")
    with store.begin() as connection:
        set_role(connection, number, "enumerator")
        assert get_credentials(connection, "Ana") is None
        assert not get_person(connection, number).has_password


def test_an_unknown_name_costs_a_whole_check_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, "Ana")
    checked: list[str] = []
    real = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            checked.append(kept[:9])
            return real.verify(kept, password)

        def hash(self, password: str) -> str:
            return real.hash(password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    logins, _ = make(store)
    for name in ("Ana", "Eva", "", "ana-99999999999999999999"):
        with pytest.raises(AccessError, match="ACC-010"):
            logins.check(name, OTHER)
    assert checked == ["$argon2id"] * 4


def test_a_weaker_hash_of_earlier_days_is_made_anew_at_the_next_login(store: Store) -> None:
    number, _ = add(store, "Ana")
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, hash_len=16).hash(PASSWORD)
    with store.begin() as connection:
        connection.execute(update(people).where(people.c.id == number).values(password_hash=weak))
    logins, _ = make(store)
    for _ in range(2):
        assert logins.check("Ana", PASSWORD).id == number
    with store.read() as connection:
        kept = str(connection.scalar(select(people.c.password_hash)))
    assert kept != weak
    assert not passwords._hasher.check_needs_rehash(kept)


def test_wrong_passwords_cost_a_growing_wait_and_a_right_one_then_too(store: Store) -> None:
    add(store, "Ana")
    logins, clock = make(store)
    waits = []
    for _ in range(8):
        with pytest.raises(AccessError) as caught:
            logins.check("Ana", OTHER, address="10.0.0.1")
        if isinstance(caught.value, TooManyAttempts):
            waits.append(caught.value.seconds)
            clock.now += caught.value.seconds
    assert waits == [1, 2]
    with pytest.raises(AccessError):
        logins.check("Ana", OTHER, address="10.0.0.1")
    with pytest.raises(TooManyAttempts):
        logins.check("Ana", PASSWORD, address="10.0.0.1")
    # Somewhere else the same person isn't kept out.
    assert logins.check("Ana", PASSWORD, address="10.0.0.2").name == "Ana"
    clock.now += 60
    assert logins.check("Ana", PASSWORD, address="10.0.0.1").name == "Ana"


def test_many_names_from_one_address_are_slowed_and_one_name_from_many_a_little(store: Store) -> None:
    add(store, "Ana")
    logins, clock = make(store)
    assert waits_after(logins, [(f"name {number}", "10.0.0.1") for number in range(100)]) == (21, 1)
    clock.now += FORGET_SECONDS + 1
    assert waits_after(logins, [("Ana", f"10.0.1.{number}") for number in range(100)]) == (51, 1)
    for number in range(100):
        clock.now += NAME.longest
        assert waits_after(logins, [("Ana", f"10.0.2.{number}")]) == (1, 0)
    assert waits_after(logins, [("Ana", "10.0.3.1")]) == (0, int(NAME.longest))


def waits_after(logins: Logins, tries: list[tuple[str, str]]) -> tuple[int, int]:
    """How many wrong attempts were looked at, and the seconds that the next one has to wait (0: all were)."""
    for done, (name, address) in enumerate(tries):
        try:
            logins.check(name, OTHER, address=address)
        except TooManyAttempts as error:
            return done, error.seconds
        except AccessError:
            continue
    return len(tries), 0


def test_failures_are_in_the_log_without_the_name_that_was_tried(store: Store) -> None:
    number, _ = add(store, "Ana")
    logins, _ = make(store)
    for name in ("Ana", "mi clave secreta"):
        with pytest.raises(AccessError):
            logins.check(name, OTHER, address="10.0.0.1", client="10.0.0.1 pyodk")
    with store.read() as connection:
        rows = list_log(connection, act="login")
    assert [(row.who, row.object, row.outcome, row.client) for row in rows] == [
        ("nobody", str(number), "refused", "10.0.0.1 pyodk"),
        ("nobody", "", "refused", "10.0.0.1 pyodk"),
    ]
    assert "secreta" not in repr(rows)


def test_a_right_password_is_hashed_once_in_a_while_and_not_after_it_was_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, _ = add(store, "Ana")
    logins, clock = make(store)
    hashed: list[str] = []

    def count(credentials: Credentials | None, password: str) -> bool:
        hashed.append(password)
        return passwords.is_right(credentials, password)

    monkeypatch.setattr("store.logins.is_right", count)
    for _ in range(3):
        logins.check("Ana", PASSWORD)
    assert len(hashed) == 1
    clock.now += REMEMBERED_SECONDS + 1
    logins.check("Ana", PASSWORD)
    assert len(hashed) == 2
    with store.begin() as connection:
        set_password(connection, number, OTHER)
    with pytest.raises(AccessError, match="ACC-010"):
        logins.check("Ana", PASSWORD)


def test_failures_are_forgotten_after_a_quiet_time_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    attempts, rule = Attempts(clock), Rule(free=0, longest=3600.0)
    for _ in range(4):
        attempts.failed("a", rule)
    assert attempts.wait("a") == 8
    assert attempts.wait("b", "a") == 8
    clock.now += FORGET_SECONDS + 1
    attempts.failed("a", rule)
    assert attempts.wait("a") == 1
    attempts.succeeded("a")
    assert attempts.wait("a") == 0
    monkeypatch.setattr("store.attempts._MOST", 3)
    for key in "abcdef":
        attempts.failed(key, rule)
    assert [key for key in "abcdef" if attempts.wait(key)] == ["d", "e", "f"]
