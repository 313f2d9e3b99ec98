"""What is done about people from the desk: nobody gives more than they have."""

from __future__ import annotations

from collections.abc import Collection

from schemas.errors import AccessError
from schemas.rights import RIGHTS, may_manage
from store.audit import person_actor, record
from store.open import Store
from store.passwords import generate_password, set_password
from store.people import NewPerson, Person, add_person, get_person, list_people, renew_key, revoke_person


def list_managed(store: Store, person: Person) -> list[Person]:
    """The people whom somebody may manage, in the order in which they were added."""
    with store.read() as connection:
        everybody = list_people(connection)
    return [one for one in everybody if may_manage(person, one.role, one.communes)]


def add(store: Store, person: Person, name: str, role: str, communes: Collection[str]) -> NewPerson:
    """Add a person; the key is in the answer and nowhere else.

    Raises:
        AccessError: ACC-002, ACC-005 no such role, name or commune; ACC-123, no right to add such a person.
    """
    _require(store, person, role, communes, 0)
    with store.begin() as connection:
        return add_person(connection, name, role, communes=communes)


def renew(store: Store, person: Person, number: int) -> NewPerson:
    """Give somebody another key; the old one is worthless from now on.

    Raises:
        AccessError: ACC-003, ACC-009 there is no such person in force; ACC-123, no right.
    """
    _require_over(store, person, number)
    with store.begin() as connection:
        return renew_key(connection, number)


def give_password(store: Store, person: Person, number: int) -> str:
    """Give somebody a new password, and return it: it is shown once.

    Raises:
        AccessError: ACC-003, ACC-008 there is no such person who logs in; ACC-123, no right.
    """
    _require_over(store, person, number)
    password = generate_password()
    with store.begin() as connection:
        set_password(connection, number, password)
    return password


def revoke(store: Store, person: Person, number: int) -> None:
    """Make somebody's key, password and sessions worthless; what they did stays.

    Raises:
        AccessError: ACC-003, there is no such person; ACC-123, no right, or it would be oneself.
    """
    target = _require_over(store, person, number)
    if target.id == person.id:
        raise AccessError("ACC-126", "Nobody revokes themselves.", "Ask another administrator.")
    with store.begin() as connection:
        revoke_person(connection, number)


def logs_in(role: str) -> bool:
    """Whether people of that role have a password."""
    return (role, "log_in") in RIGHTS


def _require_over(store: Store, person: Person, number: int) -> Person:
    with store.read() as connection:
        target = get_person(connection, number)
    _require(store, person, target.role, target.communes, number)
    return target


def _require(store: Store, person: Person, role: str, communes: Collection[str], number: int) -> None:
    if may_manage(person, role, communes):
        return
    with store.begin() as connection:
        record(connection, "manage_people", "person", number, outcome="refused", by=person_actor(person.id))
    message = f"A {person.role} may not manage a {role} there."
    raise AccessError("ACC-123", message, "Ask an administrator.")
