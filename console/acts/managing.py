"""What is done about people from the desk: nobody gives more than they have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from schemas.errors import AccessError
from schemas.rights import RIGHTS, may_manage
from store.audit import acting, person_actor, record
from store.open import Store
from store.passwords import generate_password, set_password
from store.people import (
    NewPerson,
    Person,
    add_person,
    get_person,
    list_people,
    new_key,
    renew_key,
    revoke_person,
    set_communes,
    set_role,
)


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


def change_role(store: Store, person: Person, number: int, role: str) -> None:
    """Give somebody another role, from their next request on.

    Raises:
        AccessError: ACC-002, ACC-003, ACC-009, no such role or person in force; ACC-123, no right over the person as
            they are or as they would be; ACC-126, it would be oneself.
    """
    target = _require_over(store, person, number)
    _not_oneself(person, target)
    _require(store, person, role, target.communes, number)
    with store.begin() as connection:
        set_role(connection, number, role)


def change_communes(store: Store, person: Person, number: int, communes: Collection[str]) -> None:
    """Bind somebody to these communes alone, to all with none; from their next request on.

    Raises:
        AccessError: ACC-003, ACC-005, ACC-009, no such person or commune; ACC-123, ACC-126 as `change_role`.
    """
    target = _require_over(store, person, number)
    _not_oneself(person, target)
    _require(store, person, target.role, communes, number)
    with store.begin() as connection:
        set_communes(connection, number, communes)


def renew_many(
    store: Store, person: Person, numbers: Collection[int], draw: Callable[[Sequence[NewPerson]], str]
) -> tuple[str, int]:
    """Give people new keys and draw their cards; the old keys go out of force once the cards are drawn.

    Returns:
        What was drawn, and how many cards it has.

    Raises:
        AccessError: ACC-003, ACC-009, somebody unknown or revoked; ACC-123, no right over one of them; ACC-128, nobody
            was chosen.
    """
    targets = [_require_over(store, person, number) for number in sorted(set(numbers))]
    if not targets:
        raise AccessError("ACC-128", "Nobody was chosen.", "Choose whose cards are to be printed.")
    if any(one.revoked_at is not None for one in targets):
        raise AccessError("ACC-009", "One of them was revoked.", "Choose people in force.")
    made = [NewPerson(one.id, one.name, one.role, new_key(), one.communes) for one in targets]
    page = draw(made)
    with acting(person_actor(person.id)), store.begin() as connection:
        for one in made:
            renew_key(connection, one.id, key=one.key)
    return page, len(made)


def _not_oneself(person: Person, target: Person) -> None:
    if target.id == person.id:
        raise AccessError("ACC-126", "Nobody changes what they may do themselves.", "Ask another administrator.")


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
