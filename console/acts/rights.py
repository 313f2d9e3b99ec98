"""Whether somebody may do something, asked before it is done; a refusal stands in the audit log."""

from __future__ import annotations

from collections.abc import Collection

from schemas.errors import AccessError
from schemas.rights import may_in_part, own_part
from store import forms as form_rows
from store.audit import person_actor, record
from store.communes import communes_of
from store.interviews import list_latest
from store.open import Store
from store.people import Person


def require(store: Store, person: Person, act: str, form_id: str) -> frozenset[str] | None:
    """Go on only if the person may do that with a survey, in the commune that its latest version names.

    Returns:
        Of a survey of many communes those of a person who is bound to some: what is shown or changed is of these
        alone (`require_within`). Null for everything.

    Raises:
        AccessError: ACC-123, they may not. StoreError: STO-011, no such form.
    """
    with store.read() as connection:
        commune = form_rows.get_form_version(connection, form_id).commune
    if person.revoked_at is None and may_in_part(person, act, commune):
        return own_part(person, commune)
    raise _refused(store, person, act, "form", form_id)


def require_within(store: Store, person: Person, act: str, form_id: str, instance_ids: Collection[str]) -> None:
    """As `require`, about these interviews: in a survey of many communes each must be of one of the person's.

    Raises:
        AccessError: ACC-123, they may not. StoreError: STO-011, no such form.
    """
    within = require(store, person, act, form_id)
    if within is None:
        return
    with store.read() as connection:
        latest = list_latest(connection, form_id)
        communes = communes_of(connection, form_id, sorted({latest.get(name, name) for name in instance_ids}))
    # An interview that isn't there is looked for by whoever goes on, and told as such.
    if any(commune not in within for commune in communes.values()):
        raise _refused(store, person, act, "form", form_id)


def _refused(store: Store, person: Person, act: str, kind: str, object_id: str) -> AccessError:
    with store.begin() as connection:
        record(connection, act, kind, object_id, outcome="refused", by=person_actor(person.id))
    message = f"A {person.role} may not do that here ({act})."
    return AccessError("ACC-123", message, "Ask someone who may: comunal people list shows the roles.")
